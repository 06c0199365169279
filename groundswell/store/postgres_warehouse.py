"""A warehouse in PostgreSQL: rows go in and out as Arrow, through ADBC's binary COPY.

Everything lives in the schema `groundswell`, so the database may hold other tables too. An
append holds an advisory lock until it commits, so several processes may append.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import pyarrow as pa

from groundswell.errors import Problem, StoreError
from groundswell.model import Kind
from groundswell.store import ddl, facts, versions
from groundswell.store.erasing import update_statement
from groundswell.store.sql import load_statements
from groundswell.store.tables import MONEY, TABLES, conform
from groundswell.store.urls import redact, shown
from groundswell.store.warehouse import Appended
from groundswell.store.working import check_name, plain_columns

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlglot import exp

    from groundswell.store.erasing import Eraser

LAYOUT = 2
_SQL = load_statements("postgres")


class PostgresWarehouse:
    """Facts and dimensions in a schema of a PostgreSQL database."""

    dialect = "postgres"
    joins_on_actor = True

    def __init__(self, url: str) -> None:
        """Connect, and create what is missing.

        Args:
            url: `postgresql://user:password@host:port/database`.

        Raises:
            StoreError: The server cannot be reached, or refuses.
        """
        self._url = url
        self._streams: set[Any] = set()
        self._connection: Any = self._connect()
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> Any:
        with self._told():
            connection = adbc.connect(self._url)
            with connection.cursor() as cursor:
                cursor.execute("SET search_path TO groundswell")
                cursor.execute("SET client_min_messages TO warning")
            connection.commit()
            return connection

    def _prepare(self) -> None:
        with self._transaction() as cursor:
            cursor.execute(_SQL["schema"])
            cursor.execute(_SQL["store_state"])
            tables = {
                "events": facts.EVENTS,
                "actors": facts.ACTORS,
                "event_names": facts.EVENT_NAMES,
                **ddl.log_schemas(),
            }
            for name, schema in tables.items():
                cursor.execute(ddl.create_table(name, schema, dialect=self.dialect))
            for step in ("digest_index", "actor_digest_index", "events_named"):
                cursor.execute(_SQL[step])
            for kind in versions.DIMENSIONS:
                view = versions.write_current(kind, self.dialect)
                cursor.execute(f"CREATE OR REPLACE VIEW {kind} AS {view}")
            cursor.execute("SELECT layout FROM store_state")
            rows = cursor.fetchall()
            if not rows:
                state = f"('{uuid.uuid4().hex}', {LAYOUT}, 0)"
                cursor.execute(f"INSERT INTO store_state VALUES {state}")  # noqa: S608
            elif rows[0][0] != LAYOUT:
                raise _other_layout(shown(self._url), rows[0][0])

    def append(
        self,
        kind: Kind,
        rows: pa.Table,
        *,
        received_at: datetime,
        lately: bool = False,  # noqa: ARG002 - all of the past is asked
    ) -> Appended:
        """Add the rows that are news; see `Warehouse.append`."""
        rows = conform(rows, kind=kind)
        if not rows.num_rows:
            return Appended(0, 0)
        with self._transaction() as cursor:
            if kind is Kind.EVENTS:
                done = facts.append_events(_Port(cursor), rows)
            else:
                done = _append_dimension(cursor, kind, rows, received_at)
            if done.added:
                cursor.execute("UPDATE store_state SET changes = changes + 1")
        return done

    def read(self, kind: Kind) -> pl.DataFrame:
        """Return every row of a kind; see `Warehouse.read`."""
        table = "events_named" if kind is Kind.EVENTS else str(kind)
        rows = conform(self._table(f"SELECT * FROM {table}"), kind=kind)  # noqa: S608
        return _frame(rows).sort(TABLES[kind].names)

    def actors(self) -> pl.DataFrame:
        """Return every actor; see `Warehouse.actors`."""
        return _frame(self._table(_SQL["actors"]))

    def event_names(self) -> list[str]:
        """Return every event name, by its number."""
        return self._table(_SQL["event_names"]).column("event").to_pylist()

    def event_counts(self) -> dict[str, int]:
        """Return the number of events by name."""
        counts = self._table(_SQL["event_counts"]).to_pylist()
        return {row["event"]: row["events"] for row in sorted(counts, key=lambda row: row["event"])}

    def put(self, table: str, rows: pa.Table) -> None:
        """Keep a working table; see `Warehouse.put`."""
        check_name(table)
        with self._transaction() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
            cursor.adbc_ingest(
                table, plain_columns(rows), mode="create", db_schema_name="groundswell"
            )
            cursor.execute(f"ANALYZE {table}")

    def replace_tables(self, tables: Mapping[str, pa.Table]) -> None:
        """Let tables hold these rows; see `KeepsTables.replace_tables`."""
        for name in tables:
            check_name(name)
        with self._transaction() as cursor:
            cursor.execute(_SQL["wait_briefly"])
            for name, rows in tables.items():
                plain = plain_columns(rows)
                cursor.execute(ddl.open_table(name, plain.schema, dialect=self.dialect))
                # Only where a column is lacking: it waits for everybody who reads the table.
                cursor.execute(f"SELECT * FROM {name} LIMIT 0")  # noqa: S608
                known = [column[0] for column in cursor.description]
                for statement in ddl.add_columns(
                    name, plain.schema, known=known, dialect=self.dialect
                ):
                    cursor.execute(statement)
                cursor.execute(f"DELETE FROM {name}")  # noqa: S608
                if plain.num_rows:
                    _ingest(cursor, name, plain)
                cursor.execute(f"ANALYZE {name}")

    @contextmanager
    def erasing(self) -> Generator[Eraser]:
        """Rewrite texts; see `erasing.Erases`."""
        with self._transaction() as cursor:
            eraser = _Eraser(cursor)
            yield eraser
            if eraser.rewrote:
                cursor.execute("UPDATE store_state SET changes = changes + 1")

    def query(self, select: exp.Query) -> pa.RecordBatchReader:
        """Run a SELECT and stream the result; see `Warehouse.query`.

        A numeric column comes back as decimal(18, 2), which is what money is; cast any other.
        """
        return self._stream(select.sql(self.dialect))

    def version(self) -> str:
        """Return a text that changes whenever the facts do."""
        state = self._table("SELECT store_id, changes FROM store_state").to_pylist()[0]
        return f"{state['store_id']}-{state['changes']}"

    def close(self) -> None:
        """Close the connection, and those of streams that were not read to their end."""
        for stream in [*self._streams, self._connection]:
            if stream is not None:
                stream.close()
        self._streams.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _stream(self, sql: str) -> pa.RecordBatchReader:
        connection = self._connect()
        self._streams.add(connection)
        with self._told():
            cursor = connection.cursor()
            try:
                cursor.execute(sql)
                reader = cursor.fetch_record_batch()
            except BaseException:
                self._end(connection, cursor)
                raise
        schema = pa.schema([_plain_field(field) for field in reader.schema])

        def batches() -> Iterator[pa.RecordBatch]:
            try:
                with self._told():
                    for batch in reader:
                        yield _plain_batch(batch, schema)
            finally:
                self._end(connection, cursor)

        return pa.RecordBatchReader.from_batches(schema, batches())

    def _end(self, connection: Any, cursor: Any) -> None:
        self._streams.discard(connection)
        cursor.close()
        connection.close()

    def _table(self, sql: str) -> pa.Table:
        return self._stream(sql).read_all()

    @contextmanager
    def _transaction(self) -> Generator[Any]:
        with self._told():
            connection = self._connection = self._connection or self._connect()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(_SQL["one_at_a_time"])
                    yield cursor
                    connection.commit()
            except BaseException:
                self._undo(connection)
                raise

    def _undo(self, connection: Any) -> None:
        """Roll back; a connection that cannot is gone, and the next append opens another."""
        try:
            connection.rollback()
        except adbc.Error:
            self._connection = None
            with suppress(adbc.Error):
                connection.close()

    @contextmanager
    def _told(self) -> Generator[None]:
        """Tell PostgreSQL's errors as ours, without the URL's secrets."""
        try:
            yield
        except adbc.Error as error:
            raise StoreError(
                Problem(
                    code="store-refused",
                    what=f"{shown(self._url)} refused: {redact(error, url=self._url).strip()}.",
                    fix="Nothing was changed. Check that it is reachable and may be written.",
                )
            ) from None


class _Port:
    """The steps of an append of events, in PostgreSQL's SQL."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def stored_like(self, digests: pa.Table) -> pa.Table:
        return self._ask("stored_like", "batch_digests", digests)

    def stored_actors(self, actors: pa.Table) -> pa.Table:
        return self._ask("stored_actors", "batch_actors", actors)

    def count_actors(self) -> int:
        self._cursor.execute("SELECT count(*) FROM actors")
        return self._cursor.fetchall()[0][0]

    def add_actors(self, actors: pa.Table) -> None:
        _ingest(self._cursor, "actors", actors)

    def lower_first_at(self, actors: pa.Table) -> None:
        with _temporary(self._cursor, "batch_actors", actors):
            self._cursor.execute(_SQL["lower_first_at"])

    def stored_names(self) -> list[str]:
        self._cursor.execute(_SQL["event_names"])
        return [row[0] for row in self._cursor.fetchall()]

    def add_names(self, names: pa.Table) -> None:
        _ingest(self._cursor, "event_names", names)

    def add_events(self, events: pa.Table) -> None:
        _ingest(self._cursor, "events", events)

    def _ask(self, statement: str, name: str, batch: pa.Table) -> pa.Table:
        with _temporary(self._cursor, name, batch):
            self._cursor.execute(_SQL[statement])
            return self._cursor.fetch_arrow_table()


