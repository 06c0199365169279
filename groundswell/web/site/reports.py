"""Reports of the company, as of any day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from groundswell.web.site.shelf import Asked
from groundswell.web.site.visit import Answer, File, NotSeenError, Shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from groundswell.engine import Project
    from groundswell.errors import Problem
    from groundswell.web.document import Report
    from groundswell.web.site.shelf import Made
    from groundswell.web.site.visit import Visit


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
class ReportPage:
    """A report as of a day.

    Attributes:
        kind: Which.
        kinds: All that there are.
        report: What it says; None while it is being made.
        problems: Why it could not be made.
        as_of: The day.
        latest: The latest day there is.
        made_at: When it was made.
    """

    kind: Kind
    kinds: tuple[Kind, ...]
    report: Report | None
    problems: tuple[Problem, ...]
    as_of: date
    latest: date
    made_at: datetime | None

    @property
    def address(self) -> str:
        """Where it is shown."""
        return f"/reports/{self.kind.name}?as_of={self.as_of}"

    def picture(self, name: str) -> str:
        """Return where one of its pictures is."""
        return f"/reports/{self.kind.name}/{quote(name, safe='')}.svg?as_of={self.as_of}"


def asked_of(project: Project, kind: Kind, as_of: date) -> Asked:
    """Return what the shelf is asked for a kind of report."""
    return Asked(
        (kind.name, str(as_of)),
        lambda: getattr(project.measuring, kind.name)(as_of=as_of),
        partial(_write, kind),
    )


def _write(kind: Kind, found: Any) -> Report:
    return writer_of(kind)(found)  # which is imported only now


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
        kind,
        tuple(KINDS.values()),
        made.report if made else None,
        problems,
        as_of,
        latest,
        made.at if made else None,
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
    return picture_of(made, visit.path["picture"])


def picture_of(made: Made | None, name: str) -> File:
    """Return a picture of a report.

    Raises:
        NotSeenError: There is no such picture, or it is not made yet.
    """
    svg = made.svgs.get(name) if made else None
    if svg is None:
        raise NotSeenError("picture")
    return File(svg.encode(), "image/svg+xml")


def promised(visit: Visit, kind: Kind, as_of: date) -> tuple[Made | None, tuple[Problem, ...]]:
    """Return a report where it is made, or why it cannot be."""
    return visit.site.reports.look(asked_of(visit.project, kind, as_of))
