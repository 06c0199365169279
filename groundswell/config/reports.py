"""`reports:` resolved: where a report goes, and the instants at which it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, get_args
from zoneinfo import ZoneInfo

from groundswell.config.quantities import parse_time
from groundswell.config.team_schema import Weekday
from groundswell.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

    from groundswell.config.findings import Findings
    from groundswell.config.report_schema import ReportsBlock

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Weekly:
    """When the weekly report is due, and where it goes.

    Attributes:
        to: Names of destinations.
        weekday: 0 for Monday.
        at: Time of that day.
        zone: Of the time.
    """

    to: tuple[str, ...]
    weekday: int
    at: time
    zone: ZoneInfo

    def last_due(self, now: datetime) -> datetime:
        """Return when it was due last, in UTC; `now` where that is now.

        >>> berlin = Weekly(("sales",), 0, time(8), ZoneInfo("Europe/Berlin"))
        >>> str(berlin.last_due(datetime(2026, 7, 1, 12, tzinfo=UTC)))
        '2026-06-29 06:00:00+00:00'
        """
        today = now.astimezone(self.zone).date()
        day = today - DAY * ((today.weekday() - self.weekday) % 7)
        due = self._on(day)
        return due if due <= now else self._on(day - WEEK)

    def week_of(self, due: datetime) -> date:
        """Return the last day of the week that the report of a due instant tells."""
        return due.astimezone(self.zone).date() - DAY

    def _on(self, day: date) -> datetime:
        return datetime.combine(day, self.at, self.zone).astimezone(UTC)


def resolve_reports(
    block: ReportsBlock, destinations: Collection[str], *, findings: Findings
) -> Weekly | None:
    """Return when the weekly report is sent; None where it is not.

    Args:
        block: As written.
        destinations: Names of those there are.
        findings: Takes what is wrong.
    """
    told = block.weekly
    if told is None:
        return None
    for place, name in enumerate(told.to):
        if name not in destinations:
            fix = (
                did_you_mean(name, sorted(destinations), noun="Destinations")
                if destinations
                else "Add it to `destinations:`."
            )
            what = f"There is no destination `{name}`."
            findings.tell(
                ("reports", "weekly", "to", place), "config-unknown-destination", what, fix
            )
    weekday = get_args(Weekday).index(told.on)
    return Weekly(tuple(told.to), weekday, parse_time(told.at), ZoneInfo(told.timezone))
