"""Amplitude's own Python client, unmodified, against a running server."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from amplitude import Amplitude, BaseEvent, Config, EventOptions, Identify

from .conftest import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Served

WHEN = datetime(2026, 6, 1, 10, tzinfo=UTC)
AT = int(WHEN.timestamp() * 1000)
ANN = EventOptions(user_id="user-1", device_id="device-1", time=AT)


@contextmanager
def sending(served: Served, key: str, path: str = "/2/httpapi") -> Iterator[Sent]:
    """Give a client, and stop it when what it sent was answered for good."""
    sent = Sent(served, key, path)
    try:
        yield sent
        deadline = time.monotonic() + DEADLINE
        while len(sent.codes) < sent.expected:
            assert time.monotonic() < deadline, "the client has no answer"
            time.sleep(0.02)
    finally:
        sent.client.shutdown()


class Sent:
    """A client, and the codes that its events came to."""

    def __init__(self, served: Served, key: str, path: str) -> None:
        self.codes: list[int] = []
        self.expected = 1
        self.client = Amplitude(
            key,
            Config(
                server_url=served.url + path,
                flush_interval_millis=50,
                callback=lambda _event, code, _message: self.codes.append(code),
            ),
        )


@pytest.mark.parametrize("path", ["/2/httpapi", "/batch"])
def test_what_the_client_tells_is_in_the_warehouse(served: Served, path: str) -> None:
    with sending(served, served.key("app", "amplitude"), path) as sent:
        sent.expected = 4
        signed_up = BaseEvent(
            "Signed Up",
            user_id="user-1",
            time=AT,
            insert_id="m1",
            groups={"company": "acme"},
            event_properties={"plan": "pro"},
        )
        sent.client.track(signed_up)
        sent.client.identify(Identify().set("email", "ann@acme.example"), ANN)
        sent.client.set_group("company", "acme", EventOptions(user_id="user-1", time=AT))
        acme = Identify().set("name", "Acme").set("employees", 40)
        sent.client.group_identify("company", "acme", acme)
    served.settle()

    assert sent.codes == [200] * 4
    events = {row["event"]: row for row in served.events()}
    assert set(events) == {"Signed Up", "$identify"}
    row = events["Signed Up"]
    assert (row["source"], row["message_id"], row["user_id"]) == ("app", "m1", "user-1")
    assert (row["account_id"], row["occurred_at"]) == ("acme", WHEN)
    assert row["properties"] == {"plan": "pro"}
    link = events["$identify"]
    assert (link["user_id"], link["anonymous_id"]) == ("user-1", "device-1")
    user = served.users()[-1]
    assert (user["user_id"], user["email"]) == ("user-1", "ann@acme.example")
    account = served.accounts()[-1]
    assert (account["account_id"], account["name"], account["employees"]) == ("acme", "Acme", 40)
    members = [(row["user_id"], row["account_id"]) for row in served.memberships()]
    assert members == [("user-1", "acme")]
    assert served.rejects() == []


@pytest.mark.parametrize("status", [429, 503])
def test_the_client_tries_again(served: Served, status: int) -> None:
    key = served.key("app", "amplitude")
    served.answer_once(status, 1)
    with sending(served, key) as sent:
        sent.client.track(BaseEvent("Signed Up", user_id="user-1", insert_id="m1"))
    served.settle()
    assert sent.codes == [200]
    assert len(served.requests) == 2
    assert [row["message_id"] for row in served.events()] == ["m1"]


def test_a_batch_that_is_too_large_comes_in_parts(served: Served) -> None:
    key = served.key("app", "amplitude")
    served.answer_once(413)
    with sending(served, key) as sent:
        sent.expected = 2
        sent.client.configuration.flush_queue_size = 2
        for number in range(2):
            event = BaseEvent("Signed Up", user_id="user-1", insert_id=f"m{number}")
            sent.client.track(event)
    served.settle()
    assert sent.codes == [200, 200]
    assert sorted(row["message_id"] for row in served.events()) == ["m0", "m1"]


def test_a_wrong_key_is_not_tried_again(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with sending(served, "nonsense") as sent:
        sent.expected = 0
        sent.client.track(BaseEvent("Signed Up", user_id="user-1"))
        time.sleep(1)  # its first try comes after 50 ms, others 100 ms after one another
    assert "Invalid API Key" in caplog.text
    assert len(served.requests) == 1


def test_the_forms_of_the_identify_apis(served: Served) -> None:
    key = served.key("app", "amplitude")
    user = {"user_id": "user-1", "user_properties": {"$set": {"email": "ann@acme.example"}}}
    group = {"group_type": "company", "group_value": "acme", "group_properties": {"name": "Acme"}}
    for path, said in {"/identify": user, "/groupidentify": group}.items():
        form = {"api_key": key, "identification": json.dumps([said])}
        answer = httpx.post(served.url + path, data=form)
        assert (answer.status_code, answer.json()["code"]) == (200, 200)
    served.settle()
    assert [row["email"] for row in served.users()] == ["ann@acme.example"]
    assert [row["name"] for row in served.accounts()] == ["Acme"]
