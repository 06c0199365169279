"""Executing a shape: files and tables in, canonical Arrow batches and rejects out.

Records are read in batches that depend on the source alone, so a load that was killed and runs
again meets the same batches. Good rows never pass through Python one by one: an in-memory DuckDB
reads and judges a whole batch; only what it finds fault with is looked at singly.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from groundswell.errors import LoadError, Problem, UsageError
from groundswell.store.reading_batches import Batch, BatchReader
from groundswell.store.reading_blocks import plain_suffix
from groundswell.store.reading_raw import BLOCK_BYTES, RawBatch, read_csv, read_jsonl, read_parquet
from groundswell.store.reading_replay import Replayed, replay

if TYPE_CHECKING:
    from datetime import datetime

    from groundswell.config.shape import FileFormat, Shape

__all__ = ["Batch", "Replayed", "expand_paths", "read_files", "read_tables", "replay"]

Progress = Callable[[int, int | None], None]

_SUFFIXES: dict[str, FileFormat] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


def expand_paths(paths: Sequence[str | Path]) -> list[Path]:
    """Return the files that paths and globs name, each once, in order of their names per glob.

    Raises:
        LoadError: A path names nothing, or a folder; every one is told.
    """
    found: dict[Path, None] = {}
    problems: list[Problem] = []
    for path in map(str, paths):
        files = [Path(name) for name in _named(path)]
        if not files:
            fix = "Check the spelling; a glob in the shell may need quotes."
            problems.append(Problem("file-missing", f"There is no file `{path}`.", fix))
        for file in files:
            if file.is_dir():
                fix = f"Name its files: `{path.rstrip('/')}/*.csv`."
                problems.append(Problem("file-is-folder", f"`{path}` is a folder.", fix))
            found[file] = None
    if problems:
        raise LoadError(*problems)
    return list(found)


def _named(path: str) -> list[str]:
    try:
        if Path(path).exists():
            return [path]
        return sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - a glob may be absolute
    except (OSError, ValueError):  # no file can have such a name
        return []


def format_of(shape: Shape, path: Path) -> FileFormat:
    """Return how a file is written: as the shape says, or by the file's name.

    Raises:
        UsageError: Neither tells.
    """
    return shape.format or format_by_name(path)


def format_by_name(path: Path) -> FileFormat:
    """Return how a file is written, by its name.

    Raises:
        UsageError: It does not tell.
    """
    suffix = plain_suffix(path)
    if suffix not in _SUFFIXES:
        raise UsageError(
            Problem(
                code="file-format-unknown",
                what=f"The name `{path.name}` does not tell how the file is written.",
                fix="Say it: `--format csv` (or jsonl, parquet).",
            )
        )
    return _SUFFIXES[suffix]


def read_files(
    shape: Shape,
    paths: Sequence[str | Path],
    *,
    source: str,
    received_at: datetime,
    progress: Progress | None = None,
    block_bytes: int = BLOCK_BYTES,
    threads: int | None = None,
) -> Iterator[Batch]:
    """Read files as records of the shape's kind.

    Args:
        shape: How their columns become ours.
        paths: Files or globs.
        source: Name the records are loaded under.
        received_at: The load's clock; stands in where events do not say when they came.
        progress: Called with (bytes done, bytes in all) after each batch.
        block_bytes: About how much text is read at a time.
        threads: Threads that DuckDB may use; None: all.

    Yields:
        Batches in the order of the files and of their rows.

    Raises:
        LoadError: A file cannot be read at all, or a whole column of times cannot be understood.
        UsageError: The mapping does not fit the files.
    """
    files = expand_paths(paths)
    formats: dict[Path, FileFormat] = {file: format_of(shape, file) for file in files}
    total = sum(file.stat().st_size for file in files)
    before = 0
    with BatchReader(source=source, received_at=received_at, threads=threads) as reader:
        for file in files:
            raws = _raw_batches(file, formats[file], shape, block_bytes)
            for batch in reader.read(shape, raws, name=str(file)):
                done = before + batch.bytes_done
                if progress:
                    progress(done, total)
                yield replace(batch, bytes_done=done, bytes_total=total)
            before += file.stat().st_size


def read_tables(
    shape: Shape,
    raws: Iterable[RawBatch],
    *,
    source: str,
    name: str,
    received_at: datetime,
    threads: int | None = None,
) -> Iterator[Batch]:
    """Read raw batches that come from somewhere else than files, such as a database.

    Raises:
        LoadError: A whole column of times cannot be understood.
        UsageError: The mapping does not fit the columns.
    """
    with BatchReader(source=source, received_at=received_at, threads=threads) as reader:
        yield from reader.read(shape, raws, name=name)


def _raw_batches(
    file: Path, format_: FileFormat, shape: Shape, block_bytes: int
) -> Iterator[RawBatch]:
    if format_ == "csv":
        return read_csv(file, shape.dialect, block_bytes=block_bytes)
    if format_ == "jsonl":
        return read_jsonl(file, encoding=shape.dialect.encoding, block_bytes=block_bytes)
    return read_parquet(file)
