"""What had arrived by a day, and what came late."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from groundswell.clock import FixedClock
from groundswell.engine import Project

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
events:
  signed_up: Signed Up
  invited: Invited
"""
EVENTS = """message_id,user_id,account_id,event,timestamp,received_at
1,ann,acme,Signed Up,2026-03-01T10:00:00Z,2026-03-01T10:00:01Z
2,ann,acme,Invited,2026-03-02T23:59:00Z,2026-03-03T00:00:00Z
3,bob,acme,Invited,2026-03-02T11:00:00Z,2026-03-20T11:00:00Z
4,cy,late,Signed Up,2026-03-02T11:00:00Z,2026-03-20T11:00:00Z
"""
DAY = dt.date(2026, 3, 2)


@pytest.fixture
def project(tmp_path: Path):
    (tmp_path / "groundswell.yaml").write_text(CONFIG)
    (tmp_path / "events.csv").write_text(EVENTS)
    clock = FixedClock(dt.datetime(2026, 4, 1, tzinfo=dt.UTC))
    with Project.open(tmp_path, clock=clock) as opened:
        opened.load("events", [tmp_path / "events.csv"])
        yield opened


def seen(frame) -> dict[str, tuple[float, float]]:
    columns = ("account_id", "invites_sent_28d", "active_users_28d")
    return {name: counts for name, *counts in frame.select(columns).iter_rows()}


def test_late_events_count_on_their_day_but_were_not_known_on_it(project: Project) -> None:
    assert seen(project.features(DAY)) == {"acme": [2, 2], "late": [0, 1]}
    assert seen(project.features(DAY, as_known=True)) == {"acme": [0, 1]}
    third = DAY + dt.timedelta(days=1)
    assert seen(project.features(third, as_known=True)) == {"acme": [1, 1]}
    later = dt.date(2026, 3, 20)
    assert seen(project.features(later, as_known=True)) == seen(project.features(later))


def test_several_days_know_each_their_own(project: Project, tmp_path: Path) -> None:
    frame = project.features(dt.date(2026, 3, 23), weeks=4, as_known=True, accounts=["acme"])
    assert frame["as_of"].to_list() == [dt.date(2026, 3, d) for d in (2, 9, 16, 23)]
    assert frame["invites_sent_28d"].to_list() == [0, 1, 1, 2]
    file = tmp_path / "known.parquet"
    assert project.write_features(file, as_of=DAY, as_known=True) == 1


def test_asking_what_was_known_leaves_the_roll_up_as_it_is(project: Project) -> None:
    before = project.features(DAY)
    made = project.activity.fingerprint
    project.features(DAY, as_known=True)
    assert project.activity.fingerprint == made
    assert project.features(DAY).equals(before)
