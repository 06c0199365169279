"""Quarantined rows, read again with the mapping as it is now."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from groundswell.errors import LoadError
from groundswell.store.reading_batches import BatchReader
from groundswell.store.reading_raw import ENCODED, lines_of, read_csv_text, row_as_json
from groundswell.store.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pyarrow as pa

    from groundswell.config.schema import CsvDialect
    from groundswell.config.shape import Shape
    from groundswell.model import Reject

# Rows whose very shape was wrong are kept as a piece of CSV behind its header.
_CSV_CODES = ("csv-too-few", "csv-too-many", "csv-open-quote", "csv-after-quote")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of quarantined rows.

    Attributes:
        rows: Canonical records, to be appended.
        failed: Number of a reject among those given -> why it fails now.
        passed: Numbers of the rejects that are settled: read, or no longer wanted by `only`.
    """

    rows: pa.Table
    failed: dict[int, Reject] = field(default_factory=dict[int, "Reject"])
    passed: tuple[int, ...] = ()


def replay(rejects: Sequence[Reject], shape: Shape, *, received_at: datetime) -> Replayed:
    """Read quarantined rows of one source and kind again with the present mapping.

    Args:
        rejects: Rows of one source and of the shape's kind.
        shape: The mapping as it is now.
        received_at: The clock; events that do not say when they came, came now.

    Raises:
        LoadError: The mapping fits none of the tables its format knows.
    """
    failed: dict[int, Reject] = {}
    lines: dict[int, str] = {}
    for number, reject in enumerate(rejects):
        line = _as_line(reject, shape.dialect)
        if line is None:
            failed[number] = reject
        else:
            lines[number] = line
    if not lines:
        return Replayed(TABLES[shape.kind].empty_table(), failed)
    numbers = list(lines)
    first = rejects[numbers[0]]
    with BatchReader(source=first.source, received_at=received_at, threads=None) as reader:
        raw = lines_of(list(lines.values()))
        plan = reader.plan(shape, raw, first.file)
        batch = reader.batch(plan, raw, first=False)
    for reject in batch.rejects:
        assert reject.line is not None, "lines_of counts every line"
        number = numbers[reject.line - 1]
        before = rejects[number]
        failed[number] = replace(reject, file=before.file, line=before.line, raw=before.raw)
    passed = tuple(number for number in numbers if number not in failed)
    return Replayed(batch.rows, dict(sorted(failed.items())), passed)


def _as_line(reject: Reject, dialect: CsvDialect) -> str | None:
    """Return a row as a JSON object, or None where it still is no row."""
    if reject.raw.startswith(ENCODED):
        return _from_bytes(reject, dialect)
    if reject.code in _CSV_CODES:
        return _from_csv(reject.raw.encode(), dialect, reject.file)
    return reject.raw


def _from_bytes(reject: Reject, dialect: CsvDialect) -> str | None:
    data = base64.b64decode(reject.raw.removeprefix(ENCODED))
    try:
        text = data.decode(dialect.encoding)
    except UnicodeDecodeError:
        return None
    if text.lstrip().startswith("{"):
        return text
    return _from_csv(text.encode(), dialect, reject.file)


def _from_csv(data: bytes, dialect: CsvDialect, name: str) -> str | None:
    try:
        batch = read_csv_text(data, dialect, name=name)
    except LoadError:
        return None
    if batch.table.num_rows != 1 or batch.flawed:
        return None
    return row_as_json(batch.table.to_pylist()[0])
