"""The plugin for Tryton, against a real Tryton server on the PostgreSQL of the run."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from groundswell.clock import SystemClock
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
from groundswell.model import Kind
from groundswell.testing import Subject
from groundswell.testing.suite import DestinationSuite
from tests.engines import Postgres, free_port

from .tryton_server import DATABASE, PASSWORD, USER, TrytonServer, running_tryton

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.loopback]

PLUGIN = Path(__file__).parents[2] / "examples" / "tryton"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACME = Company("acme-1", 'Acme "Sons" & <b>', "acme.example", 80, "Retail", "FR")


@pytest.fixture(scope="module")
def tryton(postgres: Postgres) -> Iterator[TrytonServer]:
    with running_tryton(postgres) as server:
        yield server


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """The type of destination, found by the entry point that the package's project file names."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    site = tmp_path_factory.mktemp("site")
    installed = site / f"groundswell_tryton-{project['version']}.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = project["entry-points"][registry.DESTINATION_GROUP]
    lines = [f"{name} = {value}" for name, value in points.items()]
    (installed / "entry_points.txt").write_text(f"[{registry.DESTINATION_GROUP}]\n{lines[0]}\n")
    before = list(sys.path)
    sys.path[:0] = [str(PLUGIN), str(site)]
    try:
        yield registry.destination_type("tryton")
    finally:
        sys.path[:] = before
        registry.destination_type.cache_clear()


@pytest.fixture
def settings(plugin, tryton):
    return plugin.settings(url=tryton.url, database=DATABASE, user=USER, password=PASSWORD)


@pytest.fixture
def opened(plugin, settings):
    """The destination, as the dispatcher opens it."""
    clock = SystemClock()
    destination = plugin.open(settings, Context("crm", clock, Budget(plugin.limits, clock)))
    yield destination
    destination.close()


def delivery(kind: DeliveryKind, key: str, body, company: Company = ACME) -> Delivery:
    return Delivery(key, "crm", kind, company.account_id, "h-1", body, NOW)


_HELD = {  # the table of each kind's record, and how the record holds the key
    DeliveryKind.ACCOUNT: "ir_note WHERE message LIKE '%\nGroundswell key: {}'",
    DeliveryKind.DEAL: "sale_opportunity WHERE reference = '{}'",
    DeliveryKind.TASK: "project_work WHERE comment LIKE '%\nGroundswell key: {}'",
    DeliveryKind.NOTE: "ir_note WHERE message LIKE '%\nGroundswell key: {}'",
}
_READ = {
    DeliveryKind.ACCOUNT: "message",
    DeliveryKind.DEAL: "description",
    DeliveryKind.TASK: "name || E'\n' || comment",
    DeliveryKind.NOTE: "message",
}
_TABLES = ("party_party", "sale_opportunity", "project_work", "ir_note", "res_user")


class TestConformance(DestinationSuite):
    """Tryton passes what every destination passes; what arrived is counted in its tables."""

    @pytest.fixture
    def subject(self, plugin, tryton, settings) -> Subject:
        def state() -> str:
            parts = [
                f"(SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM {table} t)"
                for table in _TABLES
            ]
            return tryton.sql(f"SELECT {', '.join(parts)}")

        def spoil(good: Delivery) -> Delivery:
            company = replace(good.body.company, account_id="a\ttab within")
            return replace(
                good, account_id=company.account_id, body=replace(good.body, company=company)
            )

        return Subject(
            type=plugin,
            settings=settings,
            arrived=lambda sent: int(
                tryton.sql(f"SELECT count(*) FROM {_HELD[sent.kind].format(sent.key)}")
            ),
            shown=lambda sent: tryton.sql(
                f"SELECT {_READ[sent.kind]} FROM {_HELD[sent.kind].format(sent.key)}"
            ),
            state=state,
            secrets=(PASSWORD,),
            unreachable=type(settings)(
                url=f"http://127.0.0.1:{free_port()}",
                database=DATABASE,
                user=USER,
                password=PASSWORD,
            ),
            spoil=spoil,
            requests=tryton.requests,
            clock=SystemClock(),
        )


