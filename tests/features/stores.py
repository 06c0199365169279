"""The stores of a small random company: its facts as they are drawn, and a real roll-up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pyarrow as pa

from groundswell.model import Kind
from groundswell.store.activity import COLUMNS, ActivityStore
from groundswell.store.tables import TABLES

from .worlds import instant, workspace_of

if TYPE_CHECKING:
    from sqlglot import exp

    from .worlds import World


class Facts:
    """A warehouse of one world, in a DuckDB in memory."""

    dialect = "duckdb"
    joins_on_actor = True

    def __init__(self, world: World) -> None:
        self.world = world
        self.names = sorted({event["event"] for event in world.events})
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        schema = pa.schema(
            [
                ("actor", pa.int32()),
                ("event_id", pa.int32()),
                ("occurred_at", pa.timestamp("us", "UTC")),
                ("properties", pa.string()),
            ]
        )
        rows = [
            {
                "actor": event["actor"],
                "event_id": self.names.index(event["event"]),
                "occurred_at": instant(event["day"], event["second"]),
                "properties": json.dumps(event["properties"]) if event["properties"] else None,
            }
            for event in world.events
        ]
        self.put("events", pa.Table.from_pylist(rows, schema=schema))

    def read(self, kind: Kind) -> pl.DataFrame:
        rows = {
            Kind.USERS: self.world.users,
            Kind.MEMBERSHIPS: self.world.roles,
            Kind.ACCOUNTS: self.world.versions,
            Kind.SUBSCRIPTIONS: self.world.subscriptions,
            Kind.OPPORTUNITIES: self.world.opportunities,
            Kind.TICKETS: self.world.tickets,
        }[kind]
        names = TABLES[kind].names
        filled = [{name: row.get(name) for name in names} for row in rows]
        frame = pl.from_arrow(pa.Table.from_pylist(filled, schema=TABLES[kind]))
        assert isinstance(frame, pl.DataFrame)
        return frame

    def actors(self) -> pl.DataFrame:
        actors = sorted({filing["actor"] for filing in self.world.filings})
        return pl.DataFrame(
            {
                "actor": actors,
                "user_id": [f"x{actor}" for actor in actors],
                "anonymous_id": [None] * len(actors),
                "account_id": [workspace_of(actor) for actor in actors],
                "first_at": [self._first_at(actor) for actor in actors],
            },
            schema={
                "actor": pl.Int32,
                "user_id": pl.String,
                "anonymous_id": pl.String,
                "account_id": pl.String,
                "first_at": pl.Datetime("us", "UTC"),
            },
        )

    def _first_at(self, actor: int) -> Any:
        own = [event for event in self.world.events if event["actor"] == actor]
        return min((instant(event["day"], event["second"]) for event in own), default=None)

    def event_names(self) -> list[str]:
        return self.names

    def put(self, table: str, rows: pa.Table) -> None:
        self.connection.register("put_rows", rows)
        self.connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM put_rows")
        self.connection.unregister("put_rows")

    def query(self, select: exp.Query) -> pa.RecordBatchReader:
        return self.connection.cursor().sql(select.sql("duckdb")).to_arrow_reader(1_000)

    def version(self) -> str:
        return "1"


class Activity(ActivityStore):
    """The roll-up in the database of the facts; counts how often it was built."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts.connection.cursor(), Path("memory"))
        self.builds = 0

    def replace(self, source: exp.Query | pa.RecordBatchReader, *, fingerprint: str) -> int:
        self.builds += 1
        return super().replace(source, fingerprint=fingerprint)

    @property
    def table(self) -> pa.Table:
        """All rows, in order."""
        return self.read(columns=[*COLUMNS, *self.sums])
