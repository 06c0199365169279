"""A company with a history of half a year: who signed up, paid, was handed over, and bought."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.clock import FixedClock
from groundswell.engine import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY = dt.date(2026, 6, 30)
EVENTS = {"signed_up": "Signed Up", "activated": "Made", "hand_raised": "Asked"}
TEAMS = {
    "sales_assist": {
        "members": [{"name": "Ann Ash", "email": "ann@ours.example", "capacity": 10}],
        "first_touch_within": "24 working hours",
    },
}
ACCOUNTS = 60
OPEN: dict[str, Any] = {
    "company": "Ours",
    "events": EVENTS,
    "teams": TEAMS,
    "score": {"preset": "hybrid", "qualified": {"at_least": 5}},
    "motions": [{"name": "all", "when": "qualified", "motion": "sales_assist"}],
    "guardrails": {
        "respect_onboarding": False,
        "needs_activation": False,
        "needs_signal": False,
        "max_silence": "1000d",
    },
}
"""Settings by which whoever qualifies is handed over, unless they are held out."""


def at(days_before: int, hour: int = 9) -> str:
    """Return an instant so many days before the last day."""
    return f"{DAY - dt.timedelta(days=days_before)}T{hour:02}:00:00Z"


def rows() -> dict[str, list[dict[str, Any]]]:
    """Return the facts: every third account pays by itself, every tenth asks for a person."""
    found: dict[str, list[dict[str, Any]]] = {
        kind: []
        for kind in ("accounts", "events", "subscriptions", "opportunities", "touches", "tickets")
    }
    for number in range(ACCOUNTS):
        name, since = f"a{number:02}", 180 - number * 3
        known = {"account_id": name, "name": f"Firm {number}", "employees": 40 + number * 20}
        found["accounts"].append(known | {"valid_from": at(since)})
        told = [("Signed Up", since), ("Made", since - 2), *(("Looked", day) for day in (20, 9, 1))]
        if number % 10 == 0:
            told.append(("Asked", 5))
        found["events"] += [
            {
                "message_id": f"{name}-{event}-{day}",
                "user_id": f"u{number}",
                "account_id": name,
                "event": event,
                "timestamp": at(min(day, since)),
            }
            for event, day in told
        ]
        if number % 3 == 0 and since > 40:
            plan = {"subscription_id": f"s{number}", "account_id": name, "plan": "team"}
            found["subscriptions"].append(
                plan | {"mrr": "49.90", "started_at": at(since - 30), "valid_from": at(since - 30)}
            )
        if number % 12 == 6:
            deal = {"opportunity_id": f"o{number}", "account_id": name, "source": "inbound"}
            opened = deal | {"created_at": at(60), "amount": "9000"}
            found["opportunities"].append(opened | {"stage": "demo", "valid_from": at(60)})
            found["opportunities"].append(
                opened
                | {
                    "stage": "closed",
                    "closed_at": at(10),
                    "won": number % 24 == 6,
                    "lost_reason": None if number % 24 == 6 else "no budget",
                    "valid_from": at(10),
                }
            )
            found["touches"].append(
                {"account_id": name, "rep": "ann@ours.example", "kind": "call", "at": at(50)}
            )
        found["tickets"].append({"account_id": name, "topic": "how to", "at": at(number % 30)})
    months = ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01"]
    found["costs"] = [
        {"month": month, "category": "marketing", "amount": "1000.10"} for month in months
    ]
    return found


def load(project: Project, facts: dict[str, list[dict[str, Any]]]) -> None:
    """Load facts by kind."""
    for kind, told in facts.items():
        path = project.root / f"{kind}.jsonl"
        path.write_text("\n".join(map(json.dumps, told)) + "\n", encoding="utf-8")
        (report,) = project.load(kind, [path])
        assert report.rejected == 0


def evening() -> FixedClock:
    """Return a clock that stands on the evening of the last day."""
    return FixedClock(dt.datetime.combine(DAY, dt.time(18), dt.UTC))


@pytest.fixture
def clock() -> FixedClock:
    return evening()


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the company with its facts loaded, to be copied."""
    folder = tmp_path_factory.mktemp("loaded") / "company"
    folder.mkdir()
    config = {"company": "Ours", "events": EVENTS, "teams": TEAMS}
    (folder / "groundswell.yaml").write_text(json.dumps(config), encoding="utf-8")
    with Project.open(folder, clock=evening()) as project:
        load(project, rows())
    return folder


@pytest.fixture(scope="session")
def scored(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same folder, with every account scored by what ships."""
    folder = tmp_path_factory.mktemp("scored") / "company"
    shutil.copytree(loaded, folder)
    with Project.open(folder, clock=evening()) as project:
        project.run()
    return folder


@pytest.fixture
def company(
    loaded: Path, scored: Path, tmp_path: Path, clock: FixedClock
) -> Iterator[Callable[..., Project]]:
    """Open the company, with blocks of its own, loaded and scored."""
    opened: list[Project] = []

    def make(**blocks: Any) -> Project:
        if not opened:
            shutil.copytree(loaded if blocks else scored, tmp_path, dirs_exist_ok=True)
        config = {"company": "Ours", "events": EVENTS, "teams": TEAMS, **blocks}
        (tmp_path / "groundswell.yaml").write_text(json.dumps(config), encoding="utf-8")
        project = Project.open(tmp_path, clock=clock)
        if blocks or opened:
            project.run()
        opened.append(project)
        return project

    yield make
    for project in opened:
        project.close()
