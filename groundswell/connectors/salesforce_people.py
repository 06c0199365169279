"""People of an account: as contacts, or as leads where accounts are leads."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from groundswell.connectors.deliveries import Contact, Outcome
from groundswell.connectors.salesforce_errors import Fault
from groundswell.connectors.salesforce_org import select
from groundswell.connectors.salesforce_records import key_of, one_line, person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.salesforce_matching import Place, Places
    from groundswell.connectors.salesforce_org import Org, Row, Saved
    from groundswell.connectors.salesforce_settings import SalesforceSettings


class People:
    """Finds people by their address, and makes those who are not there."""

    def __init__(self, org: Org, settings: SalesforceSettings) -> None:
        self._org = org
        self._settings = settings

    def write(self, deliveries: Sequence[Delivery], places: Places) -> list[Outcome]:
        """Write people; what somebody typed about one who is there is kept.

        Args:
            deliveries: None of them was written before.
            places: Where their accounts stand.
        """
        known = self._known(deliveries)
        changed: dict[str, list[tuple[Delivery, Row]]] = defaultdict(list)
        made: dict[str, list[tuple[Delivery, Row]]] = defaultdict(list)
        outcomes: list[Outcome] = []
        seen: set[str] = set()
        for delivery in deliveries:
            email = _body(delivery).email.lower()
            if email in seen:
                why = "The same person was being written."
                outcomes.append(Outcome.later(delivery, why, after=1.0))
                continue
            seen.add(email)
            place = places[delivery.body.company.account_id]
            if isinstance(place, Fault):
                outcomes.append(place.outcome(delivery))
                continue
            found = self._chosen(delivery, place, known)
            if isinstance(found, Fault):
                outcomes.append(found.outcome(delivery))
            elif found is None:
                sobject, record = self._new(delivery, place)
                made[sobject].append((delivery, record))
            else:
                changed[found["sobject"]].append((delivery, self._change(delivery, found)))
        field = self._settings.key_field
        for sobject, pairs in changed.items():
            saved = self._org.update(sobject, [record for _, record in pairs])
            outcomes += _outcomes(pairs, saved)
        for sobject, pairs in made.items():
            saved = self._org.upsert(sobject, field, [record for _, record in pairs])
            outcomes += _outcomes(pairs, saved)
        return outcomes

    def _known(self, deliveries: Sequence[Delivery]) -> dict[str, list[Row]]:
        """Return the people that are there, by address in small letters."""
        addresses = {_body(delivery).email for delivery in deliveries}
        found: dict[str, list[Row]] = defaultdict(list)
        contacts = self._org.rows_in(
            select("Contact", "Id", "Email", "Title", "AccountId"), "Email", addresses
        )
        for row in contacts:
            found[row["Email"].lower()].append({**row, "sobject": "Contact"})
        if self._settings.match == "account":
            return found
        # One who was converted is a contact now, and found as such.
        leads = self._org.rows_in(
            select("Lead", "Id", "Email", "Title"), "IsConverted = false AND Email", addresses
        )
        for row in leads:
            if row["Email"].lower() not in found:
                found[row["Email"].lower()].append({**row, "sobject": "Lead"})
        return found

    def _chosen(
        self, delivery: Delivery, place: Place, known: dict[str, list[Row]]
    ) -> Row | Fault | None:
        email = _body(delivery).email
        rows = known.get(email.lower(), [])
        ours = [row for row in rows if place.account and row.get("AccountId") == place.account]
        rows = ours or rows
        if len(rows) > 1:
            what = f"{len(rows)} people have the address {email}"
            fix = "Merge them in Salesforce, then `groundswell deliveries retry` it."
            return Fault("", what, fix)
        return rows[0] if rows else None

    def _change(self, delivery: Delivery, found: Row) -> Row:
        record = {"Id": found["Id"], self._settings.key_field: key_of(delivery)}
        title = _body(delivery).title
        if title and not found["Title"]:
            record["Title"] = one_line(title, 128)
        return record

    def _new(self, delivery: Delivery, place: Place) -> tuple[str, Row]:
        body = _body(delivery)
        record = {**person(body), self._settings.key_field: key_of(delivery)}
        if place.account is not None:
            return "Contact", {**record, "AccountId": place.account}
        company = one_line(body.company.name) or body.company.account_id
        return "Lead", {**record, "Company": company, "LeadSource": "groundswell"}


def _body(delivery: Delivery) -> Contact:
    assert isinstance(delivery.body, Contact)
    return delivery.body


def _outcomes(pairs: Sequence[tuple[Delivery, Row]], saved: Sequence[Saved]) -> list[Outcome]:
    return [
        result.fault.outcome(delivery) if result.fault else Outcome.sent(delivery, result.id)
        for (delivery, _), result in zip(pairs, saved, strict=True)
    ]
