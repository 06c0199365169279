"""Whoever works an account already is told what is new, and it is not handed over again."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from tests.connectors.test_email import OnAnyPort
from tests.handing.test_delivering import Mailbox, drain

pytestmark = pytest.mark.loopback
ANN, BOB = "ann@ours.example", "bob@ours.example"


@pytest.fixture
def mail():
    box = Mailbox()
    controller = OnAnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    to = {
        "host": "127.0.0.1",
        "from": "pql@ours.example",
        "tls": "none",
        "to": ["team@ours.example"],
    }
    yield box, {"destinations": {"email": {**to, "port": controller.port}}}
    controller.stop()


def load(project, kind: str, *rows: dict[str, Any]) -> None:
    path = project.root / f"more_{kind}.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    (report,) = project.load(kind, [path])
    assert report.rejected == 0


def ask(project, number: int, at: dt.datetime) -> None:
    """Let somebody of an account ask for a person."""
    row = {"message_id": f"again-{number}-{at}", "user_id": f"x{number}"}
    row |= {"account_id": f"a{number:05}", "event": "Asked", "timestamp": at.isoformat()}
    load(project, "events", row)


def owned(project, number: int, owner: str | None) -> None:
    """Let a CRM say who owns an account."""
    row = {
        "account_id": f"a{number:05}",
        "name": f"Firm {number}",
        "domain": f"firm{number}.example",
    }
    load(project, "accounts", row | {"employees": 80, "owner": owner})


def received(box: Mailbox) -> list[tuple[str, str]]:
    """Return to whom each mail went, and its subject; and forget them."""
    found = [
        (to[0], next(line for line in text.splitlines() if line.startswith("Subject:"))[9:])
        for to, text in box.messages
    ]
    box.messages.clear()
    return sorted(found)


def told(project, account: str) -> list[str]:
    entries = project.journal(account=account, kind="owner_told")
    return [f"{entry.body['news']} {entry.as_of}" for entry in entries]


def test_the_owner_of_an_account_that_asks_is_told_at_once_and_nobody_else_has_it(
    company, mail, clock
):
    box, blocks = mail
    project = company(2, **blocks)
    owned(project, 0, ANN)
    project.run()
    drain(project)
    assert [row.account_id for row in project.handoffs.queue()] == ["a00001"]
    assert (ANN, "Firm 0 asks for a person.") in received(box)
    assert told(project, "a00000") == ["asked 2026-03-03"]
    project.run()
    assert drain(project) == {}
    received(box)
    clock.advance(dt.timedelta(days=1))
    project.run()
    drain(project)
    assert not [subject for _, subject in received(box) if "Firm 0" in subject]
    ask(project, 0, clock.now() - dt.timedelta(hours=1))
    project.run()
    drain(project)
    assert received(box) == [(ANN, "Firm 0 asks for a person.")]


def test_an_owner_by_an_open_opportunity_alone_is_told_in_the_channel(company, mail, clock):
    box, blocks = mail
    project = company(1, **blocks)
    deal = {"opportunity_id": "o1", "account_id": "a00000", "stage": "Demo"}
    load(project, "opportunities", deal | {"created_at": "2026-02-01T00:00:00Z"})
    project.run()
    drain(project)
    assert project.handoffs.queue() == []
    assert received(box) == [("team@ours.example", "Firm 0 asks for a person.")]


def test_who_has_a_handoff_is_told_when_it_asks_again_and_a_rest_ends(company, mail, clock):
    box, blocks = mail
    project = company(1, **blocks)
    project.run()
    drain(project)
    assert len(received(box)) == 1
    assert told(project, "a00000") == []  # the handoff itself says so
    (row,) = project.handoffs.queue()
    project.handoffs.step(row.account_id, "snooze", who=row.owner, days=14)
    clock.advance(dt.timedelta(days=2))
    ask(project, 0, clock.now() - dt.timedelta(minutes=5))
    project.run()
    drain(project)
    assert received(box) == [(row.owner, "Firm 0 asks for a person.")]
    (awake,) = project.handoffs.queue()
    assert awake.state in {"accepted", "assigned"}
    assert awake.due_at == clock.now() + dt.timedelta(hours=1)


def test_of_an_account_that_nobody_may_contact_nobody_is_told(company, mail, clock):
    box, blocks = mail
    project = company(1, **blocks, guardrails={"do_not_contact": ["a00000"]})
    owned(project, 0, ANN)
    project.run()
    drain(project)
    assert received(box) == []
    assert told(project, "a00000") == []


def test_an_account_that_qualifies_is_told_to_its_owner_but_not_of_long_ago(company, mail, clock):
    _box, blocks = mail
    project = company(2, **blocks, score={"qualified": {"at_least": 5}})
    owned(project, 0, BOB)
    project.run()
    drain(project)
    since = project.explain("a00000").qualified_since
    assert since < dt.date(2026, 3, 3)
    assert [line for line in told(project, "a00000") if line.startswith("qualified")] == []


def test_a_customer_that_could_take_more_is_told_of_with_the_opportunity(company, mail, clock):
    box, blocks = mail
    plans = {
        "team": {"price": "10 per seat monthly", "seats": 10},
        "business": {"price": "20 per seat monthly", "seats": 100},
    }
    signs = {
        "full": {"when": "days_since_active >= 0", "points": 90, "say": "{users_total} people"}
    }
    project = company(1, **blocks, plans=plans, alerts={"signs": signs})
    owned(project, 0, ANN)
    plan = {"subscription_id": "s1", "account_id": "a00000", "plan": "team", "mrr": 90}
    load(project, "subscriptions", plan | {"started_at": "2026-01-05T00:00:00Z"})
    project.run()
    drain(project)
    (entry,) = project.journal(kind="usage_alert")
    mails = {subject: to for to, subject in received(box)}
    assert mails["Firm 0 could take more."] == ANN
    bodies = [item.body for item in project.handoffs.deliveries() if item.key.startswith("usage")]
    assert all(entry.body["reason"] in body["text"] for body in bodies)
    assert len(bodies) == 1


CAM = "cam@ours.example"
SUCCESS = {"customer_success": {"members": [{"name": "Cam", "email": CAM}]}}


def pays(project, number: int, mrr: int) -> None:
    """Let an account pay for a plan."""
    row = {"subscription_id": f"s{number}", "account_id": f"a{number:05}", "plan": "team"}
    load(project, "subscriptions", row | {"mrr": mrr, "started_at": "2026-01-05T00:00:00Z"})


def test_a_customer_at_risk_is_told_to_who_looks_after_it_and_to_its_owner_together(
    company, mail, clock
):
    box, blocks = mail
    signs = {"silent": {"when": "days_since_active >= 0", "say": "{users_total} people are silent"}}
    project = company(2, **blocks, teams=SUCCESS, risks={"signs": signs})
    owned(project, 0, ANN)
    pays(project, 0, 2_000)
    pays(project, 1, 10)
    report = project.run()
    assert report.risks == 2
    drain(project)
    dear = [(to, subject) for to, subject in received(box) if subject == "Firm 0 is at risk."]
    assert dear == [(ANN, "Firm 0 is at risk."), (CAM, "Firm 0 is at risk.")]
    sent = [item for item in project.handoffs.deliveries() if item.key.startswith("risk")]
    texts = {item.body["to"]: item.body["text"] for item in sent}
    assert set(texts) == {ANN, CAM, None}  # nobody is named for the one that pays little
    assert f"{CAM} is told too." in texts[ANN]
    assert f"{ANN} is told too." in texts[CAM]
    assert "Keep them" in texts[CAM]
    project.run()
    drain(project)
    assert received(box) == []


def test_growth_is_its_owners_and_who_looks_after_the_customer_is_informed(company, mail, clock):
    _, blocks = mail
    signs = {"more": {"when": "days_since_active >= 0", "points": 90, "say": "{users_total} users"}}
    none = dict.fromkeys(("usage_down", "champion_silent", "admin_left"))
    project = company(1, **blocks, teams=SUCCESS, risks={"signs": none}, alerts={"signs": signs})
    owned(project, 0, ANN)
    pays(project, 0, 2_000)
    project.run()
    drain(project)
    sent = [item for item in project.handoffs.deliveries() if item.key.startswith("usage")]
    texts = {item.body["to"]: item.body["text"] for item in sent}
    assert set(texts) == {ANN, CAM}
    assert "you are told because you look after it" in texts[CAM]
    assert f"{CAM} looks after it, and is told too." in texts[ANN]
