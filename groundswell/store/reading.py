"""Executing a shape: files and tables in, canonical Arrow batches and rejects out.

Records are read in batches that depend on the source alone, so a load that was killed and runs
again meets the same batches. Good rows never pass through Python one by one: an in-memory DuckDB
reads and judges a whole batch; only what it finds fault with is looked at singly.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from groundswell.config.columns import file_name
from groundswell.errors import LoadError, Place, Problem, UsageError
from groundswell.model import Kind, Reject
from groundswell.store.reading_blocks import plain_suffix
from groundswell.store.reading_origin import LINE, ROW, LineOrigin, Native, TableOrigin
from groundswell.store.reading_raw import BLOCK_BYTES, RawBatch, read_csv, read_jsonl, read_parquet
from groundswell.store.reading_reasons import (
    Case,
    Reason,
    flaw_reason,
    reason_for,
    time_yaml,
    told,
)
from groundswell.store.reading_resolving import line_keys, resolve_shape
from groundswell.store.reading_sql import NESTED_FINGERPRINT, Query, compile_query
from groundswell.store.tables import TABLES

if TYPE_CHECKING:
    from datetime import datetime

    from groundswell.config.shape import FileFormat, Shape

Progress = Callable[[int, int | None], None]

_SUFFIXES: dict[str, FileFormat] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of one source, ready to be appended, and the rows that cannot be.

    Attributes:
        rows: Canonical columns of the kind, as in `store.tables.TABLES`.
        rejects: Rows for the quarantine.
        file: The file or table they come from.
        bytes_done: Bytes of all files of the load read so far.
        bytes_total: Bytes of all files; None where that is unknown.
        cursor: Greatest cursor value up to here, for tables that are read incrementally.
    """

    rows: pa.Table
    rejects: list[Reject] = field(default_factory=list[Reject])
    file: str = ""
    bytes_done: int = 0
    bytes_total: int | None = None
    cursor: str | None = None


def expand_paths(paths: Sequence[str | Path]) -> list[Path]:
    """Return the files that paths and globs name, each once, in order of their names per glob.

    Raises:
        LoadError: A path names nothing, or a folder; every one is told.
    """
    found: dict[Path, None] = {}
    problems: list[Problem] = []
    for path in map(str, paths):
        names = [path] if Path(path).exists() else sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - may be absolute
        files = [Path(name) for name in names]
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


def format_of(shape: Shape, path: Path) -> FileFormat:
    """Return how a file is written: as the shape says, or by the file's name.

    Raises:
        UsageError: Neither tells.
    """
    if shape.format:
        return shape.format
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
    formats = {file: format_of(shape, file) for file in files}
    total = sum(file.stat().st_size for file in files)
    before = 0
    with _Reader(source=source, received_at=received_at, threads=threads) as reader:
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
    with _Reader(source=source, received_at=received_at, threads=threads) as reader:
        yield from reader.read(shape, raws, name=name)


def _raw_batches(
    file: Path, format_: FileFormat, shape: Shape, block_bytes: int
) -> Iterator[RawBatch]:
    if format_ == "csv":
        return read_csv(file, shape.dialect, block_bytes=block_bytes)
    if format_ == "jsonl":
        return read_jsonl(file, encoding=shape.dialect.encoding, block_bytes=block_bytes)
    return read_parquet(file)


def _ahead(raws: Iterable[RawBatch]) -> Iterator[RawBatch]:
    """Yield batches while the next one is already being read."""
    source = iter(raws)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading") as pool:
        coming = pool.submit(next, source, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, source, None)
            yield batch


