"""What people do with handoffs: take them, decline them, let them rest, hand them on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from groundswell.engine.handing.teams import due_at, member_of
from groundswell.errors import Problem, UsageError, did_you_mean
from groundswell.handoff.life import (
    DECLINE_REASONS,
    RULES,
    Handoff,
    State,
    Step,
    check_step,
)
from groundswell.model import Motion
from groundswell.store.outbox import Group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.engine.handing.opening import About, Opener
    from groundswell.store.ledger import JournalEntry

Action = Literal["accept", "decline", "snooze", "touch", "escalate", "reassign", "won", "lost"]
ACTIONS: tuple[Action, ...] = (
    "accept",
    "decline",
    "snooze",
    "touch",
    "escalate",
    "reassign",
    "won",
    "lost",
)
MOST_SNOOZE_DAYS = 90
_STEPS: Mapping[Action, Step] = {
    "accept": Step.ACCEPTED,
    "decline": Step.DECLINED,
    "snooze": Step.SNOOZED,
    "touch": Step.TOUCHED,
    "escalate": Step.ESCALATED,
    "reassign": Step.ASSIGNED,
    "won": Step.WON,
    "lost": Step.LOST,
}


def can_do(state: State, action: Action) -> bool:
    """Tell whether something can be done with a handoff that stands so.

    >>> can_do(State.ASSIGNED, "accept"), can_do(State.WORKING, "accept")
    (True, False)
    """
    return state in RULES[_STEPS[action]].from_states


@dataclass(frozen=True, slots=True)
class Act:
    """Something a person does with a handoff.

    Attributes:
        action: What.
        who: E-mail address of who does it, or how they are called.
        reason: Why; of a decline one of `DECLINE_REASONS`.
        note: In their own words.
        days: How long it rests.
        to: E-mail address of whom it is given to.
        competitor: To whom it was lost.
        engineer: Whether a solution engineer is asked for.
    """

    action: Action
    who: str
    reason: str | None = None
    note: str = ""
    days: int | None = None
    to: str | None = None
    competitor: str | None = None
    engineer: bool = False


def act(opener: Opener, handoff: Handoff, asked: Act, about: About | None) -> Group:
    """Return the entries of what somebody does.

    Args:
        opener: Makes the entries, at its instant.
        handoff: As it stands.
        asked: What is done.
        about: What is known of the account; only an escalation asks for it.

    Raises:
        UsageError: It cannot be done now, or not so.
    """
    match asked.action:
        case "accept":
            return _one(opener, handoff, Step.ACCEPTED, asked, {"owner": _who_has(handoff, asked)})
        case "decline":
            return _one(opener, handoff, Step.DECLINED, asked, {"reason": _reason(asked)})
        case "snooze":
            until = _until(asked, opener.now)
            return _one(opener, handoff, Step.SNOOZED, asked, {"until": until.isoformat()})
        case "touch":
            return _one(opener, handoff, Step.TOUCHED, asked, {})
        case "won":
            return _one(opener, handoff, Step.WON, asked, {})
        case "lost":
            told = {"reason": asked.reason, "competitor": asked.competitor}
            return _one(opener, handoff, Step.LOST, asked, told)
        case "reassign":
            return _reassign(opener, handoff, asked)
        case "escalate":
            return _escalate(opener, handoff, asked, about)


def _one(opener: Opener, handoff: Handoff, step: Step, asked: Act, facts: dict[str, Any]) -> Group:
    check_step(handoff, step)
    return Group((_entry(opener, handoff, step, asked, facts),))


def _entry(
    opener: Opener, handoff: Handoff, step: Step, asked: Act, facts: dict[str, Any]
) -> JournalEntry:
    why = asked.note or _WHY[asked.action]
    return opener.step(handoff, step, who=asked.who, why=why, facts=facts)


_WHY = {
    "accept": "Taken up.",
    "decline": "Declined.",
    "snooze": "Put off.",
    "touch": "Was in touch.",
    "escalate": "Handed on to enterprise.",
    "reassign": "Given to somebody else.",
    "won": "Won.",
    "lost": "Lost.",
}


def _who_has(handoff: Handoff, asked: Act) -> str | None:
    """Return whose it is from now on: of who takes it, where that is an address."""
    return asked.who.lower() if "@" in asked.who else handoff.owner


def _reason(asked: Act) -> str:
    if asked.reason is not None and asked.reason in DECLINE_REASONS:
        return asked.reason
    if asked.reason is None:
        what = "A decline needs a reason: the score learns from it."
        fix = f"Name one of: {', '.join(DECLINE_REASONS)}."
    else:
        what = f"`{asked.reason}` is no reason to decline."
        fix = did_you_mean(asked.reason, DECLINE_REASONS, noun="Reasons")
    raise UsageError(Problem("handoff-reason", what, fix))


def _until(asked: Act, now: datetime) -> datetime:
    days = asked.days if asked.days is not None else 7
    if not 1 <= days <= MOST_SNOOZE_DAYS:
        raise UsageError(
            Problem(
                "handoff-days",
                f"It cannot rest for {days} days.",
                f"Name 1 to {MOST_SNOOZE_DAYS} days; what rests longer is better declined.",
            )
        )
    return now + timedelta(days=days)


def _reassign(opener: Opener, handoff: Handoff, asked: Act) -> Group:
    check_step(handoff, Step.ASSIGNED)
    member = member_of(opener.loaded.teams, asked.to)
    if member is None:
        everybody = [one.email for team in opener.loaded.teams.values() for one in team.members]
        raise UsageError(
            Problem(
                "handoff-member",
                f"`{asked.to}` is on no team.",
                did_you_mean(asked.to or "", everybody, noun="Members"),
            )
        )
    team = next(one for one in opener.loaded.teams.values() if member in one.members)
    due = due_at(
        team, member, Motion(handoff.motion), urgent=handoff.urgent, now=opener.now
    ).isoformat()
    facts = {
        "owner": member.email,
        "name": member.name,
        "team": team.name,
        "how": "hand",
        "due_at": due,
        "candidates": [],
    }
    return Group((_entry(opener, handoff, Step.ASSIGNED, asked, facts),))


def _escalate(opener: Opener, handoff: Handoff, asked: Act, about: About | None) -> Group:
    check_step(handoff, Step.ESCALATED)
    if handoff.motion == Motion.ENTERPRISE:
        raise UsageError(
            Problem(
                "handoff-enterprise",
                "The enterprise team has it already.",
                "Give it to another member with `reassign`.",
            )
        )
    assert about is not None, "an escalation is given the account"
    why = asked.note or _WHY["escalate"]
    steps = opener.escalate(handoff, about, who=asked.who, why=why, engineer=asked.engineer)
    return Group(tuple(steps))
