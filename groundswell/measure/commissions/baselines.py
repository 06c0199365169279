"""The self-serve baseline: what comparable accounts pay with nobody helping."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl

from groundswell.measure.commissions.columns import half_even

if TYPE_CHECKING:
    from groundswell.config.commissions import CommissionPlan

_Group = tuple[str | None, int | None]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What comparable accounts pay a year with nobody helping.

    Attributes:
        cents: The median; None where too few are comparable, and then nothing is taken off.
        n: Of how many accounts.
        source: Which, in words.
    """

    cents: int | None
    n: int
    source: str


@dataclass
class Baselines:
    """Baselines by the quarter in which something was sold, so that none changes inside one.

    Attributes:
        receipts: As `checked_receipts` gives them.
        employees: By account.
        plan: How many have to be comparable, and what size is.
    """

    receipts: pl.DataFrame
    employees: dict[str, int | None]
    plan: CommissionPlan
    _known: dict[date, dict[_Group, list[int]]] = field(
        default_factory=dict[date, dict[_Group, list[int]]], repr=False
    )

    def of(self, account_id: str, plan: str | None, day: date) -> Baseline:
        """Return the baseline of an account that bought a plan on a day."""
        quarter = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
        if quarter not in self._known:
            self._known[quarter] = self._groups(quarter)
        groups, size = self._known[quarter], self._size(account_id)
        on, of = f" on `{plan}`", "" if size is None else f" of {self._sized(size)}"
        tries: list[tuple[_Group, str]] = [((None, None), "")]
        if size is not None:
            tries.insert(0, ((None, size), of))
        if plan is not None:
            tries.insert(0, ((plan, None), on))
        if plan is not None and size is not None:
            tries.insert(0, ((plan, size), on + of))
        for group, words in tries:
            paid = groups.get(group, [])
            if len(paid) >= self.plan.at_least:
                source = f"median of {len(paid)} untouched accounts{words} before {quarter}"
                return Baseline(_median(paid), len(paid), source)
        n = len(groups.get((None, None), []))
        few = f"{n} untouched accounts pay before {quarter}, {self.plan.at_least} are needed"
        return Baseline(None, n, few)

    def _groups(self, quarter: date) -> dict[_Group, list[int]]:
        """Return what untouched accounts paid as a quarter began, by plan and size."""
        untouched = (
            self.receipts.filter(pl.col("day") < quarter)
            .group_by("account_id")
            .agg(
                pl.col("amount_cents").sum(),
                pl.col("plan").last(),
                touched=pl.col("rep").is_not_null().any()
                | (pl.col("bucket") != "product_sourced").any(),
            )
            .filter(~pl.col("touched").fill_null(value=False), pl.col("amount_cents") > 0)
            .sort("account_id")
        )
        found: dict[_Group, list[int]] = defaultdict(list)
        rows = untouched.select("account_id", "amount_cents", "plan").iter_rows()
        for account_id, cents, plan in rows:
            size = self._size(account_id)
            for group in {(plan, size), (plan, None), (None, size), (None, None)}:
                found[group].append(cents)
        return found

    def _size(self, account_id: str) -> int | None:
        employees = self.employees.get(account_id)
        return None if employees is None else bisect_right(self.plan.sizes, employees)

    def _sized(self, size: int) -> str:
        bounds = self.plan.sizes
        if not bounds:
            return "any size"
        if size == 0:
            return f"under {bounds[0]} employees"
        if size == len(bounds):
            return f"{bounds[-1]} employees or more"
        return f"{bounds[size - 1]} to {bounds[size] - 1} employees"


def _median(values: list[int]) -> int:
    ordered, half = sorted(values), len(values) // 2
    if len(ordered) % 2:
        return ordered[half]
    return half_even(Fraction(ordered[half - 1] + ordered[half], 2))
