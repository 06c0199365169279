"""What Groundswell delivers, as properties of HubSpot's records; every value is a text."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from groundswell.connectors.deliveries import ACCOUNT_FIELDS
from groundswell.connectors.destination import plain_values
from groundswell.connectors.hubspot.properties import (
    ACCOUNT_ID,
    KEY,
    ROLE,
    SOURCE,
    value_property,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.connectors.deliveries import (
        AccountValues,
        Company,
        Contact,
        Deal,
        Delivery,
        Note,
        Task,
    )
    from groundswell.connectors.hubspot.pipelines import Stage

OWNER = "hubspot_owner_id"
LONGEST = 65_536
"""Letters that a property holds."""

_ENDING = "…"


def company_properties(company: Company) -> dict[str, str]:
    """Return a new company: what is known of the account, which people may change later."""
    values = {
        ACCOUNT_ID: company.account_id,
        "name": one_line(company.name),
        "domain": company.domain,
        "numberofemployees": company.employees,
        "country": company.country,
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def value_properties(body: AccountValues, wanted: frozenset[str]) -> dict[str, str]:
    """Return the values of an account that are wanted."""
    values = {name: value for name, value in body.values.items() if name in wanted}
    return {
        value_property(name): cut(value)
        for name, value in plain_values(values).items()
        if name in ACCOUNT_FIELDS
    }


def contact_properties(delivery: Delivery, contact: Contact) -> dict[str, str]:
    """Return a person; a name is parted before its last word."""
    first, _, last = one_line(contact.name or "").rpartition(" ")
    values = {
        "email": contact.email.strip().lower(),
        "firstname": first,
        "lastname": last,
        "jobtitle": one_line(contact.title or ""),
        ROLE: contact.role or "",
        KEY: delivery.key,
    }
    return {name: value for name, value in values.items() if value}


def only_new(properties: Mapping[str, str], there: Mapping[str, str | None]) -> dict[str, str]:
    """Return what may be written to a person who is there: what people wrote is left alone."""
    ours = {KEY, ROLE, "email"}
    named = bool(there.get("firstname") or there.get("lastname"))
    left = {"firstname", "lastname"} if named else set[str]()
    return {
        name: value
        for name, value in properties.items()
        if name in ours or not (there.get(name) or name in left)
    }


def deal_properties(delivery: Delivery, deal: Deal, stage: Stage) -> dict[str, str]:
    """Return a new deal."""
    values = {
        KEY: delivery.key,
        SOURCE: deal.source,
        "dealname": one_line(deal.name),
        "pipeline": stage.pipeline,
        "dealstage": stage.id,
    }
    if deal.amount is not None:
        values |= {"amount": deal.amount, "deal_currency_code": deal.currency}
    return values


def task_properties(delivery: Delivery, task: Task) -> dict[str, str]:
    """Return a new task; HubSpot wants a time for each, so one without a due time is due now."""
    return {
        KEY: delivery.key,
        "hs_timestamp": moment(task.due_at or delivery.made_at),
        "hs_task_subject": one_line(task.subject),
        "hs_task_body": as_html(task.text),
        "hs_task_status": "NOT_STARTED",
        "hs_task_type": "TODO",
        "hs_task_priority": "HIGH" if task.urgent else "MEDIUM",
    }


def note_properties(delivery: Delivery, note: Note) -> dict[str, str]:
    """Return a new note; the plain text where the HTML is too long."""
    body = note.html if len(note.html) <= LONGEST else as_html(note.text)
    return {KEY: delivery.key, "hs_timestamp": moment(note.written_at), "hs_note_body": body}


def as_html(text: str) -> str:
    r"""Return a plain text as HubSpot shows it: escaped, with line breaks, and not too long.

    >>> as_html("5 < 6\nlast")
    '<p>5 &lt; 6<br>last</p>'
    """
    room = LONGEST - len("<p></p>")
    html, size = _marked_up(text), len(text)
    while len(html) > room:
        # No letter takes more than five, so this never cuts off more than it must.
        size -= max((len(html) - room) // 5, 1)
        html = _marked_up(text[:size] + _ENDING)
    return f"<p>{html}</p>"


def cut(text: str) -> str:
    """Return a text that is not longer than a property may be."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + _ENDING


def one_line(text: str) -> str:
    """Return a text without line breaks and tabs."""
    return " ".join(text.split())


def moment(at: datetime) -> str:
    """Return an instant as HubSpot writes it.

    >>> moment(datetime(2026, 3, 2, 12, tzinfo=UTC))
    '2026-03-02T12:00:00.000Z'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def parse_moment(text: str) -> datetime:
    """Return the instant that HubSpot wrote: as a date and time, or in milliseconds.

    >>> parse_moment("2026-03-02T12:00:00Z") == parse_moment("1772452800000")
    True
    """
    if text.lstrip("-").isdigit():
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _marked_up(text: str) -> str:
    return escape(text, quote=False).replace("\n", "<br>")
