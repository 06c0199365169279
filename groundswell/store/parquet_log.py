"""A folder of Parquet files with a commit log, so that an append is there whole or not at all.

Data files are written first, under names nobody lists. One small JSON file in `_commits/` then
names them, created with a hard link, which fails if another writer was first. What no commit
names does not exist. The folder must be the same path for the driver and every worker.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundswell.errors import Problem, StoreError

if TYPE_CHECKING:
    from pathlib import Path

LAYOUT = 2
ROW_GROUP = 131_072
"""Rows that a reader skips, or a worker takes, at a time."""


@dataclass(slots=True)
class Pending:
    """What an append has written and not committed.

    Attributes:
        files: Paths below the folder, by table.
        counters: New values of named counters.
    """

    files: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    counters: dict[str, int] = field(default_factory=dict[str, int])


class ParquetLog:
    """Tables of Parquet files below one folder, with their commits."""

    def __init__(self, folder: Path) -> None:
        """Open the folder, creating it when it is not there.

        Raises:
            StoreError: It cannot be written, or another version wrote it.
        """
        self.folder = folder
        self._commits = folder / "_commits"
        self._scratch = folder / "_scratch" / uuid.uuid4().hex
        self._read = 0
        self._files: dict[str, list[str]] = {}
        self._counters: dict[str, int] = {}
        self._store_id = ""
        try:
            self._commits.mkdir(parents=True, exist_ok=True)
            self._scratch.mkdir(parents=True)
        except OSError as error:
            raise _unwritable(folder, error) from error
        self.refresh()
        if not self._read:
            self._write_commit({"layout": LAYOUT, "store_id": uuid.uuid4().hex})
            self.refresh()

    @property
    def version(self) -> str:
        """A text that changes with every commit."""
        return f"{self._store_id}-{self._read}"

    def refresh(self) -> bool:
        """Take in commits that were made since; return whether there were any."""
        before = self._read
        while (commit := self._commits / f"{self._read:08d}.json").exists():
            self._take_in(json.loads(commit.read_text(encoding="utf-8")))
            self._read += 1
        return self._read != before

    def files(self, table: str, pending: Pending | None = None) -> list[str]:
        """Return the absolute paths of a table's files, in the order they were committed."""
        names = [*self._files.get(table, []), *(pending.files.get(table, []) if pending else [])]
        return [str(self.folder / name) for name in names]

    def counter(self, name: str, pending: Pending | None = None) -> int:
        """Return a counter; 0 before it is first set."""
        held = pending.counters if pending else {}
        return held.get(name, self._counters.get(name, 0))

    def write(self, pending: Pending, table: str, rows: pa.Table) -> None:
        """Write rows into a new file of a table, to be committed with `pending`."""
        name = f"{table}/{uuid.uuid4().hex}.parquet"
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            pq.write_table(rows, file, compression="zstd", row_group_size=ROW_GROUP)
            file.flush()
            os.fsync(file.fileno())
        pending.files.setdefault(table, []).append(name)

    def commit(self, pending: Pending) -> None:
        """Make everything of `pending` visible, at once.

        Raises:
            StoreError: Another writer committed meanwhile; nothing became visible.
        """
        self._write_commit({"files": pending.files, "counters": pending.counters})
        self.refresh()

    def discard(self, pending: Pending) -> None:
        """Delete what was written and will not be committed."""
        for names in pending.files.values():
            for name in names:
                (self.folder / name).unlink(missing_ok=True)

    def scratch(self, name: str) -> Path:
        """Return a path for a file that lives no longer than this object."""
        return self._scratch / f"{name}-{uuid.uuid4().hex}.parquet"

    def close(self) -> None:
        """Delete the scratch files."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _write_commit(self, content: dict[str, Any]) -> None:
        draft = self._scratch / f"commit-{uuid.uuid4().hex}.json"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, self._commits / f"{self._read:08d}.json")
        except FileExistsError as error:
            raise StoreError(
                Problem(
                    code="store-busy",
                    what=f"Another process appended to {self.folder} at the same time.",
                    fix="Nothing was changed; run the command again.",
                )
            ) from error
        finally:
            draft.unlink()

    def _take_in(self, commit: dict[str, Any]) -> None:
        if "layout" in commit:
            self._store_id = commit["store_id"]
            if commit["layout"] != LAYOUT:
                raise _other_layout(self.folder, commit["layout"])
        for table, names in commit.get("files", {}).items():
            self._files.setdefault(table, []).extend(names)
        self._counters.update(commit.get("counters", {}))


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        Problem(
            code="store-folder",
            what=f"{folder} cannot be written: {error.strerror}.",
            fix="Give a folder that this process and every Spark worker may write, as `?path=`.",
        )
    )


def _other_layout(folder: Path, found: int) -> StoreError:
    return StoreError(
        Problem(
            code="store-layout",
            what=f"{folder} has layout {found}; this version of Groundswell reads layout {LAYOUT}.",
            fix="Use the version that wrote it, or load the sources into a new folder.",
        )
    )
