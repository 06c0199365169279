"""Segment's own library for Python, unmodified."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from segment.analytics.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Served

AT = datetime(2026, 6, 1, 10, tzinfo=UTC)


@pytest.fixture(params=[False, True], ids=["plain", "gzip"])
def zipped(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def client(served: Served, zipped: bool) -> Iterator[Client]:
    errors: list[Any] = []
    client = Client(
        served.key("app", "segment"),
        host=served.url,
        gzip=zipped,
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
    client.page("u1", "Docs", "Pricing", {"url": "/p"})
    client.alias("x0", "u1")
    client.flush()
    served.settle()

    events = {event["event"]: event for event in served.events()}
    assert set(events) == {"Signed Up", "Identify", "Page", "Alias"}
    track = events["Signed Up"]
    assert (track["source"], track["message_id"]) == ("app", "m1")
    assert (track["user_id"], track["account_id"], track["occurred_at"]) == ("u1", "acme", AT)
    assert track["properties"] == {"plan": "pro"}
    assert events["Page"]["properties"] == {"name": "Pricing", "url": "/p"}
    ids = {name: (event["user_id"], event["anonymous_id"]) for name, event in events.items()}
    assert (ids["Identify"], ids["Alias"]) == (("u1", "x1"), ("u1", "x0"))
    (user,) = served.users()
    assert (user["user_id"], user["email"], user["title"]) == ("u1", "ann@acme.example", "CTO")
    (account,) = served.accounts()
    assert (account["account_id"], account["name"], account["employees"]) == ("acme", "Acme", 40)
    (member,) = served.memberships()
    assert (member["user_id"], member["account_id"], member["since"]) == ("u1", "acme", AT)
    assert served.rejects() == []


@pytest.mark.parametrize(("status", "retry_after"), [(429, 1), (503, None), (503, 1)])
def test_what_was_refused_is_sent_again_and_counted_once(
    client: Client, served: Served, status: int, retry_after: int | None
) -> None:
    served.answer_once(status, retry_after)
    for number in range(3):
        client.track("u1", "Signed Up", {"n": number})
    client.flush()
    served.settle()
    assert sorted(event["properties"]["n"] for event in served.events()) == [0, 1, 2]
    assert len(served.requests) > 1


def test_a_clock_that_runs_ahead_is_put_right(
    client: Client, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = timedelta(hours=2)

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + ahead

    monkeypatch.setattr("segment.analytics.request.datetime", Ahead)  # gives `sentAt`
    began = datetime.now(UTC)
    client.track("u1", "Signed Up", timestamp=began + ahead)
    client.flush()
    served.settle()
    (event,) = served.events()
    assert abs(event["occurred_at"] - began) < timedelta(seconds=30)
    said = datetime.fromisoformat(event["properties"]["original_timestamp"])
    assert abs(said - began - ahead) < timedelta(seconds=30)


def test_a_wrong_key_is_told_to_the_program(served: Served) -> None:
    told: list[Any] = []
    client = Client("nobody", host=served.url, on_error=lambda error, _: told.append(error))
    client.track("u1", "Signed Up")
    client.flush()
    client.join()
    (error,) = told
    assert error.status == 401
    assert served.events() == []
