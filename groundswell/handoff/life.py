"""The life of a handoff: which steps there are, from where each may be taken, and where it leads.

A handoff is what its steps in the journal make it; nothing else is kept of it. Steps are numbered,
and a number is given once: of two people who act at the same time one is told that the other was
faster.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from groundswell.errors import Problem, UsageError
from groundswell.store.ledger import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class State(StrEnum):
    """Where a handoff stands."""

    ROUTED = "routed"
    """A team has it, and nobody of the team yet."""
    ASSIGNED = "assigned"
    """Somebody has it and has not said whether they take it."""
    ACCEPTED = "accepted"
    WORKING = "working"
    SNOOZED = "snoozed"
    OPPORTUNITY = "opportunity"
    WON = "won"
    LOST = "lost"
    DECLINED = "declined"
    CONVERTED = "converted"
    """It bought by itself."""
    EXPIRED = "expired"


CLOSED = frozenset({State.WON, State.LOST, State.DECLINED, State.CONVERTED, State.EXPIRED})
"""States that nothing comes after: the account may be handed over again."""

_NEW = frozenset({State.ROUTED, State.ASSIGNED})
_HELD = frozenset({State.ASSIGNED, State.ACCEPTED, State.WORKING, State.SNOOZED})
_OPEN = frozenset(State) - CLOSED


class Step(StrEnum):
    """What can happen to a handoff; each is a kind of entry in the journal."""

    ROUTED = "routed"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    TOUCHED = "touched"
    ESCALATED = "escalated"
    BREACHED = "breached"
    OPENED = "opportunity_opened"
    WON = "won"
    LOST = "lost"
    CONVERTED = "converted"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Rule:
    """From which states a step may be taken, and to which it leads; None leaves it as it is."""

    from_states: frozenset[State]
    to: State | None


RULES: Mapping[Step, Rule] = {
    Step.ROUTED: Rule(frozenset(), State.ROUTED),
    Step.ASSIGNED: Rule(_NEW | {State.ACCEPTED, State.WORKING, State.SNOOZED}, State.ASSIGNED),
    Step.ACCEPTED: Rule(_NEW | {State.SNOOZED}, State.ACCEPTED),
    Step.DECLINED: Rule(_NEW | {State.ACCEPTED, State.WORKING, State.SNOOZED}, State.DECLINED),
    Step.SNOOZED: Rule(_HELD, State.SNOOZED),
    Step.WOKEN: Rule(frozenset({State.SNOOZED}), State.ASSIGNED),
    Step.TOUCHED: Rule(_HELD | {State.OPPORTUNITY}, State.WORKING),
    Step.ESCALATED: Rule(_NEW | _HELD, State.ROUTED),
    Step.BREACHED: Rule(_NEW, None),
    Step.OPENED: Rule(_NEW | _HELD, State.OPPORTUNITY),
    Step.WON: Rule(_OPEN, State.WON),
    Step.LOST: Rule(_OPEN, State.LOST),
    Step.CONVERTED: Rule(_OPEN - {State.OPPORTUNITY}, State.CONVERTED),
    Step.EXPIRED: Rule(_OPEN - {State.OPPORTUNITY}, State.EXPIRED),
}

STEPS = tuple(str(step) for step in Step)
"""Kinds of entries in the journal that belong to a handoff."""

DECLINE_REASONS: Mapping[str, str] = {
    "not_a_fit": "Not a fit",
    "too_early": "Too early",
    "no_budget": "No budget",
    "wrong_person": "Nobody there to talk to",
    "already_worked": "Somebody works it already",
    "self_serve": "They will buy by themselves",
    "other": "Another reason",
}
"""Why a rep may decline: code and words."""


@dataclass(frozen=True, slots=True)
class Handoff:
    """One time that an account was given to people, as it stands.

    Attributes:
        handoff_id: Its name.
        account_id: The account.
        number: How many handoffs the account had before.
        state: Where it stands.
        motion: How the account is sold to.
        team: Whose it is.
        play: What was advised.
        urgent: Somebody asked for a person.
        reason: Why it was handed over.
        score: When it was handed over.
        opened_at: When, aware UTC.
        as_of: The day whose knowledge was used.
        owner: E-mail address of who has it; None while nobody does.
        due_at: By when it has to be touched; None without a service level, or once it was.
        touched_at: When somebody first accepted or touched it.
        breaches: How often nobody answered in time.
        snoozed_until: Until when it rests.
        had: Addresses of those who had it.
        steps: How many there were.
        moved_at: When the last one was taken.
        closed_reason: Why it was declined or lost.
        competitor: To whom it was lost.
        needs_engineer: A solution engineer was asked for.
        paying: Whether the account paid when it was handed over.
    """

    handoff_id: str
    account_id: str
    number: int
    state: State
    motion: str
    team: str | None
    play: str | None
    urgent: bool
    reason: str
    score: float
    opened_at: datetime
    as_of: date
    owner: str | None = None
    due_at: datetime | None = None
    touched_at: datetime | None = None
    breaches: int = 0
    snoozed_until: datetime | None = None
    had: tuple[str, ...] = ()
    steps: int = 1
    moved_at: datetime | None = None
    closed_reason: str | None = None
    competitor: str | None = None
    needs_engineer: bool = False
    paying: bool = False

    @property
    def is_open(self) -> bool:
        """Whether somebody has, or will have, work with it."""
        return self.state not in CLOSED


def handoff_id(account_id: str, number: int) -> str:
    """Return the name of an account's handoff: the same wherever it is made.

    >>> handoff_id("acme", 0) == handoff_id("acme", 0) != handoff_id("acme", 1)
    True
    """
    return "h" + hashlib.sha256(f"{account_id}\0{number}".encode()).hexdigest()[:16]


def step_key(handoff: str, number: int) -> str:
    """Return the key of a step in the journal: a number is given once."""
    return f"handoff:{handoff}:{number}"


def may(handoff: Handoff, step: Step) -> bool:
    """Tell whether a step may be taken from where a handoff stands."""
    return handoff.state in RULES[step].from_states


def check_step(handoff: Handoff, step: Step) -> None:
    """Refuse a step that may not be taken from here.

    Raises:
        UsageError: It may not.
    """
    if may(handoff, step):
        return
    could = sorted(str(other) for other in Step if may(handoff, other))
    raise UsageError(
        Problem(
            code="handoff-step",
            what=f"The handoff {handoff.handoff_id} is {handoff.state}, and cannot be {step} now.",
            fix=f"What can happen to it now: {', '.join(could)}."
            if could
            else "It is closed; the account may qualify again.",
        )
    )


def follow(entries: Iterable[JournalEntry]) -> dict[str, Handoff]:
    """Return every handoff as its steps made it, by its id, in the order they were opened.

    Args:
        entries: Entries of the journal, in order; those of other kinds are passed over.
    """
    found: dict[str, Handoff] = {}
    for entry in entries:
        if entry.kind in RULES:
            name = str(entry.body["handoff_id"])
            handoff = follow_one(found.get(name), entry)
            if handoff is not None:
                found[name] = handoff
    return found


def follow_one(handoff: Handoff | None, entry: JournalEntry) -> Handoff | None:
    """Return a handoff after one of its entries; None where its beginning is not known.

    Args:
        handoff: As it stood; None before its first step.
        entry: A step of its.
    """
    if entry.kind == Step.ROUTED and handoff is None:
        return _opened(entry)
    return None if handoff is None else take(handoff, Step(entry.kind), entry.at, entry.body)


def _opened(entry: JournalEntry) -> Handoff:
    body = entry.body
    return Handoff(
        handoff_id=body["handoff_id"],
        account_id=entry.account_id,
        number=body["number"],
        state=State.ROUTED,
        motion=body["motion"],
        team=body.get("team"),
        play=body.get("play"),
        urgent=bool(body.get("urgent")),
        reason=body.get("why") or "",
        score=float(body.get("score") or 0.0),
        opened_at=entry.at,
        as_of=entry.as_of,
        due_at=_instant(body.get("due_at")),
        moved_at=entry.at,
        paying=bool(body.get("paying")),
    )


def take(handoff: Handoff, step: Step, at: datetime, body: Mapping[str, Any]) -> Handoff:
    """Return a handoff after a step; what may not be taken any more is passed over.

    Args:
        handoff: As it stands.
        step: What happens.
        at: When.
        body: What the journal keeps of it.
    """
    if not may(handoff, step):
        return replace(handoff, steps=handoff.steps + 1)
    moved = replace(
        handoff,
        state=RULES[step].to or handoff.state,
        steps=handoff.steps + 1,
        moved_at=at,
    )
    return _CHANGES.get(step, _nothing_more)(moved, at, body)


def _nothing_more(handoff: Handoff, _at: datetime, _body: Mapping[str, Any]) -> Handoff:
    return handoff


def _assigned(handoff: Handoff, _at: datetime, body: Mapping[str, Any]) -> Handoff:
    owner = body["owner"]
    return replace(
        handoff,
        owner=owner,
        team=body.get("team") or handoff.team,
        due_at=_instant(body.get("due_at")),
        snoozed_until=None,
        had=(*handoff.had, owner) if owner not in handoff.had else handoff.had,
    )


def _accepted(handoff: Handoff, at: datetime, body: Mapping[str, Any]) -> Handoff:
    owner = body.get("owner") or handoff.owner
    return replace(
        handoff,
        owner=owner,
        due_at=None,
        snoozed_until=None,
        touched_at=handoff.touched_at or at,
        had=(*handoff.had, owner) if owner and owner not in handoff.had else handoff.had,
    )


def _touched(handoff: Handoff, at: datetime, _body: Mapping[str, Any]) -> Handoff:
    return replace(handoff, due_at=None, touched_at=handoff.touched_at or at)


def _snoozed(handoff: Handoff, _at: datetime, body: Mapping[str, Any]) -> Handoff:
    return replace(handoff, snoozed_until=_instant(body["until"]), due_at=None)


def _woken(handoff: Handoff, _at: datetime, body: Mapping[str, Any]) -> Handoff:
    return replace(handoff, snoozed_until=None, due_at=_instant(body.get("due_at")))


def _escalated(handoff: Handoff, _at: datetime, body: Mapping[str, Any]) -> Handoff:
    return replace(
        handoff,
        motion=body["motion"],
        team=body.get("team"),
        owner=None,
        due_at=_instant(body.get("due_at")),
        needs_engineer=handoff.needs_engineer or bool(body.get("needs_engineer")),
    )


def _breached(handoff: Handoff, _at: datetime, _body: Mapping[str, Any]) -> Handoff:
    return replace(handoff, breaches=handoff.breaches + 1, due_at=None)


def _closed(handoff: Handoff, _at: datetime, body: Mapping[str, Any]) -> Handoff:
    return replace(
        handoff,
        due_at=None,
        closed_reason=body.get("reason") or handoff.closed_reason,
        competitor=body.get("competitor"),
    )


_CHANGES = {
    Step.ASSIGNED: _assigned,
    Step.ACCEPTED: _accepted,
    Step.TOUCHED: _touched,
    Step.SNOOZED: _snoozed,
    Step.WOKEN: _woken,
    Step.ESCALATED: _escalated,
    Step.BREACHED: _breached,
    Step.OPENED: _touched,
    Step.DECLINED: _closed,
    Step.WON: _closed,
    Step.LOST: _closed,
    Step.CONVERTED: _closed,
    Step.EXPIRED: _closed,
}


def _instant(value: Any) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value)
