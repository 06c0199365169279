"""Where every account stands now: what was computed of everybody, and what came of a few since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.engine.live.last_known import LastKnown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from groundswell.engine.live.last_known import People

LAYERS = 64
"""Frames of a few accounts that are kept one by one, before they become one."""


class Board:
    """Rows as `telling.latest_frame` gives them, one per account; one thread changes them.

    What other threads read (`known`) is never changed.
    """

    def __init__(self, everybody: pl.DataFrame, people: People) -> None:
        """Begin with where everybody stands, and who belongs where."""
        self._everybody, self._people = everybody, people
        self._since = everybody.clear()
        self._layers: list[pl.DataFrame] = []
        self._gone: set[str] = set()
        self.known = self._published()

    def put(self, rows: pl.DataFrame) -> None:
        """Put accounts where they stand now."""
        self._layers.append(rows)
        if len(self._layers) > LAYERS:
            self._since, self._layers = _newest([*self._layers[::-1], self._since]), []

    def leave(self, wanted: Collection[str], present: Collection[str]) -> None:
        """Note which of some accounts are there, and that the others are not."""
        self._gone = (self._gone - set(present)) | (set(wanted) - set(present))

    def publish(self) -> None:
        """Let other threads know."""
        self.known = self._published()

    def rows(self) -> pl.DataFrame:
        """Return where every account stands, best first."""
        if self._layers or self._gone or self._since.height:
            newest = _newest(self._newest_first())
            self._everybody = newest.filter(~pl.col("account_id").is_in(list(self._gone))).sort(
                ["score", "account_id"], descending=[True, False]
            )
            self._since, self._layers, self._gone = self._everybody.clear(), [], set()
        return self._everybody

    def _newest_first(self) -> tuple[pl.DataFrame, ...]:
        return (*self._layers[::-1], self._since, self._everybody)

    def _published(self) -> LastKnown:
        return LastKnown(self._newest_first(), frozenset(self._gone), self._people)


def _newest(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return one row per account, of the first of the frames that has it."""
    whole = pl.concat(frames, how="vertical_relaxed")
    return whole.unique("account_id", keep="first", maintain_order=True)
