"""Rows for the store's tests, made without chance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from groundswell.store.tables import TABLES

if TYPE_CHECKING:
    from groundswell.model import Kind

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


def at(days: float) -> datetime:
    """The instant `days` after the start."""
    return START + timedelta(days=days)


def table(kind: Kind, *rows: dict[str, Any]) -> pa.Table:
    """Canonical rows; what is left out is null."""
    schema = TABLES[kind]
    full = [{name: row.get(name) for name in schema.names} for row in rows]
    return pa.Table.from_pylist(full, schema=schema)


def event(number: int, **changes: Any) -> dict[str, Any]:
    """One event, with everything an event needs."""
    person = number % 3
    return {
        "source": "app",
        "message_id": f"m{number}",
        "user_id": f"u{person}" if person else None,
        "anonymous_id": None if person else f"anon{number % 2}",
        "account_id": f"acc{number % 2}",
        "event": ["login", "export", "page"][number % 3],
        "occurred_at": at(number / 7),
        "received_at": at(number / 7 + 0.01),
        "properties": f'{{"n": {number}}}' if number % 2 else None,
        **changes,
    }


def money(text: str) -> Decimal:
    return Decimal(text)
