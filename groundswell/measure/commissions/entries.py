"""Commissions as dated entries: earned, held while disputed, released, and taken back.

Entries only add: what a rep is paid for a line is the sum of its entries, and a period that is
over never changes, since whatever came later has a later day.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import polars as pl

from groundswell.errors import Problem, UsageError
from groundswell.measure.commissions.columns import DISPUTES, OUTCOMES, half_even

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from groundswell.measure.commissions.crediting import Line, Loss

EntryKind = Literal["earned", "held", "released", "void", "clawback", "gate"]
_Holders = tuple[tuple[str, Fraction], ...]
"""Who is paid for a line, and for which share of it; together for no more than all of it."""


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
        open_cents: What the rep would be paid if the dispute ended as it began; 0 if not held.
        why: In words.
    """

    line: Line
    rep: str
    day: date
    kind: EntryKind
    credited_cents: int
    pay_cents: int
    open_cents: int
    why: str


@dataclass(frozen=True, slots=True, order=True)
class _End:
    """How a dispute of a line ended."""

    day: date
    outcome: str = field(compare=False)
    rep: str | None = field(compare=False)
    share: Fraction = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Dispute:
    """Disputes of a line that overlap, as one; not resolved where it has no ends."""

    opened: date
    ends: tuple[_End, ...]


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
        holders: Who is paid for it.
        left: Credited revenue that later losses left.
        stands: By rep, what is credited and paid now; nothing while it is held.
        is_void: Whether a dispute ended with nobody paid.
    """

    line: Line
    holders: _Holders = ()
    left: int = 0
    stands: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    is_held: bool = False
    is_void: bool = False

    def entries(self, disputes: list[_Dispute], as_of: date) -> list[Entry]:
        line = self.line
        if line.day > as_of:
            return []
        self.holders, self.left = ((line.rep, Fraction(1)),), line.credited_cents
        found = list(self._move("earned", line.day, self.left, "; ".join(line.reasons)))
        for day, _, event in sorted(self._events(disputes, as_of), key=lambda one: one[:2]):
            found += self._apply(day, event)
        return found

    def _events(
        self, disputes: list[_Dispute], as_of: date
    ) -> Iterator[tuple[date, int, _Dispute | Loss | None]]:
        """Yield what happens; of one day disputes open first, then end, then losses come."""
        for dispute in self._since_sold(disputes):
            if dispute.opened <= as_of:
                yield dispute.opened, 0, None
            if dispute.ends:
                yield dispute.ends[-1].day, 1, dispute
        for place, loss in enumerate(self.line.losses, start=2):
            if loss.day <= as_of:
                yield loss.day, place, loss

    def _since_sold(self, disputes: list[_Dispute]) -> list[_Dispute]:
        """Return the disputes, none of them before the line; those that overlap then, as one."""
        found: list[_Dispute] = []
        for dispute in disputes:
            opened = max(dispute.opened, self.line.day)
            ends = tuple(replace(end, day=max(end.day, opened)) for end in dispute.ends)
            _append(found, _Dispute(opened, ends))
        return found

    def _apply(self, day: date, event: _Dispute | Loss | None) -> Iterator[Entry]:
        if event is None:
            self.is_held = True
            yield from self._move("held", day, 0, "disputed")
        elif isinstance(event, _Dispute):
            yield from self._settle(day, event)
        else:
            lost = self.left - event.left_cents
            self.left = event.left_cents
            stands = not (self.is_held or self.is_void)
            why = f"{lost / 100:,.2f} of the revenue was lost again"
            if event.why == "gate":
                why = "the base was gone at its renewal"
            yield from self._move(event.why, day, self.left if stands else 0, why)

    def _settle(self, day: date, dispute: _Dispute) -> Iterator[Entry]:
        """Yield what is paid from the end of a dispute on; up to it, nothing was."""
        kind, why = "released", "paid"
        for end in dispute.ends:
            if end.outcome == "award" and end.rep is not None:
                holders = () if self.is_void else self.holders
                self.holders = _awarded(holders, end.rep, end.share)
                part = "" if end.share == 1 else f"{float(end.share * 100):g}% of it "
                why = f"{part}awarded to {end.rep}"
            self.is_void = end.outcome == "void"
        self.is_held = False
        if self.is_void:
            kind, why = "void", "nobody is paid"
        credited = 0 if self.is_void else self.left
        yield from self._move(kind, day, credited, f"dispute settled: {why}")

    def _move(self, kind: EntryKind, day: date, credited: int, why: str) -> Iterator[Entry]:
        """Yield an entry for each holder, which bring what is paid for to so much."""
        line, left = self.line, self.left if self.is_held else 0
        shares = [share for _, share in self.holders]
        told = (credited, line.pay_of(credited), line.pay_of(left))
        parts = zip(*(_parts(cents, shares) for cents in told), strict=True)
        for (rep, _), (now, pay, open_) in zip(self.holders, parts, strict=True):
            credited_before, paid_before = self.stands.get(rep, (0, 0))
            self.stands[rep] = (now, pay)
            change = now - credited_before
            yield Entry(line, rep, day, kind, change, pay - paid_before, open_, why)


def _awarded(holders: _Holders, rep: str, share: Fraction) -> _Holders:
    """Return who holds a line once a rep is given a share: the others keep theirs of the rest.

    Where nobody else holds it, nobody is paid for the rest.
    """
    others = [(one, part) for one, part in holders if one != rep]
    whole = sum((part for _, part in others), Fraction(0))
    rest = 1 - share
    return ((rep, share), *((one, part / whole * rest) for one, part in others if rest))


def _parts(cents: int, shares: list[Fraction]) -> list[int]:
    """Return the parts of an amount: whole cents, which come to what the shares come to.

    >>> _parts(5, [Fraction(1, 2), Fraction(1, 2)])
    [2, 3]
    """
    found, before, share_before = list[int](), 0, Fraction(0)
    for share in shares:
        share_before += share
        upto = half_even(cents * share_before)
        found.append(upto - before)
        before = upto
    return found


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
        | ((pl.col("outcome") == "award") & (pl.col("rep").is_null() | ~_is_share()))
    ).sort("receipt_id", "opened")
    if wrong.height:
        raise UsageError(
            *(
                Problem(
                    "dispute-bad",
                    f"The dispute of `{receipt}` does not say how it ended.",
                    f"Write one of {', '.join(OUTCOMES)}, to whom it is awarded and which share "
                    "of it, and a day on which it was open already.",
                )
                for receipt in wrong["receipt_id"]
            )
        )
    found: dict[str, list[_Dispute]] = defaultdict(list)
    ordered = known.with_columns(pl.col("rep").str.to_lowercase()).sort(
        *("receipt_id", "opened", "number", "resolved", "outcome", "rep", "share"), nulls_last=True
    )
    for receipt, opened, resolved, outcome, rep, share, _ in ordered.iter_rows():
        ends: tuple[_End, ...] = ()
        # The end of a dispute that is to come is not known yet.
        if resolved is not None and resolved <= as_of:
            exact = Fraction(1) if share is None else Fraction(str(share))
            ends = (_End(resolved, outcome, rep, exact),)
        _append(found[receipt], _Dispute(opened, ends))
    return dict(found)


def _append(disputes: list[_Dispute], one: _Dispute) -> None:
    """Add a dispute that was opened after the others, as part of the last where they overlap."""
    if disputes and not (disputes[-1].ends and disputes[-1].ends[-1].day < one.opened):
        disputes[-1] = _joined(disputes[-1], one.ends)
    else:
        disputes.append(one)


def _joined(one: _Dispute, ends: tuple[_End, ...]) -> _Dispute:
    """Return a dispute with another that overlaps it: it ends when both did."""
    is_open = not (one.ends and ends)
    return _Dispute(one.opened, () if is_open else tuple(sorted((*one.ends, *ends))))


def _is_share() -> pl.Expr:
    return ((pl.col("share") > 0) & (pl.col("share") <= 1)).fill_null(value=True)
