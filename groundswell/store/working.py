"""Names of working tables: plain words that are not the warehouse's own."""

from __future__ import annotations

import re

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
