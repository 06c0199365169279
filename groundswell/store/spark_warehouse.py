"""A warehouse on Spark: Parquet files that the workers read, and SQL that they run.

The driver takes a batch in, asks the workers which of its events are stored, and writes what is
news into files, committed together. What the driver can hold it reads itself (`spark_tables`), so
Spark starts when the events are first asked about. Results come back through Parquet, so that
one of any size streams through the driver. `map_shards` sends the kernel to the workers.
"""

from __future__ import annotations

import shutil
import threading
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import PySparkException
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from sqlglot import exp, parse_one

from groundswell.errors import Problem, StoreError
from groundswell.model import Kind
from groundswell.store import facts, versions
from groundswell.store.activity import casts
from groundswell.store.parquet_kept import KeptTables
from groundswell.store.parquet_log import ParquetLog, Pending
from groundswell.store.spark_session import release_session, take_session
from groundswell.store.spark_tables import SCHEMAS, VIEWS, SparkTables, is_small, needed
from groundswell.store.sql import load_statements
from groundswell.store.tables import TABLES, conform
from groundswell.store.urls import query_of
from groundswell.store.warehouse import Appended
from groundswell.store.working import check_name, plain_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from datetime import datetime

    from pyspark.sql import DataFrame, SparkSession

_SQL = {name: parse_one(text, read="spark") for name, text in load_statements("spark").items()}
_STREAM = 122_880
_ACTIVITY = "activity"


