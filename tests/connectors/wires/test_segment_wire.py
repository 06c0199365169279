"""Segment's and RudderStack's wires, with bodies as their Python clients were seen to send them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.wires.segment import WIRES
from groundswell.connectors.wires.wire import Refusal, Request, UnreadableError
from groundswell.model import Kind

from .sending import JSON, RECEIVED_AT, Sender, check_that_nothing_raises, nested, objects
from .sending import request_of as asked

SEGMENT, RUDDERSTACK = WIRES
SENDER = Sender(SEGMENT)
ARRIVAL = RECEIVED_AT.isoformat()
AT = "2026-11-22T09:09:28+00:00"
BASIC = {"authorization": "Basic V0s6"}  # WK:

SEGMENT_BATCH = b"""{"batch": [
{"integrations": {}, "anonymousId": null, "properties": {"plan": "pro",
 "when": "2024-01-01T00:00:00"}, "timestamp": "2024-01-01T00:00:00.000+00:00",
 "context": {"groupId": "acme", "library": {"name": "analytics-python", "version": "2.4.0"}},
 "userId": "u1", "type": "track", "event": "Signed Up",
 "messageId": "2c61016a-fa30-4888-ba9c-20ccd33d61bf"},
{"integrations": {}, "anonymousId": "x1", "timestamp": "2026-11-22T09:09:27.983+00:00",
 "context": {"library": {"name": "analytics-python", "version": "2.4.0"}}, "type": "identify",
 "userId": "u1", "traits": {"email": "a@acme.example", "firstName": "Ada"},
 "messageId": "c913a904-c331-4b10-8342-65160869b6e8"},
{"integrations": {}, "anonymousId": null, "timestamp": "2026-11-22T09:09:27.984+00:00",
 "groupId": "acme", "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
 "userId": "u1", "traits": {"name": "Acme", "employees": "40"}, "type": "group",
 "messageId": "831c4ac9-fe8f-456a-9e73-93c9ad2c44ed"},
{"integrations": {}, "anonymousId": null, "properties": {"url": "/p"},
 "timestamp": "2026-11-22T09:09:27.984+00:00", "category": "Docs",
 "context": {"library": {"name": "analytics-python", "version": "2.4.0"}}, "userId": "u1",
 "type": "page", "name": "Pricing", "messageId": "706af6ab-c82e-48e6-a914-5c69d224c439"},
{"integrations": {}, "anonymousId": null, "properties": {},
 "timestamp": "2026-11-22T09:09:27.984+00:00", "category": null,
 "context": {"library": {"name": "analytics-python", "version": "2.4.0"}}, "userId": "u1",
 "type": "screen", "name": "S", "messageId": "fd0cb59c-4a86-49eb-8453-583fede1c2ce"},
{"integrations": {}, "previousId": "x1", "timestamp": "2026-11-22T09:09:27.984+00:00",
 "context": {"library": {"name": "analytics-python", "version": "2.4.0"}}, "userId": "u1",
 "type": "alias", "messageId": "572aec3b-244a-43ed-84bd-f5c3d8adae8e", "anonymousId": null}
], "sentAt": "2026-11-22T09:09:29.083725+00:00", "writeKey": "WK"}"""

RUDDERSTACK_BATCH = b"""{"batch": [
{"integrations": {"All": true}, "anonymousId": "x1",
 "timestamp": "2026-11-22T09:09:28.439524+00:00", "context": {"traits": {"email":
 "a@acme.example"}, "library": {"name": "analytics-python", "version": "2.1.9"}},
 "type": "identify", "userId": "u1", "messageId": "64e18677-593a-4820-b17b-892ac1ef589e",
 "channel": "server"}], "sentAt": "2026-11-22T09:09:29.539812+00:00"}"""


def batch(*calls: Any, **around: Any) -> dict[str, Any]:
    return {"batch": [{"timestamp": AT, **call} for call in calls], **around}


def rows(kind: Kind, *calls: Any, **around: Any) -> list[dict[str, str | None]]:
    return SENDER.rows(kind, "/v1/batch", batch(*calls, **around))


def ids(row: dict[str, str | None]) -> tuple[str | None, ...]:
    return tuple(row.get(name) for name in ("event", "user_id", "anonymous_id", "account_id"))


# --- what the clients send ----------------------------------------------------------------------


def test_a_batch_of_the_python_client() -> None:
    assert SENDER.open("/v1/batch", SEGMENT_BATCH).key == "WK"
    records = SENDER.read("/v1/batch", SEGMENT_BATCH)
    assert records.faults == []
    events = records.rows[Kind.EVENTS]
    assert [ids(row) for row in events] == [
        ("Signed Up", "u1", None, "acme"),
        ("Identify", "u1", "x1", None),
        ("Page", "u1", None, None),
        ("Screen", "u1", None, None),
        ("Alias", "u1", "x1", None),
    ]
    assert events[0]["message_id"] == "2c61016a-fa30-4888-ba9c-20ccd33d61bf"
    assert [json.loads(row["properties"] or "{}") for row in events] == [
        {"plan": "pro", "when": "2024-01-01T00:00:00"},
        {},
        {"name": "Pricing", "url": "/p"},
        {"name": "S"},
        {},
    ]
    assert records.rows[Kind.USERS] == [
        {
            "user_id": "u1",
            "email": "a@acme.example",
            "valid_from": "2026-11-22T09:09:27.983+00:00",
            "properties": '{"firstName":"Ada"}',
        }
    ]
    since = "2026-11-22T09:09:27.984+00:00"
    assert records.rows[Kind.ACCOUNTS] == [
        {
            "account_id": "acme",
            "name": "Acme",
            "employees": "40",
            "valid_from": since,
            "properties": None,
        }
    ]
    assert records.rows[Kind.MEMBERSHIPS] == [
        {"user_id": "u1", "account_id": "acme", "since": since}
    ]


def test_rudderstack_names_the_user_in_the_context() -> None:
    sender = Sender(RUDDERSTACK)
    assert sender.open("/v1/batch", RUDDERSTACK_BATCH, headers=BASIC).key == "WK"
    records = sender.read("/v1/batch", RUDDERSTACK_BATCH, headers=BASIC)
    assert [ids(row) for row in records.rows[Kind.EVENTS]] == [("Identify", "u1", "x1", None)]
    (user,) = records.rows[Kind.USERS]
    assert (user["user_id"], user["email"]) == ("u1", "a@acme.example")


# --- calls --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ({"event": "A", "userId": 7}, ("A", "7", None, None)),
        ({"event": "A", "anonymousId": "x1"}, ("A", None, "x1", None)),
        ({"event": "A", "userId": "u1", "anonymousId": "x1"}, ("A", "u1", "x1", None)),
        (
            {"event": "A", "userId": "u1", "context": {"groupId": "acme"}},
            ("A", "u1", None, "acme"),
        ),
        ({"event": "A", "userId": "u1", "groupId": "acme"}, ("A", "u1", None, None)),
        ({"event": "", "userId": " "}, (None, None, None, None)),
    ],
)
def test_track(call: dict[str, Any], found: tuple[str | None, ...]) -> None:
    assert [ids(row) for row in rows(Kind.EVENTS, {"type": "track", **call})] == [found]


@pytest.mark.parametrize(
    ("call", "events", "users"),
    [
        ({"userId": "u1"}, [], ["u1"]),
        ({"anonymousId": "x1"}, [("Identify", None, "x1", None)], []),
        ({}, [("Identify", None, None, None)], []),
        ({"userId": "u1", "anonymousId": "x1"}, [("Identify", "u1", "x1", None)], ["u1"]),
    ],
)
def test_identify_ties_a_user_to_an_anonymous_id(
    call: dict[str, Any], events: list[tuple[str | None, ...]], users: list[str]
) -> None:
    call = {"type": "identify", **call}
    assert [ids(row) for row in rows(Kind.EVENTS, call)] == events
    assert [row["user_id"] for row in rows(Kind.USERS, call)] == users


@pytest.mark.parametrize(
    ("call", "events"),
    [
        ({"userId": "u1", "previousId": "x1"}, [("Alias", "u1", "x1", None)]),
        ({"userId": "u1"}, []),
        ({"previousId": "x1"}, []),
    ],
)
def test_alias_ties_a_user_to_the_id_before(
    call: dict[str, Any], events: list[tuple[str | None, ...]]
) -> None:
    records = SENDER.read("/v1/batch", batch({"type": "alias", **call}))
    assert [ids(row) for row in records.rows.get(Kind.EVENTS, [])] == events
    assert len(records.faults) == (0 if events else 1)


def test_traits_of_somebody_nobody_knows_yet_stay_with_the_event() -> None:
    call = {"type": "identify", "anonymousId": "x1", "traits": {"color": "red"}}
    (row,) = rows(Kind.EVENTS, call)
    assert row["properties"] == '{"color":"red"}'


@pytest.mark.parametrize(
    ("call", "kind", "found"),
    [
        (
            {"userId": "u1"},
            Kind.MEMBERSHIPS,
            {"user_id": "u1", "account_id": "acme", "since": AT},
        ),
        (
            {"anonymousId": "x1", "messageId": "m1"},
            Kind.EVENTS,
            {
                "message_id": "m1",
                "anonymous_id": "x1",
                "account_id": "acme",
                "event": "Group",
                "occurred_at": AT,
            },
        ),
    ],
)
def test_group_states_an_account_and_who_is_in_it(
    call: dict[str, Any], kind: Kind, found: dict[str, str]
) -> None:
    body = batch({"type": "group", "groupId": "acme", "traits": {"name": "Acme"}, **call})
    records = SENDER.read("/v1/batch", body)
    account = {"account_id": "acme", "name": "Acme", "valid_from": AT, "properties": None}
    assert records.rows == {Kind.ACCOUNTS: [account], kind: [found]}


@pytest.mark.parametrize(
    ("traits", "columns", "rest"),
    [
        ({"createdAt": "2024-01-01", "employees": 40}, {"created_at": "2024-01-01"}, {}),
        ({"EMPLOYEES": "40", "website": "acme.example"}, {"domain": "acme.example"}, {}),
        ({"employees": 40, "plan": "pro"}, {}, {"plan": "pro"}),
        ({"employees": 40, "account_id": "b", "Employees": 3}, {}, {"account_id": "b"}),
    ],
)
def test_traits_of_an_account(
    traits: dict[str, Any], columns: dict[str, str], rest: dict[str, Any]
) -> None:
    (row,) = rows(Kind.ACCOUNTS, {"type": "group", "groupId": "acme", "traits": traits})
    kept = json.loads(row.pop("properties") or "{}")
    kept.pop("Employees", None)
    assert kept == rest
    assert row == {"account_id": "acme", "valid_from": AT, "employees": "40", **columns}


@pytest.mark.parametrize("call", ["track", "identify", "group", "page", "screen", "alias"])
def test_a_single_call_is_read_as_in_a_batch(call: str) -> None:
    said = {
        "userId": "u1",
        "anonymousId": "x1",
        "previousId": "x0",
        "groupId": "acme",
        "event": "A",
        "name": "B",
        "traits": {"name": "C"},
        "timestamp": AT,
        "sentAt": AT,
    }
    single = SENDER.read(f"/v1/{call}", {**said, "writeKey": "WK"})
    batched = SENDER.read("/v1/batch", batch({**said, "type": call}, sentAt=AT, writeKey="WK"))
    assert single == batched
    assert single.faults == []
    assert single.rows


# --- clocks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("skew", "at"),
    [
        (timedelta(0), "2026-11-22T09:00:00Z"),
        (timedelta(milliseconds=900), "2026-11-22T09:00:00Z"),
        (timedelta(hours=1), "2026-11-22T08:00:00+00:00"),
        (timedelta(hours=-1), "2026-11-22T10:00:00+00:00"),
    ],
)
@pytest.mark.parametrize("single", [False, True])
def test_a_clock_that_is_off_is_put_right(skew: timedelta, at: str, single: bool) -> None:
    said = "2026-11-22T09:00:00Z"
    sent = (RECEIVED_AT + skew).isoformat()
    call = {"type": "track", "event": "A", "timestamp": said, "properties": {"n": 1}}
    if single:
        (row,) = SENDER.rows(Kind.EVENTS, "/v1/track", {**call, "sentAt": sent})
    else:
        (row,) = rows(Kind.EVENTS, call, sentAt=sent)
    assert row["occurred_at"] == at
    original = {} if at == said else {"original_timestamp": said}
    assert json.loads(row["properties"] or "") == {"n": 1, **original}


@pytest.mark.parametrize(
    ("timestamp", "sent", "at"),
    [
        (None, AT, ARRIVAL),
        (AT, None, AT),
        (AT, "yesterday", AT),
        ("yesterday", ARRIVAL, "yesterday"),
        ("2026-11-22T09:00:00", "2026-11-22T08:00:00Z", "2026-11-22T09:00:00"),
        ("9999-12-31T23:59:59Z", "2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_times_that_nothing_can_be_said_of_stand(
    timestamp: str | None, sent: str | None, at: str
) -> None:
    call = {"type": "track", "event": "A", "timestamp": timestamp}
    (row,) = rows(Kind.EVENTS, call, sentAt=sent)
    assert (row["occurred_at"], row["properties"]) == (at, None)


def test_a_time_beside_that_of_the_clients_clock_stands() -> None:
    said = {"timestamp": "2024-03-01T10:00:00Z", "originalTimestamp": AT}
    call = {"type": "track", "event": "A", **said}
    (row,) = rows(Kind.EVENTS, call, sentAt="2026-11-22T10:09:30Z")
    assert (row["occurred_at"], row["properties"]) == ("2024-03-01T10:00:00Z", None)
    del call["timestamp"]
    body = {"batch": [call], "sentAt": "2026-11-22T10:09:30Z"}
    (row,) = SENDER.rows(Kind.EVENTS, "/v1/batch", body)
    assert row["occurred_at"] == "2026-11-22T08:09:28+00:00"


def test_members_and_versions_have_the_corrected_time_too() -> None:
    call = {"type": "group", "userId": "u1", "groupId": "acme", "timestamp": ARRIVAL}
    body = batch(call, {**call, "type": "identify"}, sentAt="2026-11-22T10:09:30Z")
    records = SENDER.read("/v1/batch", body)
    at = "2026-11-22T08:09:30+00:00"
    assert records.rows[Kind.MEMBERSHIPS][0]["since"] == at
    assert {records.rows[kind][0]["valid_from"] for kind in (Kind.USERS, Kind.ACCOUNTS)} == {at}


# --- keys and faults ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "headers", "key"),
    [
        ("/v1/batch", {"batch": []}, BASIC, "WK"),
        ("/v1/batch", {"batch": [], "writeKey": "WK"}, {}, "WK"),
        ("/v1/batch", {"batch": [], "writeKey": "OTHER"}, BASIC, "WK"),
        ("/v1/import", {"batch": []}, BASIC, "WK"),
        ("/v1/track", {"writeKey": "WK"}, {}, "WK"),
        ("/v1/track", {}, BASIC, "WK"),
        ("/v1/track", {}, {"authorization": "Bearer WK"}, None),
        ("/v1/track", {}, {"authorization": "Basic %"}, None),
    ],
)
def test_where_the_key_stands(
    path: str, body: Any, headers: dict[str, str], key: str | None
) -> None:
    assert SENDER.open(path, body, headers=headers).key == key


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"batch":{}}', b'{"batch":[}', b'{"batch":[],"sentAt":1}']
)
def test_bodies_that_no_client_sends(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        SENDER.open("/v1/batch", body)


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "trakc", "userId": "u1"},
        {"userId": "u1"},
        {"type": "track", "properties": [1], "writeKey": "WK"},
        {"type": "track", "timestamp": 5, "key": "WK"},
        {"type": "identify", "traits": "WK"},
        "WK",
        1,
        None,
    ],
)
def test_a_bad_call_is_a_fault_and_the_rest_is_taken(bad: Any) -> None:
    good = {"type": "track", "event": "A", "userId": "u1"}
    records = SENDER.read("/v1/batch", {"batch": [good, bad, good], "writeKey": "WK"})
    assert [row["event"] for row in records.rows[Kind.EVENTS]] == ["A", "A"]
    (fault,) = records.faults
    assert fault.code == "bad-message"
    assert "WK" not in fault.raw
    assert "WK" not in fault.what


# --- answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", WIRES, ids=["segment", "rudderstack"])
def test_answers(wire: Any) -> None:
    sender = Sender(wire)
    assert sender.accept("/v1/batch", {"batch": []}) == (200, b'{"success":true}')
    # RudderStack's client takes an answer without `code` and `message` for a broken line.
    assert sender.refuse(Refusal(429, "Too much.", 2), "/v1/batch") == (
        429,
        b'{"success":false,"code":"429","message":"Too much."}',
    )


# --- whatever comes -----------------------------------------------------------------------------

NAMES = ("userId", "anonymousId", "previousId", "groupId", "event", "name", "timestamp", "sentAt")
CALLS = (
    st.builds(
        lambda kind, call: {"type": kind, **call},
        st.sampled_from(["track", "identify", "group", "page", "alias"]),
        objects(*NAMES) | objects("properties", "traits", "context"),
    )
    | JSON
)


@given(CALLS | st.fixed_dictionaries({"batch": st.lists(CALLS, max_size=3)}, optional={"a": JSON}))
def test_no_call_raises(body: Any) -> None:
    check_that_nothing_raises(SEGMENT, asked("/v1/batch", json.dumps(body).encode()))


@given(st.binary())
def test_no_bytes_raise(body: bytes) -> None:
    request: Request = asked("/v1/batch", body)
    check_that_nothing_raises(SEGMENT, request)


@pytest.mark.parametrize("name", ["traits", "properties", "event"])
@pytest.mark.parametrize("kind", ["identify", "track"])
def test_no_depth_raises(kind: str, name: str) -> None:
    for depth in range(500, 1100):
        call = b'{"type":"%s","userId":"u1","%s":{"a":%s}}' % (
            kind.encode(),
            name.encode(),
            nested(depth),
        )
        body = b'{"batch":[%s],"sentAt":"2020-01-01T00:00:00Z"}' % call
        check_that_nothing_raises(SEGMENT, asked("/v1/batch", body))
