"""Fill a project's DuckDB warehouse with a company's files, past the checks that loading makes.

Loading 50M events with every check takes minutes that say nothing about features; this fills the
same tables by month of event files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from groundswell.clock import SystemClock
from groundswell.model import Kind
from groundswell.store.arrays import to_arrow
from groundswell.store.digests import digest_rows
from groundswell.store.duckdb_warehouse import DuckDBWarehouse
from groundswell.store.facts import IDENTITY, TRIPLE
from groundswell.store.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb
    import pyarrow as pa

MEMORY = "4GB"
_DIMENSIONS = (Kind.USERS, Kind.MEMBERSHIPS, Kind.ACCOUNTS, Kind.SUBSCRIPTIONS)
_SOUND = (
    "timestamp IS NOT NULL AND coalesce(user_id, anonymous_id) IS NOT NULL "
    "AND coalesce(json_valid(properties), true)"
)


def fill(files: Path, warehouse_file: Path) -> None:
    """Make a new warehouse of the company in `files`.

    Args:
        files: What `benchmarks.company` wrote.
        warehouse_file: The DuckDB file; one that is there is replaced.
    """
    warehouse_file.unlink(missing_ok=True)
    months = sorted((files / "events").glob("*.parquet"))
    with DuckDBWarehouse(warehouse_file) as warehouse:
        connection = warehouse.connection
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        _fill_events(connection, months)
        for kind in _DIMENSIONS:
            rows = _typed(connection, files / f"{kind}.csv", TABLES[kind])
            warehouse.append(kind, rows, received_at=SystemClock().now())
        connection.execute("UPDATE store_state SET changes = changes + 1")
        connection.execute("CHECKPOINT")


def _fill_events(connection: duckdb.DuckDBPyConnection, months: Sequence[Path]) -> None:
    every = f"read_parquet({[str(month) for month in months]})"
    connection.execute(
        "INSERT INTO event_names SELECT (row_number() OVER (ORDER BY event) - 1)::INTEGER, event "
        f"FROM (SELECT DISTINCT event FROM {every} WHERE {_SOUND})"
    )
    actors = connection.sql(
        "SELECT (row_number() OVER (ORDER BY first_at) - 1)::INTEGER AS actor, user_id, "
        "anonymous_id, account_id, first_at FROM (SELECT user_id, anonymous_id, "
        f"account_id, min(timestamp) AS first_at FROM {every} WHERE {_SOUND} GROUP BY ALL)"
    ).to_arrow_table()
    _insert(connection, "actors", actors, TRIPLE)
    for month in months:
        rows = connection.sql(
            "SELECT 'bench' AS source, message_id, actor, event_id, timestamp, received_at, "
            "properties FROM (SELECT * FROM read_parquet(?) "
            f"WHERE {_SOUND}) AS s JOIN event_names USING (event) "
            "JOIN actors AS a ON a.user_id IS NOT DISTINCT FROM s.user_id "
            "AND a.anonymous_id IS NOT DISTINCT FROM s.anonymous_id "
            "AND a.account_id IS NOT DISTINCT FROM s.account_id ORDER BY s.received_at",
            params=[str(month)],
        ).to_arrow_table()
        _insert(connection, "events", rows, IDENTITY)


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table, key: Sequence[str]
) -> None:
    """Insert rows with the digest of their key as the last column."""
    digests = digest_rows(rows, key).view(np.int64)
    connection.register("filling", rows.append_column("digest", to_arrow(digests)))
    connection.execute(f"INSERT INTO {table} SELECT * FROM filling")
    connection.unregister("filling")


def _typed(connection: duckdb.DuckDBPyConnection, file: Path, schema: pa.Schema) -> pa.Table:
    """Read a CSV file as the columns of a schema; what cannot be is null, or its row left out."""
    relation = f"read_csv('{file}', all_varchar=true, null_padding=true, strict_mode=false)"
    names = [name for name in connection.sql(f"FROM {relation}").columns if name in schema.names]
    casts = [f"try_cast({name} AS {_sql(schema.field(name).type)}) AS {name}" for name in names]
    needed = [f"{name} IS NOT NULL" for name in names if not schema.field(name).nullable]
    return connection.sql(
        f"FROM (SELECT {', '.join(casts)} FROM {relation}) WHERE {' AND '.join(needed)}"
    ).to_arrow_table()


def _sql(kind: pa.DataType) -> str:
    text = str(kind)
    if "timestamp" in text:
        return "TIMESTAMPTZ"
    return {"string": "VARCHAR", "int64": "BIGINT", "bool": "BOOLEAN"}.get(text, "DECIMAL(18, 2)")