class _Reader:
    """An in-memory DuckDB that reads batch after batch."""

    def __init__(self, *, source: str, received_at: datetime, threads: int | None) -> None:
        self.source = source
        self.received_at = received_at
        config: dict[str, str | bool | int | float | list[str]] = {}
        if threads:
            config["threads"] = threads
        self.duck = duckdb.connect(":memory:", config=config)
        self.duck.execute("SET TimeZone = 'UTC'")
        self.duck.execute("SET enable_progress_bar = false")

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.duck.close()

    def read(self, shape: Shape, raws: Iterable[RawBatch], *, name: str) -> Iterator[Batch]:
        """Yield the batches of one file or table."""
        plan: _Plan | None = None
        for raw in _ahead(raws):
            first = plan is None
            if plan is None:
                plan = self._plan(shape, raw, name)
            yield self._batch(plan, raw, first=first)

    def _plan(self, shape: Shape, raw: RawBatch, name: str) -> _Plan:
        if LINE in raw.table.column_names:
            self.duck.register("raw", raw.table)
            keys = line_keys(self.duck)
            fitted = resolve_shape(shape, keys, place=name, lines=True)
            origin = LineOrigin(nulls=fitted.nulls)
        else:
            names = [column for column in raw.table.column_names if column != ROW]
            fitted = resolve_shape(shape, names, place=name, lines=False)
            origin = TableOrigin(raw.table.schema, fitted.nulls, fitted.ignore_case)
        query, careful = (
            compile_query(
                fitted,
                origin,
                source=self.source,
                received_at=self.received_at,
                look_for_nul=look,
            )
            for look in (False, True)
        )
        plan = _Plan(fitted, query, careful, name, self.source)
        plan.check_typed_times()
        return plan

    def _batch(self, plan: _Plan, raw: RawBatch, *, first: bool) -> Batch:
        self.duck.register("raw", raw.table)
        query = plan.careful if raw.may_hold_nul else plan.plain
        found = self.duck.sql(query.rows).to_arrow_table()
        problems = found.column("__problem")
        rejects = [
            plan.reject(flaw_reason(record, fields=raw.fields), record.line, record.raw)
            for record in raw.flawed
        ]
        good = found
        if found.num_rows and pc.max(problems).as_py():
            good = found.filter(pc.equal(problems, 0))
            bad = found.select([ROW, "__problem"]).filter(pc.not_equal(problems, 0))
            if first:
                self._check_times(plan, query, raw, bad, good)
            rejects += self._rejects(plan, query, raw, bad)
        rejects.sort(key=lambda reject: reject.line or 0)
        rows = self._settle_ids(plan, good)
        return Batch(rows=rows, rejects=rejects, file=plan.name, bytes_done=raw.bytes_done)

    def _settle_ids(self, plan: _Plan, good: pa.Table) -> pa.Table:
        """Return the canonical columns, with an id for events whose properties nest."""
        schema = TABLES[plan.shape.kind]
        if plan.shape.kind is Kind.EVENTS and good.column("message_id").null_count:
            missing = pc.is_null(good.column("message_id"))
            self.duck.register("nested", good.filter(missing))
            ids = self.duck.sql(NESTED_FINGERPRINT).to_arrow_table().column("message_id")
            settled = pc.replace_with_mask(
                good.column("message_id").combine_chunks(),
                missing.combine_chunks(),
                ids.combine_chunks(),
            )
            good = good.set_column(good.column_names.index("message_id"), "message_id", settled)
        return good.select(schema.names).cast(schema)

    def _texts(self, plan: _Plan, raw: RawBatch, rows: pa.Array) -> dict[int, dict[str, Any]]:
        """Return, for some rows, the text of each value as it stood."""
        self.duck.register("raw", raw.table.take(rows))
        found = self.duck.sql(plan.plain.texts).to_arrow_table().to_pylist()
        return {row[ROW]: row for row in found}

    def _rejects(
        self, plan: _Plan, query: Query, raw: RawBatch, bad: pa.Table
    ) -> list[Reject]:
        rows = bad.column(ROW).combine_chunks()
        texts = self._texts(plan, raw, rows)
        rejects: list[Reject] = []
        for row, number in zip(rows.to_pylist(), bad.column("__problem").to_pylist(), strict=True):
            check = query.checks[number - 1]
            case = Case(
                plan.shape, check.column, texts[row].get(check.column), self.received_at
            )
            reason = reason_for(check.code, case)
            rejects.append(plan.reject(reason, raw.line(row), raw.raw(row)))
        return rejects

    def _check_times(
        self, plan: _Plan, query: Query, raw: RawBatch, bad: pa.Table, good: pa.Table
    ) -> None:
        """Refuse the file when no time of a column can be understood: that is no matter of rows."""
        numbers = pc.value_counts(bad.column("__problem").combine_chunks()).to_pylist()
        for entry in numbers:
            check = query.checks[entry["values"] - 1]
            if check.code != "bad-time" or entry["counts"] < 2:  # noqa: PLR2004 - one is a row's matter
                continue
            if good.num_rows - good.column(check.column).null_count:
                continue
            which = bad.filter(pc.equal(bad.column("__problem"), entry["values"]))
            rows = which.column(ROW).combine_chunks()[:1]
            text = next(iter(self._texts(plan, raw, rows).values())).get(check.column)
            case = Case(plan.shape, check.column, text, self.received_at)
            raise plan.time_error(check.column, reason_for("bad-time", case), raw.line(rows[0].as_py()))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What stays the same while one file or table is read."""

    shape: Shape
    plain: Query
    careful: Query
    name: str
    source: str

    def reject(self, reason: Reason, line: int | None, raw: str) -> Reject:
        return Reject(
            source=self.source,
            kind=self.shape.kind,
            file=self.name,
            line=line,
            code=reason.code,
            reason=reason.what,
            fix=reason.fix,
            raw=raw,
        )

    def check_typed_times(self) -> None:
        """Refuse typed time columns that do not say enough: every value has the same lack."""
        for column, native in self.plain.times.items():
            written = self.shape.times.get(column)
            shown = file_name(self.shape.kind, column)
            if native in (Native.LOCAL_TIME, Native.DATE) and not (written and written.zone):
                what = f"Column `{shown}` holds times without a time zone ({native})."
                raise self.time_error(column, Reason("time-no-zone", what, ""), None)
            numeric = native in (Native.INTEGER, Native.FLOAT, Native.DECIMAL)
            if numeric and not (written and written.unit):
                what = f"Column `{shown}` holds numbers that do not say what they count."
                raise self.time_error(column, Reason("time-no-unit", what, ""), None)

    def time_error(self, column: str, reason: Reason, line: int | None) -> LoadError:
        yaml = time_yaml(self.source, self.shape, column, reason.code)
        what = reason.what if line is None else f"No time of the column can be read: {reason.what}"
        mend = "Mend" if told(self.shape.times.get(column)) else "Say"
        return LoadError(
            Problem(
                code=reason.code,
                what=what,
                fix=f"{mend} how it is written, in the mapping:\n{yaml}",
                where=Place(self.name, line),
            )
        )
