"""What Groundswell delivers, as rows that Odoo's `load` takes: text by text, column by column."""

from __future__ import annotations

import re
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING

from groundswell.connectors.deliveries import ACCOUNT_FIELDS
from groundswell.connectors.destination import plain_values

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from groundswell.connectors.deliveries import Company, Deal, Delivery, Note, Task
    from groundswell.model import Scalar

MODULE = "groundswell"
FIELD_PREFIX = "x_groundswell_"
_NAME = re.compile(r"[A-Za-z0-9_:-]{1,100}")

Row = dict[str, str]


def external_name(text: str) -> str:
    """Return a text as the name of an external id, which holds neither spaces nor dots.

    >>> external_name("h-12:task")
    'h-12:task'
    >>> external_name("acme.com")
    'k_1194228da8fdbdeefd261bd7b6595cfd'
    """
    if _NAME.fullmatch(text):
        return text
    return f"k_{sha256(text.encode()).hexdigest()[:32]}"


def external_id(text: str) -> str:
    """Return the whole external id."""
    return f"{MODULE}.{external_name(text)}"


def partner(company: Company, user_id: int | None) -> Row:
    """Return a new company among the contacts; one that is there keeps what it says."""
    return {
        "id": external_id(f"account:{company.account_id}"),
        "name": one_line(company.name),
        "ref": company.account_id,
        "is_company": "1",
        "website": f"https://{company.domain}" if company.domain else "",
        "user_id/.id": _or_none(user_id),
    }


def values_note(company: Company, values: Mapping[str, Scalar], partner_id: int) -> Row:
    """Return the note that shows the values of an account; each account has one, kept current."""
    lines = [
        f"<b>{escape(ACCOUNT_FIELDS[name].label)}</b>: {as_html(text)}"
        for name, text in plain_values(values).items()
    ]
    title = f"Groundswell: {escape(one_line(company.name))}"
    body = f"<p>{'<br/>'.join([title, *lines])}</p>"
    return _message(external_id(f"values:{company.account_id}"), body, partner_id)


def lead(
    delivery: Delivery, deal: Deal, *, partner_id: int, user_id: int | None, team_id: int | None
) -> Row:
    """Return an opportunity."""
    row = {
        "id": external_id(delivery.key),
        "name": one_line(deal.name),
        "type": "opportunity",
        "partner_id/.id": str(partner_id),
        "expected_revenue": deal.amount or "0",
        "user_id/.id": _or_none(user_id),
        "description": f"<p>Source: {escape(deal.source)}</p>",
    }
    return row if team_id is None else {**row, "team_id/.id": str(team_id)}


def activity(
    delivery: Delivery, task: Task, *, model_id: int, res_id: int, user_id: int, now: datetime
) -> Row:
    """Return an activity; Odoo wants a day and a user for each."""
    subject = one_line(task.subject)
    return {
        "id": external_id(delivery.key),
        "summary": f"Urgent: {subject}" if task.urgent else subject,
        "note": f"<p>{as_html(task.text)}</p>",
        "date_deadline": f"{task.due_at or now:%Y-%m-%d}",
        "user_id/.id": str(user_id),
        "activity_type_id/id": "mail.mail_activity_data_todo",
        "res_model_id/.id": str(model_id),
        "res_id": str(res_id),
    }


def message(delivery: Delivery, note: Note, partner_id: int) -> Row:
    """Return a note in the history of a company."""
    return _message(external_id(delivery.key), note.html, partner_id)


def one_line(text: str) -> str:
    """Return a text without line breaks and tabs."""
    return " ".join(text.split())


def as_html(text: str) -> str:
    """Return plain text as HTML that reads the same."""
    return "<br/>".join(escape(text).split("\n"))


def _message(name: str, body: str, partner_id: int) -> Row:
    return {
        "id": name,
        "model": "res.partner",
        "res_id": str(partner_id),
        "body": body,
        "message_type": "comment",
        "subtype_id/id": "mail.mt_note",
    }


def _or_none(found: int | None) -> str:
    return "" if found is None else str(found)
