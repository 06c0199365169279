"""Mixpanel's own library for Python, unmodified."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import mixpanel
import pytest

if TYPE_CHECKING:
    from .conftest import Served

AT = datetime(2026, 6, 1, 10, tzinfo=UTC)


def urls(served: Served) -> dict[str, str]:
    return {
        "events_url": f"{served.url}/track",
        "people_url": f"{served.url}/engage",
        "groups_url": f"{served.url}/groups",
        "import_url": f"{served.url}/import",
    }


@pytest.fixture
def key(served: Served) -> str:
    return served.key("app", "mixpanel")


@pytest.fixture
def client(served: Served, key: str) -> mixpanel.Mixpanel:
    return mixpanel.Mixpanel(key, consumer=mixpanel.Consumer(**urls(served)))


def test_calls_come_to_records(client: mixpanel.Mixpanel, served: Served, key: str) -> None:
    said = {"plan": "pro", "company": "acme", "time": AT.timestamp(), "$insert_id": "m1"}
    client.track("u1", "Signed Up", said)
    client.people_set("u1", {"$email": "ann@acme.example", "$first_name": "Ann", "title": "CTO"})
    client.group_set("company", "acme", {"$name": "Acme", "employees": 40})
    served.settle()

    (event,) = served.events()
    assert (event["source"], event["message_id"], event["event"]) == ("app", "m1", "Signed Up")
    assert (event["user_id"], event["account_id"], event["occurred_at"]) == ("u1", "acme", AT)
    assert event["properties"]["plan"] == "pro"
    assert key not in str(event)
    (user,) = served.users()
    assert (user["user_id"], user["email"], user["title"]) == ("u1", "ann@acme.example", "CTO")
    assert (user["name"], user["properties"]) == ("Ann", {"first_name": "Ann"})
    (account,) = served.accounts()
    assert (account["account_id"], account["name"], account["employees"]) == ("acme", "Acme", 40)
    assert served.rejects() == []


def test_every_operation_on_a_profile_leaves_something(
    client: mixpanel.Mixpanel, served: Served, key: str
) -> None:
    client.people_set("u1", {"$email": "ann@acme.example", "plan": "pro", "color": "red"})
    client.people_set_once("u1", {"plan": "free", "campaign": "spring"})
    client.people_unset("u1", ["color"])
    client.people_increment("u1", {"logins": 1})
    client.people_append("u1", {"tags": "new"})
    client.people_union("u1", {"tags": ["new"]})
    client.people_remove("u1", {"tags": "new"})
    client.people_track_charge("u1", 9.5)
    client.group_set_once("company", "acme", {"$name": "Acme"})
    client.group_union("company", "acme", {"tags": ["new"]})
    served.settle()
    latest = max(served.users(), key=lambda row: row["valid_from"])
    assert latest["email"] == "ann@acme.example"
    known = latest["properties"]
    assert (known["plan"], known["campaign"], "color" in known) == ("pro", "spring", False)
    found = sorted((event["event"], event["user_id"]) for event in served.events())
    assert [name for name, _ in found] == ["$add", "$append", "$append", "$remove", "$union"]
    assert {user for _, user in found} == {"u1"}
    assert [row["name"] for row in served.accounts()] == ["Acme"]
    (reject,) = served.rejects()
    assert (reject.code, key in reject.raw) == ("not-a-statement", False)
    client.people_delete("u1")
    served.settle()
    latest = max(served.users(), key=lambda row: row["valid_from"])
    assert (latest["email"], latest["properties"]) == (None, {"$unset": ["*"]})


def test_an_alias_ties_two_ids(
    client: mixpanel.Mixpanel, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = mixpanel.Consumer(**urls(served))
    monkeypatch.setattr(mixpanel, "Consumer", lambda: consumer)  # `alias` makes one of its own
    client.alias("u1", "x1")
    served.settle()
    (event,) = served.events()
    assert (event["event"], event["user_id"]) == ("$create_alias", "u1")
    assert event["anonymous_id"] == "x1"


def test_buffers_are_taken_whole(served: Served, key: str) -> None:
    consumer = mixpanel.BufferedConsumer(**urls(served))
    client = mixpanel.Mixpanel(key, consumer=consumer)
    for number in range(120):
        client.track("u1", "Signed Up", {"n": number})
    client.people_set("u1", {"$name": "Ann"})
    consumer.flush()
    served.settle()
    assert sorted(event["properties"]["n"] for event in served.events()) == list(range(120))
    assert len(served.requests) == 4
    assert [user["name"] for user in served.users()] == ["Ann"]


@pytest.mark.parametrize("how", ["token", "secret", "service account"])
def test_imports(served: Served, key: str, how: str) -> None:
    account = mixpanel.ServiceAccountCredentials("robot", "secret", "7")
    consumer = mixpanel.Consumer(
        **urls(served), credentials=account if how == "service account" else None
    )
    client = mixpanel.Mixpanel(key, consumer=consumer)
    secret = "secret" if how == "secret" else None
    client.import_data(None, "u1", "Signed Up", int(AT.timestamp()), {"n": 1}, api_secret=secret)
    served.settle()
    (event,) = served.events()
    assert (event["user_id"], event["occurred_at"]) == ("u1", AT)


@pytest.mark.parametrize("status", [429, 503])
def test_the_program_is_told_of_a_refusal_and_may_send_again(
    client: mixpanel.Mixpanel, served: Served, status: int
) -> None:
    """The library does not try again by itself over http."""
    served.answer_once(status, 1)
    said: dict[str, Any] = {"$insert_id": "m1"}
    with pytest.raises(mixpanel.MixpanelException, match="injected"):
        client.track("u1", "Signed Up", said)
    for _ in range(2):
        client.track("u1", "Signed Up", said)
    served.settle()
    assert [event["message_id"] for event in served.events()] == ["m1"]


def test_a_wrong_key_is_told_to_the_program(served: Served) -> None:
    client = mixpanel.Mixpanel("nobody", consumer=mixpanel.Consumer(**urls(served)))
    with pytest.raises(mixpanel.MixpanelException, match="write key") as told:
        client.track("u1", "Signed Up")
    assert "nobody" not in str(told.value)
    assert served.events() == []
