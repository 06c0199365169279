"""Deals as opportunities: one row for every change of stage, amount, owner or reason."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import polars as pl

from groundswell.connectors.hubspot.properties import SOURCE
from groundswell.connectors.hubspot.records import OWNER, parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from groundswell.connectors.hubspot.api import Record
    from groundswell.connectors.hubspot.pipelines import Stage

HISTORY = ("dealstage", "amount", OWNER, "closed_lost_reason")
"""Properties whose changes make a row."""

_NOW = ("createdate", "closedate", SOURCE, "hs_analytics_source", "competitor")
PROPERTIES = (*HISTORY, *_NOW)
"""What is read of a deal; those that an account does not have are left out by HubSpot."""

_MOMENT = pl.Datetime("us", "UTC")
SCHEMA = {
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
    "competitor": pl.String,
    "valid_from": _MOMENT,
}


def opportunities(
    deals: Sequence[Record],
    accounts: Mapping[str, str],
    emails: Mapping[str, str],
    stages: Mapping[str, Stage],
    *,
    until: datetime,
) -> pl.DataFrame:
    """Return the versions of deals.

    Args:
        deals: With the history of `HISTORY`.
        accounts: Account id by deal.
        emails: Address by id of the owner.
        stages: By id.
        until: Changes after it are left for the next time.
    """
    rows: list[dict[str, Any]] = []
    for deal in sorted(deals, key=lambda one: int(one["id"])):
        now = deal["properties"]
        created = parse_moment(now["createdate"])
        fixed = {
            "opportunity_id": str(deal["id"]),
            "account_id": accounts[str(deal["id"])],
            "created_at": created,
            "source": now.get(SOURCE) or now.get("hs_analytics_source"),
            "competitor": now.get("competitor"),
        }
        versions = _versions(deal, until)
        for place, (at, state) in enumerate(versions):
            is_last = place == len(versions) - 1
            told = parse_moment(now["closedate"]) if is_last and now.get("closedate") else None
            rows.append({**fixed, **_row(state, at, created, told, emails, stages)})
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _versions(deal: Record, until: datetime) -> list[tuple[datetime, dict[str, str | None]]]:
    """Return what a deal was from each change on, the first from when its stage was known."""
    changes: dict[datetime, dict[str, str | None]] = {}
    for name in HISTORY:
        for change in deal.get("propertiesWithHistory", {}).get(name) or []:
            at = parse_moment(change["timestamp"])
            if at <= until:
                changes.setdefault(at, {})[name] = change.get("value") or None
    state: dict[str, str | None] = dict.fromkeys(HISTORY)
    versions: list[tuple[datetime, dict[str, str | None]]] = []
    for at in sorted(changes):
        before, state = state, {**state, **changes[at]}
        if state["dealstage"] is not None and state != before:
            versions.append((at, state))
    return versions


def _row(
    state: Mapping[str, str | None],
    at: datetime,
    created: datetime,
    told: datetime | None,
    emails: Mapping[str, str],
    stages: Mapping[str, Stage],
) -> dict[str, Any]:
    stage = stages.get(state["dealstage"] or "")
    won = stage.won if stage is not None else None
    closed = None
    if won is not None:
        # An open deal has a date to be closed by, which people leave standing when they lose it.
        closed = told if told is not None and created <= told <= at else at
    return {
        "stage": stage.label if stage is not None else state["dealstage"],
        "amount": _amount(state["amount"]),
        "closed_at": None if closed is None else max(closed, created),
        "won": won,
        "owner": emails.get(state[OWNER] or ""),
        "lost_reason": state["closed_lost_reason"] if won is False else None,
        "valid_from": at,
    }


def _amount(text: str | None) -> str | None:
    try:
        return None if text is None else f"{Decimal(text):f}"
    except InvalidOperation:
        return None
