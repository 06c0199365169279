"""The time line of an account: what was decided, done and delivered, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundswell.store.ledger import JournalEntry, Ledger
    from groundswell.store.outbox import KeptDelivery


@dataclass(frozen=True, slots=True)
class Happened:
    """Something on the time line: when, what kind, and what."""

    at: datetime
    kind: str
    what: str


def read_timeline(
    ledger: Ledger, account_id: str, *, as_of: date, limit: int
) -> tuple[Happened, ...]:
    """Return what happened with an account by a day, the newest first.

    Args:
        ledger: Keeps decisions and deliveries.
        account_id: Which.
        as_of: Nothing later is told.
        limit: At most so many.
    """
    found = [
        Happened(entry.at, entry.kind, _entry(entry))
        for entry in ledger.journal(account_id=account_id)
        if entry.as_of <= as_of
    ]
    found += [
        Happened(item.made_at, "delivery", _delivery(item))
        for item in ledger.deliveries(account_id=account_id, limit=limit)
        if item.made_at.date() <= as_of
    ]
    found.sort(key=lambda item: item.at, reverse=True)
    return tuple(found[:limit])


def _entry(entry: JournalEntry) -> str:
    body = entry.body
    told = body.get("reason") or body.get("sentence") or body.get("why") or ""
    who = body.get("who") or body.get("owner")
    return f"{told} ({who})" if who and told else str(told or who or "")


def _delivery(item: KeptDelivery) -> str:
    why = f": {item.reason}" if item.reason else ""
    return f"{item.kind} to {item.destination}, {item.status}{why}"
