"""What somebody is paid for a month: their own lines, and nobody else's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.web.site.reports import KINDS, promised
from groundswell.web.site.visit import Answer, Shown

if TYPE_CHECKING:
    from datetime import date, datetime

    from groundswell.errors import Problem
    from groundswell.web.document import Report
    from groundswell.web.site.visit import Visit

MINE = "/commissions/mine"


@dataclass(frozen=True, slots=True)
class OwnPage:
    """The statement of who asks.

    Attributes:
        report: What it says; None while it is being made.
        problems: Why it could not be made.
        as_of: The day; the month is its.
        latest: The latest day there is.
        made_at: When it was made.
    """

    report: Report | None
    problems: tuple[Problem, ...]
    as_of: date
    latest: date
    made_at: datetime | None

    @property
    def address(self) -> str:
        """Where it is shown."""
        return f"{MINE}?as_of={self.as_of}"


def show_own_commissions(visit: Visit) -> Answer:
    """Show what who asks is paid for the month of a day, or that it is being made."""
    latest = visit.project.looker.latest_day() or visit.project.today()
    as_of = min(visit.day() or latest, latest)
    made, problems = promised(visit, KINDS["commissions"], as_of)
    from groundswell.web.commission_report import write_own_commissions  # noqa: PLC0415 - it draws

    report = write_own_commissions(made.found, visit.who.email) if made else None
    page = OwnPage(report, problems, as_of, latest, made.at if made else None)
    return Shown("own_commissions.html", page, "My commissions", part="part_report.html")
