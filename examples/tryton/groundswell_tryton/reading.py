"""Opportunities read back from Tryton, in the columns that a file of them would have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from groundswell.connectors.destination import Records
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

_FIELDS = [
    *("state", "amount", "currency.code", "description", "comment", "lost_reason"),
    *("create_date", "write_date", "end_date", "party.code", "employee.party.email"),
]
_WON = {"won": True, "lost": False, "cancelled": False}
_MOMENT = pl.Datetime("us", "UTC")
_SCHEMA = {
    "opportunity_id": pl.String,
    "account_id": pl.String,
    "created_at": _MOMENT,
    "stage": pl.String,
    "amount": pl.String,
    "closed_at": _MOMENT,
    "won": pl.Boolean,
    "source": pl.String,
    "owner": pl.String,
    "lost_reason": pl.String,
    "valid_from": _MOMENT,
}

# The server stamps a change when its transaction begins, and shows it when it ends.
_OVERLAP = timedelta(minutes=5)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def read_opportunities(
    search: Callable[[str, list[Any], list[str]], list[dict[str, Any]]],
    cursor: str | None,
    *,
    until: datetime,
) -> Records:
    """Return the opportunities that were made or changed since the cursor.

    Those without a party are nobody's yet and are left out. The last minutes before the cursor
    are read again, so that nothing that was being written then is missed.
    """
    since = (
        datetime.fromisoformat(cursor) - _OVERLAP if cursor else datetime(1970, 1, 1, tzinfo=UTC)
    )
    changed = ["OR", ["create_date", ">=", since], ["write_date", ">=", since]]
    domain = [["party", "!=", None], ["create_date", "<=", until], changed]
    rows = search("sale.opportunity", domain, _FIELDS)
    kept = sorted((_row(found) for found in rows), key=lambda row: int(row["opportunity_id"]))
    frame = pl.DataFrame(kept, schema=_SCHEMA, orient="row")
    return Records({Kind.OPPORTUNITIES: frame}, {}, frozenset(), until.isoformat())


def _row(found: dict[str, Any]) -> dict[str, Any]:
    changed = found["write_date"] or found["create_date"]
    employee = found["employee."] or {}
    comment = found["comment"] or ""
    return {
        "opportunity_id": str(found["id"]),
        "account_id": found["party."]["code"],
        "created_at": found["create_date"],
        "stage": found["state"],
        "amount": None if found["amount"] is None else str(found["amount"]),
        "closed_at": changed if found["state"] in _WON else None,
        "won": _WON.get(found["state"]),
        "source": comment.removeprefix("Source: ") if comment.startswith("Source: ") else None,
        "owner": (employee.get("party.") or {}).get("email"),
        "lost_reason": found["lost_reason"],
        "valid_from": changed,
    }
