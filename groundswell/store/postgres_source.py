"""Tables and queries of a PostgreSQL database as a source, read through ADBC as Arrow.

With a cursor column only what lies at or a little before the last cursor value is read: a row takes
its value when it is written and is seen when its transaction ends, so a smaller value may show
after a greater one. What is there already adds nothing. Rows without a value come every time, as
nothing says that they are old.
"""

# ruff: noqa: S608 - a query is the user's own; names and values are quoted by sqlglot
# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# Arrow ships no types.

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from sqlglot import exp

from groundswell.config.quantities import parse_duration
from groundswell.errors import LoadError, Place, Problem, UsageError, did_you_mean
from groundswell.store.reading import read_tables
from groundswell.store.reading_raw import RawBatch, table_batch
from groundswell.store.urls import SECRET, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from groundswell.config.schema import SourceDef
    from groundswell.config.shape import Shape
    from groundswell.store.reading import Batch

BATCH_ROWS = 1_000_000
OVERLAP = "1 hour"
"""How far behind the last time a later load begins, unless the source says so."""
OVERLAP_NUMBERS = 10_000
"""The same where the cursor counts."""
_CURSOR = "__cursor"
_KEYWORD_SECRET = re.compile(r"(?:password|passfile|sslpassword)\s*=\s*('(?:[^'\\]|\\.)*'|\S+)")


def read_postgres(
    source: SourceDef,
    shape: Shape,
    *,
    dsn: str,
    name: str,
    received_at: datetime,
    after: str | None = None,
    progress: Callable[[int, int | None], None] | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[Batch]:
    """Read a table or a query as records of the shape's kind.

    Args:
        source: Says the `table` or the `query`, and the `cursor` column if there is one.
        shape: How their columns become ours.
        dsn: Where the database is, secrets filled in; never shown.
        name: Name the records are loaded under.
        received_at: The load's clock.
        after: Greatest cursor value of the loads before, as a batch gave it.
        progress: Called with (rows done, None) after each batch.
        batch_rows: About how many rows make a batch.

    Yields:
        Batches in the order of the cursor; each bears the greatest value up to its end, to be
        kept once the batch is.

    Raises:
        UsageError: The source names no table and no query, or both.
        LoadError: The database cannot be reached, or refuses the query.
    """
    relation = _relation(source)
    place = source.table or f"query of {name}"
    done = 0
    try:
        with adbc.connect(dsn) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute("SET LOCAL TimeZone = 'UTC'")
            cursor.execute("SET LOCAL DateStyle = 'ISO'")
            cursor.execute(f"SELECT * FROM {relation} AS q LIMIT 0")
            columns = cursor.fetch_record_batch().schema
            cursor.execute(_select(relation, columns, source, after, place))
            marks: list[str | None] = []
            raws = _raw_batches(cursor.fetch_record_batch(), marks, batch_rows)
            batches = read_tables(shape, raws, source=name, name=place, received_at=received_at)
            for number, batch in enumerate(batches):
                done += batch.rows.num_rows + len(batch.rejects)
                if progress:
                    progress(done, None)
                yield replace(batch, cursor=marks[number])
    except adbc.Error as error:
        raise _failure(error, dsn, place) from None


def _relation(source: SourceDef) -> str:
    """Return what stands behind FROM: the table by its quoted name, or the query in brackets."""
    if bool(source.table) == bool(source.query):
        raise UsageError(
            Problem(
                code="postgres-source",
                what="The source names neither a `table` nor a `query`."
                if not source.table
                else "The source names both a `table` and a `query`.",
                fix="Name one of them beside the `dsn`.",
            )
        )
    if source.query:
        return f"({source.query.strip().rstrip(';')}\n)"
    assert source.table is not None
    return ".".join(_quoted(part) for part in source.table.split("."))


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect="postgres")


def _select(
    relation: str, columns: pa.Schema, source: SourceDef, after: str | None, place: str
) -> str:
    """Return the query: columns in a form that Arrow knows, in the order of the cursor."""
    items = [_item(field) for field in columns]
    cursor = source.cursor
    if cursor is None:
        return f"SELECT {', '.join(items)} FROM {relation} AS q"
    if cursor not in columns.names:
        raise UsageError(
            Problem(
                code="postgres-cursor",
                what=f"The cursor column `{cursor}` is not among the columns.",
                fix=did_you_mean(cursor, columns.names, noun="Columns found"),
                where=Place(place),
            )
        )
    mark = f"q.{_quoted(cursor)}"
    where = ""
    if after is not None:
        begin = _behind(columns.field(cursor).type, after, source.overlap or OVERLAP)
        where = f" WHERE {mark} >= {begin} OR {mark} IS NULL"
    return (
        f"SELECT {', '.join(items)}, CAST({mark} AS text) AS {_CURSOR} "
        f"FROM {relation} AS q{where} ORDER BY {mark} NULLS FIRST"
    )


def _behind(of: pa.DataType, after: str, overlap: str) -> str:
    """Return SQL of the value at which to begin again; text does not say what lies before it."""
    value = exp.Literal.string(after).sql(dialect="postgres")
    if pa.types.is_timestamp(of) or pa.types.is_date(of):
        zoned = pa.types.is_timestamp(of) and of.tz
        seconds = round(parse_duration(overlap).hours * 3600)
        behind = f"INTERVAL '{seconds} seconds'"
        return f"CAST({value} AS {'timestamptz' if zoned else 'timestamp'}) - {behind}"
    if pa.types.is_integer(of):
        return str(int(after) - OVERLAP_NUMBERS)
    return value


def _item(field: pa.Field) -> str:
    """Return a column as it is to be sent; what has no plain Arrow type is sent as text."""
    name = _quoted(field.name)
    plain = not isinstance(field.type, pa.BaseExtensionType) and not (
        pa.types.is_time(field.type)
        or pa.types.is_interval(field.type)
        or pa.types.is_binary(field.type)
    )
    return f"q.{name}" if plain else f"CAST(q.{name} AS text) AS {name}"


def _raw_batches(
    reader: pa.RecordBatchReader, marks: list[str | None], rows: int
) -> Iterator[RawBatch]:
    """Yield what comes from the database in batches of `rows`, noting each one's cursor."""
    waiting: list[pa.RecordBatch] = []
    greatest: str | None = None
    while True:
        batch = next(reader, None)
        if batch is not None:
            waiting.append(batch)
        if batch is not None and sum(item.num_rows for item in waiting) < rows:
            continue
        table = pa.Table.from_batches(waiting, schema=reader.schema)
        waiting = []
        if _CURSOR in table.column_names:
            values = table.column(_CURSOR)
            greatest = (values[-1].as_py() if len(values) else None) or greatest
            table = table.drop_columns([_CURSOR])
        if table.num_rows or not marks:
            marks.append(greatest)
            yield table_batch(table, first=None)
        if batch is None:
            return


def _failure(error: Exception, dsn: str, place: str) -> LoadError:
    text = redact(error, url=dsn)
    for secret in _KEYWORD_SECRET.findall(dsn):
        text = text.replace(secret, SECRET).replace(secret.strip("'"), SECRET)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    detail = " ".join(lines).rstrip(".")
    reached = "Failed to connect" not in detail
    return LoadError(
        Problem(
            code="postgres-query" if reached else "postgres-unreachable",
            what=f"PostgreSQL refused: {detail}.",
            fix="Try the query with psql as the same user."
            if reached
            else "Check the `dsn` of the source: host, port, database, user and password.",
            where=Place(place),
        )
    )
