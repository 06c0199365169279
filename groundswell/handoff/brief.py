"""A brief: what a rep has to know of an account before they write to it, on one screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from groundswell.model import Scalar


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known: what it is called, and what it is, in words."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that started to hold: the sentence, and since when."""

    sentence: str
    since: date


@dataclass(frozen=True, slots=True)
class Point:
    """How much was done on a day, or in the week that ended with it."""

    day: date
    value: float


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the account.

    Attributes:
        user_id: Who.
        name, email, title: As far as they are known.
        role: Why they matter: `champion` (most active), `admin`, `senior`, or none of these.
        active_days: Days of the last four weeks on which they did something.
        last_seen_on: When they last did something.
        rest: Why not to write to them; None where nothing speaks against it.
    """

    user_id: str
    name: str | None = None
    email: str | None = None
    title: str | None = None
    role: str | None = None
    active_days: int = 0
    last_seen_on: date | None = None
    rest: str | None = None

    @property
    def called(self) -> str:
        """What to call them: their name, else their address, else their id."""
        return self.name or self.email or self.user_id


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What is advised: a play in this account's own words.

    Attributes:
        name: Of the play.
        title: What it is called.
        solving: What they are probably solving.
        blocker: What probably keeps them.
        offer: What there is to offer.
        opening: The first line to write.
        opening_rewritten: The same, polished by a language model; None where none was asked.
        avoid: What not to do.
    """

    name: str
    title: str
    solving: str | None
    blocker: str | None
    offer: str | None
    opening: str | None
    opening_rewritten: str | None = None
    avoid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """Something that happened before: when, what, and by whom."""

    at: datetime
    what: str
    who: str | None = None


@dataclass(frozen=True, slots=True)
class Brief:
    """The whole story of an account, as of a day.

    Attributes:
        account_id, name, domain: Which account.
        as_of: The UTC day whose knowledge was used.
        sentence: Why now, in one sentence.
        why_now: What started to hold, the newest first.
        score, tier, motion: What was computed and decided.
        parts: By part, its score on its own scale.
        components: What gave the most points, in sentences.
        account: What kind of company it is, and what it pays.
        usage: What is used, and how often.
        trend: Active people of each week, the oldest first.
        limits: What its plan allows, and how much of that is used.
        intent: What they looked at and asked for.
        people: Who matters; who is not to be written to says why.
        play: What is advised.
        history: Earlier handoffs, touches and decisions, the newest first.
        owner: Who has it.
        due_at: By when to answer; None where nothing is due, or nobody may.
        urgent: Somebody asked for a person.
        rule: Why it was routed so.
        do_not_contact: Who says that nobody may contact the account; None where people may. There
            is then no opening line, and nobody who is to be written to.
        more: By the name of a list, how many more there are than it holds.
    """

    account_id: str
    name: str
    domain: str | None
    as_of: date
    sentence: str
    why_now: tuple[Reason, ...]
    score: float
    tier: str
    motion: str
    parts: dict[str, float]
    components: tuple[str, ...]
    account: tuple[Fact, ...]
    usage: tuple[Fact, ...]
    trend: tuple[Point, ...]
    limits: tuple[Fact, ...]
    intent: tuple[Fact, ...]
    people: tuple[Person, ...]
    play: Suggestion | None
    history: tuple[Past, ...]
    owner: str | None = None
    due_at: datetime | None = None
    urgent: bool = False
    rule: str = ""
    do_not_contact: str | None = None
    more: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class Story:
    """What a brief is written from.

    Attributes:
        account_id, name, domain: Which account.
        values: Its features, and what scoring adds, as of the day.
        people: Everybody who matters, with their roles.
        trend: Active people of each week, the oldest first.
        features: What was used in the last four weeks and how often, most first.
        requests: What they asked for, and tickets, in sentences.
        history: Earlier handoffs, touches and decisions.
        company: What the company that sells is called.
        rep: Who has it, by name; None while nobody does.
        owner: Their address.
        due_at: By when to answer.
        added_arr: What more a year could bring; None when unknown.
        next_plan: The plan that fits; None when none is known.
        do_not_contact: Who says that nobody may contact the account; None where people may.
        more: How many more `people`, `features` and `requests` there are than are told.
    """

    account_id: str
    name: str | None
    domain: str | None
    values: dict[str, Scalar]
    people: tuple[Person, ...] = ()
    trend: tuple[Point, ...] = ()
    features: tuple[Fact, ...] = ()
    requests: tuple[str, ...] = ()
    history: tuple[Past, ...] = ()
    company: str = ""
    rep: str | None = None
    owner: str | None = None
    due_at: datetime | None = None
    added_arr: float | None = None
    next_plan: str | None = None
    do_not_contact: str | None = None
    more: dict[str, int] = field(default_factory=dict[str, int])
