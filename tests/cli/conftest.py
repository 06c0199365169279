"""A small company, written by hand, and a way to call the command line in this process."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.cli import main

if TYPE_CHECKING:
    from pathlib import Path

LAST_DAY = datetime(2026, 6, 30, 12, tzinfo=UTC)

CONFIG = """\
company: Small Co
events:
  signed_up: Signed Up
  activated: Board Created
  used_feature:
    boards: [Board Created, Board Viewed]
    automations: {event: Automation *, paid: true}
  invited: Invite Sent
  limit_hit: Limit Reached
  pricing_viewed: {page: /pricing*}
  upgrade_started: Checkout Opened
  hand_raised: Demo Requested
plans:
  free: {seats: 5, motion: self_serve}
  team: {price: 12 per seat monthly, seats: 50, motion: self_serve}
"""


@dataclass
class Outcome:
    """What a command did: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def groundswell(monkeypatch, capsys):
    """Call the command line: `groundswell("run", "--as-of", "2026-06-30")`."""

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr("sys.argv", ["groundswell", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "110")
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        written = capsys.readouterr()
        return Outcome(code, written.out, written.err)

    return call


def write_events(path: Path, rows: list[dict[str, str]]) -> Path:
    """Write event rows as CSV with our column names."""
    names = ["message_id", "user_id", "account_id", "event", "timestamp", "properties"]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def small_history() -> list[dict[str, str]]:
    """Two companies: `acme`, growing and asking for a demo, and `idle`, one person once."""
    rows: list[dict[str, str]] = []

    def add(user: str, account: str, event: str, days_ago: int, **properties: str) -> None:
        at = LAST_DAY - timedelta(days=days_ago, minutes=len(rows) % 50)
        rows.append(
            {
                "message_id": f"m{len(rows)}",
                "user_id": user,
                "account_id": account,
                "event": event,
                "timestamp": at.isoformat(),
                "properties": json.dumps(properties) if properties else "",
            }
        )

    add("idler", "idle", "Signed Up", 90)
    for person in range(8):
        start = 60 - 5 * person
        add(f"ann{person}", "acme", "Signed Up", start)
        add(f"ann{person}", "acme", "Board Created", start - 1)
        for day in range(start - 2, -1, -1):
            add(f"ann{person}", "acme", "Board Viewed", day)
    for day in (9, 6, 3, 2):
        add("ann0", "acme", "Invite Sent", day, invitee_email=f"new{day}@acme.example")
        add("ann1", "acme", "Page", day, path="/pricing/team")
    add("ann0", "acme", "Limit Reached", 4)
    add("ann0", "acme", "Demo Requested", 1)
    return rows


@pytest.fixture
def project(tmp_path, groundswell) -> Path:
    """A project of the small company, loaded."""
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    events = write_events(tmp_path / "events.csv", small_history())
    assert groundswell("load", "events", events, "--project", tmp_path).code == 0
    return tmp_path
