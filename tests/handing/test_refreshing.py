"""Values of accounts reach the records of other systems after each pass: all, once, as news."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from groundswell.connectors import registry
from groundswell.errors import UsageError
from groundswell.handoff.life import State
from tests.handing.pile import Pile

if TYPE_CHECKING:
    from groundswell.engine import Project
    from groundswell.store.outbox import KeptDelivery

QUALIFYING = {"score": {"qualified": {"above": 10}}}
NOBODY = {"guardrails": {"do_not_contact": ["a00001", "a00002"]}}
"""Two of the accounts qualify, and nobody may be told to contact them."""


@pytest.fixture
def pile(monkeypatch: pytest.MonkeyPatch) -> Pile:
    monkeypatch.setitem(registry.DESTINATIONS, "pile", "tests.handing.pile:DESTINATION")
    monkeypatch.setattr(Pile, "there", Pile(), raising=False)
    return Pile.there


def drain(project: Project) -> int:
    sent = 0
    while (done := project.handoffs.dispatch()).moved:
        sent += done.sent
    return sent


def nightly(project: Project) -> list[KeptDelivery]:
    """Return what passes wrote, not the steps of handoffs."""
    kept = project.handoffs.deliveries(limit=None)
    return [item for item in kept if item.key.startswith("values:")]


def settle(project: Project, **score: object) -> None:
    """Change what qualifies, as a user does between two runs."""
    file = project.root / "groundswell.yaml"
    told = json.loads(file.read_text())
    file.write_text(json.dumps({**told, "score": score}))


def reopened(project: Project) -> Project:
    clock, environ = project.clock, project.environ
    project.close()
    return type(project).open(project.root, clock=clock, environ=environ)


def test_every_account_that_qualifies_is_told_with_or_without_a_handoff(company, pile):
    project = company(4, destinations={"pile": {}}, **QUALIFYING, **NOBODY)
    project.run()
    drain(project)
    assert sorted(pile.records) == ["a00000", "a00001", "a00002", "a00003"]
    alone, handed = pile.records["a00001"], pile.records["a00000"]
    assert (alone["state"], alone["qualified"], alone["score"]) == ("qualified", True, 16.0)
    assert "80 employees" in alone["reasons"]
    assert "owner" not in alone
    handoff = project.handoffs.get("a00000")
    assert (handed["state"], handed["owner"]) == (str(State.ASSIGNED), handoff.owner)
    assert "asked for a person" in handed["reasons"]


def test_what_it_has_is_not_even_written_again(company, pile, clock):
    project = company(4, destinations={"pile": {}}, **QUALIFYING, **NOBODY)
    project.run()
    drain(project)
    kept = len(project.handoffs.deliveries(limit=None))
    clock.advance(dt.timedelta(minutes=5))
    project.run()
    assert len(project.handoffs.deliveries(limit=None)) == kept
    clock.advance(dt.timedelta(days=1))  # usage lies a day further back: the score may differ
    project.run()
    before = {name: dict(record) for name, record in pile.records.items()}
    drain(project)
    later = project.handoffs.deliveries(limit=None)[: -kept or None]
    assert all(
        pile.records[item.account_id] != before[item.account_id]
        for item in later
        if item.status == "sent"
    )


def test_an_account_that_qualifies_no_more_is_told_once_more(company, pile, clock):
    project = company(2, destinations={"pile": {}}, **QUALIFYING, **NOBODY)
    project.run()
    drain(project)
    assert pile.records["a00001"]["qualified"] is True
    settle(project, qualified={"above": 90})
    clock.advance(dt.timedelta(days=1))
    project = reopened(project)
    project.run()
    drain(project)
    assert pile.records["a00001"]["qualified"] is False
    assert pile.records["a00001"]["state"] == "monitored"
    kept = nightly(project)
    clock.advance(dt.timedelta(days=1))
    project.run()
    assert nightly(project) == kept
    project.close()


def test_only_accounts_that_a_destination_wants(company, pile):
    wants = {"pile": {"for": "account_age_days < 0"}, "other": {"type": "pile", "write": ["task"]}}
    project = company(2, destinations=wants, **QUALIFYING, **NOBODY)
    project.run()
    assert nightly(project) == []


def test_only_news_of_what_is_written_is_news(company, pile, clock):
    project = company(2, destinations={"pile": {"write": ["state"]}}, **QUALIFYING, **NOBODY)
    project.run()
    drain(project)
    assert pile.records["a00001"] == {
        "state": "qualified",
        "qualified": True,
        "updated_on": "2026-03-04",
    }
    clock.advance(dt.timedelta(days=1))
    project.run()
    assert [item.account_id for item in nightly(project)] == ["a00001"]


def test_what_waits_is_told_with_what_is_new(company, pile, clock):
    """A step with its reasons waits; what replaces it says them too, and the night adds nothing."""
    project = company(1, destinations={"pile": {}}, **QUALIFYING)
    project.run()
    (step,) = project.handoffs.deliveries(status="waiting")
    project.handoffs.step("a00000", "accept", who="ann@ours.example")
    clock.advance(dt.timedelta(days=1))
    project.run()
    assert drain(project) == 1
    assert pile.records["a00000"]["reasons"] == step.body["values"]["reasons"]
    assert pile.records["a00000"]["state"] == "accepted"


def test_what_is_refused_is_not_written_again_until_it_differs(company, pile, clock):
    pile.refuses = {"a00001"}
    project = company(2, destinations={"pile": {}}, **QUALIFYING, **NOBODY)
    project.run()
    drain(project)
    assert [item.account_id for item in project.handoffs.deliveries(status="dead")] == ["a00001"]
    clock.advance(dt.timedelta(hours=1))
    project.run()
    drain(project)
    assert len(project.handoffs.deliveries(status="dead")) == 1


def test_a_day_that_is_over_is_told_to_nobody(company, pile, clock):
    project = company(2, destinations={"pile": {}}, **QUALIFYING, **NOBODY)
    project.run()
    drain(project)
    before = {name: dict(record) for name, record in pile.records.items()}
    project.run(as_of=dt.date(2026, 3, 3))
    clock.advance(dt.timedelta(days=3))
    project.run(as_of=dt.date(2026, 3, 5))
    assert [item.made_at.date() for item in nightly(project)] == [dt.date(2026, 3, 4)]
    drain(project)
    assert pile.records["a00001"] == before["a00001"]


def test_many_go_as_one_load_and_few_in_batches(company, pile):
    project = company(5, destinations={"pile": {}}, **QUALIFYING)
    project.run()
    pile.refuses = {"a00002"}
    assert drain(project) == 4
    assert pile.calls == [("bulk", 5)]
    (dead,) = project.handoffs.deliveries(status="dead")
    assert (dead.account_id, dead.reason) == ("a00002", "No room.")
    pile.refuses = set()
    pile.calls.clear()
    project.handoffs.retry(destination="pile")
    assert drain(project) == 1
    assert pile.calls == [("batch", 1)]


def test_a_load_that_breaks_off_is_done_again(company, pile, clock):
    project = company(4, destinations={"pile": {}}, **QUALIFYING)
    project.run()
    pile.broken = True
    assert list(project.handoffs.dispatch().failing) == ["pile"]
    pile.broken = False
    clock.advance(dt.timedelta(minutes=5))
    assert drain(project) == 4
    assert pile.calls == [("bulk", 4)]


def test_a_backfill_tells_everything_again_to_a_system_that_lost_it(company, pile, clock):
    project = company(4, destinations={"pile": {}}, **QUALIFYING, **NOBODY)
    project.run()
    drain(project)
    before = {name: dict(record) for name, record in pile.records.items()}
    pile.records.clear()
    found = project.handoffs.backfill("pile", dry_run=True)
    assert (found.accounts, found.bulk, len(found.changes)) == (4, True, 4)
    assert all(change.before["score"] == change.after["score"] for change in found.changes)
    assert drain(project) == 0
    clock.advance(dt.timedelta(minutes=1))
    assert project.handoffs.backfill("pile").accounts == 4
    assert drain(project) == 4
    for name in pile.records:  # whose it is there, is theirs to say by now
        before[name].pop("owner", None)
    assert pile.records == before


def test_a_backfill_of_all_tells_those_too_that_do_not_qualify(company, pile):
    project = company(3, destinations={"pile": {}}, **NOBODY)
    project.run()
    drain(project)
    assert sorted(pile.records) == ["a00000"]  # it asked, and was handed over
    assert project.handoffs.backfill("pile").accounts == 0
    assert project.handoffs.backfill("pile", every=True).accounts == 3
    drain(project)
    assert pile.records["a00002"]["qualified"] is False


def test_a_destination_without_values_is_told_of(company, pile):
    there = {"pile": {"write": ["task"]}}
    project = company(1, destinations=there, **QUALIFYING)
    with pytest.raises(UsageError, match="Accounts have not been scored"):
        project.handoffs.backfill("pile")
    project.run()
    with pytest.raises(UsageError, match="is not told values of accounts"):
        project.handoffs.backfill("pile")
    with pytest.raises(UsageError, match="Did you mean `pile`"):
        project.handoffs.backfill("pil")


def test_a_server_tells_after_each_full_pass(company, pile, clock):
    project = company(2, destinations={"pile": {}}, **QUALIFYING, **NOBODY)
    live = project.follow()
    live.rebase()
    assert [item.account_id for item in nightly(project)] == ["a00001"]
    drain(project)
    clock.advance(dt.timedelta(days=1))
    assert live.is_due()
    live.rebase()
    drain(project)
    assert project.handoffs.backfill("pile").accounts == 2
