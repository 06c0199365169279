"""Mixpanel's wire, with bodies as its clients for Python and Node were seen to send them."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.wires.wire import Envelope, Refusal, UnreadableError
from groundswell.model import Kind

from .mixpanel_messages import SENDER, WIRE, event, profile
from .sending import JSON, RECEIVED_AT, check_that_nothing_raises, nested, objects, read
from .sending import request_of as asked

ARRIVAL = RECEIVED_AT.isoformat()
BASIC = {"authorization": "Basic U0VDUkVUOg=="}  # SECRET:

PYTHON_TRACK = (
    b"data=%7B%22event%22%3A%22Signed+Up%22%2C%22properties%22%3A%7B%22token%22%3A%22TOK%22%2C%22"
    b"distinct_id%22%3A%22u1%22%2C%22time%22%3A1795338567.0409272%2C%22%24insert_id%22%3A%22"
    b"78969b6a54c54b458ee89b7d2d16be5e%22%2C%22mp_lib%22%3A%22python%22%2C%22%24lib_version%22%3A"
    b"%225.4.1%22%2C%22plan%22%3A%22pro%22%2C%22company%22%3A%22acme%22%7D%7D&verbose=1&ip=0"
)
PYTHON_ALIAS = (
    b"data=%7B%22event%22%3A%22%24create_alias%22%2C%22properties%22%3A%7B%22distinct_id%22%3A%22"
    b"anon1%22%2C%22alias%22%3A%22u1%22%2C%22token%22%3A%22TOK%22%7D%7D&verbose=1&ip=0"
)
PYTHON_ENGAGE = (
    b"data=%7B%22%24token%22%3A%22TOK%22%2C%22%24time%22%3A1795338567.0472817%2C%22%24distinct_id"
    b"%22%3A%22u1%22%2C%22%24set%22%3A%7B%22%24email%22%3A%22a%40acme.example%22%2C%22%24first_name"
    b"%22%3A%22Ada%22%2C%22%24last_name%22%3A%22L%22%2C%22plan%22%3A%22pro%22%7D%7D&verbose=1&ip=0"
)
PYTHON_GROUPS = (
    b"data=%7B%22%24token%22%3A%22TOK%22%2C%22%24time%22%3A1795338567.3579433%2C%22%24group_key%22"
    b"%3A%22company%22%2C%22%24group_id%22%3A%22acme%22%2C%22%24set%22%3A%7B%22%24name%22%3A%22Acme"
    b"%22%2C%22employees%22%3A40%7D%7D&verbose=1&ip=0"
)
PYTHON_IMPORT = (
    b"data=%7B%22event%22%3A%22Old%22%2C%22properties%22%3A%7B%22token%22%3A%22TOK%22%2C%22"
    b"distinct_id%22%3A%22u1%22%2C%22time%22%3A1700000000%2C%22%24insert_id%22%3A%22"
    b"af205428c93b41b48dded09a3cab220c%22%2C%22mp_lib%22%3A%22python%22%2C%22%24lib_version%22%3A"
    b"%225.4.1%22%2C%22a%22%3A1%7D%7D&verbose=1&ip=0"
)
NODE_TRACK = {
    "ip": "0",
    "verbose": "0",
    "data": "eyJldmVudCI6IlNpZ25lZCBVcCIsInByb3BlcnRpZXMiOnsiZGlzdGluY3RfaWQiOiJ1MSIsInBsYW4iOiJw"
    "cm8iLCJjb21wYW55IjoiYWNtZSIsInRva2VuIjoiVE9LIiwibXBfbGliIjoibm9kZSIsIiRsaWJfdmVyc2lvbiI6IjAu"
    "MjQuMCJ9fQ==",
}
NODE_BATCH = (
    b"data=W3siZXZlbnQiOiJBIiwicHJvcGVydGllcyI6eyJkaXN0aW5jdF9pZCI6InUxIiwidG9rZW4iOiJUT0sifX0seyJl"
    b"dmVudCI6IkIiLCJwcm9wZXJ0aWVzIjp7ImRpc3RpbmN0X2lkIjoidTEiLCJ0aW1lIjoxNzk1MzM4NzA4OTI5LCJ0b2tl"
    b"biI6IlRPSyJ9fV0="
)


def events(*messages: dict[str, Any], group_type: str | None = None) -> list[dict[str, str | None]]:
    return SENDER.rows(Kind.EVENTS, "/track", messages, group_type=group_type)


# --- what the clients send ----------------------------------------------------------------------


def test_an_event_of_the_python_client() -> None:
    assert SENDER.open("/track", PYTHON_TRACK).key == "TOK"
    (row,) = SENDER.rows(Kind.EVENTS, "/track", PYTHON_TRACK)
    assert json.loads(row.pop("properties") or "") == {
        "distinct_id": "u1",
        "time": 1795338567.0409272,
        "$insert_id": "78969b6a54c54b458ee89b7d2d16be5e",
        "mp_lib": "python",
        "$lib_version": "5.4.1",
        "plan": "pro",
        "company": "acme",
    }
    assert row == {
        "message_id": "78969b6a54c54b458ee89b7d2d16be5e",
        "user_id": "u1",
        "anonymous_id": "u1",
        "account_id": "acme",
        "event": "Signed Up",
        "occurred_at": "2026-11-22T09:09:27.040927+00:00",
    }


def test_an_event_of_the_node_client() -> None:
    assert SENDER.open("/track", method="GET", query=NODE_TRACK).key == "TOK"
    (row,) = SENDER.rows(Kind.EVENTS, "/track", method="GET", query=NODE_TRACK)
    assert (row["event"], row["user_id"], row["account_id"]) == ("Signed Up", "u1", "acme")
    assert (row["message_id"], row["occurred_at"]) == (None, ARRIVAL)


def test_a_batch_of_the_node_client() -> None:
    rows = SENDER.rows(Kind.EVENTS, "/track", NODE_BATCH, query={"verbose": "0"})
    assert [(row["event"], row["occurred_at"]) for row in rows] == [
        ("A", ARRIVAL),
        ("B", "2026-11-22T09:11:48.929000+00:00"),
    ]


def test_the_node_client_does_not_escape_base64() -> None:
    data = base64.b64encode(b'{"event":"\xc3\xa0\xc3\xbe~~~???"}')
    assert b"+" in data
    assert b"/" in data
    (row,) = SENDER.rows(Kind.EVENTS, "/track", b"data=" + data)
    assert row["event"] == "àþ~~~???"


def test_a_user_of_the_python_client() -> None:
    (row,) = SENDER.rows(Kind.USERS, "/engage", PYTHON_ENGAGE)
    assert json.loads(row.pop("properties") or "") == {
        "first_name": "Ada",
        "last_name": "L",
        "plan": "pro",
    }
    assert row == {
        "user_id": "u1",
        "valid_from": "2026-11-22T09:09:27.047282+00:00",
        "email": "a@acme.example",
        "name": "Ada L",
    }


def test_a_group_of_the_python_client() -> None:
    (row,) = SENDER.rows(Kind.ACCOUNTS, "/groups", PYTHON_GROUPS)
    assert row == {
        "account_id": "acme",
        "valid_from": "2026-11-22T09:09:27.357943+00:00",
        "name": "Acme",
        "employees": "40",
        "properties": None,
    }


def test_an_import_of_the_python_client() -> None:
    assert SENDER.open("/import", PYTHON_IMPORT, headers=BASIC).key == "TOK"
    (row,) = SENDER.rows(Kind.EVENTS, "/import", PYTHON_IMPORT, headers=BASIC)
    assert (row["event"], row["occurred_at"]) == ("Old", "2023-11-14T22:13:20+00:00")


def test_an_alias_of_the_python_client_ties_the_ids() -> None:
    (row,) = SENDER.rows(Kind.EVENTS, "/track", PYTHON_ALIAS)
    assert (row["event"], row["user_id"], row["anonymous_id"]) == ("$create_alias", "u1", "anon1")
    assert row["occurred_at"] == ARRIVAL


# --- bodies -------------------------------------------------------------------------------------

ONE = json.dumps(event()).encode()
LIST = b"[" + ONE + b"]"


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("data", [ONE, LIST], ids=["one", "list"])
@pytest.mark.parametrize("coded", [bytes, base64.b64encode], ids=["json", "base64"])
def test_every_form_of_a_body(method: str, data: bytes, coded: Any) -> None:
    text = coded(data)
    request = (
        {"query": {"data": text.decode()}}
        if method == "GET"
        else {"body": b"ip=0&data=" + quote(text).encode() + b"&verbose=1"}
    )
    (row,) = SENDER.rows(Kind.EVENTS, "/track", method=method, **request)
    assert (row["event"], row["user_id"]) == ("Opened", "u1")


@pytest.mark.parametrize("body", [ONE, LIST, b" \n" + LIST])
@pytest.mark.parametrize("path", ["/track", "/import"])
def test_bodies_of_json(path: str, body: bytes) -> None:
    assert [row["event"] for row in SENDER.rows(Kind.EVENTS, path, body)] == ["Opened"]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[{}", b"[1 2]", b"\xff", b"verbose=1", b"data=", b"data=%20", b"data=e30"),
        *(b"data=%7B", b"data=1", b"data=MQ==", b"data=\xff", b"{}{}", nested(100_000)),
    ],
)
def test_bodies_that_no_client_sends(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        SENDER.open("/track", body)


# --- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "headers", "key"),
    [
        ("/track", [{"event": "A"}, event()], {}, "TOK"),
        ("/track", [event()], BASIC, "TOK"),
        ("/engage", [profile(distinct_id="u1")], {}, "TOK"),
        ("/groups", profile(group_key="company"), {}, "TOK"),
        ("/import", [{"event": "A"}], BASIC, "SECRET"),
        ("/import", [1, {"event": "A", "properties": 1}], BASIC, "SECRET"),
        ("/track", [{"event": "A"}], {}, None),
        ("/track", [], {}, None),
    ],
)
def test_where_the_key_stands(
    path: str, body: Any, headers: dict[str, str], key: str | None
) -> None:
    assert SENDER.open(path, body, headers=headers).key == key


def test_messages_of_another_token_are_not_taken() -> None:
    body = [event("A"), event("B", token='OTH"ER'), {"event": "C"}, event("D")]
    records = SENDER.read("/track", body)
    assert [row["event"] for row in records.rows[Kind.EVENTS]] == ["A", "C", "D"]
    (fault,) = records.faults
    assert fault.what == "Its token is another than that of the request."
    assert json.loads(fault.raw) == event("B", token="another key")


def test_a_message_of_another_token_is_told_apart_when_its_own_is_blotted_out() -> None:
    route = SENDER.route("/track")
    kept = route.blot(asked("/track", [event("A"), event("B", token="OTHER")]), "TOK")
    envelope = SENDER.open("/track", kept.body)
    assert envelope.key == "********"
    records = read(route, envelope)
    assert [row["event"] for row in records.rows[Kind.EVENTS]] == ["A"]
    (fault,) = records.faults
    alone = read(route, Envelope("********", [fault.raw.encode()]))
    assert (alone.rows, alone.faults) == ({}, [fault])


BOTH = [event("A"), profile(token="TOK", set={"a": 1})]


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("coded", [bytes, base64.b64encode], ids=["json", "base64"])
def test_what_is_kept_of_a_form_opens_to_the_same_without_the_token(
    method: str, coded: Any
) -> None:
    text = coded(json.dumps(BOTH).encode())
    form = {"query": {"data": text.decode(), "token": "TOK"}}
    request = asked("/track", b"ip=0&data=" + quote(text).encode()) if method == "POST" else (
        asked("/track", method="GET", **form)
    )  # fmt: skip
    kept = SENDER.route("/track", method).blot(request, "TOK")
    shown = [kept.body, base64.b64decode(kept.body + b"===", validate=False), str(kept).encode()]
    for spelled in (b"TOK", base64.b64encode(b"TOK"), quote(b"TOK").encode()):
        assert not any(spelled in part for part in shown)
    sent = SENDER.route("/track", method).open(request).messages
    assert [bytes(raw) for raw in SENDER.route("/track", method).open(kept).messages] == [
        bytes(raw).replace(b"TOK", b"********") for raw in sent
    ]


@pytest.mark.parametrize(
    "bad",
    [
        "TOK",
        {"event": "A", "properties": ["TOK", {"token": "OTHER"}]},
        {"event": "A", "properties": {"token": {"TOK": {"token": "OTHER"}}}},
        {"event": "TOK", "$token": "OTHER", "properties": {"token": "TOK"}},
        profile(token="OTHER", distinct_id="u1", set={"a": "TOK"}),
        profile(distinct_id="TOK", set="OTHER"),
    ],
)
@pytest.mark.parametrize("path", ["/track", "/engage", "/groups", "/import"])
def test_no_token_is_told(path: str, bad: Any) -> None:
    records = SENDER.read(path, [event(), profile(token="TOK", set={"a": 1}), bad])
    kept = [raw for fault in records.faults for raw in (fault.raw, fault.what, fault.fix)]
    kept += [row["properties"] or "" for rows in records.rows.values() for row in rows]
    assert not any("TOK" in text for text in kept)
    assert not any('"token":"OTHER"' in text for text in kept)


# --- events -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "at"),
    [
        (1709287200, "2024-03-01T10:00:00+00:00"),
        (1709287200.25, "2024-03-01T10:00:00.250000+00:00"),
        (1709287200250, "2024-03-01T10:00:00.250000+00:00"),
        ("1709287200", "2024-03-01T10:00:00+00:00"),
        (None, ARRIVAL),
        ("2024-03-01T10:00:00", "2024-03-01T10:00:00"),
        (True, "true"),
        ([1], "[1]"),
        (10**30, str(10**30)),
        (10**400, str(10**400)),
        ("nan", "nan"),
        ("-inf", "-inf"),
    ],
)
def test_times(time: Any, at: str) -> None:
    assert events(event(time=time))[0]["occurred_at"] == at


@pytest.mark.parametrize(
    ("properties", "user", "anonymous"),
    [
        ({"distinct_id": "u1"}, "u1", "u1"),
        ({"distinct_id": 7}, "7", "7"),
        ({"distinct_id": "$device:x1", "$device_id": "x1"}, None, "x1"),
        ({"distinct_id": "$device:x1"}, None, "x1"),
        ({"distinct_id": "u1", "$device_id": "x1", "$user_id": "u1"}, "u1", "x1"),
        ({"distinct_id": "x1", "$device_id": "x1"}, None, "x1"),
        ({"distinct_id": "$device:x1", "$user_id": "u1"}, "u1", "x1"),
        ({"distinct_id": ""}, None, None),
        ({"distinct_id": None}, None, None),
    ],
)
def test_ids_are_read_as_in_an_export(
    properties: dict[str, Any], user: str | None, anonymous: str | None
) -> None:
    (row,) = events(event(**properties))
    assert (row["user_id"], row["anonymous_id"]) == (user, anonymous)


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("$identify", {"$identified_id": "u1", "$anon_id": "x1", "distinct_id": None}),
        ("$identify", {"distinct_id": "u1", "$anon_distinct_id": "$device:x1"}),
        ("$identify", {"distinct_id": "u1", "$user_id": "u1", "$device_id": "x1"}),
        ("$create_alias", {"distinct_id": "x1", "alias": "u1"}),
        ("$create_alias", {"distinct_id": "$device:x1", "alias": "u1"}),
    ],
)
def test_what_ties_ids_is_an_event_that_has_both(name: str, properties: dict[str, Any]) -> None:
    (row,) = events(event(name, **properties))
    assert (row["event"], row["user_id"], row["anonymous_id"]) == (name, "u1", "x1")


@pytest.mark.parametrize(
    ("properties", "group_type", "account"),
    [
        ({"company": "acme"}, None, "acme"),
        ({"company": ["acme", "beta"]}, None, "acme"),
        ({"account_id": 7, "plan": "pro"}, None, "7"),
        ({"team": "red", "company": "acme"}, None, "acme"),
        ({"company": "", "team": "red"}, None, "red"),
        ({"plan": "pro"}, None, None),
        ({"company": "acme", "org": "beta"}, "org", "beta"),
        ({"company": "acme"}, "org", None),
    ],
)
def test_the_account_is_a_property(
    properties: dict[str, Any], group_type: str | None, account: str | None
) -> None:
    assert events(event(**properties), group_type=group_type)[0]["account_id"] == account


def test_an_event_without_a_name_or_anything_is_left_for_the_rules_to_refuse() -> None:
    rows = events({}, event(None), event(3, **{"$insert_id": 4}))
    assert [(row["event"], row["message_id"]) for row in rows] == [
        (None, None),
        (None, None),
        ("3", "4"),
    ]


# --- answers ------------------------------------------------------------------------------------

FORM = b"data=" + quote_plus(ONE).encode()
VERBOSE = FORM + b"&verbose=1"
QUERY = {"data": ONE.decode()}
PLAIN, SAID = b"1", b'{"status":1,"error":null}'


@pytest.mark.parametrize("path", ["/track", "/engage", "/groups", "/import"])
@pytest.mark.parametrize(
    ("request_", "body"),
    [
        ({"body": FORM}, PLAIN),
        ({"body": FORM + b"&verbose=0"}, PLAIN),
        ({"body": VERBOSE}, SAID),
        ({"body": b"verbose=1&" + FORM}, SAID),
        ({"body": FORM, "query": {"verbose": "1"}}, SAID),
        ({"method": "GET", "query": QUERY}, PLAIN),
        ({"method": "GET", "query": {**QUERY, "verbose": "1"}}, SAID),
    ],
)
def test_the_answer_is_the_one_that_the_client_asked_for(
    path: str, request_: dict[str, Any], body: bytes
) -> None:
    assert SENDER.accept(path, **request_) == (200, body)
    status, refused = SENDER.refuse(Refusal(429, "Too much.", 2), path, **request_)
    assert status == 429
    assert refused == (b"0" if body == PLAIN else b'{"status":0,"error":"Too much."}')


def test_answers_to_json() -> None:
    assert SENDER.accept("/track", LIST) == (200, PLAIN)
    assert SENDER.accept("/track", LIST, query={"verbose": "1"}) == (200, SAID)
    said = b'{"code":200,"num_records_imported":1,"status":"OK"}'
    assert SENDER.accept("/import", LIST) == (200, said)
    refused = b'{"code":400,"error":"No.","status":0}'
    assert SENDER.refuse(Refusal(400, "No."), "/import", b"[") == (400, refused)


# --- whatever comes -----------------------------------------------------------------------------

MESSAGES = (
    st.fixed_dictionaries(
        {},
        optional={
            "event": JSON | st.sampled_from(["$identify", "$create_alias"]),
            "properties": JSON
            | objects("token", "distinct_id", "$user_id", "$device_id", "time", "company", "alias"),
        },
    )
    | objects("$token", "$distinct_id", "$time", "$set", "$set_once", "$group_key", "$group_id")
    | objects("$distinct_id", "$unset", "$delete", "$add", "$append", "$union", "$remove")
    | st.fixed_dictionaries(
        {"$set": objects("$name", "$email", "$first_name", "title"), "$group_key": st.just("team")}
    )
    | JSON
)


@given(MESSAGES | st.lists(MESSAGES, max_size=3), st.sampled_from(["json", "form", "base64"]))
def test_no_message_raises(body: Any, form: str) -> None:
    data = json.dumps(body).encode()
    if form == "form":
        data = b"data=" + quote(data).encode()
    elif form == "base64":
        data = b"data=" + base64.b64encode(data)
    check_that_nothing_raises(WIRE, asked("/track", data))


@given(
    st.binary() | st.binary().map(lambda tail: b"data=" + tail),
    st.dictionaries(st.sampled_from(["data", "verbose"]), st.text()),
    st.dictionaries(st.just("authorization"), st.text() | st.just("Basic !")),
)
def test_no_bytes_raise(body: bytes, query: dict[str, str], headers: dict[str, str]) -> None:
    check_that_nothing_raises(WIRE, asked("/track", body, query=query, headers=headers))


@pytest.mark.parametrize("name", ["$set", "properties", "event"])
def test_no_depth_raises(name: str) -> None:
    for depth in range(500, 1100):
        body = b'[{"%s":{"a":%s}}]' % (name.encode(), nested(depth))
        check_that_nothing_raises(WIRE, asked("/track", body))