class SparkWarehouse:
    """Facts and dimensions in Parquet, worked on by Spark."""

    dialect = "spark"
    joins_on_actor = True

    def __init__(self, url: str) -> None:
        """Open the folder; Spark itself starts when it is first needed.

        Args:
            url: `spark://host:port?path=/folder` or `spark://local[2]?path=/folder`; any
                `spark.*` setting may follow as `&spark.executor.memory=2g`.

        Raises:
            StoreError: There is no `path`, or the folder cannot be used.
        """
        parameters = query_of(url)
        if "path" not in parameters:
            raise _no_path(url)
        self._lock = threading.RLock()
        self._log = ParquetLog(Path(parameters["path"]).absolute())
        self._kept = KeptTables(self._log.folder / "_kept")
        self._tables = SparkTables(self._log, self._kept)
        self._master = _master(url)
        self._settings = {k: v for k, v in parameters.items() if k.startswith("spark.")}
        self._session: SparkSession | None = None
        self._closed = False

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
        pending = Pending()
        with self._told(), self._lock:
            self._log.refresh()
            try:
                if kind is Kind.EVENTS:
                    done = facts.append_events(_Port(self, pending), rows)
                else:
                    done = self._append_dimension(pending, kind, rows, received_at)
                if done.added:
                    self._log.commit(pending)
            except BaseException:
                self._log.discard(pending)
                raise
        return done

    def read(self, kind: Kind) -> pl.DataFrame:
        """Return every row of a kind; see `Warehouse.read`."""
        table = "events_named" if kind is Kind.EVENTS else str(kind)
        rows = conform(self.query(exp.select("*").from_(table)).read_all(), kind=kind)
        return _frame(rows).sort(TABLES[kind].names)

    def actors(self) -> pl.DataFrame:
        """Return every actor; see `Warehouse.actors`."""
        return _frame(self.query(exp.select("*").from_("actors")).read_all()).sort("actor")

    def event_names(self) -> list[str]:
        """Return every event name, by its number."""
        self._log.refresh()
        return self.small(_SQL["event_names"]).column("event").to_pylist()

    def event_counts(self) -> dict[str, int]:
        """Return the number of events by name."""
        rows = self._stream(_SQL["event_counts"]).read_all().to_pylist()
        return {row["event"]: row["events"] for row in rows}

    def put(self, table: str, rows: pa.Table) -> None:
        """Keep a working table; see `Warehouse.put`."""
        check_name(table)
        self._kept.keep_rows(table, plain_columns(rows))

    def query(self, select: exp.Query) -> pa.RecordBatchReader:
        """Run a SELECT and stream the result; see `Warehouse.query`."""
        if not is_small(needed(select)):
            return self._stream(select)
        self._log.refresh()
        return self.small(select).to_reader(_STREAM)

    def map_shards(
        self,
        select: exp.Query,
        *,
        by: str,
        function: Callable[[pa.Table], pa.Table],
        schema: pa.Schema,
    ) -> pa.RecordBatchReader:
        """Apply a function to each shard on the workers; see `ShardedWarehouse.map_shards`."""
        with self._told(), warnings.catch_warnings():
            # pandas 3 is warned of even where, as here, only Arrow travels.
            warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
            shards = self._run(select).groupBy(by)
            mapped = shards.applyInArrow(_plain(function), from_arrow_schema(schema))
            return self._through_parquet(mapped, schema)

    @property
    def activity_made_from(self) -> str | None:
        """What the roll-up was made from, as given to `keep_activity`."""
        return self._kept.note(_ACTIVITY)

    def keep_activity(self, select: exp.Query, *, fingerprint: str) -> None:
        """Let the workers write the roll-up, the table `activity`: files sorted by account.

        Args:
            select: The roll-up.
            fingerprint: What it is made from.
        """
        with self._told():
            place = self._kept.place(_ACTIVITY)
            rows = self._run(select)
            rows = rows.selectExpr(*casts(rows.columns)).repartition("account")
            rows = rows.sortWithinPartitions("account", "person", "visible", "day")
            rows.write.option("compression", "zstd").parquet(str(place))
            self._kept.keep(_ACTIVITY, place, note=fingerprint)

    def forget_activity(self) -> None:
        """Let the roll-up there is be made from nothing known."""
        self._kept.annotate(_ACTIVITY, "")

    def version(self) -> str:
        """Return a text that changes whenever the facts do."""
        self._log.refresh()
        return self._log.version

    def close(self) -> None:
        """Let go of Spark and delete scratch files."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._tables.close()
            self._log.close()
            if self._session is not None:
                release_session()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def small(
        self,
        select: exp.Expr,
        pending: Pending | None = None,
        **beside: pa.Table,
    ) -> pa.Table:
        """Run a SELECT over small tables on the driver, with what is pending.

        Args:
            select: Reads nothing of the events.
            pending: What an append has written.
            beside: More tables it reads, by name.
        """
        return self._tables.query(select, pending=pending, **beside)

    def stored_like(self, digests: pa.Table, pending: Pending) -> pa.Table:
        """Return source and message_id of the stored events that share a digest."""
        if not self._log.files("events", pending):
            return facts.EVENTS.empty_table().select(facts.IDENTITY)
        file = self._log.scratch("batch_digests")
        pq.write_table(digests, file)
        self._show("batch_digests", [str(file)], digests.schema)
        return self._stream(_SQL["stored_like"], pending).read_all()

    def write(self, pending: Pending, table: str, rows: pa.Table) -> None:
        """Write rows into a file of a table, to be committed with `pending`."""
        self._log.write(pending, table, rows.cast(SCHEMAS[table]))

    def _append_dimension(
        self, pending: Pending, kind: Kind, rows: pa.Table, received_at: datetime
    ) -> Appended:
        log = versions.log_of(kind)
        after = self._log.counter(log) - 1
        statements = versions.stated(rows, received_at=received_at, after=after)
        news = self.small(versions.news(kind), pending, **{versions.INCOMING: statements})
        if news.num_rows:
            self.write(pending, log, news)
            pending.counters[log] = after + 1 + rows.num_rows
        return Appended(news.num_rows, rows.num_rows - news.num_rows, news or None)

    def _spark(self) -> SparkSession:
        with self._lock:
            if self._session is None:
                self._session = take_session(self._master, self._settings)
            return self._session

    def _run(self, select: exp.Expr, pending: Pending | None = None) -> DataFrame:
        """Show the workers every table a SELECT reads, and run it."""
        with self._lock:
            self._log.refresh()
            for name in needed(select):
                if name in VIEWS:
                    self._spark().sql(f"CREATE OR REPLACE TEMPORARY VIEW {name} AS {_text(name)}")
                elif (schema := self._tables.schema(name)) is not None:
                    self._show(name, self._tables.files(name, pending), schema)
            return self._spark().sql(select.sql(self.dialect))

    def _show(self, name: str, files: list[str], schema: pa.Schema) -> None:
        shape = from_arrow_schema(schema)
        session = self._spark()
        frame = (
            session.read.schema(shape).parquet(*files)
            if files
            else session.createDataFrame([], shape)
        )
        frame.createOrReplaceTempView(name)

    def _stream(self, select: exp.Expr, pending: Pending | None = None) -> pa.RecordBatchReader:
        with self._told():
            return self._through_parquet(self._run(select, pending))

    def _through_parquet(
        self, frame: DataFrame, schema: pa.Schema | None = None
    ) -> pa.RecordBatchReader:
        """Let the workers write a result, and stream it from there in its order."""
        folder = self._log.scratch("result")
        frame.write.parquet(str(folder))
        shape = schema or to_arrow_schema(frame.schema, timezone="UTC")
        parts = sorted(folder.glob("part-*.parquet"))

        def batches() -> Iterator[pa.RecordBatch]:
            for part in parts:
                with pq.ParquetFile(part) as file:
                    for batch in file.iter_batches(batch_size=_STREAM):
                        yield batch.cast(shape)
            shutil.rmtree(folder, ignore_errors=True)

        return pa.RecordBatchReader.from_batches(shape, batches())

    @contextmanager
    def _told(self) -> Generator[None]:
        """Tell Spark's errors as ours."""
        try:
            yield
        except PySparkException as error:
            raise StoreError(
                Problem(
                    code="store-refused",
                    what=f"Spark refused an operation on {self._log.folder}: {error}",
                    fix="Nothing was changed. Check the folder, the workers and the query.",
                )
            ) from error


