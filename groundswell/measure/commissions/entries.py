"""Commissions as dated entries: earned, held while disputed, released, and taken back.

Entries only add: what a rep is paid for a line is the sum of its entries, and a period that is
over never changes, since whatever came later has a later day.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import polars as pl

from groundswell.errors import Problem, UsageError
from groundswell.measure.commissions.columns import DISPUTES, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from groundswell.measure.commissions.crediting import Line, Loss

EntryKind = Literal["earned", "held", "released", "void", "clawback", "gate"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One dated change of what a rep is paid for a line.

    Attributes:
        line: The line, with its receipt.
        rep: Whose statement it is on.
        day: When.
        kind: What happened.
        credited_cents: Change of the credited revenue.
        pay_cents: Change of the commission.
        left_cents: Credited revenue that losses left of the line, paid for or held.
        why: In words.
    """

    line: Line
    rep: str
    day: date
    kind: EntryKind
    credited_cents: int
    pay_cents: int
    left_cents: int
    why: str


@dataclass(frozen=True, slots=True)
class _Dispute:
    """Disputes of a line that overlap, as one; not resolved where `resolved` is None."""

    opened: date
    resolved: date | None
    outcome: str | None
    rep: str | None


def make_entries(
    lines: Iterable[Line], *, as_of: date, disputes: pl.DataFrame | None = None
) -> list[Entry]:
    """Return the entries of all lines up to a day, by day and receipt.

    Args:
        lines: As `credit_receipts` gives them.
        as_of: What came later is left out.
        disputes: As `DISPUTES`; None for none.

    Raises:
        UsageError: A dispute ends in a way there is not.
    """
    told = pl.DataFrame(schema=DISPUTES) if disputes is None else disputes
    by_receipt = _disputes(told, as_of)
    found: list[Entry] = []
    for line in lines:
        found += _Ledger(line).entries(by_receipt.get(line.receipt_id, []), as_of)
    return sorted(found, key=lambda entry: (entry.day, entry.line.receipt_id))


@dataclass
class _Ledger:
    """What is credited of one line, and to whom.

    Attributes:
        rep: Who holds it.
        left: Credited revenue that later losses left.
        credited: Of it, what is paid for now; 0 while it is held.
        is_void: Whether a dispute ended with nobody paid.
    """

    line: Line
    rep: str = ""
    left: int = 0
    credited: int = 0
    is_held: bool = False
    is_void: bool = False

    def entries(self, disputes: list[_Dispute], as_of: date) -> list[Entry]:
        line = self.line
        if line.day > as_of:
            return []
        self.rep, self.left = line.rep, line.credited_cents
        found = [self._move("earned", line.day, self.left, "; ".join(line.reasons))]
        for day, _, event in sorted(self._events(disputes, as_of), key=lambda one: one[:2]):
            found += self._apply(day, event)
        return found

    def _events(
        self, disputes: list[_Dispute], as_of: date
    ) -> Iterator[tuple[date, int, _Dispute | Loss | None]]:
        """Yield what happens; of one day disputes open first, then end, then losses come."""
        for dispute in disputes:
            opened = max(dispute.opened, self.line.day)
            if opened <= as_of:
                yield opened, 0, None
            if dispute.resolved is not None:
                yield max(dispute.resolved, opened), 1, dispute
        for place, loss in enumerate(self.line.losses, start=2):
            if loss.day <= as_of:
                yield loss.day, place, loss

    def _apply(self, day: date, event: _Dispute | Loss | None) -> Iterator[Entry]:
        if event is None:
            self.is_held = True
            yield self._move("held", day, 0, "disputed")
        elif isinstance(event, _Dispute):
            self.is_held, self.is_void = False, event.outcome == "void"
            if event.outcome == "award" and event.rep is not None:
                self.rep = event.rep
            kind = "void" if self.is_void else "released"
            said = {"void": "nobody is paid", "award": f"awarded to {self.rep}"}
            why = said.get(str(event.outcome), "paid")
            yield self._move(kind, day, 0 if self.is_void else self.left, f"dispute settled: {why}")
        else:
            lost = self.left - event.left_cents
            self.left = event.left_cents
            stands = not (self.is_held or self.is_void)
            why = f"{lost / 100:,.2f} of the revenue was lost again"
            if event.why == "gate":
                why = "the base was gone at its renewal"
            yield self._move(event.why, day, self.left if stands else 0, why)

    def _move(self, kind: EntryKind, day: date, credited: int, why: str) -> Entry:
        """Return the entry that brings what is paid for to so much."""
        change = credited - self.credited
        pay = self.line.pay_of(credited) - self.line.pay_of(self.credited)
        self.credited = credited
        return Entry(self.line, self.rep, day, kind, change, pay, self.left, why)


def _disputes(disputes: pl.DataFrame, as_of: date) -> dict[str, list[_Dispute]]:
    """Return the disputes of each receipt that were opened up to a day, overlapping ones as one."""
    told = disputes.select(pl.col(name).cast(kind) for name, kind in DISPUTES.items()).unique()
    known = told.filter(pl.col("opened") <= as_of)
    wrong = known.filter(
        (pl.col("resolved") < pl.col("opened"))
        | (
            pl.col("resolved").is_not_null()
            & ~pl.col("outcome").is_in(OUTCOMES).fill_null(value=False)
        )
        | ((pl.col("outcome") == "award") & pl.col("rep").is_null())
    ).sort("receipt_id", "opened")
    if wrong.height:
        raise UsageError(
            *(
                Problem(
                    "dispute-bad",
                    f"The dispute of `{receipt}` does not say how it ended.",
                    f"Write one of {', '.join(OUTCOMES)}, to whom it is awarded, and a day on "
                    "which it was open already.",
                )
                for receipt in wrong["receipt_id"]
            )
        )
    # The end of a dispute that is to come is not known yet.
    ended = pl.col("resolved") <= as_of
    names = ["resolved", "outcome", "rep"]
    known = known.with_columns(pl.when(ended).then(pl.col(name)).alias(name) for name in names)
    found: dict[str, list[_Dispute]] = defaultdict(list)
    ordered = known.with_columns(pl.col("rep").str.to_lowercase()).sort(
        "receipt_id", "opened", "resolved", "outcome", "rep", nulls_last=True
    )
    for receipt, *rest in ordered.iter_rows():
        dispute, before = _Dispute(*rest), found[receipt]
        if before and (before[-1].resolved is None or dispute.opened <= before[-1].resolved):
            before[-1] = _joined(before[-1], dispute)
        else:
            before.append(dispute)
    return dict(found)


def _joined(one: _Dispute, other: _Dispute) -> _Dispute:
    """Return two disputes as one, which ends as the later of them does."""
    later = one
    if one.resolved is not None and (other.resolved is None or other.resolved >= one.resolved):
        later = other
    return _Dispute(one.opened, later.resolved, later.outcome, later.rep)
