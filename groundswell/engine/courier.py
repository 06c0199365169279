"""A thread that sends what is in the outbox, while a server runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundswell.engine.project import Project

REST_SECONDS = 0.2
"""How often it is looked whether something is due."""

DELIVERIES = "deliveries"
FAILING_SECONDS = 5.0
GRACE_SECONDS = 10.0
log = structlog.get_logger()


class Courier:
    """Sends what is in the outbox, on a thread of its own: others are waited for there."""

    def __init__(self, project: Project, leads: Callable[[], bool]) -> None:
        self._project, self._leads = project, leads
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin, where there is anywhere to send to."""
        if self._project.loaded.config.destinations:
            self._project.jobs.know(DELIVERIES, "Sends what is due to destinations.")
            self._thread.start()

    def stop(self) -> None:
        """Finish what is being sent; the rest is sent after the next start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(GRACE_SECONDS)

    def _send(self) -> bool:
        with self._project.jobs.watch(DELIVERIES) as run:
            moved = bool(self._project.handoffs.dispatch().moved)
            if not moved:
                run.drop()
        return moved

    def _run(self) -> None:
        while not self._stopping.is_set():
            rest = REST_SECONDS
            try:
                if self._leads() and self._send():
                    rest = 0.0
            except Exception as error:
                log.exception("the courier failed", problem=type(error).__name__)
                rest = FAILING_SECONDS
            if rest:
                self._stopping.wait(rest)
