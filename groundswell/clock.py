"""Time, as the rest of Groundswell may see it: aware UTC instants and whole UTC days.

A day is counted as an integer, days since 1970-01-01, wherever days are stored or computed with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

EPOCH = date(1970, 1, 1)


class Clock(Protocol):
    """Tells the time; every `now` in Groundswell comes through one."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        return datetime.now(UTC)


@dataclass(slots=True)
class FixedClock:
    """A clock that stands where it was put, until it is moved."""

    at: datetime

    def now(self) -> datetime:
        """Return the instant the clock was set to."""
        return self.at

    def advance(self, by: timedelta) -> None:
        """Move the clock forward by `by`."""
        self.at += by


@dataclass(frozen=True, slots=True)
class RunningClock:
    """A clock that was set to an instant and goes on from it.

    Attributes:
        start: What it was set to.
        since: What the other clock said then.
        beside: The clock that it goes on as.
    """

    start: datetime
    since: datetime
    beside: Clock

    @classmethod
    def from_instant(cls, start: datetime, beside: Clock | None = None) -> RunningClock:
        """Set a clock now; it goes on as the machine's own does, or as `beside`."""
        other = beside or SystemClock()
        return cls(start, other.now(), other)

    def now(self) -> datetime:
        """Return the instant it was set to, and as long after it as passed since."""
        return self.start + (self.beside.now() - self.since)


def day_number(day: date) -> int:
    """Return `day` as days since 1970-01-01.

    >>> day_number(date(1970, 1, 2))
    1
    """
    return (day - EPOCH).days


def day_from_number(number: int) -> date:
    """Return the date that is `number` days after 1970-01-01.

    >>> day_from_number(20000)
    datetime.date(2024, 10, 4)
    """
    return EPOCH + timedelta(days=number)


def utc_day(moment: datetime) -> date:
    """Return the UTC day an aware instant falls on.

    Raises:
        ValueError: The instant has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.astimezone(UTC).date()
