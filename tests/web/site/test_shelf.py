"""Reports are made once for what was known, and shown for a while though more is known since."""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.clock import FixedClock
from groundswell.engine.jobs import Jobs
from groundswell.errors import Problem, UsageError
from groundswell.web.document import Report
from groundswell.web.site.shelf import FRESH, KEPT, Asked, ReportShelf

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC)


class Facts:
    """A warehouse of which only the version is asked."""

    told = 1

    def version(self) -> str:
        return str(self.told)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def facts() -> Facts:
    return Facts()


@pytest.fixture
def shelf(clock: FixedClock, facts: Facts) -> Iterator[ReportShelf]:
    project: Any = SimpleNamespace(clock=clock, warehouse=facts, jobs=Jobs(clock))
    made = ReportShelf(project, nullcontext())
    yield made
    made.close()


class Counted:
    """What a report is made of, counted; or what keeps it from being made."""

    def __init__(self, error: Exception | None = None) -> None:
        self.times, self.error = 0, error

    def asked(self, *key: str) -> Asked:
        return Asked(key or ("one",), self.make, lambda found: Report(str(found), "", (), ()))

    def make(self) -> int:
        self.times += 1
        if self.error is not None:
            raise self.error
        return self.times


def test_more_that_is_known_makes_it_anew_after_a_while(
    shelf: ReportShelf, clock: FixedClock, facts: Facts
) -> None:
    counted = Counted()
    assert shelf.get(counted.asked()).result(9).at == NOON
    facts.told += 1
    clock.advance(FRESH - dt.timedelta(seconds=1))
    assert shelf.look(counted.asked())[0] == shelf.get(counted.asked()).result(9)
    assert counted.times == 1
    clock.advance(dt.timedelta(seconds=1))
    assert shelf.get(counted.asked()).result(9).found == 2
    clock.advance(FRESH * 9)
    assert shelf.get(counted.asked()).result(9).found == 2, "nothing more is known"


def test_what_could_not_be_made_is_tried_again_once_more_is_known(
    shelf: ReportShelf, facts: Facts
) -> None:
    problem = Problem("code", "Nothing is known.", "Load something.")
    counted = Counted(UsageError(problem))
    for _ in range(2):
        shelf.get(counted.asked()).exception(9)
        assert shelf.look(counted.asked()) == (None, (problem,))
    assert counted.times == 1
    facts.told += 1
    counted.error = None
    assert shelf.get(counted.asked()).result(9).found == 2


def test_a_fault_is_told_without_its_words(shelf: ReportShelf) -> None:
    counted = Counted(ValueError("secret"))
    shelf.get(counted.asked()).exception(9)
    made, problems = shelf.look(counted.asked())
    assert made is None
    assert problems[0].code == "report-broken"
    assert "secret" not in str(problems)


def test_the_one_that_was_not_looked_at_for_longest_gives_way(shelf: ReportShelf) -> None:
    counted = Counted()
    for number in range(KEPT):
        shelf.get(counted.asked(str(number))).result(9)
    shelf.get(counted.asked("0")).result(9)
    shelf.get(counted.asked("more")).result(9)
    assert counted.times == KEPT + 1
    shelf.get(counted.asked("0")).result(9)
    assert counted.times == KEPT + 1
    shelf.get(counted.asked("1")).result(9)
    assert counted.times == KEPT + 2
