"""Small step functions over accounts: versions, counts and sums that change on certain days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spans:
    """Rows that hold from a day until another, sorted by account, then by which comes first.

    Attributes:
        account: Account of each row.
        start: First day as of which it holds.
        until: First day as of which it holds no longer.
        row: Position of what it stands for.
    """

    account: Ints
    start: Ints
    until: Ints
    row: Ints

    @classmethod
    def of(
        cls,
        account: Ints,
        start: Ints,
        until: Ints,
        row: Ints | None = None,
        *,
        order: Ints | None = None,
    ) -> Spans:
        """Sort rows by account, then `order` (start), keeping that of equals; drop empty ones."""
        row = np.arange(len(account)) if row is None else row
        sorted_ = np.lexsort((start if order is None else order, account))
        sorted_ = sorted_[start[sorted_] < until[sorted_]]
        return cls(account[sorted_], start[sorted_], until[sorted_], row[sorted_])

    def within(self, first: int, count: int) -> Spans:
        """Return the rows of `count` accounts from `first`, counted from it."""
        low, high = np.searchsorted(self.account, (first, first + count))
        part = slice(int(low), int(high))
        return Spans(self.account[part] - first, self.start[part], self.until[part], self.row[part])

    def latest(self, count: int, as_of: Ints) -> Ints:
        """Return [account, day] of the last row of those that hold; -1 for none."""
        low = np.searchsorted(as_of, self.start)
        high = np.searchsorted(as_of, self.until)
        out = np.full((count, len(as_of)), -1, dtype=np.int64)
        length = np.maximum(high - low, 0)
        which = np.repeat(np.arange(len(low)), length)
        within = np.arange(len(which)) - np.repeat(np.cumsum(length) - length, length)
        # Later rows of an account come later here, and the last assignment stands.
        out[self.account[which], low[which] + within] = self.row[which]
        return out

    def total(self, count: int, as_of: Ints, value: Ints | None = None) -> Ints:
        """Return [account, day] of the values (whole numbers) of the rows that hold, added up."""
        days = len(as_of) + 1
        low = np.searchsorted(as_of, self.start)
        high = np.maximum(np.searchsorted(as_of, self.until), low)
        change = np.zeros(count * days, dtype=np.int64)
        added = np.ones(len(low), dtype=np.int64) if value is None else value[self.row]
        np.add.at(change, self.account * days + low, added)
        np.subtract.at(change, self.account * days + high, added)
        return np.cumsum(change.reshape(count, days), axis=1)[:, :-1]


def merge_spans(which: Ints, start: Ints, until: Ints) -> tuple[Ints, Ints, Ints]:
    """Merge spans of the same `which` that overlap or touch; the result is sorted.

    Days must lie within +-2^30.
    """
    if not len(which):
        return which, start, until
    order = np.lexsort((start, which))
    which, start, until = which[order], start[order], until[order]
    group = np.cumsum(np.append(0, which[1:] != which[:-1]))
    lift = group * (1 << 33)
    reach = np.maximum.accumulate(until + lift)
    begins = np.ones(len(which), dtype=bool)
    begins[1:] = start[1:] + lift[1:] > reach[:-1]
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(which)) - 1
    return which[first], start[first], reach[last] - lift[last]
