"""My queue: what a rep has to work, the most urgent first, and what they do with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from groundswell.engine.colleagues import Role
from groundswell.engine.handing.acting import Action
from groundswell.engine.searching import why_now
from groundswell.errors import Problem, UsageError
from groundswell.handoff.life import DECLINE_REASONS
from groundswell.web.site.visit import Answer, Moved, NotSeenError, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from groundswell.engine.handing.handoffs import QueueRow
    from groundswell.web.site.visit import Visit

SNOOZE_DAYS = (1, 3, 7, 14, 30)
MOST = 50
ACTIONS: tuple[str, ...] = get_args(Action)
_LEADERS = frozenset({Role.MANAGER, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class QueuePage:
    """What is in a queue.

    Attributes:
        rows: Handoffs, the most urgent first, and why now in sentences; at most `MOST`.
        more: How many there are beside them.
        every: Whether those that rest are there, too.
        overdue: How many wait longer than they should.
        urgent: How many asked for a person.
        may_act: Whether who asks may work them.
        now: When it was looked at.
        decline_reasons: Why a rep may decline, code and words.
        snooze_days: How long a handoff may rest.
    """

    rows: tuple[tuple[QueueRow, tuple[str, ...]], ...]
    more: int
    every: bool
    overdue: int
    urgent: int
    may_act: bool
    now: datetime
    decline_reasons: Mapping[str, str]
    snooze_days: tuple[int, ...] = SNOOZE_DAYS


def show_queue(visit: Visit) -> Answer:
    """Show the queue of who asks."""
    return Shown("queue.html", read_queue(visit), "My queue", part="part_queue.html")


def read_queue(visit: Visit) -> QueuePage:
    """Return what is in the queue of who asks: theirs, or what waits for anybody of their team."""
    every = visit.query.get("every") == "yes" or visit.form.get("every") == "yes"
    rows = [row for row in visit.project.handoffs.queue(every=every) if visit.sight.sees_row(row)]
    told = why_now(visit.project, [row.account_id for row in rows[:MOST]])
    return QueuePage(
        rows=tuple((row, told.get(row.account_id, ())) for row in rows[:MOST]),
        more=max(len(rows) - MOST, 0),
        every=every,
        overdue=sum(row.overdue for row in rows),
        urgent=sum(row.urgent for row in rows),
        may_act=visit.may_act,
        now=visit.project.clock.now(),
        decline_reasons=DECLINE_REASONS,
    )


def do_step(visit: Visit) -> Answer:
    """Do something with a handoff, and show the queue as it stands then.

    Raises:
        UsageError: It cannot be done now.
        NotSeenError: There is no such action.
    """
    action = visit.path["action"]
    if action not in ACTIONS or (action == "reassign" and visit.who.role not in _LEADERS):
        raise NotSeenError("action")
    handoff_id = visit.path["handoff"]
    done = visit.project.handoffs.step(
        handoff_id,
        action,  # pyright: ignore[reportArgumentType] # it is one of them
        who=visit.who.email,
        reason=visit.form.get("reason") or None,
        note=visit.form.get("note", "")[:2_000],
        days=_days(visit.form.get("days", "")),
        to=visit.form.get("to") or None,
        competitor=visit.form.get("competitor") or None,
        engineer=visit.form.get("engineer") == "yes",
    )
    visit.note(f"handoff.{action}", about=done.handoff_id, account=done.account_id)
    if visit.is_part:
        shown = read_queue(visit)
        return Shown("queue.html", shown, "My queue", part="part_queue.html", trigger="worked")
    return Moved("/")


def _days(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or len(text) > 4:
        raise UsageError(
            Problem("page-number", f"`{text[:40]}` is not a number of days.", "Write 1 to 90.")
        )
    return int(text)
