"""What lies in the inbox: every client's request, and no write key in any spelling."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urlencode

import httpx
import pytest

from groundswell.api.intake import Intake
from groundswell.api.keys import KeyRing
from groundswell.api.metrics import Metrics
from groundswell.clock import SystemClock
from groundswell.engine import Project
from groundswell.engine.draining import Drain
from groundswell.engine.keys import Keys
from groundswell.intake.committing import GroupCommit
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from groundswell.store.inbox import InboxEntry

Asked = dict[str, Any]


def spellings(key: str) -> list[bytes]:
    """Return the key as it is, and the middle of it in base64, wherever it begins."""
    middles = [
        base64.b64encode(b"x" * shift + key.encode())[4 + 2 * (shift > 0) : -4]
        for shift in range(3)
    ]
    return [key.encode(), quote(key).encode(), *middles]


def b64(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def basic(key: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


def mixpanel(key: str) -> list[dict[str, Any]]:
    said = {"token": key, "distinct_id": "u1", "$insert_id": "m1", "note": f"of {key}"}
    return [{"event": "Signed Up", "properties": said}]


def posthog(key: str) -> dict[str, Any]:
    event = {"event": "Signed Up", "distinct_id": "u1", "uuid": "m1", "properties": {"token": key}}
    return {"api_key": key, "batch": [event]}


CALL = {"type": "track", "event": "Signed Up", "userId": "u1", "messageId": "m1"}
AMPLITUDE = {"event_type": "Signed Up", "user_id": "u1", "insert_id": "m1"}
HEAP = {"event": "Signed Up", "identity": "u1", "idempotency_key": "m1"}
REQUESTS: dict[str, tuple[str, str, Callable[[str], Asked]]] = {
    "segment": (
        *("segment", "/v1/batch"),
        lambda key: {"json": {"batch": [CALL], "writeKey": key}, "headers": basic(key)},
    ),
    "segment, single": (
        *("segment", "/v1/track"),
        lambda key: {"json": {**CALL, "writeKey": key}},
    ),
    "posthog": ("posthog", "/batch/", lambda key: {"json": posthog(key)}),
    "posthog, gzip": (
        *("posthog", "/batch/"),
        lambda key: {"content": gzip.compress(json.dumps(posthog(key)).encode())},
    ),
    "posthog, base64": (
        *("posthog", "/e/"),
        lambda key: {"content": form(data=b64(posthog(key)))},
    ),
    "posthog, form": (
        *("posthog", "/e/"),
        lambda key: {"content": form(data=json.dumps(posthog(key)))},
    ),
    "posthog, bearer": (
        *("posthog", "/i/v1/analytics/events"),
        lambda key: {"json": posthog(key), "headers": {"authorization": f"Bearer {key}"}},
    ),
    "mixpanel": ("mixpanel", "/track", lambda key: {"json": mixpanel(key)}),
    "mixpanel, form": (
        *("mixpanel", "/track"),
        lambda key: {"content": form(data=json.dumps(mixpanel(key)), verbose="1")},
    ),
    "mixpanel, base64": (
        *("mixpanel", "/track"),
        lambda key: {"content": b"data=" + b64(mixpanel(key)).encode()},
    ),
    "mixpanel, escaped base64": (
        *("mixpanel", "/track"),
        lambda key: {"content": b"data=" + quote_plus(b64(mixpanel(key))).encode()},
    ),
    "mixpanel, query": (
        *("mixpanel", "/track"),
        lambda key: {"method": "GET", "params": {"data": json.dumps(mixpanel(key))}},
    ),
    "mixpanel, query in base64": (
        *("mixpanel", "/track"),
        lambda key: {"method": "GET", "params": {"data": b64(mixpanel(key)), "ip": "0"}},
    ),
    "amplitude": (
        *("amplitude", "/2/httpapi"),
        lambda key: {"json": {"api_key": key, "events": [AMPLITUDE]}},
    ),
    "amplitude, form": (
        *("amplitude", "/identify"),
        lambda key: {"content": form(api_key=key, identification='{"user_id":"u1"}')},
    ),
    "heap": ("heap", "/api/track", lambda key: {"json": {"app_id": key, **HEAP}}),
    "form": (
        *("form", "/v1/hand-raise"),
        lambda key: {"content": form(email="a@x.example"), "params": {"key": key}},
    ),
}


@pytest.mark.loopback
@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_kept_without_its_key_and_read_all_the_same(tmp_path: Path, name: str) -> None:
    wire, path, ask = REQUESTS[name]
    (tmp_path / "groundswell.yaml").write_text("company: Small Co\n", encoding="utf-8")
    with Keys.open(tmp_path) as keys:
        key = keys.create("app", wire).key
    with Project.open(tmp_path) as project:
        assert asyncio.run(_send(project, path, ask(key))) == 200
        (entry,) = project.ledger.take_entries(limit_bytes=1)
        shown = _everything(entry)
        assert not [told for told in spellings(key) if told in shown]
        drain = Drain(project.warehouse, project.ledger, project.clock)
        done = drain.step()
        drain.close()
        assert done is not None
        assert (done.rejected, done.added > 0) == (0, True)
        assert key not in str(project.warehouse.read(Kind.EVENTS).to_dicts())
    files = (tmp_path / ".groundswell").glob("ledger.sqlite*")
    assert not [told for file in files for told in spellings(key) if told in file.read_bytes()]


def _everything(entry: InboxEntry) -> bytes:
    return entry.body + json.dumps([dict(entry.query), dict(entry.headers), entry.path]).encode()


async def _send(project: Project, path: str, asked: Asked) -> int:
    commit = GroupCommit(project.ledger)
    intake = Intake(commit, KeyRing(project.ledger), SystemClock(), Metrics())
    transport = httpx.ASGITransport(app=intake)
    method = asked.pop("method", "POST")
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.request(method, path, **asked)).status_code
    finally:
        commit.close()


@pytest.mark.loopback
def test_events_of_other_tokens_in_one_request_do_not_hold_up_the_inbox(tmp_path: Path) -> None:
    """The key of the header counts, at the door and behind it."""
    (tmp_path / "groundswell.yaml").write_text("company: Small Co\n", encoding="utf-8")
    with Keys.open(tmp_path) as keys:
        key = keys.create("app", "posthog").key
    events = [
        {"event": "Opened", "distinct_id": "u1", "uuid": name, "properties": {"token": name}}
        for name in ("t1", "t2")
    ]
    asked = {"json": events, "headers": {"authorization": f"Bearer {key}"}}
    with Project.open(tmp_path) as project:
        assert asyncio.run(_send(project, "/e/", asked)) == 200
        drain = Drain(project.warehouse, project.ledger, project.clock)
        done = drain.step()
        drain.close()
        assert done is not None
        assert (done.added, done.rejected) == (2, 0)
