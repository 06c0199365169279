"""Annual recurring revenue: what every account pays from when on, and how that moved.

Everything is in whole cents, from decimal amounts: a movement is the difference of two sums, so
that opening, movements and closing are equal to the cent, whatever a month held.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

MONTHS = 12
ARR = {
    "account_id": pl.String,
    "day": pl.Date,
    "arr_cents": pl.Int64,
    "plan": pl.String,
}
"""The columns of the steps of recurring revenue."""

KINDS = ("new", "expansion", "contraction", "churn", "reactivation")
_UNNAMED = ("account_id", "plan", "started_at")
_FAR = date(2200, 1, 1)


def arr_steps(subscriptions: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Return the total that each account pays a year, by the day from which on it does.

    A subscription pays from its start up to its end, by what its versions say: the latest version
    that is known by a day tells of that day, and an end is known once its day has come. Trials and
    free plans pay nothing.

    Args:
        subscriptions: Every version: subscription_id, account_id, plan, mrr (decimal), started_at,
            ended_at, valid_from.
        as_of: What was not known by the end of this day is left out.

    Returns:
        As `ARR`: a row for every day on which the total changed, by account and day; `plan` is
        that of what pays most.
    """
    end = datetime.combine(as_of + timedelta(days=1), time(), UTC)
    spans = _spans(subscriptions, end, as_of)
    starts = spans.select("account_id", pl.col("from").alias("day"), "cents")
    ends = spans.select("account_id", pl.col("to").alias("day"), -pl.col("cents"))
    totals = (
        pl.concat([starts, ends])
        .filter(pl.col("day") <= as_of)
        .group_by("account_id", "day")
        .agg(pl.col("cents").sum())
        .sort("account_id", "day")
        .with_columns(arr_cents=pl.col("cents").cum_sum().over("account_id"))
        .filter(pl.col("cents") != 0)
    )
    return totals.join(_plans(spans, totals), on=["account_id", "day"], how="left").select(
        pl.col(name).cast(kind) for name, kind in ARR.items()
    )


