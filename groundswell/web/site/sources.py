"""How sources are doing, counted beside everything else: counting all events takes a second."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from groundswell.errors import GroundswellError

if TYPE_CHECKING:
    from datetime import datetime

    from groundswell.engine import Project
    from groundswell.engine.reports import SourceState

REST = timedelta(seconds=15)
log = structlog.get_logger()


@dataclass
class SourceBoard:
    """Says how sources are doing, as counted a moment ago, and counts again where that is long ago.

    Attributes:
        project: Whose sources.
    """

    project: Project
    _found: tuple[list[SourceState], datetime] | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def read(self) -> tuple[list[SourceState], datetime]:
        """Return every source, and when they were counted."""
        found = self._found
        if found is None:
            return self._count()
        if self.project.clock.now() - found[1] > REST and self._lock.acquire(blocking=False):
            threading.Thread(target=self._count_again, name="sources", daemon=True).start()
        return found

    def _count(self) -> tuple[list[SourceState], datetime]:
        self._found = found = (self.project.sources(), self.project.clock.now())
        return found

    def _count_again(self) -> None:
        try:
            self._count()
        except GroundswellError as error:
            log.warning("sources could not be counted", problem=error.problems[0].code)
        finally:
            self._lock.release()
