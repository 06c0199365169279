"""Small companies for the tests of mistakes: frames with what a test says, and null elsewhere."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from groundswell.config.mistakes import shipped_mistakes
from groundswell.overlay.mistakes import Known, detect_mistakes
from groundswell.overlay.mistakes.known import COLUMNS

if TYPE_CHECKING:
    from groundswell.overlay.findings import Finding

AS_OF = dt.date(2026, 6, 30)
QUARTERS = [dt.date(2025, 10, 1), dt.date(2026, 1, 1), dt.date(2026, 4, 1)]
_INSTANT = pl.Datetime("us", "UTC")
_TYPES = {
    **dict.fromkeys(["signed_up", "hand_raised", "paid", "day", "as_of", "opened"], pl.Date),
    **dict.fromkeys(["qualified_on", "released_on", "quarter"], pl.Date),
    **dict.fromkeys(["at", "opened_at", "first_touch_at", "accepted_at", "due_at"], _INSTANT),
    **dict.fromkeys(["closed_at", "created_at"], _INSTANT),
    **dict.fromkeys(["won", "held_out"], pl.Boolean),
    **dict.fromkeys(["employees", "arr_cents", "amount_cents", "reassigned"], pl.Int64),
    **dict.fromkeys(["cac_cents", "self_serve_customers", "commission_lines"], pl.Int64),
    **dict.fromkeys(["mrr", "days_at_limit", "estimated_acv", "active_users_28d"], pl.Float64),
    **dict.fromkeys(["security_asks_28d", "self_serve_conversion"], pl.Float64),
    "gates_per_free_account": pl.Float64,
}


def ago(days: int) -> dt.date:
    return AS_OF - dt.timedelta(days=days)


def at(days: int, *, hour: int = 12) -> dt.datetime:
    return dt.datetime(2026, 6, 30, hour, tzinfo=dt.UTC) - dt.timedelta(days=days)


def ids(n: int, name: str = "a") -> list[str]:
    return [f"{name}{place:03}" for place in range(n)]


def frame(name: str, n: int = 0, **columns) -> pl.DataFrame:
    """Return a frame of `Known`; a value that is no list is that of every row."""
    schema = {column: _TYPES.get(column, pl.String) for column in COLUMNS[name]}
    rows = {}
    for column in schema:
        value = columns.pop(column, None)
        rows[column] = value if isinstance(value, list) else [value] * n
    assert not columns, f"{name} has no {columns}"
    return pl.DataFrame(rows, schema=schema)


def look(name: str, **known) -> Finding | None:
    """Return what is found of one mistake."""
    found = detect_mistakes(Known(AS_OF, **known), {name: shipped_mistakes()[name]})
    return found[0] if found else None


def is_seen(name: str, **known) -> bool:
    found = look(name, **known)
    return found is not None and found.is_seen
