"""What Groundswell delivers, as records of Tryton.

Every record says in its last line, or in its reference, which delivery made it: by that it is
found again, so that a delivery that comes twice is there once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from groundswell.connectors.deliveries import ACCOUNT_FIELDS, DeliveryKind
from groundswell.connectors.destination import plain_values

if TYPE_CHECKING:
    from groundswell.connectors.deliveries import (
        AccountValues,
        Company,
        Deal,
        Delivery,
        Note,
        Task,
    )

VALUES_HEAD = "Groundswell: values of the account"
_MARK = "Groundswell key: "

MODELS = {
    DeliveryKind.ACCOUNT: ("ir.note", "message"),
    DeliveryKind.DEAL: ("sale.opportunity", "reference"),
    DeliveryKind.TASK: ("project.work", "comment"),
    DeliveryKind.NOTE: ("ir.note", "message"),
}
"""By kind: the model of its record, and the field that holds the delivery's key."""


def key_in(kind: DeliveryKind, text: str | None) -> str | None:
    """Return the key that a record's field holds."""
    if kind is DeliveryKind.DEAL or not text:
        return text
    last = text.rstrip().rsplit("\n", 1)[-1]
    return last.removeprefix(_MARK) if last.startswith(_MARK) else None


def keyed(kind: DeliveryKind, keys: list[str]) -> list[Any]:
    """Return the search for the records of keys; it may find a few more than those."""
    field = MODELS[kind][1]
    if kind is DeliveryKind.DEAL:
        return [[field, "in", keys]]
    # `_` and `%` within a key match more than themselves, and a backslash less.
    return ["OR", *([field, "like", f"%{_MARK}{key}".replace("\\", "_")] for key in keys)]


def party(company: Company) -> dict[str, Any]:
    """Return a new party for an account."""
    return {"name": one_line(company.name), "code": company.account_id}


def values_note(delivery: Delivery, body: AccountValues, wanted: frozenset[str]) -> str:
    """Return the text that shows the values of an account, one a line."""
    # Whoever names no value at all, but accounts, wants them whole.
    known = wanted & ACCOUNT_FIELDS.keys() or ACCOUNT_FIELDS.keys()
    values = plain_values({name: value for name, value in body.values.items() if name in known})
    lines = [f"{ACCOUNT_FIELDS[name].label}: {value}" for name, value in values.items()]
    title = f"{VALUES_HEAD}\n{one_line(body.company.name)}"
    return _signed("\n".join([title, *lines]), delivery)


def opportunity(
    delivery: Delivery, deal: Deal, *, party_id: int, company: int, currency: dict[str, Any]
) -> dict[str, Any]:
    """Return a new opportunity; its amount has the digits of its currency."""
    amount = None
    if deal.amount is not None:
        amount = Decimal(deal.amount).quantize(Decimal(1).scaleb(-currency["digits"]))
    return {
        "reference": delivery.key,
        "party": party_id,
        "company": company,
        "currency": currency["id"],
        "amount": amount,
        "description": one_line(deal.name),
        "comment": f"Source: {deal.source}",
    }


def work(delivery: Delivery, task: Task, *, party_id: int, company: int) -> dict[str, Any]:
    """Return a new task."""
    head = [f"Account: {one_line(task.company.name)} ({task.company.account_id})"]
    if task.due_at is not None:
        head.append(f"Due: {task.due_at:%Y-%m-%d %H:%M} UTC")
    if task.owner is not None:
        head.append(f"For: {task.owner}")
    subject = one_line(task.subject)
    # Tryton separates the names of a task and its parents by a backslash, and so forbids it.
    name = subject.replace("\\", "/")
    if name != subject:
        head.insert(0, subject)
    return {
        "name": f"Urgent: {name}" if task.urgent else name,
        "type": "task",
        "party": party_id,
        "company": company,
        "comment": _signed("\n".join([*head, "", task.text]), delivery),
    }


def note(delivery: Delivery, body: Note) -> str:
    """Return the text of a note."""
    return _signed(body.text, delivery)


def resource(party_id: int) -> str:
    """Return a party as notes refer to it."""
    return f"party.party,{party_id}"


def one_line(text: str) -> str:
    """Return a text without line breaks and tabs, which Tryton's names may not have."""
    return " ".join(text.split())


def _signed(text: str, delivery: Delivery) -> str:
    return f"{text}\n\n{_MARK}{delivery.key}"
