"""Entries and statements: who is paid what in which period, and never twice for a dollar."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.config.commissions import RepTerms
from groundswell.errors import UsageError
from groundswell.measure.commissions import (
    DISPUTES,
    credit_receipts,
    make_entries,
    make_statements,
)
from groundswell.model import as_plain
from tests.measure.commissions.receipts import (
    OTHER,
    REP,
    day,
    disputes,
    employees,
    receipt,
    receipts,
    shipped,
    untouched,
)

LATE = day(1_000)


def entries(*rows, as_of=LATE, told=None, plan=None):
    lines = credit_receipts(receipts(*rows), employees(), plan=plan or shipped())
    return make_entries(lines, as_of=as_of, disputes=told)


def statement(of, *, first, last, plan=None, rep=REP):
    found = make_statements(of, plan=plan or shipped(), first=first, last=last)
    return next(one for one in found if one.rep == rep)


def month(number: int) -> dict:
    first = dt.date(2026, number, 1)
    return {"first": first, "last": dt.date(2026, number + 1, 1) - dt.timedelta(days=1)}


SALE = receipt("r", 10, "new", 100_000)


def test_a_statement_is_the_sum_of_its_entries():
    of = entries(SALE, receipt("s", 20, "new", 50, account_id="b"), untouched("u", 9_999))
    told = statement(of, **month(1))
    assert told.pay_cents == 7_004 == sum(entry.pay_cents for entry in told.entries)
    assert [entry.line.receipt_id for entry in told.entries] == ["r", "s"]
    assert statement(of, **month(2)).pay_cents == 0
    assert as_plain(told)["entries"][0]["line"]["baseline"]["cents"] is None


def test_a_churn_is_taken_back_in_the_period_in_which_it_comes():
    of = entries(SALE, receipt("gone", 45, "churn", -100_000, rep=None))
    assert statement(of, **month(1)).pay_cents == 7_000
    february = statement(of, **month(2))
    assert (february.pay_cents, february.taken_back_cents) == (-7_000, -7_000)


@pytest.mark.parametrize(
    ("outcome", "rep", "mine", "others"),
    [("pay", None, 7_000, 0), ("void", None, 0, 0), ("award", OTHER, 0, 7_000)],
)
def test_a_dispute_holds_a_line_until_it_is_resolved(outcome, rep, mine, others):
    of = entries(SALE, told=disputes(("r", day(12), day(50), outcome, rep)))
    january = statement(of, **month(1))
    assert (january.pay_cents, january.held_cents, january.open_cents) == (0, -7_000, 7_000)
    paid = {one.rep: one for one in make_statements(of, plan=shipped(), **month(2))}
    assert paid[REP].pay_cents == mine
    assert paid[REP].open_cents == 0
    assert (paid[OTHER].pay_cents if OTHER in paid else 0) == others


def test_a_dispute_that_is_not_resolved_by_the_day_holds():
    told = disputes(("r", day(40), day(50), "pay", None))
    before = entries(SALE, told=told, as_of=day(49))
    assert [(one.kind, one.pay_cents) for one in before] == [("earned", 7_000), ("held", -7_000)]
    after = entries(SALE, told=told, as_of=day(50))
    assert [one.pay_cents for one in after] == [7_000, -7_000, 7_000]
    assert [one.kind for one in entries(SALE, told=told, as_of=day(39))] == ["earned"]


def test_what_churns_while_it_is_held_is_not_released():
    told = disputes(("r", day(12), day(50), "pay", None))
    of = entries(SALE, receipt("gone", 40, "churn", -100_000, rep=None), told=told)
    assert [(one.kind, one.pay_cents) for one in of] == [
        ("earned", 7_000),
        ("held", -7_000),
        ("clawback", 0),
        ("released", 0),
    ]
    assert statement(of[:3], **month(2)).open_cents == 0


@pytest.mark.parametrize(("outcome", "paid"), [("pay", 4_200), ("void", 0)])
def test_what_is_lost_in_part_while_it_is_held_is_released_in_part(outcome, paid):
    rows = [
        untouched("a", 500_000),
        receipt("up", 10, "expansion", 100_000),
        receipt("down", 40, "contraction", -40_000, rep=None),
    ]
    told = disputes(("up", day(12), day(50), outcome, None))
    of = entries(*rows, told=told)
    assert [one.pay_cents for one in of] == [7_000, -7_000, 0, paid]
    assert statement(of[:3], **month(2)).open_cents == 4_200
    # After a dispute that nobody won, nothing comes back either.
    late = receipt("later", 60, "contraction", -30_000, rep=None)
    after = entries(*rows, late, told=told)
    assert [one.pay_cents for one in after][4:] == [-paid // 2]


def paid_by(of, **period) -> dict[str, int]:
    return {one.rep: one.pay_cents for one in make_statements(of, plan=shipped(), **period)}


def test_a_line_that_is_shared_is_paid_in_parts_from_the_answer_on():
    odd = SALE | {"amount_cents": 100_050}  # 7% of it is 7,003.5 cents, and goes to the even one
    of = entries(odd, told=disputes(("r", day(12), day(50), "award", OTHER, 0.25)))
    assert paid_by(of, **month(1)) == {REP: 0}
    assert paid_by(of, **month(2)) == {OTHER: 1_751, REP: 5_253}
    assert [one.why for one in of[2:]] == [f"dispute settled: 25% of it awarded to {OTHER}"] * 2
    assert [one.credited_cents for one in of[2:]] == [25_012, 75_038]


def test_what_is_lost_of_a_shared_line_is_taken_back_from_each():
    rows = [
        untouched("a", 500_000),
        receipt("up", 10, "expansion", 100_000),
        receipt("down", 40, "contraction", -40_000, rep=None),
        receipt("gone", 80, "churn", -560_000, rep=None),
    ]
    told = disputes(("up", day(12), day(20), "award", OTHER, 0.5))
    of = entries(*rows, told=told)
    assert [(one.rep, one.kind, one.pay_cents) for one in of[2:]] == [
        (OTHER, "released", 3_500),
        (REP, "released", 3_500),
        (OTHER, "clawback", -1_400),
        (REP, "clawback", -1_400),
        (OTHER, "clawback", -2_100),
        (REP, "clawback", -2_100),
    ]


def test_a_shared_line_is_held_for_each_and_shared_anew():
    third = "third@acme.example"
    told = disputes(
        ("r", day(12), day(20), "award", OTHER, 0.5),
        ("r", day(45), day(70), "award", third, 0.2),
    )
    of = entries(SALE, told=told)
    february = {one.rep: one for one in make_statements(of, plan=shipped(), **month(2))}
    assert [february[rep].open_cents for rep in (REP, OTHER)] == [3_500, 3_500]
    assert [february[rep].held_cents for rep in (REP, OTHER)] == [-3_500, -3_500]
    assert paid_by(of, **month(3)) == {third: 1_400, OTHER: 2_800, REP: 2_800}


@pytest.mark.parametrize("before", [(), ((15, 20, "void", None, None),)])
def test_a_share_that_nobody_else_holds_the_rest_of_is_paid_alone(before):
    rows = (*before, (31, 50, "award", OTHER if before else REP, 0.5))
    told = disputes(*(("r", day(opened), day(till), *rest) for opened, till, *rest in rows))
    assert sum(one.pay_cents for one in entries(SALE, told=told)) == 3_500


def test_disputes_of_one_day_are_answered_one_after_the_other():
    told = disputes(
        ("r", day(12), day(12), "award", "z@acme.example", 0.5, 1),
        ("r", day(12), day(20), "award", OTHER, 0.5, 2),
        ("r", day(20), day(20), "pay", None, None, 3),
    )
    of = entries(SALE, told=told)
    assert [(one.rep, one.day, one.pay_cents) for one in of[2:]] == [
        (OTHER, day(20), 3_500),
        ("z@acme.example", day(20), 1_750),
        (REP, day(20), 1_750),
    ]


def test_disputes_that_overlap_end_with_the_last():
    told = disputes(
        ("r", day(12), day(20), "pay", None),
        ("r", day(15), day(30), "void", None),
        ("r", day(60), day(70), "pay", None),
    )
    of = entries(SALE, told=told)
    assert [(one.kind, one.day, one.pay_cents) for one in of] == [
        ("earned", day(10), 7_000),
        ("held", day(12), -7_000),
        ("void", day(30), 0),
        ("held", day(60), 0),
        ("released", day(70), 7_000),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        ("r", day(12), day(20), None, None),
        ("r", day(12), day(20), "maybe", None),
        ("r", day(12), day(20), "award", None),
        ("r", day(12), day(11), "pay", None),
        ("r", day(12), day(20), "award", OTHER, 0.0),
        ("r", day(12), day(20), "award", OTHER, 1.01),
    ],
)
def test_a_dispute_that_does_not_say_how_it_ended_is_refused(wrong):
    with pytest.raises(UsageError) as caught:
        entries(SALE, told=disputes(wrong))
    assert [problem.code for problem in caught.value.problems] == ["dispute-bad"]


def test_quotas_of_new_logos_and_expansion_are_apart_and_ramp_with_tenure():
    plan = shipped(
        new_logo=1_200_000,
        expansion=240_000,
        reps={
            REP: RepTerms(started=dt.date(2026, 1, 15)),
            OTHER: RepTerms(dt.date(2020, 1, 1), new_logo=600_000),
        },
    )
    of = entries(
        receipt("n", 65, "new", 20_000),
        receipt("e", 70, "expansion", 5_000),
        receipt("b", 75, "reactivation", 7_000, account_id="b"),
        plan=plan,
    )
    new, more = statement(of, plan=plan, **month(3)).attainments
    assert (new.quota_cents, new.ramp, new.credited_cents) == (40_000, 0.4, 27_000)
    assert new.share == pytest.approx(0.675)
    assert (more.quota_cents, more.credited_cents) == (8_000, 5_000)
    quarter = {"first": dt.date(2026, 1, 1), "last": dt.date(2026, 3, 31)}
    new, _ = statement(of, plan=plan, **quarter).attainments
    assert new.quota_cents == 60_000  # nothing, a fifth, two fifths of 100,000
    assert statement(of, plan=plan, **month(1)).attainments[0].share is None
    other, _ = statement(of, plan=plan, rep=OTHER, **month(3)).attainments
    assert (other.quota_cents, other.share) == (50_000, 0.0)
    before = {"first": dt.date(2025, 12, 1), "last": dt.date(2025, 12, 31)}
    assert statement(of, plan=plan, **before).attainments[0].quota_cents == 0


def test_what_is_not_known_is_missing_by_name():
    told = statement(entries(SALE | {"footprint": None}), **month(1))
    assert told.missing == (
        "receipts.footprint",
        "commissions.quota.new_logo",
        "commissions.quota.expansion",
        f"commissions.reps.{REP}.started",
    )
    assert [one.quota_cents for one in told.attainments] == [None, None]


# --- properties ---------------------------------------------------------------------------------


@st.composite
def histories(draw):
    """Return receipts of some accounts that could have happened, with disputes."""
    rows = []
    for account in draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True)):
        arr, paid, on = 0, False, draw(st.integers(-200, 50))
        for number in range(draw(st.integers(1, 7))):
            on += draw(st.integers(0, 130))
            lost = arr and draw(st.booleans())
            if lost and draw(st.booleans()):
                change, movement = -arr, "churn"
            elif lost and arr > 1:
                change, movement = -draw(st.integers(1, arr - 1)), "contraction"
            else:
                change = draw(st.integers(1, 500_000))
                movement = "expansion" if arr else "reactivation" if paid else "new"
            arr, paid = arr + change, True
            more = {
                "account_id": account,
                "rep": draw(st.sampled_from([None, REP, OTHER])),
                "bucket": draw(
                    st.sampled_from(["product_sourced", "sales_sourced", "sales_converted"])
                ),
                "motion": draw(st.sampled_from(["enterprise", "expansion"])),
                "self_served": draw(st.sampled_from([None, True, False])),
                "footprint": draw(st.booleans()),
                "base_churned": draw(st.integers(0, 9)) == 0,
                "plan": draw(st.sampled_from(["team", None])),
            }
            rows.append(receipt(f"{account}{number}", on, movement, change, **more))
    told = []
    for row in draw(st.lists(st.sampled_from(rows), max_size=4)):
        opened = draw(st.integers(-100, 400))
        resolved = draw(st.none() | st.integers(0, 200).map(lambda after, o=opened: day(o + after)))
        outcome = draw(st.sampled_from(["pay", "void", "award"]))
        rep = draw(st.sampled_from([REP, OTHER, "third@acme.example"]))
        share = draw(st.sampled_from([None, 0.25, 0.5, 0.333, 1.0]))
        told.append((row["receipt_id"], day(opened), resolved, outcome, rep, share))
    return rows, told


@given(histories(), st.sampled_from([Fraction(7, 100), Fraction(1), Fraction(1, 3)]))
@settings(max_examples=150, deadline=None)
def test_no_dollar_is_paid_twice_and_no_more_comes_back_than_was_paid(history, rate):
    rows, told = history
    plan = shipped(pql_rate=rate, rep_rate=Fraction(1), at_least=1)
    of = entries(*rows, told=disputes(*told), plan=plan)
    credited, paid = defaultdict(int), defaultdict(int)
    by_rep = defaultdict(int)
    whole = all(share in {None, 1.0} for *_, share in told)
    for place, entry in enumerate(of):
        receipt_id = entry.line.receipt_id
        credited[receipt_id] += entry.credited_cents
        paid[receipt_id] += entry.pay_cents
        by_rep[receipt_id, entry.rep] += entry.pay_cents
        assert by_rep[receipt_id, entry.rep] >= 0
        # At every moment, over all reps: no more than the dollars sold, no less than nothing.
        assert 0 <= credited[receipt_id] <= entry.line.credited_cents <= entry.line.revenue_cents
        assert 0 <= paid[receipt_id] <= entry.line.pay_cents <= entry.line.revenue_cents
        if [(one.line, one.day, one.kind) for one in of[place : place + 2]].count(
            (entry.line, entry.day, entry.kind)
        ) == 1:
            # Parts are whole cents, of what is credited and of what is paid for it.
            apart = abs(paid[receipt_id] - entry.line.pay_of(credited[receipt_id]))
            assert apart <= (0 if whole else 2)
    # The periods add up to the whole, for each rep and over all.
    ends = [dt.date(2025, 1, 1), dt.date(2025, 9, 1), dt.date(2026, 4, 1), dt.date(2030, 1, 1)]
    shown = [
        one
        for first, after in pairwise(ends)
        for one in make_statements(of, plan=plan, first=first, last=after - dt.timedelta(days=1))
    ]
    assert sum(one.pay_cents for one in shown) == sum(paid.values())
    for one in shown:
        parts = one.earned_cents + one.held_cents + one.released_cents + one.taken_back_cents
        assert one.pay_cents == parts == sum(entry.pay_cents for entry in one.entries)


def test_disputes_from_before_a_line_are_settled_together() -> None:
    line = receipt("a0", 10, "new", 10_000)
    told = [
        ("a0", day(1), day(2), "award", OTHER, None),
        ("a0", day(4), day(5), "award", REP, None),
    ]
    of = entries(line, told=disputes(*told))
    assert sum(one.credited_cents for one in of) == of[0].line.credited_cents
    by_rep = defaultdict(int)
    for one in of:
        by_rep[one.rep] += one.credited_cents
    assert by_rep[OTHER] == 0
    assert by_rep[REP] == of[0].line.credited_cents


@given(histories(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_rows_changes_nothing(history, random):
    rows, told = history
    once = entries(*rows, told=disputes(*told))
    random.shuffle(rows)
    random.shuffle(told)
    assert entries(*rows, told=disputes(*told)) == once


@given(histories(), st.integers(0, 300))
@settings(max_examples=100, deadline=None)
def test_what_comes_later_changes_no_entry_up_to_a_day(history, after):
    rows, told = history
    known = [row for row in rows if row["day"] <= day(after)] or rows[:1]
    before = entries(*known, told=disputes(*told), as_of=day(after))
    whole = entries(*rows, told=disputes(*told), as_of=day(after))

    def plain(of):
        return [
            (one.line.receipt_id, one.rep, one.day, one.kind, one.credited_cents, one.pay_cents)
            for one in of
            if one.day <= day(after)
        ]

    assert plain(before) == plain([one for one in whole if one.day <= day(after)])


def test_no_receipts_make_no_entries():
    assert make_entries([], as_of=LATE, disputes=pl.DataFrame(schema=DISPUTES)) == []
    assert credit_receipts(receipts(), employees(), plan=shipped()) == []
