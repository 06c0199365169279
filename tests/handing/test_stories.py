"""The story of an account is the same from memory and from the warehouse, and as of its day."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from groundswell.clock import FixedClock
from groundswell.engine import Project
from groundswell.model import as_plain
from tests.measuring.conftest import DAY, OPEN, at, load, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from groundswell.handoff.brief import Brief

PROMOTED = 10
"""Days before the last one on which somebody got another title."""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "groundswell.yaml").write_text(json.dumps(OPEN), encoding="utf-8")
    clock = FixedClock(dt.datetime.combine(DAY, dt.time(20), dt.UTC))
    facts = rows()
    facts["users"] = [
        {"user_id": "u3", "title": title, "email": "u3@firm.example", "valid_from": at(days)}
        for title, days in (("Engineer", 90), ("Head of Data", PROMOTED))
    ]
    with Project.open(tmp_path, clock=clock) as opened:
        load(opened, facts)
        opened.run()
        yield opened


def titles(brief: Brief) -> set[str | None]:
    return {person.title for person in brief.people}


@pytest.mark.parametrize("days", [0, PROMOTED - 1, PROMOTED + 1, 40])
def test_a_story_is_the_same_from_memory_and_from_the_warehouse(
    project: Project, days: int
) -> None:
    day = DAY - dt.timedelta(days=days)
    alone = project.brief("a03", as_of=day)
    project.follow().rebase()
    assert project.looker.gatherer().rosters is not None
    assert as_plain(project.brief("a03", as_of=day)) == as_plain(alone)
    assert titles(alone) == {"Head of Data" if days < PROMOTED else "Engineer"}
