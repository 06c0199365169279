"""An account: the brief, every point of its score, what happened and what was decided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from groundswell.handoff.life import DECLINE_REASONS
from groundswell.web.site.curves import Curve, Line, draw_curve, draw_line
from groundswell.web.site.queue import SNOOZE_DAYS
from groundswell.web.site.visit import Answer, Shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from groundswell.engine.reports import Explanation
    from groundswell.handoff.brief import Brief
    from groundswell.handoff.life import Handoff
    from groundswell.model import Component
    from groundswell.store.ledger import JournalEntry
    from groundswell.store.outbox import KeptDelivery
    from groundswell.web.site.visit import Visit

LONGEST_HISTORY = 60


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
class Happened:
    """Something on the time line: when, what kind, and what."""

    at: datetime
    kind: str
    what: str


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
    """
    project, account_id = visit.project, visit.path["account"]
    today = project.looker.latest_day() or project.today()
    as_of = min(visit.day() or today, today)
    story, brief = project.tell(account_id, as_of=as_of)
    if not visit.sight.sees_people:
        brief = without_people(brief)
    handoff = project.handing.book.refresh().of_account(account_id)
    crossings = [story.qualified_since] if story.qualified_since else []
    page = AccountPage(
        story=story,
        brief=brief,
        parts=tuple(_parts(visit, story)),
        usage=draw_line([(point.day, point.value) for point in brief.trend], marks=crossings),
        scores=draw_line(story.score_history, marks=crossings, most=100.0, line=story.threshold),
        timeline=tuple(_timeline(visit, account_id, as_of)),
        handoff=handoff,
        as_of=as_of,
        today=today,
        first=today - timedelta(days=364),
        may_act=visit.may_act and handoff is not None and handoff.is_open and as_of == today,
        now=project.clock.now(),
        decline_reasons=DECLINE_REASONS,
    )
    return Shown("account.html", page, brief.name, part="part_account.html")


def without_people(brief: Brief) -> Brief:
    """Return a brief that tells of people what they are and do, and not who they are."""
    people = tuple(
        replace(person, user_id=f"person {number}", name=None, email=None)
        for number, person in enumerate(brief.people, start=1)
    )
    play = brief.play and replace(brief.play, opening=None, opening_rewritten=None)
    return replace(brief, people=people, play=play)


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


def _timeline(visit: Visit, account_id: str, as_of: date) -> list[Happened]:
    project = visit.project
    found = [
        Happened(entry.at, entry.kind, _entry(entry))
        for entry in project.ledger.journal(account_id=account_id)
        if entry.as_of <= as_of
    ]
    sent = project.ledger.deliveries(account_id=account_id, limit=LONGEST_HISTORY)
    found += [
        Happened(item.made_at, "delivery", _delivery(item))
        for item in sent
        if item.made_at.date() <= as_of
    ]
    found.sort(key=lambda item: item.at, reverse=True)
    return found[:LONGEST_HISTORY]


def _entry(entry: JournalEntry) -> str:
    body = entry.body
    told = body.get("reason") or body.get("sentence") or body.get("why") or ""
    who = body.get("who") or body.get("owner")
    return f"{told} ({who})" if who and told else str(told or who or "")


def _delivery(item: KeptDelivery) -> str:
    why = f": {item.reason}" if item.reason else ""
    return f"{item.kind} to {item.destination}, {item.status}{why}"
