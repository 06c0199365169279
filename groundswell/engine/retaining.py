"""Retaining: what came in longer ago than it is kept for goes; what is counted by it stays.

An event that is old loses what nothing is counted by, as a forgotten person's do: its day, its
name and the properties that the configuration reads stay, so that every figure of every day stays
as it is, and computing everything anew comes to the same. It is told apart by its id as before, so
that what is loaded again is known already. Rows in quarantine and lines of the audit log are
dropped, and so is what ended anyhow: sessions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

from groundswell.engine.forgetting.rows import counted_properties, properties_read
from groundswell.store.erasing import Erases
from groundswell.store.facts import IDENTITY
from groundswell.store.ledger import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from groundswell.engine.project import Project
    from groundswell.store.erasing import Eraser

RETAINED = "retained"
"""The kind of the journal's entry of a pass."""

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class RetainReport:
    """What was older than it is kept for: the fields of `retain --json`.

    Attributes:
        dry_run: Whether all of it is there yet.
        before: By what is kept for a time, the first day of which all is kept.
        events: Events that lost what nothing is counted by.
        dropped: By table of the ledger, the rows that went.
    """

    dry_run: bool
    before: dict[str, date] = field(default_factory=dict[str, date])
    events: int = 0
    dropped: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class Retaining:
    """Takes out of a project what is older than it is kept for; see `Project.retain`."""

    project: Project

    def retain(self, *, dry_run: bool = False) -> RetainReport:
        """Take out what is too old, or say what would be; see `Project.retain`."""
        project, kept = self.project, self.project.loaded.retention
        now, today = project.clock.now(), project.today()
        before = {
            name: today - timedelta(days=days)
            for name in ("events", "quarantine", "audit")
            if (days := getattr(kept, name)) is not None
        }
        events = self._strip(before["events"], dry_run=dry_run) if "events" in before else 0
        ends = {
            "rejects": _begin(before["quarantine"]) if "quarantine" in before else None,
            "audit": _begin(before["audit"]) if "audit" in before else None,
            "sessions": now,
        }
        dropped = project.ledger.drop_older(
            {table: at for table, at in ends.items() if at is not None}, dry_run=dry_run
        )
        report = RetainReport(dry_run, before, events, dropped)
        if not dry_run and before:
            self._note(report, now, today)
        return report

    def _strip(self, first: date, *, dry_run: bool) -> int:
        """Take out of events before a day what nothing is counted by; return of how many."""
        project = self.project
        warehouse = project.warehouse
        assert isinstance(warehouse, Erases), "the configuration says so"
        names = warehouse.event_names()
        reads = properties_read(project.computer.plan, project.loaded.meanings, names)
        stripped = 0
        with warehouse.erasing() as eraser:
            for day in _days(eraser, first, self._last()):
                rows = _plainer(eraser.ask(_of_day(day)), reads)
                stripped += rows.num_rows
                if rows.num_rows and not dry_run:
                    eraser.rewrite("events", list(IDENTITY), rows)
        return stripped

    def _last(self) -> tuple[date, datetime] | None:
        """Return before which day events were looked through last, and when that was."""
        found = [
            (date.fromisoformat(entry.body["before"]["events"]), entry.at)
            for entry in self.project.ledger.journal(kinds=(RETAINED,))
            if "events" in entry.body["before"]
        ]
        return max(found, key=lambda one: one[1], default=None)

    def _note(self, report: RetainReport, now: datetime, today: date) -> None:
        before = {name: str(day) for name, day in report.before.items()}
        body = {"before": before, "events": report.events, "dropped": report.dropped}
        key = f"{RETAINED}:{now.isoformat()}"
        entry = JournalEntry(key, RETAINED, RETAINED, now, today, body)
        self.project.ledger.append_journal([entry])


def _days(eraser: Eraser, first: date, last: tuple[date, datetime] | None) -> Iterator[date]:
    """Return the days before one of which events may say more than they are counted by."""
    at = exp.column("occurred_at")
    where: list[exp.Expr] = [
        at < _instant(_begin(first)),
        exp.column("properties").is_(exp.null()).not_(),
    ]
    if last is not None:
        came = exp.column("received_at") >= _instant(last[1])
        where.append(came.or_(at >= _instant(_begin(last[0]))))
    select = exp.select(
        exp.alias_(exp.func("MIN", at), "least"), exp.alias_(exp.func("MAX", at), "most")
    )
    (row,) = eraser.ask(select.from_("events").where(*where)).to_pylist()
    if row["least"] is None:
        return
    day, most = row["least"].astimezone(UTC).date(), row["most"].astimezone(UTC).date()
    while day <= most:
        yield day
        day += ONE_DAY


def _of_day(day: date) -> exp.Select:
    at = exp.column("occurred_at")
    return (
        exp.select(*IDENTITY, "event_id", "properties")
        .from_("events")
        .where(
            at >= _instant(_begin(day)),
            at < _instant(_begin(day + ONE_DAY)),
            exp.column("properties").is_(exp.null()).not_(),
        )
    )


def _plainer(rows: pa.Table, reads: Sequence[frozenset[str]]) -> pa.Table:
    """Return the rows that say more than they are counted by, and what stays of that."""
    seen: dict[tuple[int, str], str | None] = {}
    places: list[int] = []
    kept: list[str | None] = []
    events, texts = rows.column("event_id").to_pylist(), rows.column("properties").to_pylist()
    for place, (event_id, text) in enumerate(zip(events, texts, strict=True)):
        one = (event_id, text)
        if one not in seen:
            told = json.loads(text) if text else None
            left = counted_properties(told, reads[event_id])
            same = left == told
            new = json.dumps(left, ensure_ascii=False) if left else None
            seen[one] = text if same else new
        if seen[one] != text:
            places.append(place)
            kept.append(seen[one])
    some = rows.select(list(IDENTITY)).take(pa.array(places, pa.int64()))
    return some.append_column("new_properties", pa.array(kept, pa.string()))


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _instant(moment: datetime) -> exp.Expr:
    return exp.cast(exp.Literal.string(moment.isoformat()), "timestamptz")
