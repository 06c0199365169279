"""When a day ends, how it was counted is compared with how it is computed."""

from __future__ import annotations

import datetime as dt

import pytest
import structlog

from groundswell.clock import FixedClock
from groundswell.engine.live.following import Follower

from .test_live import NOON, _known_world, opened, send

DAY = dt.timedelta(days=1)


@pytest.fixture
def followed():
    """A follower that has counted today, and a way to send it more."""
    with opened() as (project, drain):
        assert isinstance(project.clock, FixedClock)
        follower = Follower(project)

        def tell(*messages):
            send(project, messages)
            while (done := drain.step()) is not None:
                follower.take(done)
            follower._rested_at = 0.0
            return follower.step()

        tell(*_known_world())
        yield project, tell


def event(number: int, at: dt.datetime, user: str = "u0") -> dict[str, object]:
    return {
        "type": "track",
        "messageId": f"n{number}",
        "userId": user,
        "event": "Report Made",
        "timestamp": at.isoformat(),
        "properties": {"amount": 3},
    }


def midnight(project) -> dt.datetime:
    project.clock.advance(DAY / 2 + dt.timedelta(seconds=1))
    return project.clock.now()


def test_a_day_that_was_counted_well_differs_in_nothing(followed):
    project, tell = followed
    assert tell(event(1, NOON), event(2, NOON, "u2")).counted == 2
    now = midnight(project)
    scored = tell()
    assert scored.report is not None
    assert (scored.drift.count, scored.report.as_of) == (0, now.date())
    assert tell(event(3, now)).drift is None


def test_what_came_between_the_days_is_left_out(followed):
    project, tell = followed
    tell(event(1, NOON))
    now = midnight(project)
    late = event(2, NOON - DAY)
    identify = {"type": "identify", "userId": "u3", "traits": {"email": "x@acme.example"}}
    scored = tell(event(3, now), late, {**identify, "messageId": "i1"}, event(4, now, "new"))
    assert scored.drift.count == 0


def test_a_corrupted_counter_is_logged_and_mended(followed):
    project, tell = followed
    tell(event(1, NOON))
    base = project.live.base
    steps = [step.name for step in project.computer.plan.steps]
    number = base.account_ids.to_list().index("acme")
    base.counters._steps[number, steps.index("amount_28d")] += 7
    tell(event(2, NOON))
    midnight(project)
    with structlog.testing.capture_logs() as logs:
        scored = tell()
    assert scored.drift.count >= 1
    assert scored.drift.accounts == ("acme",)
    (line,) = (line for line in logs if line["log_level"] == "error")
    assert line["accounts"] == ["acme"]
    assert any("acme: amount_28d is " in text for text in line["first"])
    assert {row.status for row in project.doctor() if row.name == "live = whole"} == {"ok"}


def test_facts_that_were_not_counted_are_no_difference(followed, tmp_path):
    project, tell = followed
    file = tmp_path / "more.csv"
    file.write_text(
        f"message_id,user_id,account_id,event,timestamp\nx,u0,acme,Report Made,{NOON.isoformat()}\n"
    )
    (report,) = project.load("events", [file])
    assert report.added == 1
    midnight(project)
    assert tell().drift is None
