"""One account of HubSpot as a destination.

What is delivered hangs on companies. An account's company is found by our property, else by its
domain, else it is made. Deals, tasks and notes carry the delivery's key in a property of ours that
is unique: a key that is there is not written again, so what people changed since stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundswell.connectors.deliveries import (
    ACCOUNT_FIELDS,
    AccountValues,
    Contact,
    Deal,
    Delivery,
    DeliveryKind,
    Note,
    Outcome,
    Task,
)
from groundswell.connectors.destination import DestinationType, Limits
from groundswell.connectors.hubspot import records
from groundswell.connectors.hubspot.api import (
    COMPANIES,
    CONTACTS,
    DEALS,
    NOTES,
    TASKS,
    HubSpotApi,
)
from groundswell.connectors.hubspot.batches import Batches, Input, Written
from groundswell.connectors.hubspot.checking import check_account
from groundswell.connectors.hubspot.companies import Companies
from groundswell.connectors.hubspot.owners import Owners
from groundswell.connectors.hubspot.pipelines import Pipelines
from groundswell.connectors.hubspot.previewing import Previewer
from groundswell.connectors.hubspot.properties import ACCOUNT_ID, KEY, Properties
from groundswell.connectors.hubspot.reading import Reader
from groundswell.connectors.hubspot.settings import HubSpotSettings, check_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from groundswell.connectors.deliveries import Change
    from groundswell.connectors.destination import Context, Destination, Finding, Records

KINDS = {
    DeliveryKind.ACCOUNT: COMPANIES,
    DeliveryKind.CONTACT: CONTACTS,
    DeliveryKind.DEAL: DEALS,
    DeliveryKind.TASK: TASKS,
    DeliveryKind.NOTE: NOTES,
}
"""What each delivery is in HubSpot."""

USUAL = frozenset({"score", "tier", "state", "reasons", "play", "deal", "task", "note"})
"""What is written where the user does not say."""

_LINKS = {CONTACTS: (279,), DEALS: (5, 341), TASKS: (192,), NOTES: (190,)}
"""The associations that hang a record on its company; 5 makes it a deal's primary one."""

_NAMED_BY = {COMPANIES: ACCOUNT_ID, CONTACTS: "email", DEALS: KEY, TASKS: KEY, NOTES: KEY}
_MEND = "Mend it in HubSpot or in what is sent, then send it again."
_GONE = "PROPERTY_DOESNT_EXIST"
_PEOPLE = ("firstname", "lastname", "jobtitle")


