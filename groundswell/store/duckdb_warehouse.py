"""The default warehouse: one DuckDB file in the project folder, in process.

One connection writes; a query runs on a cursor of its own, so a stream that is still being read
and an append do not disturb each other.
"""

from __future__ import annotations

import threading
import uuid
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from groundswell.errors import Problem, StoreError
from groundswell.model import Kind
from groundswell.store import ddl, facts, versions
from groundswell.store.arrays import to_arrow, to_numpy
from groundswell.store.erasing import update_statement
from groundswell.store.quiet import silence
from groundswell.store.recent import KnownActors, RecentDigests
from groundswell.store.sql import load_statements
from groundswell.store.tables import TABLES, conform
from groundswell.store.warehouse import Appended
from groundswell.store.working import check_name, plain_columns

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from sqlglot import exp

    from groundswell.store.erasing import Eraser

LAYOUT = 2
STORAGE_VERSION = "v2.0.0"
LATELY = timedelta(days=30)
"""How far back an event that is sent again is known by what is in memory."""

_SQL = load_statements("duckdb")
_NOTHING_LIKE = pa.Table.from_batches(
    [], pa.schema([facts.EVENTS.field(k) for k in facts.IDENTITY])
)
_STREAM = 122_880
# Two row groups. DuckDB writes pieces of less than one twice: when they come, and at the next
# checkpoint, where it puts them together.
_ROW_GROUPS = 245_760


