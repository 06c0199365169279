"""Odoo: what is sent arrives once, and what became of it comes back."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from groundswell.clock import FixedClock
from groundswell.connectors import registry
from groundswell.connectors.deliveries import (
    AccountValues,
    Company,
    Deal,
    Delivery,
    DeliveryKind,
    Note,
    Task,
)
from groundswell.connectors.destination import Budget, Context, DestinationError
from groundswell.connectors.odoo import DESTINATION, Odoo
from groundswell.connectors.odoo_records import external_id, external_name
from groundswell.connectors.odoo_rpc import OdooSettings
from groundswell.model import Kind
from groundswell.testing import Subject
from groundswell.testing.suite import DestinationSuite
from tests.engines import free_port

from .odoo_server import DATABASE, PASSWORD, UID, USER, OdooDouble, running_odoo

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.loopback

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACME = Company("acme-1", "Acme", "acme.example", 80, "Retail", "FR")
_MODELS = {
    DeliveryKind.DEAL: "crm.lead",
    DeliveryKind.TASK: "mail.activity",
    DeliveryKind.NOTE: "mail.message",
}


@pytest.fixture
def odoo() -> Iterator[OdooDouble]:
    with running_odoo() as double:
        yield double


def settings(double: OdooDouble, **others: str) -> OdooSettings:
    told = {"database": DATABASE, "user": USER, "password": PASSWORD, **others}
    return OdooSettings(**{"url": double.url, **told})


def opened(double: OdooDouble, *, write: frozenset[str] = frozenset(), **others: str) -> Odoo:
    clock = FixedClock(NOW)
    context = Context("crm", clock, Budget(DESTINATION.limits, clock, clock.advance), write=write)
    return Odoo(settings(double, **others), context)


@pytest.fixture
def destination(odoo: OdooDouble) -> Iterator[Odoo]:
    made = opened(odoo)
    yield made
    made.close()


def delivery(key: str, body, company: Company = ACME) -> Delivery:
    kinds = {
        AccountValues: DeliveryKind.ACCOUNT,
        Deal: DeliveryKind.DEAL,
        Task: DeliveryKind.TASK,
        Note: DeliveryKind.NOTE,
    }
    return Delivery(key, "crm", kinds[type(body)], company.account_id, "h-1", body, NOW)


def deal(**others) -> Deal:
    made = Deal(ACME, "Acme: 80 seats", "12000.50", "EUR", "rita@acme.example", "groundswell")
    return replace(made, **others)


class TestConformance(DestinationSuite):
    """Odoo passes what every destination passes."""

    @pytest.fixture
    def subject(self, odoo: OdooDouble) -> Subject:
        def named(sent: Delivery, name: str) -> list[dict]:
            found = odoo.rows("ir.model.data", module="groundswell", name=external_name(name))
            return [odoo.tables[row["model"]][row["res_id"]] for row in found]

        def effects(sent: Delivery) -> list[dict]:
            if sent.kind is DeliveryKind.ACCOUNT:
                firms = odoo.rows("res.partner", ref=sent.account_id)
                notes = odoo.rows("mail.message", res_id=firms[0]["id"]) if firms else []
                return [firm | note for firm in firms for note in notes]
            rows = named(sent, sent.key)
            partners = odoo.rows("res.partner", ref=sent.account_id)
            assert len(partners) <= 1
            return rows

        def shown(sent: Delivery) -> str:
            texts = [str(value) for value in effects(sent)[0].values()]
            return unescape("\n".join(texts).replace("<br/>", "\n").replace("<br>", "\n"))

        def spoil(good: Delivery) -> Delivery:
            company = replace(good.body.company, name="  ")
            other = "acme-without-a-name"
            company = replace(company, account_id=other)
            return replace(good, account_id=other, body=replace(good.body, company=company))

        return Subject(
            type=DESTINATION,
            settings=settings(odoo),
            arrived=lambda sent: len(effects(sent)),
            state=lambda: repr(odoo.tables),
            shown=shown,
            spoil=spoil,
            secrets=(PASSWORD,),
            unreachable=settings(odoo, url=f"http://127.0.0.1:{free_port()}"),
            requests=lambda: odoo.requests,
        )


def test_an_account_is_a_company_and_its_values_one_note(odoo, destination):
    first = AccountValues(ACME, {"score": 82.0, "tier": "PQL-Convert", "fit_score": 3.0})
    second = AccountValues(ACME, {"score": 91.5}, owner="rita@acme.example")
    assert [one.status for one in destination.send([delivery("a:1", first)])] == ["sent"]
    (firm,) = odoo.rows("res.partner", ref="acme-1")
    assert (firm["name"], firm["is_company"], firm["user_id"]) == ("Acme", True, False)
    (note,) = odoo.rows("mail.message", model="res.partner", res_id=firm["id"])
    assert "<b>PQL score</b>: 82<br/><b>PQL tier</b>: PQL-Convert" in note["body"]
    assert "fit" not in note["body"]
    destination.send([delivery("a:2", second)])
    (note,) = odoo.rows("mail.message", model="res.partner", res_id=firm["id"])
    assert "91.5" in note["body"]
    assert odoo.rows("res.partner", ref="acme-1")[0]["user_id"] == 8


def test_values_go_into_fields_that_were_made_for_them(odoo):
    for name in ("score", "fit_score"):
        odoo.put("ir.model.fields", model="res.partner", name=f"x_groundswell_{name}")
    firm = odoo.put("res.partner", name="Acme as the CRM has it", ref="acme-1", is_company=True)
    odoo.tables["res.partner"][firm]["x_groundswell_score"] = 10.0
    odoo.tables["res.partner"][firm]["x_groundswell_fit_score"] = False
    destination = opened(odoo, write=frozenset({"score"}))
    sent = delivery("a:1", AccountValues(ACME, {"score": 82.0, "fit_score": 3.0, "tier": "x"}))
    (change,) = destination.preview([sent])
    assert (change.before, change.after) == ({"score": 10.0}, {"score": "82"})
    assert [one.their_id for one in destination.send([sent])] == [str(firm)]
    row = odoo.tables["res.partner"][firm]
    assert (row["x_groundswell_score"], row["x_groundswell_fit_score"]) == (82.0, False)
    assert row["name"] == "Acme as the CRM has it"
    assert odoo.tables["mail.message"] == {}
    destination.close()


def test_accounts_are_written_whole_where_no_value_is_named(odoo):
    destination = opened(odoo, write=frozenset({"account", "task"}))
    destination.send([delivery("a:1", AccountValues(ACME, {"score": 82.0, "fit_score": 3.0}))])
    (note,) = odoo.tables["mail.message"].values()
    assert "82" in note["body"]
    assert "<b>PQL fit score</b>: 3" in note["body"]
    destination.close()


def test_it_is_registered_as_those_of_others_are():
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    named = project["entry-points"][registry.DESTINATION_GROUP]["odoo"]
    assert named == registry.DESTINATIONS["odoo"]
    assert registry.destination_type("odoo") is DESTINATION


def test_a_deal_is_an_opportunity_of_its_team(odoo):
    destination = opened(odoo, team="Self-serve")
    (outcome,) = destination.send([delivery("d.1", deal())])
    (lead,) = odoo.tables["crm.lead"].values()
    assert (outcome.status, outcome.their_id, outcome.reason) == ("sent", str(lead["id"]), "")
    assert (lead["name"], lead["type"]) == ("Acme: 80 seats", "opportunity")
    assert (lead["expected_revenue"], lead["user_id"], lead["team_id"]) == (12000.5, 8, 1)
    (known,) = odoo.rows("ir.model.data", module="groundswell", model="crm.lead")
    assert f"groundswell.{known['name']}" == external_id("d.1")
    destination.close()


def test_an_unknown_team_is_told_and_nothing_is_made(odoo):
    destination = opened(odoo, team="Nobody")
    wrong = [one for one in destination.check() if not one.ok]
    assert [one.name for one in wrong] == ["team Nobody"]
    with pytest.raises(DestinationError, match="no sales team `Nobody`"):
        destination.send([delivery("d:1", deal())])
    assert odoo.tables["crm.lead"] == {}
    destination.close()


def test_another_currency_is_refused_and_an_unknown_owner_told(odoo, destination):
    outcomes = destination.send(
        [
            delivery("d:1", deal(currency="USD")),
            delivery("d:2", deal(owner="gone@acme.example")),
            delivery("d:3", deal(amount=None, currency="USD")),
        ]
    )
    by_key = {one.key: one for one in outcomes}
    assert by_key["d:1"].status == "refused"
    assert "EUR" in by_key["d:1"].fix
    assert by_key["d:2"].status == by_key["d:3"].status == "sent"
    assert "gone@acme.example" in by_key["d:2"].reason
    assert odoo.tables["crm.lead"][int(by_key["d:2"].their_id)]["user_id"] is False


def test_a_task_hangs_on_the_open_opportunity_or_else_on_the_company(odoo, destination):
    task = Task(ACME, "Call\nAnn", "One\n<two>", NOW + timedelta(days=2), "rita@acme.example", True)
    destination.send([delivery("t:1", task)])
    destination.send([delivery("d:1", deal())])
    destination.send([delivery("t:2", replace(task, owner=None, due_at=None, urgent=False))])
    first, second = odoo.tables["mail.activity"].values()
    models = {row["id"]: row["model"] for row in odoo.tables["ir.model"].values()}
    assert models[first["res_model_id"]] == "res.partner"
    assert models[second["res_model_id"]] == "crm.lead"
    assert (first["summary"], first["note"]) == ("Urgent: Call Ann", "<p>One<br/>&lt;two&gt;</p>")
    assert (first["user_id"], first["date_deadline"]) == (8, "2026-03-04")
    assert (second["summary"], second["user_id"], second["date_deadline"]) == (
        "Call Ann",
        UID,
        "2026-03-02",
    )


def test_a_whole_batch_takes_few_requests(odoo, destination):
    companies = [replace(ACME, account_id=f"acme-{number}") for number in range(50)]
    sent = [
        delivery(f"n:{one.account_id}", Note(one, "Hi", "<p>Hi</p>", NOW), one) for one in companies
    ]
    assert {one.status for one in destination.send(sent)} == {"sent"}
    # Log in, what is there, companies, new companies, notes.
    assert odoo.requests == 5
    assert len(odoo.tables["mail.message"]) == 50


def test_won_lost_and_open_come_back(odoo, destination):
    sent = [delivery(f"d:{number}", deal()) for number in range(3)]
    won, lost, left_open = (int(one.their_id) for one in destination.send(sent))
    odoo.put("crm.lead", name="Nobody's", type="opportunity")
    first = destination.read(None, until=NOW)
    odoo.now = NOW + timedelta(days=1)
    odoo.change("crm.lead", won, stage_id=2, probability=100.0, date_closed="2026-03-03 11:00:00")
    odoo.change("crm.lead", lost, active=False, probability=0.0, lost_reason_id=1)
    records = destination.read(first.cursor, until=NOW + timedelta(days=2))
    rows = {row["opportunity_id"]: row for row in records.frames[Kind.OPPORTUNITIES].to_dicts()}
    assert rows[str(won)]["won"] is True
    assert rows[str(won)]["stage"] == "Won"
    assert rows[str(won)]["closed_at"] == datetime(2026, 3, 3, 11, tzinfo=UTC)
    assert rows[str(lost)]["won"] is False
    assert rows[str(lost)]["lost_reason"] == "Too expensive"
    assert rows[str(lost)]["closed_at"] == NOW + timedelta(days=1)
    assert rows[str(left_open)]["won"] is None  # read again: it changed just before the cursor
    assert {row["account_id"] for row in rows.values()} == {"acme-1"}
    assert {(row["amount"], row["owner"]) for row in rows.values()} == {
        ("12000.50", "rita@acme.example")
    }
    later = destination.read(records.cursor, until=NOW + timedelta(days=9))
    assert later.frames[Kind.OPPORTUNITIES].is_empty()


def test_an_opportunity_of_a_person_is_one_of_their_company(odoo, destination):
    firm = odoo.put("res.partner", name="Acme", ref="acme-1", is_company=True, user_id=8)
    person = odoo.put("res.partner", name="Ann", parent_id=firm)
    odoo.put("crm.lead", name="By hand", type="opportunity", partner_id=person)
    records = destination.read(None, until=NOW)
    assert records.frames[Kind.OPPORTUNITIES]["account_id"].to_list() == ["acme-1"]
    assert records.owners == {"acme-1": "rita@acme.example"}


def test_more_than_a_page_is_read(odoo, destination):
    firm = odoo.put("res.partner", name="Acme", ref="acme-1", is_company=True)
    for _ in range(1001):
        odoo.put("crm.lead", name="x", type="opportunity", partner_id=firm)
    frame = destination.read(None, until=NOW).frames[Kind.OPPORTUNITIES]
    assert frame["opportunity_id"].n_unique() == frame.height == 1001


def test_what_the_user_may_not_read_is_found_by_the_check(odoo, destination):
    odoo.hidden.add("crm.lead")
    wrong = [one for one in destination.check() if not one.ok]
    assert [one.name for one in wrong] == ["access to crm.lead"]
    assert wrong[0].fix


def test_what_odoo_stumbles_over_is_tried_again(odoo, destination):
    odoo.stumbles = "load"
    (outcome,) = destination.send([delivery("d:1", deal())])
    assert outcome.status == "later"
    assert "could not serialize" in outcome.reason
    odoo.stumbles = None
    (outcome,) = destination.send([delivery("d:1", deal())])
    assert outcome.status == "sent"


def test_a_wrong_password_and_a_busy_server(odoo):
    destination = opened(odoo, password="wrong-Password")
    with pytest.raises(DestinationError, match="does not let us in") as caught:
        destination.check()
    assert "wrong-Password" not in str(caught.value)
    destination.close()
    destination = opened(odoo)
    odoo.broken = 429
    with pytest.raises(DestinationError, match="fewer requests") as caught:
        destination.send([delivery("d:1", deal())])
    assert caught.value.after == 7.0
    odoo.broken = 404
    with pytest.raises(DestinationError, match="not as Odoo does"):
        destination.check()
    destination.close()
