"""Reports: made once for a day, beside everything else, and shown from then on at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import structlog

from groundswell.errors import GroundswellError, Problem
from groundswell.web.site.visit import Answer, File, NotSeenError, Shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import date

    from groundswell.engine import Project
    from groundswell.web.document import Report
    from groundswell.web.site.visit import Visit

KEPT = 24
"""Reports that are kept; the one that was not looked at for longest gives way."""

REPORTS = "reports"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of report.

    Attributes:
        name: Of the method of `Measuring` that makes it, and of its page.
        title: What it is called.
        says: What it says, in a line.
        writer: The module of `groundswell.web` that writes it, and its function.
    """

    name: str
    title: str
    says: str
    writer: str


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("weekly", "Weekly", "What moved in the week, and what each motion brings.", ""),
        Kind(
            "monthly",
            "Funnels",
            "How the sign-ups of each month and the customers of each quarter came along.",
            "monthly_report:report_monthly",
        ),
        Kind(
            "attribution",
            "Attribution",
            "Where each new or expanded dollar came from.",
            "attribution_report:write_attribution",
        ),
        Kind(
            "commissions",
            "Commissions",
            "What each rep earned, with receipts, and whether the plan holds.",
            "commission_report:write_commissions",
        ),
        Kind(
            "uplift",
            "Experiments",
            "Whether the human helped: contacted against held out.",
            "uplift_report:report_uplift",
        ),
        Kind(
            "overlay",
            "Overlay",
            "Whether self-serve needs sales beside it, and what would change that.",
            "overlay_report:write_overlay",
        ),
        Kind(
            "payback",
            "Payback",
            "When salespeople have paid for themselves.",
            "advice_report:write_payback",
        ),
        Kind(
            "pricing",
            "Pricing",
            "Where the price list and the motions, limits and accounts part.",
            "advice_report:write_pricing",
        ),
        Kind(
            "feedback",
            "Feedback",
            "What usage tells sales, and what sales and support tell product.",
            "feedback_report:report_feedback",
        ),
        Kind(
            "mistakes",
            "Mistakes",
            "Which mistakes of selling beside self-serve are seen in your data.",
            "advice_report:write_mistakes",
        ),
        Kind(
            "quarterly",
            "Quarterly",
            "What product and sales have to agree on once a quarter.",
            "quarterly_report:report_quarterly",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Made:
    """What was found, the report of it, and its pictures, as SVG by name."""

    found: Any
    report: Report
    svgs: dict[str, str]


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A report as of a day.

    Attributes:
        kind: Which.
        kinds: All that there are.
        report: What it says; None while it is being made.
        problems: Why it could not be made.
        as_of: The day.
        latest: The latest day there is.
    """

    kind: Kind
    kinds: tuple[Kind, ...]
    report: Report | None
    problems: tuple[Problem, ...]
    as_of: date
    latest: date

    @property
    def path(self) -> str:
        """Of the page."""
        return f"/reports/{self.kind.name}"


@dataclass
class ReportShelf:
    """Makes reports one after the other on a thread of its own, and keeps them.

    What was known by a day changes when more of it arrives, so a report is kept for the facts and
    the decisions that it was made of, and made anew when these are others.

    Attributes:
        project: What they are made of.
        alone: Held while one is computed.
    """

    project: Project
    alone: AbstractContextManager[object]
    _made: OrderedDict[tuple[str, date, str], Future[Made]] = field(
        default_factory=OrderedDict[tuple[str, "date", str], "Future[Made]"], repr=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        """Prepare the thread; nothing is made yet."""
        self.project.jobs.know(REPORTS, "Makes the reports that pages ask for.")
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="reports")

    def get(self, kind: Kind, as_of: date) -> Future[Made]:
        """Return a report, or the promise of it."""
        key = (kind.name, as_of, self.project.warehouse.version())
        with self._lock:
            found = self._made.get(key)
            if found is None:
                found = self._made[key] = self._maker.submit(partial(self._make, kind, as_of))
            self._made.move_to_end(key)
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
            return found

    def close(self) -> None:
        """Make no more reports; what is being made is left unfinished."""
        self._maker.shutdown(wait=False, cancel_futures=True)

    def _make(self, kind: Kind, as_of: date) -> Made:
        with self.project.jobs.watch(REPORTS):
            with self.alone:
                found = getattr(self.project.measuring, kind.name)(as_of=as_of)
            report = writer_of(kind)(found)
            return Made(found, report, report.render_pictures())


def writer_of(kind: Kind) -> Callable[[Any], Report]:
    """Return what writes a kind of report."""
    if not kind.writer:
        from groundswell.web.weekly_report import report_weekly  # noqa: PLC0415 - as the others

        return partial(report_weekly, title="Weekly report")
    return resolve_name(f"groundswell.web.{kind.writer}")


def show_report(visit: Visit) -> Answer:
    """Show a report as of the day that is asked for, or that it is being made.

    Raises:
        NotSeenError: There is no such report.
    """
    kind = KINDS.get(visit.path["report"])
    if kind is None:
        raise NotSeenError("report")
    latest = visit.project.looker.latest_day() or visit.project.today()
    as_of = min(visit.day() or latest, latest)
    made, problems = promised(visit, kind, as_of)
    page = ReportPage(
        kind, tuple(KINDS.values()), made.report if made else None, problems, as_of, latest
    )
    return Shown("report.html", page, kind.title, part="part_report.html")


def show_picture(visit: Visit) -> Answer:
    """Answer with a picture of a report.

    Raises:
        NotSeenError: There is no such picture, or it is not made yet.
    """
    kind = KINDS.get(visit.path["report"])
    as_of = visit.day()
    if kind is None or as_of is None:
        raise NotSeenError("picture")
    made, _ = promised(visit, kind, as_of)
    svg = made.svgs.get(visit.path["picture"]) if made else None
    if svg is None:
        raise NotSeenError("picture")
    return File(svg.encode(), "image/svg+xml")


def promised(visit: Visit, kind: Kind, as_of: date) -> tuple[Made | None, tuple[Problem, ...]]:
    """Return a report where it is made, or why it cannot be."""
    made = visit.site.reports.get(kind, as_of)
    if not made.done():
        return None, ()
    error = made.exception()
    if error is None:
        return made.result(), ()
    if isinstance(error, GroundswellError):
        return None, error.problems
    log.error("a report could not be made", report=kind.name, problem=type(error).__name__)
    return None, (
        Problem("report-broken", "The report could not be made.", "The server's log says why."),
    )
