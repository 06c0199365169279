"""Cohorts: how each month's sign-ups came along, and what each quarter's customers went on to pay.

A share is told once every account of its cohort has had its time. Revenue is followed from the day
on which a customer began to pay, so cohorts of different ages are read at the same age.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.measure.estimates import LEVEL, NOTHING, Draws, Estimate, interval, wilson
from groundswell.measure.experiments import newcombe
from groundswell.measure.feedback import FEWEST, size_of

if TYPE_CHECKING:
    from collections.abc import Sequence

STEPS = (("activated_in_14d", 14), ("qualified_in_30d", 30), ("paid_in_90d", 90))
"""What is asked of an account that signed up, and after how many days."""
AGES = (91, 182, 365)
"""Days after customers began to pay at which it is looked at what they pay."""
SEGMENTS = ("industry", "country", "size", "mail")

_YEAR = 365


@dataclass(frozen=True, slots=True)
class SignupCohort:
    """The accounts that signed up within a month.

    Attributes:
        first: The first day of the month.
        signups: How many.
        reached: Share that got so far in time, by the names of `STEPS`; unknown until every one
            had its time.
    """

    first: date
    signups: int
    reached: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class SegmentConversion:
    """How many of a segment pay within 90 days of signing up, beside all others.

    Attributes:
        segment: `industry`, `country`, `size` or `mail`.
        value: Which.
        paid: Share that pays.
        others: Share of all others.
        difference: Between the two; the intervals of all segments hold together.
    """

    segment: str
    value: str
    paid: Estimate
    others: Estimate
    difference: Estimate


@dataclass(frozen=True, slots=True)
class RevenueCohort:
    """The customers that began to pay within a quarter.

    Attributes:
        first: The first day of the quarter.
        customers: How many.
        arr_cents: What they paid a year when they began.
        nrr: What they pay at each of `AGES` for what they began with; unknown until all of them
            are so old.
        grr: The same without what anybody pays more than at first.
        paid_cents: What a customer has paid so far, on average.
    """

    first: date
    customers: int
    arr_cents: int
    nrr: dict[int, Estimate]
    grr: dict[int, Estimate]
    paid_cents: Estimate


def signup_cohorts(
    accounts: pl.DataFrame, months: Sequence[tuple[date, date]], *, as_of: date
) -> tuple[SignupCohort, ...]:
    """Return how the sign-ups of each month came along.

    Args:
        accounts: account_id, signed_up (day) and the flags of `STEPS`.
        months: First and last days.
        as_of: What was known by this day was used.
    """
    found: list[SignupCohort] = []
    for first, last in months:
        rows = accounts.filter(pl.col("signed_up").is_between(first, last))
        reached = {
            name: (
                wilson(int(rows.get_column(name).fill_null(value=False).sum()), rows.height)
                if last + timedelta(days=days) <= as_of
                else NOTHING
            )
            for name, days in STEPS
        }
        found.append(SignupCohort(first, rows.height, reached))
    return tuple(found)


def compare_segments(
    accounts: pl.DataFrame, *, since: date, as_of: date
) -> tuple[SegmentConversion, ...]:
    """Return how many of each segment pay within 90 days, those that differ most surely first.

    Args:
        accounts: account_id, signed_up, industry, country, employees, is_free_mail, paid_in_90d.
        since: Sign-ups from this day on are looked at, of those that had 90 days.
        as_of: What was known by this day was used.
    """
    _, days = STEPS[-1]
    rows = accounts.filter(
        pl.col("signed_up").is_between(since, as_of - timedelta(days=days))
    ).with_columns(
        size=size_of("employees"),
        mail=pl.when("is_free_mail").then(pl.lit("free")),
        paid=pl.col("paid_in_90d").fill_null(value=False),
    )
    told = [
        (segment, str(value), group)
        for segment in SEGMENTS
        for (value,), group in rows.filter(pl.col(segment).is_not_null()).group_by(
            segment, maintain_order=True
        )
        if FEWEST <= group.height <= rows.height - FEWEST
    ]
    level = 1 - (1 - LEVEL) / max(len(told), 1)
    paid = int(rows.get_column("paid").sum())
    found: list[SegmentConversion] = []
    for segment, value, group in told:
        hits, rest = int(group.get_column("paid").sum()), rows.height - group.height
        found.append(
            SegmentConversion(
                segment,
                value,
                wilson(hits, group.height),
                wilson(paid - hits, rest),
                newcombe(hits, group.height, paid - hits, rest, level=level),
            )
        )
    return tuple(sorted(found, key=lambda one: (-_clear(one.difference), one.segment, one.value)))


def _clear(difference: Estimate) -> float:
    """Return how far an interval is from nothing, below 0 where it holds it."""
    if difference.low is None or difference.high is None:
        return -1.0
    return max(difference.low, -difference.high)


def revenue_cohorts(
    arr: pl.DataFrame, quarters: Sequence[tuple[date, date]], *, as_of: date, seed: int = 0
) -> tuple[RevenueCohort, ...]:
    """Return what the customers of each quarter went on to pay.

    Args:
        arr: account_id, day, arr_cents - the total from that day on.
        quarters: First and last days.
        as_of: What was known by this day was used.
        seed: Of the draws of accounts that intervals are told by.
    """
    began = (
        arr.filter(pl.col("arr_cents") > 0, pl.col("day") <= as_of)
        .sort("day")
        .group_by("account_id")
        .agg(pl.col("day").first().alias("began"), pl.col("arr_cents").first().alias("start"))
        .sort("account_id")
    )
    steps = arr.filter(pl.col("day") <= as_of).sort("day")
    rows = began.with_columns(
        _paid_so_far(began, steps, as_of), *(_at_age(began, steps, age) for age in AGES)
    )
    draws = Draws.of(rows.get_column("account_id"), seed=seed)
    return tuple(
        _revenue(rows.filter(pl.col("began").is_between(first, last)), first, last, as_of, draws)
        for first, last in quarters
    )


def _revenue(
    rows: pl.DataFrame, first: date, last: date, as_of: date, draws: Draws
) -> RevenueCohort:
    start = pl.col("start")

    def kept(age: int, amount: pl.Expr) -> Estimate:
        if last + timedelta(days=age) > as_of:
            return NOTHING
        return _ratio(rows.select("account_id", top=amount, bottom=start), draws)

    return RevenueCohort(
        first,
        rows.height,
        int(rows.get_column("start").sum()),
        {age: kept(age, pl.col(f"at_{age}")) for age in AGES},
        {age: kept(age, pl.min_horizontal(f"at_{age}", "start")) for age in AGES},
        _ratio(rows.select("account_id", top=pl.col("so_far"), bottom=pl.lit(1.0)), draws),
    )


def _ratio(rows: pl.DataFrame, draws: Draws) -> Estimate:
    """Return the ratio of two sums, with an interval by draws of accounts."""
    top, bottom = (rows.get_column(name).cast(pl.Float64).to_numpy() for name in ("top", "bottom"))
    whole = float(bottom.sum())
    if not rows.height or not whole:
        return Estimate(None, n=rows.height)
    accounts = rows.get_column("account_id")
    below = draws.sums(accounts, bottom)
    drawn = np.divide(
        draws.sums(accounts, top), below, out=np.full(len(below), np.nan), where=below > 0
    )
    return interval(float(top.sum()) / whole, drawn, rows.height)


def _at_age(began: pl.DataFrame, steps: pl.DataFrame, age: int) -> pl.Series:
    """Return what each customer pays a year so many days after it began."""
    asked = began.select("account_id", on=pl.col("began") + timedelta(days=age)).with_row_index()
    found = (
        asked.sort("on")
        .join_asof(
            steps.select("account_id", "day", "arr_cents"),
            left_on="on",
            right_on="day",
            by="account_id",
            check_sortedness=False,
        )
        .sort("index")
    )
    return found.get_column("arr_cents").fill_null(0).alias(f"at_{age}")


def _paid_so_far(began: pl.DataFrame, steps: pl.DataFrame, as_of: date) -> pl.Series:
    """Return what each customer has paid from its first day to the end of the last one, in cents.

    Recurring revenue counts by the day.
    """
    until = pl.col("day").shift(-1).over("account_id").fill_null(as_of + timedelta(days=1))
    spans = steps.sort("account_id", "day").with_columns(
        cents=pl.col("arr_cents") * (until - pl.col("day")).dt.total_days() / _YEAR
    )
    sums = spans.group_by("account_id").agg(pl.col("cents").sum())
    joined = began.join(sums, on="account_id", how="left", maintain_order="left")
    return joined.get_column("cents").fill_null(0.0).alias("so_far")
