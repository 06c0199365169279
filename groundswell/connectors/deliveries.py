"""What is delivered to other systems: a delivery, what it holds, and what became of it.

A delivery is whole in itself: it is written when the decision is made, kept, and sent as it was
written. Its key names it once and for all: whoever receives it twice by the same key has it once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

from groundswell.model import Scalar


class DeliveryKind(StrEnum):
    """What a delivery brings about in the other system."""

    ACCOUNT = "account"
    """Values on the account's own record: score, tier, reasons."""
    CONTACT = "contact"
    """A person of the account."""
    DEAL = "deal"
    """An opportunity for the account."""
    TASK = "task"
    """Something for a rep to do, by a time."""
    NOTE = "note"
    """The brief, where the account's history is kept."""
    MESSAGE = "message"
    """Word to a rep, a channel or another program."""


@dataclass(frozen=True, slots=True)
class ValueField:
    """A value on an account's own record, as another system has to know it.

    Attributes:
        label: What its people read.
        kind: What it holds; `long_text` may have several lines.
        doc: What it is, in one line.
    """

    label: str
    kind: Literal["number", "text", "long_text", "flag", "day"]
    doc: str


ACCOUNT_FIELDS: dict[str, ValueField] = {
    "score": ValueField("PQL score", "number", "How ready the account is for a person, 0 to 100"),
    "tier": ValueField("PQL tier", "text", "What kind of conversation it is ready for"),
    "motion": ValueField("Sales motion", "text", "How the account is sold to"),
    "state": ValueField("PQL state", "text", "How far its handoff is"),
    "qualified": ValueField("PQL", "flag", "Whether the account is qualified now"),
    "reasons": ValueField("PQL reasons", "long_text", "Why, in sentences"),
    "play": ValueField("Suggested play", "text", "What the rep is advised to do"),
    "usage_score": ValueField("PQL usage score", "number", "The part of the score for usage"),
    "fit_score": ValueField("PQL fit score", "number", "The part of the score for fit"),
    "behaviour_score": ValueField(
        "PQL behaviour score", "number", "The part of the score for behaviour"
    ),
    "estimated_acv": ValueField("Estimated ACV", "number", "What a year could be worth"),
    "updated_on": ValueField("PQL updated on", "day", "The day these values are as of"),
}
"""What `AccountValues.values` may hold."""


