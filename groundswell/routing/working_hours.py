"""Working hours: when a service level is over for somebody who works by day and rests on Sunday."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Container

    from groundswell.config.resolved import Member, WorkWeek

_LONGEST = 366 * 5
_DAY = timedelta(days=1)


def add_hours(start: datetime, hours: float, week: WorkWeek | None) -> datetime:
    """Return the instant at which so many hours are over, aware and in UTC.

    Args:
        start: Aware.
        hours: How many.
        week: Whose working hours count; every hour counts for None.

    Raises:
        ValueError: There is no working day within five years.
    """
    if week is None:
        return start.astimezone(UTC) + timedelta(hours=hours)
    zone = ZoneInfo(week.timezone)
    left = timedelta(hours=hours)
    day = start.astimezone(zone).date()
    for _ in range(_LONGEST):
        if is_working_day(day, week):
            # Instants are compared in UTC, since a day may have 23 or 25 hours.
            begins = max(datetime.combine(day, week.begins, zone).astimezone(UTC), start)
            ends = datetime.combine(day, week.ends, zone).astimezone(UTC)
            if begins + left <= ends:
                return (begins + left).astimezone(UTC)
            left -= max(ends - begins, timedelta())
        day += _DAY
    raise ValueError("there is no working day within five years")


def working_hours_between(start: datetime, end: datetime, week: WorkWeek) -> float:
    """Return the working hours from one instant to a later one; 0 when it is not later."""
    zone = ZoneInfo(week.timezone)
    day, total = start.astimezone(zone).date(), timedelta()
    while day <= end.astimezone(zone).date():
        if is_working_day(day, week):
            begins = max(datetime.combine(day, week.begins, zone).astimezone(UTC), start)
            ends = min(datetime.combine(day, week.ends, zone).astimezone(UTC), end)
            total += max(ends - begins, timedelta())
        day += _DAY
    return total / timedelta(hours=1)


def is_working_day(day: date, week: WorkWeek) -> bool:
    """Tell whether somebody with that week works on a day."""
    return day.weekday() in week.days and day not in _holidays(week.country, week.part, day.year)


def is_away(member: Member, now: datetime) -> bool:
    """Tell whether a member is on leave, by the day it is where they are."""
    today = now.astimezone(ZoneInfo(member.timezone)).date()
    return any(first <= today <= last for first, last in member.leave)


@cache
def _holidays(country: str | None, part: str | None, year: int) -> Container[date]:
    if country is None:
        return frozenset()
    import holidays  # noqa: PLC0415 - a fifth of a second, only where somebody names a region

    return frozenset(holidays.country_holidays(country, subdiv=part, years=year))