def arr_movements(arr: pl.DataFrame, ends: Sequence[date] | None = None) -> pl.DataFrame:
    """Return how recurring revenue moved.

    Args:
        arr: As `arr_steps` gives it.
        ends: Last days of periods, ascending: what an account did within one is one movement, on
            its last day. Every change on its own day, if left out.

    Returns:
        account_id, day, kind, arr_cents (signed), before_cents, after_cents, plan_before,
        plan_after. An account that paid before and came back from nothing is a reactivation.
    """
    told = arr if ends is None else _at_ends(arr, ends)
    before = pl.col("arr_cents").shift(1).over("account_id").fill_null(0)
    moved = (
        told.sort("account_id", "day")
        .with_columns(
            before_cents=before,
            plan_before=pl.col("plan").shift(1).over("account_id"),
            paid_before=(pl.col("arr_cents") > 0)
            .cast(pl.Int64)
            .cum_sum()
            .shift(1)
            .over("account_id")
            .fill_null(0)
            > 0,
        )
        .with_columns(change=pl.col("arr_cents") - pl.col("before_cents"))
        .filter(pl.col("change") != 0)
    )
    return moved.select(
        "account_id",
        "day",
        kind=_kind(),
        arr_cents="change",
        before_cents="before_cents",
        after_cents="arr_cents",
        plan_before="plan_before",
        plan_after="plan",
    )


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The movements of a period beside what is paid at both its ends, in cents.

    Attributes:
        first, last: Its days.
        opening, closing: What is paid before its first day, and at the end of its last: each a sum
            over subscriptions, which the movements have no part in.
        moved: By kind, the sum of the movements.
        difference: What is left over; 0.
    """

    first: date
    last: date
    opening: int
    closing: int
    moved: dict[str, int]
    difference: int


def reconcile(
    subscriptions: pl.DataFrame, periods: Sequence[tuple[date, date]], *, as_of: date
) -> list[Reconciled]:
    """Set the movements of periods beside what the subscriptions come to at their ends.

    Args:
        subscriptions: As for `arr_steps`.
        periods: First and last days, ascending, one beginning where another ends.
        as_of: What was not known by the end of this day is left out.
    """
    ends = [last for _, last in periods]
    opening_day = periods[0][0] - timedelta(days=1)
    movements = arr_movements(arr_steps(subscriptions, as_of=as_of), [opening_day, *ends])
    end = datetime.combine(as_of + timedelta(days=1), time(), UTC)
    spans = _spans(subscriptions, end, as_of)
    by_day = movements.group_by("day", "kind").agg(pl.col("arr_cents").sum())
    sums = {(day, kind): cents for day, kind, cents in by_day.iter_rows()}
    found: list[Reconciled] = []
    opening = _paid_on(spans, opening_day)
    for first, last in periods:
        closing = _paid_on(spans, last)
        moved = {kind: sums.get((last, kind), 0) for kind in KINDS}
        left = closing - opening - sum(moved.values())
        found.append(Reconciled(first, last, opening, closing, moved, left))
        opening = closing
    return found


# --- subscriptions ----------------------------------------------------------------------------


def _spans(subscriptions: pl.DataFrame, end: datetime, as_of: date) -> pl.DataFrame:
    """Return what each version of a subscription pays a year, from one day up to another."""
    named = pl.col("subscription_id")
    key = [
        pl.coalesce(named, pl.lit("")).alias("k0"),
        *(
            pl.when(named.is_null()).then(pl.col(name).cast(pl.String)).fill_null("").alias(f"k{n}")
            for n, name in enumerate(_UNNAMED, start=1)
        ),
    ]
    keys = ["k0", "k1", "k2", "k3"]
    known = (
        subscriptions.filter(
            pl.col("valid_from").is_null() | (pl.col("valid_from") < end),
            pl.col("started_at") < end,
        )
        .with_columns(key)
        .sort("valid_from", nulls_last=False, maintain_order=True)
        .with_columns(
            pl.col("started_at", "ended_at").last().over(keys),
            valid=pl.col("valid_from").dt.date(),
            next=pl.col("valid_from").dt.date().shift(-1).over(keys),
        )
    )
    started, ended = pl.col("started_at").dt.date(), pl.col("ended_at").dt.date()
    ended = pl.when(ended <= as_of).then(ended).otherwise(pl.lit(_FAR))
    # The first version holds from the start on, whenever it came to be known.
    first = pl.int_range(pl.len()).over(keys) == 0
    begins = pl.when(first).then(started).otherwise(pl.max_horizontal(started, "valid"))
    return known.select(
        "account_id",
        "plan",
        begins.alias("from"),
        pl.min_horizontal(ended, pl.col("next").fill_null(_FAR)).alias("to"),
        (pl.col("mrr") * 100 * MONTHS).round(0).cast(pl.Int64).alias("cents"),
    ).filter(pl.col("from") < pl.col("to"))


def _plans(spans: pl.DataFrame, totals: pl.DataFrame) -> pl.DataFrame:
    """Return the plan that pays most on each day on which a total changed."""
    paid = spans.filter(pl.col("cents") > 0)
    return (
        totals.select("account_id", "day")
        .join(paid, on="account_id", how="inner")
        .filter(pl.col("from") <= pl.col("day"), pl.col("day") < pl.col("to"))
        .sort("cents", "plan", descending=[True, False])
        .group_by("account_id", "day", maintain_order=True)
        .agg(pl.col("plan").first())
    )


def _paid_on(spans: pl.DataFrame, day: date) -> int:
    held = spans.filter(pl.col("from") <= day, pl.col("to") > day)
    return int(held["cents"].sum())


def _at_ends(arr: pl.DataFrame, ends: Sequence[date]) -> pl.DataFrame:
    """Return what each account pays at the ends of periods, of those in which it changed."""
    asked = pl.DataFrame({"end": list(ends)}, schema={"end": pl.Date})
    return (
        arr.sort("day")
        .join_asof(asked, left_on="day", right_on="end", strategy="forward", check_sortedness=False)
        .filter(pl.col("end").is_not_null())
        .sort("account_id", "day")
        .group_by("account_id", "end", maintain_order=True)
        .agg(pl.col("arr_cents", "plan").last())
        .rename({"end": "day"})
    )


def _kind() -> pl.Expr:
    rose = pl.col("change") > 0
    return (
        pl.when(rose & (pl.col("before_cents") == 0) & pl.col("paid_before"))
        .then(pl.lit("reactivation"))
        .when(rose & (pl.col("before_cents") == 0))
        .then(pl.lit("new"))
        .when(rose)
        .then(pl.lit("expansion"))
        .when(pl.col("arr_cents") == 0)
        .then(pl.lit("churn"))
        .otherwise(pl.lit("contraction"))
    )
