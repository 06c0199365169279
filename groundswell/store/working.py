"""Names of working tables: plain words that are not the warehouse's own."""

from __future__ import annotations

import re

import pyarrow as pa

from groundswell.errors import Problem, StoreError
from groundswell.model import Kind
from groundswell.store.ddl import log_schemas

OWN = frozenset(
    {
        *map(str, Kind),
        *log_schemas(),
        "actors",
        "event_names",
        "events_named",
        "store_state",
        "incoming",
        "activity",
        "activity_runs",
        "activity_state",
    }
)


def check_name(table: str) -> None:
    """Check that `table` may name a working table.

    Raises:
        StoreError: It is one of the warehouse's own names, or not a plain lower-case word.
    """
    if table in OWN or not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", table):
        raise StoreError(
            Problem(
                code="store-table-name",
                what=f"A working table cannot be called `{table}`.",
                fix=f"Use lower-case letters, digits and _; not one of {', '.join(sorted(OWN))}.",
            )
        )


def plain_columns(rows: pa.Table) -> pa.Table:
    """Return `rows` in types that every engine takes: plain strings, signed integers."""
    fields = [field.with_type(_plain_type(field.type)) for field in rows.schema]
    return rows.cast(pa.schema(fields))


def _plain_type(of: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(of):
        return _plain_type(of.value_type)
    if pa.types.is_large_string(of) or pa.types.is_string_view(of):
        return pa.string()
    if pa.types.is_unsigned_integer(of):
        return pa.int32() if of.bit_width < 32 else pa.int64()
    return of
