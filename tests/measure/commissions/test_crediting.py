"""What each receipt is worth to a rep, and what later losses leave of it."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from groundswell.errors import UsageError
from groundswell.measure.commissions import credit_receipts
from groundswell.measure.commissions.columns import half_even
from groundswell.measure.commissions.crediting import _renewal
from tests.measure.commissions.receipts import (
    REP,
    day,
    employees,
    receipt,
    receipts,
    shipped,
    untouched,
)

NOBODY = employees()


def lines(*rows, plan=None, accounts=NOBODY):
    return credit_receipts(receipts(*rows), accounts, plan=plan or shipped())


@pytest.mark.parametrize(
    ("more", "pay"),
    [
        ({"bucket": "sales_converted"}, 7_000),
        ({"bucket": "sales_sourced"}, 13_000),
        ({"bucket": "product_sourced"}, 0),
        ({"bucket": "product_sourced", "self_served": True}, 3_500),
        ({"bucket": "sales_converted", "self_served": True}, 3_500),
        ({"bucket": "sales_converted", "motion": "enterprise", "footprint": True}, 6_300),
        ({"bucket": "sales_sourced", "motion": "enterprise", "footprint": True}, 11_700),
        ({"bucket": "sales_converted", "motion": "enterprise", "footprint": False}, 7_000),
        ({"bucket": "sales_converted", "motion": "sales_assist", "footprint": True}, 7_000),
    ],
)
def test_the_rate_is_that_of_who_found_the_account(more, pay):
    (line,) = lines(receipt("r", 0, "new", 100_000, **more))
    assert line.pay_cents == pay
    assert line.credited_cents == 100_000


@pytest.mark.parametrize(
    ("bucket", "self_served", "untouched"),
    [
        ("product_sourced", False, True),
        ("product_sourced", None, True),
        ("product_sourced", True, False),
        ("sales_sourced", False, False),
        ("sales_converted", None, False),
    ],
)
def test_what_is_paid_at_the_rate_for_the_untouched_says_so(bucket, self_served, untouched):
    plan = shipped(untouched_rate=Fraction(1, 100))
    (line,) = lines(
        receipt("r", 0, "new", 1_000, bucket=bucket, self_served=self_served), plan=plan
    )
    assert line.is_untouched is untouched
    assert (line.pay_cents == 10) is untouched


def test_nobody_is_credited_with_what_came_by_itself():
    assert lines(untouched("u", 50_000)) == []


def test_a_commission_is_rounded_half_to_even():
    # 7% of 50 cents is 3.5 cents, of 150 cents 10.5.
    assert [one.pay_cents for one in lines(receipt("r", 0, "new", 50))] == [4]
    assert [one.pay_cents for one in lines(receipt("r", 0, "new", 150))] == [10]
    assert half_even(Fraction(-5, 2)) == -2


def test_commission_begins_above_what_comparable_accounts_pay():
    crowd = [untouched(f"u{n}", cents) for n, cents in enumerate([10, 20, 30, 40, 5_000])]
    (line,) = lines(*crowd, receipt("r", 0, "new", 1_030))
    assert (line.baseline.cents, line.baseline.n) == (30, 5)
    assert line.baseline.source == "median of 5 untouched accounts on `team` before 2026-01-01"
    assert line.credited_cents == 1_000
    (below,) = lines(*crowd, receipt("r", 0, "new", 25))
    assert (below.credited_cents, below.pay_cents) == (0, 0)


def test_too_few_comparable_accounts_make_no_baseline():
    crowd = [untouched(f"u{n}", 30) for n in range(4)]
    (line,) = lines(*crowd, receipt("r", 0, "new", 1_030))
    assert line.baseline.cents is None
    assert line.baseline.source == "4 untouched accounts pay before 2026-01-01, 5 are needed"
    assert line.credited_cents == 1_030


def test_comparable_is_the_same_plan_and_size_and_then_less():
    known = {f"u{n}": 20 for n in range(5)} | {f"v{n}": 900 for n in range(5)} | {"a": 20, "b": 900}
    crowd = [untouched(f"u{n}", 100 + n) for n in range(5)]
    crowd += [untouched(f"v{n}", 200 + n) for n in range(5)]
    crowd += [untouched(f"w{n}", 300 + n, plan="solo") for n in range(5)]
    asked = [
        receipt("1", 0, "new", 9_000),
        receipt("2", 0, "new", 9_000, account_id="b"),
        receipt("3", 0, "new", 9_000, account_id="c"),
        receipt("4", 0, "new", 9_000, account_id="b", plan="business"),
        receipt("5", 0, "new", 9_000, account_id="d", plan=None),
    ]
    found = lines(*crowd, *asked[:3], *asked[4:], accounts=employees(**known))
    assert [line.baseline.cents for line in found] == [102, 202, 152, 202]  # 152: all on `team`
    assert "of under 50 employees" in found[0].baseline.source
    # Nobody is on `business`, so the size alone says.
    (line,) = lines(*crowd, asked[3], accounts=employees(**known))
    assert line.baseline.cents == 202
    assert line.baseline.source.startswith(
        "median of 5 untouched accounts of 500 employees or more"
    )


def test_a_baseline_never_changes_inside_its_quarter():
    crowd = [untouched(f"u{n}", 100) for n in range(5)]
    later = [untouched(f"v{n}", 900, on=n) for n in range(20)]
    (before,) = lines(*crowd, receipt("r", 50, "new", 1_000))
    (after,) = lines(*crowd, *later, receipt("r", 50, "new", 1_000))
    (next_quarter,) = lines(*crowd, *later, receipt("r", 95, "new", 1_000))
    assert before == after
    assert next_quarter.baseline.cents == 900


def test_who_was_touched_is_not_comparable():
    crowd = [untouched(f"u{n}", 100) for n in range(5)]
    touched = [
        receipt(f"t{n}", -30, "new", 9_000, account_id=f"t{n}", rep="x@acme.example")
        for n in range(9)
    ]
    found = lines(*crowd, *touched, receipt("r", 0, "new", 1_000))
    assert [line.baseline.cents for line in found if line.receipt_id == "r"] == [100]


def test_an_expansion_counts_above_what_was_there_and_above_the_baseline():
    crowd = [untouched(f"u{n}", 500) for n in range(5)]
    rows = [*crowd, untouched("a", 200), receipt("r", 10, "expansion", 1_000)]
    (line,) = lines(*rows)
    assert line.credited_cents == 700  # from 200 to 1,200, the baseline being 500


def test_what_comes_back_within_a_year_is_no_expansion():
    rows = [
        untouched("a", 1_000, on=-400),
        receipt("down", 0, "contraction", -600, rep=None),
        receipt("soon", 200, "expansion", 700),
    ]
    (line,) = lines(*rows)
    assert line.credited_cents == 100
    (late,) = lines(*rows[:2], receipt("late", 366, "expansion", 700))
    assert late.credited_cents == 700
    (edge,) = lines(*rows[:2], receipt("edge", 365, "expansion", 700))
    assert edge.credited_cents == 100


def test_what_was_clawed_back_can_be_earned_again():
    rows = [
        untouched("a", 1_000),
        receipt("up", 0, "expansion", 500),
        receipt("down", 30, "contraction", -500, rep=None),
        receipt("again", 60, "expansion", 500),
    ]
    first, again = lines(*rows)
    assert [loss.left_cents for loss in first.losses] == [0]
    assert again.credited_cents == 500


@pytest.mark.parametrize(("on", "left"), [(90, [0]), (91, [])])
def test_a_churn_within_90_days_takes_back(on, left):
    rows = [receipt("r", 0, "new", 1_000), receipt("gone", on, "churn", -1_000, rep=None)]
    (line,) = lines(*rows)
    assert [loss.left_cents for loss in line.losses] == left


@pytest.mark.parametrize(("on", "left"), [(90, [400]), (91, [])])
def test_a_contraction_takes_back_what_was_expanded(on, left):
    rows = [
        receipt("new", -200, "new", 1_000),
        receipt("up", 0, "expansion", 600),
        receipt("down", on, "contraction", -200, rep=None),
    ]
    new, up = lines(*rows)
    assert new.losses == ()
    assert [loss.left_cents for loss in up.losses] == left


def test_a_contraction_of_a_new_logo_takes_nothing_back():
    rows = [receipt("new", 0, "new", 1_000), receipt("down", 10, "contraction", -200, rep=None)]
    (line,) = lines(*rows)
    assert line.losses == ()


@pytest.mark.parametrize(
    ("on", "gate", "expected"),
    [(364, True, ["gate"]), (365, True, ["gate"]), (366, True, []), (364, False, [])],
)
def test_an_expansion_whose_base_is_gone_at_its_renewal_pays_nothing(on, gate, expected):
    rows = [
        receipt("new", 0, "new", 1_000),
        receipt("up", 200, "expansion", 500),
        receipt("gone", on, "churn", -1_500, rep=None),
    ]
    new, up = lines(*rows, plan=shipped(renewal_gate=gate))
    assert new.losses == ()
    assert [loss.why for loss in up.losses] == expected


def test_a_base_that_is_not_renewed_pays_no_expansion():
    (line,) = lines(receipt("up", 0, "expansion", 500, base_churned=True))
    assert line.credited_cents == 0
    assert "the base was not renewed: nothing" in line.reasons
    (new,) = lines(receipt("n", 0, "new", 500, base_churned=True))
    assert new.credited_cents == 500
    (open_,) = lines(
        receipt("up", 0, "expansion", 500, base_churned=True), plan=shipped(renewal_gate=False)
    )
    assert open_.credited_cents == 500


def test_after_a_churn_everything_begins_again():
    rows = [
        receipt("new", 0, "new", 1_000),
        receipt("gone", 200, "churn", -1_000, rep=None),
        receipt("back", 250, "reactivation", 800),
    ]
    _, back = lines(*rows)
    assert (back.movement, back.credited_cents) == ("reactivation", 800)


def test_what_is_not_known_is_said():
    (line,) = lines(
        receipt("up", 0, "expansion", 500, self_served=None, footprint=None, base_churned=None)
    )
    assert line.unknown == ("self_served", "footprint", "base_churned")


def test_of_one_day_what_came_by_itself_fills_the_baseline_first():
    crowd = [untouched(f"u{n}", 500) for n in range(5)]
    own = untouched("a", 400, on=0) | {"receipt_id": "z"}
    (line,) = lines(*crowd, receipt("b", 0, "new", 600), own)
    assert line.credited_cents == 500


def test_a_renewal_is_the_next_anniversary():
    assert _renewal(dt.date(2024, 2, 29), dt.date(2024, 3, 1)) == dt.date(2025, 2, 28)
    assert _renewal(dt.date(2024, 2, 29), dt.date(2027, 2, 28)) == dt.date(2028, 2, 28)
    assert _renewal(dt.date(2025, 5, 10), dt.date(2026, 5, 9)) == dt.date(2026, 5, 10)


def test_addresses_are_compared_in_lower_case():
    (line,) = lines(receipt("r", 0, "new", 500, rep=REP.upper()))
    assert line.rep == REP


def test_the_same_receipt_twice_is_one_and_two_of_one_id_are_refused():
    row = receipt("r", 0, "new", 500)
    assert len(lines(row, row)) == 1
    with pytest.raises(UsageError) as caught:
        lines(row, row | {"rep": "x@acme.example"})
    assert [problem.code for problem in caught.value.problems] == ["receipt-twice"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_cents": -5},
        {"movement": "churn"},
        {"movement": "renewal"},
        {"bucket": "sales_influenced"},
        {"bucket": None},
        {"amount_cents": 0},
    ],
)
def test_a_receipt_that_is_none_is_refused(wrong):
    with pytest.raises(UsageError) as caught:
        lines(receipt("r", 0, "new", 500) | wrong)
    assert [problem.code for problem in caught.value.problems] == ["receipt-bad"]


def test_days_of_a_line_are_those_of_the_receipt():
    (line,) = lines(receipt("r", 7, "new", 500))
    assert line.day == day(7)
