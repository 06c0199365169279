"""Reports of companies of which little is known say so, and what would have to be known."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from groundswell.clock import FixedClock
from groundswell.engine import Project
from groundswell.model import as_plain
from tests.measuring.conftest import load

if TYPE_CHECKING:
    from pathlib import Path

REPORTS = ("weekly", "monthly", "quarterly", "feedback", "mistakes", "uplift", "overlay", "payback")
DEAL = {"opportunity_id": "o1", "account_id": "a1", "created_at": "2026-01-01T00:00:00Z"}
EVENT = {"message_id": "m", "user_id": "u", "event": "Seen", "timestamp": "2026-06-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("kind", "row"), [("opportunities", {**DEAL, "stage": "demo"}), ("events", EVENT)]
)
def test_every_report_can_be_asked_for(kind: str, row: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "groundswell.yaml").write_text("{}", encoding="utf-8")
    clock = FixedClock(dt.datetime(2026, 6, 30, 9, tzinfo=dt.UTC))
    with Project.open(tmp_path, clock=clock) as project:
        load(project, {kind: [row]})
        for name in REPORTS:
            found = as_plain(getattr(project.measuring, name)())
            assert "as_of" in found, name
        week = project.measuring.weekly()
        assert any("subscriptions" in one for one in week.missing)
        assert project.measuring.mistakes().findings


def test_a_report_is_as_of_the_latest_run_and_before_one_of_today(tmp_path: Path) -> None:
    (tmp_path / "groundswell.yaml").write_text("{}", encoding="utf-8")
    clock = FixedClock(dt.datetime(2026, 6, 30, 9, tzinfo=dt.UTC))
    with Project.open(tmp_path, clock=clock) as project:
        load(project, {"events": [EVENT]})
        assert project.measuring.monthly().as_of == dt.date(2026, 6, 30)
        project.run(as_of=dt.date(2026, 6, 10))
        assert project.measuring.monthly().as_of == dt.date(2026, 6, 10)
        asked = project.measuring.monthly(as_of=dt.date(2026, 6, 20))
        assert asked.as_of == dt.date(2026, 6, 20)
