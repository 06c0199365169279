"""Events as columns of numbers, before they become text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from groundswell.demo.arrays import Bools, Ints, Longs


@dataclass(slots=True)
class Rows:
    """Events, one entry each.

    Attributes:
        seat: Seat that acted, -1 for a visitor nobody knows yet.
        visitor: Anonymous visitor, -1 where none is given.
        at: When it happened, microseconds since 1970 UTC.
        template: Event name and properties.
        received: When it was received, microseconds since 1970 UTC.
        number: Number of the message: equal numbers are the same message.
        dirt: What is wrong with it (see `dirt`), 0 for nothing.
    """

    seat: Ints
    visitor: Ints
    at: Longs
    template: Ints
    received: Longs
    number: Longs
    dirt: Ints

    @classmethod
    def of(cls, *, seat: Ints, at: Longs, template: Ints, visitor: Ints | None = None) -> Rows:
        """Return clean rows, received when they happened and not numbered yet."""
        return cls(
            seat=seat.astype(np.int32),
            visitor=np.full(len(seat), -1, dtype=np.int32) if visitor is None else visitor,
            at=at,
            template=template.astype(np.int32),
            received=at,
            number=np.zeros(len(seat), dtype=np.int64),
            dirt=np.zeros(len(seat), dtype=np.int32),
        )

    def __len__(self) -> int:
        """Return how many events there are."""
        return len(self.seat)

    def take(self, which: Bools | Longs | slice) -> Rows:
        """Return the rows that `which` (a mask, indexes or a slice) picks."""
        return Rows(
            self.seat[which],
            self.visitor[which],
            self.at[which],
            self.template[which],
            self.received[which],
            self.number[which],
            self.dirt[which],
        )


def join(parts: list[Rows]) -> Rows:
    """Return all the rows of `parts`, in their order."""
    return Rows(
        np.concatenate([part.seat for part in parts]),
        np.concatenate([part.visitor for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.template for part in parts]),
        np.concatenate([part.received for part in parts]),
        np.concatenate([part.number for part in parts]),
        np.concatenate([part.dirt for part in parts]),
    )


def no_rows() -> Rows:
    """Return no rows."""
    nothing = np.zeros(0, dtype=np.int32)
    return Rows.of(seat=nothing, at=nothing.astype(np.int64), template=nothing)
