"""What each rep is paid for a month, with receipts, and whether the plan works."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from groundswell.engine.measuring.attributing import attribute_revenue
from groundswell.engine.measuring.disputes import Dispute, dispute_frame
from groundswell.errors import Problem, UsageError, did_you_mean
from groundswell.measure.attribution import commission_receipts
from groundswell.measure.commissions import (
    Attainment,
    check_plan,
    credit_receipts,
    make_entries,
    make_statements,
    worked_sides,
)

if TYPE_CHECKING:
    from fractions import Fraction

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.measuring.gathering import Gathered
    from groundswell.engine.measuring.tables import Tables
    from groundswell.measure.attribution import Receipt
    from groundswell.measure.commissions import Entry, Line, PlanCheck, Side, Statement


@dataclass(frozen=True)
class PaidEntry:
    """Something that happened to what a rep is paid for a dollar.

    Attributes:
        day, kind, why: What, and when: earned, held, released, void, clawback, gate.
        receipt_id, account_id, movement, bucket, opportunity_id: The receipt.
        receipt: Why it is in its bucket.
        sold_on: The day of the receipt.
        revenue_cents: What was sold, a year.
        baseline_cents, baseline: What is taken off, and whence it is known.
        rate: Commission of a credited cent.
        credited_cents, pay_cents: Changes of what is credited, and paid.
        unknown: What could not be looked at.
    """

    day: date
    kind: str
    why: str
    receipt_id: str
    account_id: str
    movement: str
    bucket: str
    opportunity_id: str | None
    receipt: str
    sold_on: date
    revenue_cents: int
    baseline_cents: int | None
    baseline: str
    rate: float
    credited_cents: int
    pay_cents: int
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class RepStatement:
    """What a rep is paid for a month.

    Attributes:
        rep: Address.
        pay_cents: What is paid; the entries add up to it.
        earned_cents, held_cents, released_cents, taken_back_cents: By what happened.
        open_cents: What is still held at the end.
        attainments: By kind of quota.
        entries: Everything that happened, by day.
        disputes: Of these lines, and what the rep had to do with in the month; as they stand now.
        missing: What would have to be known.
    """

    rep: str
    pay_cents: int
    earned_cents: int
    held_cents: int
    released_cents: int
    taken_back_cents: int
    open_cents: int
    attainments: tuple[Attainment, ...]
    entries: tuple[PaidEntry, ...]
    disputes: tuple[Dispute, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class WorkedSide:
    """What working one kind of account takes and brings; None is not known.

    Attributes:
        conversion, acv_cents, hours, baseline_cents: Of an account.
        n: Accounts that the conversion was told from.
        sources: What told each, by name.
        per_hour_cents: Expected commission of an hour.
    """

    conversion: float | None
    acv_cents: int | None
    hours: float | None
    baseline_cents: int
    n: int
    sources: dict[str, str]
    per_hour_cents: float | None


@dataclass(frozen=True)
class PlanReport:
    """Whether an hour in the queue pays more than an hour of cold prospecting.

    Attributes:
        queue, cold: Both kinds of work.
        holds: Whether it does; None if not known.
        pays_untouched: Whether the plan pays on revenue that nobody touched.
        pql_rate, rep_rate: The rates as they are.
        pql_rate_needed: The next PQL rate in steps of 0.1% that makes it true, with the other as
            it is; None where none does, or that is not known.
        rep_rate_needed: The same of the other rate.
        is_usual: Whether rates within what is usual make it true.
        missing: What would have to be known, by the key that gives it.
    """

    queue: WorkedSide
    cold: WorkedSide
    holds: bool | None
    pays_untouched: bool
    pql_rate: float
    rep_rate: float
    pql_rate_needed: float | None
    rep_rate_needed: float | None
    is_usual: bool | None
    missing: tuple[str, ...]


@dataclass(frozen=True)
class CommissionsReport:
    """What reps are paid for a month, as of a day.

    Attributes:
        as_of: What was known by this day was used.
        currency: Of every amount.
        first, last: The days of the month; those after `as_of` have nothing yet.
        statements: One for each rep.
        plan: Whether the plan works.
        unsettled_on: The last day on which the receipts of the month may still change.
    """

    as_of: date
    currency: str
    first: date
    last: date
    statements: tuple[RepStatement, ...]
    plan: PlanReport
    unsettled_on: date | None


@dataclass(frozen=True)
class Credited:
    """What reps are credited with.

    Attributes:
        receipts: Every gain, with its bucket.
        lines: Of them those that a rep is credited with.
        entries: Everything that happened to what they are paid, by day.
    """

    receipts: tuple[Receipt, ...]
    lines: tuple[Line, ...]
    entries: tuple[Entry, ...]


def report_commissions(
    loaded: LoadedConfig,
    computer: Computer,
    known: Gathered,
    tables: Tables,
    *,
    month: str | None = None,
    rep: str | None = None,
) -> CommissionsReport:
    """Tell what reps are paid for a month.

    Args:
        loaded: What they are paid for, and the rules of attribution.
        computer: Answers for footprints; its ledger keeps the rules of each quarter.
        known: What is known by the day.
        tables: The same as tables.
        month: Such as `2026-05`; that of the day by default.
        rep: The address of one; all by default.

    Raises:
        UsageError: The month is none, or has not begun; or there is no such rep.
    """
    first = _month(month, known.as_of)
    last = first.replace(day=monthrange(first.year, first.month)[1])
    found = credit_reps(loaded, computer, known, tables)
    statements = make_statements(found.entries, plan=loaded.commissions, first=first, last=last)
    if rep is not None:
        names = [one.rep for one in statements]
        if rep.lower() not in names:
            fix = did_you_mean(rep, names, noun="Reps") if names else "Nobody is credited yet."
            raise UsageError(Problem("rep-unknown", f"There is no rep `{rep}`.", fix))
        statements = [one for one in statements if one.rep == rep.lower()]
    why = {one.receipt_id: one.why for one in found.receipts}
    unsettled = [
        one.settled_on
        for one in found.receipts
        if first <= one.day <= last and one.settled_on > known.as_of
    ]
    return CommissionsReport(
        as_of=known.as_of,
        currency=loaded.config.currency,
        first=first,
        last=last,
        statements=tuple(_statement(one, why, known.disputes) for one in statements),
        plan=check_pay(loaded, known),
        unsettled_on=max(unsettled, default=None),
    )


def credit_reps(
    loaded: LoadedConfig, computer: Computer, known: Gathered, tables: Tables
) -> Credited:
    """Tell what reps are credited with, of every revenue that is known by a day."""
    found = attribute_revenue(loaded, computer, known, tables)
    receipts = commission_receipts(found.receipts, known.movements)
    employees = known.accounts.select("account_id", "employees")
    lines = credit_receipts(receipts, employees, plan=loaded.commissions)
    entries = make_entries(lines, as_of=known.as_of, disputes=dispute_frame(known.disputes))
    return Credited(found.receipts, tuple(lines), tuple(entries))


def check_pay(loaded: LoadedConfig, known: Gathered) -> PlanReport:
    """Tell whether an hour in the queue pays more than an hour of cold prospecting."""
    plan = loaded.commissions
    queue, cold = worked_sides(
        handoffs=known.handoffs,
        touches=known.touches,
        opportunities=known.opportunities,
        accounts=known.accounts,
        as_of=known.as_of,
        plan=plan,
    )
    return _plan(check_plan(queue, cold, plan=plan), pql_rate=plan.pql_rate, rep_rate=plan.rep_rate)


def _month(month: str | None, as_of: date) -> date:
    if month is None:
        return as_of.replace(day=1)
    try:
        first = datetime.strptime(month, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
    except ValueError:
        what = f"`{month}` is no month."
        raise UsageError(Problem("usage-month", what, "Write it like `2026-05`.")) from None
    if first > as_of:
        what = f"`{month}` begins after {as_of}."
        raise UsageError(Problem("usage-month", what, "Ask for one that has begun."))
    return first


def _statement(told: Statement, why: dict[str, str], disputes: tuple[Dispute, ...]) -> RepStatement:
    lines = {entry.line.receipt_id for entry in told.entries}
    return RepStatement(
        rep=told.rep,
        pay_cents=told.pay_cents,
        earned_cents=told.earned_cents,
        held_cents=told.held_cents,
        released_cents=told.released_cents,
        taken_back_cents=told.taken_back_cents,
        open_cents=told.open_cents,
        attainments=told.attainments,
        entries=tuple(_entry(entry, why) for entry in told.entries),
        disputes=tuple(
            one
            for one in disputes
            if one.receipt_id in lines
            or (told.rep in one.reps and one.is_within(told.first, told.last))
        ),
        missing=told.missing,
    )


def _entry(entry: Entry, why: dict[str, str]) -> PaidEntry:
    line = entry.line
    return PaidEntry(
        day=entry.day,
        kind=entry.kind,
        why=entry.why,
        receipt_id=line.receipt_id,
        account_id=line.account_id,
        movement=line.movement,
        bucket=line.bucket,
        opportunity_id=line.opportunity_id,
        receipt=why[line.receipt_id],
        sold_on=line.day,
        revenue_cents=line.revenue_cents,
        baseline_cents=line.baseline.cents,
        baseline=line.baseline.source,
        rate=float(line.rate),
        credited_cents=entry.credited_cents,
        pay_cents=entry.pay_cents,
        unknown=line.unknown,
    )


def _plan(check: PlanCheck, *, pql_rate: Fraction, rep_rate: Fraction) -> PlanReport:
    return PlanReport(
        queue=_side(check.queue, check.queue_per_hour),
        cold=_side(check.cold, check.cold_per_hour),
        holds=check.holds,
        pays_untouched=check.pays_untouched,
        pql_rate=float(pql_rate),
        rep_rate=float(rep_rate),
        pql_rate_needed=_number(check.pql_rate),
        rep_rate_needed=_number(check.rep_rate),
        is_usual=check.is_usual,
        missing=check.missing,
    )


def _side(side: Side, per_hour: Fraction | None) -> WorkedSide:
    return WorkedSide(
        conversion=_number(side.conversion),
        acv_cents=side.acv_cents,
        hours=_number(side.hours),
        baseline_cents=side.baseline_cents,
        n=side.n,
        sources=dict(side.sources),
        per_hour_cents=_number(per_hour),
    )


def _number(exact: Fraction | None) -> float | None:
    return None if exact is None else float(exact)
