"""Whether the engine runs: what has to hold before anything is laid over self-serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.overlay.checks import Check, checked
from groundswell.overlay.facts import ACCOUNTS, FEATURES, at_end, business, is_known
from groundswell.overlay.figures import Figure, fell, pooled, recent, share_of
from groundswell.overlay.quarters import quarters_until
from groundswell.overlay.signals.inbound import enterprise_shaped
from groundswell.overlay.signals.signal import Evidence
from groundswell.overlay.signals.usage import rich_unpaid

if TYPE_CHECKING:
    from groundswell.config.overlay_schema import OverlayBlock
    from groundswell.overlay.facts import OverlayFacts
    from groundswell.overlay.quarters import Quarter

FUNNEL = ("conversion", "time_to_value")
"""Those without which the funnel is mended first, whatever the signals say."""

_SECTION = "readiness"
CONVERSION = "self-serve conversion of two quarters: load `events` and `subscriptions`"
TIME_TO_VALUE = "days to activation of two quarters: map the meaning of activation to events"
NRR = "NRR of {} quarters: load `subscriptions` that go back so far, and a year more"


def check_readiness(facts: OverlayFacts, terms: OverlayBlock) -> tuple[Check, ...]:
    """Return whether each thing that has to hold does."""
    quarters = quarters_until(facts.as_of, terms.quarters)
    return (
        _conversion(facts, terms, quarters),
        _time_to_value(facts, terms, quarters),
        _nrr(facts, terms, quarters),
        _inbound(facts, terms, quarters[-2:]),
        _cohort(facts, terms, quarters[-1]),
    )


def _conversion(facts: OverlayFacts, terms: OverlayBlock, quarters: tuple[Quarter, ...]) -> Check:
    now = pooled(recent(facts.conversion, quarters[-2:]))
    before = pooled(recent(facts.conversion, (one.earlier(2) for one in quarters[-2:])))
    least = terms.readiness.conversion
    holds = None
    if now is not None and now.value is not None:
        holds = now.value >= least and not fell(now, before, terms.readiness.conversion_fall)
    return checked(
        _SECTION,
        "conversion",
        holds=holds,
        figures={"now": now, "before": before, "least": Figure(least, unit="share")},
        missing=(CONVERSION,),
    )


def _time_to_value(
    facts: OverlayFacts, terms: OverlayBlock, quarters: tuple[Quarter, ...]
) -> Check:
    last = recent(facts.time_to_value, quarters[-2:])
    now = pooled(last)
    before = pooled(recent(facts.time_to_value, (one.earlier(2) for one in quarters[-2:])))
    most = terms.readiness.time_to_value_days
    holds = None
    if now is not None and now.value is not None:
        holds = now.value <= most and not _is_longer(
            now, before, last[-1], terms.readiness.time_to_value_growth
        )
    return checked(
        _SECTION,
        "time_to_value",
        holds=holds,
        figures={"now": now, "before": before, "most": Figure(most, unit="days")},
        missing=(TIME_TO_VALUE,),
    )


def _is_longer(now: Figure, before: Figure | None, last: Figure | None, by: float) -> bool:
    """Return whether a median grew by such a part, beyond what its interval allows."""
    if now.value is None or before is None or not before.value:
        return False
    is_beyond = last is None or last.low is None or last.low > before.value
    return now.value > before.value * (1 + by) and is_beyond


def _nrr(facts: OverlayFacts, terms: OverlayBlock, quarters: tuple[Quarter, ...]) -> Check:
    needed = terms.readiness.nrr_quarters
    asked = [quarters[-1].earlier(back) for back in range(needed)]
    known = [one for one in recent(facts.nrr, asked) if one is not None]
    holds = True if len(known) == needed else None
    figures = {"now": known[0] if known else None, "first": known[-1] if known else None}
    missing = (NRR.format(needed),)
    return checked(_SECTION, "nrr", holds=holds, figures=figures, missing=missing, quarters=needed)


def _inbound(facts: OverlayFacts, terms: OverlayBlock, quarters: tuple[Quarter, ...]) -> Check:
    """Tell whether who looks like an enterprise is a company, and at work in the product."""
    if not is_known(facts.accounts, "account_id", "signed_up", "employees"):
        return checked(_SECTION, "inbound", holds=None, figures={}, missing=(ACCOUNTS,))
    shaped = pl.concat([enterprise_shaped(facts, terms, one) for one in quarters])
    working = _working(facts, quarters)
    if working is None:
        return checked(_SECTION, "inbound", holds=None, figures={}, missing=(FEATURES,))
    companies = shaped.join(business(facts.accounts), on="account_id", how="semi")
    real = companies.join(working, on="account_id", how="semi")
    share = share_of(real.height, shaped.height, source="enterprise-shaped accounts at work")
    is_enough = shaped.height >= terms.readiness.inbound_accounts
    holds = is_enough and (share.value or 0.0) >= terms.readiness.inbound_real
    return checked(
        _SECTION,
        "inbound",
        holds=holds,
        figures={"real": share, "accounts": Figure(float(shaped.height), n=shaped.height)},
        evidence=(Evidence(*row) for row in real.iter_rows()),
        count=real.height,
        least=terms.readiness.inbound_accounts,
    )


def _working(facts: OverlayFacts, quarters: tuple[Quarter, ...]) -> pl.DataFrame | None:
    """Return the accounts that were active at the end of any of the quarters."""
    rows = [at_end(facts.features, one) for one in quarters]
    known = [one for one in rows if is_known(one, "account_id", "active_users_28d")]
    if not known:
        return None
    return pl.concat(
        one.filter(pl.col("active_users_28d") > 0).select("account_id") for one in known
    ).unique()


def _cohort(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> Check:
    reading = rich_unpaid(facts, terms, quarter)
    rows = at_end(facts.features, quarter)
    worth = None
    if is_known(rows, "account_id", "estimated_acv"):
        ids = [one.account_id for one in reading.evidence]
        acv = rows.filter(pl.col("account_id").is_in(ids))["estimated_acv"].drop_nulls()
        worth = Figure(float(acv.sum()) * 100, n=acv.len(), unit="money", source="estimated_acv")
    return checked(
        _SECTION,
        "cohort",
        holds=None if reading.missing else True,
        figures={"share": reading.figure, "worth": worth},
        evidence=reading.evidence,
        missing=reading.missing,
        count=reading.counted,
    )
