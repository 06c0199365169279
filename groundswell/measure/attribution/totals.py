"""Buckets by quarter and motion, which come to all that was gained, to the cent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from groundswell.errors import GroundswellError, Problem
from groundswell.measure.attribution.receipts import BUCKETS, Bucket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.measure.attribution.receipts import Receipt
    from groundswell.measure.recurring import Reconciled


@dataclass(frozen=True, slots=True)
class Total:
    """What is in a bucket; of one motion, or of all where there is none.

    Attributes:
        bucket, motion: Of what.
        amount_cents: Gained, a year.
        influenced_cents: Of it, what is tagged; it is never added to anything.
        product_cents, sales_cents: What is credited to either.
        receipts: How many gains.
        accounts: Whose, each once.
    """

    bucket: Bucket
    motion: str | None
    amount_cents: int
    influenced_cents: int
    product_cents: int
    sales_cents: int
    receipts: int
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuarterTotal:
    """A calendar quarter, as far as it is over.

    Attributes:
        first, last: Its days.
        rules: Version of the rules that it is judged by.
        opening_cents, closing_cents: What all subscriptions come to before its first day, and at
            the end of its last.
        gained_cents: New, expanded and reactivated; the buckets add up to it.
        lost_cents: Contracted and churned, below zero.
        buckets: Each bucket, in the same order always.
        motions: Each bucket by motion, where anything is in it.
        unsettled_cents: Of what is gained, what may yet go to another bucket.
    """

    first: date
    last: date
    rules: str
    opening_cents: int
    closing_cents: int
    gained_cents: int
    lost_cents: int
    buckets: tuple[Total, ...]
    motions: tuple[Total, ...]
    unsettled_cents: int


def total_receipts(
    receipts: Sequence[Receipt],
    movements: pl.DataFrame,
    periods: Sequence[Reconciled],
    *,
    versions: dict[date, str],
    as_of: date,
) -> list[QuarterTotal]:
    """Add receipts up by quarter.

    Args:
        receipts: All of them.
        movements: What they were told from.
        periods: The quarters, with what the subscriptions come to at both ends.
        versions: The rules of each quarter, by its first day.
        as_of: The day by which everything is known.

    Raises:
        GroundswellError: The buckets do not come to what was gained, or gains and losses not to
            how the subscriptions changed; nothing is told then.
    """
    by_quarter: dict[date, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        by_quarter[receipt.quarter].append(receipt)
    sums = movements.group_by(pl.col("day").dt.truncate("1q"), gained=pl.col("arr_cents") > 0).agg(
        pl.col("arr_cents").sum()
    )
    moved = {(first, gained): cents for first, gained, cents in sums.iter_rows()}
    return [
        _quarter(
            period,
            by_quarter.get(period.first, []),
            gained=moved.get((period.first, True), 0),
            lost=moved.get((period.first, False), 0),
            rules=versions[period.first],
            as_of=as_of,
        )
        for period in periods
    ]


def _quarter(
    period: Reconciled,
    receipts: list[Receipt],
    *,
    gained: int,
    lost: int,
    rules: str,
    as_of: date,
) -> QuarterTotal:
    buckets = tuple(_total(receipts, bucket) for bucket in BUCKETS)
    motions = sorted({receipt.motion for receipt in receipts})
    by_motion = [_total(receipts, bucket, motion) for bucket in BUCKETS for motion in motions]
    told = tuple(total for total in by_motion if total.receipts)
    _check(period.first, "buckets", sum(total.amount_cents for total in buckets), gained)
    _check(period.first, "buckets by motion", sum(total.amount_cents for total in told), gained)
    credited = sum(total.product_cents + total.sales_cents for total in buckets)
    _check(period.first, "shares of product and sales", credited, gained)
    change = period.closing - period.opening
    _check(period.first, "gains and losses", gained + lost, change)
    return QuarterTotal(
        first=period.first,
        last=period.last,
        rules=rules,
        opening_cents=period.opening,
        closing_cents=period.closing,
        gained_cents=gained,
        lost_cents=lost,
        buckets=buckets,
        motions=told,
        unsettled_cents=sum(one.amount_cents for one in receipts if one.settled_on > as_of),
    )


def _total(receipts: list[Receipt], bucket: Bucket, motion: str | None = None) -> Total:
    inside = [
        one for one in receipts if one.bucket == bucket and (motion is None or one.motion == motion)
    ]
    return Total(
        bucket=bucket,
        motion=motion,
        amount_cents=sum(one.amount_cents for one in inside),
        influenced_cents=sum(one.amount_cents for one in inside if one.is_influenced),
        product_cents=sum(one.product_cents for one in inside),
        sales_cents=sum(one.sales_cents for one in inside),
        receipts=len(inside),
        accounts=tuple(sorted({one.account_id for one in inside})),
    )


def _check(quarter: date, what: str, found: int, told: int) -> None:
    if found != told:
        raise GroundswellError(
            Problem(
                "attribution-unequal",
                f"In the quarter from {quarter} the {what} come to {found:,} cents, and the "
                f"subscriptions to {told:,}.",
                "Run `groundswell doctor`, and report it with what it says: no number of "
                "attribution is told until they are equal.",
            )
        )
