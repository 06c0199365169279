"""Feedback both ways, from a company's stores."""

from __future__ import annotations

import datetime as dt
from typing import Any

from groundswell.routing import is_held_out
from groundswell.web.document import to_text
from groundswell.web.feedback_report import report_feedback
from tests.measuring.conftest import ACCOUNTS, DAY, EVENTS, at, load


def test_likely_buyers_are_those_whom_nobody_works_and_who_are_not_held_out(company: Any) -> None:
    found = company(guardrails={"do_not_contact": ["a59"]}).measuring.feedback()
    likely = {one.account_id for one in found.likely}
    assert likely
    paying = {f"a{number:02}" for number in range(0, ACCOUNTS, 3) if 180 - number * 3 > 40}
    in_hands = {"a00", "a10", "a20", "a30", "a40", "a50"}
    assert not likely & {*paying, *in_hands, "a59"}


def test_who_is_held_out_is_nobodys_advice(company: Any) -> None:
    found = company(guardrails={"holdout": "50%"}).measuring.feedback()
    assert found.likely
    assert not any(is_held_out(0.5, one.account_id) for one in found.likely)


def test_what_was_lost_and_asked_is_told_with_accounts(company: Any) -> None:
    found = company().measuring.feedback()
    told = {(one.kind, one.what): one for one in found.recurring}
    assert told["lost", "no budget"].accounts == ("a18", "a42")
    assert told["lost", "no budget"].amount_cents == 1_800_000
    assert told["ticket", "how to"].count == ACCOUNTS
    text = to_text(report_feedback(found))
    assert "To product: what recurs" in text
    assert "no budget" in text


def test_feedback_of_a_past_day_stays_what_it_was(company: Any) -> None:
    project = company()
    past = DAY - dt.timedelta(days=30)
    then = project.measuring.feedback(as_of=past)
    assert not any(one.kind == "lost" for one in then.recurring)
    project.run()
    assert project.measuring.feedback(as_of=past) == then


def test_features_that_were_asked_for_are_told_by_name_with_accounts(company: Any) -> None:
    events = {
        **EVENTS,
        "feature_requested": [
            {"event": "Wished", "name": "properties.wish", "where": {"properties.kind": "feature"}},
            {"event": "Voted For Dark Mode", "name": "dark mode"},
        ],
    }
    project = company(events=events)
    wishes = [
        ("a01", "Wished", {"wish": "gantt", "kind": "feature"}, 3),
        ("a02", "Wished", {"wish": "gantt", "kind": "feature"}, 1),
        ("a02", "Wished", {"wish": "gantt", "kind": "colour"}, 1),  # no feature
        ("a03", "Wished", {"kind": "feature"}, 1),  # no name
        ("a04", "Voted For Dark Mode", {}, 2),
        ("a05", "Wished", {"wish": "gantt", "kind": "feature"}, 100),  # the quarter before
    ]
    told = [
        {
            "message_id": f"wish-{place}",
            "user_id": f"u{int(account[1:])}",
            "account_id": account,
            "event": event,
            "timestamp": at(days),
            "properties": properties,
        }
        for place, (account, event, properties, days) in enumerate(wishes)
    ]
    load(project, {"events": told})
    found = project.measuring.feedback(as_of=DAY)
    asked = {one.what: one for one in found.recurring if one.kind == "asked for"}
    assert {what: (one.count, one.before) for what, one in asked.items()} == {
        "gantt": (2, 1),
        "dark mode": (1, 0),
    }
    assert asked["gantt"].accounts == ("a02", "a01")
    assert "Features asked for" in to_text(report_feedback(found))
    earlier = project.measuring.feedback(as_of=DAY - dt.timedelta(days=2))
    assert {one.what: one.count for one in earlier.recurring if one.kind == "asked for"} == {
        "gantt": 1,
        "dark mode": 1,
    }
