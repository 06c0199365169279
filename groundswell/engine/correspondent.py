"""A thread that takes in what changed in the CRMs, while a server runs."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from groundswell.connectors.destination import DestinationError
from groundswell.engine.dispatching import backoff
from groundswell.engine.handing.reading_back import fetch
from groundswell.errors import GroundswellError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from groundswell.engine.destinations import Destinations
    from groundswell.engine.project import Project

REST_SECONDS = 1.0
"""How often it is looked whether something is due."""

GRACE_SECONDS = 10.0
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
log = structlog.get_logger()


class Correspondent:
    """Reads from CRMs on a thread of its own, so that nothing waits for them.

    It has connections of its own, and shares the budgets with what is sent. Only taking in what
    was read holds the project.
    """

    def __init__(
        self,
        project: Project,
        leads: Callable[[], bool],
        alone: AbstractContextManager[object],
    ) -> None:
        self._project, self._leads, self._alone = project, leads, alone
        self._due: dict[str, datetime] = {}
        self._failures: dict[str, int] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="correspondent", daemon=True)

    def start(self) -> None:
        """Begin, where anything comes back."""
        reading = [
            name
            for name in self._project.destinations.names()
            if self._project.destinations.type_of(name).reads
            and self._project.destinations.read_every(name) is not None
        ]
        self._due = dict.fromkeys(reading, _LONG_AGO)
        for name in reading:
            self._project.jobs.know(_job(name), "Takes in what changed there.")
        if reading:
            self._thread.start()

    def stop(self) -> None:
        """Finish what is being read; the rest is read after the next start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(GRACE_SECONDS)

    def _run(self) -> None:
        destinations = self._project.destinations.beside()
        try:
            while not self._stopping.is_set():
                for name in self._due:
                    if not self._stopping.is_set() and self._leads() and self._is_due(name):
                        self._read(name, destinations)
                self._stopping.wait(REST_SECONDS)
        finally:
            destinations.close()

    def _is_due(self, name: str) -> bool:
        paused = self._project.ledger.paused_destinations()
        return name not in paused and self._project.clock.now() >= self._due[name]

    def _read(self, name: str, destinations: Destinations) -> None:
        clock = self._project.clock
        every = self._project.destinations.read_every(name)
        assert every is not None, "what is never read is not due"
        try:
            with self._project.jobs.watch(_job(name)):
                fetched = fetch(name, destinations, until=clock.now())
                with self._alone:
                    found = self._project.take_in(fetched)
        except GroundswellError as error:
            codes = [problem.code for problem in error.problems]
            log.warning("nothing was read back", name=name, problems=codes)
            self._due[name] = clock.now() + self._wait(name, error)
        except Exception as error:
            log.exception("reading back failed", name=name, problem=type(error).__name__)
            self._due[name] = clock.now() + every
        else:
            self._failures.pop(name, None)
            self._due[name] = clock.now() + every
            if sum(found.added.values()) or found.reassigned:
                log.info("read back", name=name, added=found.added, reassigned=found.reassigned)

        self._project.jobs.plan(_job(name), self._due[name])

    def _wait(self, name: str, error: GroundswellError) -> timedelta:
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        after = error.after if isinstance(error, DestinationError) else None
        return backoff(name, failures) if after is None else timedelta(seconds=after)


def _job(name: str) -> str:
    return f"reading {name}"
