"""What is kept by the number of an account, and put anew for a few accounts at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

from groundswell.features.reading import Allowed, Cells, Known, Shard

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]


def put(into: NDArray[Any], numbers: Ints, values: NDArray[Any], *, count: int) -> NDArray[Any]:
    """Return an array of `count` things, or more, in which some have new values.

    It is the same array where that is long enough; what is added, and not among `numbers`, is 0.

    >>> put(np.array([1, 2]), np.array([1, 3]), np.array([5, 7]), count=4).tolist()
    [1, 5, 0, 7]
    """
    if len(into) < count:
        room = max(count, len(into) + len(into) // 8)
        larger = np.zeros((room, *into.shape[1:]), dtype=into.dtype)
        larger[: len(into)] = into
        into = larger
    into[numbers] = values
    return into


class NumberedRows:
    """A row of a frame, or none, for every number."""

    def __init__(self, rows: pl.DataFrame, there: Bools | None = None) -> None:
        """Begin with a row for each of the first numbers, or for those that `there` tells."""
        self._rows = rows
        count = rows.height if there is None else len(there)
        self._at = np.arange(count, dtype=np.int64)
        if there is not None:
            self._at = np.where(there, np.cumsum(there) - 1, -1)

    def there(self, numbers: Ints) -> Bools:
        """Tell which of some numbers have a row."""
        return self._at[numbers] >= 0

    def of(self, numbers: Ints) -> pl.DataFrame:
        """Return the rows of some numbers, in their order, of those that have one."""
        at = self._at[numbers]
        return self._rows[pl.Series(at[at >= 0])]

    def put(self, numbers: Ints, rows: pl.DataFrame, there: Bools | None = None) -> None:
        """Put rows anew, for each of some numbers or for those of them that `there` tells."""
        held = np.ones(len(numbers), dtype=bool) if there is None else there
        count = max(len(self._at), int(numbers.max(initial=-1)) + 1)
        at = np.where(held, len(self._rows) + np.cumsum(held) - 1, -1)
        before = len(self._at)
        self._at = put(self._at, numbers, at, count=count)[:count]
        between = np.setdiff1d(np.arange(before, count), numbers)
        self._at[between] = -1
        self._rows = pl.concat([self._rows, rows.select(self._rows.columns)], rechunk=True)
        if len(self._rows) > 2 * count:
            kept = np.flatnonzero(self._at >= 0)
            self._rows = self._rows[pl.Series(self._at[kept])]
            self._at[kept] = np.arange(len(kept))


@dataclass
class KnownToday:
    """What `Known` says as of one day, by the number of an account.

    Attributes:
        day: The day, as an array of one.
        rows: Of accounts there are: account_id, and the columns of `Known.dimensions`.
        allowed: What accounts may use; its `bought` means nothing here.
        joined: As `Known.joined`.
    """

    day: Ints
    rows: NumberedRows
    allowed: Allowed
    joined: dict[int, Ints]

    @classmethod
    def of(cls, known: Known) -> Self:
        """Begin with what is known of all accounts as of one day, from the first on."""
        shard = known.cells.shard
        assert (shard.first, len(shard.as_of)) == (0, 1), "all accounts, as of one day"
        rows = NumberedRows(_rows_of(known), _there(known))
        return cls(shard.as_of, rows, known.allowed, known.joined)

    def only(self, accounts: Ints) -> Known:
        """Return what is known of some accounts, ascending; the n-th of them is account n."""
        there = self.rows.there(accounts)
        rows = self.rows.of(accounts)
        return Known(
            cells=Cells(
                Shard(0, len(accounts), self.day), None if there.all() else np.flatnonzero(there)
            ),
            allowed=self.allowed.only(accounts),
            joined={days: found[accounts] for days, found in self.joined.items()},
            account_id=rows.get_column("account_id"),
            dimensions=rows.drop("account_id"),
        )

    def put(self, numbers: Ints, known: Known, *, count: int) -> None:
        """Put anew what is known of some accounts, as `only` returned it; `count` of all."""
        self.rows.put(numbers, _rows_of(known), _there(known))
        self.allowed = Allowed(
            *(
                put(getattr(self.allowed, name), numbers, getattr(known.allowed, name), count=count)
                for name in Allowed.__dataclass_fields__
            )
        )
        self.joined = {
            days: put(found, numbers, known.joined[days], count=count)
            for days, found in self.joined.items()
        }


def _rows_of(known: Known) -> pl.DataFrame:
    return pl.DataFrame([known.account_id.alias("account_id"), *known.dimensions])


def _there(known: Known) -> Bools:
    """Tell of every account, asked about as of one day, whether there is a row."""
    there = np.ones(known.cells.shard.count, dtype=bool)
    if known.cells.at is not None:
        there[:] = False
        there[known.cells.at] = True
    return there
