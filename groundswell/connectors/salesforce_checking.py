"""Whether an organisation is ready (credentials, fields, requests), and what would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundswell.connectors.budget import DestinationError
from groundswell.connectors.deliveries import ACCOUNT_FIELDS, AccountValues, Change, DeliveryKind
from groundswell.connectors.destination import Finding
from groundswell.connectors.salesforce_errors import Fault
from groundswell.connectors.salesforce_org import select
from groundswell.connectors.salesforce_records import TYPES
from groundswell.connectors.salesforce_settings import field_names
from groundswell.connectors.salesforce_writing import SOBJECTS, Writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.destination import Context
    from groundswell.connectors.salesforce_matching import Place, Places
    from groundswell.connectors.salesforce_org import Org, Row
    from groundswell.connectors.salesforce_settings import SalesforceSettings

_EXTERNAL = "Text(255), External ID, Unique and case-sensitive"
_NOUNS = {
    DeliveryKind.DEAL: "opportunity",
    DeliveryKind.TASK: "task",
    DeliveryKind.NOTE: "note",
    DeliveryKind.CONTACT: "contact",
}


class Checking:
    """Looks without changing anything."""

    def __init__(
        self, org: Org, settings: SalesforceSettings, context: Context, writing: Writing
    ) -> None:
        self._org = org
        self._settings = settings
        self._context = context
        self._writing = writing

    def findings(self) -> list[Finding]:
        """Check credentials, the requests left, and each field by name.

        Raises:
            DestinationError: The organisation cannot be reached.
        """
        try:
            limits = self._org.get("limits")
        except DestinationError as error:
            problem = error.problems[0]
            if problem.code != "destination-refused":
                raise
            return [Finding("credentials", ok=False, said=problem.what, fix=problem.fix)]
        found = [Finding("credentials", ok=True, said="logged in, and the API may be used")]
        found.append(self._requests(limits.get("DailyApiRequests") or {}))
        if not found[-1].ok:
            return found  # there is none left to ask for the fields
        for sobject, fields in self._needed().items():
            try:
                seen = self._org.fields(sobject)
            except DestinationError as error:
                problem = error.problems[0]
                if problem.code != "destination-refused":
                    raise
                fix = f"Let the user see the object {sobject}."
                found.append(Finding(f"object {sobject}", ok=False, said=problem.what, fix=fix))
                continue
            found += [_field(sobject, name, kind, seen) for name, kind in fields.items()]
        return found

    def _requests(self, told: Row) -> Finding:
        left, allowed = int(told.get("Remaining", 0)), int(told.get("Max", 0))
        if allowed:
            self._context.budget.learn(used=allowed - left, allowed=allowed)
        return Finding(
            "requests",
            ok=left > 0,
            said=f"{left:,} of {allowed:,} requests of the day are left",
            fix="" if left > 0 else "Wait, or buy more; all that uses the API shares them.",
        )

    def _needed(self) -> dict[str, dict[str, str]]:
        """Return the fields that we write, with the type of each, by object."""
        chosen = self._context.write & ACCOUNT_FIELDS.keys() or ACCOUNT_FIELDS.keys()
        values = {
            field: TYPES[ACCOUNT_FIELDS[name].kind]
            for name, field in field_names(self._settings).items()
            if name in chosen
        }
        target, key = self._settings.target, self._settings.key_field
        needed = {target: {self._settings.external_id: _EXTERNAL, **values}}
        for kind in sorted(self._kinds()):
            sobject = SOBJECTS[kind]
            # Activities have no external ids: their key is asked for instead.
            needed.setdefault(sobject, {})[key] = "Text(255)" if sobject == "Task" else _EXTERNAL
        if target == "Lead":
            # What was written to a lead is written to its contact once it is converted, and its
            # account is ours where the conversion hands our id on.
            needed.setdefault("Account", {})[self._settings.external_id] = _EXTERNAL
            needed.setdefault("Contact", {}).update(values)
            if DeliveryKind.CONTACT in self._kinds():
                needed[target][key] = _EXTERNAL
        return needed

    def _kinds(self) -> set[DeliveryKind]:
        wanted = self._context.write
        return {kind for kind in SOBJECTS if not wanted or kind.value in wanted}

    def changes(self, deliveries: Sequence[Delivery]) -> list[Change]:
        """Return what deliveries would change; nothing for those that arrived."""
        there = self._writing.arrived(deliveries)
        values = [item for item in deliveries if item.kind is DeliveryKind.ACCOUNT]
        found = self._value_changes(values)
        others = [item for item in deliveries if item.kind in SOBJECTS and item.key not in there]
        places = self._writing.matching.find(item.body.company for item in others)
        return found + [_new(item, places) for item in others]

    def _value_changes(self, deliveries: Sequence[Delivery]) -> list[Change]:
        drafts, _ = self._writing.drafts(deliveries)
        by_object: dict[str, list[tuple[Place, Row, list[Delivery]]]] = {}
        for draft in drafts:
            item = (draft.place, draft.record, draft.deliveries)
            by_object.setdefault(draft.place.sobject, []).append(item)
        found: list[Change] = []
        for sobject, items in by_object.items():
            columns = sorted({name for _, record, _ in items for name in record} | {"Id"})
            ids = [place.id for place, _, _ in items if place.id]
            rows = self._org.rows_in(select(sobject, *columns), "Id", ids)
            now = {row["Id"]: row for row in rows}
            for place, record, ours in items:
                before = now.get(place.id or "", {})
                found += [_diff(place, record, item, before) for item in ours]
        return [change for change in found if change.after]


def _diff(place: Place, record: Row, delivery: Delivery, now: Row) -> Change:
    body = delivery.body
    assert isinstance(body, AccountValues)
    after = {name: value for name, value in record.items() if now.get(name) != value}
    before: dict[str, Any] = {name: now[name] for name in after if now.get(name) is not None}
    noun = place.sobject.lower()
    action = f"update {noun}" if place.id else f"create {noun}"
    return Change(delivery.key, action, f"{noun} {_named(delivery)}", before, after)


def _new(delivery: Delivery, places: Places) -> Change:
    body = delivery.body
    noun = _NOUNS[delivery.kind]
    place = places[body.company.account_id]
    if isinstance(place, Fault):
        return Change(delivery.key, "refuse", f"{noun} of {_named(delivery)}: {place.message}")
    shown = {
        name: getattr(body, name)
        for name in ("subject", "name", "email", "amount", "owner")
        if getattr(body, name, None) is not None
    }
    return Change(delivery.key, f"create {noun}", f"{noun} of {_named(delivery)}", {}, shown)


def _named(delivery: Delivery) -> str:
    company = delivery.body.company
    return company.domain or company.account_id


def _field(sobject: str, name: str, kind: str, seen: dict[str, Row]) -> Finding:
    title = f"field {name} of {sobject}"
    field = seen.get(name)
    if field is None:
        fix = f"Create it on {sobject} as {kind}, and let the user see and edit it."
        return Finding(title, ok=False, said="is not there, or the user does not see it", fix=fix)
    if not (field["createable"] and field["updateable"]):
        fix = "Give the user edit access by field-level security."
        return Finding(title, ok=False, said="cannot be written by the user", fix=fix)
    if kind == _EXTERNAL and not field["externalId"]:
        fix = f"Make it {kind}."
        return Finding(title, ok=False, said="is no external id", fix=fix)
    return Finding(title, ok=True, said=f"{field['type']}, may be written")
