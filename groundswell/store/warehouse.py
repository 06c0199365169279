"""The warehouse: what happened. One small interface, whichever engine keeps the rows.

Every engine offers the same tables to a query:

- `events(source, message_id, actor, event_id, occurred_at, received_at, properties)`, where
  `actor` and `event_id` are dense integers from 0 in the order of first arrival;
- `actors(actor, user_id, anonymous_id, account_id, first_at)`, one row per distinct triple of
  ids with the earliest `occurred_at` seen for it; `event_names(event_id, event)`;
- `events_named`, the events with their ids and names spelled out (the canonical columns);
- one view per other kind, named as the kind, with its canonical columns. Users, accounts,
  subscriptions and opportunities hold every version, `valid_from` null for one that always held;
  memberships hold one row per key, as last loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    import polars as pl
    import pyarrow as pa
    from sqlglot import exp

    from groundswell.model import Kind


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did.

    Attributes:
        added: How many rows were news.
        duplicates: How many were known already.
        news: The rows that were news, as they are stored: events by the numbers of their actor and
            their name, the other kinds in their own columns at least. None when there are none.
    """

    added: int
    duplicates: int
    news: pa.Table | None = field(default=None, compare=False, repr=False)


class Warehouse(Protocol):
    """Keeps facts and dimensions, appends them idempotently, and answers SQL.

    Attributes:
        dialect: sqlglot's name for the SQL that the engine speaks.
        joins_on_actor: True when `events` carries the integer `actor` of the table `actors`
            and the integer `event_id` of `event_names`. True for every engine that runs here.
    """

    dialect: str
    joins_on_actor: bool

    def append(
        self, kind: Kind, rows: pa.Table, *, received_at: datetime, lately: bool = False
    ) -> Appended:
        """Add the rows that are news, in one transaction; all of them or none.

        Events are told apart by (source, message_id) and the first one stays. For versioned
        kinds (users, accounts, subscriptions, opportunities) one `received_at` is one statement
        about a key: its last row stands, and adds a version only when it differs from what held.
        Memberships keep one row per key, the last loaded. Touches, tickets and costs are told
        apart by the whole row.

        Args:
            kind: What the rows are.
            rows: Columns of `tables.TABLES[kind]`; optional ones may be left out.
            received_at: When the load began, aware UTC; the same for all pieces of a load.
            lately: The events come from clients: one that was received in the 30 days before is
                told apart, of an older one it is not promised.

        Raises:
            StoreError: The rows do not fit the kind, or the engine refused them.
        """
        ...

    def read(self, kind: Kind) -> pl.DataFrame:
        """Return every row of a kind in its canonical columns, sorted by all of them."""
        ...

    def actors(self) -> pl.DataFrame:
        """Return actor int32, user_id, anonymous_id, account_id, first_at; sorted by actor."""
        ...

    def event_names(self) -> list[str]:
        """Return every event name seen; the position of a name is its `event_id`."""
        ...

    def event_counts(self) -> dict[str, int]:
        """Return the number of events by name, names sorted."""
        ...

    def put(self, table: str, rows: pa.Table) -> None:
        """Keep a working table under a name of its own, in place of one of that name.

        Raises:
            StoreError: The name is one of the warehouse's own, or not a plain lower-case word.
        """
        ...

    def query(self, select: exp.Query) -> pa.RecordBatchReader:
        """Run a SELECT and stream the result; write it in sqlglot, never as a string."""
        ...

    def version(self) -> str:
        """Return a text that changes whenever the facts do, and only then."""
        ...

    def close(self) -> None:
        """Let go of the engine; a second call does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


@runtime_checkable
class ShardedWarehouse(Warehouse, Protocol):
    """A warehouse that runs a function on its own workers, shard by shard.

    Its roll-up is a table of its own, `activity`, which a SELECT may read.
    """

    def map_shards(
        self,
        select: exp.Query,
        *,
        by: str,
        function: Callable[[pa.Table], pa.Table],
        schema: pa.Schema,
    ) -> pa.RecordBatchReader:
        """Apply `function` to the rows of each value of column `by`, on the workers.

        Args:
            select: The rows.
            by: The column whose equal values make a shard.
            function: Takes one shard, returns rows of `schema`; it travels by cloudpickle.
            schema: What the function returns.
        """
        ...


@runtime_checkable
class KeepsTables(Warehouse, Protocol):
    """A warehouse that keeps tables which others read in SQL.

    Spark keeps none: its folder is ours alone, and has no transaction that others would see.
    """

    def replace_tables(self, tables: Mapping[str, pa.Table]) -> None:
        """Let tables hold these rows and no others, in one transaction: all of them or none.

        Who reads meanwhile sees the rows of before; views that others made over them stay, for a
        column is only ever added.

        Args:
            tables: By name; a plain lower-case word that is not one of the warehouse's own.

        Raises:
            StoreError: A name cannot be used, or the engine refused.
        """
        ...


def open_warehouse(url: str, folder: Path) -> Warehouse:
    """Open the warehouse that `url` names; a local one lives in `folder`.

    `duckdb` (folder/warehouse.duckdb), `duckdb:///other/file.duckdb`, `postgresql://...`,
    `spark://host:port?path=/data` or `spark://local[2]?path=/data`.

    Raises:
        StoreError: The engine is unknown, does not run here, or cannot be reached.
        MissingExtraError: Spark is asked for and PySpark is not installed.
    """
    from groundswell.store import engines  # noqa: PLC0415  (drivers load when they are needed)

    return engines.open_engine(url, folder)
