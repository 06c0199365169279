"""Calendar quarters, and which of them are over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A calendar quarter; written `2026-Q1`."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> Quarter:
        """Return the quarter of a day.

        >>> str(Quarter.of(date(2026, 5, 4)))
        '2026-Q2'
        """
        return cls(day.year, (day.month + 2) // 3)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.earlier(-1).first - timedelta(days=1)

    def earlier(self, by: int = 1) -> Quarter:
        """Return the quarter so many before this one.

        >>> str(Quarter(2026, 1).earlier(5))
        '2024-Q4'
        """
        months = self.year * 4 + self.number - 1 - by
        return Quarter(months // 4, months % 4 + 1)

    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"


def quarters_until(as_of: date, count: int) -> tuple[Quarter, ...]:
    """Return the last quarters that were over by the end of a day, the latest last.

    >>> [str(quarter) for quarter in quarters_until(date(2026, 3, 31), 2)]
    ['2025-Q4', '2026-Q1']
    >>> [str(quarter) for quarter in quarters_until(date(2026, 3, 30), 1)]
    ['2025-Q4']
    """
    running = Quarter.of(as_of)
    latest = running if running.last == as_of else running.earlier()
    return tuple(latest.earlier(by) for by in reversed(range(count)))
