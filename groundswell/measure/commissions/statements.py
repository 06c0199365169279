"""Statements: what a rep is paid for a period, by which receipts, beside the quota."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

from groundswell.config.commissions import CommissionPlan, QuotaKind, RepTerms
from groundswell.measure.commissions.columns import half_even
from groundswell.measure.commissions.entries import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable

_MONTHS = 12
_KINDS: tuple[QuotaKind, ...] = ("new_logo", "expansion")


@dataclass(frozen=True, slots=True)
class Attainment:
    """What a rep sold of one kind beside the quota of it.

    Attributes:
        kind: New logos (and those that came back), or expansion.
        credited_cents: What was credited in the period, less what was taken back.
        quota_cents: Of the period, ramped; None where nobody said.
        ramp: Share of the full quota that was asked for.
        share: Of the quota; None without one.
    """

    kind: QuotaKind
    credited_cents: int
    quota_cents: int | None
    ramp: float | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Statement:
    """What a rep is paid for a period.

    Attributes:
        rep: Address.
        first, last: The days of the period.
        entries: Everything that happened, by day; they add up to `pay_cents`.
        pay_cents: What is paid; below zero where more was taken back than was earned.
        earned_cents, held_cents, released_cents, taken_back_cents: By what happened.
        open_cents: What is still held at the end of the period, of any period.
        attainments: By kind of quota.
        missing: What would have to be known, by name.
    """

    rep: str
    first: date
    last: date
    entries: tuple[Entry, ...]
    pay_cents: int
    earned_cents: int
    held_cents: int
    released_cents: int
    taken_back_cents: int
    open_cents: int
    attainments: tuple[Attainment, ...]
    missing: tuple[str, ...]


def make_statements(
    entries: Iterable[Entry], *, plan: CommissionPlan, first: date, last: date
) -> list[Statement]:
    """Return a statement for every rep with an entry up to the end of a period, or with terms.

    Args:
        entries: As `make_entries` gives them, from the first on.
        plan: What reps are paid for.
        first: First day of a month.
        last: Last day of a month, the same or a later one.
    """
    told = [entry for entry in entries if entry.day <= last]
    reps = {entry.rep for entry in told} | plan.reps.keys()
    return [_statement(rep, told, plan, first, last) for rep in sorted(reps)]


def _statement(
    rep: str, told: list[Entry], plan: CommissionPlan, first: date, last: date
) -> Statement:
    entries = tuple(entry for entry in told if entry.rep == rep and entry.day >= first)
    by_kind: dict[str, int] = {}
    for entry in entries:
        by_kind[entry.kind] = by_kind.get(entry.kind, 0) + entry.pay_cents
    unknown = {name for entry in entries for name in entry.line.unknown}
    terms = plan.reps.get(rep, RepTerms())
    attainments = tuple(_attainment(kind, entries, terms, plan, first, last) for kind in _KINDS)
    missing = [f"receipts.{name}" for name in sorted(unknown)]
    missing += [f"commissions.quota.{one.kind}" for one in attainments if one.quota_cents is None]
    missing += [f"commissions.reps.{rep}.started"] if terms.started is None else []
    return Statement(
        rep=rep,
        first=first,
        last=last,
        entries=entries,
        pay_cents=sum(by_kind.values()),
        earned_cents=by_kind.get("earned", 0),
        held_cents=by_kind.get("held", 0),
        released_cents=by_kind.get("released", 0) + by_kind.get("void", 0),
        taken_back_cents=by_kind.get("clawback", 0) + by_kind.get("gate", 0),
        open_cents=_open(rep, told),
        attainments=attainments,
        missing=tuple(missing),
    )


def _open(rep: str, told: list[Entry]) -> int:
    """Return what is held of a rep's lines: what would be paid if the dispute ended so."""
    held: dict[str, int] = {}
    for entry in told:
        receipt = entry.line.receipt_id
        if entry.kind in {"released", "void"}:
            held.pop(receipt, None)
        elif entry.rep == rep:
            held[receipt] = entry.open_cents
    return sum(held.values())


def _attainment(
    kind: QuotaKind,
    entries: tuple[Entry, ...],
    terms: RepTerms,
    plan: CommissionPlan,
    first: date,
    last: date,
) -> Attainment:
    of_kind = [one for one in entries if (one.line.movement == "expansion") == (kind == _KINDS[1])]
    credited = sum(entry.credited_cents for entry in of_kind)
    own: int | None = getattr(terms, kind)
    yearly: int | None = getattr(plan, kind) if own is None else own
    asked = [_asked(month, terms.started, plan) for month in _months(first, last)]
    ramp = float(sum(asked, Fraction(0)) / len(asked))
    if yearly is None:
        return Attainment(kind, credited, None, ramp, None)
    quota = half_even(yearly * sum(asked, Fraction(0)) / _MONTHS)
    return Attainment(kind, credited, quota, ramp, credited / quota if quota else None)


def _asked(month: date, started: date | None, plan: CommissionPlan) -> Fraction:
    """Return the share of a month's quota that is asked for."""
    if started is None:
        return Fraction(1)
    tenure = (month.year - started.year) * _MONTHS + month.month - started.month
    if tenure < 0:
        return Fraction(0)
    return plan.ramp[tenure] if tenure < len(plan.ramp) else Fraction(1)


def _months(first: date, last: date) -> list[date]:
    """Return the first days of the months that a period touches."""
    found, month = [], first.replace(day=1)
    while month <= last:
        found.append(month)
        month = date(month.year + month.month // _MONTHS, month.month % _MONTHS + 1, 1)
    return found
