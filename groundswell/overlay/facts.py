"""What the overlay is judged by: frames of accounts and deals, and numbers by quarter."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.overlay.figures import Figure
    from groundswell.overlay.quarters import Quarter


@dataclass(frozen=True, slots=True)
class TeamInPlace:
    """People of one role.

    Attributes:
        role: Such as `sales_assist`, `smb_ae`, `expansion_ae`, `enterprise_ae`, `csm`, `manager`.
        since: Since when there is one; None where nobody said.
        people: How many.
    """

    role: str
    since: date | None = None
    people: int = 1


@dataclass(frozen=True, slots=True)
class Practice:
    """How the company works its PQLs; None for what is not known.

    Attributes:
        pql_since: Since when a definition of the PQL is in use; None for none.
        score_is_fitted: Whether the score in use was learned from outcomes.
        routing_learned: Whether routing is tuned by its outcomes: assignment by free capacity, and
            service levels that are looked after.
        outcomes_return: Whether outcomes and declines come back into the score's labels.
        has_events: Whether activation, limits and pricing views are told by the product.
    """

    pql_since: date | None = None
    score_is_fitted: bool | None = None
    routing_learned: bool | None = None
    outcomes_return: bool | None = None
    has_events: bool | None = None


def _none() -> pl.DataFrame:
    return pl.DataFrame()


def _no_figures() -> dict[str, Figure]:
    return {}


def _no_motions() -> dict[str, dict[str, Figure]]:
    return {}


@dataclass(frozen=True)
class OverlayFacts:
    """Everything that signals, readiness, symptoms and the verdict are told from, as of a day.

    A frame without rows, and a figure that is not there, is something nobody knows: it is asked
    for by name, and never taken for zero. Figures are by quarter, such as `2026-Q1`.

    Attributes:
        as_of: What was known by the end of this UTC day.
        accounts: account_id, employees, owner, is_free_mail, signed_up, activated, hand_raised,
            paid.
        features: One row per account and quarter-end (account_id, as_of, every feature).
        arr: account_id, day, arr_cents - the total from that day on.
        opportunities: opportunity_id, account_id, created_at, amount_cents, closed_at, won,
            lost_reason, competitor.
        touches: account_id, at.
        tickets: account_id, topic, at.
        asks: account_id, kind (`security`, `procurement` or `hand_raise`), topic (may be missing),
            day - every ask of an account. Without it, features of quarter-ends tell of four weeks.
        handoffs: As the journal tells: account_id, motion, play, opened_at, first_touch_at, due_at,
            closed_at, state, reason, urgent.
        pqls: account_id, qualified_on, motion, tier.
        conversion: Self-serve conversion, free to paid, as a share of those who signed up.
        time_to_value: Median days from sign-up to activation.
        nrr: Net revenue retention over a year, 1.1 for 110%.
        arr_total: ARR at the quarter's end, in cents.
        self_serve_arr: Of this, of accounts that nobody worked; the total where nobody sells.
        new_arr: By motion: new and expansion ARR of the quarter, in cents.
        cac_payback: Months, blended over motions.
        disputes: How many disputes and edits of attribution there were in a quarter.
        gross_margin: Of recurring revenue, as a share.
        self_serve_cap_cents: What the highest self-serve plan takes a year, at its limit.
        teams: Who sells, and since when.
        practice: How PQLs are worked.
    """

    as_of: date
    accounts: pl.DataFrame = field(default_factory=_none)
    features: pl.DataFrame = field(default_factory=_none)
    arr: pl.DataFrame = field(default_factory=_none)
    opportunities: pl.DataFrame = field(default_factory=_none)
    touches: pl.DataFrame = field(default_factory=_none)
    tickets: pl.DataFrame = field(default_factory=_none)
    asks: pl.DataFrame = field(default_factory=_none)
    handoffs: pl.DataFrame = field(default_factory=_none)
    pqls: pl.DataFrame = field(default_factory=_none)
    conversion: Mapping[str, Figure] = field(default_factory=_no_figures)
    time_to_value: Mapping[str, Figure] = field(default_factory=_no_figures)
    nrr: Mapping[str, Figure] = field(default_factory=_no_figures)
    arr_total: Mapping[str, Figure] = field(default_factory=_no_figures)
    self_serve_arr: Mapping[str, Figure] = field(default_factory=_no_figures)
    new_arr: Mapping[str, Mapping[str, Figure]] = field(default_factory=_no_motions)
    cac_payback: Mapping[str, Figure] = field(default_factory=_no_figures)
    disputes: Mapping[str, int] = field(default_factory=dict[str, int])
    gross_margin: float | None = None
    self_serve_cap_cents: int | None = None
    teams: tuple[TeamInPlace, ...] = ()
    practice: Practice = Practice()


ACCOUNTS = "accounts (employees, domain): load `accounts` and `events`"
NEW = "accounts that signed up in {}: load `events` up to its end"
USED = "usage at the end of {}: load `events` up to then"
FEATURES = "features at quarter-ends: load `events` and `subscriptions`"
SUBSCRIPTIONS = "subscriptions (plan, mrr, started_at, ended_at): load `subscriptions`"
OPPORTUNITIES = "opportunities (amount, won, closed_at): load them, or read them back from a CRM"
LOST = "lost_reason and competitor of lost opportunities: let whoever closes one say both"
TOUCHES = "touches (account_id, rep, at): load `touches`, or read them back from a CRM"
ASKS = "security and procurement asks: map the meanings `security_asked` and `procurement_asked`"


def is_known(frame: pl.DataFrame, *columns: str) -> bool:
    """Return whether a frame has rows, and these columns."""
    return frame.height > 0 and set(columns) <= set(frame.columns)


def within(frame: pl.DataFrame, column: str, *quarters: Quarter) -> pl.DataFrame:
    """Return the rows of a day or an instant within quarters that follow each other."""
    day = pl.col(column).cast(pl.Date)
    return frame.filter(day.is_between(quarters[0].first, quarters[-1].last))


def at_end(features: pl.DataFrame, quarter: Quarter) -> pl.DataFrame:
    """Return the features of accounts as of the end of a quarter."""
    if not is_known(features, "account_id", "as_of"):
        return pl.DataFrame()
    return features.filter(pl.col("as_of") == quarter.last)


def business(accounts: pl.DataFrame) -> pl.DataFrame:
    """Return the accounts that are companies rather than personal addresses."""
    if "is_free_mail" not in accounts.columns:
        return accounts
    return accounts.filter(~pl.col("is_free_mail").fill_null(value=False))
