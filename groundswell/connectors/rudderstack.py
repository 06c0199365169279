"""RudderStack: the warehouse tables it keeps, which are named and filled as Segment's are.

Source: https://www.rudderstack.com/docs/destinations/warehouse-destinations/warehouse-schema/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.connectors.segment import KINDS, warehouse_shape
from groundswell.connectors.shape import Connector, Shape

if TYPE_CHECKING:
    from groundswell.model import Kind


def shape(kind: Kind, _group_type: str | None = None) -> Shape:
    """Return the default shape of a kind."""
    return warehouse_shape(kind, title="RudderStack")


CONNECTOR = Connector(
    name="rudderstack",
    title="RudderStack",
    doc="Warehouse tables (tracks, event tables, pages, identifies, users, groups) as CSV, "
    "Parquet or JSON lines.",
    kinds=KINDS,
    shape=shape,
    formats=("csv", "parquet", "jsonl"),
)
