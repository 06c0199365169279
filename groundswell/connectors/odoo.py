"""Odoo: companies among the contacts, opportunities, activities and notes.

An account is the company whose internal reference is the account's id. Everything that is made has
an external id of the module `groundswell`, named after the delivery's key, so that it is made once
and found again.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from groundswell.connectors import odoo_records as records
from groundswell.connectors.deliveries import (
    ACCOUNT_FIELDS,
    AccountValues,
    Change,
    Deal,
    DeliveryKind,
    Note,
    Outcome,
    Task,
)
from groundswell.connectors.destination import (
    DestinationError,
    DestinationType,
    Finding,
    Limits,
    plain_values,
)
from groundswell.connectors.odoo_reading import read_records
from groundswell.connectors.odoo_rpc import Loaded, OdooSettings, RefusedError, Rpc, StumbledError
from groundswell.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from groundswell.connectors.deliveries import Company, Delivery
    from groundswell.connectors.destination import Context, Records
    from groundswell.model import Scalar

_MODELS = {
    DeliveryKind.DEAL: "crm.lead",
    DeliveryKind.TASK: "mail.activity",
    DeliveryKind.NOTE: "mail.message",
}
_USUAL = frozenset({"score", "tier", "state", "reasons", "play", "deal", "task", "note"})
_MEND = "Mend it in Odoo or in what is sent, then send it again."


class Odoo:
    """One database of an Odoo server."""

    def __init__(self, settings: OdooSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._rpc = Rpc(settings, context)
        self._wanted = context.write or _USUAL

    def check(self) -> list[Finding]:
        """Check that the user may log in and read what is written, and that the team is there."""
        said = f"logged in as {self._settings.user} ({self._rpc.uid})"
        findings = [Finding("credentials", ok=True, said=said)]
        for model in ("res.partner", *_MODELS.values(), "ir.model.data"):
            try:
                self._rpc.call(model, "search_read", [], fields=["id"], limit=1)
            except (RefusedError, StumbledError) as error:
                fix = "Install CRM, and give the user the rights of a salesperson."
                findings.append(Finding(f"access to {model}", ok=False, said=str(error), fix=fix))
            else:
                findings.append(Finding(f"access to {model}", ok=True, said="read"))
        if self._settings.team is not None:
            there = self._team_id is not None
            fix = "" if there else "Mend `team`: it is the name of a sales team."
            word = "there" if there else "not there"
            findings.append(Finding(f"team {self._settings.team}", ok=there, said=word, fix=fix))
        return findings

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Make what is not there yet; the values of an account are written each time."""
        there = self.find(deliveries)
        known = [Outcome.sent(one, there[one.key]) for one in deliveries if one.key in there]
        new = [one for one in deliveries if one.key not in there]
        users = self._users([getattr(one.body, "owner", None) for one in new])
        partners = self._partners(new, users)
        taken = [one for one in new if partners[one.account_id].id is not None]
        failed = [_failure(one, partners[one.account_id]) for one in new if one not in taken]
        ids = {account: found.id for account, found in partners.items() if found.id}
        if taken and taken[0].kind is DeliveryKind.ACCOUNT:
            made = self._put_values(taken, ids, users)
        elif taken:
            made = self._put_records(taken, ids, users)
        else:
            made = []
        return [*known, *failed, *made]

    def find(self, deliveries: Sequence[Delivery]) -> dict[str, str]:
        """Return the ids of the records that deliveries made; values of accounts are not found."""
        asked = {records.external_name(one.key): one for one in deliveries if one.kind in _MODELS}
        if not asked:
            return {}
        domain = [["module", "=", records.MODULE], ["name", "in", sorted(asked)]]
        rows = self._rpc.search("ir.model.data", domain, ["name", "model", "res_id"])
        return {
            asked[row["name"]].key: str(row["res_id"])
            for row in rows
            if row["model"] == _MODELS[asked[row["name"]].kind]
        }

    def preview(self, deliveries: Sequence[Delivery]) -> list[Change]:
        """Say which companies and records would be new, and which values would change."""
        there = self.find(deliveries)
        fields = self._value_fields
        known = self._known([one.account_id for one in deliveries], list(fields.values()))
        changes: list[Change] = []
        for one in deliveries:
            company, before = one.body.company, known.get(one.account_id)
            subject = f"company {records.one_line(company.name)}"
            if before is None:
                after: dict[str, Scalar] = {"name": company.name, "ref": company.account_id}
                changes.append(Change(one.key, "create company", subject, after=after))
            if isinstance(one.body, AccountValues):
                changes.append(_value_change(one, self._values(one.body), fields, before or {}))
            elif one.key not in there:
                changes.append(Change(one.key, f"create {_MODELS[one.kind]}", subject))
        return changes

    def read(self, cursor: str | None, *, until: datetime) -> Records:
        """Return the opportunities and owners that changed since the cursor."""
        return read_records(self._rpc, cursor, until=until)

    def close(self) -> None:
        """Let go of the connection."""
        self._rpc.close()

    def _put_values(
        self, deliveries: Sequence[Delivery], partners: dict[str, int], users: dict[str, int]
    ) -> list[Outcome]:
        """Write values into the fields there are for them; the rest is shown in a note."""
        outcomes: list[Outcome] = []
        for one in deliveries:
            body = cast("AccountValues", one.body)
            partner_id, values = partners[one.account_id], self._values(body)
            fields = self._value_fields
            written: dict[str, Any] = {
                fields[name]: values[name] for name in values if name in fields
            }
            if body.owner in users:
                written["user_id"] = users[body.owner]
            shown = {name: value for name, value in values.items() if name not in fields}
            found = self._write(partner_id, written)
            if found.id is not None and shown:
                note = records.values_note(body.company, shown, partner_id)
                found = self._rpc.load("mail.message", [note])[0]
            if found.id is not None:
                found = Loaded(partner_id)
            outcomes.append(self._outcome(one, found, users))
        return outcomes

    def _put_records(
        self, deliveries: Sequence[Delivery], partners: dict[str, int], users: dict[str, int]
    ) -> list[Outcome]:
        taken, outcomes = list(deliveries), list[Outcome]()
        if deliveries[0].kind is DeliveryKind.DEAL:
            taken = [one for one in deliveries if self._counts_in(cast("Deal", one.body))]
            outcomes = [self._other_currency(one) for one in deliveries if one not in taken]
        rows = self._rows(taken, partners, users)
        loaded = self._rpc.load(_MODELS[deliveries[0].kind], rows)
        made = zip(taken, loaded, strict=True)
        return [*outcomes, *(self._outcome(one, found, users) for one, found in made)]

    def _rows(
        self, deliveries: Sequence[Delivery], partners: dict[str, int], users: dict[str, int]
    ) -> list[records.Row]:
        leads: dict[int, int] = {}
        if any(isinstance(one.body, Task) for one in deliveries):
            leads = self._open_leads([partners[one.account_id] for one in deliveries])
        rows: list[records.Row] = []
        for one in deliveries:
            partner_id = partners[one.account_id]
            match one.body:
                case Deal() as deal:
                    user = users.get(deal.owner or "")
                    made = records.lead(
                        one, deal, partner_id=partner_id, user_id=user, team_id=self._team()
                    )
                case Task() as task:
                    lead = leads.get(partner_id)
                    made = records.activity(
                        one,
                        task,
                        model_id=self._model_ids["crm.lead" if lead else "res.partner"],
                        res_id=lead or partner_id,
                        user_id=users.get(task.owner or "", self._rpc.uid),
                        now=self._context.clock.now(),
                    )
                case _:
                    made = records.message(one, cast("Note", one.body), partner_id)
            rows.append(made)
        return rows

    def _write(self, partner_id: int, values: dict[str, Any]) -> Loaded:
        if not values:
            return Loaded(partner_id)
        try:
            self._rpc.call("res.partner", "write", [partner_id], values)
        except RefusedError as error:
            return Loaded(None, str(error))
        except StumbledError as error:
            return Loaded(None, str(error), again=True)
        return Loaded(partner_id)

    def _partners(self, deliveries: Sequence[Delivery], users: dict[str, int]) -> dict[str, Loaded]:
        """Return the company of each account, made where it is not there."""
        companies = {one.account_id: one.body.company for one in deliveries}
        owners = {one.account_id: getattr(one.body, "owner", None) for one in deliveries}
        found = {
            account: Loaded(row["id"]) for account, row in self._known(list(companies)).items()
        }
        missing: list[Company] = [one for key, one in companies.items() if key not in found]
        rows = [records.partner(one, users.get(owners[one.account_id] or "")) for one in missing]
        made = self._rpc.load("res.partner", rows)
        found.update({one.account_id: row for one, row in zip(missing, made, strict=True)})
        return found

    def _known(
        self, account_ids: Sequence[str], fields: Sequence[str] = ()
    ) -> dict[str, dict[str, Any]]:
        domain = [["ref", "in", sorted(set(account_ids))], ["is_company", "=", True]]
        rows = self._rpc.search("res.partner", domain, ["ref", *fields], order="id desc")
        return {row["ref"]: row for row in rows}  # the oldest of several

    def _open_leads(self, partners: Sequence[int]) -> dict[int, int]:
        """Return the newest open opportunity of each company that has one."""
        domain = [
            ["partner_id", "in", sorted(set(partners))],
            *(["type", "=", "opportunity"], ["probability", "<", 100], ["active", "=", True]),
        ]
        rows = self._rpc.search("crm.lead", domain, ["partner_id"], order="id")
        return {row["partner_id"][0]: row["id"] for row in rows}

    def _users(self, owners: Sequence[str | None]) -> dict[str, int]:
        wanted = sorted({owner for owner in owners if owner})
        if not wanted:
            return {}
        domain = [["login", "in", wanted], ["active", "=", True]]
        return {row["login"]: row["id"] for row in self._rpc.search("res.users", domain, ["login"])}

    def _values(self, body: AccountValues) -> dict[str, Scalar]:
        # Whoever names no value at all, but accounts, wants them whole.
        known = self._wanted & ACCOUNT_FIELDS.keys() or ACCOUNT_FIELDS.keys()
        return {name: value for name, value in body.values.items() if name in known}

    def _counts_in(self, deal: Deal) -> bool:
        return deal.amount is None or deal.currency == self._currency

    def _other_currency(self, delivery: Delivery) -> Outcome:
        said = f"Odoo counts revenue in {self._currency} there, the deal in another currency."
        return Outcome.refused(delivery, said, f"Set `currency` to {self._currency}.")

    def _outcome(self, delivery: Delivery, found: Loaded, users: dict[str, int]) -> Outcome:
        if found.id is None:
            return _failure(delivery, found)
        owner = getattr(delivery.body, "owner", None)
        unknown = owner is not None and owner not in users
        reason = f"No user has the login {owner}; its owner is left as Odoo has it."
        return Outcome(delivery.key, "sent", str(found.id), reason=reason if unknown else "")

    def _team(self) -> int | None:
        name = self._settings.team
        if name is not None and self._team_id is None:
            raise DestinationError(
                Problem(
                    code="odoo-team-unknown",
                    what=f"`{self._context.name}` knows no sales team `{name}`.",
                    fix="Mend `team`: it is the name of a sales team.",
                )
            )
        return self._team_id

    @cached_property
    def _team_id(self) -> int | None:
        if self._settings.team is None:
            return None
        rows = self._rpc.search("crm.team", [["name", "=", self._settings.team]], ["name"])
        return rows[0]["id"] if rows else None

    @cached_property
    def _model_ids(self) -> dict[str, int]:
        wanted = [["model", "in", ["crm.lead", "res.partner"]]]
        return {row["model"]: row["id"] for row in self._rpc.search("ir.model", wanted, ["model"])}

    @cached_property
    def _currency(self) -> str:
        """The currency of the user's company, in which Odoo counts what an opportunity is worth."""
        (user,) = self._rpc.search("res.users", [["id", "=", self._rpc.uid]], ["company_id"])
        domain = [["id", "=", user["company_id"][0]]]
        (company,) = self._rpc.search("res.company", domain, ["currency_id"])
        return company["currency_id"][1]

    @cached_property
    def _value_fields(self) -> dict[str, str]:
        """Fields that the user made for our values: `x_groundswell_score` and so on."""
        wanted = [f"{records.FIELD_PREFIX}{name}" for name in ACCOUNT_FIELDS]
        domain = [["model", "=", "res.partner"], ["name", "in", wanted]]
        rows = self._rpc.search("ir.model.fields", domain, ["name"])
        return {row["name"].removeprefix(records.FIELD_PREFIX): row["name"] for row in rows}


def _failure(delivery: Delivery, found: Loaded) -> Outcome:
    if found.again:
        return Outcome.later(delivery, f"Odoo stumbled over it: {found.said}")
    return Outcome.refused(delivery, f"Odoo does not take it: {found.said}", _MEND)


def _value_change(
    delivery: Delivery,
    values: dict[str, Scalar],
    fields: dict[str, str],
    before: dict[str, Any],
) -> Change:
    after = plain_values(values)
    seen = {name: before.get(fields[name]) for name in values if name in fields}
    subject = f"company {records.one_line(delivery.body.company.name)}"
    return Change(delivery.key, "update company", subject, seen, dict(after))


DESTINATION = DestinationType(
    name="odoo",
    title="Odoo",
    doc="Companies, opportunities, activities and notes; won and lost come back.",
    settings=OdooSettings,
    open=Odoo,
    kinds=frozenset({DeliveryKind.ACCOUNT, *_MODELS}),
    usual=_USUAL,
    limits=Limits(requests=60, seconds=10.0),
    batch=50,
    reads=True,
)
