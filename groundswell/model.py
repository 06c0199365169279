"""The nouns of Groundswell as frozen dataclasses.

Frames (Polars, Arrow) carry many of a thing; these carry one, with its whole story. They hold no
behaviour beyond turning themselves into plain JSON values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
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


class OfferKind(StrEnum):
    """What the product may show an account beside what it does."""

    NONE = "none"
    ONBOARDING = "onboarding"
    UPGRADE = "upgrade"
    HUMAN = "human"


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
    """The score of one account as of one day, with every point accounted for.

    `base` is what every account has, and `chance` that of the outcome, where both were learned.
    """

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
    base: float = 0.0
    chance: float | None = None


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
        withheld: True when nothing but the holdout keeps it from being handed over now.
        explored: True when its score is too low, and it is handed over to learn from it.
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
    withheld: bool = False
    explored: bool = False


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign that a customer could take more, with what it saw.

    Attributes:
        name: Its name.
        family: Of the signs of one family only that of most points counts.
        matched: Whether it holds; None when a value that its condition needs is unknown.
        points: What it gave.
        max: The most it could have given.
        condition: What must hold, with its threshold.
        values: What the condition reads, as it was.
    """

    name: str
    family: str
    matched: bool | None
    points: float
    max: float
    condition: str
    values: dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class Growth:
    """What more a year could be worth, with what it is made of.

    Attributes:
        added_arr: Likely seats at the next tier's price, less today's ARR.
        arr: Today's annual recurring revenue.
        seats: Seats likely in twelve months, if any are known.
        price: A month, of the next tier.
        per_seat: Whether that is for one seat.
        plan: The next tier; None where `market.seat_price` stands in.
    """

    added_arr: Decimal
    arr: Decimal
    seats: int | None
    price: Decimal
    per_seat: bool
    plan: str | None


@dataclass(frozen=True, slots=True)
class Alert:
    """Somebody is told that a customer could take more, and what.

    Attributes:
        account_id: The account.
        name: What it is called.
        as_of: The UTC day whose knowledge was used.
        potential: `expansion_potential`, 0 to 100.
        band: `high` or `very_high`.
        sentence: The opportunity, in the account's own numbers.
        growth: What it could be worth; None when unknown.
        rule: Name of the expansion rule that says who is told.
        team: The team that is told; `owner` for whoever works the account.
        owner: Who owns the account in the CRM, if anyone.
        play: What is advised, by the rule.
        news: Why now.
        signs: Every sign, those that give points first.
        csm: Address of who is named for the account, and informed beside; None where nobody is.
        kind: Always `expansion`.
    """

    account_id: str
    name: str | None
    as_of: date
    potential: float
    band: str
    sentence: str
    growth: Growth | None
    rule: str
    team: str | None
    owner: str | None
    play: str | None
    news: str
    signs: tuple[Sign, ...]
    csm: str | None = None
    kind: str = "expansion"


@dataclass(frozen=True, slots=True)
class HealthPart:
    """One part of an account's health.

    Attributes:
        name: `adoption`, `breadth`, `trend`, `support` or `renewal`.
        points: What it gives, of 100; a renewal takes some away. None when unknown.
        max: What it could give beside the other parts that are known.
        values: The features that it is made of.
    """

    name: str
    points: float | None
    max: float
    values: dict[str, Scalar]


class CareTier(StrEnum):
    """How a customer is looked after once it pays."""

    NAMED = "named"
    POOLED = "pooled"
    PRODUCT_LED = "product_led"


@dataclass(frozen=True, slots=True)
class Care:
    """Who looks after a customer, and why.

    Attributes:
        tier: Somebody named for it, the team together, or the product.
        reason: In one sentence.
        csm: Address of who is named for it; None while nobody had to be.
    """

    tier: CareTier
    reason: str
    csm: str | None = None


@dataclass(frozen=True, slots=True)
class RiskSign:
    """One sign that a customer is at risk, with what it saw.

    Attributes:
        name: Its name.
        matched: Whether it holds; None when a value that its condition needs is unknown.
        condition: What must hold, with its threshold.
        values: What the condition reads, as it was.
        sentence: What it says, where it holds.
    """

    name: str
    matched: bool | None
    condition: str
    values: dict[str, Scalar]
    sentence: str | None


@dataclass(frozen=True, slots=True)
class Risk:
    """Somebody is told that a customer is at risk, and by what.

    Attributes:
        account_id: The account.
        name: What it is called.
        as_of: The UTC day whose knowledge was used.
        sentence: What the signs that hold say.
        cs_tier: How it is looked after.
        cs_reason: Why so.
        csm: Address of who is named for it; None where nobody is.
        inbox: Address of who is told where nobody is named; None for whoever reads the channel.
        owner: Who owns the account in the CRM, if anyone; told together with them.
        play: What is advised.
        mrr: What it pays a month.
        health: How well it does, of 100; None when unknown.
        news: Why now.
        signs: Every sign, in order.
        kind: Always `risk`.
    """

    account_id: str
    name: str | None
    as_of: date
    sentence: str
    cs_tier: CareTier
    cs_reason: str
    csm: str | None
    inbox: str | None
    owner: str | None
    play: str
    mrr: float | None
    health: float | None
    news: str
    signs: tuple[RiskSign, ...]
    kind: str = "risk"


@dataclass(frozen=True, slots=True)
class OfferTrace:
    """One offer that was tried, with the values its condition saw.

    Attributes:
        name: Its name.
        offer: What it would show.
        matched: Whether the condition is true; None when a value that it needs is unknown.
        condition: The condition, as written.
        values: What it saw.
        why: Why it is shown or not, in one sentence.
    """

    name: str
    offer: OfferKind
    matched: bool | None
    condition: str
    values: dict[str, Scalar]
    why: str


@dataclass(frozen=True, slots=True)
class OfferedPrice:
    """What an offered plan costs a month: for each seat, or for the account."""

    amount: float
    currency: str
    per_seat: bool


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
class Sending:
    """How a message reached a live source: what reading it again takes, beside the message.

    Attributes:
        wire: The form it is in, such as `segment`.
        method: Of HTTP.
        path: Without the query.
        received_at: When it came, aware UTC.
        sent_at: When the client says that it sent it.
        query: Of a request that could not be opened and is kept whole; None for one message.
        headers: The same.
    """

    wire: str
    method: str
    path: str
    received_at: datetime
    sent_at: str | None = None
    query: dict[str, str] | None = None
    headers: dict[str, str] | None = None


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
        raw: The row as it stood, as JSON or as the raw line; a message without its write key.
        sending: How a message of a live source came; None for a row of a file or a table.
    """

    source: str
    kind: Kind
    file: str
    line: int | None
    code: str
    reason: str
    fix: str
    raw: str
    sending: Sending | None = None


def as_plain(value: object) -> Any:
    """Return `value` as JSON-ready data: dataclasses become dicts, days and instants ISO texts.

    >>> as_plain(GuardrailResult("age", passed=True, reason="12 days old."))["passed"]
    True
    """
    return msgspec.to_builtins(value, str_keys=True, enc_hook=str)
