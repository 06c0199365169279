"""Every step from every state: where it leads, and where it is refused."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.errors import UsageError
from groundswell.handoff.life import (
    CLOSED,
    RULES,
    State,
    Step,
    check_step,
    follow,
    handoff_id,
    may,
    step_key,
)
from groundswell.store.ledger import JournalEntry

AT = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
NAME = handoff_id("acme", 0)
FACTS = {
    Step.ROUTED: {"number": 0, "motion": "sales_assist", "team": "sales_assist", "score": 81.0},
    Step.ASSIGNED: {"owner": "ann@x.example", "team": "sales_assist"},
    Step.SNOOZED: {"until": (AT + dt.timedelta(days=7)).isoformat()},
    Step.ESCALATED: {"motion": "enterprise", "team": "enterprise", "needs_engineer": True},
    Step.DECLINED: {"reason": "too_early"},
    Step.LOST: {"reason": "price", "competitor": "Other Inc"},
}
WAYS = {
    State.ROUTED: [Step.ROUTED],
    State.ASSIGNED: [Step.ROUTED, Step.ASSIGNED],
    State.ACCEPTED: [Step.ROUTED, Step.ASSIGNED, Step.ACCEPTED],
    State.WORKING: [Step.ROUTED, Step.ASSIGNED, Step.ACCEPTED, Step.TOUCHED],
    State.SNOOZED: [Step.ROUTED, Step.ASSIGNED, Step.SNOOZED],
    State.OPPORTUNITY: [Step.ROUTED, Step.ASSIGNED, Step.OPENED],
    State.WON: [Step.ROUTED, Step.WON],
    State.LOST: [Step.ROUTED, Step.LOST],
    State.DECLINED: [Step.ROUTED, Step.ASSIGNED, Step.DECLINED],
    State.CONVERTED: [Step.ROUTED, Step.CONVERTED],
    State.EXPIRED: [Step.ROUTED, Step.EXPIRED],
}


def entries(steps, *, account="acme", number=0):
    name = handoff_id(account, number)
    return [
        JournalEntry(
            key=step_key(name, place),
            account_id=account,
            kind=str(step),
            at=AT + dt.timedelta(hours=place),
            as_of=AT.date(),
            body={"handoff_id": name, "who": "ann", **FACTS.get(step, {})},
        )
        for place, step in enumerate(steps)
    ]


def after(*steps):
    return follow(entries(steps))[NAME]


@pytest.mark.parametrize("state", State)
def test_every_state_can_be_reached(state):
    assert after(*WAYS[state]).state is state


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", Step)
def test_a_step_leads_where_its_rule_says_or_is_refused(state, step):
    handoff = after(*WAYS[state])
    moved = after(*WAYS[state], step)
    assert moved.steps == handoff.steps + 1
    if state in RULES[step].from_states:
        check_step(handoff, step)
        assert moved.state is (RULES[step].to or state)
    else:
        assert moved.state is state
        with pytest.raises(UsageError, match=f"is {state}, and cannot be {step} now"):
            check_step(handoff, step)


@pytest.mark.parametrize("state", sorted(CLOSED))
def test_nothing_comes_after_the_end(state):
    handoff = after(*WAYS[state])
    assert not handoff.is_open
    assert handoff.due_at is None
    assert not any(may(handoff, step) for step in Step)


def test_what_steps_tell_is_kept():
    given_ = after(Step.ROUTED, Step.ASSIGNED, Step.ACCEPTED, Step.TOUCHED)
    assert (given_.owner, given_.had) == ("ann@x.example", ("ann@x.example",))
    assert given_.touched_at == AT + dt.timedelta(hours=2)
    escalated = after(Step.ROUTED, Step.ASSIGNED, Step.ESCALATED)
    assert (escalated.state, escalated.owner) == (State.ROUTED, None)
    assert (escalated.motion, escalated.needs_engineer) == ("enterprise", True)
    lost = after(Step.ROUTED, Step.ASSIGNED, Step.LOST)
    assert (lost.closed_reason, lost.competitor) == ("price", "Other Inc")
    rests = after(Step.ROUTED, Step.ASSIGNED, Step.SNOOZED)
    assert rests.snoozed_until == AT + dt.timedelta(days=7)
    assert after(Step.ROUTED, Step.ASSIGNED, Step.BREACHED).breaches == 1


def test_handoffs_of_several_accounts_are_told_apart():
    mixed = [
        entry
        for pair in zip(
            entries([Step.ROUTED, Step.ASSIGNED]),
            entries([Step.ROUTED, Step.WON], account="bolt"),
            strict=True,
        )
        for entry in pair
    ]
    found = {handoff.account_id: handoff.state for handoff in follow(mixed).values()}
    assert found == {"acme": State.ASSIGNED, "bolt": State.WON}


@given(steps=st.lists(st.sampled_from(sorted(Step)), max_size=12))
def test_any_steps_leave_a_handoff_in_one_state_and_closed_for_good(steps):
    states = []
    for count in range(len(steps) + 1):
        found = follow(entries([Step.ROUTED, *steps[:count]]))
        states.append(found[NAME].state)
    closed = [state in CLOSED for state in states]
    assert closed == sorted(closed)
    if any(closed):
        assert len(set(states[closed.index(True) :])) == 1
