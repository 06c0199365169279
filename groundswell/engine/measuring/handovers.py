"""What the journal tells of PQLs and handoffs by a day, as frames."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from groundswell.engine.deciding import DECIDED, RELEASED
from groundswell.handoff.life import STEPS, Handoff, State, Step, follow_one
from groundswell.routing import HOLDOUT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from groundswell.store.ledger import JournalEntry, Ledger

QUALIFIED = "qualified"

_MOMENT = pl.Datetime("us", "UTC")
HANDOFFS: dict[str, Any] = {
    "handoff_id": pl.String,
    "account_id": pl.String,
    "motion": pl.String,
    "team": pl.String,
    "owner": pl.String,
    "urgent": pl.Boolean,
    "rule": pl.String,
    "play": pl.String,
    "score": pl.Float64,
    "tier": pl.String,
    "as_of": pl.Date,
    "opened_at": _MOMENT,
    "assigned_at": _MOMENT,
    "first_touch_at": _MOMENT,
    "accepted_at": _MOMENT,
    "due_at": _MOMENT,
    "breaches": pl.Int64,
    "reassigned": pl.Int64,
    "state": pl.String,
    "closed_at": _MOMENT,
    "reason": pl.String,
    "competitor": pl.String,
    "paying": pl.Boolean,
    "opportunity_at": _MOMENT,
}
PQLS: dict[str, Any] = {
    "account_id": pl.String,
    "qualified_on": pl.Date,
    "released_on": pl.Date,
    "motion": pl.String,
    "tier": pl.String,
    "held_out": pl.Boolean,
    "score": pl.Float64,
}
EXPOSURES: dict[str, Any] = {
    "account_id": pl.String,
    "exposed_on": pl.Date,
    "held_out": pl.Boolean,
    "motion": pl.String,
    "tier": pl.String,
}


@dataclass
class _Told:
    """A handoff with the instants of its steps."""

    handoff: Handoff
    rule: str | None = None
    tier: str | None = None
    assigned_at: datetime | None = None
    accepted_at: datetime | None = None
    opportunity_at: datetime | None = None
    due_at: datetime | None = None
    assignments: int = 0

    def take(self, entry: JournalEntry) -> None:
        if entry.kind == Step.ASSIGNED:
            self.assignments += 1
            self.assigned_at = self.assigned_at or entry.at
        if entry.kind == Step.ACCEPTED:
            self.accepted_at = self.accepted_at or entry.at
        if entry.kind == Step.OPENED:
            self.opportunity_at = self.opportunity_at or entry.at
        if self.due_at is None or entry.kind == Step.ASSIGNED:
            self.due_at = self.handoff.due_at or self.due_at

    def row(self) -> dict[str, Any]:
        handoff = self.handoff
        return {
            "handoff_id": handoff.handoff_id,
            "account_id": handoff.account_id,
            "motion": handoff.motion,
            "team": handoff.team,
            "owner": handoff.owner,
            "urgent": handoff.urgent,
            "rule": self.rule,
            "play": handoff.play,
            "score": handoff.score,
            "tier": self.tier,
            "as_of": handoff.as_of,
            "opened_at": handoff.opened_at,
            "assigned_at": self.assigned_at,
            "first_touch_at": handoff.touched_at,
            "accepted_at": self.accepted_at,
            "due_at": self.due_at,
            "breaches": handoff.breaches,
            "reassigned": max(self.assignments - 1, 0),
            "state": str(handoff.state),
            "closed_at": None if handoff.is_open else handoff.moved_at,
            "reason": handoff.closed_reason,
            "competitor": handoff.competitor,
            "paying": handoff.paying,
            "opportunity_at": self.opportunity_at,
        }


def handoffs_by(ledger: Ledger, day: date) -> pl.DataFrame:
    """Return every handoff as it stood at the end of a day, in the columns of `HANDOFFS`.

    Rule, score and tier are those of the decision that opened it; an early one has no tier.
    """
    end = datetime.combine(day + timedelta(days=1), time(), UTC)
    decided = {
        item.key: (str(item.body["rule"]), item.body.get("tier"))
        for item in ledger.journal(kinds=(DECIDED,))
    }
    told: dict[str, _Told] = {}
    for entry in ledger.journal(kinds=STEPS):
        if entry.at >= end:
            continue
        name = str(entry.body["handoff_id"])
        known = told.get(name)
        found = follow_one(known.handoff if known else None, entry)
        if found is None:
            continue
        if known is None:
            rule, tier = decided.get(str(entry.body.get("decision")), (None, None))
            known = told[name] = _Told(found, rule, tier)
        known.handoff = found
        known.take(entry)
    return pl.DataFrame([one.row() for one in told.values()], schema=HANDOFFS)


def pqls_by(ledger: Ledger, day: date) -> pl.DataFrame:
    """Return every crossing by the end of a day, in the columns of `PQLS`.

    The motion is that of the first decision on the account from the crossing on; what held it back
    then says whether it is in the holdout.
    """
    entries = ledger.journal(kinds=(QUALIFIED, RELEASED, DECIDED))
    ordered = sorted(
        (entry for entry in entries if entry.as_of <= day), key=lambda item: (item.as_of, item.at)
    )
    decided: dict[str, list[JournalEntry]] = {}
    for entry in ordered:
        if entry.kind == DECIDED:
            decided.setdefault(entry.account_id, []).append(entry)
    rows: list[dict[str, Any]] = []
    present: dict[str, dict[str, Any]] = {}
    for entry in ordered:
        if entry.kind == QUALIFIED:
            row = _pql(entry, decided.get(entry.account_id, ()))
            rows.append(row)
            present[entry.account_id] = row
        elif entry.kind == RELEASED and entry.account_id in present:
            present.pop(entry.account_id)["released_on"] = entry.as_of
    return pl.DataFrame(rows, schema=PQLS)


def _pql(entry: JournalEntry, decisions: Iterable[JournalEntry]) -> dict[str, Any]:
    after = next((item for item in decisions if item.as_of >= entry.as_of), None)
    body = after.body if after is not None else {}
    failed = {one["name"] for one in body.get("guardrails", ()) if not one["passed"]}
    return {
        "account_id": entry.account_id,
        "qualified_on": entry.as_of,
        "released_on": None,
        "motion": body.get("motion"),
        "tier": body.get("tier"),
        "held_out": HOLDOUT in failed,
        "score": float(entry.body.get("score") or 0.0),
    }


def exposures_by(ledger: Ledger, day: date) -> pl.DataFrame:
    """Return when each account came to where its arm mattered, in the columns of `EXPOSURES`.

    That is its first decision that handed it over, or that nothing but the holdout kept from
    handing it over: until then both arms are treated alike. Lower scores that are explored take no
    part.
    """
    rows: dict[str, dict[str, Any]] = {}
    for entry in ledger.journal(kinds=(DECIDED,)):
        body = entry.body
        reached = body["hand_over"] or body.get("withheld", False)
        if entry.as_of > day or not reached or body.get("explored", False):
            continue
        row = {
            "account_id": entry.account_id,
            "exposed_on": entry.as_of,
            "held_out": not body["hand_over"],
            "motion": body["motion"],
            "tier": body.get("tier"),
        }
        known = rows.setdefault(entry.account_id, row)
        if row["exposed_on"] < known["exposed_on"]:
            rows[entry.account_id] = row
    return pl.DataFrame(list(rows.values()), schema=EXPOSURES)


CLOSED_WON = frozenset({str(State.WON), str(State.CONVERTED)})
"""States in which an account bought."""
