"""What would be if the policy, the price list or the team were another, on the company's own data.

The past is decided on again by the other policy; what a handoff brought until now says what more
or fewer of them would bring. Nothing else is assumed to change, and that is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.config.paybacks import Range
from groundswell.engine.handing.simulating import OPEN_DAYS, check_policy, days_of, simulate
from groundswell.engine.measuring.gathering import gather
from groundswell.engine.measuring.tables import build_tables
from groundswell.engine.telling import parents_of
from groundswell.measure.estimates import NOTHING, Estimate
from groundswell.measure.metrics import Measurer, Period
from groundswell.model import Kind, Motion
from groundswell.overlay.payback import Fan, simulate_payback

if TYPE_CHECKING:
    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import Plan
    from groundswell.config.schema import Config
    from groundswell.engine.computing import Computer

BROUGHT = "arr_per_handoff"
MONTH, QUARTER, YEAR = 30.4375, 91, 365
MONTHS = 12


@dataclass(frozen=True, slots=True)
class MotionCase:
    """What one motion comes to.

    Attributes:
        motion: Which.
        handed_over: Handings over a month.
        new_arr: Cents of ARR that those of a quarter bring, with the interval; unknown where no
            handoff of this motion has had its 90 days.
    """

    motion: Motion
    handed_over: float
    new_arr: Estimate


@dataclass(frozen=True, slots=True)
class Case:
    """What a policy comes to.

    Attributes:
        motions: By motion, those that hand anything over.
        queue: Handoffs that are open at once, on average.
        capacity: Handoffs that all reps together can have open; None where none is set.
        payback_month: Until what salespeople cost is back; None for never within the horizon.
        list_arr: Cents that the customers of priced plans would pay a year by the price list.
    """

    motions: tuple[MotionCase, ...]
    queue: float
    capacity: float | None
    payback_month: Fan
    list_arr: int


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A plan whose price is another one.

    Attributes:
        plan: Which.
        customers: Who are on it.
        now, then: Cents that these pay a year by the one list and the other.
        may_leave: Share of them that may leave until nothing is gained; 0 where the price falls.
    """

    plan: str
    customers: int
    now: int
    then: int
    may_leave: float


@dataclass(frozen=True)
class WhatIf:
    """What would be.

    Attributes:
        first, last: The days that were decided on again.
        currency: Of every amount.
        now, then: The present policy, and the one that is asked for.
        enter, leave: Accounts that only the other one hands over, and that only this one does.
        prices: Plans whose price is another.
        assumed: What is taken to stay as it is.
    """

    first: date
    last: date
    currency: str
    now: Case
    then: Case
    enter: int
    leave: int
    prices: tuple[PriceChange, ...]
    assumed: tuple[str, ...]


def ask_what_if(
    present: LoadedConfig, other: LoadedConfig, computer: Computer, *, since: date, until: date
) -> WhatIf:
    """Compare the present policy, price list and team with others.

    Args:
        present: Those in use.
        other: The others; events, features and identity have to be the same.
        computer: Answers for features.
        since: The first day that is decided on again.
        until: The last one; nothing later is looked at.

    Raises:
        UsageError: The other would need other features, or the days are out of order.
    """
    same_prices = replace(other, plans=present.plans, config=_with_plans(other, present))
    check_policy(present, same_prices)
    decided = simulate(
        present,
        same_prices,
        computer.features(days_of(since, until)),
        since=since,
        until=until,
        parents=parents_of(computer.filing().accounts),
    )
    brought = _brought(present, computer, until)
    seats = _customers(computer, until)
    months = ((until - since).days + 1) / MONTH
    now = _case(present, decided.now, months, brought, seats)
    then = _case(other, decided.then, months, brought, seats)
    return WhatIf(
        first=since,
        last=until,
        currency=present.config.currency,
        now=now,
        then=then,
        enter=decided.changes.get("only then", 0),
        leave=decided.changes.get("only now", 0),
        prices=tuple(_prices(present, other, seats)),
        assumed=(
            "A handoff more brings what those until now have brought on average.",
            f"A handoff stays open for {OPEN_DAYS} days.",
            "Every customer pays the price list, and none leaves because of it.",
        ),
    )


