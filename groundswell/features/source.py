"""Rows of the roll-up, as the computation of a shard asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl
from sqlglot import exp

from groundswell.features.entries import Rows
from groundswell.features.marks import summed_properties
from groundswell.features.plan import NEVER, FeaturePlan
from groundswell.features.shard import uses_kernel
from groundswell.store.arrays import to_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from numpy.typing import NDArray

    from groundswell.features.rollup import Activity

    Ints = NDArray[np.int64]

ORDER = ("account", "person", "visible", "day")
"""What the roll-up is sorted by."""

_ALWAYS = (*ORDER, "event", "key", "n")
_TIMES = ("first_at", "last_at")
_TIMED_FLAG = "abandoned"


class Source(Protocol):
    """Where the rows of accounts come from."""

    def rows(self, first: int, end: int) -> Rows:
        """Return the rows of accounts first .. end-1, in order."""
        ...


@dataclass(frozen=True)
class StoredRows:
    """Rows of the roll-up in its store, read as they are asked for; threads may share it.

    Attributes:
        activity: The roll-up.
        plan: What is measured; times and sums are read where it needs them.
        hiding: Accounts with rows that get hidden, ascending; no others have that column read.
    """

    activity: Activity
    plan: FeaturePlan
    hiding: Ints

    @classmethod
    def of(cls, activity: Activity, plan: FeaturePlan, accounts: tuple[int, int]) -> StoredRows:
        """Look up which of the accounts, first to last, have rows that get hidden."""
        some = exp.LT(this=exp.column("hidden"), expression=exp.Literal.number(NEVER))
        table = activity.read(columns=["account"], accounts=accounts, where=some)
        return cls(activity, plan, np.unique(to_numpy(table.column("account"))))

    def rows(self, first: int, end: int) -> Rows:
        """Return the rows of accounts first .. end-1, in order."""
        columns = columns_of(self.plan)
        low, high = np.searchsorted(self.hiding, (first, end))
        if low == high:
            columns.remove("hidden")
        return rows_of_table(self.activity.read(columns=columns, accounts=(first, end - 1)))


@dataclass(frozen=True)
class HeldRows:
    """Rows that are at hand already, in order."""

    held: Rows

    def rows(self, first: int, end: int) -> Rows:
        """Return the rows of accounts first .. end-1, in order."""
        low, high = np.searchsorted(self.held.account, (first, end))
        return self.held.only(slice(int(low), int(high)))


def columns_of(plan: FeaturePlan) -> list[str]:
    """Return the columns of the roll-up that a plan's features are computed from."""
    timed = any(channel.rows.flag == _TIMED_FLAG for channel in plan.channels)
    sums = (f"s{index}" for index in range(len(summed_properties(plan))))
    return [*_ALWAYS, *(_TIMES if timed else ()), "hidden", *sums]


def rows_of_table(table: pa.Table) -> Rows:
    """Turn a table of the roll-up, in its order as a rule, into arrays over the same memory.

    A table without times says that none matters, one without `hidden` that nothing is.
    """
    table = in_order(table)
    told = {name: to_numpy(table.column(name)) for name in table.column_names if name[0] != "s"}
    blank = np.zeros(1, dtype=np.int32)
    for name, value in (("first_at", 0), ("last_at", 0), ("hidden", NEVER)):
        if name not in told:
            told[name] = np.broadcast_to(blank + np.int32(value), (table.num_rows,))
    sums = list(_sums(table))
    return Rows(
        account=told["account"],
        person=told["person"],
        day=told["day"],
        visible=told["visible"],
        hidden=told["hidden"],
        event=told["event"],
        key=told["key"],
        count=told["n"],
        first_at=told["first_at"],
        last_at=told["last_at"],
        sums=np.array(sums, dtype=np.float64).reshape(len(sums), table.num_rows),
    )


def in_order(table: pa.Table) -> pa.Table:
    """Return rows of the roll-up in its order, sorted only when they are not in it already.

    DuckDB does not promise to hand rows back as they were written, and the kernel relies on it:
    rows out of order would not fail, they would count wrongly.
    """
    if uses_kernel():
        from groundswell.features.kernel import is_sorted  # noqa: PLC0415  (compiles on first use)

        if is_sorted(*(to_numpy(table.column(name)) for name in ORDER)):
            return table
    return table.sort_by([(name, "ascending") for name in ORDER])


def _sums(table: pa.Table) -> Iterator[NDArray[np.float64]]:
    for name in table.column_names:
        if name[0] == "s":
            yield pl.Series(table.column(name)).to_numpy()
