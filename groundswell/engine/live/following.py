"""When to score: at once what was touched, and everything when the day or the facts changed."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from groundswell.errors import UsageError
from groundswell.store.warehouse import ShardedWarehouse

if TYPE_CHECKING:
    from datetime import date, datetime

    from groundswell.engine.doctor.comparing import Differences
    from groundswell.engine.draining import Drained
    from groundswell.engine.live.firing import Fired
    from groundswell.engine.project import Project
    from groundswell.engine.reports import RunReport
    from groundswell.store.ledger import JournalEntry

REST_SECONDS = 2.0
REST_TIMES = 3
"""After everything was computed, so many times as long is spent on what comes, before it may be
again; a new day does not wait."""

ADOPT_SECONDS = 5.0
"""How often it is looked whether another definition of the score was published, by anybody."""

KEEP_SECONDS = 60.0
"""How often where accounts stand is kept on the disk."""


@dataclass(frozen=True)
class Scored:
    """What was scored in one step.

    Attributes:
        seconds: How long it took.
        report: Of a whole run, where there was one.
        counted: Accounts that were scored by counting.
        recomputed: Accounts that were scored from the facts around them.
        entries: What the journal was given.
        fired: The triggers that began to hold.
        drift: Of a day that ended, where it had been counted otherwise than it is computed.
        waited: When the requests arrived whose accounts are all scored now.
    """

    seconds: float
    report: RunReport | None = None
    counted: int = 0
    recomputed: int = 0
    entries: tuple[JournalEntry, ...] = ()
    fired: tuple[Fired, ...] = ()
    drift: Differences | None = None
    waited: tuple[datetime, ...] = ()


class Follower:
    """Keeps a project's scores up to date with what is taken into its warehouse."""

    def __init__(self, project: Project) -> None:
        """Follow a project; where workers compute, everything is computed each time."""
        self._project = project
        self._singly = not isinstance(project.warehouse, ShardedWarehouse)
        self._live = project.follow()
        self._computed: tuple[str, date] | None = None
        self._rested_at = 0.0
        self._anew_at = 0.0
        self._kept_at = self._adopted_at = time.monotonic()
        self._waiting: list[datetime] = []
        self._deferred: list[datetime] = []

    def take(self, done: Drained) -> None:
        """Take in what was drained."""
        if not done.news:
            return
        self._waiting += done.received_at
        if self._singly:
            self._live.take(done.news)

    def step(self) -> Scored | None:
        """Score what has to be scored now; None when nothing does."""
        began = time.monotonic()
        if began - self._adopted_at > ADOPT_SECONDS:
            self._adopted_at = began
            self._project.adopt()
        if self._is_due():
            if began < self._rested_at and not self._is_new_day():
                return None
            return self._compute(began)
        if not self._singly or not self._live.waits():
            return None
        scored = self._live.rescore(anew=began >= self._anew_at)
        ended = time.monotonic()
        if scored.recomputed:
            self._anew_at = ended + (ended - began)
        if ended - self._kept_at > KEEP_SECONDS:
            self._kept_at = ended
            self._project.keep_latest()
        waited = self._served(deferred=scored.deferred)
        if not (scored.counted or scored.recomputed):
            return None
        return Scored(
            ended - began,
            counted=scored.counted,
            recomputed=scored.recomputed,
            entries=scored.entries,
            fired=scored.fired,
            waited=waited,
        )

    def close(self) -> None:
        """Keep where accounts stand, and let go."""
        self._project.stop_following()

    def _served(self, *, deferred: bool = False) -> tuple[datetime, ...]:
        """Return, once, the arrivals whose accounts are all scored."""
        if deferred:
            self._deferred += self._waiting
            self._waiting.clear()
        if not self._live.waits():
            self._waiting += self._deferred
            self._deferred.clear()
        served = tuple(self._waiting)
        self._waiting.clear()
        return served

    def _is_due(self) -> bool:
        if self._singly and self._live.today is not None:
            return self._live.is_due()
        return self._facts() != self._computed

    def _is_new_day(self) -> bool:
        return self._computed is None or self._computed[1] != self._project.today()

    def _facts(self) -> tuple[str, date]:
        return self._project.warehouse.version(), self._project.today()

    def _compute(self, began: float) -> Scored:
        facts = self._facts()
        scored = Scored(0.0)
        try:
            if self._singly:
                done = self._live.rebase()
                scored = Scored(
                    0.0, done.report, entries=done.entries, fired=done.fired, drift=done.drift
                )
            else:
                whole = self._project.run_whole()
                scored = Scored(0.0, whole.report, entries=whole.entries)
        except UsageError:  # nobody is known yet
            pass
        took = time.monotonic() - began
        self._computed = facts
        self._rested_at = time.monotonic() + max(REST_SECONDS, REST_TIMES * took)
        return replace(scored, seconds=took, waited=self._served())
