"""The intake endpoints as any client meets them: acknowledged is kept, refused says why."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
import threading
import time
import zlib
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from groundswell.api.local import operation_routes
from groundswell.config.loading import load_config
from groundswell.engine.draining import hand_raise_of
from groundswell.engine.keys import Keys

EVENT = {
    "type": "track",
    "messageId": "m1",
    "userId": "u1",
    "event": "Signed Up",
    "timestamp": "2026-06-01T10:00:00Z",
    "properties": {"plan": "pro"},
    "context": {"groupId": "acme"},
}


def batch(*messages: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"batch": list(messages), **more}).encode()


def test_what_is_acknowledged_is_in_the_warehouse_once(served):
    key = served.key("app", "segment")
    for _ in range(2):
        answer = httpx.post(f"{served.url}/v1/batch", content=batch(EVENT), auth=(key, ""))
        assert (answer.status_code, answer.json()) == (200, {"success": True})
    served.settle()
    (event,) = served.events()
    assert (event["source"], event["message_id"], event["user_id"]) == ("app", "m1", "u1")
    assert (event["account_id"], event["event"]) == ("acme", "Signed Up")
    assert event["occurred_at"].isoformat() == "2026-06-01T10:00:00+00:00"
    assert event["properties"] == {"plan": "pro"}
    assert served.rejects() == []


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: body),
        ("", lambda body: body),
    ],
)
def test_a_body_is_read_by_what_it_is(served, encoding, compress):
    key = served.key("app", "segment")
    headers = {"content-encoding": encoding} if encoding else {}
    headers["content-type"] = "application/x-www-form-urlencoded"
    body = compress(batch(EVENT, writeKey=key))
    assert httpx.post(f"{served.url}/v1/batch", content=body, headers=headers).status_code == 200
    served.settle()
    assert len(served.events()) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"nonsense", 400),
        (b"[]", 400),
        (b'{"batch": 7}', 400),
        (b'{"batch": [' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"]}", 400),
        (b'{"batch": [{"event": "\xff\xfe"}]}', 200),
        (gzip.compress(b" " * (40 << 20)), 413),
        (b" " * (17 << 20), 413),
        (gzip.compress(b"{}")[:-4], 400),
    ],
    ids=["empty", "text", "list", "no list", "deep", "not utf-8", "bomb", "long", "cut off"],
)
def test_a_body_that_is_none_is_refused_with_a_reason(served, body, status):
    key = served.key("app", "segment")
    answer = httpx.post(f"{served.url}/v1/batch", content=body, auth=(key, ""))
    assert answer.status_code == status
    if status != 200:
        assert set(answer.json()) == {"success", "code", "message"}
        assert key not in answer.text
    served.settle()
    assert served.events() == []
    assert httpx.get(f"{served.url}/healthz").status_code == 200


def test_a_key_that_is_none_or_of_another_wire_is_refused(served):
    other = served.key("web", "rudderstack")
    for auth in (None, ("nobody", ""), ("", "")):
        answer = httpx.post(f"{served.url}/v1/batch", content=batch(EVENT), auth=auth)
        assert answer.status_code == 401
    assert httpx.post(f"{served.url}/v1/batch", content=batch(), auth=(other, "")).is_success


def test_a_message_that_cannot_be_used_is_quarantined_and_the_rest_goes_on(served):
    key = served.key("app", "segment")
    wrong = [
        {**EVENT, "messageId": "m2", "type": f"shout {key}"},
        {**EVENT, "messageId": "m3", "timestamp": "yesterday"},
        {**EVENT, "messageId": "m4", "userId": "null"},
        {**EVENT, "messageId": "m5", "writeKey": key, "properties": 7},
    ]
    httpx.post(f"{served.url}/v1/batch", content=batch(*wrong, EVENT), auth=(key, ""))
    served.settle()
    assert [event["message_id"] for event in served.events()] == ["m1"]
    rejects = served.rejects()
    assert sorted(reject.code for reject in rejects) == [
        "bad-message",
        "bad-message",
        "junk-id",
        "time-unreadable",
    ]
    assert not any(key in reject.raw + reject.reason for reject in rejects)


def test_a_revoked_key_is_refused_within_a_second_or_so(served):
    key = served.key("app", "segment")
    assert httpx.post(f"{served.url}/v1/batch", content=batch(), auth=(key, "")).is_success
    with Keys.open(served.folder) as keys:
        fresh = keys.rotate("app").key
    time.sleep(1.1)
    assert httpx.post(f"{served.url}/v1/batch", content=batch(), auth=(key, "")).status_code == 401
    assert httpx.post(f"{served.url}/v1/batch", content=batch(), auth=(fresh, "")).is_success


def test_traits_told_one_by_one_add_up_whatever_their_order(served):
    key = served.key("app", "segment")

    def identify(day: int, **traits: Any) -> dict[str, Any]:
        at = f"2026-06-0{day}T10:00:00Z"
        return {"type": "identify", "userId": "u1", "timestamp": at, "traits": traits}

    for message in (identify(3, title="CTO"), identify(1, email="ann@acme.example", color="red")):
        httpx.post(f"{served.url}/v1/batch", content=batch(message), auth=(key, ""))
        served.settle()
    last = max(served.users(), key=lambda row: row["valid_from"])
    assert (last["email"], last["title"]) == ("ann@acme.example", "CTO")
    assert last["properties"] == {"color": "red"}
    first = min(served.users(), key=lambda row: row["valid_from"])
    assert first["title"] is None


def test_a_browser_may_send_from_any_page(served):
    answer = httpx.options(f"{served.url}/v1/batch", headers={"origin": "https://app.example"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"


def test_health_readiness_and_metrics(served):
    key = served.key("app", "segment")
    httpx.post(f"{served.url}/v1/batch", content=batch(EVENT), auth=(key, ""))
    served.settle()
    assert httpx.get(f"{served.url}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{served.url}/readyz").json() == {"status": "ok", "leads": True}
    text = httpx.get(f"{served.url}/metrics").text
    assert "groundswell_leader 1.0" in text
    assert 'groundswell_messages_total{wire="segment"} 1.0' in text
    assert httpx.get(f"{served.url}/nowhere").status_code == 404


def test_a_locked_ledger_is_told_as_try_again_and_nothing_is_lost(served):
    key = served.key("app", "segment")
    assert httpx.post(f"{served.url}/v1/batch", content=batch(), auth=(key, "")).is_success
    other = sqlite3.connect(served.folder / ".groundswell" / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    answer = httpx.post(f"{served.url}/v1/batch", content=batch(EVENT), auth=(key, ""), timeout=30)
    other.execute("ROLLBACK")
    other.close()
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert httpx.post(f"{served.url}/v1/batch", content=batch(EVENT), auth=(key, "")).is_success
    served.settle()
    assert len(served.events()) == 1


def test_numbers_that_are_none_do_not_cost_the_batch(served):
    key = served.key("app", "segment")
    body = batch({**EVENT, "properties": {"ratio": float("nan"), "most": float("inf"), "n": 1}})
    assert httpx.post(f"{served.url}/v1/batch", content=body, auth=(key, "")).is_success
    served.settle()
    (event,) = served.events()
    assert event["properties"] == {"ratio": None, "most": None, "n": 1}


def test_text_that_no_database_keeps_is_quarantined(served):
    key = served.key("app", "segment")
    wrong = [
        {**EVENT, "messageId": "m2", "userId": "u\0"},
        {**EVENT, "messageId": "m3", "properties": {"x": "a\0b"}},
    ]
    httpx.post(f"{served.url}/v1/batch", content=batch(*wrong, EVENT), auth=(key, ""))
    served.settle()
    assert [event["message_id"] for event in served.events()] == ["m1"]
    assert {reject.code for reject in served.rejects()} == {"nul-byte"}


def test_accounts_are_scored_as_events_come(served):
    key = served.key("app", "segment")
    at = served.project.clock.now().isoformat()
    for user in range(3):
        event = {**EVENT, "messageId": f"m{user}", "userId": f"u{user}", "timestamp": at}
        assert httpx.post(f"{served.url}/v1/batch", content=batch(event), auth=(key, "")).is_success
    deadline = time.monotonic() + 60
    while "groundswell_run_seconds_count 0.0" in httpx.get(f"{served.url}/metrics").text:
        assert time.monotonic() < deadline, "nobody was scored"
        time.sleep(0.05)
    assert [row.account_id for row in served.project.accounts()] == ["acme"]
    assert served.project.journal(account="acme")[0].kind == "decided"


def test_somebody_asks_for_a_person(served):
    key = served.key("talk-to-sales", "form")
    form = {"email": "ann@acme.example", "message": "Call me", "elapsed_ms": 9_000, "key": key}
    for _ in range(2):
        assert httpx.post(f"{served.url}/v1/hand-raise", json=form).json() == {"ok": True}
    answer = httpx.post(f"{served.url}/v1/hand-raise", data={**form, "email": "nobody"})
    assert (answer.status_code, answer.json()["ok"]) == (400, False)
    served.settle()
    (event,) = served.events()
    assert (event["event"], event["user_id"]) == ("Hand Raised", "ann@acme.example")
    assert key not in str(event)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("hand_raised: Demo Requested", "Demo Requested"),
        ("hand_raised: [Ask *, Demo Requested]", "Demo Requested"),
        ("hand_raised: Ask *", "Hand Raised"),
        ("signed_up: Signed Up", "Hand Raised"),
    ],
)
def test_asking_bears_the_name_that_the_configuration_counts(tmp_path, written, name):
    config = tmp_path / "groundswell.yaml"
    config.write_text(f"company: Small Co\nevents:\n  {written}\n", encoding="utf-8")
    assert hand_raise_of(load_config(config).meanings) == name


@pytest.mark.loopback
def test_a_server_that_computes_is_there_all_the_same():
    """Whoever asks while a run goes on has to wait, and must not take the server for gone."""
    alone = threading.Lock()
    routes = operation_routes(project=None, token="t", alone=alone)
    app = Starlette(routes=routes)
    with alone:
        assert asyncio.run(_ask(app, {"authorization": "Bearer t"})) == 204


async def _ask(app, headers):
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return (await client.get("/v1/here", headers=headers)).status_code
