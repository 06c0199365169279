"""What is decided reaches a CRM and a mailbox, each thing once, through what can go wrong."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from groundswell.engine.correspondent import Correspondent
from groundswell.errors import ConfigError, UsageError
from tests.connectors.hubspot_account import TOKEN
from tests.connectors.hubspot_server import hubspot
from tests.connectors.test_email import OnAnyPort

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.connectors.hubspot_account import Account

pytestmark = pytest.mark.loopback


class Mailbox:
    """Takes every message."""

    def __init__(self) -> None:
        self.messages: list[tuple[list[str], str]] = []

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - its name
        self.messages.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@pytest.fixture
def crm(clock) -> Iterator[Account]:
    with hubspot(clock) as there:
        there.per_window = there.searches = 10_000
        yield there


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    controller = OnAnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    yield box, controller.port
    controller.stop()


def places(crm: Account, **more):
    hub = {"token": "${TOKEN}", "url": crm.url, "write": ["score", "state", "task", "deal"]}
    return {"destinations": {"hubspot": {**hub, **more}}, "environ": {"TOKEN": TOKEN}}


def drain(project):
    total = Counter()
    while (done := project.handoffs.dispatch()).moved:
        total.update(sent=done.sent, unchanged=done.unchanged, dead=done.dead)
    return total


def eventually(holds, *, seconds: float = 30.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False


def test_each_thing_is_there_once_and_only_what_changed_is_sent_again(company, crm, clock):
    project = company(4, **places(crm))
    project.run()
    assert drain(project) == {"sent": 12, "unchanged": 0, "dead": 0}
    kinds = {kind: len(rows) for kind, rows in crm.records.items() if rows}
    assert kinds == {"companies": 4, "deals": 4, "tasks": 4}
    project.run()
    assert drain(project) == {}
    asked = len(crm.requests)
    row = project.handoffs.queue()[0]
    project.handoffs.step(row.account_id, "accept", who=row.owner)
    assert drain(project) == {"sent": 1, "unchanged": 0, "dead": 0}
    (company_,) = [
        one for one in crm.all("companies") if one["groundswell_account_id"] == row.account_id
    ]
    assert company_["groundswell_state"] == "accepted"
    assert len(crm.requests) > asked
    assert "groundswell_tier" not in company_


def test_what_one_record_is_refused_for_is_kept_and_can_be_sent_again(company, crm):
    for _ in range(2):
        crm.put("companies", name="Twin", domain="firm1.example")
    project = company(3, **places(crm))
    project.run()
    done = drain(project)
    assert done["dead"] > 0
    dead = project.handoffs.deliveries(status="dead")
    assert {item.account_id for item in dead} == {"a00001"}
    assert all("2 companies" in item.reason and item.fix for item in dead)
    assert {item.account_id for item in project.handoffs.deliveries(status="sent")} == {
        "a00000",
        "a00002",
    }
    companies = crm.records["companies"]
    twin = next(key for key, one in companies.items() if one["properties"].get("name") == "Twin")
    del companies[twin]
    assert project.handoffs.retry(destination="hubspot") == len(dead)
    assert drain(project)["sent"] == len(dead)


def test_a_system_that_is_down_loses_nothing_and_is_asked_when_it_says(company, crm, clock):
    crm.trouble.append(("", 503, {"Retry-After": "30"}, {}))
    project = company(2, **places(crm))
    project.run()
    first = project.handoffs.dispatch()
    assert (first.sent, list(first.failing)) == (0, ["hubspot"])
    assert not project.handoffs.dispatch().failing
    clock.advance(dt.timedelta(seconds=29))
    assert not project.handoffs.dispatch().moved
    clock.advance(dt.timedelta(seconds=1))
    assert drain(project)["sent"] == 6


def test_a_destination_that_is_paused_waits_and_a_dry_run_changes_nothing(company, crm):
    project = company(1, **places(crm))
    project.run()
    project.handoffs.pause("hubspot", who="ann", reason="audit")
    assert not project.handoffs.dispatch().moved
    (state,) = project.handoffs.states()
    assert state.waiting == 3
    assert "by ann: audit" in state.paused
    before = {kind: len(rows) for kind, rows in crm.records.items() if rows}
    changes = project.handoffs.preview("hubspot")
    assert {kind: len(rows) for kind, rows in crm.records.items() if rows} == before
    assert any(change.after.get("groundswell_state") == "assigned" for change in changes)
    assert project.handoffs.resume("hubspot")
    assert drain(project)["sent"] == 3
    with pytest.raises(UsageError, match="Did you mean `hubspot`"):
        project.handoffs.pause("hubspott", who="ann")


def test_the_budget_of_the_day_outlives_a_restart(company, crm, clock):
    project = company(3, **places(crm, daily_requests=4))
    project.run()
    assert project.handoffs.dispatch().failing
    spent = len(crm.requests)
    assert spent <= 4
    project.destinations.close()
    assert project.handoffs.dispatcher._rests
    project.handoffs.dispatcher._rests.clear()
    project.handoffs.dispatch()
    assert len(crm.requests) == spent
    clock.advance(dt.timedelta(days=1))
    project.handoffs.dispatcher._rests.clear()
    project.handoffs.dispatch()
    assert len(crm.requests) > spent


def test_the_rep_has_a_mail_with_the_whole_story(company, mailbox):
    box, port = mailbox
    mail = {
        "host": "127.0.0.1",
        "port": port,
        "from": "pql@ours.example",
        "tls": "none",
    }
    project = company(1, destinations={"email": mail})
    project.run()
    assert drain(project)["sent"] == 1
    ((to, text),) = box.messages
    assert to == [project.handoffs.queue()[0].owner]
    assert "Firm 0" in text
    assert "What would you like to solve first" in text.replace("=\n", "").replace("\r", "")


def test_only_accounts_that_a_destination_wants_and_days_that_are_news(company, crm, clock):
    block = places(crm)
    block["destinations"]["hubspot"]["for"] = "employees > 500"
    project = company(2, **block)
    project.run()
    assert project.handoffs.deliveries() == []


def test_what_was_long_ago_is_recorded_and_nobody_is_told(company, crm, clock):
    project = company(2, **places(crm))
    clock.advance(dt.timedelta(days=10))
    project.run(as_of=dt.date(2026, 3, 4))
    assert len(project.handoffs.queue()) == 2
    assert project.handoffs.deliveries() == []


def test_a_block_that_is_wrong_is_told_before_anything_is_computed(company):
    with pytest.raises(ConfigError, match="There is no setting `tokn`"):
        company(1, destinations={"hubspot": {"tokn": "${TOKEN}"}})
    with pytest.raises(ConfigError, match="Did you mean `score`"):
        company(1, destinations={"hubspot": {"token": "${TOKEN}", "write": ["scor"]}})


def test_what_people_do_in_the_crm_comes_back_and_wins(company, crm, clock):
    for name in ("ann", "bob", "eve"):
        crm.owner(f"{name}@ours.example")
    project = company(3, **places(crm))
    project.run()
    drain(project)
    handoff = project.handoffs.get("a00000")
    other = next(one for one in ("ann@ours.example", "bob@ours.example") if one != handoff.owner)
    clock.advance(dt.timedelta(hours=1))
    owners = {row["email"]: row["id"] for row in crm.owners}
    by_account = {
        one["properties"]["groundswell_account_id"]: key
        for key, one in crm.records["companies"].items()
    }
    crm.change("companies", by_account["a00000"], hubspot_owner_id=owners[other])
    crm.change("companies", by_account["a00001"], groundswell_do_not_contact="true")
    deal = next(
        key
        for key, one in crm.records["deals"].items()
        if (one["properties"].get("dealname") or "").startswith("Firm 2")
    )
    crm.change("deals", deal, dealstage="closedwon", closedate="2026-03-04T10:30:00Z")
    clock.advance(dt.timedelta(hours=1))
    found = project.read_back("hubspot")
    assert found.added["opportunities"] >= 3
    assert found.reassigned == 1
    assert found.barred == 1
    assert project.handoffs.get("a00000").owner == other
    entry = next(one for one in project.journal(account="a00000") if one.kind == "assigned")
    assert entry.body["who"] == "hubspot"
    clock.advance(dt.timedelta(days=1))
    project.run()
    assert str(project.handoffs.get("a00002").state) == "won"
    barred = project.explain("a00001").decision.guardrails
    assert "do_not_contact" in [one.name for one in barred if not one.passed]
    again = project.read_back("hubspot")
    assert (sum(again.added.values()), again.reassigned) == (0, 0)
    # Who owns the account there owns it for the next decision too, and is who it goes to.
    assert project.explain("a00000").decision.owner == other
    assert project.features(accounts=["a00000"]).item(0, "employees") == 80


def test_a_server_reads_back_by_itself_when_it_is_time(company, crm, clock):
    for name in ("ann", "bob"):
        crm.owner(f"{name}@ours.example")
    project = company(1, **places(crm, read_every="30 minutes"))
    project.run()
    drain(project)
    other = next(
        one
        for one in ("ann@ours.example", "bob@ours.example")
        if one != project.handoffs.get("a00000").owner
    )
    (company_,) = crm.records["companies"]
    owners = {row["email"]: row["id"] for row in crm.owners}
    correspondent = Correspondent(project, lambda: True, threading.Lock())
    correspondent.start()
    try:
        assert eventually(lambda: project.ledger.remembered("hubspot", "read:cursor"))
        clock.advance(dt.timedelta(minutes=10))
        crm.change("companies", company_, hubspot_owner_id=owners[other])
        asked = len(crm.requests)
        clock.advance(dt.timedelta(minutes=10))
        assert not eventually(lambda: len(crm.requests) > asked, seconds=2.5)
        clock.advance(dt.timedelta(minutes=20))
        assert eventually(lambda: project.handoffs.get("a00000").owner == other)
    finally:
        correspondent.stop()


def test_how_often_is_read_back_is_checked(company):
    hub = {"token": "${TOKEN}"}
    with pytest.raises(ConfigError, match="`soon` is no length of time"):
        company(1, destinations={"hubspot": {**hub, "read_every": "soon"}})
    with pytest.raises(ConfigError, match="too often"):
        company(1, destinations={"hubspot": {**hub, "read_every": "0.5 minutes"}})
    never = company(1, destinations={"hubspot": {**hub, "read_every": "never"}})
    assert never.destinations.read_every("hubspot") is None
