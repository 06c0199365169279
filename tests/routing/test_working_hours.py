"""Service levels in working hours: nights, weekends, holidays, leave, and clocks that change."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.config.resolved import Member, WorkWeek
from groundswell.routing.working_hours import add_hours, is_away, working_hours_between

BERLIN = WorkWeek(timezone="Europe/Berlin", country="DE")
ZONE = ZoneInfo("Europe/Berlin")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-03-04 10:00", 1, "2026-03-04 11:00"),
        ("2026-03-04 16:30", 1, "2026-03-05 09:30"),
        ("2026-03-04 07:00", 4, "2026-03-04 13:00"),
        ("2026-03-04 20:00", 1, "2026-03-05 10:00"),
        ("2026-03-06 16:00", 4, "2026-03-09 12:00"),  # over a weekend
        ("2026-03-07 12:00", 1, "2026-03-09 10:00"),
        ("2026-03-04 10:00", 24, "2026-03-09 10:00"),  # three days of eight hours
        ("2026-04-02 16:00", 2, "2026-04-07 10:00"),  # Good Friday and Easter Monday
        ("2026-03-27 16:00", 2, "2026-03-30 10:00"),  # summer time begins between
        ("2026-03-04 16:00", 1, "2026-03-04 17:00"),
    ],
)
def test_due_in_working_hours(start, hours, due):
    assert add_hours(at(start), hours, BERLIN) == at(due)


def test_without_a_week_every_hour_counts():
    start = at("2026-03-06 16:00")
    assert add_hours(start, 24, None) == start + dt.timedelta(hours=24)


def test_nobody_is_due_who_never_works():
    with pytest.raises(ValueError, match="no working day"):
        add_hours(at("2026-03-06 16:00"), 1, WorkWeek(days=frozenset()))


WEEKS = st.builds(
    WorkWeek,
    begins=st.sampled_from([dt.time(0), dt.time(8, 30), dt.time(9)]),
    ends=st.sampled_from([dt.time(12), dt.time(17), dt.time(23, 59)]),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
    country=st.sampled_from([None, "DE", "US"]),
)
MOMENTS = st.integers(0, 4 * 365 * 24 * 60).map(
    lambda minutes: dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)
)


@given(start=MOMENTS, hours=st.floats(0.1, 100), week=WEEKS)
def test_as_many_working_hours_lie_between_as_were_asked(start, hours, week):
    due = add_hours(start, hours, week)
    assert due > start
    assert working_hours_between(start, due, week) == pytest.approx(hours, abs=1e-6)


def test_leave_is_by_the_day_where_somebody_is():
    leave = ((dt.date(2026, 3, 5), dt.date(2026, 3, 6)),)
    member = Member("Ann", "ann@x.example", None, "Pacific/Auckland", None, None, leave=leave)
    assert is_away(member, dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC))  # the fifth, there
    assert not is_away(member, dt.datetime(2026, 3, 4, 10, tzinfo=dt.UTC))
    assert is_away(member, dt.datetime(2026, 3, 6, 10, tzinfo=dt.UTC))
    assert not is_away(member, dt.datetime(2026, 3, 6, 12, tzinfo=dt.UTC))
