"""Our properties in HubSpot: what they are, and how they come to be there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from groundswell.connectors.budget import DestinationError
from groundswell.connectors.deliveries import ACCOUNT_FIELDS
from groundswell.connectors.hubspot.api import (
    COMPANIES,
    CONTACTS,
    DEALS,
    NOTES,
    TASKS,
    HubSpotApi,
    RefusedError,
    is_missing,
)
from groundswell.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundswell.connectors.deliveries import ValueField
    from groundswell.connectors.destination import Context
    from groundswell.connectors.hubspot.api import Record

PREFIX = "groundswell_"
ACCOUNT_ID = "groundswell_account_id"
KEY = "groundswell_key"
DO_NOT_CONTACT = "groundswell_do_not_contact"
SOURCE, ROLE = "groundswell_source", "groundswell_role"

_FORMS: dict[str, dict[str, str]] = {
    "number": {"type": "number", "fieldType": "number"},
    "text": {"type": "string", "fieldType": "text"},
    "long_text": {"type": "string", "fieldType": "textarea"},
    "flag": {"type": "bool", "fieldType": "booleancheckbox"},
    "day": {"type": "date", "fieldType": "date"},
}
_MULTI_STATUS, _CONFLICT = 207, 409


def value_property(name: str) -> str:
    """Return what one of our values of an account is called in HubSpot."""
    return PREFIX + name


def definitions(kind: str) -> list[Record]:
    """Return our properties of a kind of record, without their group."""
    key = _definition(KEY, "Groundswell key", "text", "Which delivery of Groundswell made it")
    if kind == COMPANIES:
        identity = _definition(ACCOUNT_ID, "Groundswell account", "text", "The account's id")
        barred = _definition(
            DO_NOT_CONTACT, "Do not contact (PQL)", "flag", "Nobody is handed this account"
        )
        return [{**identity, "hasUniqueValue": True}, barred, *map(_of_value, ACCOUNT_FIELDS)]
    if kind == CONTACTS:
        role = _definition(ROLE, "Role in the product", "text", "Why the person matters")
        return [key, role]
    if kind == DEALS:
        source = _definition(SOURCE, "Groundswell source", "text", "What brought the deal")
        return [{**key, "hasUniqueValue": True}, source]
    assert kind in {TASKS, NOTES}, f"we have no properties of {kind}"
    return [{**key, "hasUniqueValue": True}]


class Properties:
    """The properties of one account, ours among them."""

    def __init__(self, api: HubSpotApi, context: Context, group: str) -> None:
        self._api = api
        self._context = context
        self._group = group
        self._seen: dict[str, str] = {}

    def named(self, kind: str) -> dict[str, Record]:
        """Return the properties that there are of a kind of record, by name.

        Raises:
            RefusedError: They may not be read.
        """
        return {found["name"]: found for found in self._api.get("properties", kind)["results"]}

    def has(self, kind: str, name: str) -> bool:
        """Return whether a property is there, without making it."""
        if self._is_done(kind):
            return True
        try:
            return name in self.named(kind)
        except RefusedError as error:
            raise self._api.whole(error) from None

    def ensure(self, kinds: Iterable[str]) -> None:
        """Make those of our properties that are not there.

        That they are there is remembered for a day: somebody may archive one.

        Raises:
            DestinationError: They cannot be made, or something else has their name.
        """
        for kind in kinds:
            if self._is_done(kind):
                continue
            try:
                self._make(kind)
            except RefusedError as error:
                raise self._api.whole(error) from None
            self._remember(kind, self._today)

    def forget(self, kind: str) -> None:
        """Look anew the next time: HubSpot says that a property of ours is gone."""
        self._remember(kind, "")

    def _make(self, kind: str) -> None:
        there = self.named(kind)
        wanted = definitions(kind)
        useless = unfit(there, wanted)
        if useless:
            raise DestinationError(
                Problem(
                    code="hubspot-property",
                    what=f"`{self._context.name}`: the property {useless[0]} of {kind} in HubSpot "
                    "is not unique, so that records cannot be found by it.",
                    fix="Archive it in HubSpot's settings; it is then made anew, as it must be.",
                )
            )
        missing = [one for one in wanted if one["name"] not in there]
        if not missing:
            return
        self._make_group(kind)
        inputs = [{**one, "groupName": self._group} for one in missing]
        answer = self._api.post("properties", kind, "batch", "create", body={"inputs": inputs})
        for error in answer.get("errors", []):
            # Another sender may have made it in the meantime.
            if not {one["name"] for one in missing} <= self.named(kind).keys():
                raise RefusedError(_MULTI_STATUS, self._api.told(error))

    def _make_group(self, kind: str) -> None:
        try:
            self._api.get("properties", kind, "groups", self._group)
        except RefusedError as error:
            if not is_missing(error):
                raise
            body = {"name": self._group, "label": "Groundswell"}
            try:
                self._api.post("properties", kind, "groups", body=body)
            except RefusedError as again:
                if again.status != _CONFLICT:
                    raise

    def _is_done(self, kind: str) -> bool:
        if kind not in self._seen:
            self._seen[kind] = self._context.memory.get(self._mark(kind)) or ""
        return self._seen[kind] == self._today

    def _remember(self, kind: str, day: str) -> None:
        self._seen[kind] = day
        self._context.memory.put(self._mark(kind), day)

    @property
    def _today(self) -> str:
        return self._context.clock.now().date().isoformat()

    def _mark(self, kind: str) -> str:
        # Another version of ours may want other properties; then they are looked at anew.
        names = ",".join(one["name"] for one in definitions(kind))
        return f"properties:{kind}:{hashlib.sha256(names.encode()).hexdigest()[:12]}"


def unfit(there: dict[str, Record], wanted: Iterable[Record]) -> list[str]:
    """Return the names of properties that must be unique and are not."""
    return [
        one["name"]
        for one in wanted
        if one.get("hasUniqueValue")
        and one["name"] in there
        and not there[one["name"]].get("hasUniqueValue")
    ]


def _of_value(name: str) -> Record:
    value: ValueField = ACCOUNT_FIELDS[name]
    return _definition(value_property(name), value.label, value.kind, value.doc)


def _definition(name: str, label: str, form: str, doc: str) -> Record:
    found: dict[str, Any] = {"name": name, "label": label, "description": doc, **_FORMS[form]}
    if form == "flag":
        found["options"] = [
            {"label": label, "value": value, "displayOrder": place, "hidden": False}
            for place, (label, value) in enumerate([("Yes", "true"), ("No", "false")])
        ]
    return found
