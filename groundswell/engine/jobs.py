"""The jobs of a server: what it does by itself, when that was last, and how it ended.

Known while the server runs, and gone with it: what lasts is in the ledger.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime  # noqa: TC003 - the API tells of the type
from typing import TYPE_CHECKING, Literal

from groundswell.errors import GroundswellError

if TYPE_CHECKING:
    from collections.abc import Generator

    from groundswell.clock import Clock

Ended = Literal["well", "failed", "running"]


@dataclass(frozen=True, slots=True)
class JobState:
    """A job of the server.

    Attributes:
        name: Which.
        says: What it does, in a line.
        runs: How often it did something, since the server started.
        failures: How often of that it failed.
        began_at: When it began last.
        seconds: How long it took then; None while it runs, or where it never did.
        ended: How that went; None where it never began.
        next_at: When it is due; None where it is whenever something comes.
        error: Why it failed last: codes of problems, or the kind of an error, and no more.
        failed_at: When that was.
    """

    name: str
    says: str
    runs: int = 0
    failures: int = 0
    began_at: datetime | None = None
    seconds: float | None = None
    ended: Ended | None = None
    next_at: datetime | None = None
    error: str | None = None
    failed_at: datetime | None = None


class Run:
    """One run of a job, while it lasts.

    Attributes:
        name: Which job it turns out to be.
        dropped: Whether it counts as none.
    """

    def __init__(self, name: str) -> None:
        """Begin as a run of a job."""
        self.name, self.dropped = name, False

    def drop(self) -> None:
        """Let it count as none: there was nothing to do."""
        self.dropped = True


class Jobs:
    """Knows every job by its name; threads may tell it at the same time."""

    def __init__(self, clock: Clock) -> None:
        """Know none yet."""
        self._clock = clock
        self._states: dict[str, JobState] = {}
        self._lock = threading.Lock()

    def know(self, name: str, says: str, *, next_at: datetime | None = None) -> None:
        """Tell of a job that there is, before it first runs."""
        with self._lock:
            known = self._states.get(name, JobState(name, says))
            self._states[name] = replace(known, says=says, next_at=next_at)

    def plan(self, name: str, at: datetime | None) -> None:
        """Tell when a job is due."""
        self._change(name, next_at=at)

    @contextmanager
    def watch(self, name: str) -> Generator[Run]:
        """Tell that a job runs until the block ends, and how it ended; errors go on their way.

        A run that is dropped, or turns out to be of another job, leaves what was known of the one
        before.
        """
        before, began, run = self._state(name), time.monotonic(), Run(name)
        self._change(name, began_at=self._clock.now(), seconds=None, ended="running")
        try:
            yield run
        except BaseException as error:
            self._end(name, before, time.monotonic() - began, error=error)
            raise
        took, began_at = time.monotonic() - began, self._state(name).began_at
        if run.dropped or run.name != name:
            self._change(name, began_at=before.began_at, seconds=before.seconds, ended=before.ended)
        if not run.dropped:
            self._change(run.name, began_at=began_at)
            self._end(run.name, self._state(run.name), took)

    def states(self) -> list[JobState]:
        """Return every job, in the order in which they were told of."""
        with self._lock:
            return list(self._states.values())

    def _end(
        self, name: str, before: JobState, seconds: float, *, error: BaseException | None = None
    ) -> None:
        runs = before.runs + 1
        if error is None:
            self._change(name, seconds=seconds, ended="well", runs=runs)
            return
        self._change(
            name,
            seconds=seconds,
            ended="failed",
            runs=runs,
            failures=before.failures + 1,
            error=redacted(error),
            failed_at=self._clock.now(),
        )

    def _state(self, name: str) -> JobState:
        with self._lock:
            return self._states.get(name, JobState(name, ""))

    def _change(self, name: str, **told: object) -> None:
        with self._lock:
            known = self._states.get(name, JobState(name, ""))
            self._states[name] = replace(known, **told)  # pyright: ignore[reportArgumentType]


def redacted(error: BaseException) -> str:
    """Return what may be told of an error: its codes or its kind, and nothing that it quotes.

    >>> redacted(ValueError("ann@customer.example"))
    'ValueError'
    """
    if isinstance(error, GroundswellError):
        return ", ".join(problem.code for problem in error.problems)
    return type(error).__name__
