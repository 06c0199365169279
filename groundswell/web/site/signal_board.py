"""Signals, counted beside everything else: deciding on all accounts takes a while."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from groundswell.errors import GroundswellError, Problem

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

    from groundswell.engine import Project
    from groundswell.engine.signals import Signs

REST = timedelta(seconds=60)
PATIENCE = 0.05
"""Seconds that whoever asks first waits for it: a small project is counted within."""

BROKEN = Problem(
    "signals-broken", "The signals could not be counted.", "The server's log says why."
)
log = structlog.get_logger()


@dataclass
class SignalBoard:
    """Says what came of signals, as counted a moment ago, and counts again where that is long ago.

    Attributes:
        project: Whose signals.
        alone: Held while they are counted.
    """

    project: Project
    alone: AbstractContextManager[object]
    _found: Signs | None = field(default=None, repr=False)
    _problems: tuple[Problem, ...] = field(default=(), repr=False)
    _began: datetime | None = field(default=None, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def read(self) -> tuple[Signs | None, tuple[Problem, ...]]:
        """Return what was counted last, and why it was not; neither while it is first counted."""
        with self._lock:
            now = self.project.clock.now()
            thread = self._thread
            is_old = self._began is None or now - self._began > REST
            if is_old and (thread is None or not thread.is_alive()):
                self._began = now
                thread = threading.Thread(target=self._count, name="signals", daemon=True)
                self._thread = thread
                thread.start()
        if self._found is None and thread is not None:
            thread.join(PATIENCE)
        return self._found, self._problems

    def forget(self) -> None:
        """Count again when next asked, as something was done to it."""
        with self._lock:
            self._found, self._problems, self._began = None, (), None

    def _count(self) -> None:
        try:
            with self.alone:
                found = self.project.signals.read()
            self._found, self._problems = found, ()
        except GroundswellError as error:
            self._problems = error.problems
            log.warning("signals could not be counted", problem=error.problems[0].code)
        except Exception as error:
            self._problems = (BROKEN,)
            log.exception("signals could not be counted", problem=type(error).__name__)
