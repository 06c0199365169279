"""A server that follows its accounts: what arrives is scored and decided on at once."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from groundswell.engine import Project

from .conftest import DEADLINE, Served, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG = """\
company: Small Co
events:
  signed_up: Signed Up
  activated: Board Created
  used_feature: {boards: Board Viewed}
  hand_raised: Demo Requested
"""
NOW = dt.datetime.now(dt.UTC)


def message(user: str, event: str, *, days: float = 0, **more: Any) -> dict[str, Any]:
    at = NOW - dt.timedelta(days=days)
    return {
        "type": "track",
        "messageId": f"{user}-{event}-{days}",
        "userId": user,
        "event": event,
        "timestamp": at.isoformat(),
        **more,
    }


def history() -> list[dict[str, Any]]:
    acme = {"context": {"groupId": "acme"}}
    return [
        message(f"u{number}", event, days=days, **acme)
        for number in range(3)
        for event in ("Signed Up", "Board Created", "Board Viewed")
        for days in (9 + number, 5)
    ]


def send(served: Served, key: str, messages: list[dict[str, Any]]) -> None:
    batch = {"batch": messages}
    answer = httpx.post(f"{served.url}/v1/batch", json=batch, auth=(key, ""))
    assert answer.status_code == 200


def until(served: Served, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the explanation of acme once it is so."""
    deadline = time.monotonic() + DEADLINE
    headers = {"authorization": f"Bearer {served.token}"}
    while True:
        asked = {"account": "acme"}
        answer = httpx.get(f"{served.url}/v1/explanation", params=asked, headers=headers)
        if answer.status_code == 200 and holds(answer.json()):
            return answer.json()
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)


@pytest.mark.loopback
def test_an_event_moves_its_account(tmp_path: Path) -> None:
    with serving(tmp_path, CONFIG) as served:
        key = served.key("app", "segment")
        send(served, key, history())
        before = until(
            served,
            lambda told: (
                told["features"]["active_users_28d"] == 3
                and served.metric("groundswell_run_seconds_count") > 0
            ),
        )
        whole = served.metric("groundswell_run_seconds_count")
        seen = message("u0", "Board Viewed", context={"groupId": "acme"})
        send(served, key, [seen])
        after = until(served, lambda told: told["features"]["days_since_active"] == 0)
        assert after["score"] > before["score"]
        raised = message("u1", "Demo Requested", context={"groupId": "acme"})
        send(served, key, [raised])
        handed = until(served, lambda told: told["features"]["hand_raises_28d"] == 1)
        assert handed["decision"]["hand_over"]
        assert served.metric("groundswell_run_seconds_count") == whole
        assert served.metric("groundswell_rescored_after_seconds_count") >= 2
        listed = served.project.accounts()
        assert [row.hand_over for row in listed if row.account_id == "acme"] == [True]
        (decided,) = [
            entry for entry in served.project.journal(account="acme") if entry.body.get("hand_over")
        ]
        assert decided.kind == "decided"
    with Project.open(tmp_path) as project:
        assert [row.hand_over for row in project.accounts()] == [True]
        written = len(project.journal())
        project.run()
        assert len(project.journal()) == written


@pytest.mark.loopback
def test_somebody_new_appears_at_once(tmp_path: Path) -> None:
    with serving(tmp_path, CONFIG) as served:
        key = served.key("app", "segment")
        send(served, key, history())
        until(served, lambda told: told["features"]["users_total"] == 3)
        traits = {"email": "new@acme.example", "title": "CTO"}
        who = {"userId": "u9", "messageId": "i9", "timestamp": NOW.isoformat()}
        send(served, key, [{"type": "identify", "traits": traits, **who}])
        group = {"type": "group", "groupId": "acme", "traits": {"employees": 900}}
        send(served, key, [{**group, **who, "messageId": "g9"}])
        told = until(served, lambda told: told["features"]["users_total"] == 4)
        until(served, lambda told: told["features"]["employees"] == 900)
        assert "u9" in {link["user_id"] for link in told["links"]}
