"""Files in our own words: CSV, JSON lines and Parquet whose columns bear our names."""

from __future__ import annotations

from groundswell.connectors.shape import Connector, Shape, default_columns
from groundswell.model import Kind


def shape(kind: Kind, _group_type: str | None = None) -> Shape:
    """Return the shape of a file that uses our names."""
    return Shape(kind=kind, name=f"{kind} in our own words", columns=default_columns(kind))


CONNECTOR = Connector(
    name="files",
    title="plain files",
    doc="CSV, JSON lines or Parquet with our column names; others are mapped with `--map`.",
    kinds=tuple(Kind),
    shape=shape,
    formats=("csv", "jsonl", "parquet"),
)
