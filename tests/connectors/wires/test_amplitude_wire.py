"""Amplitude's wire, with bodies as amplitude-analytics 1.3 builds them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.wires.amplitude import WIRES
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

AT = "2026-11-22T09:09:29.156000+00:00"
KEY = "ampkey"
(WIRE,) = WIRES
SENDER = Sender(WIRE)


def read(body: object, path: str = "/2/httpapi", **more: Any) -> Records:
    return SENDER.read(path, body, **more)


def batch(*events: object, **more: Any) -> dict[str, Any]:
    return {"api_key": KEY, "events": list(events), **more}


def event(name: str = "Signed Up", **more: Any) -> dict[str, Any]:
    return {
        "event_type": name,
        "insert_id": "e1c268f2",
        "library": "amplitude-python/1.3.0",
        "time": 1795338569156,
        "user_id": "u1",
        **more,
    }


def form(identification: object) -> bytes:
    return urlencode({"api_key": KEY, "identification": json.dumps(identification)}).encode()


def test_an_event_of_the_python_client() -> None:
    sent = event(
        device_id="dev1",
        groups={"company": "acme"},
        event_properties={"plan": "pro"},
        platform="Web",
    )
    records = read(batch(sent))
    assert records.rows == {
        Kind.EVENTS: [
            {
                "message_id": "e1c268f2",
                "user_id": "u1",
                "anonymous_id": "dev1",
                "account_id": "acme",
                "event": "Signed Up",
                "occurred_at": AT,
                "properties": '{"platform":"Web","plan":"pro"}',
            }
        ]
    }


@pytest.mark.parametrize(
    ("groups", "group_type", "account"),
    [
        ({"company": ["acme", "globex"]}, None, "acme"),
        ({"sport": "golf", "company": 7}, None, "7"),
        ({"sport": "golf", "company": "acme"}, "sport", "golf"),
        ({"company": []}, None, None),
        (None, None, None),
    ],
)
def test_the_account_of_an_event(groups: Any, group_type: str | None, account: str | None) -> None:
    (row,) = read(batch(event(groups=groups)), group_type=group_type).rows[Kind.EVENTS]
    assert row["account_id"] == account


@pytest.mark.parametrize(
    ("time", "occurred_at"),
    [
        (1795338569156, AT),
        ("1795338569156", AT),
        (None, ARRIVAL),
        ("yesterday", "yesterday"),
        (10**30, str(10**30)),
    ],
)
def test_times(time: object, occurred_at: str) -> None:
    (row,) = read(batch(event(time=time))).rows[Kind.EVENTS]
    assert row["occurred_at"] == occurred_at


def test_a_clock_that_is_wrong_is_corrected_by_the_time_of_upload() -> None:
    ahead = batch(event(), client_upload_time="2026-11-22T10:09:30.000Z")
    (row,) = read(ahead).rows[Kind.EVENTS]
    assert row["occurred_at"] == "2026-11-22T08:09:29.156000+00:00"
    assert json.loads(row["properties"] or "") == {"original_timestamp": AT}


OPERATIONS = {
    "$add": {"n": 1},
    "$set": {"email": "ann@acme.example", "name": "Ann"},
    "$setOnce": {"name": "Earlier", "source": "ad"},
}
ANN = {
    "user_id": "u1",
    "email": "ann@acme.example",
    "name": "Ann",
    "properties": '{"source":"ad","$set_once":["source"]}',
}
PLAIN = {**ANN, "properties": '{"source":"ad"}'}
LINK = {
    "message_id": "e1c268f2",
    "user_id": "u1",
    "anonymous_id": "dev1",
    "account_id": None,
    "event": "$identify",
    "occurred_at": AT,
    "properties": None,
}
COUNTED = '{"user_properties":{"$add":{"n":1}}}'


def test_identify_describes_a_user_and_links_the_device() -> None:
    stated = {name: said for name, said in OPERATIONS.items() if name != "$add"}
    sent = event("$identify", user_properties=stated)
    assert read(batch(sent)).rows == {Kind.USERS: [{**ANN, "valid_from": AT}]}
    assert read(batch({**sent, "device_id": "dev1"})).rows[Kind.EVENTS] == [LINK]


def test_what_counts_on_what_was_there_stays_an_event() -> None:
    rows = read(batch(event("$identify", user_properties=OPERATIONS))).rows
    assert rows[Kind.USERS] == [{**ANN, "valid_from": AT}]
    assert rows[Kind.EVENTS] == [{**LINK, "anonymous_id": None, "properties": COUNTED}]
    about = {"$set": {"name": "Acme"}, "$append": {"xs": 1}}
    sent = event("$groupidentify", groups={"company": "acme"}, group_properties=about)
    records = read(batch(sent))
    assert [row["name"] for row in records.rows[Kind.ACCOUNTS]] == ["Acme"]
    assert [fault.code for fault in records.faults] == ["not-a-statement"]


@pytest.mark.parametrize(
    ("said", "gone"),
    [({"$unset": {"a": "-", "email": "-"}}, ["a", "email"]), ({"$clearAll": "-"}, ["*"])],
)
def test_what_is_taken_away_is_a_statement(said: dict[str, Any], gone: list[str]) -> None:
    (user,) = read(batch(event("$identify", user_properties=said))).rows[Kind.USERS]
    assert json.loads(user["properties"] or "") == {"$unset": gone}
    sent = event("$groupidentify", groups={"company": "acme"}, group_properties=said)
    (account,) = read(batch(sent)).rows[Kind.ACCOUNTS]
    assert json.loads(account["properties"] or "") == {"$unset": gone}


def test_what_is_said_of_a_device_stays_an_event() -> None:
    said = {"$set": {"color": "red"}}
    sent = event("$identify", user_id=None, device_id="dev1", user_properties=said)
    records = read(batch(sent))
    (row,) = records.rows.pop(Kind.EVENTS)
    assert (row["user_id"], row["anonymous_id"]) == (None, "dev1")
    assert json.loads(row["properties"] or "") == {"user_properties": said}
    assert records.rows == {}


@pytest.mark.parametrize(
    ("groups", "code"),
    [({"sport": "golf"}, "other-group"), (None, "bad-message"), ({"company": []}, "bad-message")],
)
def test_a_groupidentify_that_describes_nothing_is_a_fault(groups: Any, code: str) -> None:
    about = {"$set": {"name": "Golf"}}
    records = read(batch(event("$groupidentify", groups=groups, group_properties=about)))
    assert records.rows == {}
    assert [fault.code for fault in records.faults] == [code]


def test_properties_of_the_user_on_an_event() -> None:
    plain = {"email": "ann@acme.example", "name": "Ann", "source": "ad"}
    records = read(batch(event(user_properties=plain)))
    assert records.rows[Kind.USERS] == [{**PLAIN, "valid_from": AT}]
    anonymous = read(batch(event(user_id=None, device_id="dev1", user_properties=plain)))
    assert list(anonymous.rows) == [Kind.EVENTS]


@pytest.mark.parametrize(
    ("groups", "who", "member", "link"),
    [
        ({"company": "acme"}, {"user_id": "u1"}, True, None),
        ({"sport": "golf"}, {"user_id": "u1"}, False, None),
        ({"company": "acme"}, {"user_id": None, "device_id": "dev1"}, False, "acme"),
    ],
)
def test_a_user_who_is_put_in_a_group(
    groups: dict[str, Any], who: dict[str, Any], member: bool, link: str | None
) -> None:
    sent = event("$identify", groups=groups, user_properties={"$set": groups}, **who)
    rows = read(batch(sent)).rows
    row = {"user_id": "u1", "account_id": "acme", "since": AT}
    assert rows.get(Kind.MEMBERSHIPS) == ([row] if member else None)
    assert [row["account_id"] for row in rows.get(Kind.EVENTS, [])] == ([link] if link else [])


def test_groupidentify_describes_accounts() -> None:
    about = {"$set": {"employees": 40, "name": "Acme", "tier": "gold"}}
    groups = {"company": ["acme", "globex"], "sport": "golf"}
    sent = event("$groupidentify", groups=groups, group_properties=about)
    records = read(batch(sent))
    row = {"name": "Acme", "employees": "40", "properties": '{"tier":"gold"}', "valid_from": AT}
    expected = [{"account_id": name, **row} for name in ("acme", "globex")]
    assert records.rows == {Kind.ACCOUNTS: expected}


def test_the_identify_form() -> None:
    said = {"user_id": "u1", "device_id": "dev1", "user_properties": OPERATIONS}
    assert SENDER.open("/identify", form(said)).key == KEY
    for identification in (said, [said]):
        rows = read(form(identification), "/identify").rows
        assert rows[Kind.USERS] == [{**ANN, "valid_from": ARRIVAL}]
        link = {**LINK, "message_id": None, "occurred_at": ARRIVAL, "properties": COUNTED}
        assert rows[Kind.EVENTS] == [link]


def test_the_groupidentify_form() -> None:
    about = {"$set": {"name": "Acme"}}
    said = {"group_type": "company", "group_value": "acme", "group_properties": about}
    records = read(form([said, {"group_type": "company"}, 7]), "/groupidentify")
    row = {"account_id": "acme", "name": "Acme", "properties": None, "valid_from": ARRIVAL}
    assert records.rows == {Kind.ACCOUNTS: [row]}
    assert len(records.faults) == 2


@pytest.mark.parametrize("path", ["/2/httpapi", "/batch"])
@pytest.mark.parametrize(
    "body",
    [b"", b"no json", 7, [], {"api_key": KEY}, {"api_key": KEY, "batch": [{"event": "PostHog's"}]}],
)
def test_other_bodies_are_refused(path: str, body: object) -> None:
    with pytest.raises(UnreadableError) as refused:
        SENDER.open(path, body)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    "body", [b"", batch(), b"api_key=ampkey", b"identification=%5B", b"identification=+"]
)
def test_other_forms_are_refused(body: object) -> None:
    with pytest.raises(UnreadableError):
        SENDER.open("/identify", body)


def test_the_answer_once_it_is_kept() -> None:
    body = json.dumps(batch(event(), event())).encode()
    status, answer = SENDER.accept("/2/httpapi", body)
    said = json.loads(answer)
    assert status == 200
    assert said.pop("server_upload_time") > 1_700_000_000_000
    assert said == {"code": 200, "events_ingested": 2, "payload_size_bytes": len(body)}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, "No."),
        (401, "Invalid API key: No."),
        (413, "No."),
        (429, "Too many requests for some devices and users"),
        (503, "No."),
    ],
)
def test_refusals(status: int, error: str) -> None:
    answered, answer = SENDER.refuse(Refusal(status, "No.", retry_after=1), "/2/httpapi")
    said = json.loads(answer)
    assert (answered, said["code"], said["error"]) == (status, status, error)
    assert ("eps_threshold" in said) == (status == 429)


OBJECTS = JSON | objects("$set", "$setOnce", "company", "email")
EVENTS = st.builds(
    lambda sent, more, name: {**sent, **more, "event_type": name},
    objects("user_id", "device_id", "time", "insert_id", "group_type", "group_value"),
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("groups", "user_properties", "group_properties", "event_properties"), OBJECTS
        ),
    ),
    st.sampled_from(["$identify", "$groupidentify", "e"]) | JSON,
)


@given(EVENTS | JSON | st.lists(EVENTS | JSON, max_size=4))
def test_no_message_raises(body: Any) -> None:
    for sent in (body, batch(body), {"api_key": KEY, "events": body}, form(body)):
        check_that_nothing_raises(WIRE, request_of("/batch", sent))


@given(st.binary())
def test_no_body_raises(body: bytes) -> None:
    for sent in (body, b"identification=" + body):
        check_that_nothing_raises(WIRE, request_of("/batch", sent))


def test_what_nests_deeply_is_read_or_refused() -> None:
    for depth in range(800, 1000):
        event = b'{"event_type":"$identify","user_id":"u1","user_properties":%s}' % nested(depth)
        check_that_nothing_raises(WIRE, request_of("/batch", b'{"events":[%s]}' % event))
