"""Sending the weekly report when it is due, while a server runs."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from groundswell.errors import GroundswellError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import date

    from groundswell.engine import Project

REST_SECONDS = 20.0
"""How often it is looked whether a report is due."""

FAILING_SECONDS = 300.0
TOO_LATE = timedelta(days=6)
"""A report that was due so long ago is sent no more: the next one is near."""

WEEKLY = "weekly report"
GRACE_SECONDS = 10.0
log = structlog.get_logger()


class Poster:
    """Writes the weekly report into the outbox, on a thread of its own, once for each week."""

    def __init__(
        self, project: Project, leads: Callable[[], bool], alone: AbstractContextManager[object]
    ) -> None:
        """Prepare; nothing is looked at yet.

        Args:
            project: What is reported.
            leads: Whether this process is the one that does.
            alone: Held while a report is computed.
        """
        self._project, self._leads, self._alone = project, leads, alone
        self._done: set[date] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poster", daemon=True)

    def start(self) -> None:
        """Begin, where a report is sent at all."""
        weekly = self._project.loaded.weekly
        if weekly is not None:
            due = weekly.last_due(self._project.clock.now()) + timedelta(weeks=1)
            says = "Writes the weekly report into the outbox."
            self._project.jobs.know(WEEKLY, says, next_at=due)
            self._thread.start()

    def stop(self) -> None:
        """Finish what is being written; what is due is written after the next start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(GRACE_SECONDS)

    def step(self) -> int:
        """Write the report where it is due; return to how many destinations."""
        weekly = self._project.loaded.weekly
        if weekly is None:
            return 0
        now = self._project.clock.now()
        due = weekly.last_due(now)
        as_of = weekly.week_of(due)
        if now - due >= TOO_LATE or as_of in self._done:
            return 0
        from groundswell.web.report_message import (  # noqa: PLC0415 - draws; a second to import
            weekly_key,
            weekly_message,
        )

        key = weekly_key(as_of)
        missing = [
            name
            for name in weekly.to
            if not self._project.ledger.deliveries(destination=name, key=f"{key}:{name}")
        ]
        added = 0
        if missing:
            with self._project.jobs.watch(WEEKLY):
                with self._alone:
                    found = self._project.measuring.weekly(as_of=as_of)
                message = weekly_message(found, at=now)
                added = self._project.handoffs.post(key, missing, message)
        self._done.add(as_of)
        self._project.jobs.plan(WEEKLY, due + timedelta(weeks=1))
        return added

    def _run(self) -> None:
        while not self._stopping.is_set():
            rest = REST_SECONDS
            try:
                if self._leads() and (added := self.step()):
                    log.info("the weekly report was written", destinations=added)
            except GroundswellError as error:
                codes = [problem.code for problem in error.problems]
                log.warning("the weekly report cannot be written", problems=codes)
                rest = FAILING_SECONDS
            except Exception as error:
                log.exception("the weekly report failed", problem=type(error).__name__)
                rest = FAILING_SECONDS
            self._stopping.wait(rest)
