"""Partial statements: a client that names a user's e-mail today and title tomorrow means both.

A version of a user or an account in the warehouse is whole. What a call leaves out therefore
stands as the version before it says; a call that comes late fills in the versions after it too, so
that the order of arrival does not matter.

Two properties say more of a version. `$set_once` names what gives way to anything that is known
before: it stays with the version, so that what comes late can take its place. `$unset` names what
is known no more from then on, `*` for all of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from groundswell.connectors.wires.reading import EVERYTHING, SET_ONCE, UNSET

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
        filled = _marked(before, row, key) if _is_marked(before, row) else _filled(before, row)
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


def _filled(before: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    filled = {
        name: before.get(name) if value is None and name != "valid_from" else value
        for name, value in row.items()
    }
    filled["properties"] = _merged(before.get("properties"), row["properties"])
    return filled


def _merged(before: str | None, properties: str | None) -> str | None:
    if before is None or properties is None:
        return properties or before
    return _text({**json.loads(before), **json.loads(properties)})


def _text(properties: dict[str, Any]) -> str | None:
    return json.dumps(properties, ensure_ascii=False, separators=(",", ":")) if properties else None


def _is_marked(*versions: dict[str, Any]) -> bool:
    texts = (version.get("properties") or "" for version in versions)
    return any(f'"{mark}"' in text for text in texts for mark in (SET_ONCE, UNSET))


def _marked(before: dict[str, Any], row: dict[str, Any], key: str) -> dict[str, Any]:
    """Fill in a version where it, or the one before it, says more of what it says."""
    held, own = _Said.of(before, key), _Said.of(row, key)
    if before and before["valid_from"] == row["valid_from"]:
        own.unset = sorted({*held.unset, *own.unset})
    held.forget(own.unset)
    columns, once_columns = _joined(held, own, held.columns, own.columns)
    properties, once = _joined(held, own, held.properties, own.properties)
    marks = {SET_ONCE: sorted({*once_columns, *once}), UNSET: own.unset}
    told = {**properties, **{name: names for name, names in marks.items() if names}}
    fixed = {key: row[key], "valid_from": row["valid_from"], "properties": _text(told)}
    return {name: fixed[name] if name in fixed else columns.get(name) for name in row}


@dataclass
class _Said:
    """What a version says, without its id and its moment, and its marks."""

    columns: dict[str, Any]
    properties: dict[str, Any]
    once: list[str]
    unset: list[str]

    @classmethod
    def of(cls, version: dict[str, Any], key: str) -> Self:
        fixed = (key, "valid_from", "properties")
        columns = {k: v for k, v in version.items() if k not in fixed and v is not None}
        properties = json.loads(version.get("properties") or "{}")
        once, unset = _names(properties.pop(SET_ONCE, ())), _names(properties.pop(UNSET, ()))
        return cls(columns, properties, once, unset)

    def forget(self, names: list[str]) -> None:
        for values in (self.columns, self.properties):
            for name in list(values) if EVERYTHING in names else names:
                values.pop(name, None)


def _joined(
    held: _Said, own: _Said, before: dict[str, Any], said: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Return what holds of what was known and what is said, and what of it gives way."""
    gives_way = {name for name in before if name in held.once}
    values = dict(before)
    for name, value in said.items():
        if name not in own.once:
            values[name] = value
            gives_way.discard(name)
        elif values.get(name) is None:
            values[name] = value
            gives_way.add(name)
    return values, [name for name in values if name in gives_way]


def _names(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