class HubSpot:
    """One account, as one private app may use it."""

    def __init__(self, settings: HubSpotSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._api = HubSpotApi(settings, context)
        self._batches = Batches(self._api)
        self._properties = Properties(self._api, context, settings.property_group)
        self._companies = Companies(self._api, self._batches)
        self._owners = Owners(self._api, context)
        self._pipelines = Pipelines(self._api, context, settings)

    def __repr__(self) -> str:
        return f"HubSpot({self._settings!r})"

    def check(self) -> list[Finding]:
        """Check the token, what it may do, our properties, and the stage of new deals."""
        wanted = self._context.write or USUAL
        kinds = {COMPANIES, *(KINDS[kind] for kind in KINDS if kind.value in wanted)}
        return check_account(
            self._api, self._properties, self._pipelines, kinds, self._context.memory
        )

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Write deliveries of one kind, and hang them on the companies of their accounts."""
        if not deliveries:
            return []
        kind = KINDS[deliveries[0].kind]
        self._properties.ensure(sorted({COMPANIES, kind}))
        plan = self._companies.resolve(delivery.body.company for delivery in deliveries)
        outcomes = {
            one.key: self._refused(one, COMPANIES, unfit.reason, unfit.fix)
            for one in deliveries
            if (unfit := plan.unfit.get(one.account_id)) is not None
        }
        ready = [one for one in deliveries if one.account_id in plan.ids]
        written = self._write(kind, ready)
        if kind != COMPANIES:
            self._link(kind, ready, written, plan.ids)
        outcomes |= {one.key: self._outcome(one, kind, written) for one in ready}
        silent = "HubSpot did not say what became of the company."
        return [outcomes.get(one.key) or Outcome.later(one, silent) for one in deliveries]

    def find(self, deliveries: Sequence[Delivery]) -> dict[str, str]:
        """Return the ids of the records that deliveries made and that hang on a company.

        Values of accounts are not found: they may be written anew without harm. Nor is a record
        that was made and not hung on its company yet: sending it again does the rest.
        """
        found: dict[str, str] = {}
        for kind in {KINDS[one.kind] for one in deliveries} - {COMPANIES}:
            asked = [one for one in deliveries if KINDS[one.kind] == kind]
            if not self._properties.has(kind, KEY):
                continue
            rows = self._there(kind, asked)
            ids = {
                one.key: str(row["id"])
                for one in asked
                if (row := rows.get(unique_value(one))) is not None
                and row["properties"].get(KEY) == one.key
            }
            linked = self._batches.linked(kind, COMPANIES, ids.values()) if ids else {}
            found |= {key: id_ for key, id_ in ids.items() if id_ in linked}
        return found

    def preview(self, deliveries: Sequence[Delivery]) -> list[Change]:
        """Say which companies and records would be made, and which values would change."""
        previewer = Previewer(self._properties, self._companies, self._batches, self._owners)
        values = [one for one in deliveries if one.kind is DeliveryKind.ACCOUNT]
        others = [one for one in deliveries if one.kind is not DeliveryKind.ACCOUNT]
        arrived = self.find(others)
        waiting = [one for one in others if one.key not in arrived]
        return previewer.preview(values, waiting, self._chosen())

    def read(self, cursor: str | None, *, until: datetime) -> Records:
        """Return the deals, touches and owners that changed since the cursor."""
        reader = Reader(
            self._api,
            self._batches,
            self._companies,
            self._properties,
            self._owners,
            self._pipelines,
            self._context.memory,
        )
        return reader.read(cursor, until=until)

    def close(self) -> None:
        """Let go of the connection."""
        self._api.close()

    def _write(self, kind: str, deliveries: Sequence[Delivery]) -> Written:
        """Write what is not there yet, or may be written anew; by what is unique of each."""
        there = self._there(kind, deliveries) if deliveries and kind != COMPANIES else {}
        inputs: dict[str, Input] = {}
        for one in deliveries:
            name = unique_value(one)
            row = there.get(name)
            if row is not None and kind != CONTACTS:
                continue
            properties = self._properties_of(one)
            if row is not None:
                properties = records.only_new(properties, row["properties"])
            before = inputs[name].properties if name in inputs else {}
            # HubSpot refuses a batch that names a record twice.
            inputs[name] = Input(name, name, {**before, **properties})
        written = self._batches.upsert(kind, list(inputs.values()), by=_NAMED_BY[kind])
        if kind != CONTACTS:
            written.ids |= {name: str(row["id"]) for name, row in there.items()}
        return written

    def _link(
        self,
        kind: str,
        deliveries: Iterable[Delivery],
        written: Written,
        companies: Mapping[str, str],
    ) -> None:
        pairs = {
            (written.ids[unique_value(one)], companies[one.account_id]): unique_value(one)
            for one in deliveries
            if unique_value(one) in written.ids
        }
        failed = self._batches.link(kind, COMPANIES, list(pairs), _LINKS[kind])
        for (id_, _), name in pairs.items():
            if id_ in failed:
                written.refused[name] = (
                    f"it is there ({id_}), and could not be hung on its company: {failed[id_]}"
                )

    def _outcome(self, delivery: Delivery, kind: str, written: Written) -> Outcome:
        name = unique_value(delivery)
        reason = written.refused.get(name)
        if reason is not None:
            return self._refused(delivery, kind, f"HubSpot does not take it: {reason}", _MEND)
        if name not in written.ids:
            return Outcome.later(delivery, "HubSpot did not say what became of it.")
        owner = getattr(delivery.body, "owner", None)
        unknown = owner is not None and self._owners.id_of(owner) is None
        told = f"Nobody in HubSpot has the address {owner}; it was written without an owner."
        return Outcome(delivery.key, "sent", written.ids[name], reason=told if unknown else "")

    def _refused(self, delivery: Delivery, kind: str, reason: str, fix: str) -> Outcome:
        """Refuse a delivery, unless a property of ours is all that it lacks."""
        if _GONE not in reason:
            return Outcome.refused(delivery, reason, fix)
        self._properties.forget(kind)
        return Outcome.later(delivery, f"A property was gone, and is made anew: {reason}")

    def _there(self, kind: str, deliveries: Iterable[Delivery]) -> dict[str, dict[str, Any]]:
        by = _NAMED_BY[kind]
        properties = [by, KEY, *(_PEOPLE if kind == CONTACTS else ())]
        asked = [unique_value(one) for one in deliveries]
        rows = self._batches.read(kind, asked, properties, by=by)
        return {row["properties"][by]: row for row in rows}

    def _properties_of(self, delivery: Delivery) -> dict[str, str]:
        match delivery.body:
            case AccountValues() as values:
                found = records.value_properties(values, self._chosen())
                found[ACCOUNT_ID] = values.company.account_id
            case Contact() as contact:
                return records.contact_properties(delivery, contact)
            case Deal() as deal:
                found = records.deal_properties(delivery, deal, self._pipelines.first)
            case Task() as task:
                found = records.task_properties(delivery, task)
            case Note() as note:
                return records.note_properties(delivery, note)
            case _:
                raise AssertionError("HubSpot takes no messages")
        owner = self._owners.id_of(delivery.body.owner)
        return found if owner is None else {**found, records.OWNER: owner}

    def _chosen(self) -> frozenset[str]:
        """Return the values of accounts to write; all where only the account is named."""
        wanted = self._context.write or USUAL
        chosen = wanted & ACCOUNT_FIELDS.keys()
        whole = not chosen and DeliveryKind.ACCOUNT.value in wanted
        return frozenset(ACCOUNT_FIELDS) if whole else frozenset(chosen)


def unique_value(delivery: Delivery) -> str:
    """Return the value by which the record of a delivery is found."""
    match delivery.body:
        case AccountValues() as values:
            return values.company.account_id
        case Contact() as contact:
            return contact.email.strip().lower()
        case _:
            return delivery.key


def _open(settings: HubSpotSettings, context: Context) -> Destination:
    check_settings(settings, context)
    return HubSpot(settings, context)


DESTINATION = DestinationType(
    name="hubspot",
    title="HubSpot",
    doc="Values on companies, contacts, deals, tasks and notes; reads deals and touches back.",
    settings=HubSpotSettings,
    open=_open,
    kinds=frozenset(KINDS),
    usual=USUAL,
    limits=Limits(requests=100, seconds=10.0, daily=650_000),
    batch=100,
    reads=True,
)
