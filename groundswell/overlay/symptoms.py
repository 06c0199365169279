"""What a company that has outgrown self-serve shows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.overlay.checks import Check, checked
from groundswell.overlay.facts import (
    ACCOUNTS,
    FEATURES,
    SUBSCRIPTIONS,
    TOUCHES,
    at_end,
    is_known,
    within,
)
from groundswell.overlay.figures import Figure, recent, share_of
from groundswell.overlay.growth import YEAR, read_growth
from groundswell.overlay.quarters import quarters_until
from groundswell.overlay.signals.inbound import FORMAL
from groundswell.overlay.signals.signal import Evidence

if TYPE_CHECKING:
    from datetime import date

    from groundswell.config.overlay_schema import OverlayBlock
    from groundswell.overlay.facts import OverlayFacts
    from groundswell.overlay.quarters import Quarter

_SECTION = "symptoms"
_GROWTH = "ARR of seven quarter-ends: load `subscriptions` that go back so far"


def read_symptoms(facts: OverlayFacts, terms: OverlayBlock) -> tuple[Check, ...]:
    """Return which symptoms of a ceiling are seen."""
    quarters = quarters_until(facts.as_of, terms.quarters)
    return (
        _growth_ceiling(facts, terms, quarters),
        _concentration(facts, terms, quarters[-1]),
        _big_accounts(facts, terms, quarters[-1]),
        _unanswered(facts, terms, quarters[-2:]),
        _nrr(facts, terms, quarters),
    )


def _growth_ceiling(
    facts: OverlayFacts, terms: OverlayBlock, quarters: tuple[Quarter, ...]
) -> Check:
    growth = read_growth(facts.self_serve_arr, quarters)
    kept = _signups_kept(facts, quarters[-2:])
    figures = {"now": growth.now, "before": growth.before, "kept": kept}
    lines = terms.symptoms
    holds = None
    if growth.now is not None and growth.before is not None and kept is not None:
        holds = (
            (growth.now.value or 0.0) <= lines.growth_ceiling
            and (growth.before.value or 0.0) >= lines.growth_before
            and (kept.value or 0.0) >= lines.signups_kept
        )
    return checked(
        _SECTION, "growth_ceiling", holds=holds, figures=figures, missing=(_GROWTH, ACCOUNTS)
    )


def _signups_kept(facts: OverlayFacts, quarters: tuple[Quarter, ...]) -> Figure | None:
    """Return how many times as many signed up in two quarters as in those a year before."""
    if not is_known(facts.accounts, "signed_up"):
        return None
    earlier = tuple(one.earlier(YEAR) for one in quarters)
    now = within(facts.accounts, "signed_up", *quarters).height
    before = within(facts.accounts, "signed_up", *earlier).height
    if not before:
        return None
    return Figure(now / before, n=now, unit="share", source="accounts: signed_up")


def _concentration(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> Check:
    """Tell whether few accounts make much of the revenue, and some of them left unowned."""
    lines = terms.symptoms
    if not is_known(facts.arr, "account_id", "day", "arr_cents"):
        return checked(_SECTION, "concentration", holds=None, figures={}, missing=(SUBSCRIPTIONS,))
    then = paying_at(facts.arr, quarter.earlier(2).last)
    now = paying_at(facts.arr, quarter.last)
    if not now.height or not then.height:
        return checked(_SECTION, "concentration", holds=None, figures={}, missing=(SUBSCRIPTIONS,))
    top_now = now.head(max(round(now.height * lines.top_share), 1))
    share = int(top_now["arr_cents"].sum()) / int(now["arr_cents"].sum())
    top_then = then.head(max(round(then.height * lines.top_share), 1))
    shrunk = (
        top_then.join(now.rename({"arr_cents": "now_cents"}), on="account_id", how="left")
        .with_columns(pl.col("now_cents").fill_null(0))
        .filter(pl.col("now_cents") < pl.col("arr_cents"))
    )
    if is_known(facts.accounts, "account_id", "owner"):
        owned = facts.accounts.filter(pl.col("owner").is_not_null())
        shrunk = shrunk.join(owned, on="account_id", how="anti")
    figures = {
        "top": Figure(share, n=top_now.height, unit="share", source="arr"),
        "lost": Figure(float(shrunk.height), n=top_then.height, source="arr, owner"),
    }
    return checked(
        _SECTION,
        "concentration",
        holds=share >= lines.top_revenue and shrunk.height >= lines.top_lost,
        figures=figures,
        evidence=(
            Evidence(
                row["account_id"],
                f"ARR from {row['arr_cents'] / 100:,.0f} to {row['now_cents'] / 100:,.0f}"
                " in two quarters, nobody owns it",
            )
            for row in shrunk.iter_rows(named=True)
        ),
        of=f"{lines.top_share:.0%}",
    )


def paying_at(arr: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return what each account pays at the end of a day, who pays most first."""
    return (
        arr.filter(pl.col("day") <= day)
        .sort("day")
        .group_by("account_id")
        .agg(pl.col("arr_cents").last())
        .filter(pl.col("arr_cents") > 0)
        .sort("arr_cents", "account_id", descending=[True, False])
    )