class DuckDBWarehouse:
    """Facts and dimensions in one DuckDB file."""

    dialect = "duckdb"
    joins_on_actor = True

    def __init__(self, file: Path, *, threads: int | None = None) -> None:
        """Open the file, creating it when it is not there.

        Args:
            file: The database.
            threads: Threads DuckDB may use; all cores when None.

        Raises:
            StoreError: Another process holds the file, or it is not such a database.
        """
        self.file = file
        self._lock = threading.RLock()
        if _mark(file).exists():
            compact(file)
        self._connection = connect(file, threads)
        self._closed = False
        self._recent: RecentDigests | None = None
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        with self._transaction() as connection:
            connection.execute(_SQL["tables"])
            for name, schema in ddl.log_schemas().items():
                connection.execute(ddl.create_table(name, schema, dialect=self.dialect))
            for kind in versions.DIMENSIONS:
                view = versions.write_current(kind, self.dialect)
                connection.execute(f"CREATE OR REPLACE VIEW {kind} AS {view}")
            rows = connection.execute("SELECT layout FROM store_state").fetchall()
            if not rows:
                state = [uuid.uuid4().hex, LAYOUT]
                connection.execute("INSERT INTO store_state VALUES (?, ?, 0)", state)
            elif rows != [(LAYOUT,)]:
                raise _other_layout(self.file, rows[0][0])

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """A cursor on the same database, for what lives beside the facts (the roll-up)."""
        return self._cursor()

    def append(
        self, kind: Kind, rows: pa.Table, *, received_at: datetime, lately: bool = False
    ) -> Appended:
        """Add the rows that are news; see `Warehouse.append`."""
        rows = conform(rows, kind=kind)
        if not rows.num_rows:
            return Appended(0, 0)
        port: _Port | None = None
        with self._transaction() as connection:
            if kind is Kind.EVENTS:
                port = _Port(connection, self._recent_for(rows, received_at) if lately else None)
                done = facts.append_events(port, rows)
            else:
                done = _append_dimension(connection, kind, rows, received_at)
            if done.added:
                connection.execute("UPDATE store_state SET changes = changes + 1")
        if self._recent is not None:
            self._recent.version = self.version()
            if port is not None:
                port.remember(self._recent, done)
        return done

    def _recent_for(self, rows: pa.Table, now: datetime) -> RecentDigests | None:
        """Return what came in the days before these events; None when they are older than that."""
        recent = self._recent
        if recent is None or recent.day != now.date() or recent.version != self.version():
            since = now - 2 * LATELY
            select = "SELECT digest FROM events WHERE received_at >= ?"
            digests = self._connection.execute(select, [since]).fetchnumpy()["digest"]
            actors = KnownActors(self._connection.sql("SELECT * FROM actors").to_arrow_table())
            recent = self._recent = RecentDigests(since, now.date(), self.version(), actors)
            recent.add(np.asarray(digests).view(np.uint64))
        first = pl.Series(rows.column("received_at")).min()
        known = isinstance(first, datetime) and first - LATELY >= recent.since
        return recent if known else None

    def read(self, kind: Kind) -> pl.DataFrame:
        """Return every row of a kind; see `Warehouse.read`."""
        table = "events_named" if kind is Kind.EVENTS else str(kind)
        return self._frame(f"SELECT * FROM {table}").sort(TABLES[kind].names)  # noqa: S608

    def actors(self) -> pl.DataFrame:
        """Return every actor; see `Warehouse.actors`."""
        return self._frame(_SQL["actors"])

    def event_names(self) -> list[str]:
        """Return every event name, by its number."""
        return self._frame(_SQL["event_names"])["event"].to_list()

    def event_counts(self) -> dict[str, int]:
        """Return the number of events by name."""
        return dict(self._frame(_SQL["event_counts"]).iter_rows())

    def put(self, table: str, rows: pa.Table) -> None:
        """Keep a working table; see `Warehouse.put`."""
        check_name(table)
        with self._transaction() as connection, _registered(connection, "put_rows", rows):
            connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM put_rows")  # noqa: S608

    def replace_tables(self, tables: Mapping[str, pa.Table]) -> None:
        """Let tables hold these rows; see `KeepsTables.replace_tables`."""
        for name in tables:
            check_name(name)
        with self._transaction() as connection:
            for name, rows in tables.items():
                plain = plain_columns(rows)
                connection.execute(ddl.open_table(name, plain.schema, dialect=self.dialect))
                known = connection.sql(f"SELECT * FROM {name} LIMIT 0").columns  # noqa: S608
                for statement in ddl.add_columns(
                    name, plain.schema, known=known, dialect=self.dialect
                ):
                    connection.execute(statement)
                with _registered(connection, "put_rows", plain):
                    connection.execute(f"DELETE FROM {name}")  # noqa: S608
                    connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM put_rows")  # noqa: S608

    @contextmanager
    def erasing(self) -> Generator[Eraser]:
        """Rewrite texts; see `erasing.Erases`. The file is written anew when it is closed."""
        with self._transaction() as connection:
            eraser = _Eraser(connection)
            yield eraser
            if eraser.rewrote:
                _mark(self.file).touch()
                connection.execute("UPDATE store_state SET changes = changes + 1")
        self._recent = None

    def query(self, select: exp.Query) -> pa.RecordBatchReader:
        """Run a SELECT and stream the result; see `Warehouse.query`."""
        cursor = self._cursor()
        with told(self.file):
            return cursor.sql(select.sql(self.dialect)).to_arrow_reader(_STREAM)

    def version(self) -> str:
        """Return a text that changes whenever the facts do."""
        with self._lock, told(self.file):
            state = self._connection.execute("SELECT store_id, changes FROM store_state")
            ((store_id, changes),) = state.fetchall()
        return f"{store_id}-{changes}"

    def close(self) -> None:
        """Close the file; where something was erased it is written anew, without what was there."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._connection.close()
            if _mark(self.file).exists():
                with suppress(StoreError):  # somebody reads it yet; the next opening tries again
                    compact(self.file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _frame(self, sql: str) -> pl.DataFrame:
        with self._cursor() as cursor, told(self.file):
            frame = pl.from_arrow(cursor.sql(sql).to_arrow_table())
        assert isinstance(frame, pl.DataFrame)
        return frame

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with told(self.file):
            cursor = self._connection.cursor()
            cursor.execute("SET TimeZone = 'UTC'")
            return cursor

    @contextmanager
    def _transaction(self) -> Generator[duckdb.DuckDBPyConnection]:
        with self._lock, told(self.file):
            self._connection.execute("BEGIN TRANSACTION")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(duckdb.Error):  # a commit that failed has rolled back already
                    self._connection.execute("ROLLBACK")
                raise


class _Port:
    """The steps of an append of events, in DuckDB's SQL."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, recent: RecentDigests | None = None
    ) -> None:
        self._connection = connection
        self._recent = recent
        self._actors: list[pa.Table] = []
        self._lowered: list[pa.Table] = []

    def remember(self, recent: RecentDigests, done: Appended) -> None:
        """Note what was added; to be called when that is certain."""
        if done.news is not None:
            recent.add(to_numpy(done.news.column("digest")).view(np.uint64))
        for actors in self._actors:
            recent.actors.add(actors)
        for actors in self._lowered:
            recent.actors.lower(actors)

    def stored_like(self, digests: pa.Table) -> pa.Table:
        sql, since = _SQL["stored_like"], {}
        if self._recent is not None:
            known = self._recent.among(to_numpy(digests.column("digest")).view(np.uint64))
            if not known.any():
                return _NOTHING_LIKE
            digests = digests.filter(to_arrow(known))
            sql, since = _SQL["stored_like_since"], {"since": self._recent.since}
        with _registered(self._connection, "batch_digests", digests):
            return self._connection.sql(sql, params=since).to_arrow_table()

    def stored_actors(self, actors: pa.Table) -> pa.Table:
        if self._recent is not None and not self._actors:
            return self._recent.actors.look(actors)
        with _registered(self._connection, "batch_actors", actors):
            return self._connection.sql(_SQL["stored_actors"]).to_arrow_table()

    def count_actors(self) -> int:
        return self._connection.execute("SELECT count(*) FROM actors").fetchall()[0][0]

    def add_actors(self, actors: pa.Table) -> None:
        self._add("actors", actors)
        self._actors.append(actors)

    def lower_first_at(self, actors: pa.Table) -> None:
        self._lowered.append(actors)
        with _registered(self._connection, "batch_actors", actors):
            self._connection.execute(_SQL["lower_first_at"])

    def stored_names(self) -> list[str]:
        rows = self._connection.execute(_SQL["event_names"]).fetchall()
        return [row[0] for row in rows]

    def add_names(self, names: pa.Table) -> None:
        self._add("event_names", names)

    def add_events(self, events: pa.Table) -> None:
        self._add("events", events)

    def _add(self, table: str, rows: pa.Table) -> None:
        whole = rows.combine_chunks()
        pieces = pa.Table.from_batches(whole.to_batches(max_chunksize=_ROW_GROUPS))
        with _registered(self._connection, "batch_rows", pieces):
            self._connection.execute(f"INSERT INTO {table} SELECT * FROM batch_rows")  # noqa: S608


