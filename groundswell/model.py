"""The nouns of Groundswell as frozen dataclasses.

Frames (Polars, Arrow) carry many of a thing; these carry one, with its whole story. They hold no
behaviour beyond turning themselves into plain JSON values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec

Scalar = str | int | float | bool | None


class Kind(StrEnum):
    """The kinds of record that can be loaded; each is one table of the warehouse."""

    EVENTS = "events"
    USERS = "users"
    MEMBERSHIPS = "memberships"
    ACCOUNTS = "accounts"
    SUBSCRIPTIONS = "subscriptions"
    OPPORTUNITIES = "opportunities"
    TOUCHES = "touches"
    TICKETS = "tickets"
    COSTS = "costs"


class Part(StrEnum):
    """The three parts a score is made of."""

    USAGE = "usage"
    FIT = "fit"
    BEHAVIOUR = "behaviour"


class Tier(StrEnum):
    """What kind of conversation a qualified account is ready for."""

    CONVERT = "PQL-Convert"
    EXPANSION = "PQL-Expansion"
    ENTERPRISE = "PQL-Enterprise"


class Band(StrEnum):
    """A part of the score, coarsely."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Motion(StrEnum):
    """How an account is sold to."""

    SELF_SERVE = "self_serve"
    SALES_ASSIST = "sales_assist"
    ENTERPRISE = "enterprise"
    EXPANSION = "expansion"


@dataclass(frozen=True, slots=True)
class Component:
    """One line of a score: the value seen, the points it gave, and the sentence that says so.

    Attributes:
        name: Component name, unique within its part.
        part: The part it counts towards.
        value: The feature value it saw; None when unknown.
        points: Points on the part's own scale.
        max: The most it could have given, on the same scale.
        sentence: The reason in words, with the value filled in.
        known: False when the value was missing and the `unknown` points were given.
    """

    name: str
    part: Part
    value: Scalar
    points: float
    max: float
    sentence: str
    known: bool = True


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one account as of one day, with every point accounted for."""

    account_id: str
    as_of: date
    value: float
    parts: dict[Part, float]
    bands: dict[Part, Band]
    components: tuple[Component, ...]
    tier: Tier
    above_threshold: bool
    model_version: str
    above_enterprise: bool = False


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """One condition that a decision tried, with the values it saw.

    `matched` is None when a value that the condition needs is unknown.
    """

    name: str
    matched: bool | None
    condition: str
    values: dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class GuardrailResult:
    """One guardrail, checked: whether it passed, and why."""

    name: str
    passed: bool
    reason: str
    values: dict[str, Scalar] = field(default_factory=dict[str, Scalar])


@dataclass(frozen=True, slots=True)
class Trigger:
    """Why now: something that started to hold for an account."""

    name: str
    family: str
    since: date
    sentence: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for one account, and the whole trace of why.

    Attributes:
        account_id: The account decided on.
        as_of: The UTC day whose knowledge was used.
        decided_at: When the decision was made, by the clock.
        motion: The motion chosen.
        rule: Name of the rule that matched.
        hand_over: True when a human is to be brought in now.
        reason: One sentence for a reader.
        rules: Every rule tried, in order, up to and including the one that matched.
        guardrails: Every guardrail with its result.
        triggers: What started to hold.
        quadrant: Place on the 2x2 of engagement and account value.
        model_version: Version of the score definition used.
        team: Team the account goes to; `owner` for the person who owns it in the CRM.
        play: What the rep is advised to do, by the rule.
        owner: Who owns the account in the CRM, if anyone.
        watch: How closely a new account is watched, by fit alone: `self_serve_only`, `monitor`
            or `fast_track`.
    """

    account_id: str
    as_of: date
    decided_at: datetime
    motion: Motion
    rule: str
    hand_over: bool
    reason: str
    rules: tuple[RuleTrace, ...]
    guardrails: tuple[GuardrailResult, ...]
    triggers: tuple[Trigger, ...]
    quadrant: str
    model_version: str
    team: str | None = None
    play: str | None = None
    owner: str | None = None
    watch: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Why a user belongs to an account, and since when that was known.

    `until` is None while the link holds. `source` names what said so (`group`, `membership`,
    `domain`, `merge`, `solo`), `reason` says it in words.
    """

    user_id: str
    account_id: str
    since: datetime
    until: datetime | None
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reject:
    """A row or message that cannot be used, kept so that it can be replayed.

    Attributes:
        source: Source name it was loaded under.
        kind: Kind of record it was meant to be.
        file: File (or table) it came from.
        line: Line in that file, counted from 1; None where lines mean nothing.
        code: Stable name of the reason.
        reason: What is wrong, in one sentence.
        fix: How to mend it.
        raw: The row as it stood, as JSON or as the raw line.
    """

    source: str
    kind: Kind
    file: str
    line: int | None
    code: str
    reason: str
    fix: str
    raw: str


def as_plain(value: object) -> Any:
    """Return `value` as JSON-ready data: dataclasses become dicts, days and instants ISO texts.

    >>> as_plain(GuardrailResult("age", passed=True, reason="12 days old."))["passed"]
    True
    """
    return msgspec.to_builtins(value, str_keys=True, enc_hook=str)
