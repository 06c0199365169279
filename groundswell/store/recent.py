"""The digests of what came lately, in memory: most of what comes is new, and is seen to be so here.

Sorted runs, each at least twice as long as the next, so that adding costs little and a lookup
searches few runs. Eight bytes an event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from datetime import date, datetime

    from numpy.typing import NDArray

    Digests = NDArray[np.uint64]


@dataclass
class RecentDigests:
    """Digests of the events that were received since a moment.

    Attributes:
        since: The moment.
        day: The day they were read on; they are read again on the next, which drops the old.
        version: The warehouse's state that they are those of.
    """

    since: datetime
    day: date
    version: str
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