def test_an_account_is_a_party_with_its_values_in_a_note(tryton, opened):
    values = {"score": 82.0, "tier": "PQL-Convert", "reasons": "Grew\nfast", "fit_score": 3.0}
    company = replace(ACME, account_id="acme-values")
    later = AccountValues(company, {"score": 91.5})
    first = delivery(DeliveryKind.ACCOUNT, "a:1", AccountValues(company, values), company)
    second = delivery(DeliveryKind.ACCOUNT, "a:2", later, company)
    assert [outcome.status for outcome in opened.send([first])] == ["sent"]
    (party,) = tryton.rows("party.party", [["code", "=", "acme-values"]], ["name", "code"])
    assert party["name"] == 'Acme "Sons" & <b>'
    told = [["resource", "=", f"party.party,{party['id']}"]]
    (note,) = tryton.rows("ir.note", told, ["message"])
    assert note["message"].splitlines()[2:] == [
        "PQL score: 82",
        "PQL tier: PQL-Convert",
        "PQL reasons: Grew",
        "fast",
        "",
        "Groundswell key: a:1",
    ]
    opened.send([second])
    (note,) = tryton.rows("ir.note", told, ["message"])
    assert "PQL score: 91.5" in note["message"]
    assert "PQL score: 82" not in note["message"]


def test_an_account_that_a_person_entered_is_found_by_its_identifier(tryton, opened):
    tryton.call(
        "model.party.party.create",
        [
            {
                "name": "Entered by hand",
                "code": "C-77",
                "identifiers": [["create", [{"code": "acme-77"}]]],
            }
        ],
        {},
    )
    company = replace(ACME, account_id="acme-77", name="Another name")
    sent = delivery(DeliveryKind.NOTE, "n:77", Note(company, "Hello", "<p>Hello</p>", NOW), company)
    assert [outcome.status for outcome in opened.send([sent])] == ["sent"]
    assert tryton.rows("party.party", [["name", "=", "Another name"]], ["id"]) == []
    (note,) = tryton.rows("ir.note", [["message", "like", "%n:77"]], ["resource.rec_name"])
    assert note["resource."]["rec_name"] == "Entered by hand"


def test_a_deal_is_an_opportunity_and_comes_back_when_it_is_lost(tryton, opened):
    company = replace(ACME, account_id="acme-deal")
    deal = Deal(company, "Acme: 80 seats", "12000.505", "EUR", "rita@us.example", "groundswell")
    sent = delivery(DeliveryKind.DEAL, "d:1", deal, company)
    (outcome,) = opened.send([sent])
    assert (outcome.status, outcome.reason) == ("sent", "")
    fields = ["state", "amount", "description", "party.code", "employee.party.name"]
    (shown,) = tryton.rows("sale.opportunity", [["reference", "=", "d:1"]], fields)
    assert shown["amount"] == {"__class__": "Decimal", "decimal": "12000.50"}
    assert (shown["state"], shown["description"]) == ("lead", "Acme: 80 seats")
    assert shown["party."]["code"] == "acme-deal"
    assert shown["employee."]["party."]["name"] == "Rita Rep"

    now = datetime.now(UTC) + timedelta(minutes=1)
    open_one = opened.read(None, until=now)
    (row,) = open_one.frames[Kind.OPPORTUNITIES].filter(account_id="acme-deal").to_dicts()
    assert (row["opportunity_id"], row["stage"], row["won"]) == (outcome.their_id, "lead", None)
    assert (row["amount"], row["owner"]) == ("12000.50", "rita@us.example")
    assert row["source"] == "groundswell"

    tryton.call("model.sale.opportunity.write", [shown["id"]], {"lost_reason": "Price"}, {})
    tryton.call("model.sale.opportunity.lost", [shown["id"]], {"company": 1})
    closed = opened.read(open_one.cursor, until=now)
    (row,) = closed.frames[Kind.OPPORTUNITIES].filter(account_id="acme-deal").to_dicts()
    assert (row["stage"], row["won"], row["lost_reason"]) == ("lost", False, "Price")
    assert row["closed_at"] >= row["created_at"]


