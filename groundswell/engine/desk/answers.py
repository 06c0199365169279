"""What an assistant is answered: no more than it asked for, and how much more there is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from groundswell.engine.timeline import Happened
from groundswell.handoff.brief import Brief


@dataclass(frozen=True)
class Admitted:
    """Who an assistant works for.

    Attributes:
        email, name, role: Of the colleague; None where nobody is named, who sees everything.
        tools: What they may ask for and do.
    """

    email: str | None
    name: str | None
    role: str | None
    tools: tuple[str, ...]


@dataclass(frozen=True)
class Waiting:
    """A handoff in a queue.

    Attributes:
        handoff_id, account_id, name: Which.
        state, motion, tier, play: Where it stands, how it is sold to, and what is advised.
        score: Of the account, now.
        owner, team: Whose it is.
        urgent: Whether somebody asked for a person.
        due_at, overdue: By when it has to be touched, and whether that is over.
        snoozed_until: Until when it rests.
        why_now: Why it is worth a conversation now, in sentences.
    """

    handoff_id: str
    account_id: str
    name: str | None
    state: str
    motion: str
    tier: str | None
    play: str | None
    score: float
    owner: str | None
    team: str | None
    urgent: bool
    due_at: datetime | None
    overdue: bool
    snoozed_until: datetime | None
    why_now: tuple[str, ...]


@dataclass(frozen=True)
class QueueAnswer:
    """What waits, the most urgent first.

    Attributes:
        handoffs: The first of them.
        count: How many there are in all.
        overdue, urgent: How many of all are late, or asked for a person.
    """

    handoffs: tuple[Waiting, ...]
    count: int
    overdue: int
    urgent: int


@dataclass(frozen=True)
class Listed:
    """An account of a list.

    Attributes:
        account_id, name: Which.
        score, tier, motion, qualified: What was computed and decided.
        owner: Who owns it in the CRM.
        employees, active_users, plan: How big it is, how many use it, and what it pays for.
    """

    account_id: str
    name: str | None
    score: float
    tier: str
    motion: str
    qualified: bool
    owner: str | None
    employees: float | None
    active_users: float | None
    plan: str | None


@dataclass(frozen=True)
class AccountsAnswer:
    """Accounts that were found: the first of them, how many there are, and as of which day."""

    accounts: tuple[Listed, ...]
    count: int
    as_of: date | None


@dataclass(frozen=True)
class Held:
    """The latest handoff of an account: where it stands, and whose it is."""

    handoff_id: str
    account_id: str
    state: str
    is_open: bool
    owner: str | None
    team: str | None
    due_at: datetime | None
    snoozed_until: datetime | None


@dataclass(frozen=True)
class AccountAnswer:
    """The brief of an account, and its latest handoff; None before the first."""

    brief: Brief
    handoff: Held | None


@dataclass(frozen=True)
class Point:
    """A line of a score: what it is for, what it gave of what it could give, and why."""

    name: str
    part: str
    points: float
    most: float
    sentence: str


@dataclass(frozen=True)
class Tried:
    """A rule that was tried; `matched` is None where a value that it needs is not known."""

    name: str
    condition: str
    matched: bool | None


@dataclass(frozen=True)
class Barred:
    """A guardrail that does not let the account be handed over, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class WhyAnswer:
    """Why an account is on a list, or not, as of a day.

    Attributes:
        account_id, name, as_of: Which, and when.
        hand_over: Whether a person is to be brought in by what was known that day.
        reason: The decision in a sentence.
        score, threshold, qualified, qualified_since, tier, motion: What was computed and decided.
        rule: The rule that decided.
        gave: What gave the most points, the most first.
        lacked: What could have given the most and did not.
        rules: Every rule that was tried, in order.
        guardrails: Those that bar it.
        triggers: What started to hold, in sentences.
        handoff: Its latest handoff, as it stands now.
    """

    account_id: str
    name: str | None
    as_of: date
    hand_over: bool
    reason: str
    score: float
    threshold: float
    qualified: bool
    qualified_since: date | None
    tier: str
    motion: str
    rule: str
    gave: tuple[Point, ...]
    lacked: tuple[Point, ...]
    rules: tuple[Tried, ...]
    guardrails: tuple[Barred, ...]
    triggers: tuple[str, ...]
    handoff: Held | None


@dataclass(frozen=True)
class TimelineAnswer:
    """What happened with an account by a day, the newest first."""

    account_id: str
    as_of: date
    happened: tuple[Happened, ...]
