"""Writing to Salesforce: in collections of 200, each record taken or refused for itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from groundswell.connectors.deliveries import (
    AccountValues,
    Deal,
    DeliveryKind,
    Note,
    Outcome,
    Task,
)
from groundswell.connectors.salesforce_errors import OWNER_CODES, Fault
from groundswell.connectors.salesforce_matching import Matching, Place
from groundswell.connectors.salesforce_org import select
from groundswell.connectors.salesforce_people import People
from groundswell.connectors.salesforce_records import (
    brief,
    key_of,
    new_company,
    opportunity,
    to_do,
    value_fields,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.destination import Context
    from groundswell.connectors.salesforce_matching import Places
    from groundswell.connectors.salesforce_org import Org, Row, Saved
    from groundswell.connectors.salesforce_settings import SalesforceSettings

SOBJECTS = {
    DeliveryKind.DEAL: "Opportunity",
    DeliveryKind.TASK: "Task",
    DeliveryKind.NOTE: "Task",
    DeliveryKind.CONTACT: "Contact",
}
"""By kind, the object whose record holds the key."""

_NOT_CONVERTED = Fault(
    "",
    "An opportunity belongs to an account, and the lead is none yet",
    "Convert the lead, then `groundswell deliveries retry` it.",
)


@dataclass
class Draft:
    """What is written of one account, and the deliveries that it comes of.

    Attributes:
        place: Where the account stands.
        record: What is written.
        deliveries: More than one where several about one account came together.
    """

    place: Place
    record: Row
    deliveries: list[Delivery]


class Writing:
    """Writes deliveries of one kind at a time."""

    def __init__(self, org: Org, settings: SalesforceSettings, context: Context) -> None:
        self._org = org
        self._settings = settings
        self._context = context
        self.matching = Matching(org, settings, context)
        self._people = People(org, settings)

    def arrived(self, deliveries: Iterable[Delivery]) -> dict[str, str]:
        """Return key to id of the records that are there."""
        by_object: dict[str, dict[str, str]] = {}
        for delivery in deliveries:
            if delivery.kind in SOBJECTS:
                keys = by_object.setdefault(SOBJECTS[delivery.kind], {})
                keys[key_of(delivery)] = delivery.key
                if delivery.kind is DeliveryKind.CONTACT and self._settings.match == "lead":
                    by_object.setdefault("Lead", {})[key_of(delivery)] = delivery.key
        field = self._settings.key_field
        found: dict[str, str] = {}
        for sobject, keys in by_object.items():
            for row in self._org.rows_in(select(sobject, "Id", field), field, keys):
                if row[field] in keys:  # the comparison disregards case
                    found.setdefault(keys[row[field]], row["Id"])
        return found

    def accounts(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Write values of accounts; those that are not there are made."""
        drafts, outcomes = self.drafts(deliveries)
        target, field = self._settings.target, self._settings.external_id
        known = [item for item in drafts if item.place.sobject == target and item.place.id]
        fresh = [item for item in drafts if item.place.sobject == target and not item.place.id]
        contacts = [item for item in drafts if item.place.sobject != target]
        upserted = [item for item in known if not item.place.adopted] + fresh
        adopted = [item for item in known if item.place.adopted]
        outcomes += self._settled(upserted, self._org.upsert(target, field, _records(upserted)))
        outcomes += self._settled(adopted, self._org.update(target, _with_id(adopted)))
        outcomes += self._settled(contacts, self._org.update("Contact", _with_id(contacts)))
        return outcomes

    def drafts(self, deliveries: Sequence[Delivery]) -> tuple[list[Draft], list[Outcome]]:
        """Return what is written of each account, and the outcomes of what cannot be."""
        places = self.matching.find(delivery.body.company for delivery in deliveries)
        owners = self.matching.owners(_owner(delivery) for delivery in deliveries)
        drafts: dict[str, Draft] = {}
        outcomes: list[Outcome] = []
        for delivery in deliveries:
            place = places[delivery.body.company.account_id]
            if isinstance(place, Fault):
                outcomes.append(place.outcome(delivery))
                continue
            company = delivery.body.company
            draft = drafts.get(company.account_id)
            if draft is None:
                draft = drafts[company.account_id] = Draft(place, self._base(delivery, place), [])
            draft.record |= self._values(delivery, owners)
            draft.deliveries.append(delivery)
        return list(drafts.values()), outcomes

    def records(self, kind: DeliveryKind, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Make the records that deliveries ask for; none of them is there yet."""
        if not deliveries:
            return []
        places = self.matching.ensure(delivery.body.company for delivery in deliveries)
        if kind is DeliveryKind.CONTACT:
            return self._people.write(deliveries, places)
        owners = self.matching.owners(_owner(delivery) for delivery in deliveries)
        drafts: list[Draft] = []
        outcomes: list[Outcome] = []
        for delivery in deliveries:
            made = self._made(delivery, places, owners)
            if isinstance(made, Fault):
                outcomes.append(made.outcome(delivery))
            else:
                drafts.append(made)
        if kind is DeliveryKind.DEAL:
            field = self._settings.key_field
            saved = self._org.upsert("Opportunity", field, _records(drafts))
        else:
            saved = self._org.create("Task", _records(drafts))
        return outcomes + self._settled(drafts, saved)

    def _base(self, delivery: Delivery, place: Place) -> Row:
        """Return what a record says beside the values: a new one its name, all of them our id."""
        if place.id is None:
            return new_company(delivery.body.company, self._settings)
        if place.sobject == self._settings.target:
            return {self._settings.external_id: delivery.body.company.account_id}
        return {}

    def _values(self, delivery: Delivery, owners: Mapping[str, str]) -> Row:
        body = delivery.body
        assert isinstance(body, AccountValues)
        found = value_fields(body.values, self._settings, self._context.write)
        owner = owners.get((body.owner or "").lower())
        return {**found, "OwnerId": owner} if owner else found

    def _made(self, delivery: Delivery, places: Places, owners: Mapping[str, str]) -> Draft | Fault:
        place = places[delivery.body.company.account_id]
        if isinstance(place, Fault):
            return place
        record: dict[str, Any] = {self._settings.key_field: key_of(delivery)}
        body = delivery.body
        if isinstance(body, Deal):
            if place.account is None:
                return _NOT_CONVERTED
            currencies = "CurrencyIsoCode" in self._org.fields("Opportunity")
            now = self._context.clock.now()
            record |= opportunity(body, self._settings, now, currencies=currencies)
            record["AccountId"] = place.account
        else:
            assert isinstance(body, Task | Note)
            record |= to_do(body) if isinstance(body, Task) else brief(body)
            if place.account is not None:
                record["WhatId"] = place.account
            if place.sobject != "Account":
                record["WhoId"] = place.id
        owner = owners.get((_owner(delivery) or "").lower())
        if owner:
            record["OwnerId"] = owner
        return Draft(place, record, [delivery])

    def _settled(self, drafts: Sequence[Draft], saved: Sequence[Saved]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for draft, result in zip(drafts, saved, strict=True):
            for delivery in draft.deliveries:
                if result.fault is None:
                    outcomes.append(_sent(delivery, result.id, draft.record))
                    continue
                owner = _owner(delivery)
                if owner and result.fault.code in OWNER_CODES:
                    self.matching.forget_owner(owner)
                outcomes.append(result.fault.outcome(delivery))
        return outcomes


def _owner(delivery: Delivery) -> str | None:
    body = delivery.body
    return body.owner if isinstance(body, AccountValues | Deal | Task) else None


def _sent(delivery: Delivery, their_id: str | None, record: Row) -> Outcome:
    outcome = Outcome.sent(delivery, their_id)
    owner = _owner(delivery)
    if owner and "OwnerId" not in record:
        # What has no owner belongs to the user that we log in as, and somebody should know.
        why = f"Salesforce has no active user with the address {owner}."
        return replace(outcome, reason=why)
    return outcome


def _records(drafts: Sequence[Draft]) -> list[Row]:
    return [draft.record for draft in drafts]


def _with_id(drafts: Sequence[Draft]) -> list[Row]:
    return [{"Id": draft.place.id, **draft.record} for draft in drafts]