def test_an_owner_who_is_no_employee_and_a_currency_that_is_not_there(tryton, opened):
    deal = Deal(ACME, "x", "1", "EUR", "nobody@us.example", "groundswell")
    other = replace(deal, currency="XTS", owner=None)
    outcomes = opened.send(
        [delivery(DeliveryKind.DEAL, "d:2", deal), delivery(DeliveryKind.DEAL, "d:3", other)]
    )
    assert [outcome.status for outcome in outcomes] == ["sent", "refused"]
    assert "nobody@us.example" in outcomes[0].reason
    assert "XTS" in outcomes[1].reason
    assert tryton.rows("sale.opportunity", [["reference", "=", "d:3"]], ["id"]) == []


def test_two_of_one_batch_about_a_new_account_share_its_party(tryton, opened):
    company = replace(ACME, account_id="acme-new")
    note = Note(company, "Hi", "<p>Hi</p>", NOW)
    sent = [delivery(DeliveryKind.NOTE, f"n:new-{one}", note, company) for one in (1, 2)]
    assert [outcome.status for outcome in opened.send(sent)] == ["sent", "sent"]
    (party,) = tryton.rows("party.party", [["code", "=", "acme-new"]], ["id"])
    told = [["resource", "=", f"party.party,{party['id']}"]]
    assert len(tryton.rows("ir.note", told, ["id"])) == 2


def test_a_task_is_a_task(tryton, opened):
    task = Task(ACME, "Call\nAnn", "She asked.", NOW + timedelta(hours=4), "rita@us.example", True)
    opened.send([delivery(DeliveryKind.TASK, "t:1", task)])
    (shown,) = tryton.rows(
        "project.work", [["name", "=", "Urgent: Call Ann"]], ["comment", "type", "status.name"]
    )
    assert (shown["type"], shown["status."]["name"]) == ("task", "Open")
    assert shown["comment"].splitlines()[1:] == [
        "Due: 2026-03-02 16:00 UTC",
        "For: rita@us.example",
        "",
        "She asked.",
        "",
        "Groundswell key: t:1",
    ]


def test_a_key_that_is_part_of_another_is_not_taken_for_it(opened):
    note = Note(ACME, "One", "<p>One</p>", NOW)
    opened.send([delivery(DeliveryKind.NOTE, "n_1", note)])
    asked = [delivery(DeliveryKind.NOTE, key, note) for key in ("n_1", "_1", "nx1", "%1")]
    assert list(opened.find(asked)) == ["n_1"]


def test_a_session_that_ended_is_begun_again(tryton, opened):
    note = Note(ACME, "Still here", "<p>Still here</p>", NOW)
    opened.send([delivery(DeliveryKind.NOTE, "n:10", note)])
    token = tryton.headers["Authorization"]
    kept = "SELECT key FROM ir_session ORDER BY id LIMIT 1"  # the test's own, which came first
    tryton.sql(f"DELETE FROM ir_session WHERE key <> ({kept})")
    outcomes = opened.send([delivery(DeliveryKind.NOTE, "n:11", note)])
    assert [outcome.status for outcome in outcomes] == ["sent"]
    assert tryton.headers["Authorization"] == token


def test_a_wrong_password_lets_nobody_in(plugin, tryton):
    wrong = plugin.settings(
        url=tryton.url, database=DATABASE, user=USER, password="not-the-password"
    )
    clock = SystemClock()
    destination = plugin.open(wrong, Context("crm", clock, Budget(plugin.limits, clock)))
    with pytest.raises(DestinationError, match="does not let us in") as caught:
        destination.check()
    assert "not-the-password" not in str(caught.value)
    destination.close()
