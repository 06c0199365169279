"""Where reports are made, one after the other and beside everything else, and kept for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from groundswell.errors import GroundswellError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from groundswell.engine import Project
    from groundswell.web.document import Report

KEPT = 24
"""Reports that are kept; the one that was not looked at for longest gives way."""

FRESH = timedelta(minutes=10)
"""For so long a report is shown though more was known since: it would never be there otherwise,
where something comes every second."""

REPORTS = "reports"
log = structlog.get_logger()


@dataclass(frozen=True)
class Asked:
    """A report that is asked for.

    Attributes:
        key: What tells it from every other one.
        make: Finds what it is of.
        write: Writes it.
    """

    key: tuple[str, ...]
    make: Callable[[], Any]
    write: Callable[[Any], Report]


@dataclass(frozen=True, slots=True)
class Made:
    """What was found, the report of it, its pictures, as SVG by name, and when it was made."""

    found: Any
    report: Report
    svgs: dict[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class _Kept:
    """A report, or the promise of it; the facts that it is made of, and when it was asked for."""

    promise: Future[Made]
    version: str
    at: datetime


@dataclass
class ReportShelf:
    """Makes reports one after the other on a thread of its own, and keeps them.

    A report is made anew when it is asked for and more is known than when it was made; not within
    `FRESH`, though.

    Attributes:
        project: What they are made of.
        alone: Held while one is computed.
    """

    project: Project
    alone: AbstractContextManager[object]
    _kept: OrderedDict[tuple[str, ...], _Kept] = field(
        default_factory=OrderedDict[tuple[str, ...], _Kept], repr=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        """Prepare the thread; nothing is made yet."""
        self.project.jobs.know(REPORTS, "Makes the reports that pages ask for.")
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="reports")

    def get(self, asked: Asked) -> Future[Made]:
        """Return a report, or the promise of it."""
        version, now = self.project.warehouse.version(), self.project.clock.now()
        with self._lock:
            kept = self._kept.get(asked.key)
            if kept is None or not _serves(kept, version, now):
                promise = self._maker.submit(partial(self._make, asked))
                kept = self._kept[asked.key] = _Kept(promise, version, now)
            self._kept.move_to_end(asked.key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return kept.promise

    def look(self, asked: Asked) -> tuple[Made | None, tuple[Problem, ...]]:
        """Return a report where it is made, or why it cannot be; neither while it is being made."""
        promise = self.get(asked)
        if not promise.done():
            return None, ()
        error = promise.exception()
        if error is None:
            return promise.result(), ()
        if isinstance(error, GroundswellError):
            return None, error.problems
        log.error("a report could not be made", report=asked.key[0], problem=type(error).__name__)
        return None, (
            Problem("report-broken", "The report could not be made.", "The server's log says why."),
        )

    def close(self) -> None:
        """Make no more reports; what is being made is left unfinished."""
        self._maker.shutdown(wait=False, cancel_futures=True)

    def _make(self, asked: Asked) -> Made:
        with self.project.jobs.watch(REPORTS):
            with self.alone:
                found = asked.make()
            report = asked.write(found)
            return Made(found, report, report.render_pictures(), self.project.clock.now())


def _serves(kept: _Kept, version: str, now: datetime) -> bool:
    """Tell whether a report will do for who asks now."""
    if not kept.promise.done() or kept.version == version:
        return True
    return kept.promise.exception() is None and now - kept.at < FRESH
