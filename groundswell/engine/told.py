"""What a destination was told of accounts last, so that it is told only what is news."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from groundswell.connectors.deliveries import ACCOUNT_FIELDS, AccountValues

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from groundswell.store.ledger import Ledger

Told = dict[str, Any]
"""Values of an account by name, and its `owner` where one was told."""

UPDATED_ON = "updated_on"
"""The day alone is no news."""

_ALWAYS = frozenset({"qualified", UPDATED_ON})
_LAST = "told:"


def wanted_values(write: Iterable[str]) -> frozenset[str]:
    """Return the values that are compared and kept: those that are written, where any is named.

    Whether an account qualified is always among them: that it no longer does is told by it.

    >>> sorted(wanted_values({"score", "task"}))
    ['qualified', 'score', 'updated_on']
    """
    chosen = ACCOUNT_FIELDS.keys() & set(write)
    return frozenset(chosen or ACCOUNT_FIELDS) | _ALWAYS


def told_last(ledger: Ledger, destination: str, account_ids: Iterable[str]) -> dict[str, Told]:
    """Return what a destination was told last, of those accounts that it was told of."""
    names = sorted(_LAST + account_id for account_id in account_ids)
    found = ledger.remembered_among(destination, names)
    return {name.removeprefix(_LAST): json.loads(value) for name, value in found.items()}


def all_told(ledger: Ledger, destination: str) -> dict[str, Told]:
    """Return what a destination was told last of every account that it was told of."""
    found = ledger.all_remembered(destination, prefix=_LAST)
    return {name.removeprefix(_LAST): json.loads(value) for name, value in found.items()}


def keep_told(ledger: Ledger, destination: str, told: Mapping[str, Told]) -> None:
    """Remember what a destination has of some accounts, by their ids."""
    if told:
        values = {_LAST + account_id: json.dumps(one) for account_id, one in told.items()}
        ledger.remember(destination, values)


def forget_values(ledger: Ledger, destination: str, account_ids: Iterable[str]) -> None:
    """Forget which values a destination has, so that all of them are sent again.

    Whose the accounts are stays known: a rep may have given one away there.
    """
    told = told_last(ledger, destination, account_ids)
    left = {
        account_id: {name: one[name] for name in ("owner",) if name in one}
        for account_id, one in told.items()
    }
    keep_told(ledger, destination, left)


def values_of(body: Mapping[str, Any]) -> Told:
    """Return what a body of an account tells, its owner included."""
    given = msgspec.convert(body, AccountValues)
    return {**given.values, **({"owner": given.owner} if given.owner else {})}


def joined(bodies: Sequence[Told]) -> Told:
    """Return the last of some bodies of an account, with what only those before it tell.

    >>> joined([{"values": {"score": 1, "tier": "A"}, "owner": "ann"}, {"values": {"score": 2}}])
    {'values': {'score': 2, 'tier': 'A'}, 'owner': 'ann'}
    """
    values: Told = {}
    owner = None
    for body in bodies:
        values |= body["values"]
        owner = body.get("owner") or owner
    return {**bodies[-1], "values": values, "owner": owner}


def news_of(body: Told, last: Told, wanted: frozenset[str]) -> Told | None:
    """Return a body of an account with what is new to the destination; None where nothing is.

    Args:
        body: Of an `AccountValues`, as plain data.
        last: What was told before.
        wanted: As `wanted_values` gives.
    """
    values = {
        name: value
        for name, value in body["values"].items()
        if name in wanted and (name not in last or last[name] != value)
    }
    owner = body.get("owner")
    owner = owner if owner != last.get("owner") else None
    if not (values.keys() - {UPDATED_ON}) and owner is None:
        return None
    return {**body, "values": values, "owner": owner}
