"""What came in, counted beside everything else: counting all events takes a second."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from groundswell.errors import GroundswellError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from groundswell.engine import Project
    from groundswell.engine.reports import SourceState

REST = timedelta(seconds=15)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Counted:
    """What came in, at an instant.

    Attributes:
        sources: Every source.
        quarantined: Rows in quarantine by reason, the most frequent first.
        names: How often each event came, by its name.
        at: When they were counted.
    """

    sources: tuple[SourceState, ...]
    quarantined: tuple[tuple[str, int], ...]
    names: Mapping[str, int]
    at: datetime


@dataclass
class SourceBoard:
    """Says how sources are doing, as counted a moment ago, and counts again where that is long ago.

    Attributes:
        project: Whose sources.
    """

    project: Project
    _found: Counted | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def read(self) -> Counted:
        """Return what was counted last, and have it counted again where that is long ago."""
        found = self._found
        if found is None:
            return self._count()
        if self.project.clock.now() - found.at > REST and self._lock.acquire(blocking=False):
            threading.Thread(target=self._count_again, name="sources", daemon=True).start()
        return found

    def forget(self) -> None:
        """Count again when next asked, as something was done to it."""
        self._found = None

    def _count(self) -> Counted:
        project = self.project
        reasons = sorted(
            project.ledger.open_reasons().items(), key=lambda item: (-item[1], item[0])
        )
        self._found = Counted(
            tuple(project.sources()),
            tuple(reasons),
            project.warehouse.event_counts(),
            project.clock.now(),
        )
        return self._found

    def _count_again(self) -> None:
        try:
            self._count()
        except GroundswellError as error:
            log.warning("sources could not be counted", problem=error.problems[0].code)
        finally:
            self._lock.release()