class _Port:
    """The steps of an append of events: the big question to Spark, the small ones here."""

    def __init__(self, warehouse: SparkWarehouse, pending: Pending) -> None:
        self._warehouse = warehouse
        self._pending = pending

    def stored_like(self, digests: pa.Table) -> pa.Table:
        return self._warehouse.stored_like(digests, self._pending)

    def stored_actors(self, actors: pa.Table) -> pa.Table:
        return self._warehouse.small(_SQL["stored_actors"], self._pending, batch_actors=actors)

    def count_actors(self) -> int:
        return self._warehouse.small(_SQL["next_actor"], self._pending)["number"][0].as_py()

    def add_actors(self, actors: pa.Table) -> None:
        self._warehouse.write(self._pending, "actor_rows", actors)

    def lower_first_at(self, actors: pa.Table) -> None:
        self._warehouse.write(self._pending, "actor_rows", actors)

    def stored_names(self) -> list[str]:
        return self._warehouse.small(_SQL["event_names"], self._pending)["event"].to_pylist()

    def add_names(self, names: pa.Table) -> None:
        self._warehouse.write(self._pending, "event_names", names)

    def add_events(self, events: pa.Table) -> None:
        # In order of time, so that a reader of some days skips the rest by its statistics.
        self._warehouse.write(self._pending, "events", events.sort_by("occurred_at"))


def _plain(function: Callable[[pa.Table], pa.Table]) -> Callable[[pa.Table], pa.Table]:
    """Return a plain function: Spark counts the arguments of what it is given."""

    def of_shard(shard: pa.Table) -> pa.Table:
        return function(shard)

    return of_shard


def _text(view: str) -> str:
    return VIEWS[view].sql(SparkWarehouse.dialect)


def _master(url: str) -> str:
    place = url.partition("?")[0]
    bare = place.removeprefix("spark://")
    return bare if bare.startswith("local") and ":" not in bare else place


def _frame(rows: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _no_path(url: str) -> StoreError:
    return StoreError(
        Problem(
            code="spark-path",
            what="A Spark warehouse needs a folder for its files.",
            fix=f"Write {url.partition('?')[0]}?path=/a/folder/every/worker/sees.",
        )
    )
