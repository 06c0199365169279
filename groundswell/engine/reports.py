"""What the engine answers with: plain records that a face renders and a notebook shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from html import escape
from typing import Literal

from groundswell.model import (
    Alert,
    Care,
    Component,
    Decision,
    GuardrailResult,
    HealthPart,
    Link,
    OfferedPrice,
    OfferKind,
    OfferTrace,
    Reject,
    Risk,
    RuleTrace,
    Scalar,
    Trigger,
)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What one load did.

    Attributes:
        source: Name of the source the records were loaded under.
        kind: Kind of record; `messages` for what live sources sent.
        added: Records that are new in the warehouse.
        duplicates: Records that were there already.
        rejected: Rows put into quarantine.
        reject_codes: Rejected rows by the code of their reason.
        seconds: Wall-clock time taken.
    """

    source: str
    kind: str
    added: int
    duplicates: int
    rejected: int
    reject_codes: dict[str, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class StoredReject:
    """A quarantined row with the id it is known by."""

    id: str
    quarantined_at: datetime
    reject: Reject


@dataclass(frozen=True, slots=True)
class SourceState:
    """How a source of events is doing.

    Attributes:
        source: Its name.
        wire: The form it sends in; None for one that is loaded from files or tables.
        events: Events in the warehouse.
        last_hour: Of them, those that came within the last hour.
        last_event_at: When the latest happened.
        last_received_at: When the last one came.
        rejected: Rows in quarantine.
        waiting: Requests in the inbox.
        waiting_since: When the oldest of them came.
    """

    source: str
    wire: str | None
    events: int
    last_hour: int
    last_event_at: datetime | None
    last_received_at: datetime | None
    rejected: int
    waiting: int
    waiting_since: datetime | None


NoticeKind = Literal["event", "crossing", "trigger", "decision", "reject"]
"""What a notice is about."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened, in one line, for whoever looks on.

    Attributes:
        kind: What it is about.
        at: When the server took note of it.
        what: The event's name, `qualified` or `released`, the trigger, the motion, or the code of
            the reason for which something was refused.
        sentence: The rest in words.
        source: Where it came from, where it came from anywhere.
        who: The person, by the id that the event bears.
        account: The account, where it is known.
        happened_at: When an event happened, by its own time.
        count: How many it stands for; more than one where there were too many to tell singly.
    """

    kind: NoticeKind
    at: datetime
    what: str
    sentence: str
    source: str | None = None
    who: str | None = None
    account: str | None = None
    happened_at: datetime | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that `doctor` looked at: a row of `doctor --json`.

    Attributes:
        name: What was looked at.
        status: `ok`; `warning` for what may be meant so; `failed` for what is wrong.
        detail: What was found, in a sentence or more.
        fix: What to do about it; empty where nothing is to be done.
        seconds: What looking took.
    """

    name: str
    status: Literal["ok", "warning", "failed"]
    detail: str
    fix: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account in a list, best first: the fields of `accounts --json`.

    One that is qualified and not above the threshold was, and has not been released yet.
    """

    account_id: str
    name: str | None
    score: float
    qualified: bool
    tier: str
    fit_band: str
    motion: str
    parts: dict[str, float]
    reasons: list[str]
    hand_over: bool
    triggers: list[str]
    qualified_since: date | None = None
    above_threshold: bool = True
    threshold: float = 0.0
    rule: str = ""


@dataclass(frozen=True, slots=True)
class OfferReport:
    """Which offer is shown to an account, or to a person of it: the fields of `offer --json`.

    Attributes:
        offer: What is shown.
        id: What the offer is dismissed by; None where nothing is shown.
        sentence: What it says.
        plan: The plan of an upgrade.
        price: What it costs a month.
        as_of: The day whose knowledge was used; None for an account that is not known.
        account_id: The account.
        name: The offer, as the configuration calls it.
        reason: Why this one, or why none, in one sentence.
        trigger: The reason to act that came up last.
        tried: The offers that were tried, in order, and why each is shown or not.
    """

    offer: OfferKind
    id: str | None = None
    sentence: str | None = None
    plan: str | None = None
    price: OfferedPrice | None = None
    as_of: date | None = None
    account_id: str | None = None
    name: str | None = None
    reason: str = ""
    trigger: str | None = None
    tried: tuple[OfferTrace, ...] = ()


@dataclass(frozen=True, slots=True)
class DismissalReport:
    """What was dismissed, and until when no offer of the kind is shown to the person."""

    offer: OfferKind
    until: datetime


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one run found and recorded.

    Attributes:
        as_of: The UTC day whose knowledge was used.
        accounts: How many accounts were scored.
        qualified: How many are qualified after debouncing.
        newly_qualified: Account ids that crossed since the run before.
        released: Account ids let go since the run before.
        hand_overs: How many decisions bring in a human.
        motions: Accounts by motion.
        journal_entries: Entries written; 0 when the same run was recorded before.
        seconds: Wall-clock time by step.
        alerts: Alerts of the day, those that were recorded before too.
        risks: Customers at risk that somebody is told of on the day, the same way.
        warnings: What is to be known of the score that was used.
    """

    as_of: date
    accounts: int
    qualified: int
    newly_qualified: list[str]
    released: list[str]
    hand_overs: int
    motions: dict[str, int]
    journal_entries: int
    seconds: dict[str, float]
    alerts: int = 0
    risks: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about one account as of one day: the fields of `explain --json`."""

    account_id: str
    name: str | None
    as_of: date
    score: float
    qualified: bool
    qualified_since: date | None
    above_threshold: bool
    threshold: float
    tier: str
    fit_band: str
    bands: dict[str, str]
    motion: str
    parts: dict[str, float]
    weights: dict[str, float]
    reasons: list[str]
    components: tuple[Component, ...]
    rules: tuple[RuleTrace, ...]
    guardrails: tuple[GuardrailResult, ...]
    triggers: tuple[Trigger, ...]
    decision: Decision
    model_version: str
    features: dict[str, Scalar]
    links: tuple[Link, ...]
    score_history: list[tuple[date, float]] = field(default_factory=list[tuple[date, float]])
    alert: Alert | None = None
    base: float = 0.0
    chance: float | None = None
    health: tuple[HealthPart, ...] = ()
    care: Care | None = None
    risk: Risk | None = None

    def _repr_html_(self) -> str:
        """Show the score and its components as a table in a notebook."""
        rows = "".join(
            f"<tr><td>{item.part}</td><td>{item.name}</td>"
            f"<td>{item.points:.1f} / {item.max:.1f}</td><td>{escape(item.sentence)}</td></tr>"
            for item in self.components
        )
        title = escape(f"{self.name or self.account_id}: {self.score:.1f} as of {self.as_of}")
        heads = "".join(f"<th>{head}</th>" for head in ("part", "component", "points", "why"))
        return f"<h4>{title}</h4><table><tr>{heads}</tr>{rows}</table>"
