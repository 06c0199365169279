"""The pieces that a stage of maturity is made of, each seen in the company's own data."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.model import Motion
from groundswell.overlay.checks import Check
from groundswell.overlay.facts import FEATURES, OPPORTUNITIES, TOUCHES, at_end, is_known, within
from groundswell.overlay.figures import Figure, share_of
from groundswell.overlay.quarters import quarters_until
from groundswell.overlay.signals.signal import Evidence
from groundswell.overlay.words import tell, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from groundswell.config.overlay_schema import OverlayBlock
    from groundswell.overlay.facts import OverlayFacts

HANDOFFS = "handoffs: run `groundswell run`, and let reps work the queue"
_SECTION = "pieces"
_LOST = ("declined", "lost", "expired")
"""States of a handoff that came to nothing."""


def read_pieces(facts: OverlayFacts, terms: OverlayBlock) -> tuple[Check, ...]:
    """Return whether each piece is there, in the order in which they are put in place."""
    handoffs = _recent_handoffs(facts)
    return (
        _told("events_mapped", is_so=facts.practice.has_events),
        _asks_answered(facts, terms),
        _pql_defined(facts),
        _proactive(facts, terms, handoffs),
        _share(
            "context_given", handoffs, pl.col("play").is_not_null(), terms.maturity.briefed, "play"
        ),
        _feedback(facts, terms, handoffs),
        _enterprise_grows(facts),
        _told("fitted_score", is_so=facts.practice.score_is_fitted),
        _motions(terms, handoffs),
        _routing(facts, terms, handoffs),
        _one_layer(facts, terms),
    )


def _recent_handoffs(facts: OverlayFacts) -> pl.DataFrame:
    if not is_known(facts.handoffs, "account_id", "opened_at"):
        return pl.DataFrame()
    return within(facts.handoffs, "opened_at", *quarters_until(facts.as_of, 2))


def _piece(
    name: str,
    *,
    holds: bool | None,
    figures: Mapping[str, Figure] | None = None,
    evidence: Iterable[Evidence] = (),
    missing: Iterable[str] = (),
    **values: object,
) -> Check:
    told = dict(figures or {})
    filled = {key: str(one) for key, one in told.items()}
    why = tell("checks", "not_known") if holds is None else tell(_SECTION, name, **filled, **values)
    title = str(words()[_SECTION][name]["title"])
    lacking = tuple(missing) if holds is None else ()
    return Check(name, title, holds, why, told, tuple(evidence), lacking)


def _told(name: str, *, is_so: bool | None) -> Check:
    """Return a piece that is either there or not."""
    missing = (tell("pieces_missing", name),)
    return _piece(name, holds=is_so, missing=missing, is_so=_so(holds=is_so))


def _so(*, holds: bool | None) -> str:
    return "is" if holds else "is not"


def _asks_answered(facts: OverlayFacts, terms: OverlayBlock) -> Check:
    """Tell whether anybody works accounts at all."""
    quarters = quarters_until(facts.as_of, 2)
    found = [
        within(frame, column, *quarters).select("account_id")
        for frame, column in ((facts.touches, "at"), (facts.handoffs, "first_touch_at"))
        if is_known(frame, "account_id", column)
    ]
    if not found and not facts.teams:
        return _piece("asks_answered", holds=None, missing=(TOUCHES,))
    worked = pl.concat(found) if found else pl.DataFrame(schema={"account_id": pl.String})
    ids = worked["account_id"].unique().sort()
    return _piece(
        "asks_answered",
        holds=len(ids) >= terms.maturity.handoffs,
        figures={"accounts": Figure(float(len(ids)), n=len(ids), source="touches, handoffs")},
        evidence=(Evidence(account, "touched in the last two quarters") for account in ids),
        people=sum(one.people for one in facts.teams),
    )


def _pql_defined(facts: OverlayFacts) -> Check:
    since = facts.practice.pql_since
    is_defined = since is not None and since <= facts.as_of
    return _piece(
        "pql_defined",
        holds=is_defined,
        when=f"in use since {since}" if is_defined else "none in use",
    )


def _proactive(facts: OverlayFacts, terms: OverlayBlock, handoffs: pl.DataFrame) -> Check:
    """Tell whether accounts are handed over that have not asked before."""
    if not handoffs.height:
        return _piece("proactive_handoffs", holds=None, missing=(HANDOFFS,))
    raised = handoffs.with_columns(hand_raised=pl.lit(None, dtype=pl.Date))
    if is_known(facts.accounts, "account_id", "hand_raised"):
        raised = handoffs.join(
            facts.accounts.select("account_id", "hand_raised"), on="account_id", how="left"
        )
    since = pl.col("opened_at").cast(pl.Date) - pl.col("hand_raised")
    answers = since.is_between(timedelta(0), timedelta(days=terms.maturity.raised_days))
    if "urgent" in raised.columns:
        answers = answers.fill_null(value=False) | pl.col("urgent").fill_null(value=False)
    ahead = ~answers.fill_null(value=False)
    found = _share("proactive_handoffs", raised, ahead, terms.maturity.proactive)
    return replace(found, holds=bool(found.holds) and raised.height >= terms.maturity.handoffs)


def _share(name: str, rows: pl.DataFrame, holds: pl.Expr, least: float, *columns: str) -> Check:
    """Return whether enough of some handoffs are so."""
    if not rows.height or not set(columns) <= set(rows.columns):
        return _piece(name, holds=None, missing=(HANDOFFS,))
    told = rows.with_columns(holds.fill_null(value=False).alias("holds"))
    share = share_of(int(told["holds"].sum()), told.height, source="handoffs of two quarters")
    return _piece(
        name,
        holds=(share.value or 0.0) >= least,
        figures={"share": share},
        evidence=(
            Evidence(account, tell("pieces_missing", name))
            for account in told.filter(~pl.col("holds"))["account_id"].unique().sort()
        ),
        count=told.height,
        least=f"{least:.0%}",
    )


def _feedback(facts: OverlayFacts, terms: OverlayBlock, handoffs: pl.DataFrame) -> Check:
    """Tell whether reps say why a handoff came to nothing, and whether that is learned from."""
    name = "feedback_returns"
    if not is_known(handoffs, "state", "reason"):
        return _piece(name, holds=None, missing=(HANDOFFS,))
    lost = handoffs.filter(pl.col("state").is_in(_LOST))
    if not lost.height:
        return _piece(name, holds=None, missing=(tell("pieces_missing", "no_outcomes"),))
    told = _share(name, lost, pl.col("reason").is_not_null(), terms.maturity.told_why, "reason")
    if told.holds and facts.practice.outcomes_return is False:
        return _piece(
            name, holds=False, figures=told.figures, count=lost.height, least="a score that learns"
        )
    return told


def _enterprise_grows(facts: OverlayFacts) -> Check:
    """Tell whether the enterprise share of PQLs is more than two quarters before."""
    name = "enterprise_grows"
    missing = ("PQLs of four quarters, each with its motion",)
    if not is_known(facts.pqls, "account_id", "qualified_on", "motion"):
        return _piece(name, holds=None, missing=missing)
    quarters = quarters_until(facts.as_of, 4)
    before, now = (
        within(facts.pqls, "qualified_on", *half) for half in (quarters[:2], quarters[2:])
    )
    if not before.height or not now.height:
        return _piece(name, holds=None, missing=missing)
    shares = [_enterprise_share(rows) for rows in (before, now)]
    grows = (shares[1].value or 0.0) > (shares[0].value or 0.0)
    return _piece(
        name,
        holds=grows,
        figures={"now": shares[1], "before": shares[0]},
        evidence=(
            Evidence(account, "an enterprise PQL of the last two quarters")
            for account in now.filter(pl.col("motion") == str(Motion.ENTERPRISE))["account_id"]
            .unique()
            .sort()
        ),
    )


def _enterprise_share(rows: pl.DataFrame) -> Figure:
    hits = rows.filter(pl.col("motion") == str(Motion.ENTERPRISE)).height
    return share_of(hits, rows.height, source="PQLs by motion")


def _motions(terms: OverlayBlock, handoffs: pl.DataFrame) -> Check:
    """Tell whether more than one motion is in use."""
    name = "motions_by_segment"
    if not is_known(handoffs, "motion"):
        return _piece(name, holds=None, missing=(HANDOFFS,))
    counts = handoffs.group_by("motion").len().filter(pl.col("len") >= terms.maturity.handoffs)
    motions = sorted(counts["motion"].drop_nulls().to_list())
    return _piece(
        name,
        holds=len(motions) > 1,
        figures={"motions": Figure(float(len(motions)), n=handoffs.height, source="handoffs")},
        names=", ".join(motions) or "none",
        least=terms.maturity.handoffs,
    )


def _routing(facts: OverlayFacts, terms: OverlayBlock, handoffs: pl.DataFrame) -> Check:
    name = "routing_optimised"
    touched = pl.col("first_touch_at")
    in_time = (touched <= pl.col("due_at")).fill_null(value=False)
    told = _share(name, handoffs, in_time, terms.maturity.in_time, "first_touch_at", "due_at")
    learned = facts.practice.routing_learned
    if told.holds and learned is not True:
        missing = (tell("pieces_missing", "routing_learned"),)
        return _piece(
            name,
            holds=None if learned is None else False,
            figures=told.figures,
            missing=missing,
            count=handoffs.height,
            least=f"{terms.maturity.in_time:.0%}, and assignment by free capacity",
        )
    return told


def _one_layer(facts: OverlayFacts, terms: OverlayBlock) -> Check:
    """Tell whether the accounts of opportunities use the product, as far as anybody can see."""
    name = "one_data_layer"
    if not is_known(facts.opportunities, "account_id", "created_at"):
        return _piece(name, holds=None, missing=(OPPORTUNITIES,))
    quarters = quarters_until(facts.as_of, 2)
    opened = within(facts.opportunities, "created_at", *quarters)
    used = [at_end(facts.features, one) for one in quarters]
    known = [one.select("account_id") for one in used if is_known(one, "account_id")]
    if not known or not opened.height:
        return _piece(name, holds=None, missing=(FEATURES if not known else OPPORTUNITIES,))
    joined = opened.join(pl.concat(known).unique(), on="account_id", how="semi")
    share = share_of(joined.height, opened.height, source="opportunities with usage")
    apart = opened.join(joined, on="account_id", how="anti")["account_id"]
    return _piece(
        name,
        holds=(share.value or 0.0) >= terms.maturity.joined,
        figures={"share": share},
        evidence=(
            Evidence(str(account), "an opportunity without usage")
            for account in apart.drop_nulls().unique().sort()
        ),
        count=opened.height,
        least=f"{terms.maturity.joined:.0%}",
    )
