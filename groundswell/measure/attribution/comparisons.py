"""What other rules would change: which cents go from one bucket to another, and whose they are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundswell.measure.attribution.receipts import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.measure.attribution.receipts import Receipt


@dataclass(frozen=True, slots=True)
class Moved:
    """Cents that would be told otherwise.

    Attributes:
        before, after: What is said of them by either rules; None for nobody.
        amount_cents: How many.
        accounts: Whose, each once.
    """

    before: str | None
    after: str | None
    amount_cents: int
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two ways to attribute the same dollars.

    Attributes:
        before_rules, after_rules: Versions.
        total_cents: All that is gained, by both.
        before_cents, after_cents: By bucket.
        buckets: What goes from one bucket to another.
        reps: What goes from one rep to another.
        tags: What is tagged as influenced, or is not any more.
        product_before_cents, product_after_cents: What is credited to the product.
    """

    before_rules: str
    after_rules: str
    total_cents: int
    before_cents: dict[str, int]
    after_cents: dict[str, int]
    buckets: tuple[Moved, ...]
    reps: tuple[Moved, ...]
    tags: tuple[Moved, ...]
    product_before_cents: int
    product_after_cents: int


def compare(
    before: Sequence[Receipt], after: Sequence[Receipt], *, before_rules: str, after_rules: str
) -> Comparison:
    """Say what other rules would change.

    Args:
        before: The receipts of some quarters, by the rules that hold.
        after: The same dollars by other rules, in the same order.
        before_rules: Version of those that hold.
        after_rules: Version of the others.
    """
    pairs = list(zip(before, after, strict=True))
    tag = {True: "influenced", False: None}
    return Comparison(
        before_rules=before_rules,
        after_rules=after_rules,
        total_cents=sum(one.amount_cents for one in before),
        before_cents=_by_bucket(before),
        after_cents=_by_bucket(after),
        buckets=_moved([(one, one.bucket, other.bucket) for one, other in pairs]),
        reps=_moved([(one, one.rep, other.rep) for one, other in pairs]),
        tags=_moved(
            [(one, tag[one.is_influenced], tag[other.is_influenced]) for one, other in pairs]
        ),
        product_before_cents=sum(one.product_cents for one in before),
        product_after_cents=sum(one.product_cents for one in after),
    )


def _by_bucket(receipts: Sequence[Receipt]) -> dict[str, int]:
    return {
        bucket: sum(one.amount_cents for one in receipts if one.bucket == bucket)
        for bucket in BUCKETS
    }


def _moved(told: Sequence[tuple[Receipt, str | None, str | None]]) -> tuple[Moved, ...]:
    cents: dict[tuple[str | None, str | None], int] = defaultdict(int)
    accounts: dict[Any, set[str]] = defaultdict(set)
    for receipt, before, after in told:
        if before != after:
            cents[before, after] += receipt.amount_cents
            accounts[before, after].add(receipt.account_id)
    ordered = sorted(cents.items(), key=lambda item: (-item[1], str(item[0])))
    return tuple(
        Moved(before, after, amount, tuple(sorted(accounts[before, after])))
        for (before, after), amount in ordered
    )
