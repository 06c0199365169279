"""PostgreSQL: a table or a query, whose columns are mapped as those of a file.

The reading itself is `store.postgres_source`: only `store` talks to databases.
"""

from __future__ import annotations

from groundswell.connectors.shape import Connector, Shape, default_columns
from groundswell.model import Kind


def shape(kind: Kind, _group_type: str | None = None) -> Shape:
    """Return the shape of a table that uses our names."""
    return Shape(kind=kind, name=f"{kind} in PostgreSQL", columns=default_columns(kind))


CONNECTOR = Connector(
    name="postgres",
    title="PostgreSQL",
    doc="A table or a query of a PostgreSQL database: `dsn`, `table` or `query`, `cursor`.",
    kinds=tuple(Kind),
    shape=shape,
    formats=(),
)
