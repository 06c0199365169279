"""Lines of commission disputed and answered by command, with a server and without."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import groundswell

from .test_killed_server import free_port, start

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["groundswell"]  # a fixture
ANN, BO, MO = "ann@acme.example", "bo@acme.example", "mo@acme.example"
LINE = "initech@2026-05-12"
CONFIG = """\
company: Small Co
events:
  signed_up: Signed Up
"""
SOLD = "2026-05-12T10:00:00Z"
FACTS: dict[str, list[dict[str, Any]]] = {
    "events": [
        {
            "message_id": "m",
            "user_id": "u",
            "account_id": "initech",
            "event": "Signed Up",
            "timestamp": "2026-03-01T10:00:00Z",
        }
    ],
    "opportunities": [
        {
            "opportunity_id": "o1",
            "account_id": "initech",
            "source": "outbound",
            "owner": ANN,
            "created_at": "2026-04-01T10:00:00Z",
            "stage": "closed",
            "closed_at": SOLD,
            "won": True,
            "amount": "12000",
            "valid_from": SOLD,
        }
    ],
    "subscriptions": [
        {
            "subscription_id": "s1",
            "account_id": "initech",
            "plan": "business",
            "mrr": "1000",
            "started_at": SOLD,
            "valid_from": SOLD,
        }
    ],
}


@pytest.fixture
def folder(tmp_path: Path, groundswell: Any) -> Path:
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    for kind, rows in FACTS.items():
        file = tmp_path / f"{kind}.jsonl"
        file.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
        assert groundswell("load", kind, file, "--project", tmp_path).code == 0
    return tmp_path


@pytest.mark.loopback
def test_a_line_is_disputed_and_answered_by_command(folder: Path, groundswell: Any) -> None:
    def call(*told: str, code: int = 0) -> Any:
        done = groundswell("commissions", *told, "--json", "--project", folder)
        assert done.code == code, done.err
        return done.json()

    assert call("disputes") == []
    process = start(folder, free_port(), "--no-run")
    dispute = ("dispute", LINE, "--by", BO, "--why", "I ran the demo", "--share", "40%")
    opened = call(*dispute)
    assert opened["claim"] == {"to": BO, "share": 0.4}
    assert call(*dispute) == opened
    (problem,) = call(*dispute[:-1], "50%", code=2)["problems"]
    assert problem["code"] == "dispute-open"
    told = groundswell("report", "commissions", "--project", folder)
    assert f"{LINE} is disputed by {BO}" in told.out
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0

    assert call("disputes", "--open") == [opened]
    answer = ("answer", LINE, "--by", MO, "--why", "You did")
    (problem,) = call(*answer, code=2)["problems"]
    assert problem["code"] == "usage-answer"
    (problem,) = call(*answer, "--upheld", "--rejected", code=2)["problems"]
    assert problem["code"] == "usage-answer"
    answered = call(*answer, "--upheld", "--to", ANN, "--share", "75%")
    assert answered["answer"]["given"] == {"to": ANN, "share": 0.75}
    assert call("disputes", "--open") == []
    assert call("disputes") == [answered]
    said = groundswell("commissions", "disputes", "--project", folder)
    assert f"upheld on {answered['answer']['at'][:10]} by {MO}, 75% of it for {ANN}" in said.out
