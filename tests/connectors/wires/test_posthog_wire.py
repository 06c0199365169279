"""PostHog's wire, with bodies as posthog-python 7.91 and posthog-js build them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.wires.posthog import WIRES
from groundswell.connectors.wires.wire import Refusal, UnreadableError
from groundswell.model import Kind

from .sending import (
    ARRIVAL,
    JSON,
    Sender,
    check_that_nothing_raises,
    nested,
    objects,
    request_of,
)

if TYPE_CHECKING:
    from groundswell.connectors.wires.wire import Records

KEY = "phc_key"
V1 = "/i/v1/analytics/events"
UUID = "be8b1c06-40a0-4689-923a-8a99d16eda95"
LIB = {"$lib": "posthog-python", "$lib_version": "7.91.1", "$is_server": True}
(WIRE,) = WIRES
SENDER = Sender(WIRE)


def read(body: object, path: str = "/batch/", **more: Any) -> Records:
    return SENDER.read(path, body, **more)


def batch(*events: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "batch": list(events),
        "historical_migration": False,
        "sent_at": ARRIVAL,
        "api_key": KEY,
        **more,
    }


def event(name: str = "Signed Up", **more: Any) -> dict[str, Any]:
    return {
        "properties": {},
        "timestamp": "2026-11-22T09:09:29.063736+00:00",
        "distinct_id": "u1",
        "event": name,
        "uuid": UUID,
        **more,
    }


def ids(records: Records) -> tuple[str | None, ...]:
    (row,) = records.rows[Kind.EVENTS]
    return tuple(row.get(name) for name in ("user_id", "anonymous_id", "account_id"))


def test_an_event_of_the_python_client() -> None:
    groups = {"company": "acme"}
    sent = event(properties={"plan": "pro", "$groups": groups, **LIB, "token": KEY})
    (row,) = read(batch(sent)).rows[Kind.EVENTS]
    properties = json.loads(row.pop("properties") or "")
    assert properties == {"plan": "pro", "$groups": groups, **LIB}
    assert row == {
        "message_id": UUID,
        "user_id": "u1",
        "anonymous_id": None,
        "account_id": "acme",
        "event": "Signed Up",
        "occurred_at": "2026-11-22T09:09:29.063736+00:00",
    }


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, ("u1", None, None)),
        ({"$device_id": "d1"}, ("u1", "d1", None)),
        ({"$device_id": "u1"}, (None, "u1", None)),
        ({"$device_id": "d1", "$is_identified": False}, (None, "u1", None)),
        ({"$process_person_profile": False}, (None, "u1", None)),
        ({"$groups": {"project": "p1", "company": "acme"}}, ("u1", None, "acme")),
        ({"$groups": "acme"}, ("u1", None, None)),
    ],
)
def test_who_did_it(properties: dict[str, Any], expected: tuple[str | None, ...]) -> None:
    assert ids(read(batch(event("$pageview", properties=properties)))) == expected


def test_the_account_is_of_the_kind_of_group_that_is_configured() -> None:
    sent = event(properties={"$groups": {"project": "p1", "company": "acme"}})
    assert ids(read(batch(sent), group_type="project")) == ("u1", None, "p1")


def test_a_browser_sends_a_list_with_the_distinct_id_and_the_token_in_the_properties() -> None:
    properties = {"distinct_id": "u1", "$device_id": "d1", "token": KEY}
    body = [
        {"event": "$pageview", "uuid": UUID, "properties": properties, "offset": 3000},
        7,
    ]
    query = {"_": "1795338570000"}
    envelope = SENDER.open("/e/", body, query=query)
    assert (envelope.key, envelope.sent_at) == (KEY, ARRIVAL)
    records = read(body, "/e/", query=query)
    assert ids(records) == ("u1", "d1", None)
    (row,) = records.rows[Kind.EVENTS]
    assert row["occurred_at"] == "2026-11-22T09:09:27+00:00"
    assert json.loads(row["properties"] or "") == {"$device_id": "d1"}
    assert [fault.raw for fault in records.faults] == ["7"]


@pytest.mark.parametrize("path", ["/e", "/capture", "/i/v0/e/", "/batch"])
def test_a_single_event(path: str) -> None:
    body = {**event(), "api_key": KEY}
    assert SENDER.open(path, body).key == KEY
    assert ids(read(body, path)) == ("u1", None, None)


@pytest.mark.parametrize("encoded", [True, False])
def test_a_form_of_the_browser(encoded: bool) -> None:
    data = json.dumps({**event("Ça?>"), "token": KEY}).encode()
    body = urlencode({"data": base64.b64encode(data) if encoded else data}).encode()
    assert SENDER.open("/e/", body).key == KEY
    (row,) = read(body, "/e/").rows[Kind.EVENTS]
    assert row["event"] == "Ça?>"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (batch(), {}),
        ({"batch": [], "token": KEY}, {}),
        ({"batch": [event(properties={"token": KEY})]}, {}),
        ({"batch": []}, {"authorization": f"Bearer {KEY}"}),
        ([event()], {"authorization": f"Bearer {KEY}"}),
        ({**event(), "properties": {"token": KEY}}, {}),
    ],
)
def test_where_the_key_stands(body: object, headers: dict[str, str]) -> None:
    assert SENDER.open("/batch/", body, headers=headers).key == KEY


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"data=%FF",
        7,
        {"api_key": KEY},
        {"api_key": KEY, "events": [{"event_type": "of Amplitude"}]},
        {"batch": {}},
        [event(properties={"token": "a"}), event(properties={"token": "b"})],
    ],
)
def test_other_bodies_are_refused(body: object) -> None:
    with pytest.raises(UnreadableError) as refused:
        SENDER.open("/batch", body)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "properties", "link"),
    [
        ("$identify", {"$anon_distinct_id": "a1"}, ("u1", "a1", None)),
        ("$identify", {"$anon_distinct_id": "a1", "$device_id": "d1"}, ("u1", "a1", None)),
        ("$identify", {"$device_id": "d1"}, ("u1", "d1", None)),
        ("$identify", {"$anon_distinct_id": "u1"}, None),
        ("$identify", {}, None),
        ("$create_alias", {"alias": "a1", "distinct_id": "u1"}, ("u1", "a1", None)),
    ],
)
def test_two_ids_of_one_person(name: str, properties: dict[str, Any], link: object) -> None:
    records = read(batch(event(name, properties=properties)))
    assert (ids(records) if Kind.EVENTS in records.rows else None) == link
    assert (Kind.USERS in records.rows) == (name == "$identify")


TRAITS = {"email": "ann@acme.example", "name": "Ann", "source": "ad"}


@pytest.mark.parametrize(
    ("sent", "is_event"),
    [
        (event("$set", **{"$set": TRAITS}), False),
        (event("$set", properties={"$set": TRAITS}), False),
        (event("$set_once", **{"$set_once": TRAITS}), False),
        (event("$identify", properties={"$set": TRAITS, "$anon_distinct_id": "a1"}), True),
        (event("$set", **{"$set_once": {**TRAITS, "name": "B"}, "$set": TRAITS}), False),
        (event("Signed Up", properties={"$set": TRAITS}), True),
    ],
)
def test_descriptions_of_users(sent: dict[str, Any], is_event: bool) -> None:
    records = read(batch(sent))
    (row,) = records.rows[Kind.USERS]
    kept = json.loads(row.pop("properties") or "")
    once = ["email", "name", "source"] if sent["event"] == "$set_once" else []
    assert kept.pop("$set_once", []) == once
    assert kept == {"source": "ad"}
    assert row == {
        "user_id": "u1",
        "email": "ann@acme.example",
        "name": "Ann",
        "valid_from": "2026-11-22T09:09:29.063736+00:00",
    }
    assert (Kind.EVENTS in records.rows) == is_event
    assert "ann@" not in json.dumps(records.rows.get(Kind.EVENTS))


def test_nobody_is_described_who_is_nobody() -> None:
    anonymous = {"$set": TRAITS, "$process_person_profile": False}
    records = read(batch(event("$set", properties=anonymous)))
    assert Kind.USERS not in records.rows
    (row,) = records.rows[Kind.EVENTS]
    assert (row["event"], row["user_id"], row["anonymous_id"]) == ("$set", None, "u1")
    assert json.loads(row["properties"] or "")["$set"] == TRAITS


@pytest.mark.parametrize(
    ("sent", "is_event"),
    [
        (event("$unset", properties={"$unset": ["email", "plan", 7]}), False),
        (event("$unset", **{"$unset": ["email", "plan"]}), False),
        (event("Opened", properties={"$unset": ["email", "plan"]}), True),
    ],
)
def test_what_is_taken_away_is_a_statement(sent: dict[str, Any], is_event: bool) -> None:
    records = read(batch(sent))
    (row,) = records.rows[Kind.USERS]
    assert json.loads(row["properties"] or "") == {"$unset": ["email", "plan"]}
    assert (Kind.EVENTS in records.rows) == is_event


def test_what_is_set_once_on_any_event_describes() -> None:
    records = read(batch(event("Opened", properties={"$set_once": {"source": "ad"}})))
    (row,) = records.rows[Kind.USERS]
    assert json.loads(row["properties"] or "") == {"source": "ad", "$set_once": ["source"]}


@pytest.mark.parametrize(
    "sent",
    [
        event("$create_alias", properties={"alias": "u1"}),
        event("$create_alias"),
        event("$identify", distinct_id=None),
    ],
)
def test_a_link_of_one_id_is_a_fault(sent: dict[str, Any]) -> None:
    records = read(batch(sent))
    assert records.rows == {}
    assert "two ids" in records.faults[0].what


@pytest.mark.parametrize("coded", [True, False])
def test_what_is_kept_of_a_form_opens_to_the_same_without_the_key(coded: bool) -> None:
    body = json.dumps(batch(event(properties={"token": KEY}))).encode()
    data = base64.b64encode(body).decode() if coded else body.decode()
    request = request_of("/e/", f"data={quote(data)}".encode())
    kept = SENDER.route("/e/").blot(request, KEY)
    assert KEY.encode() not in kept.body
    assert SENDER.open("/e/", kept.body).key == "********"
    assert ids(read(json.loads(kept.body), "/e/")) == ("u1", None, None)


RANDOM = "6229d6f3-847d-4c72-9191-88be8db84650"


@pytest.mark.parametrize(
    ("who", "more", "member"),
    [
        ("u1", {}, True),
        (RANDOM, {}, False),
        ("$company_acme", {}, False),
        (RANDOM, {"$device_id": "d1"}, True),
        ("d1", {"$device_id": "d1"}, False),
    ],
)
def test_a_group_that_is_an_account(who: str, more: dict[str, Any], member: bool) -> None:
    group = {"$group_type": "company", "$group_key": "acme"}
    about = {"name": "Acme", "employees": 11, "tier": "gold"}
    sent = event("$groupidentify", distinct_id=who)
    sent["properties"] = {**group, "$group_set": about, **LIB, **more}
    records = read(batch(sent))
    assert records.rows[Kind.ACCOUNTS] == [
        {
            "account_id": "acme",
            "name": "Acme",
            "employees": "11",
            "properties": '{"tier":"gold"}',
            "valid_from": sent["timestamp"],
        }
    ]
    link = {"user_id": who, "account_id": "acme", "since": sent["timestamp"]}
    assert records.rows.get(Kind.MEMBERSHIPS) == ([link] if member else None)
    assert Kind.EVENTS not in records.rows


def test_a_group_that_is_no_account_and_one_without_a_key() -> None:
    other = {"$group_type": "project", "$group_key": "p1"}
    records = read(
        batch(event("$groupidentify", properties=other), event("$groupidentify", token=KEY))
    )
    assert records.rows == {}
    other_group, fault = records.faults
    assert (other_group.code, "group_type: project" in other_group.fix) == ("other-group", True)
    assert "$group_key" in fault.what
    assert KEY not in fault.raw
    asked = batch(event("$groupidentify", properties=other))
    assert read(asked, group_type="company").faults == []


def test_a_clock_that_is_wrong_is_corrected_unless_asked_not_to() -> None:
    ahead = batch(event(), sent_at="2026-11-22T10:09:30+00:00")
    (row,) = read(ahead).rows[Kind.EVENTS]
    assert row["occurred_at"] == "2026-11-22T08:09:29.063736+00:00"
    assert "original_timestamp" in (row["properties"] or "")
    kept = batch(event(properties={"$ignore_sent_at": True}), sent_at="2026-11-22T10:09:30+00:00")
    (row,) = read(kept).rows[Kind.EVENTS]
    assert row["occurred_at"] == "2026-11-22T09:09:29.063736+00:00"


def test_v1() -> None:
    personless = event(
        distinct_id=RANDOM, uuid="053f4dbe", options={"process_person_profile": False}
    )
    body = {
        "created_at": "2026-11-22T08:00:00+00:00",
        "batch": [event(options={}, properties={"plan": "pro"}), personless, {"uuid": 7}, 7],
    }
    headers = {"authorization": f"Bearer {KEY}", "posthog-request-timestamp": ARRIVAL}
    envelope = SENDER.open(V1, body, headers=headers)
    assert (envelope.key, envelope.sent_at) == (KEY, ARRIVAL)
    status, answer = SENDER.accept(V1, body, headers=headers)
    ok = {"result": "ok"}
    assert status == 200
    assert json.loads(answer) == {"results": {UUID: ok, "053f4dbe": ok}}
    records = read(body, V1, headers=headers)
    found = [(row["user_id"], row["anonymous_id"]) for row in records.rows[Kind.EVENTS]]
    assert found == [("u1", None), (None, RANDOM), (None, None)]
    assert len(records.faults) == 1


@pytest.mark.parametrize("path", ["/batch/", V1])
@pytest.mark.parametrize("status", [400, 401, 413, 429, 503])
def test_refusals(path: str, status: int) -> None:
    answer = SENDER.refuse(Refusal(status, "No.", retry_after=1), path)
    assert answer == (status, b'{"code":%d,"detail":"No."}' % status)


def test_the_answer_once_it_is_kept() -> None:
    assert SENDER.accept("/batch/", batch(event())) == (200, b'{"status":1}')


def test_what_cannot_be_read_or_written_is_a_fault() -> None:
    records = read(batch(None, {"event": "e", "properties": KEY}, event()))
    assert ids(records) == ("u1", None, None)
    assert len(records.faults) == 2
    assert KEY not in repr(records)


def test_a_time_beyond_the_calendar_stands_as_it_was_sent() -> None:
    early = "0001-01-01T00:00:00+14:00"
    records = read(batch(event(timestamp=early), sent_at="2020-01-01T00:00:00Z"))
    assert records.rows[Kind.EVENTS][0]["occurred_at"] == early


def test_what_nests_deeply_is_read_or_refused() -> None:
    for depth in range(800, 1000):
        properties = b'{"$set":' + nested(depth) + b"}"
        body = (
            b'{"api_key":"phc_key","event":"e","distinct_id":"u1","properties":' + properties + b"}"
        )
        check_that_nothing_raises(WIRE, request_of("/e/", body))


NAMES = st.sampled_from(["$identify", "$set", "$groupidentify", "$create_alias", "e"])
EVENTS = st.builds(
    lambda sent, properties, name: {**sent, "properties": properties, "event": name},
    objects("distinct_id", "uuid", "timestamp", "offset", "options", "$set", "token"),
    JSON
    | objects(
        *("$device_id", "$anon_distinct_id", "alias", "$groups", "$group_type", "$group_key"),
        *("$group_set", "$set", "$set_once", "$is_identified", "distinct_id", "token"),
    ),
    NAMES | JSON,
)


@given(EVENTS | JSON | st.lists(EVENTS | JSON, max_size=4))
def test_no_message_raises(body: Any) -> None:
    for sent in (body, {"api_key": KEY, "batch": body}):
        check_that_nothing_raises(WIRE, request_of("/e/", sent))


@given(st.binary(), st.text())
def test_no_body_raises(body: bytes, time: str) -> None:
    for sent in (body, b"data=" + body, b"[" + body):
        check_that_nothing_raises(WIRE, request_of("/e/", sent, query={"_": time}))
