"""What Groundswell delivers, as records of Salesforce."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from groundswell.connectors.deliveries import ACCOUNT_FIELDS, DeliveryKind
from groundswell.connectors.salesforce_settings import field_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from groundswell.connectors.deliveries import Company, Contact, Deal, Delivery, Note, Task
    from groundswell.connectors.salesforce_settings import SalesforceSettings
    from groundswell.model import Scalar

NOTE_KEY = "note:"
"""What the key of a note begins with, so that it is never taken for something a rep did."""

TYPES = {
    "number": "Number(16, 2)",
    "text": "Text(255)",
    "long_text": "Long Text Area(32768)",
    "flag": "Checkbox",
    "day": "Date",
}
"""By kind of value, the type of field that holds it."""

_TEXT, _LONG = 255, 32_000
_OPPORTUNITY, _TITLE, _FIRST, _LAST = 120, 128, 40, 80


def one_line(text: str, most: int = _TEXT) -> str:
    """Return a text as one line of at most so many characters.

    >>> one_line("several   words", 9)
    'several …'
    """
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def lines(text: str, most: int = _LONG) -> str:
    """Return a text of several lines, as long as a long text area takes it."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def value_fields(
    values: Mapping[str, Scalar], settings: SalesforceSettings, wanted: frozenset[str]
) -> dict[str, Any]:
    """Return values of an account by their field, as JSON has them.

    Args:
        values: By our name.
        settings: They name the fields.
        wanted: What is written; where it names no value of an account, all are.
    """
    chosen = wanted & ACCOUNT_FIELDS.keys() or ACCOUNT_FIELDS.keys()
    names = field_names(settings)
    return {
        names[name]: _as_json(name, value)
        for name, value in values.items()
        if name in names and name in chosen
    }


def new_company(company: Company, settings: SalesforceSettings) -> dict[str, Any]:
    """Return what a new account or lead is called; one that is there keeps what it says.

    Industry and country are left out: each organisation has its own lists of them, and one that
    is not on the list would keep the whole record out.
    """
    name = one_line(company.name) or company.account_id
    record: dict[str, Any] = {settings.external_id: company.account_id}
    if settings.match == "lead":
        # A lead is a person; as long as nobody is known, the company stands for one.
        record |= {"Company": name, "LastName": one_line(name, _LAST), "LeadSource": "groundswell"}
    else:
        record["Name"] = name
    if company.domain:
        record["Website"] = company.domain
    if company.employees is not None:
        record["NumberOfEmployees"] = company.employees
    return record


def person(body: Contact) -> dict[str, Any]:
    """Return a new person: the last of the names is what Salesforce cannot do without."""
    first, _, last = " ".join((body.name or "").split()).partition(" ")
    if not last:
        first, last = "", first or body.email.partition("@")[0]
    return {
        "FirstName": one_line(first, _FIRST) or None,
        "LastName": one_line(last, _LAST),
        "Email": body.email,
        "Title": one_line(body.title, _TITLE) if body.title else None,
        "Description": f"Groundswell: {body.role}" if body.role else None,
    }


def opportunity(
    body: Deal, settings: SalesforceSettings, now: datetime, *, currencies: bool
) -> dict[str, Any]:
    """Return a new opportunity.

    Args:
        body: What is delivered.
        settings: They say its stage and when it closes.
        now: From which the day counts on which it closes.
        currencies: Whether the organisation has several; one that has not takes no code.
    """
    closes = (now + timedelta(days=settings.close_in_days)).date()
    record: dict[str, Any] = {
        "Name": one_line(body.name, _OPPORTUNITY),
        "StageName": settings.stage,
        "CloseDate": closes.isoformat(),
        "LeadSource": one_line(body.source),
    }
    if body.amount is not None:
        # JSON has no decimals; the shortest float that reads the same is the same amount.
        record["Amount"] = float(Decimal(body.amount))
        record["Description"] = f"Estimated by Groundswell: {body.amount} {body.currency} a year"
    if currencies:
        record["CurrencyIsoCode"] = body.currency
    return record


def to_do(body: Task) -> dict[str, Any]:
    """Return a task for a rep."""
    return {
        "Subject": one_line(body.subject),
        "Description": lines(body.text),
        "ActivityDate": body.due_at.date().isoformat() if body.due_at else None,
        "Priority": "High" if body.urgent else "Normal",
        "Status": "Not Started",
    }


def brief(body: Note) -> dict[str, Any]:
    """Return a note: a task that is done, since its key can be asked for and it needs no link."""
    return {
        "Subject": one_line(f"Groundswell brief: {body.company.name}"),
        "Description": lines(body.text),
        "ActivityDate": body.written_at.date().isoformat(),
        "Priority": "Normal",
        "Status": "Completed",
    }


def key_of(delivery: Delivery) -> str:
    """Return the key as the record holds it."""
    return f"{NOTE_KEY}{delivery.key}" if delivery.kind is DeliveryKind.NOTE else delivery.key


def host(website: str | None) -> str | None:
    """Return the host of what people write as a website, without `www`.

    >>> host("HTTPS://www.Acme.example/en"), host("acme.example"), host("n/a"), host("http://[")
    ('acme.example', 'acme.example', 'n', None)
    """
    text = (website or "").strip().lower()
    try:
        found = urlsplit(text if "//" in text else f"//{text}").hostname
    except ValueError:
        return None
    return found.removeprefix("www.") if found else None


def _as_json(name: str, value: Scalar) -> Scalar:
    kind = ACCOUNT_FIELDS[name].kind
    if kind == "flag":
        return bool(value)  # a checkbox knows no third state
    if value is None:
        return None
    if kind in {"number", "day"}:
        return value
    return lines(str(value)) if kind == "long_text" else one_line(str(value))
