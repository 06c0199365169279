"""The facts as they had arrived by a moment: what `--as-known` is computed from.

Late events count on their own day as soon as they arrive, so a past day looked different on that
day. This shows a warehouse without the events that came later. Its working tables have names of
their own, so that the roll-up of all events keeps those it was made with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from sqlglot import exp

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from groundswell.model import Kind
    from groundswell.store.warehouse import Warehouse

_PREFIX = "known_"


class KnownFacts:
    """A warehouse, without the events that arrived at a moment or after it."""

    def __init__(self, warehouse: Warehouse, before: datetime) -> None:
        """Use a warehouse; `before` is aware UTC."""
        self.dialect = warehouse.dialect
        self.joins_on_actor = warehouse.joins_on_actor
        self._warehouse = warehouse
        self._before = before
        self._own: set[str] = set()

    def read(self, kind: Kind) -> pl.DataFrame:
        """Return every row of a kind; versions say themselves from when they hold."""
        return self._warehouse.read(kind)

    def actors(self) -> pl.DataFrame:
        """Return the actors that had been heard of, with the first they had been heard to do."""
        seen = exp.select("actor", exp.alias_(exp.Min(this=exp.column("occurred_at")), "first_at"))
        with self.query(seen.from_("events").group_by("actor")) as reader:
            first = pl.DataFrame(reader.read_all())
        every = self._warehouse.actors()
        first = first.select(
            pl.col("actor").cast(every.schema["actor"]),
            pl.col("first_at").cast(every.schema["first_at"]),
        )
        return every.drop("first_at").join(first, on="actor", maintain_order="left")

    def event_names(self) -> list[str]:
        """Return every event name; the position is its id."""
        return self._warehouse.event_names()

    def put(self, table: str, rows: pa.Table) -> None:
        """Keep a working table, apart from that of all facts."""
        self._own.add(table)
        self._warehouse.put(_PREFIX + table, rows)

    def query(self, select: exp.Query) -> pa.RecordBatchReader:
        """Run a SELECT that does not see what came later."""
        known = select.copy().transform(self._shown)
        assert isinstance(known, exp.Query)
        return self._warehouse.query(known)

    def version(self) -> str:
        """Return a text that changes whenever the facts do."""
        return f"{self._warehouse.version()} before {self._before.isoformat()}"

    def _shown(self, node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Table):
            return node
        if node.name == "events":
            moment = exp.cast(exp.Literal.string(self._before.isoformat()), "timestamptz")
            came = exp.LT(this=exp.column("received_at"), expression=moment)
            inner = exp.select("*").from_("events").where(came)
            return inner.subquery(node.alias or "events")
        if node.name in self._own:
            return exp.to_table(_PREFIX + node.name, alias=node.alias or node.name)
        return node