@dataclass(frozen=True, slots=True)
class Company:
    """The account that a delivery is about, as other systems know companies.

    Attributes:
        account_id: Ours; the key by which the other system finds it again.
        name: What it is called; its id where nobody says.
        domain: Of its site.
        employees: How many it has.
        industry: Which.
        country: ISO code, or as it was told.
    """

    account_id: str
    name: str
    domain: str | None = None
    employees: int | None = None
    industry: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class AccountValues:
    """Values of the account's own record.

    Attributes:
        company: The account.
        values: By our name (`score`, `tier`, `motion`, `reasons`, `state`, ...).
        owner: E-mail address of who works it now; None leaves the owner as it is.
    """

    company: Company
    values: dict[str, Scalar]
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A person of the account.

    Attributes:
        company: The account.
        email: By which the person is found again.
        name: In full.
        title: What they do.
        role: Why they matter here: `champion`, `admin`, `senior`.
    """

    company: Company
    email: str
    name: str | None = None
    title: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Deal:
    """An opportunity.

    Attributes:
        company: The account.
        name: What it is called.
        amount: A year's value as a decimal text, in `currency`; None when unknown.
        currency: ISO code.
        owner: E-mail address of who works it.
        source: What brought it: always `groundswell`, beside the rule.
    """

    company: Company
    name: str
    amount: str | None
    currency: str
    owner: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Task:
    """Something for a rep to do.

    Attributes:
        company: The account.
        subject: In one line.
        text: The brief as plain text.
        due_at: By when, aware UTC; None without a service level.
        owner: E-mail address of who does it; None while nobody was found.
        urgent: Somebody asked for a person.
    """

    company: Company
    subject: str
    text: str
    due_at: datetime | None
    owner: str | None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """The brief for the account's history.

    Attributes:
        company: The account.
        text: As plain text.
        html: As simple HTML, without scripts and styles.
        written_at: When, aware UTC.
    """

    company: Company
    text: str
    html: str
    written_at: datetime


_URGENT = frozenset({"asked", "breached"})


@dataclass(frozen=True, slots=True)
class Message:
    """Word of something, in every form that a receiver may take.

    Attributes:
        company: The account.
        news: What happened, such as `assigned`, `breached` or `converted`.
        subject: In one line.
        text: As plain text.
        html: As an e-mail.
        blocks: As Slack's Block Kit.
        to: E-mail address of the rep; None for whoever reads the channel.
        brief: The brief as plain data; empty where the news has none.
        happened_at: When, aware UTC.
    """

    company: Company
    news: str
    subject: str
    text: str
    html: str
    blocks: list[dict[str, Any]]
    to: str | None
    brief: dict[str, Any]
    happened_at: Annotated[datetime, msgspec.Meta(tz=True)]

    @property
    def urgent(self) -> bool:
        """Whether it cannot wait: somebody asked for a person, or nobody answered in time."""
        return self.news in _URGENT or bool(self.brief.get("urgent"))

    @property
    def answer_by(self) -> datetime | None:
        """By when the account has to be answered; None where nothing is due."""
        due = self.brief.get("due_at")
        return None if due is None else datetime.fromisoformat(due)


Body = AccountValues | Contact | Deal | Task | Note | Message

BODIES: dict[DeliveryKind, type[Body]] = {
    DeliveryKind.ACCOUNT: AccountValues,
    DeliveryKind.CONTACT: Contact,
    DeliveryKind.DEAL: Deal,
    DeliveryKind.TASK: Task,
    DeliveryKind.NOTE: Note,
    DeliveryKind.MESSAGE: Message,
}


def body_of(kind: DeliveryKind, plain: Any) -> Body:
    """Return a body as it was before it was kept as plain data."""
    return msgspec.convert(plain, BODIES[kind])


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to bring about in another system.

    Attributes:
        key: Names it once and for all.
        destination: Name of the destination, as in `destinations:`.
        kind: What it brings about.
        account_id: Of whom.
        handoff_id: Of which handoff; None where it belongs to none.
        body: What is sent.
        made_at: When it was decided, aware UTC.
        attempts: How often it was tried before.
    """

    key: str
    destination: str
    kind: DeliveryKind
    account_id: str
    handoff_id: str | None
    body: Body
    made_at: datetime
    attempts: int = 0


OutcomeStatus = Literal["sent", "refused", "later"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one delivery.

    Attributes:
        key: Of the delivery.
        status: `sent`; `refused`, which trying again would not change; or `later`.
        their_id: What the other system calls it, where it was sent and says so.
        reason: Why not, in one sentence.
        fix: How to mend it.
        after: Seconds after which to try again; None for the usual backoff.
    """

    key: str
    status: OutcomeStatus
    their_id: str | None = None
    reason: str = ""
    fix: str = ""
    after: float | None = None

    @classmethod
    def sent(cls, delivery: Delivery, their_id: str | None = None) -> Outcome:
        """It is there."""
        return cls(delivery.key, "sent", their_id)

    @classmethod
    def refused(cls, delivery: Delivery, reason: str, fix: str) -> Outcome:
        """It cannot be taken as it is."""
        return cls(delivery.key, "refused", reason=reason, fix=fix)

    @classmethod
    def later(cls, delivery: Delivery, reason: str, *, after: float | None = None) -> Outcome:
        """It could not be taken now."""
        return cls(delivery.key, "later", reason=reason, after=after)


@dataclass(frozen=True, slots=True)
class Change:
    """What a delivery would change, without changing it.

    Attributes:
        key: Of the delivery.
        action: Such as `create task` or `update company`.
        subject: What is changed, in words, such as `company acme.example`.
        before: By field, as it is there now; empty for what is new.
        after: By field, as it would be.
    """

    key: str
    action: str
    subject: str
    before: dict[str, Scalar] = field(default_factory=dict[str, Scalar])
    after: dict[str, Scalar] = field(default_factory=dict[str, Scalar])
