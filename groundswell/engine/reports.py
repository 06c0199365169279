"""What the engine answers with: plain records that a face renders and a notebook shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from html import escape

from groundswell.model import (
    Component,
    Decision,
    GuardrailResult,
    Link,
    Reject,
    RuleTrace,
    Scalar,
    Trigger,
)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What one load did.

    Attributes:
        source: Name of the source the records were loaded under.
        kind: Kind of record.
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
