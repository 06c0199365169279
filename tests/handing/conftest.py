"""A small company in which some accounts ask for a person; opened as of any day."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.clock import FixedClock
from groundswell.engine import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY = dt.date(2026, 3, 4)  # a Wednesday
NOW = dt.datetime(2026, 3, 4, 10, tzinfo=dt.UTC)
TEAMS = {
    "sales_assist": {
        "members": [
            {"name": "Ann Ash", "email": "ann@ours.example", "capacity": 3},
            {"name": "Bob Birch", "email": "bob@ours.example", "capacity": 3},
        ],
        "first_touch_within": "24 working hours",
        "manager": "max@ours.example",
    },
    "enterprise": {
        "members": [{"name": "Eve Elm", "email": "eve@ours.example"}],
        "first_touch_within": "4 working hours",
    },
}
EVENTS = {"signed_up": "Signed Up", "activated": "Made", "hand_raised": "Asked"}


def write_company(
    folder: Path, asking: int, *, employees: int = 80, day: dt.date = DAY, **blocks: Any
) -> None:
    """Write the configuration and the files of a company with so many accounts that ask.

    Everything happened before `day`; they ask on the day before.
    """
    later = day - DAY
    config = {"company": "Ours", "events": EVENTS, "teams": TEAMS, **blocks}
    (folder / "groundswell.yaml").write_text(json.dumps(config), encoding="utf-8")
    accounts = ["account_id,name,domain,employees"]
    users = ["user_id,email,name,title"]
    members = ["user_id,account_id,since"]
    events = ["message_id,user_id,account_id,event,timestamp"]
    for number in range(asking):
        name = f"a{number:05}"
        accounts.append(f"{name},Firm {number},firm{number}.example,{employees}")
        for person, title in (("x", "Engineer"), ("y", "Head of IT")):
            user = f"{person}{number}"
            users.append(f"{user},{user}@firm{number}.example,{person.upper()} {number},{title}")
            members.append(f"{user},{name},2026-01-05T00:00:00Z")
            begun = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC) + later
            said = ["Signed Up", "Made"] + ["Looked"] * (6 if person == "x" else 2)
            for place, event in enumerate(said):
                at = begun + dt.timedelta(days=place * 8)
                events.append(f"{user}-{place},{user},{name},{event},{at.isoformat()}")
        at = dt.datetime(2026, 3, 3, 8, tzinfo=dt.UTC) + later + dt.timedelta(seconds=number)
        events.append(f"ask-{number},x{number},{name},Asked,{at.isoformat()}")
    for kind, lines in (
        ("accounts", accounts),
        ("users", users),
        ("memberships", members),
        ("events", events),
    ):
        (folder / f"{kind}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def load_company(project: Project, folder: Path) -> None:
    """Load what `write_company` wrote."""
    for kind in ("accounts", "users", "memberships", "events"):
        project.load(kind, [folder / f"{kind}.csv"])


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def company(tmp_path: Path, clock: FixedClock) -> Iterator[Callable[..., Project]]:
    """Open a company with so many accounts that ask for a person."""
    opened: list[Project] = []

    def make(asking: int, *, environ: dict[str, str] | None = None, **blocks: Any) -> Project:
        write_company(tmp_path, asking, **blocks)
        project = Project.open(tmp_path, clock=clock, environ=environ or {})
        opened.append(project)
        load_company(project, tmp_path)
        return project

    yield make
    for project in opened:
        project.close()
