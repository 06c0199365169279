"""Statements of commissions in words and tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from groundswell.engine.measuring.disputes import NOBODY
from groundswell.web.attribution_report import money
from groundswell.web.document import Report, Section, Table
from groundswell.web.wording import NOT_KNOWN, counted, named, share

if TYPE_CHECKING:
    from groundswell.engine.measuring.disputes import Claim, Dispute
    from groundswell.engine.measuring.paying import (
        CommissionsReport,
        PaidEntry,
        PlanReport,
        RepStatement,
        WorkedSide,
    )
    from groundswell.measure.commissions import Attainment


def write_commissions(found: CommissionsReport) -> Report:
    """Return what reps are paid for a month, and whether the plan works."""
    paid = sum(one.pay_cents for one in found.statements)
    verdict = [
        f"{money(paid)} is paid to {counted(len(found.statements), 'rep')}."
        if any(one.pay_cents for one in found.statements)
        else "Nothing is paid to anybody for this month."
    ]
    if found.unsettled_on is not None:
        verdict.append(
            f"Receipts of this month may change until {found.unsettled_on}, where an opportunity "
            "is won or told of late."
        )
    sections = [
        *([_overview(found)] if found.statements else []),
        *(
            _statement(one)
            for one in found.statements
            if one.entries or one.disputes or len(found.statements) == 1
        ),
        _plan(found.plan),
    ]
    missing = sorted({name for one in found.statements for name in one.missing})
    if missing:
        note = "To tell all of it, these would have to be known:"
        items = tuple(named(name) for name in missing)
        sections.append(Section("What is not known", (note,), items=items))
    about = (
        f"{found.first} to {found.last}, as of {found.as_of}. Amounts are in {found.currency}; "
        "revenue is a year's."
    )
    return Report("Commissions", about, tuple(verdict), tuple(sections))


def write_own_commissions(found: CommissionsReport, rep: str) -> Report:
    """Return what one rep is paid for a month, and nothing of anybody else."""
    about = (
        f"{found.first} to {found.last}, as of {found.as_of}. Amounts are in {found.currency}; "
        "revenue is a year's."
    )
    own = next((one for one in found.statements if one.rep == rep.lower()), None)
    if own is None or not (own.entries or own.disputes):
        verdict = "Nothing of this month is credited to you yet."
        return Report("My commissions", about, (verdict,), ())
    verdict = (
        f"You are paid {money(own.pay_cents)} for this month.",
        f"{money(own.open_cents)} is held until it is settled.",
    )
    verdict = verdict if own.open_cents else verdict[:1]
    sections = [_overview(replace(found, statements=(own,))), _statement(own)]
    if own.missing:
        note = "To tell all of it, these would have to be known:"
        items = tuple(named(name) for name in own.missing)
        sections.append(Section("What is not known", (note,), items=items))
    return Report("My commissions", about, verdict, tuple(sections))


def _overview(found: CommissionsReport) -> Section:
    heads = ("rep", "earned", "taken back", "held", "released", "paid", "still held")
    rows = tuple(
        (
            one.rep,
            *(
                money(cents)
                for cents in (
                    one.earned_cents,
                    one.taken_back_cents,
                    one.held_cents,
                    one.released_cents,
                    one.pay_cents,
                    one.open_cents,
                )
            ),
        )
        for one in found.statements
    )
    return Section("Reps", (), Table(heads, rows))


def _statement(one: RepStatement) -> Section:
    heads = ("day", "what", "line", "sold", "baseline", "credited", "rate", "paid", "dispute")
    stands = {told.receipt_id: told.status for told in one.disputes}
    rows = tuple(_entry(entry, stands.get(entry.receipt_id, "")) for entry in one.entries)
    notes = tuple(_attained(told) for told in one.attainments)
    table = Table(heads, rows, words=frozenset((1, 2, len(heads) - 1)))
    items = (*map(_receipt, one.entries), *map(write_dispute, one.disputes))
    return Section(one.rep, notes, table if rows else None, items)


def _entry(entry: PaidEntry, dispute: str) -> tuple[str, ...]:
    baseline = "none" if entry.baseline_cents is None else money(entry.baseline_cents)
    return (
        str(entry.day),
        entry.kind,
        entry.receipt_id,
        money(entry.revenue_cents),
        baseline,
        money(entry.credited_cents),
        share(entry.rate),
        money(entry.pay_cents),
        dispute,
    )


def _receipt(entry: PaidEntry) -> str:
    told = entry.kind in {"earned", "released"}
    why = f"{entry.why}. {entry.receipt}" if told else entry.why
    return f"{entry.day}, {entry.receipt_id}: {why}"


def write_dispute(one: Dispute) -> str:
    """Return who disputes a line and why, and how it was answered."""
    answer, begun = one.answer, f"{one.opened_at:%Y-%m-%d}"
    since = f"is disputed by {one.by} since" if answer is None else f"was disputed by {one.by} on"
    told = f"{one.receipt_id} {since} {begun}, who claims {_claimed(one.claim)}: {_ended(one.why)}"
    if answer is None:
        return f"{told} Nobody has answered; it is paid to nobody."
    given = "" if answer.given is None else f", {_given(answer.given)}"
    how = f"{answer.outcome} on {answer.at:%Y-%m-%d} by {answer.by}{given}"
    return f"{told} It was {how}: {_ended(answer.why)}"


def _claimed(claim: Claim) -> str:
    return f"that {_given(claim)}" if claim.to == NOBODY else _given(claim)


def _given(claim: Claim) -> str:
    if claim.to == NOBODY:
        return "nobody is paid"
    part = "all" if claim.share == 1 else f"{claim.share * 100:g}%"
    return f"{part} of it for {claim.to}"


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _attained(told: Attainment) -> str:
    kind = told.kind.replace("_", " ")
    credited = f"{kind.capitalize()}: {money(told.credited_cents)} is credited"
    if told.quota_cents is None:
        return f"{credited}; there is no quota."
    of = "" if told.share is None else f", {share(max(told.share, 0.0))}"
    return f"{credited} of a quota of {money(told.quota_cents)}{of}."


def _plan(plan: PlanReport) -> Section:
    heads = ("", "queue of PQLs", "cold prospecting")
    both = plan.queue, plan.cold
    rows = tuple(
        (title, *(write(side) for side in both))
        for title, write in (
            ("conversion", _conversion),
            ("ACV", lambda side: _amount(side.acv_cents)),
            ("hours an account", lambda side: _hours(side.hours)),
            ("commission an hour", lambda side: _amount(side.per_hour_cents)),
        )
    )
    items = tuple(named(name) for name in plan.missing)
    notes = list(_plan_notes(plan))
    if items:
        notes.append("To tell it, these would have to be set:")
    return Section("Does the plan work?", tuple(notes), Table(heads, rows), items=items)


def _plan_notes(plan: PlanReport) -> list[str]:
    notes: list[str] = []
    if plan.holds is None:
        notes.append("Whether an hour in the queue pays more than a cold one is not known.")
    elif plan.holds:
        notes.append("An hour in the queue pays more than an hour of cold prospecting.")
    else:
        notes.append("An hour of cold prospecting pays as much or more: reps will prospect.")
        if plan.pql_rate_needed is not None:
            notes.append(
                f"A rate of {plan.pql_rate_needed:.1%} on PQLs instead of {plan.pql_rate:.1%} "
                "would mend it."
            )
        if plan.rep_rate_needed is not None:
            notes.append(
                f"So would {plan.rep_rate_needed:.1%} on what a rep sourced instead of "
                f"{plan.rep_rate:.1%}."
            )
        usual = "could" if plan.is_usual else "cannot"
        notes.append(f"Rates within what is usual {usual} mend it.")
    if plan.pays_untouched:
        notes.append("The plan pays on revenue that nobody touched.")
    return notes


def _conversion(side: WorkedSide) -> str:
    if side.conversion is None:
        return NOT_KNOWN
    return share(side.conversion) + (f" of {side.n:,}" if side.n else "")


def _amount(cents: float | None) -> str:
    return NOT_KNOWN if cents is None else f"{cents / 100:,.2f}"


def _hours(hours: float | None) -> str:
    return NOT_KNOWN if hours is None else f"{hours:g}"
