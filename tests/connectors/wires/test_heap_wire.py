"""Heap's wire, from its published description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.wires.heap import WIRES
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

KEY = "1529792665"
(WIRE,) = WIRES
SENDER = Sender(WIRE)
TRACK = "/api/track"
EVENT = {
    "identity": "u1",
    "event": "Signed Up",
    "timestamp": "2026-11-22T08:00:00Z",
    "idempotency_key": "k1",
    "properties": {"plan": "pro", "account_id": "acme"},
}
ROW = {
    "message_id": "k1",
    "user_id": "u1",
    "anonymous_id": None,
    "account_id": "acme",
    "event": "Signed Up",
    "occurred_at": "2026-11-22T08:00:00Z",
    "properties": '{"plan":"pro","account_id":"acme"}',
}


def read(body: object, path: str = TRACK, **more: Any) -> Records:
    return SENDER.read(path, body, **more)


@pytest.mark.parametrize("body", [{"app_id": KEY, **EVENT}, {"app_id": KEY, "events": [EVENT]}])
def test_track(body: dict[str, Any]) -> None:
    assert SENDER.open(TRACK, body).key == KEY
    assert read(body).rows == {Kind.EVENTS: [ROW]}


def test_the_key_may_be_a_number() -> None:
    assert SENDER.open(TRACK, {"app_id": int(KEY), **EVENT}).key == KEY


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"identity": None, "user_id": 5_290_100}, {"user_id": None, "anonymous_id": "5290100"}),
        ({"user_id": "5290100"}, {"anonymous_id": "5290100"}),
        ({"timestamp": None}, {"occurred_at": ARRIVAL}),
        ({"timestamp": 1795338570000}, {"occurred_at": ARRIVAL}),
        ({"properties": None}, {"properties": None, "account_id": None}),
        ({"idempotency_key": None}, {"message_id": None}),
    ],
)
def test_fields_of_an_event(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read({"app_id": KEY, **EVENT, **changes}).rows[Kind.EVENTS] == [{**ROW, **expected}]


def test_the_property_that_is_the_account() -> None:
    body = {"app_id": KEY, **EVENT, "properties": {"Company Id": 7, "account_id": "acme"}}
    (row,) = read(body, group_type="Company Id").rows[Kind.EVENTS]
    assert row["account_id"] == "7"


@pytest.mark.parametrize("many", [True, False])
def test_a_user_is_described_and_put_in_an_account(many: bool) -> None:
    about = {"Email": "ann@acme.example", "plan": "pro", "account_id": "acme"}
    user = {"identity": "u1", "properties": about}
    body = {"app_id": KEY, "users": [user]} if many else {"app_id": KEY, **user}
    assert read(body, "/api/add_user_properties").rows == {
        Kind.USERS: [
            {
                "user_id": "u1",
                "email": "ann@acme.example",
                "properties": '{"plan":"pro","account_id":"acme"}',
                "valid_from": ARRIVAL,
            }
        ],
        Kind.MEMBERSHIPS: [{"user_id": "u1", "account_id": "acme", "since": ARRIVAL}],
    }


def test_what_is_said_of_a_visitor_is_an_event() -> None:
    body = {"app_id": KEY, "user_id": "529", "properties": {"account_id": "acme"}}
    records = read(body, "/api/add_user_properties")
    (row,) = records.rows.pop(Kind.EVENTS)
    assert (row["user_id"], row["anonymous_id"], row["account_id"]) == (None, "529", "acme")
    assert (row["event"], row["properties"]) == ("Identify", '{"account_id":"acme"}')
    assert records.rows == {}


@pytest.mark.parametrize("many", [True, False])
def test_an_account_is_described(many: bool) -> None:
    account = {"account_id": "acme", "properties": {"name": "Acme", "employees": 40}}
    body = {"app_id": KEY, "accounts": [account]} if many else {"app_id": KEY, **account}
    row = {"account_id": "acme", "name": "Acme", "employees": "40"}
    assert read(body, "/api/add_account_properties").rows == {
        Kind.ACCOUNTS: [{**row, "properties": None, "valid_from": ARRIVAL}]
    }


def test_identify_links_a_visitor_to_a_user() -> None:
    records = read({"app_id": KEY, "identity": "u1", "user_id": "529"}, "/api/identify")
    (row,) = records.rows[Kind.EVENTS]
    assert (row["user_id"], row["anonymous_id"], row["event"]) == ("u1", "529", "Identify")
    records = read({"app_id": KEY, "identity": "u1"}, "/api/identify")
    (fault,) = records.faults
    assert records.rows == {}
    assert "user_id" in fault.what
    assert KEY not in fault.raw


@pytest.mark.parametrize("body", [b"", b"no json", 7, [], {"events": {}}, {"app_id": []}])
def test_other_bodies_are_refused(body: object) -> None:
    with pytest.raises(UnreadableError):
        SENDER.open(TRACK, body)


def test_a_wrong_message_in_a_good_body_is_a_fault() -> None:
    records = read({"app_id": KEY, "events": [7, {"properties": KEY}, EVENT]})
    assert records.rows == {Kind.EVENTS: [ROW]}
    assert len(records.faults) == 2
    assert KEY not in repr(records)


def test_answers() -> None:
    assert SENDER.accept(TRACK, {"app_id": KEY, **EVENT}) == (200, b"{}")
    assert SENDER.refuse(Refusal(400, "No."), TRACK) == (400, b'{"error":"No."}')


SENT = objects(
    *("identity", "user_id", "account_id", "event", "timestamp", "idempotency_key", "properties")
)


@given(SENT | JSON | st.lists(SENT | JSON, max_size=4))
def test_no_message_raises(body: Any) -> None:
    for sent in (body, {"app_id": KEY, "events": body}):
        check_that_nothing_raises(WIRE, request_of(TRACK, sent))


@given(st.binary())
def test_no_body_raises(body: bytes) -> None:
    check_that_nothing_raises(WIRE, request_of(TRACK, body))


def test_what_nests_deeply_is_read_or_refused() -> None:
    for depth in range(800, 1000):
        body = b'{"identity":"u1","properties":%s}' % nested(depth)
        check_that_nothing_raises(WIRE, request_of(TRACK, body))
