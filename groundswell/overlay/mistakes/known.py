"""What mistakes are seen by: frames and plain numbers, each of which may be missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from groundswell.overlay.findings import Evidence, Finding, not_looked_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundswell.config.mistakes import MistakeSpec

COLUMNS: dict[str, tuple[str, ...]] = {
    "accounts": ("account_id", "domain", "employees", "owner", "signed_up", "hand_raised", "paid"),
    "arr": ("account_id", "day", "arr_cents"),
    "crm": ("record_id", "account_id", "domain"),
    "disputes": ("receipt_id", "opened"),
    "edits": ("what", "at"),
    "features": (
        *("account_id", "as_of", "mrr", "days_at_limit", "estimated_acv", "active_users_28d"),
        "security_asks_28d",
    ),
    "handoffs": (
        *("account_id", "motion", "opened_at", "first_touch_at", "accepted_at", "due_at"),
        *("reassigned", "state", "closed_at"),
    ),
    "opportunities": (
        *("opportunity_id", "account_id", "created_at", "amount_cents", "closed_at", "won"),
    ),
    "pqls": ("account_id", "qualified_on", "released_on", "held_out"),
    "quarters": (
        *("quarter", "cac_cents", "self_serve_conversion", "self_serve_customers"),
        *("gates_per_free_account", "commission_lines"),
    ),
    "touches": ("account_id", "at"),
    "usage": ("account_id",),
}
"""By frame of `Known`, the columns that are read."""

LOADED = frozenset({"accounts", "arr", "crm", "features", "quarters", "touches", "usage"})
"""Frames that nobody has loaded where they have no rows."""


@dataclass(frozen=True, slots=True)
class CommissionFacts:
    """What the commission plan comes to; None is not known.

    Attributes:
        untouched_rate: What it pays on revenue that nobody touched, as a share.
        paid_untouched_cents: What was paid on such revenue.
        queue_per_hour_cents, cold_per_hour_cents: What an hour is worth to a rep.
    """

    untouched_rate: float | None = None
    paid_untouched_cents: int | None = None
    queue_per_hour_cents: float | None = None
    cold_per_hour_cents: float | None = None


@dataclass(frozen=True)
class Known:
    """Everything that mistakes are seen by; None is not known.

    Attributes:
        as_of: The day that is looked at.
        accounts, arr, features, handoffs, opportunities, pqls, touches, usage: As measured;
            `COLUMNS` says which columns are read.
        crm: Records of the CRM: record_id, account_id (null where joined to none), domain.
        disputes: Lines of commission that were disputed: receipt_id, opened (day).
        edits: When `what` (`definition` or `attribution`) was edited: what, at (instant).
        quarters: A row for each calendar quarter that is over: quarter (its first day), cac_cents,
            self_serve_conversion, self_serve_customers, gates_per_free_account (limits hit,
            paywalls and contact-sales walls met, for each young free account that was active),
            commission_lines.
        score_auc: AUC of the score in use on later outcomes: itself, and its interval.
        meanings_seen: Meanings that events carried.
        pricing: What `check_pricing` found.
        commission: What the commission plan comes to.
        sellers, leaders: People who sell, and who lead them.
        signals_ask: Whether the overlay's signals ask for people.
        has_definition: Whether a PQL is defined, and used.
    """

    as_of: date
    accounts: pl.DataFrame | None = None
    arr: pl.DataFrame | None = None
    crm: pl.DataFrame | None = None
    disputes: pl.DataFrame | None = None
    edits: pl.DataFrame | None = None
    features: pl.DataFrame | None = None
    handoffs: pl.DataFrame | None = None
    opportunities: pl.DataFrame | None = None
    pqls: pl.DataFrame | None = None
    quarters: pl.DataFrame | None = None
    touches: pl.DataFrame | None = None
    usage: pl.DataFrame | None = None
    score_auc: tuple[float, float, float] | None = None
    meanings_seen: frozenset[str] | None = None
    pricing: tuple[Finding, ...] | None = None
    commission: CommissionFacts | None = None
    sellers: int | None = None
    leaders: int | None = None
    signals_ask: bool | None = None
    has_definition: bool | None = None


@dataclass
class Sight:
    """Collects in which ways one mistake is seen, and what is missing to see it in others."""

    known: Known
    spec: MistakeSpec
    said: list[str] = field(default_factory=list[str])
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    accounts: set[str] = field(default_factory=set[str])
    missing: list[str] = field(default_factory=list[str])

    @property
    def as_of(self) -> date:
        """The day that is looked at."""
        return self.known.as_of

    def at(self, name: str) -> float:
        """Return a threshold."""
        return self.spec.at[name]

    def days(self, name: str) -> timedelta:
        """Return a threshold that is a number of days."""
        return timedelta(days=self.at(name))

    def since(self, name: str) -> date:
        """Return the day that so many days before are counted from, without itself."""
        return self.as_of - self.days(name)

    def frames(self, *names: str) -> list[pl.DataFrame] | None:
        """Return frames with their columns; None after noting what is missing of them."""
        found: list[pl.DataFrame] = []
        for name in names:
            frame: pl.DataFrame | None = getattr(self.known, name)
            if frame is None or (name in LOADED and frame.is_empty()):
                self.lacks(name)
            elif gone := [one for one in COLUMNS[name] if one not in frame.columns]:
                self.lacks(*(f"{name}.{column}" for column in gone))
            else:
                found.append(frame.select(COLUMNS[name]))
        return found if len(found) == len(names) else None

    def has(self, n: int, name: str, what: str) -> bool:
        """Tell whether there are enough of something; note that there are not."""
        enough = n >= self.at(name)
        if not enough:
            self.lacks(f"{self.at(name):g} {what}, there are {n}")
        return enough

    def lacks(self, *names: str) -> None:
        """Note what is missing."""
        self.missing += [name for name in names if name not in self.missing]

    def see(self, clause: str, accounts: Iterable[str] = (), /, **values: Any) -> None:
        """Note one way in which the mistake is seen."""
        thresholds = {key: _whole(value) for key, value in self.spec.at.items()}
        self.values |= values
        self.said.append(self.spec.say[clause].format(**{**thresholds, **values}))
        self.accounts |= set(accounts)

    def finding(self) -> Finding | None:
        """Return what was seen, or what is missing to see it; None where all is well."""
        if not self.said:
            name = self.spec.name
            return not_looked_for(name, *self.missing) if self.missing else None
        text = "; ".join(self.said)
        return Finding(
            name=self.spec.name,
            severity=self.spec.severity,
            seen_as=f"{text[0].upper()}{text[1:]}.",
            evidence=Evidence(self.values, tuple(sorted(self.accounts))),
            mend=self.spec.mend,
            missing_inputs=tuple(self.missing),
        )


def day_of(column: str) -> pl.Expr:
    """Return the UTC day of an instant; a day is its own."""
    return pl.col(column).cast(pl.Date)


def quarter_start(day: date, *, back: int = 0) -> date:
    """Return the first day of the calendar quarter that a day is in, or of one so many back.

    >>> quarter_start(date(2026, 5, 20)), quarter_start(date(2026, 1, 1), back=2)
    (datetime.date(2026, 4, 1), datetime.date(2025, 7, 1))
    """
    quarter = day.year * 4 + (day.month - 1) // 3 - back
    return date(quarter // 4, quarter % 4 * 3 + 1, 1)


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else value
