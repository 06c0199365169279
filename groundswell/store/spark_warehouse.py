"""A warehouse on Spark: Parquet files that the workers read, and SQL that they run.

The driver takes a batch in, asks the workers which of its events are stored, and writes what is
news into files of one day each, committed together. Results come back through Parquet as well,
so that one of any size streams through the driver. `map_shards` sends the kernel to the workers.
"""

from __future__ import annotations

import shutil
import threading
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import PySparkException
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from groundswell.clock import day_from_number
from groundswell.errors import Problem, StoreError
from groundswell.model import Kind
from groundswell.store import ddl, facts, versions
from groundswell.store.parquet_log import ParquetLog, Pending
from groundswell.store.spark_session import release_session, take_session
from groundswell.store.sql import load_statements
from groundswell.store.tables import TABLES, conform
from groundswell.store.urls import query_of
from groundswell.store.warehouse import Appended
from groundswell.store.working import check_name, plain_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from datetime import datetime

    from pyspark.sql import DataFrame
    from sqlglot import exp

_SQL = load_statements("spark")
_TABLES = {
    "events": facts.EVENTS,
    "actor_rows": facts.ACTORS,
    "event_names": facts.EVENT_NAMES,
    **ddl.log_schemas(),
}
_TRIPLE = list(facts.TRIPLE)
_DAY = 86_400_000_000  # microseconds


