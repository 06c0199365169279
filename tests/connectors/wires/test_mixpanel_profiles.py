"""What Mixpanel's clients say of people and groups."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundswell.model import Kind

from .mixpanel_messages import SENDER, profile
from .sending import RECEIVED_AT

ARRIVAL = RECEIVED_AT.isoformat()


@pytest.mark.parametrize(
    ("said", "columns", "rest"),
    [
        ({"$name": "Ada L", "$first_name": "Ada"}, {"name": "Ada L"}, {"first_name": "Ada"}),
        ({"$last_name": "L"}, {"name": "L"}, {"last_name": "L"}),
        ({"title": "CTO", "Department": "IT"}, {"title": "CTO", "department": "IT"}, {}),
        ({"$created": "2024-01-01"}, {"created_at": "2024-01-01"}, {}),
        ({"$city": "Pisa", "user_id": "u9"}, {}, {"city": "Pisa", "user_id": "u9"}),
        ({}, {}, {}),
    ],
)
@pytest.mark.parametrize("operation", ["set", "set_once"])
def test_what_a_profile_says(
    operation: str, said: dict[str, Any], columns: dict[str, str], rest: dict[str, Any]
) -> None:
    body = profile(distinct_id="u1", **{operation: said})
    (row,) = SENDER.rows(Kind.USERS, "/engage", body)
    kept = json.loads(row.pop("properties") or "{}")
    once = [*columns, *rest] if operation == "set_once" else []
    assert sorted(kept.pop("$set_once", [])) == sorted(once)
    assert kept == rest
    assert row == {"user_id": "u1", "valid_from": ARRIVAL, **columns}


def test_what_is_set_counts_before_what_is_set_once() -> None:
    body = profile(distinct_id="u1", set={"$name": "new"}, set_once={"$name": "old", "a": 1})
    (row,) = SENDER.rows(Kind.USERS, "/engage", body)
    assert (row["name"], row["properties"]) == ("new", '{"a":1,"$set_once":["a"]}')


COUNTED = [
    ("$add", {"n": 1}),
    ("$append", {"xs": 1}),
    ("$union", {"xs": [1]}),
    ("$remove", {"xs": 1}),
]


@pytest.mark.parametrize(("name", "said"), COUNTED)
def test_what_counts_on_what_was_there_is_an_event_of_the_person(
    name: str, said: dict[str, Any]
) -> None:
    body = {**profile(distinct_id="u1", time=1709287200), name: said}
    records = SENDER.read("/engage", [body, body])
    assert records.faults == []
    first, second = records.rows.pop(Kind.EVENTS)
    assert first == second == {
        "user_id": "u1",
        "anonymous_id": "u1",
        "event": name,
        "occurred_at": "2024-03-01T10:00:00+00:00",
        "properties": json.dumps(said, separators=(",", ":")),
    }  # fmt: skip
    assert records.rows == {}


@pytest.mark.parametrize(("name", "said"), COUNTED)
def test_what_counts_on_what_was_there_of_an_account_is_a_fault(
    name: str, said: dict[str, Any]
) -> None:
    body = {**profile(group_key="company", group_id="acme", set={"$name": "Acme"}), name: said}
    records = SENDER.read("/groups", body)
    assert [row["name"] for row in records.rows[Kind.ACCOUNTS]] == ["Acme"]
    (fault,) = records.faults
    assert (fault.code, name in fault.what) == ("not-a-statement", True)
    assert json.loads(fault.raw) == {**body, "$token": "********"}


@pytest.mark.parametrize(
    ("operation", "gone"),
    [
        ({"unset": ["$email", "plan"]}, ["email", "plan"]),
        ({"delete": ""}, ["*"]),
        ({"delete": None}, ["*"]),
    ],
)
def test_what_is_taken_away_is_a_statement(operation: dict[str, Any], gone: list[str]) -> None:
    (user,) = SENDER.rows(Kind.USERS, "/engage", profile(distinct_id="u1", **operation))
    assert json.loads(user.pop("properties") or "") == {"$unset": gone}
    assert user == {"user_id": "u1", "valid_from": ARRIVAL}
    group = profile(group_key="company", group_id="acme", **operation)
    (account,) = SENDER.rows(Kind.ACCOUNTS, "/groups", group)
    assert json.loads(account["properties"] or "") == {"$unset": gone}


def test_of_somebody_nobody_knows_yet_there_are_only_events() -> None:
    body = profile(distinct_id="$device:x1", set={"a": 1}, unset=["b"], add={"n": 1})
    records = SENDER.read("/engage", body)
    rows = records.rows.pop(Kind.EVENTS)
    assert records.rows == {}
    assert {(row["event"], row["user_id"], row["anonymous_id"]) for row in rows} == {
        (name, None, "x1") for name in ("$set", "$unset", "$add")
    }


@pytest.mark.parametrize("path", ["/engage", "/groups"])
def test_a_profile_that_says_nothing_is_a_fault(path: str) -> None:
    body = profile(distinct_id="u1", group_key="company", group_id="acme", shout=1)
    records = SENDER.read(path, body)
    assert records.rows == {}
    assert "no operation" in records.faults[0].what


@pytest.mark.parametrize("key", ["color", None])
def test_a_group_that_may_be_an_account_is_a_fault_until_somebody_says_which_is(
    key: str | None,
) -> None:
    body = profile(group_key=key, group_id="red", set={"$name": "Red"})
    (fault,) = SENDER.read("/groups", body).faults
    assert fault.code == "other-group"
    assert f"group_type: {key or 'KIND'}" in fault.fix
    assert SENDER.read("/groups", body, group_type="org").faults == []


@pytest.mark.parametrize(
    ("key", "group_type", "accounts"),
    [
        ("company", None, ["acme"]),
        ("company_id", None, ["acme"]),
        ("org", "org", ["acme"]),
        ("company", "org", []),
    ],
)
def test_groups_that_are_accounts(
    key: str | None, group_type: str | None, accounts: list[str]
) -> None:
    body = [profile(group_key=key, group_id="acme", set={"$name": "Acme"}, time=1709287200)]
    rows = SENDER.rows(Kind.ACCOUNTS, "/groups", body, group_type=group_type)
    assert [row["account_id"] for row in rows] == accounts
    assert {row["valid_from"] for row in rows} <= {"2024-03-01T10:00:00+00:00"}