class _Eraser:
    """Rewrites texts inside a transaction."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.rewrote = False

    def ask(self, select: exp.Query) -> pa.Table:
        return self._connection.sql(select.sql("duckdb")).to_arrow_table()

    def texts(self) -> list[tuple[str, str]]:
        return self._connection.execute(_SQL["texts"]).fetchall()

    def rewrite(self, table: str, key: Sequence[str], rows: pa.Table) -> None:
        columns = [name[4:] for name in rows.column_names if name.startswith("new_")]
        self.rewrote = True
        with _registered(self._connection, "erased", rows):
            self._connection.execute(update_statement(table, key, columns, "erased"))


def _append_dimension(
    connection: duckdb.DuckDBPyConnection, kind: Kind, rows: pa.Table, received_at: datetime
) -> Appended:
    log = versions.log_of(kind)
    after = connection.execute(f"SELECT coalesce(max(seq), -1) FROM {log}").fetchall()  # noqa: S608
    incoming = versions.stated(rows, received_at=received_at, after=after[0][0])
    with _registered(connection, versions.INCOMING, incoming):
        news = connection.sql(versions.write_news(kind, "duckdb")).to_arrow_table()
    if news.num_rows:
        with _registered(connection, versions.INCOMING, news):
            connection.execute(f"INSERT INTO {log} SELECT * FROM {versions.INCOMING}")  # noqa: S608
    return Appended(news.num_rows, rows.num_rows - news.num_rows, news or None)


def connect(file: Path, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file with the settings every file of Groundswell has.

    Raises:
        StoreError: Another process holds the file, or it is no database.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "storage_compatibility_version": STORAGE_VERSION,
        "autoinstall_known_extensions": False,
    }
    if threads:
        config["threads"] = threads
    with told(file):
        connection = duckdb.connect(file, config=config)
        connection.execute(_SQL["settings"])
        silence(connection)
    return connection


def compact(file: Path) -> None:
    """Write a file anew: DuckDB leaves what was deleted in blocks that it will use some day.

    Raises:
        StoreError: Another process holds the file, or the disk is full.
    """
    fresh = file.with_name(f"{file.name}.fresh")
    fresh.unlink(missing_ok=True)
    connection = connect(fresh)
    try:
        with told(file):
            path = str(file).replace("'", "''")
            connection.execute(f"ATTACH '{path}' AS before (READ_ONLY)")
            name = str(connection.execute("SELECT current_database()").fetchall()[0][0])
            connection.execute(f'COPY FROM DATABASE before TO "{name}"')
            connection.execute("DETACH before")
    except BaseException:
        connection.close()
        fresh.unlink(missing_ok=True)
        raise
    connection.close()
    fresh.replace(file)
    _mark(file).unlink(missing_ok=True)


def _mark(file: Path) -> Path:
    """Return the file that says that something was erased, and the rest not written anew yet."""
    return file.with_name(f"{file.name}.erased")


@contextmanager
def _registered(
    connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table
) -> Generator[None]:
    connection.register(name, rows)
    try:
        yield
    finally:
        connection.unregister(name)


@contextmanager
def told(file: Path) -> Generator[None]:
    """Tell DuckDB's errors as ours."""
    try:
        yield
    except duckdb.IOException as error:
        if "lock" not in str(error).lower():
            raise _refused(file, error) from error
        raise StoreError(
            Problem(
                code="store-busy",
                what=f"Another process has {file} open.",
                fix="Close it, or wait until its command is done; DuckDB lets one process in.",
            )
        ) from error
    except duckdb.Error as error:
        raise _refused(file, error) from error


def _refused(file: Path, error: duckdb.Error) -> StoreError:
    return StoreError(
        Problem(
            code="store-refused",
            what=f"DuckDB refused an operation on {file}: {error}",
            fix="Nothing was changed. Check the file, the disk space and the query.",
        )
    )


def _other_layout(file: Path, found: int) -> StoreError:
    return StoreError(
        Problem(
            code="store-layout",
            what=f"{file} has layout {found}; this version of Groundswell reads layout {LAYOUT}.",
            fix="Use the version that wrote it, or load the sources into a new project.",
        )
    )
