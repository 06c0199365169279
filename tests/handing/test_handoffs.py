"""From a decision to a person, and what comes of it: on a real project, with its journal."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from groundswell.errors import UsageError
from groundswell.handoff.life import State

from .conftest import DAY


def states(project):
    return {row.account_id: row for row in project.handoffs.queue(every=True)}


def history(project, account):
    return [entry.kind for entry in reversed(project.journal(account=account))]


def load_rows(project, kind, header, *rows):
    file = project.root / f"more_{kind}.csv"
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    project.load(kind, [file])


def test_who_asks_is_handed_over_once_and_given_to_somebody(company, clock):
    project = company(3)
    report = project.run()
    assert report.hand_overs == 3
    rows = states(project)
    assert {row.state for row in rows.values()} == {"assigned"}
    assert all(row.urgent and row.team == "sales_assist" for row in rows.values())
    assert {row.due_at for row in rows.values()} == {clock.now() + dt.timedelta(hours=1)}
    assert set(Counter(row.owner for row in rows.values()).values()) == {1, 2}
    assert history(project, "a00000") == ["decided", "routed", "assigned"]
    assert project.run().journal_entries == 0
    clock.advance(dt.timedelta(days=1))
    project.run()
    assert len(project.handing.book.refresh().all()) == 3


def test_nobody_is_over_capacity_and_who_waits_gets_the_next_free_desk(company, clock):
    project = company(8)
    project.run()
    rows = states(project)
    held = Counter(row.owner for row in rows.values())
    assert held == {"ann@ours.example": 3, "bob@ours.example": 3, None: 2}
    waiting = sorted(name for name, row in rows.items() if row.owner is None)
    assert project.handoffs.sweep() == 0
    mine = next(name for name, row in rows.items() if row.owner == "ann@ours.example")
    project.handoffs.step(mine, "decline", who="ann@ours.example", reason="too_early")
    assert project.handoffs.sweep() == 1
    rows = states(project)
    assert Counter(row.owner for row in rows.values())["ann@ours.example"] == 3
    assert mine not in rows
    assert sum(rows[name].owner is None for name in waiting) == 1


def test_a_breach_is_given_to_somebody_else_once_and_then_told_to_the_manager(company, clock):
    project = company(1)
    project.run()
    first = states(project)["a00000"].owner
    clock.advance(dt.timedelta(hours=1))
    assert project.handoffs.sweep() == 1
    row = states(project)["a00000"]
    assert row.owner not in {first, None}
    assert row.due_at == clock.now() + dt.timedelta(hours=1)
    clock.advance(dt.timedelta(hours=2))
    assert project.handoffs.sweep() == 1
    again = states(project)["a00000"]
    assert (again.owner, again.due_at) == (row.owner, None)
    assert history(project, "a00000")[-3:] == ["breached", "assigned", "breached"]
    last = project.journal(account="a00000")[0]
    assert last.body["manager"] == "max@ours.example"
    assert project.handoffs.sweep() == 0


def test_a_rest_ends_by_itself(company, clock):
    project = company(1)
    project.run()
    project.handoffs.step("a00000", "snooze", who="ann@ours.example", days=3)
    assert project.handoffs.queue() == []
    clock.advance(dt.timedelta(days=2, hours=23))
    assert project.handoffs.sweep() == 0
    clock.advance(dt.timedelta(hours=1))
    assert project.handoffs.sweep() == 1
    (row,) = project.handoffs.queue()
    assert row.state == "assigned"
    assert row.due_at > clock.now()


def test_what_is_declined_rests_unless_they_ask_again(company, clock):
    project = company(1)
    project.run()
    project.handoffs.step("a00000", "decline", who="bob@ours.example", reason="no_budget")
    clock.advance(dt.timedelta(days=5))
    project.run()
    explained = project.explain("a00000").decision
    assert not explained.hand_over
    header = "message_id,user_id,account_id,event,timestamp"
    load_rows(project, "events", header, "again,x0,a00000,Asked,2026-03-10T08:00:00Z")
    clock.advance(dt.timedelta(days=1))
    project.run()
    assert history(project, "a00000").count("routed") == 2
    assert len(project.handoffs.queue()) == 1


def test_enterprise_is_handed_on_warm_with_a_solution_engineer(company):
    project = company(1)
    project.run()
    before = states(project)["a00000"].owner
    project.handoffs.step("a00000", "accept", who=before)
    found = project.handoffs.step(
        "a00000", "escalate", who=before, note="They want one contract.", engineer=True
    )
    assert (found.owner, found.motion, found.team) == (
        "eve@ours.example",
        "enterprise",
        "enterprise",
    )
    assert found.needs_engineer
    step = next(e for e in project.journal(account="a00000") if e.kind == "escalated")
    assert (step.body["from_owner"], step.body["why"]) == (before, "They want one contract.")
    with pytest.raises(UsageError, match="The enterprise team has it already"):
        project.handoffs.step("a00000", "escalate", who="eve@ours.example")


@pytest.mark.parametrize(
    ("action", "told", "said"),
    [
        ("decline", {}, "needs a reason"),
        ("decline", {"reason": "to_early"}, "Did you mean `too_early`"),
        ("snooze", {"days": 400}, "cannot rest for 400 days"),
        ("reassign", {"to": "ann@ours.exampel"}, "Did you mean `ann@ours.example`"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_can(company, action, told, said):
    project = company(1)
    project.run()
    with pytest.raises(UsageError, match=said):
        project.handoffs.step("a00000", action, who="ann@ours.example", **told)
    with pytest.raises(UsageError, match="no account `nobody`"):
        project.handoffs.step("nobody", "accept", who="ann@ours.example")


def test_of_two_who_act_at_once_one_is_told_that_the_other_was_faster(company):
    project = company(1)
    project.run()
    handoff = project.handoffs.get("a00000")
    stale = project.handing
    other = type(stale)(project.loaded, project.ledger, project.clock)
    from groundswell.engine.handing.acting import Act
    from groundswell.engine.handing.opening import Opener

    behind = Opener(project.loaded, other.book.refresh(), project.clock.now())
    stale.act(handoff, Act("accept", "ann@ours.example"), None)
    from groundswell.engine.handing.acting import act

    late = act(behind, handoff, Act("decline", "bob@ours.example", "other"), None)
    assert project.ledger.append_groups([late]) == [False]
    assert project.handoffs.get("a00000").state is State.ACCEPTED


OPPORTUNITY = (
    "opportunity_id,account_id,created_at,stage,amount,closed_at,won,lost_reason,competitor"
)


def test_what_the_crm_and_billing_say_moves_handoffs(company, clock):
    project = company(6)
    project.run()
    clock.advance(dt.timedelta(days=2))
    load_rows(
        project,
        "opportunities",
        OPPORTUNITY,
        "o1,a00001,2026-03-05T09:00:00Z,proposal,5000,,,,",
        "o2,a00002,2026-03-05T09:00:00Z,closed,5000,2026-03-06T08:00:00Z,true,,",
        "o3,a00003,2026-03-05T09:00:00Z,closed,5000,2026-03-06T08:00:00Z,false,price,Other Inc",
    )
    load_rows(
        project,
        "touches",
        "account_id,user_id,rep,kind,at",
        "a00004,x4,ann@ours.example,call,2026-03-05T10:00:00Z",
    )
    load_rows(
        project,
        "subscriptions",
        "account_id,plan,mrr,started_at",
        "a00005,team,90,2026-03-05T10:00:00Z",
    )
    project.run()
    found = {item.account_id: item for item in project.handing.book.refresh().all()}
    assert found["a00000"].state is State.ASSIGNED
    assert found["a00001"].state is State.OPPORTUNITY
    assert found["a00002"].state is State.WON
    assert (found["a00003"].state, found["a00003"].closed_reason) == (State.LOST, "price")
    assert found["a00003"].competitor == "Other Inc"
    assert found["a00004"].state is State.WORKING
    assert found["a00005"].state is State.CONVERTED
    assert project.run().journal_entries == 0


def test_a_brief_tells_who_and_what_to_say(company):
    project = company(1)
    project.run()
    brief = project.brief("Firm 0")
    assert brief.sentence.startswith("Firm 0 asked for a person yesterday")
    assert [(person.name, person.role) for person in brief.people][:2] == [
        ("X 0", "champion"),
        ("Y 0", "senior"),
    ]
    assert brief.play.name == "hand_raise"
    assert brief.owner == states(project)["a00000"].owner
    assert brief.history == ()
    assert brief.as_of == DAY


def test_a_brief_of_a_past_day_knows_nothing_of_what_came_after(company, clock):
    project = company(1)
    project.run()
    project.handoffs.step("a00000", "decline", who="ann@ours.example", reason="no_budget")
    clock.advance(dt.timedelta(days=2))
    now, then = (
        project.brief("a00000", as_of=DAY + dt.timedelta(days=2)),
        project.brief("a00000", as_of=DAY - dt.timedelta(days=1)),
    )
    assert "Declined: No budget" in [item.what for item in now.history]
    assert (then.history, then.owner, then.urgent) == ((), None, False)


def test_of_a_deal_the_latest_version_counts_and_a_day_to_come_closes_nothing(company, clock):
    project = company(3)
    project.run()
    clock.advance(dt.timedelta(days=2))
    load_rows(
        project,
        "opportunities",
        f"{OPPORTUNITY},valid_from",
        "o0,a00000,2026-03-05T09:00:00Z,z,5000,,,,,2026-03-05T09:00:00Z",
        "o0,a00000,2026-03-05T09:00:00Z,a,5000,2026-03-06T08:00:00Z,true,,,2026-03-06T08:00:00Z",
        "o1,a00001,2026-03-05T09:00:00Z,proposal,5000,2026-04-30T08:00:00Z,,,,2026-03-05T09:00:00Z",
        "o2,a00002,2026-03-05T09:00:00Z,proposal,5000,2026-03-05T10:00:00Z,,,,2026-03-05T09:00:00Z",
    )
    project.run()
    found = {item.account_id: item.state for item in project.handing.book.refresh().all()}
    assert found["a00000"] is State.WON
    assert found["a00001"] is found["a00002"] is State.OPPORTUNITY


def test_a_policy_is_tried_on_the_past(company, tmp_path):
    project = company(3)
    policy = (tmp_path / "groundswell.yaml").read_text(encoding="utf-8")
    other = tmp_path / "other.yaml"
    other.write_text(
        policy.replace('"teams"', '"guardrails": {"do_not_contact": ["a00001"]}, "teams"')
    )
    found = project.simulate(other, since=dt.date(2026, 2, 1), until=DAY)
    assert (found.now, found.then) == ({"sales_assist": 3}, {"sales_assist": 2})
    assert [(item.account_id, item.change) for item in found.differing] == [("a00001", "only now")]
    other.write_text(policy.replace("Made", "Built"))
    with pytest.raises(UsageError, match="differs in `events`"):
        project.simulate(other, since=DAY)