def _big_accounts(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> Check:
    """Tell whether big accounts that pay use few seats, and no more than some quarters before."""
    lines = terms.symptoms
    now, then = (at_end(facts.features, quarter.earlier(by)) for by in (0, lines.big_quarters))
    if not is_known(now, "seats_used", "employees", "mrr") or not is_known(then, "seats_used"):
        return checked(
            _SECTION, "big_accounts_stalled", holds=None, figures={}, missing=(FEATURES,)
        )
    seats, before = pl.col("seats_used"), pl.col("seats_before")
    stalled = (
        now.join(then.select("account_id", seats_before="seats_used"), on="account_id", how="inner")
        .filter(
            pl.col("employees") >= lines.big_employees,
            pl.col("mrr") > 0,
            seats > 0,
            seats <= lines.big_seat_share * pl.col("employees"),
            (seats - before).abs() <= lines.big_change * before,
        )
        .sort("employees", "account_id", descending=[True, False])
    )
    return checked(
        _SECTION,
        "big_accounts_stalled",
        holds=stalled.height >= lines.big_accounts,
        figures={"accounts": Figure(float(stalled.height), n=stalled.height, source="features")},
        evidence=(
            Evidence(
                row["account_id"],
                f"{row['employees']:,.0f} employees, {row['seats_used']:.0f} seats,"
                f" {row['seats_before']:.0f} before",
            )
            for row in stalled.iter_rows(named=True)
        ),
        quarters=lines.big_quarters,
        employees=lines.big_employees,
    )


def _unanswered(facts: OverlayFacts, terms: OverlayBlock, quarters: tuple[Quarter, ...]) -> Check:
    """Tell whether enterprises that ask are left without an answer."""
    lines = terms.symptoms
    answers = _answers(facts)
    asks = _asks(facts, quarters)
    if answers is None or asks is None:
        missing = (TOUCHES,) if answers is None else (ACCOUNTS,)
        return checked(_SECTION, "inbound_unanswered", holds=None, figures={}, missing=missing)
    ripe = asks.filter(pl.col("day") <= facts.as_of - timedelta(days=lines.answer_days))
    late = pl.col("on") - pl.col("day")
    answered = ripe.join(answers, on="account_id").filter(
        late.is_between(timedelta(days=-1), timedelta(days=lines.answer_days))
    )
    alone = ripe.join(answered, on="account_id", how="anti").sort("day", "account_id")
    share = share_of(alone.height, ripe.height, source="hands raised and asks, touches")
    is_many = alone.height >= lines.unanswered_accounts
    return checked(
        _SECTION,
        "inbound_unanswered",
        holds=is_many and (share.value or 0.0) >= lines.unanswered,
        figures={"share": share, "accounts": Figure(float(alone.height), n=ripe.height)},
        evidence=(
            Evidence(account, f"asked on {day}, no answer in {lines.answer_days} days")
            for account, day in alone.select("account_id", "day").iter_rows()
        ),
        asked=ripe.height,
        days=lines.answer_days,
    )


def _answers(facts: OverlayFacts) -> pl.DataFrame | None:
    """Return when people touched accounts; None where nobody says whether anybody did."""
    found = [
        frame.filter(pl.col(column).is_not_null()).select(
            "account_id", on=pl.col(column).cast(pl.Date)
        )
        for frame, column in ((facts.touches, "at"), (facts.handoffs, "first_touch_at"))
        if is_known(frame, "account_id", column)
    ]
    return pl.concat(found) if found else None


def _asks(facts: OverlayFacts, quarters: tuple[Quarter, ...]) -> pl.DataFrame | None:
    """Return the first ask of each account in some quarters: a raised hand, or a formal one."""
    found: list[pl.DataFrame] = []
    if is_known(facts.accounts, "account_id", "hand_raised"):
        found.append(facts.accounts.select("account_id", day=pl.col("hand_raised")))
    if is_known(facts.asks, "account_id", "kind", "day"):
        formal = facts.asks.filter(pl.col("kind").is_in([*FORMAL, "hand_raise"]))
        found.append(formal.select("account_id", "day"))
    if not found:
        return None
    rows = within(pl.concat(found).drop_nulls(), "day", *quarters)
    return rows.group_by("account_id").agg(pl.col("day").min())


def _nrr(facts: OverlayFacts, terms: OverlayBlock, quarters: tuple[Quarter, ...]) -> Check:
    lines = terms.symptoms
    last = recent(facts.nrr, quarters[-2:])
    known = [one.value for one in last if one is not None and one.value is not None]
    stuck = len(known) == len(last) and all(
        lines.nrr_low <= value <= lines.nrr_high for value in known
    )
    return checked(
        _SECTION,
        "nrr_plateau",
        holds=stuck if len(known) == len(last) else None,
        figures={"before": last[0], "now": last[-1]},
        missing=("NRR of two quarters: load `subscriptions` that go back eighteen months",),
        low=f"{lines.nrr_low:.0%}",
        high=f"{lines.nrr_high:.0%}",
    )
