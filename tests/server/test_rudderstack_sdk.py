"""RudderStack's own library for Python, unmodified."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from rudderstack.analytics.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Served

AT = datetime(2026, 6, 1, 10, tzinfo=UTC)


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    errors: list[Any] = []
    client = Client(
        served.key("app", "rudderstack"),
        host=served.url,
        upload_interval=0.05,
        on_error=lambda error, _: errors.append(error),
    )
    yield client
    client.join()
    assert errors == []


def test_calls_come_to_records(client: Client, served: Served) -> None:
    client.track(
        "u1", "Signed Up", {"plan": "pro"}, {"groupId": "acme"}, timestamp=AT, message_id="m1"
    )
    client.identify("u1", {"email": "ann@acme.example", "title": "CTO"}, anonymous_id="x1")
    client.group("u1", "acme", {"name": "Acme", "employees": "40"}, timestamp=AT)
    client.alias("x0", "u1")
    client.flush()
    served.settle()

    events = {event["event"]: event for event in served.events()}
    assert set(events) == {"Signed Up", "Identify", "Alias"}
    track = events["Signed Up"]
    assert (track["source"], track["message_id"]) == ("app", "m1")
    assert (track["user_id"], track["account_id"], track["occurred_at"]) == ("u1", "acme", AT)
    assert track["properties"] == {"plan": "pro"}
    ids = {name: (event["user_id"], event["anonymous_id"]) for name, event in events.items()}
    assert (ids["Identify"], ids["Alias"]) == (("u1", "x1"), ("u1", "x0"))
    (user,) = served.users()
    assert (user["user_id"], user["email"], user["title"]) == ("u1", "ann@acme.example", "CTO")
    (account,) = served.accounts()
    assert (account["account_id"], account["name"], account["employees"]) == ("acme", "Acme", 40)
    (member,) = served.memberships()
    assert (member["user_id"], member["account_id"], member["since"]) == ("u1", "acme", AT)
    assert served.rejects() == []


@pytest.mark.parametrize("status", [429, 503])
def test_what_was_refused_is_sent_again_and_counted_once(
    client: Client, served: Served, status: int
) -> None:
    served.answer_once(status, 1)
    for number in range(3):
        client.track("u1", "Signed Up", {"n": number})
    client.flush()
    served.settle()
    assert sorted(event["properties"]["n"] for event in served.events()) == [0, 1, 2]
    assert len(served.requests) > 1


def test_a_wrong_key_is_told_to_the_program_and_not_tried_again(served: Served) -> None:
    told: list[Any] = []
    client = Client("nobody", host=served.url, on_error=lambda error, _: told.append(error))
    client.track("u1", "Signed Up")
    client.flush()
    client.join()
    (error,) = told
    assert (error.status, error.code) == (401, "401")
    assert len(served.requests) == 1
    assert served.events() == []
