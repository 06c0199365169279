"""An account: the brief, every point of its score, what happened and what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from groundswell.engine.timeline import read_timeline
from groundswell.handoff.life import DECLINE_REASONS, STEPS, follow
from groundswell.web.site.curves import Curve, Line, draw_curve, draw_line
from groundswell.web.site.queue import SNOOZE_DAYS
from groundswell.web.site.visit import Answer, NotSeenError, Shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from groundswell.engine.handing.gathering import DayOfUse
    from groundswell.engine.reports import Explanation
    from groundswell.engine.timeline import Happened
    from groundswell.handoff.brief import Brief
    from groundswell.handoff.life import Handoff
    from groundswell.model import Component
    from groundswell.web.site.visit import Visit

LONGEST_HISTORY = 60
USE_DAYS = 14
LONGEST_BACK = timedelta(days=3 * 365)
"""How far back the slider reaches."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the score with its components.

    Attributes:
        name: Of the part.
        value: On its own scale.
        weight: What it counts for in the score.
        components: Each with its curve, where its points follow a number.
    """

    name: str
    value: float
    weight: float
    components: tuple[tuple[Component, Curve | None], ...]


@dataclass(frozen=True, slots=True)
class UsePart:
    """What people of an account did on each of the last days, the newest first."""

    days: tuple[DayOfUse, ...]
    looked_at: int = USE_DAYS


@dataclass(frozen=True, slots=True)
class AccountPage:
    """An account as of a day.

    Attributes:
        story: Its score, and the decision on it.
        brief: What a rep has to know.
        parts: Every point of the score.
        usage: Active people by week, with the days on which it crossed the line marked.
        scores: The score by day.
        timeline: What happened, the newest first.
        handoff: Its latest handoff; None before the first.
        as_of: The day.
        today: The latest day there is.
        first: The earliest day that the slider shows.
        may_act: Whether who asks may work its handoff.
        decline_reasons, snooze_days: What there is to choose from.
    """

    story: Explanation
    brief: Brief
    parts: tuple[Part, ...]
    usage: Line | None
    scores: Line | None
    timeline: tuple[Happened, ...]
    handoff: Handoff | None
    as_of: date
    today: date
    first: date
    may_act: bool
    now: datetime
    decline_reasons: Mapping[str, str]
    snooze_days: tuple[int, ...] = SNOOZE_DAYS


def show_account(visit: Visit) -> Answer:
    """Show an account as of the day that is asked for, or as it is.

    Raises:
        UsageError: It was not known by that day.
        NotSeenError: There is no account of this id.
    """
    project, account_id = visit.project, visit.path["account"]
    today = project.looker.latest_day() or project.today()
    as_of = min(visit.day() or today, today)
    story, brief = project.tell(account_id, as_of=as_of)
    if story.account_id != account_id:  # on that day it was the name or the domain of another
        raise NotSeenError("account")
    brief = visit.sight.show_brief(brief)
    handoff = _handoff(visit, account_id, as_of, today)
    crossings = [story.qualified_since] if story.qualified_since else []
    page = AccountPage(
        story=story,
        brief=brief,
        parts=tuple(_parts(visit, story)),
        usage=draw_line([(point.day, point.value) for point in brief.trend], marks=crossings),
        scores=draw_line(story.score_history, marks=crossings, most=100.0, line=story.threshold),
        timeline=read_timeline(project.ledger, account_id, as_of=as_of, limit=LONGEST_HISTORY),
        handoff=handoff,
        as_of=as_of,
        today=today,
        first=max(_known_since(story), today - LONGEST_BACK),
        may_act=visit.may_act and handoff is not None and handoff.is_open and as_of == today,
        now=project.clock.now(),
        decline_reasons=DECLINE_REASONS,
    )
    return Shown("account.html", page, brief.name, part="part_account.html")


def _handoff(visit: Visit, account_id: str, as_of: date, today: date) -> Handoff | None:
    """Return the latest handoff of an account as it stood at the end of a day."""
    if as_of == today:
        return visit.project.handing.book.refresh().of_account(account_id)
    end = datetime.combine(as_of + timedelta(days=1), time.min, UTC)
    steps = visit.project.ledger.journal(account_id=account_id, kinds=STEPS, until=end)
    known = list(follow(entry for entry in steps if entry.at < end).values())
    return known[-1] if known else None


def _known_since(story: Explanation) -> date:
    """Return the first day on which an account was known."""
    age = story.features.get("account_age_days")
    return story.as_of - timedelta(days=int(age) if isinstance(age, int | float) else 0)


def show_use(visit: Visit) -> Answer:
    """Show what people of an account did on each of the last days; a part of its page."""
    project = visit.project
    today = project.looker.latest_day() or project.today()
    as_of = min(visit.day() or today, today)
    days = project.looker.gatherer().days_of(visit.path["account"], as_of, days=USE_DAYS)
    return Shown("part_use.html", UsePart(tuple(days)), "What they did")


def _parts(visit: Visit, story: Explanation) -> Iterator[Part]:
    defined = visit.project.loaded.score.parts
    for name, value in story.parts.items():
        made = {
            item.name: item
            for part, told in defined.items()
            if part == name
            for item in told.components
        }
        yield Part(
            name,
            value,
            story.weights.get(name, 0.0),
            tuple(
                (item, draw_curve(made[item.name], item.value) if item.name in made else None)
                for item in story.components
                if item.part == name
            ),
        )