class _Eraser:
    """Rewrites texts inside a transaction."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self.rewrote = False

    def ask(self, select: exp.Query) -> pa.Table:
        self._cursor.execute(select.sql("postgres"))
        return _plain(self._cursor.fetch_arrow_table())

    def texts(self) -> list[tuple[str, str]]:
        self._cursor.execute(_SQL["texts"])
        return [(row[0], row[1]) for row in self._cursor.fetchall()]

    def rewrite(self, table: str, key: Sequence[str], rows: pa.Table) -> None:
        columns = [name[4:] for name in rows.column_names if name.startswith("new_")]
        self.rewrote = True
        with _temporary(self._cursor, "erased", rows):
            self._cursor.execute(update_statement(table, key, columns, "erased"))


def _append_dimension(cursor: Any, kind: Kind, rows: pa.Table, received_at: datetime) -> Appended:
    log = versions.log_of(kind)
    cursor.execute(f"SELECT coalesce(max(seq), -1) FROM {log}")  # noqa: S608
    incoming = versions.stated(rows, received_at=received_at, after=cursor.fetchall()[0][0])
    with _temporary(cursor, versions.INCOMING, incoming):
        cursor.execute(versions.write_news(kind, "postgres"))
        news = _plain(cursor.fetch_arrow_table())
    if news.num_rows:
        _ingest(cursor, log, news.cast(ddl.log_schemas()[log]))
    return Appended(news.num_rows, rows.num_rows - news.num_rows, news or None)


def _ingest(cursor: Any, table: str, rows: pa.Table) -> None:
    cursor.adbc_ingest(table, rows, mode="append", db_schema_name="groundswell")


@contextmanager
def _temporary(cursor: Any, name: str, rows: pa.Table) -> Generator[None]:
    cursor.adbc_ingest(name, rows, mode="create", temporary=True)
    cursor.execute(f"ANALYZE {name}")
    yield
    cursor.execute(f"DROP TABLE pg_temp.{name}")


def _plain(rows: pa.Table) -> pa.Table:
    schema = pa.schema([_plain_field(field) for field in rows.schema])
    return pa.Table.from_batches(
        [_plain_batch(batch, schema) for batch in rows.to_batches()], schema
    )


def _plain_field(field: pa.Field) -> pa.Field:
    """PostgreSQL's numeric has no fixed scale and arrives as text; here it is money."""
    return field.with_type(MONEY) if isinstance(field.type, pa.BaseExtensionType) else field


def _plain_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        column.storage.cast(MONEY) if isinstance(column, pa.ExtensionArray) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _frame(rows: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _other_layout(where: str, found: int) -> StoreError:
    return StoreError(
        Problem(
            code="store-layout",
            what=f"{where} has layout {found}; this version of Groundswell reads layout {LAYOUT}.",
            fix="Use the version that wrote it, or load the sources into a new database.",
        )
    )
