"""Opportunities and owners read back from Odoo, in the columns that a file of them would have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from groundswell.connectors.destination import Records
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundswell.connectors.odoo_rpc import Rpc

_FIELDS = (
    *("partner_id", "stage_id", "probability", "active", "lost_reason_id", "expected_revenue"),
    *("date_closed", "create_date", "write_date", "user_id", "description"),
)
_MOMENT = pl.Datetime("us", "UTC")
_SCHEMA = {
    "opportunity_id": pl.String,
    "account_id": pl.String,
    "created_at": _MOMENT,
    "stage": pl.String,
    "amount": pl.String,
    "closed_at": _MOMENT,
    "won": pl.Boolean,
    "owner": pl.String,
    "lost_reason": pl.String,
    "valid_from": _MOMENT,
}
_PAGE = 500
_CERTAIN = 100.0

# A change is stamped when its transaction begins, and shows when it ends.
_OVERLAP = timedelta(minutes=5)


def read_records(rpc: Rpc, cursor: str | None, *, until: datetime) -> Records:
    """Return what changed since the cursor.

    The last minutes before the cursor are read again, so that nothing that was being written then
    is missed. Opportunities of companies without a reference are nobody's account and left out.
    """
    changed = _changed(cursor, until)
    leads = _pages(rpc, "crm.lead", [["type", "=", "opportunity"], *changed], _FIELDS)
    owned = _pages(
        rpc,
        "res.partner",
        [["ref", "!=", False], ["is_company", "=", True], *changed],
        ("ref", "user_id"),
    )
    accounts = _accounts(rpc, {lead["partner_id"][0] for lead in leads if lead["partner_id"]})
    people = {row["user_id"][0] for row in (*leads, *owned) if row["user_id"]}
    logins = _named(rpc, "res.users", people, "login")
    won = _named(
        rpc, "crm.stage", {row["stage_id"][0] for row in leads if row["stage_id"]}, "is_won"
    )
    rows = [
        _row(lead, accounts[lead["partner_id"][0]], logins, won)
        for lead in leads
        if lead["partner_id"] and lead["partner_id"][0] in accounts
    ]
    owners = {row["ref"]: _of(row["user_id"], logins) for row in owned}
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    return Records({Kind.OPPORTUNITIES: frame}, owners, frozenset(), until.isoformat())


def _changed(cursor: str | None, until: datetime) -> list[list[Any]]:
    end = ["write_date", "<=", _written(until)]
    if cursor is None:
        return [end]
    return [["write_date", ">=", _written(datetime.fromisoformat(cursor) - _OVERLAP)], end]


def _pages(
    rpc: Rpc, model: str, domain: list[list[Any]], fields: Iterable[str]
) -> list[dict[str, Any]]:
    """Read page by page, by ascending id, so that what changes meanwhile shifts no page."""
    found: list[dict[str, Any]] = []
    while True:
        last = found[-1]["id"] if found else 0
        page = rpc.search(
            model, [*domain, ["id", ">", last]], list(fields), order="id", limit=_PAGE
        )
        found += page
        if len(page) < _PAGE:
            return found


def _accounts(rpc: Rpc, partners: set[int]) -> dict[int, str]:
    """Return the account of each partner: its own reference, or that of its company."""
    rows = _by_id(rpc, "res.partner", partners, ["ref", "commercial_partner_id"])
    firms = {row["commercial_partner_id"][0] for row in rows if row["commercial_partner_id"]}
    refs = _named(rpc, "res.partner", firms, "ref")
    found = {row["id"]: row["ref"] or _of(row["commercial_partner_id"], refs) for row in rows}
    return {partner: account for partner, account in found.items() if account}


def _named(rpc: Rpc, model: str, ids: set[int], field: str) -> dict[int, Any]:
    return {row["id"]: row[field] for row in _by_id(rpc, model, ids, [field])}


def _by_id(rpc: Rpc, model: str, ids: set[int], fields: list[str]) -> list[dict[str, Any]]:
    return rpc.search(model, [["id", "in", sorted(ids)]], fields) if ids else []


def _row(
    lead: dict[str, Any], account: str, logins: dict[int, str], won: dict[int, bool]
) -> dict[str, Any]:
    verdict = _verdict(lead, won)
    changed = _moment(lead["write_date"])
    closed = _moment(lead["date_closed"]) if lead["date_closed"] else changed
    created = _moment(lead["create_date"])
    return {
        "opportunity_id": str(lead["id"]),
        "account_id": account,
        "created_at": created,
        "stage": lead["stage_id"][1] if lead["stage_id"] else "none",
        "amount": f"{lead['expected_revenue']:.2f}",
        "closed_at": None if verdict is None else max(closed, created),
        "won": verdict,
        "owner": _of(lead["user_id"], logins),
        "lost_reason": lead["lost_reason_id"][1] if lead["lost_reason_id"] else None,
        "valid_from": changed,
    }


def _verdict(lead: dict[str, Any], won: dict[int, bool]) -> bool | None:
    """Tell won, lost or open as Odoo itself does: lost is archived without a chance."""
    if lead["probability"] >= _CERTAIN and _of(lead["stage_id"], won):
        return True
    return False if not lead["active"] and lead["probability"] == 0 else None


def _of(pair: Any, names: dict[int, Any]) -> Any:
    """Return what belongs to a reference, which Odoo shows as an id and a name, or as False."""
    return names.get(pair[0]) if pair else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
