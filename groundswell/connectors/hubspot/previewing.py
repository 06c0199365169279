"""What deliveries would change in HubSpot, told without changing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.connectors.deliveries import AccountValues, Change
from groundswell.connectors.hubspot import records
from groundswell.connectors.hubspot.api import COMPANIES
from groundswell.connectors.hubspot.properties import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.connectors.deliveries import Company, Delivery
    from groundswell.connectors.hubspot.batches import Batches
    from groundswell.connectors.hubspot.companies import Companies, Plan
    from groundswell.connectors.hubspot.owners import Owners
    from groundswell.connectors.hubspot.properties import Properties
    from groundswell.model import Scalar

_OWNER = "owner"


class Previewer:
    """Compares what is there with what would be."""

    def __init__(
        self,
        properties: Properties,
        companies: Companies,
        batches: Batches,
        owners: Owners,
    ) -> None:
        self._properties = properties
        self._companies = companies
        self._batches = batches
        self._owners = owners

    def preview(
        self, values: Sequence[Delivery], others: Sequence[Delivery], chosen: frozenset[str]
    ) -> list[Change]:
        """Return the changes, those of companies before what hangs on them.

        Args:
            values: Values of accounts.
            others: What would be made, as it is not there yet.
            chosen: Which values are written.
        """
        deliveries = [*values, *others]
        ours = self._properties.has(COMPANIES, ACCOUNT_ID)
        plan = self._companies.plan((one.body.company for one in deliveries), ours=ours)
        new = {company.account_id for company in plan.new}
        changes: list[Change] = []
        told: set[str] = set()
        for one in deliveries:
            company = one.body.company
            subject = _subject(company)
            unfit = plan.unfit.get(one.account_id)
            if unfit is not None:
                changes.append(Change(one.key, f"refuse: {unfit.reason}", subject))
                continue
            if one.account_id not in told:
                changes += _company_changes(one, plan, new=one.account_id in new)
                told.add(one.account_id)
        refused = plan.unfit.keys()
        changes += self._value_changes(
            [one for one in values if one.account_id not in refused], plan, chosen
        )
        changes += [
            Change(one.key, f"create {one.kind.value}", _subject(one.body.company))
            for one in others
            if one.account_id not in refused
        ]
        return changes

    def _value_changes(
        self, deliveries: Sequence[Delivery], plan: Plan, chosen: frozenset[str]
    ) -> list[Change]:
        after = {one.key: self._after(one, chosen) for one in deliveries}
        ids = {**plan.adopted, **plan.ids}
        names = sorted({name for values in after.values() for name in values} - {_OWNER})
        rows = self._batches.read(COMPANIES, ids.values(), [*names, records.OWNER]) if ids else []
        before = {str(row["id"]): row["properties"] for row in rows}
        some_owner = any(row.get(records.OWNER) for row in before.values())
        emails = self._owners.emails() if some_owner else {}
        changes: list[Change] = []
        for one in deliveries:
            there = _before(before.get(ids.get(one.account_id, ""), {}), emails)
            news = {
                name: value
                for name, value in after[one.key].items()
                if not same(there.get(name), value)
            }
            if news:
                was = {name: there[name] for name in news if there.get(name)}
                subject = _subject(one.body.company)
                changes.append(Change(one.key, "update company", subject, was, dict(news)))
        return changes

    def _after(self, delivery: Delivery, chosen: frozenset[str]) -> dict[str, str]:
        body = delivery.body
        assert isinstance(body, AccountValues), "only accounts have values"
        values = records.value_properties(body, chosen)
        if body.owner is not None and self._owners.id_of(body.owner) is not None:
            values[_OWNER] = body.owner.strip().lower()
        return values


def same(before: Scalar, after: str) -> bool:
    """Return whether a value is there already: numbers by what they are worth.

    >>> same("82.0", "82"), same(None, ""), same("no", "yes")
    (True, True, False)
    """
    was = str(before or "")
    if was == after:
        return True
    try:
        return float(was) == float(after)
    except ValueError:
        return False


def _before(row: Mapping[str, str | None], emails: Mapping[str, str]) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {name: value for name, value in row.items() if value}
    owner = row.get(records.OWNER)
    if owner:
        found[_OWNER] = emails.get(owner, owner)
    return found


def _company_changes(delivery: Delivery, plan: Plan, *, new: bool) -> list[Change]:
    company = delivery.body.company
    after: dict[str, Scalar] = {ACCOUNT_ID: company.account_id}
    if company.account_id in plan.adopted:
        return [Change(delivery.key, "link company", _subject(company), after=after)]
    if not new:
        return []
    made: dict[str, Scalar] = {**records.company_properties(company)}
    return [Change(delivery.key, "create company", _subject(company), after=made)]


def _subject(company: Company) -> str:
    return f"company {company.domain or records.one_line(company.name)}"
