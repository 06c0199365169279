"""Tables that are made from the facts and replaced as a whole: Parquet files and a pointer.

The files of a table lie in a folder of their own, written first. A small JSON file then points at
them, moved into place, so that a reader sees the old table or the new one and never half of one.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


class KeptTables:
    """The working tables and the roll-up of a folder that the workers share."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which is made when a table is first kept."""
        self._folder = folder

    def place(self, table: str) -> Path:
        """Return where new files of a table may be written; nothing reads them yet."""
        place = self._folder / table / uuid.uuid4().hex
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def keep(self, table: str, place: Path, *, note: str = "") -> None:
        """Make the files in `place` the table, and delete those it had.

        Args:
            table: A plain word.
            place: A folder that `place` returned.
            note: What the table was made from.
        """
        draft = place.with_suffix(".json")
        draft.write_text(json.dumps({"place": place.name, "note": note}), encoding="utf-8")
        os.replace(draft, self._pointer(table))  # noqa: PTH105  (Path.replace says no more)
        for other in (self._folder / table).iterdir():
            if other.is_dir() and other != place:
                shutil.rmtree(other, ignore_errors=True)

    def annotate(self, table: str, note: str) -> None:
        """Say anew what a table was made from; nothing happens where there is no table."""
        state = self._state(table)
        if state:
            draft = self._pointer(table).with_suffix(f".{uuid.uuid4().hex}")
            draft.write_text(json.dumps({**state, "note": note}), encoding="utf-8")
            os.replace(draft, self._pointer(table))  # noqa: PTH105  (Path.replace says no more)

    def keep_rows(self, table: str, rows: pa.Table) -> None:
        """Write rows as a table, in place of one of that name."""
        place = self.place(table)
        place.mkdir()
        pq.write_table(rows, place / "part-0.parquet", compression="zstd")
        self.keep(table, place)

    def files(self, table: str) -> list[str]:
        """Return the absolute paths of a table's files, in order; none where there is no table."""
        state = self._state(table)
        place = self._folder / table / state.get("place", "-")
        return [str(file) for file in sorted(place.glob("part-*.parquet"))]

    def note(self, table: str) -> str | None:
        """Return what a table was made from; None where there is no table."""
        return self._state(table).get("note") if self.files(table) else None

    def _pointer(self, table: str) -> Path:
        return self._folder / f"{table}.json"

    def _state(self, table: str) -> dict[str, str]:
        try:
            return json.loads(self._pointer(table).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
