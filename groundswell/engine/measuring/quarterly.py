"""The quarterly pack: what product and sales look at together, and what they have to agree on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from groundswell.engine.measuring.feedback import FeedbackReport, report_feedback
from groundswell.engine.measuring.gathering import gather
from groundswell.engine.measuring.overlay import OverlayReport, report_overlay
from groundswell.engine.measuring.tables import build_tables
from groundswell.engine.measuring.uplift import UpliftReport, report_uplift
from groundswell.engine.measuring.weekly import (
    QUARTER,
    WeeklyReport,
    ends_of_week,
    report_week,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.score_schema import Threshold
    from groundswell.engine.computing import Computer


@dataclass(frozen=True, slots=True)
class Agreed:
    """The definition of a PQL as it is agreed on.

    Attributes:
        version: Of the score in use.
        threshold: What a score must be, such as `above 60`.
        edits: The days of the quarter on which another version was used first.
        promises: By team, how fast it answers.
    """

    version: str
    threshold: str
    edits: tuple[date, ...]
    promises: dict[str, str]


@dataclass(frozen=True)
class QuarterlyReport:
    """What product and sales look at together.

    Attributes:
        as_of: What was known by this day was used.
        agreed: The definition of a PQL.
        week: Every metric over the quarter, funnels, forecasts, mistakes.
        uplift: Whether contact helps.
        feedback: What they tell each other.
        overlay: Whether self-serve needs sales beside it.
    """

    as_of: date
    agreed: Agreed
    week: WeeklyReport
    uplift: UpliftReport
    feedback: FeedbackReport
    overlay: OverlayReport


def report_quarter(
    loaded: LoadedConfig, computer: Computer, *, as_of: date, warnings: Sequence[str] = ()
) -> QuarterlyReport:
    """Put together what product and sales look at once a quarter.

    Args:
        loaded: The configuration.
        computer: Answers for features; its stores hold the facts and the journal.
        as_of: The last day; nothing later is looked at.
        warnings: What is to be known of the score.

    Raises:
        UsageError: Nothing was known by that day.
    """
    known = gather(loaded, computer, as_of=as_of, ends=ends_of_week(as_of))
    tables = build_tables(known)
    return QuarterlyReport(
        as_of,
        _agreed(loaded, computer, as_of),
        report_week(loaded, computer, as_of=as_of, warnings=warnings, known=known),
        report_uplift(loaded, computer, known, tables),
        report_feedback(loaded, computer, known),
        report_overlay(loaded, computer, as_of=as_of),
    )


def _agreed(loaded: LoadedConfig, computer: Computer, as_of: date) -> Agreed:
    score = loaded.score
    since = datetime.combine(as_of - timedelta(days=QUARTER - 1), time(), UTC)
    end = datetime.combine(as_of + timedelta(days=1), time(), UTC)
    used = sorted(one.at for one in computer.ledger.model_events() if one.kind == "used")
    return Agreed(
        score.version,
        _said(score.qualified),
        tuple(at.date() for at in used[1:] if since <= at < end),
        {
            name: _within(team.first_touch_hours, working=team.working_hours)
            for name, team in loaded.teams.items()
            if team.first_touch_hours is not None
        },
    )


def _within(hours: float, *, working: bool) -> str:
    return f"{hours:g} working hours" if working else f"{hours:g} hours"


def _said(threshold: Threshold) -> str:
    if threshold.above is not None:
        return f"above {threshold.above:g}"
    return f"at least {threshold.at_least or 0:g}"
