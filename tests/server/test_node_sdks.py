"""The systems' own libraries for Node, unmodified, each in a process of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from . import node_clients

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Served

AT = datetime(2026, 6, 1, 10, tzinfo=UTC)
CLIENTS = ["segment", "rudderstack", "posthog", "amplitude", "mixpanel"]
RETRYING = ["segment", "rudderstack", "posthog", "amplitude"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def modules() -> Path:
    return node_clients.install()


def send(client: str, served: Served, modules: Path) -> None:
    key = served.key("app", client)
    node_clients.run(f"{client}.js", served.url, key, AT.isoformat(), modules=modules)
    served.settle()


def check(served: Served) -> None:
    """Every script says the same of one user of one account."""
    (event,) = [event for event in served.events() if event["event"] == "Signed Up"]
    assert (event["source"], event["user_id"], event["account_id"]) == ("app", "u1", "acme")
    assert (event["occurred_at"], event["properties"]["plan"]) == (AT, "pro")
    user = max(served.users(), key=lambda row: row["valid_from"] or AT)
    assert (user["user_id"], user["email"], user["title"]) == ("u1", "ann@acme.example", "CTO")
    (account,) = served.accounts()
    assert (account["account_id"], account["name"]) == ("acme", "Acme")
    assert served.rejects() == []


@pytest.mark.parametrize("client", CLIENTS)
def test_calls_come_to_records(client: str, served: Served, modules: Path) -> None:
    send(client, served, modules)
    check(served)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("client", RETRYING)
def test_what_was_refused_is_sent_again_and_counted_once(
    client: str, status: int, served: Served, modules: Path
) -> None:
    served.answer_once(status, 1)
    send(client, served, modules)
    assert served.faulty.answers == []
    check(served)


def test_mixpanels_batches_and_aliases(served: Served, modules: Path) -> None:
    send("mixpanel", served, modules)
    events = {event["event"]: event for event in served.events()}
    assert set(events) == {"Signed Up", "Invite Sent", "$create_alias"}
    alias = events["$create_alias"]
    assert (alias["user_id"], alias["anonymous_id"]) == ("u1", "x1")
