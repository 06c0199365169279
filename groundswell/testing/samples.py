"""Deliveries to test a destination with: one of every kind, about accounts of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING

from groundswell.connectors.deliveries import (
    AccountValues,
    Company,
    Contact,
    Deal,
    Delivery,
    DeliveryKind,
    Message,
    Note,
    Task,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundswell.connectors.deliveries import Body

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""When the samples were decided."""

HOSTILE_LINE = """Zoë's "Œuvre" & <script>alert('1')</script> %s {0} \\ 🚀 𝒳; DROP TABLE x"""  # noqa: RUF001
"""One line of what people call themselves: quotes, markup, marks of templates, 4-byte letters."""

HOSTILE_TEXT = f"{HOSTILE_LINE}\nsecond line\n\nlast line"


def sample(
    kind: DeliveryKind, word: str, *, line: str | None = None, text: str | None = None
) -> Delivery:
    """Return a delivery of a kind, about an account of its own.

    The same kind and word give the same delivery, with the same key; another word gives another
    account.

    Args:
        kind: What it brings about.
        word: Names it: small letters, digits and hyphens.
        line: What it is called, in place of a plain name.
        text: What it says, in place of a plain text.
    """
    name = f"{kind.value}-{word}"
    company = Company(
        account_id=f"suite-{name}",
        name=f"Suite {name}",
        domain=f"{name}.suite.example",
        employees=120,
        industry="Software",
        country="DE",
    )
    body = _BODIES[kind](company, line or f"Sample {name}", text or f"Words of {name}.")
    return Delivery(
        key=f"suite:{name}",
        destination="suite",
        kind=kind,
        account_id=company.account_id,
        handoff_id=f"handoff-{name}",
        body=body,
        made_at=NOON,
    )


def account_of(delivery: Delivery) -> Delivery:
    """Return the delivery that puts the account of another delivery there."""
    company = delivery.body.company
    values = {"score": 71.0, "tier": "PQL-Convert", "qualified": True}
    return Delivery(
        key=f"{delivery.key}:account",
        destination=delivery.destination,
        kind=DeliveryKind.ACCOUNT,
        account_id=delivery.account_id,
        handoff_id=None,
        body=AccountValues(company, dict(values)),
        made_at=delivery.made_at,
    )


def _account(company: Company, line: str, text: str) -> Body:
    named = Company(
        account_id=company.account_id,
        name=line,
        domain=company.domain,
        employees=company.employees,
        industry=company.industry,
        country=company.country,
    )
    values = {
        "score": 82.0,
        "tier": "PQL-Convert",
        "motion": "sales_assist",
        "state": "assigned",
        "qualified": True,
        "reasons": text,
        "play": "Offer a call",
        "usage_score": 90.5,
        "estimated_acv": 12000.0,
        "updated_on": "2026-03-02",
    }
    return AccountValues(named, dict(values))


def _contact(company: Company, line: str, _: str) -> Body:
    return Contact(company, f"ann@{company.domain}", line, "Head of Data", "champion")


def _deal(company: Company, line: str, _: str) -> Body:
    return Deal(company, line, "12000.50", "EUR", None, "groundswell")


def _task(company: Company, line: str, text: str) -> Body:
    return Task(company, line, text, NOON + timedelta(hours=4), None)


def _note(company: Company, _: str, text: str) -> Body:
    html = "<p>" + "<br>".join(escape(text).split("\n")) + "</p>"
    return Note(company, text, html, NOON)


def _message(company: Company, line: str, text: str) -> Body:
    return Message(
        company=company,
        news="assigned",
        subject=line,
        text=text,
        html="<p>" + "<br>".join(escape(text).split("\n")) + "</p>",
        blocks=[{"type": "section", "text": {"type": "plain_text", "text": text}}],
        to="rep@suite.example",
        brief={"account": company.account_id, "score": 82},
        happened_at=NOON,
    )


_BODIES: dict[DeliveryKind, Callable[[Company, str, str], Body]] = {
    DeliveryKind.ACCOUNT: _account,
    DeliveryKind.CONTACT: _contact,
    DeliveryKind.DEAL: _deal,
    DeliveryKind.TASK: _task,
    DeliveryKind.NOTE: _note,
    DeliveryKind.MESSAGE: _message,
}
