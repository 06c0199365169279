"""Files as raw batches: their own columns, not yet ours, with the place of every row.

CSV and JSON lines are cut into records here, so that a record whose very shape is wrong is set
aside with its physical line; Parquet comes as it is.
"""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# Arrow ships no types.

from __future__ import annotations

import base64
import csv
import json
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pat

from groundswell.errors import LoadError, Place, Problem
from groundswell.store.arrays import to_arrow
from groundswell.store.reading_blocks import Blocks
from groundswell.store.reading_origin import LINE, ROW
from groundswell.store.reading_split import Cut, Flaw, cut_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from groundswell.config.schema import CsvDialect

BLOCK_BYTES = 64 << 20
PARQUET_ROWS = 1_000_000
ENCODED = "base64:"


@dataclass(frozen=True, slots=True)
class Flawed:
    """A record that is no record: its line, what is wrong, and its text for a later try."""

    line: int
    flaw: Flaw
    fields: int
    raw: str


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Some rows of one source as they are.

    Attributes:
        table: Their columns (or the one column of JSON lines), and `__row`, counted from 0.
        line: Gives the physical line (Parquet: the row number) of a row, from 1.
        raw: Gives a row of `table` as it stood, as text that can be read again.
        flawed: Records that are no rows.
        fields: How many fields a record should have had.
        bytes_done: Bytes of the source read so far.
        may_hold_nul: Whether NUL characters were seen that no one has set aside yet.
    """

    table: pa.Table
    line: Callable[[int], int | None]
    raw: Callable[[dict[str, Any]], str]
    flawed: list[Flawed] = field(default_factory=list[Flawed])
    fields: int = 0
    bytes_done: int = 0
    may_hold_nul: bool = False


def _numbered(columns: dict[str, pa.Array | pa.ChunkedArray], rows: int) -> pa.Table:
    return pa.table({**columns, ROW: to_arrow(np.arange(rows, dtype=np.int64))})


def row_as_json(row: dict[str, Any]) -> str:
    """Return a row as one JSON object; instants in ISO 8601, so that they read back the same."""
    columns = {name: value for name, value in row.items() if name != ROW}
    return json.dumps(columns, default=_as_json, ensure_ascii=False)


def _line_text(row: dict[str, Any]) -> str:
    return row[LINE].strip("\r\n")


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


# --- CSV --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Header:
    names: list[str]
    text: str
    bytes: int
    lines: int


def read_csv(
    path: Path, dialect: CsvDialect, *, block_bytes: int = BLOCK_BYTES
) -> Iterator[RawBatch]:
    """Yield the records of a CSV file, every field as text.

    Raises:
        LoadError: The file is empty, its header cannot be used, or it cannot be read.
    """
    header: _Header | None = None
    line = 1
    with Blocks(path, encoding=dialect.encoding, size=block_bytes) as blocks:
        for block, final in blocks:
            data = block
            skipped = 0
            if header is None:
                header = _header(block, dialect, path)
                skipped, line = header.bytes, 1 + header.lines
                data = block[skipped:]
            cut = cut_records(
                data,
                columns=len(header.names),
                delimiter=dialect.delimiter,
                quote=dialect.quote,
                escape=dialect.escape,
                line=line,
                final=final,
            )
            blocks.use(skipped + cut.consumed)
            line = cut.line
            yield _csv_batch(data, cut, header, blocks.bytes_done)


def read_csv_text(data: bytes, dialect: CsvDialect, *, name: str) -> RawBatch:
    """Return the records of a small piece of CSV, in UTF-8, as `read_csv` would.

    Raises:
        LoadError: Its header cannot be used.
    """
    block = np.frombuffer(data, dtype=np.uint8)
    header = _header(block, dialect, Path(name))
    rest = block[header.bytes :]
    cut = cut_records(
        rest,
        columns=len(header.names),
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        escape=dialect.escape,
        line=1 + header.lines,
        final=True,
    )
    return _csv_batch(rest, cut, header, len(data))


def _header(block: NDArray[np.uint8], dialect: CsvDialect, path: Path) -> _Header:
    """Return the names of the columns and how much of the file they take."""
    head = block[: 1 << 20].tobytes()
    if not head.strip():
        raise _file_problem(path, "file-empty", "The file is empty.", "Export it again.")
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            text = head[: error.start].decode()
            if dialect.header and "\n" not in text:
                raise _file_problem(
                    path,
                    "file-encoding",
                    "The first line of the file is not UTF-8.",
                    "Name its encoding under the source: `csv: {encoding: latin-1}`.",
                ) from None
        else:
            text = head[: error.start].decode()
    lines = text.splitlines(keepends=True)
    reader = csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape,
    )
    first = next((row for row in reader if row), [])
    used = "".join(lines[: reader.line_num])
    if not dialect.header:
        names = list(dialect.columns or [f"column_{i}" for i in range(1, len(first) + 1)])
        return _Header(_unique(names, path), "", 0, 0)
    names = [name.strip() or f"column_{i}" for i, name in enumerate(first, start=1)]
    return _Header(_unique(names, path), used.strip("\r\n"), len(used.encode()), reader.line_num)


def _unique(names: list[str], path: Path) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _file_problem(
            path,
            "column-twice",
            f"The header names {', '.join(f'`{name}`' for name in twice)} more than once.",
            "Rename one of them, or give the names in the source: "
            "`csv: {header: false, columns: [...]}`.",
        )
    return names


def _file_problem(path: Path, code: str, what: str, fix: str) -> LoadError:
    return LoadError(Problem(code=code, what=what, fix=fix, where=Place(str(path))))


def _csv_batch(data: NDArray[np.uint8], cut: Cut, header: _Header, bytes_done: int) -> RawBatch:
    good, views = cut.good, cut.views
    whole = memoryview(data.data)
    flawed = [
        Flawed(int(row[2]), Flaw(int(row[3])), int(row[4]), _record(whole, row, header.text))
        for row in cut.bad
    ]
    spoiled = _spoiled(whole[: cut.consumed], good)
    if spoiled:
        flawed += [
            Flawed(int(good[i, 2]), flaw, 0, _record(whole, good[i], header.text))
            for i, flaw in spoiled.items()
        ]
        keep = np.ones(len(good), dtype=bool)
        keep[list(spoiled)] = False
        good, views = good[keep], views[:, keep]
    arrays = {
        name: pa.Array.from_buffers(
            pa.string_view(),
            len(good),
            [None, pa.py_buffer(views[i]), pa.py_buffer(data), pa.py_buffer(cut.side)],
        )
        for i, name in enumerate(header.names)
    }
    flawed.sort(key=lambda record: record.line)
    return RawBatch(
        table=_numbered(arrays, len(good)),
        line=lambda row: int(good[row, 2]),
        raw=row_as_json,
        flawed=flawed,
        fields=len(header.names),
        bytes_done=bytes_done,
    )


def _record(whole: memoryview, row: NDArray[np.int64], header: str) -> str:
    """Return a record behind its header, as a small CSV file that can be read again."""
    record = bytes(whole[int(row[0]) : int(row[1])])
    head = f"{header}\n" if header else ""
    try:
        text = head + record.decode()
    except UnicodeDecodeError:
        text = "\0"
    # What a database cannot keep as text is kept as base64.
    if "\0" in text:
        return ENCODED + base64.b64encode(head.encode() + record).decode()
    return text


def _spoiled(data: memoryview, good: NDArray[np.int64]) -> dict[int, Flaw]:
    """Return the records with bytes that are no text; whole blocks without any cost one look."""
    nul = 0 in data if len(data) < 1 else bytes(data).find(b"\0") >= 0
    try:
        str(data, "utf-8")
    except UnicodeDecodeError:
        return _search_spoiled(data, good)
    return _search_spoiled(data, good) if nul else {}


def _search_spoiled(data: memoryview, good: NDArray[np.int64]) -> dict[int, Flaw]:
    found: dict[int, Flaw] = {}
    for i, (begin, end, _) in enumerate(good.tolist()):
        record = bytes(data[begin:end])
        if b"\0" in record:
            found[i] = Flaw.NUL
        try:
            record.decode()
        except UnicodeDecodeError:
            found[i] = Flaw.BAD_ENCODING
    return found


# --- JSON lines -------------------------------------------------------------------------------


def read_jsonl(
    path: Path, *, encoding: str = "utf-8", block_bytes: int = BLOCK_BYTES
) -> Iterator[RawBatch]:
    """Yield the lines of a file as one column of text, still to be read as JSON.

    Raises:
        LoadError: The file is empty, is one JSON array, or cannot be read.
    """
    line = 1
    with Blocks(path, encoding=encoding, size=block_bytes) as blocks:
        for block, final in blocks:
            if line == 1:
                _check_is_lines(block, path)
            ends = np.flatnonzero(block == ord("\n")) + 1
            if final and len(block) and (not len(ends) or ends[-1] < len(block)):
                ends = np.append(ends, len(block))
            consumed = int(ends[-1]) if len(ends) else 0
            blocks.use(consumed)
            yield lines_batch(block[:consumed], ends, line, blocks.bytes_done)
            line += len(ends)


def _check_is_lines(block: NDArray[np.uint8], path: Path) -> None:
    head = block[:4096].tobytes().lstrip()
    if not head:
        raise _file_problem(path, "file-empty", "The file is empty.", "Export it again.")
    if head.startswith(b"["):
        raise _file_problem(
            path,
            "file-json-array",
            "The file is one JSON array, not one JSON object a line.",
            "Write it as lines: `jq -c '.[]' FILE > FILE.jsonl`.",
        )


def lines_batch(
    data: NDArray[np.uint8], ends: NDArray[np.int64], first_line: int, bytes_done: int
) -> RawBatch:
    """Return lines that lie one behind the other as a batch, without copying them."""
    offsets = np.zeros(len(ends) + 1, dtype=np.int64)
    offsets[1:] = ends
    column = pa.Array.from_buffers(
        pa.large_string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    whole = memoryview(data.data)
    extents = np.stack([offsets[:-1], ends, np.arange(len(ends)) + first_line], axis=1)
    spoiled = _spoiled(whole, extents)
    flawed = [
        Flawed(first_line + i, flaw, 0, _record(whole, extents[i], "").rstrip("\r\n"))
        for i, flaw in spoiled.items()
    ]
    lines = np.arange(len(ends)) + first_line
    if spoiled:
        keep = np.ones(len(ends), dtype=bool)
        keep[list(spoiled)] = False
        column = column.take(to_arrow(np.flatnonzero(keep)))
        lines = lines[keep]
    return RawBatch(
        table=_numbered({LINE: column}, len(column)),
        line=lambda row: int(lines[row]),
        raw=_line_text,
        flawed=flawed,
        bytes_done=bytes_done,
    )


def lines_of(texts: Sequence[str]) -> RawBatch:
    """Return texts, each one JSON object, as a batch whose line numbers count the texts."""
    column = pa.array(texts, type=pa.large_string())
    return RawBatch(
        table=_numbered({LINE: column}, len(texts)),
        line=lambda row: row + 1,
        raw=_line_text,
    )


# --- Parquet and tables -----------------------------------------------------------------------


def read_parquet(path: Path, *, rows: int = PARQUET_ROWS) -> Iterator[RawBatch]:
    """Yield the rows of a Parquet file.

    Raises:
        LoadError: It is no Parquet file, or cannot be read.
    """
    try:
        file = pq.ParquetFile(path, memory_map=True)
    except (pa.ArrowInvalid, OSError) as error:
        raise _file_problem(
            path,
            "file-damaged",
            f"The file is no readable Parquet file: {str(error).splitlines()[0].rstrip('.')}.",
            "Export it again, or name its format: `--format csv`.",
        ) from None
    total = max(file.metadata.num_rows, 1)
    size = path.stat().st_size
    done = 0
    with file:
        if not file.metadata.num_rows:
            yield table_batch(file.schema_arrow.empty_table(), first=1, bytes_done=size)
            return
        for batch in file.iter_batches(batch_size=rows):
            table = pa.Table.from_batches([batch])
            first, done = done + 1, done + batch.num_rows
            yield table_batch(table, first=first, bytes_done=size * done // total)


def table_batch(table: pa.Table, *, first: int | None, bytes_done: int = 0) -> RawBatch:
    """Return an Arrow table as a batch whose rows count from `first`; None: they have no number."""
    numbered = table.append_column(ROW, to_arrow(np.arange(table.num_rows, dtype=np.int64)))
    return RawBatch(
        table=numbered,
        line=lambda row: None if first is None else first + row,
        raw=row_as_json,
        bytes_done=bytes_done,
        may_hold_nul=any(_holds_nul(column) for column in table.columns),
    )


def _holds_nul(column: pa.ChunkedArray) -> bool:
    """Return whether the bytes of a text column hold a zero; may be true of rows sliced away."""
    for chunk in column.chunks:
        texts = chunk.dictionary if pat.is_dictionary(chunk.type) else chunk
        if not (pat.is_string(texts.type) or pat.is_large_string(texts.type)):
            continue
        data = texts.buffers()[2]
        if data is not None and not np.frombuffer(data, dtype=np.uint8).all():
            return True
    return False
