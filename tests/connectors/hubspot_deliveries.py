"""Deliveries to HubSpot, and the destination opened on a double."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from groundswell.connectors.deliveries import (
    AccountValues,
    Company,
    Contact,
    Deal,
    Delivery,
    DeliveryKind,
    Note,
    Task,
)
from groundswell.connectors.destination import Budget, Context, Forgetful, Limits, Memory
from groundswell.connectors.hubspot import DESTINATION, HubSpot, HubSpotSettings

from .hubspot_account import TOKEN

if TYPE_CHECKING:
    from .hubspot_account import Account

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACME = Company("ac-1", "Acme", "acme.example", employees=120, country="DE")
ANN = "ann@us.example"
HELD = {
    DeliveryKind.ACCOUNT: ("companies", "groundswell_account_id"),
    DeliveryKind.CONTACT: ("contacts", "groundswell_key"),
    DeliveryKind.DEAL: ("deals", "groundswell_key"),
    DeliveryKind.TASK: ("tasks", "groundswell_key"),
    DeliveryKind.NOTE: ("notes", "groundswell_key"),
}
"""What each delivery is there, and the property by which it is known."""


def company(number: int, **others: Any) -> Company:
    known = {"domain": f"c{number}.example", **others}
    return Company(f"ac-{number}", f"Company {number}", **known)


def values(about: Company = ACME, owner: str | None = None, key: str = "", **told: Any) -> Delivery:
    body = AccountValues(about, told or {"score": 82.0, "tier": "PQL-Convert"}, owner)
    return _delivery(key or f"values:{about.account_id}", DeliveryKind.ACCOUNT, body)


def contact(email: str = "zoe@acme.example", about: Company = ACME, **others: Any) -> Delivery:
    told = {"name": "Zoë van Dam", "title": "Head of Data", "role": "champion", **others}
    key = told.pop("key", f"contact:{email}")
    return _delivery(key, DeliveryKind.CONTACT, Contact(about, email, **told))


def deal(key: str = "deal:1", about: Company = ACME, **others: Any) -> Delivery:
    told = {"name": "Acme, expansion", "amount": "12000.50", "currency": "EUR", **others}
    told = {"owner": None, "source": "groundswell", **told}
    return _delivery(key, DeliveryKind.DEAL, Deal(about, **told))


def task(key: str = "task:1", about: Company = ACME, **others: Any) -> Delivery:
    told = {"subject": "Call Acme", "text": "39 of 40 seats\nSay < 5%", "owner": None, **others}
    told = {"due_at": NOON + timedelta(hours=4), **told}
    return _delivery(key, DeliveryKind.TASK, Task(about, **told))


def note(key: str = "note:1", about: Company = ACME, **others: Any) -> Delivery:
    told = {"text": "The brief", "html": "<p>The brief</p>", "written_at": NOON, **others}
    return _delivery(key, DeliveryKind.NOTE, Note(about, **told))


def opened(
    account: Account,
    *,
    memory: Memory | None = None,
    write: frozenset[str] = frozenset(),
    limits: Limits | None = None,
    **settings: Any,
) -> HubSpot:
    """Open the destination; the clock moves on where it would wait."""

    def wait(seconds: float) -> None:
        account.clock.advance(timedelta(seconds=seconds))

    budget = Budget(limits or DESTINATION.limits, account.clock, wait=wait)
    context = Context("crm", account.clock, budget, memory or Forgetful(), write)
    told = {"token": TOKEN, "url": account.url, **settings}
    made = DESTINATION.open(msgspec.convert(told, HubSpotSettings), context)
    assert isinstance(made, HubSpot)
    account.closing.append(made.close)
    return made


def held(account: Account, sent: Delivery) -> list[dict[str, str]]:
    """Return what is there of a delivery; of what hangs, what hangs on the right company alone."""
    kind, name = HELD[sent.kind]
    unique = sent.account_id if kind == "companies" else sent.key
    found = [row for row in account.records[kind].values() if row["properties"].get(name) == unique]
    if kind != "companies":
        ours = account.by("companies", "groundswell_account_id", sent.account_id)
        assert ours is not None
        found = [
            row for row in found if (row["id"], ours["id"]) in account.links[kind, "companies"]
        ]
    return [row["properties"] for row in found if len(row["properties"]) > 4]


def statuses(outcomes: list[Any]) -> list[str]:
    return [outcome.status for outcome in outcomes]


def _delivery(key: str, kind: DeliveryKind, body: Any) -> Delivery:
    return Delivery(key, "crm", kind, body.company.account_id, "h-1", body, NOON)
