"""What the tests of Salesforce send, and the destination that they open."""

from __future__ import annotations

from dataclasses import replace
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
from groundswell.connectors.destination import (
    Budget,
    Context,
    Forgetful,
    Limits,
)
from groundswell.connectors.salesforce import DESTINATION, SalesforceDestination
from groundswell.connectors.salesforce_settings import SalesforceSettings

from .salesforce_schema import (
    CLIENT,
    SECRET,
)

if TYPE_CHECKING:
    import pytest

    from groundswell.clock import FixedClock

    from .salesforce_server import SalesforceServer

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACME = Company("ac-1", "Acme", "acme.example", employees=120)
OTHER = Company("ac-2", 'Other\'s \\ "Co"', "other_co.example")
ANN_AT = "ann@ours.example"
SCORE = "Groundswell_Score__c"


def context(clock: FixedClock, limits: Limits | None = None, *write: str) -> Context:
    def wait(seconds: float) -> None:
        clock.advance(timedelta(seconds=seconds))

    budget = Budget(limits or DESTINATION.limits, clock, wait=wait)
    return Context("crm", clock, budget, Forgetful(), frozenset(write))


def app(org: SalesforceServer) -> dict[str, Any]:
    return {"client_id": CLIENT, "client_secret": SECRET, "login_url": org.url}


def opened(org: SalesforceServer, given: Context, **settings: Any) -> SalesforceDestination:
    told = {**app(org), **settings}
    there = DESTINATION.open(msgspec.convert(told, SalesforceSettings), given)
    assert isinstance(there, SalesforceDestination)
    return there


def delivery(kind: DeliveryKind, key: str, body: Any, **more: Any) -> Delivery:
    return Delivery(key, "crm", kind, body.company.account_id, "h-1", body, NOON, **more)


def values(key: str = "v-1", company: Company = ACME, owner: str | None = None, **told: Any):
    body = AccountValues(company, told or {"score": 82.0}, owner)
    return delivery(DeliveryKind.ACCOUNT, key, body)


def task(key: str = "t-1", company: Company = ACME, **told: Any) -> Delivery:
    whole = Task(company, "Call Acme", "Because\nof this", NOON + timedelta(hours=4), ANN_AT)
    return delivery(DeliveryKind.TASK, key, replace(whole, **told))


def deal(key: str = "d-1", company: Company = ACME, **told: Any) -> Delivery:
    whole = Deal(company, "Acme: convert", "12000.50", "EUR", ANN_AT, "groundswell")
    return delivery(DeliveryKind.DEAL, key, replace(whole, **told))


def contact(key: str = "c-1", company: Company = ACME, **told: Any) -> Delivery:
    whole = Contact(company, "zoe@acme.example", "Zoë van Dam", "CTO", "champion")
    return delivery(DeliveryKind.CONTACT, key, replace(whole, **told))


def note(key: str = "n-1", company: Company = ACME) -> Delivery:
    return delivery(DeliveryKind.NOTE, key, Note(company, "The brief", "<p>The brief</p>", NOON))


def statuses(outcomes: list[Any]) -> list[str]:
    return [outcome.status for outcome in outcomes]


def problem(error: pytest.ExceptionInfo[Any]) -> Any:
    return error.value.problems[0]
