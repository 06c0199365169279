"""Whether an hour in the queue of PQLs pays a rep more than an hour of cold prospecting.

Where it does not, reps prospect, whatever they are told: the rates that would mend it are solved
for exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from groundswell.config.commissions import CommissionPlan, Worked

_STEP = Fraction(1, 1000)
_YEAR, _MATURE = 365, 90
_FROM_DATA, _GIVEN = "data", "configuration"


@dataclass(frozen=True, slots=True)
class Side:
    """What working one kind of account takes and brings; None is not known.

    Attributes:
        conversion: Share of accounts worked that buy.
        acv_cents: What one pays a year that buys.
        hours: What an account takes, won or not.
        baseline_cents: Of the ACV, on what no commission is paid.
        n: Accounts that the conversion was told from; 0 where it was given.
        sources: What told each, by name: `data` or `configuration`.
    """

    conversion: Fraction | None = None
    acv_cents: int | None = None
    hours: Fraction | None = None
    baseline_cents: int = 0
    n: int = 0
    sources: tuple[tuple[str, str], ...] = ()

    def per_hour(self, rate: Fraction) -> Fraction | None:
        """Return what an hour is expected to pay, in cents; None where something is not known."""
        if self.conversion is None or self.acv_cents is None or self.hours is None:
            return None
        paid_on = max(self.acv_cents - self.baseline_cents, 0)
        return self.conversion * paid_on * rate / self.hours

    def missing(self) -> tuple[str, ...]:
        """Return what is not known, by name."""
        values = {"conversion": self.conversion, "acv": self.acv_cents, "hours": self.hours}
        return tuple(name for name, value in values.items() if value is None)


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """Whether the queue pays more than cold prospecting, and which rates make it so.

    Attributes:
        queue, cold: What was told from.
        pays_untouched: Whether the plan pays on revenue that nobody touched.
        missing: What would have to be known, by the key that gives it.
        queue_per_hour, cold_per_hour: Expected commission in cents, exact; None if not known.
        holds: Whether the queue pays more; None if not known.
        pql_rate_above: The PQL rate has to be above this, with the other as it is; None where no
            rate does, or that is not known.
        rep_rate_below: The other rate has to be below this, with the PQL rate as it is.
        pql_rate, rep_rate: The next rates in steps of 0.1% that make it true; None where none does.
        ratio_above: The PQL rate has to be above so many times the other.
        is_usual: Whether rates within what is usual make it true.
    """

    queue: Side
    cold: Side
    pays_untouched: bool
    missing: tuple[str, ...]
    queue_per_hour: Fraction | None = None
    cold_per_hour: Fraction | None = None
    holds: bool | None = None
    pql_rate_above: Fraction | None = None
    rep_rate_below: Fraction | None = None
    pql_rate: Fraction | None = None
    rep_rate: Fraction | None = None
    ratio_above: Fraction | None = None
    is_usual: bool | None = None


def check_plan(queue: Side, cold: Side, *, plan: CommissionPlan) -> PlanCheck:
    """Compare what an hour pays in the queue and in cold prospecting.

    Args:
        queue: As data tells it (`worked_sides`); what the plan gives takes its place.
        cold: The same of cold prospecting.
        plan: With the rates.
    """
    queue, cold = _given(queue, plan.queue), _given(cold, plan.cold)
    missing = [f"commissions.plan_check.queue.{name}" for name in queue.missing()]
    missing += [f"commissions.plan_check.cold.{name}" for name in cold.missing()]
    # What an hour pays at a rate of all: commissions grow with the rate in proportion.
    at_queue, at_cold = queue.per_hour(Fraction(1)), cold.per_hour(Fraction(1))
    pays_untouched = plan.untouched_rate > 0
    if at_queue is None or at_cold is None:
        paid = queue.per_hour(plan.pql_rate), cold.per_hour(plan.rep_rate)
        return PlanCheck(queue, cold, pays_untouched, tuple(missing), *paid)
    ratio = at_cold / at_queue if at_queue else None
    above = None if ratio is None else plan.rep_rate * ratio
    below = plan.pql_rate * at_queue / at_cold if at_cold else None
    return PlanCheck(
        queue=queue,
        cold=cold,
        pays_untouched=pays_untouched,
        missing=(),
        queue_per_hour=at_queue * plan.pql_rate,
        cold_per_hour=at_cold * plan.rep_rate,
        holds=at_queue * plan.pql_rate > at_cold * plan.rep_rate,
        pql_rate_above=above,
        rep_rate_below=below,
        pql_rate=_next_above(above),
        rep_rate=_next_below(below),
        ratio_above=ratio,
        is_usual=ratio is not None and plan.usual_pql[1] > plan.usual_rep[0] * ratio,
    )


def worked_sides(
    *,
    handoffs: pl.DataFrame,
    touches: pl.DataFrame,
    opportunities: pl.DataFrame,
    accounts: pl.DataFrame,
    as_of: date,
    plan: CommissionPlan,
) -> tuple[Side, Side]:
    """Return what data tells of working PQLs and of cold prospecting; hours it cannot tell.

    Of the queue are accounts whose handoff was touched; cold are those that somebody touched with
    no handoff and no signup before. Both were first touched 90 to 455 days ago, and bought if an
    opportunity was won after that.

    Args:
        handoffs: account_id, first_touch_at.
        touches: account_id, at.
        opportunities: account_id, closed_at, won, amount_cents.
        accounts: account_id, signed_up.
        as_of: What came later is left out.
        plan: How many accounts a conversion needs.
    """
    queued = (
        handoffs.filter(pl.col("first_touch_at").is_not_null())
        .group_by("account_id")
        .agg(pl.col("first_touch_at").min().dt.date().alias("touched"))
    )
    first = touches.group_by("account_id").agg(pl.col("at").min().dt.date().alias("touched"))
    cold = (
        first.join(handoffs.select("account_id").unique(), on="account_id", how="anti")
        .join(accounts.select("account_id", "signed_up"), on="account_id", how="left")
        .filter(pl.col("signed_up").is_null() | (pl.col("signed_up") > pl.col("touched")))
        .select("account_id", "touched")
    )
    queue = _side(queued, opportunities, as_of, plan)
    return queue, _side(cold, opportunities, as_of, plan)


def _side(
    worked: pl.DataFrame, opportunities: pl.DataFrame, as_of: date, plan: CommissionPlan
) -> Side:
    last = as_of - timedelta(days=_MATURE)
    ripe = worked.filter(pl.col("touched").is_between(last - timedelta(days=_YEAR), last))
    won = opportunities.filter(
        pl.col("won").fill_null(value=False), pl.col("closed_at").dt.date() <= as_of
    ).join(ripe, on="account_id", how="inner")
    won = won.filter(pl.col("closed_at").dt.date() >= pl.col("touched"))
    if ripe.height < plan.check_at_least:
        return Side(n=ripe.height)
    amounts = won["amount_cents"].drop_nulls()
    acv = round(Fraction(int(amounts.sum()), len(amounts))) if len(amounts) else None
    sources = [("conversion", _FROM_DATA)] + ([("acv", _FROM_DATA)] if acv is not None else [])
    share = Fraction(won["account_id"].n_unique(), ripe.height)
    return Side(share, acv, n=ripe.height, sources=tuple(sources))


def _given(side: Side, given: Worked) -> Side:
    """Return a side with what the configuration gives in place of what data tells."""
    told = {"conversion": given.conversion, "acv_cents": given.acv_cents, "hours": given.hours}
    written = {name: value for name, value in told.items() if value is not None}
    sources = dict(side.sources) | {name.removesuffix("_cents"): _GIVEN for name in written}
    return replace(
        side,
        conversion=side.conversion if given.conversion is None else given.conversion,
        acv_cents=side.acv_cents if given.acv_cents is None else given.acv_cents,
        hours=side.hours if given.hours is None else given.hours,
        n=0 if given.conversion is not None else side.n,
        sources=tuple(sources.items()),
    )


def _next_above(rate: Fraction | None) -> Fraction | None:
    if rate is None:
        return None
    found = (math.floor(rate / _STEP) + 1) * _STEP
    return found if found <= 1 else None


def _next_below(rate: Fraction | None) -> Fraction | None:
    if rate is None:
        return None
    found = (math.ceil(rate / _STEP) - 1) * _STEP
    return min(found, Fraction(1)) if found > 0 else None
