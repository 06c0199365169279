"""The tables of a Spark warehouse: which files they are, and the small ones read by the driver.

Dimensions, actors, names of events and working tables fit one process; features read them whole.
Asking the workers about them would cost a job each and gain nothing, so the driver reads their
Parquet files itself, with DuckDB in memory and the same SELECTs. Only what touches the events
goes to the workers.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
from sqlglot import exp, parse_one

from groundswell.store import ddl, facts, versions
from groundswell.store.duckdb_warehouse import connect, told
from groundswell.store.sql import load_statements

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from groundswell.store.parquet_kept import KeptTables
    from groundswell.store.parquet_log import ParquetLog, Pending

_SQL = load_statements("spark")
SCHEMAS: dict[str, pa.Schema] = {
    "events": facts.EVENTS,
    "actor_rows": facts.ACTORS,
    "event_names": facts.EVENT_NAMES,
    **ddl.log_schemas(),
}
"""Columns of the tables that appends add to."""

VIEWS: dict[str, exp.Expr] = {
    "actors": parse_one(_SQL["actors"], read="spark"),
    "events_named": parse_one(_SQL["events_named"], read="spark"),
    **{str(kind): versions.current(kind) for kind in versions.DIMENSIONS},
}
"""What is read from those tables under a name of its own."""


def needed(select: exp.Expr) -> list[str]:
    """Return every table a SELECT reads, through views too; what a view reads comes before it.

    >>> needed(parse_one("SELECT 1 FROM events_named"))
    ['events', 'actor_rows', 'actors', 'event_names', 'events_named']
    """
    found: dict[str, None] = {}
    for table in select.find_all(exp.Table, bfs=False):
        view = VIEWS.get(table.name)
        found |= dict.fromkeys([*(needed(view) if view else []), table.name])
    return list(found)


def is_small(names: Iterable[str]) -> bool:
    """Tell whether the driver holds all of these tables."""
    return "events" not in set(names)


class SparkTables:
    """Files and columns of tables, and the driver's own reading of small ones."""

    def __init__(self, log: ParquetLog, kept: KeptTables) -> None:
        """Read the tables of `log` and `kept`."""
        self._log = log
        self._kept = kept
        self._lock = threading.RLock()
        self._connection = connect(Path(":memory:"))

    def files(self, table: str, pending: Pending | None = None) -> list[str]:
        """Return the absolute paths of a table's files, with what is pending."""
        if table in SCHEMAS:
            return self._log.files(table, pending)
        return self._kept.files(table)

    def schema(self, table: str) -> pa.Schema | None:
        """Return the columns of a table; None where there is no such table."""
        if table in SCHEMAS:
            return SCHEMAS[table]
        files = self._kept.files(table)
        return pq.read_schema(files[0]) if files else None

    def query(
        self, select: exp.Expr, *, pending: Pending | None = None, **beside: pa.Table
    ) -> pa.Table:
        """Run a SELECT over small tables, with what is pending.

        Args:
            select: Reads nothing of the events.
            pending: What an append has written.
            beside: More tables it reads, by name.

        Raises:
            StoreError: DuckDB refuses it.
        """
        with self._lock, told(self._log.folder):
            for name in needed(select):
                if name not in beside:
                    self._show(name, pending)
            for name, rows in beside.items():
                self._connection.register(name, rows)
            try:
                return self._connection.sql(select.sql("duckdb")).to_arrow_table()
            finally:
                for name in beside:
                    self._connection.unregister(name)

    def close(self) -> None:
        """Let go of the memory."""
        self._connection.close()

    def _show(self, name: str, pending: Pending | None) -> None:
        if name in VIEWS:
            view = VIEWS[name].sql("duckdb")
            self._connection.execute(f"CREATE OR REPLACE VIEW {name} AS {view}")
        elif files := self.files(name, pending):
            self._connection.read_parquet(files).create_view(name, replace=True)
        elif name in SCHEMAS:
            self._connection.from_arrow(SCHEMAS[name].empty_table()).create_view(name, replace=True)
