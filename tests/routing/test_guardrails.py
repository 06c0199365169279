"""Every guardrail, passed and failed, at its limit; and what a hand-raise waives."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from groundswell.model import Trigger
from groundswell.routing import AccountState, is_explored, is_held_out

DAY = dt.date(2026, 3, 1)
QUALIFIED = AccountState(qualified=True)
PRICING = Trigger("pricing_viewed_twice", "intent", DAY, "Pricing viewed 2 times in four weeks")
DOMAIN = Trigger("enterprise_domain", "account", DAY, "Enterprise domain")
ALL = [
    "do_not_contact",
    "account_age",
    "activated",
    "silence",
    "onboarding",
    "trigger",
    "account_touch",
    "person_touch",
    "last_handoff",
    "queue",
    "holdout",
]


def ago(days: int) -> dt.date:
    return DAY - dt.timedelta(days=days)


@pytest.fixture
def checked(decided, make_score):
    """The decision on a qualified account with a trigger, and one of its guardrails."""

    def run(name, *, state=QUALIFIED, triggers=(PRICING,), config=None, **values):
        decision = decided(make_score(80), state, triggers, config, **values)
        return next(result for result in decision.guardrails if result.name == name), decision

    return run


def test_all_pass_and_the_account_is_handed_over(checked):
    _, decision = checked("holdout")
    assert [result.name for result in decision.guardrails] == ALL
    assert all(result.passed for result in decision.guardrails)
    assert decision.hand_over
    assert decision.reason == (
        "Rule `high score, small business` matched; handed over because it is qualified."
    )


@pytest.mark.parametrize(
    ("name", "values", "passed", "reason"),
    [
        ("account_age", {"account_age_days": 4}, True, "4 days old, more than 3."),
        ("account_age", {"account_age_days": 3}, False, "Too early: 3 days old, not more than 3."),
        (
            "account_age",
            {"account_age_days": None},
            False,
            "How old the account is, is unknown.",
        ),
        ("activated", {}, True, "Activated."),
        ("activated", {"is_activated": False}, False, "Too early: not activated yet."),
        ("activated", {"is_activated": None}, False, "Whether it is activated is unknown."),
        (
            "silence",
            {"days_since_active": 180},
            True,
            "Active 180 days ago, no more than 180.",
        ),
        (
            "onboarding",
            {"is_onboarding": True, "has_friction": False},
            False,
            "Progressing through onboarding without friction.",
        ),
        (
            "onboarding",
            {"is_onboarding": True, "has_friction": True},
            True,
            "Onboarding, with friction.",
        ),
        ("onboarding", {}, True, "Not in the middle of onboarding."),
        ("queue", {"is_paying": True}, True, "A paying customer."),
        ("queue", {}, True, "A free user, and qualified."),
    ],
)
def test_guardrails_that_read_features(checked, name, values, passed, reason):
    result, decision = checked(name, **values)
    assert (result.passed, result.reason) == (passed, reason)
    assert values.items() <= {**result.values, **decision_values(decision, values)}.items()
    assert decision.hand_over is passed


def decision_values(decision, names):
    """What all guardrails of a decision recorded."""
    recorded = {}
    for result in decision.guardrails:
        recorded |= {key: value for key, value in result.values.items() if key in names}
    return recorded


@pytest.mark.parametrize(
    ("silent", "since", "passed", "reason"),
    [
        (181, ago(28), False, "Too late: silent for 181 days, and nothing new."),
        (181, ago(27), True, "Silent for 181 days, but new: pricing_viewed_twice."),
        (None, ago(28), False, "Too late: never active, and nothing new."),
    ],
)
def test_silence(checked, silent, since, passed, reason):
    trigger = dataclasses.replace(PRICING, since=since)
    result, decision = checked("silence", triggers=(trigger,), days_since_active=silent)
    assert (result.passed, result.reason) == (passed, reason)
    assert decision.hand_over is passed


def test_an_account_trigger_alone_does_not_suggest_a_human(checked):
    result, decision = checked("trigger", triggers=(DOMAIN,))
    assert result.reason == "Nothing in usage or intent suggests that a human helps."
    assert not decision.hand_over
    result, _ = checked("trigger", triggers=(DOMAIN, PRICING))
    assert (result.passed, result.values) == (True, {"triggers": "pricing_viewed_twice"})


@pytest.mark.parametrize(
    ("last", "passed", "reason"),
    [
        (None, True, "The account was never contacted."),
        (ago(30), True, "The account was last contacted 30 days ago, 30 or more."),
        (ago(29), False, "The account was contacted 29 days ago, less than 30."),
    ],
)
def test_one_touch_an_account(checked, last, passed, reason):
    state = dataclasses.replace(QUALIFIED, last_touch_on=last)
    result, decision = checked("account_touch", state=state)
    assert (result.passed, result.reason) == (passed, reason)
    assert decision.hand_over is passed


@pytest.mark.parametrize(
    ("touches", "passed", "reason"),
    [
        ({}, True, "ann was never contacted."),
        ({"ann": ago(90)}, True, "ann was last contacted 90 days ago, 90 or more."),
        ({"ann": ago(89)}, False, "ann was contacted 89 days ago, less than 90."),
        ({"bob": ago(1)}, True, "ann was never contacted."),
    ],
)
def test_one_touch_a_person(checked, touches, passed, reason):
    state = dataclasses.replace(QUALIFIED, contact="ann", person_touches=touches)
    result, decision = checked("person_touch", state=state)
    assert (result.passed, result.reason) == (passed, reason)
    assert decision.hand_over is passed


def test_who_has_to_rest_is_said_while_no_person_is_chosen(checked):
    touches = {"ann": ago(89), "bob": ago(90)}
    state = dataclasses.replace(QUALIFIED, person_touches=touches)
    result, _ = checked("person_touch", state=state)
    assert result.reason == "No person is chosen yet; leave out ann."
    assert result.values == {"rest": "ann"}


def test_free_users_outside_the_queue_are_left_alone(checked):
    result, decision = checked("queue", state=AccountState())
    assert (result.passed, result.reason) == (
        False,
        "A free user outside the queue: not qualified.",
    )
    assert not decision.hand_over
    result, decision = checked("queue", state=AccountState(), is_paying=True)
    assert result.passed
    assert not decision.hand_over  # paying, but neither qualified nor asking


def test_do_not_contact_by_list_or_by_mark(checked, configured):
    listed = configured(guardrails={"do_not_contact": ["acme"]})
    result, decision = checked("do_not_contact", config=listed)
    assert (result.passed, decision.hand_over) == (False, False)
    marked = dataclasses.replace(QUALIFIED, do_not_contact=True)
    result, decision = checked("do_not_contact", state=marked)
    assert (result.passed, result.values) == (False, {"listed": False, "marked": True})


def test_guardrails_can_be_turned_off(checked, configured):
    config = configured(
        guardrails={"needs_activation": False, "needs_signal": False, "respect_onboarding": False}
    )
    values = {"is_activated": False, "is_onboarding": True}
    _, decision = checked("trigger", triggers=(), config=config, **values)
    assert decision.hand_over


def test_everyone_is_held_out_at_a_hundred_percent(checked, configured):
    config = configured(guardrails={"holdout": "100%"})
    result, decision = checked("holdout", config=config)
    assert result.reason == "Held out with 100% of accounts, to measure whether contact helps."
    assert not decision.hand_over


def test_holdout_goes_by_the_parent(checked, configured):
    config = configured(guardrails={"holdout": "20%"})
    for parent in (f"parent-{n}" for n in range(20)):
        state = dataclasses.replace(QUALIFIED, parent_id=parent)
        result, _ = checked("holdout", state=state, config=config)
        assert result.passed is not is_held_out(0.2, parent)
        assert result.values["key"] == parent


def test_holdout_is_a_fixed_share_that_only_grows():
    keys = [f"account-{n}" for n in range(4000)]
    small = {key for key in keys if is_held_out(0.2, key)}
    large = {key for key in keys if is_held_out(0.3, key)}
    assert abs(len(small) / 4000 - 0.2) < 0.02
    assert small < large
    assert small != {key for key in keys if is_held_out(0.2, key, seed="another")}


@pytest.mark.parametrize(
    ("written", "share"), [("on", 0.2), (True, 0.2), ("off", 0.0), (False, 0.0), ("35%", 0.35)]
)
def test_a_holdout_that_is_switched_on_is_a_fifth(configured, written, share):
    assert configured(guardrails={"holdout": written}).guardrails.holdout_share == share


def test_lower_scores_that_are_explored_are_in_the_queue(checked):
    explored = AccountState(explored=True)
    result, decision = checked("queue", state=explored)
    assert result.passed
    assert (decision.hand_over, decision.explored) == (True, True)
    assert decision.reason.endswith("handed over because lower scores are explored by it.")
    held, refused = checked("account_age", state=explored, account_age_days=1)
    assert not held.passed
    assert not refused.hand_over
    _, usual = checked("queue", state=QUALIFIED)
    assert not usual.explored
    raised, asked = checked("queue", state=explored, hand_raises_28d=1, days_since_hand_raised=0)
    assert raised.passed
    assert not asked.explored  # who asks is answered for that


def test_what_is_explored_is_drawn_each_week_and_adds_up_over_a_quarter():
    keys = [f"account-{n}" for n in range(4000)]
    monday = dt.date(2026, 1, 5)
    weeks = [monday + dt.timedelta(weeks=week) for week in range(13)]
    drawn = [{key for key in keys if is_explored(0.2, key, day)} for day in weeks]
    for day, some in zip(weeks, drawn, strict=True):
        sunday = day + dt.timedelta(days=6)
        assert some == {key for key in keys if is_explored(0.2, key, sunday)}
        assert 30 < len(some) < 95  # of 61.5
    assert abs(len(set.union(*drawn)) / 4000 - 0.18) < 0.02  # 1 - (1 - 0.2 / 13) ** 13
    assert drawn[0] != drawn[1]


def test_a_hand_raise_passes_all_but_do_not_contact(decided, configured):
    config = configured(guardrails={"holdout": "100%"})
    worst = {
        "account_age_days": 0,
        "is_activated": False,
        "days_since_active": 400,
        "is_onboarding": True,
    }
    raised = {"hand_raises_28d": 1, "days_since_hand_raised": 0}
    state = AccountState(
        last_touch_on=ago(1),
        last_closed_on=ago(1),
        last_closed_as="lost",
        contact="ann",
        person_touches={"ann": ago(1)},
    )
    quiet = decided(state=state, config=config, **worst)
    assert [result.name for result in quiet.guardrails if not result.passed] == ALL[1:]
    decision = decided(state=state, config=config, **worst, **raised)
    assert all(result.passed for result in decision.guardrails)
    assert decision.hand_over
    assert decision.guardrails[1].reason == (
        "Asked for a person. Otherwise: Too early: 0 days old, not more than 3."
    )
    refused = dataclasses.replace(state, do_not_contact=True)
    decision = decided(state=refused, config=config, **worst, **raised)
    assert [result.name for result in decision.guardrails if not result.passed] == ALL[:1]
    assert not decision.hand_over


@pytest.mark.parametrize(("days", "passed"), [(29, False), (30, True)])
def test_a_handoff_that_was_closed_rests(checked, days, passed):
    state = dataclasses.replace(QUALIFIED, last_closed_on=ago(days), last_closed_as="declined")
    result, decision = checked("last_handoff", state=state)
    assert (result.passed, decision.hand_over) == (passed, passed)
    limit = "30 or more" if passed else "less than 30"
    assert result.reason == f"The last handoff was declined {days} days ago, {limit}."


def test_who_asks_for_a_person_does_not_wait_for_a_handoff_to_rest(checked):
    closed = {"last_handoff_on": ago(9), "last_closed_on": ago(5), "last_closed_as": "declined"}
    state = dataclasses.replace(QUALIFIED, **closed)
    result, decision = checked(
        "last_handoff", state=state, hand_raises_28d=1, days_since_hand_raised=1
    )
    assert result.passed
    assert decision.hand_over
