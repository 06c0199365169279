"""The jobs of a server: how each went last, and what is told of what failed."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from groundswell.clock import FixedClock
from groundswell.engine import Project
from groundswell.engine.jobs import Jobs, JobState
from groundswell.engine.nightly import AGAIN, RETENTION, Nightly
from groundswell.errors import Problem, StoreError

if TYPE_CHECKING:
    from pathlib import Path

NOON = dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def one(jobs: Jobs, name: str) -> JobState:
    (found,) = (state for state in jobs.states() if state.name == name)
    return found


def test_a_run_is_known_while_it_lasts_and_how_it_ended() -> None:
    clock = FixedClock(NOON)
    jobs = Jobs(clock)
    jobs.know("sweep", "Sweeps.", next_at=NOON + HOUR)
    assert one(jobs, "sweep") == JobState("sweep", "Sweeps.", next_at=NOON + HOUR)
    with jobs.watch("sweep"):
        assert (one(jobs, "sweep").ended, one(jobs, "sweep").began_at) == ("running", NOON)
        clock.advance(HOUR)
    state = one(jobs, "sweep")
    assert (state.runs, state.failures, state.ended, state.began_at) == (1, 0, "well", NOON)
    assert state.seconds is not None
    assert state.next_at == NOON + HOUR


def test_what_failed_is_told_by_its_code_and_stays_known_after_it_went_well() -> None:
    clock = FixedClock(NOON)
    jobs = Jobs(clock)
    jobs.know("send", "Sends.")
    with pytest.raises(StoreError), jobs.watch("send"):
        raise StoreError(Problem("store-away", "ann@customer.example is away.", "Look."))
    with pytest.raises(ValueError, match="ann"), jobs.watch("send"):
        raise ValueError("ann@customer.example")
    clock.advance(HOUR)
    with jobs.watch("send"):
        pass
    state = one(jobs, "send")
    assert (state.runs, state.failures, state.ended) == (3, 2, "well")
    assert (state.error, state.failed_at) == ("ValueError", NOON)
    with pytest.raises(StoreError), jobs.watch("send"):
        raise StoreError(Problem("store-away", "ann@customer.example is away.", "Look."))
    assert one(jobs, "send").error == "store-away"


def test_a_run_with_nothing_to_do_or_of_another_job_leaves_the_one_before() -> None:
    clock = FixedClock(NOON)
    jobs = Jobs(clock)
    jobs.know("some", "Some.")
    jobs.know("all", "All.")
    with jobs.watch("some"):
        pass
    before = one(jobs, "some")
    clock.advance(HOUR)
    with jobs.watch("some") as run:
        run.drop()
    assert one(jobs, "some") == before
    with jobs.watch("some") as run:
        run.name = "all"
    assert one(jobs, "some") == before
    state = one(jobs, "all")
    assert (state.runs, state.ended, state.began_at) == (1, "well", NOON + HOUR)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    config = {"company": "Small Co", "retention": {"audit": "30d"}}
    (tmp_path / "groundswell.yaml").write_text(json.dumps(config), encoding="utf-8")
    return Project.open(tmp_path, clock=FixedClock(NOON))


def test_old_data_goes_once_a_day(project: Project) -> None:
    with project:
        nightly = Nightly(project)
        assert nightly.step()
        assert not nightly.step()
        assert one(project.jobs, RETENTION).next_at == dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
        assert isinstance(project.clock, FixedClock)
        project.clock.advance(dt.timedelta(hours=13))
        assert nightly.step()
        assert len(project.journal(kind="retained")) == 2


def test_a_pass_that_failed_is_tried_again_and_stops_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreError(Problem("store-away", "It is away.", "Look."))

    with project:
        nightly = Nightly(project)
        with monkeypatch.context() as broken:
            broken.setattr(Project, "retain", fail)
            assert not nightly.step()
        state = one(project.jobs, RETENTION)
        assert (state.ended, state.error, state.next_at) == ("failed", "store-away", NOON + AGAIN)
        assert not nightly.step()
        assert isinstance(project.clock, FixedClock)
        project.clock.advance(AGAIN)
        assert nightly.step()
