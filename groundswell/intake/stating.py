"""Partial statements: a client that names a user's e-mail today and title tomorrow means both.

A version of a user or an account in the warehouse is whole. What a call leaves out therefore
stands as the version before it says; a call that comes late fills in the versions after it too, so
that the order of arrival does not matter.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import pyarrow as pa


def fill_in(stored: pa.Table, rows: pa.Table, *, key: str) -> pa.Table:
    """Return statements made whole, and stored versions that they add something to.

    Args:
        stored: The versions that the warehouse holds of the same things, `valid_from` null for one
            that always held.
        rows: The new ones, in the order they came, with a `valid_from`.
        key: The column that names a thing.

    Returns:
        Rows of the columns of `rows`.
    """
    held, told = _frame(stored.select(rows.column_names)), _frame(rows)
    entries = [(row, False) for row in held.iter_rows(named=True)]
    entries += [(row, True) for row in told.iter_rows(named=True)]
    entries.sort(key=lambda entry: (entry[0][key], _since(entry[0])))
    whole: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    for row, is_new in entries:
        if before.get(key) != row[key]:
            before = {}
        filled = {
            name: before.get(name) if value is None and name != "valid_from" else value
            for name, value in row.items()
        }
        filled["properties"] = _merged(before.get("properties"), row["properties"])
        if is_new or filled != row:
            whole.append(filled)
        before = filled
    return pl.DataFrame(whole, schema=told.schema).to_arrow().cast(rows.schema)


def _frame(rows: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _since(row: dict[str, Any]) -> float:
    moment = row["valid_from"]
    return float("-inf") if moment is None else moment.timestamp()


def _merged(before: str | None, properties: str | None) -> str | None:
    if before is None or properties is None:
        return properties or before
    merged = {**json.loads(before), **json.loads(properties)}
    return json.dumps(merged, ensure_ascii=False, separators=(",", ":"))