class SparkWarehouse:
    """Facts and dimensions in Parquet, worked on by Spark."""

    dialect = "spark"
    joins_on_actor = True

    def __init__(self, url: str) -> None:
        """Open the folder and start Spark.

        Args:
            url: `spark://host:port?path=/folder` or `spark://local[2]?path=/folder`; any
                `spark.*` setting may follow as `&spark.executor.memory=2g`.

        Raises:
            StoreError: There is no `path`, or Spark or the folder cannot be used.
        """
        parameters = query_of(url)
        if "path" not in parameters:
            raise _no_path(url)
        self._lock = threading.RLock()
        self._log = ParquetLog(Path(parameters["path"]).absolute())
        settings = {key: value for key, value in parameters.items() if key.startswith("spark.")}
        self._session = take_session(_master(url), settings)
        self._seen = ""
        self._closed = False

    def append(self, kind: Kind, rows: pa.Table, *, received_at: datetime) -> Appended:
        """Add the rows that are news; see `Warehouse.append`."""
        rows = conform(rows, kind=kind)
        if not rows.num_rows:
            return Appended(0, 0)
        pending = Pending()
        with self._told(), self._lock:
            self._see()
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
        rows = conform(self._table(f"SELECT * FROM {table}"), kind=kind)  # noqa: S608
        return _frame(rows).sort(TABLES[kind].names)

    def actors(self) -> pl.DataFrame:
        """Return every actor; see `Warehouse.actors`."""
        return _frame(self._table("SELECT * FROM actors")).sort("actor")

    def event_names(self) -> list[str]:
        """Return every event name, by its number."""
        self._log.refresh()
        return self.stored("event_names", None)["event"].to_list()

    def event_counts(self) -> dict[str, int]:
        """Return the number of events by name."""
        return {
            row["event"]: row["events"] for row in self._table(_SQL["event_counts"]).to_pylist()
        }

    def put(self, table: str, rows: pa.Table) -> None:
        """Keep a working table; see `Warehouse.put`."""
        check_name(table)
        with self._told():
            self.view(table, plain_columns(rows))

    def query(self, select: exp.Query) -> pa.RecordBatchReader:
        """Run a SELECT and stream the result; see `Warehouse.query`."""
        return self._stream(select.sql(self.dialect))

    def map_shards(
        self,
        select: exp.Query,
        *,
        by: str,
        function: Callable[[pa.Table], pa.Table],
        schema: pa.Schema,
    ) -> pa.RecordBatchReader:
        """Apply a function to each shard on the workers; see `ShardedWarehouse.map_shards`."""
        with self._told():
            self._see()
            shards = self._session.sql(select.sql(self.dialect)).groupBy(by)
            with warnings.catch_warnings():
                # pandas 3 is warned of even where, as here, only Arrow travels.
                warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
                mapped = shards.applyInArrow(function, from_arrow_schema(schema))
            return self._through_parquet(mapped, schema)

    def version(self) -> str:
        """Return a text that changes whenever the facts do."""
        self._log.refresh()
        return self._log.version

    def close(self) -> None:
        """Let go of Spark and delete scratch files."""
        if not self._closed:
            self._closed = True
            self._log.close()
            release_session()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stored(self, table: str, pending: Pending | None) -> pl.DataFrame:
        """Return a small table, read by the driver, with what is pending."""
        files = self._log.files(table, pending)
        if not files:
            return _frame(_TABLES[table].empty_table())
        return _frame(pa.concat_tables([pq.read_table(file) for file in files]))

    def stored_like(self, digests: pa.Table, pending: Pending) -> pa.Table:
        """Return source and message_id of the stored events that share a digest."""
        if not self._log.files("events", pending):
            return facts.EVENTS.empty_table().select(facts.IDENTITY)
        self.view("batch_digests", digests)
        self._view_of("events", pending)
        return self._through_parquet(self._session.sql(_SQL["stored_like"])).read_all()

    def write(self, pending: Pending, table: str, rows: pa.Table, *, below: str = "") -> None:
        """Write rows into a file of a table, to be committed with `pending`."""
        self._log.write(pending, table, rows.cast(_TABLES[table]), below=below)

    def view(self, name: str, rows: pa.Table) -> None:
        """Show rows to Spark as a view that lives as long as this object."""
        file = self._log.scratch(name)
        pq.write_table(rows, file)
        self._session.read.parquet(str(file)).createOrReplaceTempView(name)

    def _append_dimension(
        self, pending: Pending, kind: Kind, rows: pa.Table, received_at: datetime
    ) -> Appended:
        log = versions.log_of(kind)
        after = self._log.counter(log) - 1
        self.view(versions.INCOMING, versions.stated(rows, received_at=received_at, after=after))
        news = self._through_parquet(self._session.sql(versions.news(kind).sql("spark"))).read_all()
        if news.num_rows:
            self.write(pending, log, news)
            pending.counters[log] = after + 1 + rows.num_rows
        return Appended(added=news.num_rows, duplicates=rows.num_rows - news.num_rows)

    def _see(self) -> None:
        """Make the views anew if there are commits they do not show."""
        with self._lock:
            self._log.refresh()
            if self._seen == self._log.version:
                return
            for table in _TABLES:
                self._view_of(table, None)
            self._session.sql(_SQL["actors"])
            self._session.sql(_SQL["events_named"])
            for kind in versions.DIMENSIONS:
                view = versions.current(kind).sql(self.dialect)
                self._session.sql(f"CREATE OR REPLACE TEMPORARY VIEW {kind} AS {view}")
            self._seen = self._log.version

    def _view_of(self, table: str, pending: Pending | None) -> None:
        schema = from_arrow_schema(_TABLES[table])
        files = self._log.files(table, pending)
        frame = (
            self._session.read.schema(schema).option("recursiveFileLookup", "true").parquet(*files)
            if files
            else self._session.createDataFrame([], schema)
        )
        frame.createOrReplaceTempView(table)
        if pending and pending.files.get(table):
            self._seen = ""

    def _table(self, sql: str) -> pa.Table:
        return self._stream(sql).read_all()

    def _stream(self, sql: str) -> pa.RecordBatchReader:
        with self._told():
            self._see()
            return self._through_parquet(self._session.sql(sql))

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
                    for batch in file.iter_batches(batch_size=122_880):
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
        held = self._actors().group_by("actor", *_TRIPLE).agg(pl.col("first_at").min())
        batch = _frame(actors.drop_columns(["digest"]))
        found = batch.join(held, on=_TRIPLE, nulls_equal=True)
        return found.select("ordinal", "actor", "first_at").to_arrow()

    def count_actors(self) -> int:
        return self._actors()["actor"].n_unique()

    def add_actors(self, actors: pa.Table) -> None:
        self._warehouse.write(self._pending, "actor_rows", actors)

    def lower_first_at(self, actors: pa.Table) -> None:
        self._warehouse.write(self._pending, "actor_rows", actors)

    def stored_names(self) -> list[str]:
        return self._warehouse.stored("event_names", self._pending)["event"].to_list()

    def add_names(self, names: pa.Table) -> None:
        self._warehouse.write(self._pending, "event_names", names)

    def add_events(self, events: pa.Table) -> None:
        days = events.column("occurred_at").cast(pa.int64()).to_numpy() // _DAY
        for day in np.unique(days):
            of_day = events.filter(pa.array(days == day))
            below = f"day={day_from_number(int(day))}"
            self._warehouse.write(self._pending, "events", of_day, below=below)

    def _actors(self) -> pl.DataFrame:
        return self._warehouse.stored("actor_rows", self._pending)


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
