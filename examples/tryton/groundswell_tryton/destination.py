"""The destination: sends, finds, previews and reads back."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from groundswell.connectors.deliveries import (
    AccountValues,
    Change,
    Deal,
    DeliveryKind,
    Note,
    Outcome,
    Task,
)
from groundswell.connectors.destination import DestinationError, Finding
from groundswell.errors import Problem
from groundswell_tryton import records
from groundswell_tryton.reading import read_opportunities
from groundswell_tryton.rpc import FailedError, RefusedError, Session
from groundswell_tryton.settings import USUAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from groundswell.connectors.deliveries import Company, Delivery
    from groundswell.connectors.destination import Context, Records
    from groundswell_tryton.settings import TrytonSettings

_MEND = "Mend it in Tryton or in what is sent, then send it again."


class Tryton:
    """One database of a Tryton server."""

    def __init__(self, settings: TrytonSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._session = Session(settings, context)
        self._wanted = context.write or USUAL

    def check(self) -> list[Finding]:
        """Check that the user may log in, has a company, and may write what is sent."""
        preferences = self._whole("model.res.user.get_preferences", True, {})  # noqa: FBT003
        company = self._settings.company or preferences.get("company")
        login = Finding("credentials", ok=True, said=f"logged in as {self._settings.user}")
        firm = Finding(
            "company",
            ok=company is not None,
            said=f"company {company}" if company else "the user has no company",
            fix="" if company else "Give the user a company, or set `company`.",
        )
        return [login, firm, *(self._access(model) for model in self._models())]

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Create what is not there yet, each record by itself."""
        there = self.find(deliveries)
        parties = self._parties([delivery.body.company for delivery in deliveries])
        outcomes: list[Outcome] = []
        for delivery in deliveries:
            known = there.get(delivery.key)
            if known is not None:
                outcomes.append(Outcome.sent(delivery, known))
                continue
            outcomes.append(self._put(delivery, parties))
        return outcomes

    def find(self, deliveries: Sequence[Delivery]) -> dict[str, str]:
        """Return the ids of the records that deliveries made."""
        found: dict[str, str] = {}
        for kind in {delivery.kind for delivery in deliveries}:
            model, field = records.MODELS[kind]
            keys = [delivery.key for delivery in deliveries if delivery.kind is kind]
            rows = self._search(model, records.keyed(kind, keys), [field])
            for row in rows:
                key = records.key_in(kind, row[field])
                if key in keys:
                    found.setdefault(key, str(row["id"]))
        return found

    def preview(self, deliveries: Sequence[Delivery]) -> list[Change]:
        """Say which parties and records would be new."""
        there = self.find(deliveries)
        known = self._known([delivery.account_id for delivery in deliveries])
        changes: list[Change] = []
        for delivery in deliveries:
            company = delivery.body.company
            subject = f"party {company.account_id}"
            if delivery.account_id not in known:
                after = {"name": records.one_line(company.name), "code": company.account_id}
                changes.append(Change(delivery.key, "create party", subject, after=dict(after)))
            if delivery.key not in there:
                model = records.MODELS[delivery.kind][0]
                changes.append(Change(delivery.key, f"create {model}", subject))
        return changes

    def read(self, cursor: str | None, *, until: datetime) -> Records:
        """Return the opportunities that changed since the cursor."""
        return read_opportunities(self._search, cursor, until=until)

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def _put(self, delivery: Delivery, parties: dict[str, int]) -> Outcome:
        """Make a record, and its party first where there is none; the next ones find it."""
        account, company = delivery.account_id, delivery.body.company
        try:
            if account not in parties:
                made = self._session.call("model.party.party.create", [records.party(company)], {})
                parties[account] = made[0]
            return self._makers[delivery.kind](delivery, delivery.body, parties[account])
        except RefusedError as error:
            return Outcome.refused(delivery, f"Tryton does not take it: {error}", _MEND)
        except FailedError as error:
            return Outcome.later(delivery, f"Tryton stumbled over it: {error}")

    @cached_property
    def _makers(self) -> dict[DeliveryKind, Callable[[Delivery, Any, int], Outcome]]:
        return {
            DeliveryKind.ACCOUNT: self._put_values,
            DeliveryKind.DEAL: self._put_deal,
            DeliveryKind.TASK: self._put_task,
            DeliveryKind.NOTE: self._put_note,
        }

    def _put_values(self, delivery: Delivery, body: AccountValues, party: int) -> Outcome:
        """Write the values as a note in place of the one before: a note cannot be changed."""
        resource = records.resource(party)
        before = self._search(
            "ir.note",
            [["resource", "=", resource], ["message", "like", f"{records.VALUES_HEAD}%"]],
            [],
        )
        text = records.values_note(delivery, body, self._wanted)
        made = self._create("ir.note", {"resource": resource, "message": text})
        if before:
            self._session.call("model.ir.note.delete", [row["id"] for row in before], {})
        return Outcome.sent(delivery, made)

    def _put_deal(self, delivery: Delivery, deal: Deal, party: int) -> Outcome:
        currency = self._currencies.get(deal.currency)
        if currency is None:
            return Outcome.refused(
                delivery,
                f"Tryton has no currency {deal.currency}.",
                f"Add {deal.currency} to Tryton's currencies.",
            )
        values = records.opportunity(
            delivery, deal, party_id=party, company=self._company, currency=currency
        )
        employee = self._employee(deal.owner)
        values["employee"] = employee
        made = self._create("sale.opportunity", values)
        unknown = deal.owner is not None and employee is None
        reason = f"No employee has the address {deal.owner}; it has no owner." if unknown else ""
        return Outcome(delivery.key, "sent", made, reason=reason)

    def _put_task(self, delivery: Delivery, task: Task, party: int) -> Outcome:
        values = records.work(delivery, task, party_id=party, company=self._company)
        return Outcome.sent(delivery, self._create("project.work", values))

    def _put_note(self, delivery: Delivery, body: Note, party: int) -> Outcome:
        values = {"resource": records.resource(party), "message": records.note(delivery, body)}
        return Outcome.sent(delivery, self._create("ir.note", values))

    def _create(self, model: str, values: dict[str, Any]) -> str:
        context = {"company": self._company} if "company" in values else {}
        return str(self._session.call(f"model.{model}.create", [values], context)[0])

    def _parties(self, companies: Sequence[Company]) -> dict[str, int]:
        return self._known([company.account_id for company in companies])

    def _known(self, account_ids: Sequence[str]) -> dict[str, int]:
        """Return the parties of accounts: by code, or by an identifier that a person gave."""
        wanted = sorted(set(account_ids))
        either = ["OR", ["code", "in", wanted], ["identifiers.code", "in", wanted]]
        rows = self._search("party.party", either, ["code", "identifiers.code"])
        found: dict[str, int] = {}
        for row in rows:
            for identifier in row["identifiers."]:
                found.setdefault(identifier["code"], row["id"])
        found.update({row["code"]: row["id"] for row in rows})
        return {account: found[account] for account in wanted if account in found}

    def _employee(self, email: str | None) -> int | None:
        if email is None:
            return None
        domain = [
            ["company", "=", self._company],
            ["party.contact_mechanisms.value", "=", email],
        ]
        rows = self._search("company.employee", domain, [])
        return rows[0]["id"] if rows else None

    @cached_property
    def _currencies(self) -> dict[str, dict[str, Any]]:
        rows = self._search("currency.currency", [], ["code", "digits"])
        return {row["code"]: row for row in rows}

    @cached_property
    def _company(self) -> int:
        if self._settings.company is not None:
            return self._settings.company
        preferences = self._whole("model.res.user.get_preferences", True, {})  # noqa: FBT003
        if preferences.get("company") is None:
            raise DestinationError(
                Problem(
                    code="tryton-no-company",
                    what=f"`{self._context.name}`: the user belongs to no company.",
                    fix="Give the user a company in Tryton, or set `company`.",
                )
            )
        return preferences["company"]

    def _models(self) -> list[str]:
        return sorted({"party.party", *(model for model, _ in records.MODELS.values())})

    def _access(self, model: str) -> Finding:
        name = f"access to {model}"
        try:
            found = self._session.call("model.ir.model.access.get_access", [model], {})[model]
        except (RefusedError, FailedError):
            return Finding(name, ok=False, said="it is not there", fix="Activate its module.")
        if found["read"] and found["create"]:
            return Finding(name, ok=True, said="read and create")
        return Finding(name, ok=False, said="not both read and create", fix="Give the user access.")

    def _search(self, model: str, domain: list[Any], fields: list[str]) -> list[dict[str, Any]]:
        return self._whole(f"model.{model}.search_read", domain, 0, None, None, ["id", *fields], {})

    def _whole(self, method: str, *params: Any) -> Any:
        """Call what concerns every delivery alike, so that its failure is one of all."""
        try:
            return self._session.call(method, *params)
        except (RefusedError, FailedError) as error:
            raise DestinationError(
                Problem(
                    code="tryton-call",
                    what=f"`{self._context.name}`: `{method}` failed: {error}.",
                    fix=f"See what `groundswell destinations test {self._context.name}` says.",
                )
            ) from None
