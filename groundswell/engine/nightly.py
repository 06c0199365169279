"""What a server does once a day, before everything is scored anew: old data goes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from datetime import date

    from groundswell.engine.project import Project

RETENTION = "retention"
AGAIN = timedelta(hours=1)
"""When it is tried again, where it failed."""

log = structlog.get_logger()


class Nightly:
    """Takes out what is older than it is kept for, once on each day of UTC."""

    def __init__(self, project: Project) -> None:
        """Prepare; the first pass is due at once."""
        self._project = project
        self._done_on: date | None = None
        self._due = project.clock.now()
        says = "Takes out what is older than `retention:` keeps it."
        if project.loaded.retention:
            project.jobs.know(RETENTION, says, next_at=self._due)

    def step(self) -> bool:
        """Do it where it is due; tell whether it was done. What fails is tried again later."""
        project = self._project
        now, today = project.clock.now(), project.today()
        if not project.loaded.retention or self._done_on == today or now < self._due:
            return False
        try:
            with project.jobs.watch(RETENTION):
                report = project.retain()
        except Exception as error:
            log.exception("nothing was taken out", problem=type(error).__name__)
            self._due = now + AGAIN
        else:
            log.info("retained", events=report.events, dropped=report.dropped)
            self._done_on, self._due = today, next_midnight(today)
        project.jobs.plan(RETENTION, self._due)
        return self._done_on == today


def next_midnight(today: date) -> datetime:
    """Return when the day after begins."""
    return datetime.combine(today + timedelta(days=1), time(), UTC)
