"""PostHog's own Python client, unmodified, against a running server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from posthog import Posthog
from posthog.capture_compression import CaptureCompression
from posthog.capture_mode import CaptureMode
from posthog.request import APIError

if TYPE_CHECKING:
    from .conftest import Served

V0, V1 = {"capture_mode": CaptureMode.V0}, {"capture_mode": CaptureMode.V1}
MODES = {
    "v0": V0,
    "v0-gzip": {**V0, "gzip": True},
    "v1": V1,
    "v1-gzip": {**V1, "capture_compression": CaptureCompression.GZIP},
    "v1-deflate": {**V1, "capture_compression": CaptureCompression.DEFLATE},
}
LINKS = ("$create_alias", "$identify")
WHEN = datetime(2026, 6, 1, 10, tzinfo=UTC)


def client(served: Served, key: str, **options: Any) -> Posthog:
    return Posthog(key, host=served.url, **options)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_what_the_client_tells_is_in_the_warehouse(served: Served, mode: dict[str, Any]) -> None:
    posthog = client(served, served.key("app", "posthog"), **mode)
    groups = {"company": "acme"}
    sent = posthog.capture(
        "Signed Up", distinct_id="u1", properties={"plan": "pro"}, groups=groups, timestamp=WHEN
    )
    posthog.capture("Looked")
    posthog.set(distinct_id="u1", properties={"email": "ann@acme.example"}, timestamp=WHEN)
    posthog.group_identify("company", "acme", {"name": "Acme", "employees": 11}, timestamp=WHEN)
    posthog.group_identify("company", "acme", distinct_id="u1", timestamp=WHEN)
    posthog.alias("u1", "x1", timestamp=WHEN)
    linked = {"$anon_distinct_id": "x2", "$set": {"name": "Ann"}}
    posthog.capture("$identify", distinct_id="u1", properties=linked, timestamp=WHEN)
    posthog.shutdown()
    served.settle()

    events = {row["event"]: row for row in served.events()}
    assert set(events) == {"Signed Up", "Looked", "$create_alias", "$identify"}
    signed_up = events["Signed Up"]
    assert (signed_up["source"], signed_up["message_id"]) == ("app", sent)
    assert (signed_up["user_id"], signed_up["account_id"]) == ("u1", "acme")
    assert signed_up["occurred_at"] == WHEN
    assert signed_up["properties"]["plan"] == "pro"
    assert events["Looked"]["user_id"] is None
    assert events["Looked"]["anonymous_id"]
    links = [(events[name]["user_id"], events[name]["anonymous_id"]) for name in LINKS]
    assert links == [("u1", "x1"), ("u1", "x2")]
    last = served.users()[-1]
    assert (last["user_id"], last["email"], last["name"]) == ("u1", "ann@acme.example", "Ann")
    account = served.accounts()[-1]
    assert (account["account_id"], account["name"], account["employees"]) == ("acme", "Acme", 11)
    assert [(row["user_id"], row["account_id"]) for row in served.memberships()] == [("u1", "acme")]
    assert served.rejects() == []


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("mode", [V0, V1], ids=["v0", "v1"])
def test_the_client_tries_again(served: Served, mode: dict[str, Any], status: int) -> None:
    posthog = client(served, served.key("app", "posthog"), **mode)
    served.answer_once(status, 1)
    sent = posthog.capture("Signed Up", distinct_id="u1")
    posthog.shutdown()
    served.settle()
    assert len(served.requests) == 2
    assert [row["message_id"] for row in served.events()] == [sent]


@pytest.mark.parametrize("mode", [V0, V1], ids=["v0", "v1"])
def test_a_wrong_key_is_told_and_not_tried_again(served: Served, mode: dict[str, Any]) -> None:
    errors: list[Exception] = []
    posthog = client(served, "nonsense", on_error=lambda error, _: errors.append(error), **mode)
    posthog.capture("Signed Up", distinct_id="u1")
    posthog.shutdown()
    (error,) = errors
    assert isinstance(error, APIError)
    assert error.status == 401
    assert "nonsense" not in str(error)
    assert len(served.requests) == 1
