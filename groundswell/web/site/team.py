"""The team: open work by rep, motion and tier, who has room, what is late, and why reps decline."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from groundswell.handoff.life import DECLINE_REASONS, State, Step
from groundswell.web.site.visit import Answer, Moved, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from groundswell.engine import Project
    from groundswell.engine.handing.handoffs import QueueRow
    from groundswell.web.site.visit import Visit

LATELY = timedelta(days=90)
MOST = 50
LAST = datetime.max.replace(tzinfo=UTC)
NOBODY = "nobody"
"""Asks for what nobody has yet."""


@dataclass(frozen=True, slots=True)
class RepWork:
    """What is on a rep's desk.

    Attributes:
        email, name: Whose; None for what nobody has yet.
        team: Of which team.
        open: Handoffs that they have.
        urgent, overdue: Of them.
        capacity: How many they can work at a time; None where nobody says.
        unanswered: How often they did not answer in time lately.
        declined: How many they declined lately.
        worked: How many of those handed to them lately they took or touched.
        handed: How many were handed to them lately.
    """

    email: str | None
    name: str
    team: str
    open: int
    urgent: int
    overdue: int
    capacity: int | None
    unanswered: int
    declined: int
    worked: int
    handed: int


@dataclass(frozen=True, slots=True)
class TeamPage:
    """The work of the teams that who asks sees.

    Attributes:
        reps: What each has.
        work: Open handoffs with how often each was not answered in time; what waits longest first.
        more: How many there are beside them.
        rep, motion: Whose and which of them are asked for; empty for all.
        late: How many wait longer than they should.
        by_motion, by_tier: Open handoffs.
        declines: Why reps declined lately: words and how often.
        members: Addresses that a handoff can be given to, with their names.
        may_act: Whether who asks may give work to others.
        now: When it was looked at.
        days: How far back `lately` reaches.
    """

    reps: tuple[RepWork, ...]
    work: tuple[tuple[QueueRow, int], ...]
    more: int
    rep: str
    motion: str
    late: int
    by_motion: tuple[tuple[str, int], ...]
    by_tier: tuple[tuple[str, int], ...]
    declines: tuple[tuple[str, int], ...]
    members: tuple[tuple[str, str], ...]
    may_act: bool
    now: datetime
    days: int = LATELY.days


def show_team(visit: Visit) -> Answer:
    """Show the work of the teams that who asks sees."""
    project, sight = visit.project, visit.sight
    now = project.clock.now()
    rows = [row for row in project.handoffs.queue(every=True) if sight.sees_row(row)]
    teams = {name: team for name, team in project.loaded.teams.items() if name in sight.teams}
    book = project.handing.book.refresh()
    lately = [
        item for item in book.all() if item.opened_at >= now - LATELY and sight.sees_row(item)
    ]
    declined = [item for item in lately if item.state == State.DECLINED]
    unanswered = _unanswered(project, since=now - LATELY)
    reps = [
        RepWork(
            email=member.email,
            name=member.name,
            team=name,
            open=sum(row.owner == member.email for row in rows),
            urgent=sum(row.owner == member.email and row.urgent for row in rows),
            overdue=sum(row.owner == member.email and row.overdue for row in rows),
            capacity=member.capacity,
            unanswered=unanswered[member.email],
            declined=sum(item.owner == member.email for item in declined),
            worked=sum(
                item.owner == member.email and item.touched_at is not None for item in lately
            ),
            handed=sum(item.owner == member.email for item in lately),
        )
        for name, team in sorted(teams.items())
        for member in team.members
    ]
    reps += [
        _waiting(name, [row for row in rows if row.owner is None and row.team == name])
        for name in sorted(teams)
        if any(row.owner is None and row.team == name for row in rows)
    ]
    rep, motion = visit.query.get("rep", ""), visit.query.get("motion", "")
    asked = [row for row in rows if rep in {"", row.owner or NOBODY} and motion in {"", row.motion}]
    asked.sort(key=lambda row: (not row.overdue, row.due_at or LAST, row.opened_at))
    breaches = {item.handoff_id: item.breaches for item in lately}
    page = TeamPage(
        reps=tuple(reps),
        work=tuple((row, breaches.get(row.handoff_id, 0)) for row in asked[:MOST]),
        more=max(len(asked) - MOST, 0),
        rep=rep,
        motion=motion,
        late=sum(row.overdue for row in rows),
        by_motion=_counted(row.motion for row in rows),
        by_tier=_counted(row.tier or "no tier" for row in rows),
        declines=_counted(
            DECLINE_REASONS.get(item.closed_reason or "", item.closed_reason or "no reason")
            for item in declined
        ),
        members=tuple(
            sorted(
                {(member.email, member.name) for team in teams.values() for member in team.members}
            )
        ),
        may_act=visit.may_act,
        now=now,
    )
    return Shown("team.html", page, "Team", part="part_team.html")


def reassign(visit: Visit) -> Answer:
    """Give a handoff to somebody else.

    Raises:
        UsageError: It cannot be done now, or there is no such member.
    """
    done = visit.project.handoffs.step(
        visit.path["handoff"], "reassign", who=visit.who.email, to=visit.form.get("to") or None
    )
    visit.note("handoff.reassign", about=done.handoff_id, to=visit.form.get("to", ""))
    return show_team(visit) if visit.is_part else Moved("/team")


def _unanswered(project: Project, *, since: datetime) -> Counter[str]:
    """Return how often each rep did not answer in time since an instant."""
    told = project.ledger.journal(kinds=[Step.BREACHED], since=since)
    return Counter(str(entry.body.get("owner")) for entry in told)


def _waiting(team: str, rows: Sequence[QueueRow]) -> RepWork:
    return RepWork(
        None,
        "Nobody yet",
        team,
        len(rows),
        sum(row.urgent for row in rows),
        sum(row.overdue for row in rows),
        None,
        0,
        0,
        0,
        0,
    )


def _counted(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(names).most_common())