def _with_plans(other: LoadedConfig, present: LoadedConfig) -> Config:
    return other.config.model_copy(update={"plans": present.config.plans})


def _brought(loaded: LoadedConfig, computer: Computer, until: date) -> dict[Motion, Estimate]:
    """Return what a handoff of each motion brought, of those that had their time in a year."""
    period = Period(until - timedelta(days=YEAR - 1), until)
    known = gather(loaded, computer, as_of=until, ends=[until])
    tables = build_tables(known)
    measurer = Measurer(loaded.metrics, tables.named, tables.missing)
    if BROUGHT not in measurer.metrics:
        return {}
    return {motion: measurer.figure(BROUGHT, period, motion=motion).estimate for motion in Motion}


def _customers(computer: Computer, until: date) -> pl.DataFrame:
    """Return the plan and the seats of every subscription that holds at the end of a day."""
    end = datetime.combine(until + timedelta(days=1), time(), UTC)
    rows = computer.warehouse.read(Kind.SUBSCRIPTIONS)
    known = pl.col("valid_from").is_null() | (pl.col("valid_from") < end)
    ended = pl.col("ended_at").is_not_null() & (pl.col("ended_at") < end)
    key = pl.coalesce("subscription_id", pl.concat_str("account_id", "plan"))
    return (
        rows.filter(known, pl.col("started_at") < end)
        .sort("valid_from", nulls_last=False, maintain_order=True)
        .group_by(key.alias("key"))
        .last()
        .filter(~ended, pl.col("mrr") > 0)
        .select("account_id", "plan", "seats")
    )


def _case(
    loaded: LoadedConfig,
    handed: dict[str, int],
    months: float,
    brought: dict[Motion, Estimate],
    seats: pl.DataFrame,
) -> Case:
    a_month = {Motion(name): count / months for name, count in handed.items()}
    total = sum(a_month.values())
    held = [
        float(member.capacity)
        for team in loaded.teams.values()
        for member in team.members
        if member.capacity is not None
    ]
    worked = loaded.payback.with_engine
    told = Range.known(total, source="handings over of the simulated days")
    terms = replace(loaded.payback, with_engine=replace(worked, accounts=told))
    return Case(
        motions=tuple(
            MotionCase(motion, rate, _scaled(brought.get(motion, NOTHING), rate * QUARTER / MONTH))
            for motion, rate in a_month.items()
        ),
        queue=total * OPEN_DAYS / MONTH,
        capacity=sum(held) if held else None,
        payback_month=simulate_payback(terms).with_engine.payback_month,
        list_arr=sum(_list_cents(plan, seats) for plan in loaded.plans.values()),
    )


def _scaled(estimate: Estimate, times: float) -> Estimate:
    def scale(value: float | None) -> float | None:
        return None if value is None else value * times

    return Estimate(scale(estimate.value), scale(estimate.low), scale(estimate.high), estimate.n)


def _prices(present: LoadedConfig, other: LoadedConfig, seats: pl.DataFrame) -> list[PriceChange]:
    found: list[PriceChange] = []
    for name, plan in other.plans.items():
        before = present.plans.get(name)
        if before is None or _price(before) == _price(plan):
            continue
        now, then = _list_cents(before, seats), _list_cents(plan, seats)
        on_it = seats.filter(pl.col("plan") == name)["account_id"].n_unique()
        found.append(PriceChange(name, on_it, now, then, 1 - now / then if then > now else 0.0))
    return found


def _price(plan: Plan) -> tuple[object, object]:
    return plan.price_per_seat, plan.price_flat


def _list_cents(plan: Plan, seats: pl.DataFrame) -> int:
    """Return what the customers of a plan pay a year by its price, in cents."""
    on_it = seats.filter(pl.col("plan") == plan.name)
    if plan.price_per_seat is not None:
        return int(plan.price_per_seat * 100) * MONTHS * int(on_it["seats"].fill_null(1).sum())
    if plan.price_flat is not None:
        return int(plan.price_flat * 100) * MONTHS * on_it.height
    return 0
