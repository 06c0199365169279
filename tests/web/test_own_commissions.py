"""A rep's own statement: their lines, and nothing of anybody else's."""

from __future__ import annotations

import datetime as dt
from typing import Any

from groundswell.engine.measuring.paying import CommissionsReport, PaidEntry, RepStatement
from groundswell.web.commission_report import write_own_commissions

ANN, BEN = "ann@ours.example", "ben@ours.example"
DAY = dt.date(2026, 6, 10)


def statement(rep: str, *, pay: int, held: int = 0) -> RepStatement:
    name = rep.partition("@")[0]
    entry = PaidEntry(
        day=DAY,
        kind="earned",
        why=f"{name} sold it",
        receipt_id=f"line-of-{name}",
        account_id=f"account-of-{name}",
        movement="new",
        bucket="sales",
        opportunity_id=None,
        receipt="It was won",
        sold_on=DAY,
        revenue_cents=pay * 10,
        baseline_cents=None,
        baseline="",
        rate=0.1,
        credited_cents=pay * 10,
        pay_cents=pay,
        unknown=(),
    )
    return RepStatement(rep, pay, pay, held, 0, 0, held, (), (entry,), (), ())


def report(*statements: RepStatement) -> CommissionsReport:
    plan: Any = None
    first, last = dt.date(2026, 6, 1), dt.date(2026, 6, 30)
    return CommissionsReport(last, "USD", first, last, statements, plan, None)


def test_a_statement_has_the_lines_of_the_one_rep() -> None:
    found = report(statement(ANN, pay=12_300, held=500), statement(BEN, pay=45_600))
    told = write_own_commissions(found, "Ann@ours.example")
    assert told.verdict == (
        "You are paid 123.00 for this month.",
        "5.00 is held until it is settled.",
    )
    text = repr(told)
    assert "line-of-ann" in text
    assert "ben" not in text
    assert "456" not in text


def test_who_is_credited_with_nothing_is_told_so() -> None:
    told = write_own_commissions(report(statement(BEN, pay=45_600)), ANN)
    assert told.verdict == ("Nothing of this month is credited to you yet.",)
    assert told.sections == ()
