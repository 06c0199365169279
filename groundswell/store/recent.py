"""What came lately, and who acts, in memory: most of what comes is new, of people who are known.

Sorted runs, each at least twice as long as the next, so that adding costs little and a lookup
searches few runs. Eight bytes an event, the ids and some 30 bytes an actor.
"""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# Arrow ships no types.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from groundswell.store.arrays import to_arrow, to_numpy
from groundswell.store.facts import INSTANT, TRIPLE

if TYPE_CHECKING:
    from datetime import date, datetime

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Digests = NDArray[np.uint64]
    Ints = NDArray[np.int64]


@dataclass
class RecentDigests:
    """Digests of the events that were received since a moment.

    Attributes:
        since: The moment.
        day: The day they were read on; they are read again on the next, which drops the old.
        version: The warehouse's state that they are those of.
        actors: Every actor of that state.
    """

    since: datetime
    day: date
    version: str
    actors: KnownActors
    _runs: list[Digests] = field(default_factory=list["Digests"], repr=False)

    def __len__(self) -> int:
        return sum(len(run) for run in self._runs)

    def add(self, digests: Digests) -> None:
        """Add digests, in any order."""
        if len(digests):
            self._runs.append(np.sort(digests))
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]), kind="stable")

    def among(self, digests: Digests) -> NDArray[np.bool_]:
        """Tell which of some digests are there."""
        found = np.zeros(len(digests), dtype=bool)
        for run in self._runs:
            at = np.searchsorted(run, digests)
            found |= run[np.minimum(at, len(run) - 1)] == digests
        return found


@dataclass
class _Run:
    """Some actors, by digest.

    Attributes:
        digests: Ascending.
        ids: Their three ids.
        actor: Their numbers.
        first_at: When each was first seen, in microseconds.
    """

    digests: Digests
    ids: pa.Table
    actor: NDArray[np.int32]
    first_at: Ints

    @classmethod
    def of(cls, actors: pa.Table) -> _Run:
        digests = to_numpy(actors.column("digest")).view(np.uint64)
        order = np.argsort(digests, kind="stable")
        return cls(
            digests[order],
            actors.select(TRIPLE).take(to_arrow(order)).combine_chunks(),
            to_numpy(actors.column("actor"))[order],
            to_numpy(actors.column("first_at"))[order],
        )

    def merged(self, other: _Run) -> _Run:
        digests = np.concatenate([self.digests, other.digests])
        order = np.argsort(digests, kind="stable")
        ids = pa.concat_tables([self.ids, other.ids]).take(to_arrow(order))
        return _Run(
            digests[order],
            ids.combine_chunks(),
            np.concatenate([self.actor, other.actor])[order],
            np.concatenate([self.first_at, other.first_at])[order],
        )

    def look(self, digests: Digests, ids: pa.Table) -> tuple[Ints, Ints]:
        """Return positions of the asked, and where each is here; the ids decide."""
        low = np.searchsorted(self.digests, digests)
        count = np.searchsorted(self.digests, digests, side="right") - low
        asked = np.repeat(np.arange(len(digests)), count)
        begin = np.cumsum(count) - count
        at = low[asked] + np.arange(len(asked)) - begin[asked]
        mine, theirs = self.ids.take(to_arrow(at)), ids.take(to_arrow(asked))
        same = np.ones(len(at), dtype=bool)
        for name in TRIPLE:
            same &= _equal(mine.column(name), theirs.column(name))
        return asked[same], at[same]


def _equal(one: pa.ChunkedArray, other: pa.ChunkedArray) -> Bools:
    """Compare texts; nothing equals nothing."""
    neither = pc.and_(pc.is_null(one), pc.is_null(other))
    return to_numpy(pc.coalesce(pc.equal(one, other), neither))


class KnownActors:
    """Every stored actor, found by its ids."""

    def __init__(self, actors: pa.Table) -> None:
        """Know these; columns of `facts.ACTORS`."""
        self._runs = [_Run.of(actors)]

    def __len__(self) -> int:
        return sum(len(run.actor) for run in self._runs)

    def look(self, asked: pa.Table) -> pa.Table:
        """Return ordinal, actor and first_at of those that are known.

        Args:
            asked: As for `facts.EventPort.stored_actors`.
        """
        digests = to_numpy(asked.column("digest")).view(np.uint64)
        ordinal = to_numpy(asked.column("ordinal"))
        found: list[tuple[Ints, NDArray[np.int32], Ints]] = []
        for run in self._runs:
            which, at = run.look(digests, asked.select(TRIPLE))
            found.append((ordinal[which], run.actor[at], run.first_at[at]))
        ordinals, actors, first_at = (np.concatenate(column) for column in zip(*found, strict=True))
        return pa.table(
            {
                "ordinal": to_arrow(ordinals),
                "actor": to_arrow(actors),
                "first_at": to_arrow(first_at).cast(INSTANT),
            }
        )

    def add(self, actors: pa.Table) -> None:
        """Know more of them; columns of `facts.ACTORS`."""
        self._runs.append(_Run.of(actors))
        while len(self._runs) > 1 and len(self._runs[-2].actor) < 2 * len(self._runs[-1].actor):
            last = self._runs.pop()
            self._runs[-1] = self._runs[-1].merged(last)

    def lower(self, actors: pa.Table) -> None:
        """Know that some were seen earlier; columns of `facts.ACTORS`."""
        digests = to_numpy(actors.column("digest")).view(np.uint64)
        first_at = to_numpy(actors.column("first_at"))
        for run in self._runs:
            which, at = run.look(digests, actors.select(TRIPLE))
            run.first_at[at] = first_at[which]
