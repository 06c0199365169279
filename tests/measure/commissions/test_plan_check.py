"""Whether an hour in the queue pays more than an hour of cold prospecting."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.config.commissions import Worked
from groundswell.measure.commissions import Side, check_plan, worked_sides
from tests.measure.commissions.receipts import shipped

COLD = Side(Fraction(1, 50), 2_400_000, Fraction(4))  # 13%: 15.60 an hour
SHARES = st.fractions(Fraction(1, 1000), 1, max_denominator=1000)
RATES = st.fractions(Fraction(1, 100), Fraction(1, 2), max_denominator=200)
AMOUNTS = st.integers(10_000, 10_000_000)
HOURS = st.fractions(Fraction(1, 4), 200, max_denominator=4)


@st.composite
def sides(draw):
    return Side(draw(SHARES), draw(AMOUNTS), draw(HOURS))


def test_the_queue_pays_more():
    told = check_plan(Side(Fraction(3, 10), 1_200_000, Fraction(6)), COLD, plan=shipped())
    assert told.queue_per_hour == 4_200
    assert told.cold_per_hour == 1_560
    assert told.holds is True
    assert told.pql_rate_above == Fraction(26, 1000)
    assert told.pql_rate == Fraction(27, 1000)  # at 2.6% both pay the same
    assert told.rep_rate_below == Fraction(35, 100)
    assert told.rep_rate == Fraction(349, 1000)
    assert told.is_usual is True
    assert told.missing == ()
    assert told.pays_untouched is False


def test_where_it_does_not_the_rates_that_mend_it_are_told():
    told = check_plan(Side(Fraction(1, 10), 600_000, Fraction(6)), COLD, plan=shipped())
    assert told.holds is False
    assert told.pql_rate_above == Fraction(156, 1000)
    assert told.pql_rate == Fraction(157, 1000)
    assert told.ratio_above == Fraction(6, 5)
    assert told.is_usual is False


def test_equal_pay_is_not_more():
    queue = Side(COLD.conversion, COLD.acv_cents, COLD.hours)
    same = Fraction(1, 10)
    told = check_plan(queue, COLD, plan=shipped(pql_rate=same, rep_rate=same))
    assert told.holds is False
    assert told.pql_rate == Fraction(101, 1000)


def test_a_queue_that_never_converts_cannot_be_mended_by_rates():
    told = check_plan(Side(Fraction(0), 600_000, Fraction(6)), COLD, plan=shipped())
    assert (told.holds, told.pql_rate, told.ratio_above, told.is_usual) == (
        False,
        None,
        None,
        False,
    )
    assert told.rep_rate is None
    other = check_plan(COLD, Side(Fraction(0), 600_000, Fraction(6)), plan=shipped())
    assert (other.holds, other.rep_rate_below, other.rep_rate) == (True, None, None)


def test_no_commission_is_expected_on_the_baseline():
    queue = Side(Fraction(3, 10), 1_200_000, Fraction(6), baseline_cents=200_000)
    assert check_plan(queue, COLD, plan=shipped()).queue_per_hour == 3_500
    below = Side(Fraction(3, 10), 1_200_000, Fraction(6), baseline_cents=9_000_000)
    assert check_plan(below, COLD, plan=shipped()).queue_per_hour == 0


def test_what_is_not_known_is_asked_for_by_name():
    told = check_plan(Side(Fraction(3, 10)), COLD, plan=shipped())
    assert told.holds is None
    assert told.missing == (
        "commissions.plan_check.queue.acv",
        "commissions.plan_check.queue.hours",
    )
    assert told.cold_per_hour == 1_560
    given_ = shipped(queue=Worked(None, 1_200_000, Fraction(6)))
    told = check_plan(Side(Fraction(3, 10), sources=(("conversion", "data"),)), COLD, plan=given_)
    assert told.holds is True
    assert dict(told.queue.sources) == {
        "conversion": "data",
        "acv": "configuration",
        "hours": "configuration",
    }


def test_a_plan_that_pays_on_untouched_revenue_is_told():
    assert check_plan(COLD, COLD, plan=shipped(untouched_rate=Fraction(1, 100))).pays_untouched


@given(sides(), sides(), RATES, RATES)
def test_the_rates_told_are_exactly_where_it_turns(queue, cold, pql, rep):
    told = check_plan(queue, cold, plan=shipped(pql_rate=pql, rep_rate=rep))
    assert told.holds == (told.queue_per_hour > told.cold_per_hour)

    def holds(**rates):
        return check_plan(
            queue, cold, plan=shipped(**{"pql_rate": pql, "rep_rate": rep} | rates)
        ).holds

    assert not holds(pql_rate=told.pql_rate_above)
    assert holds(pql_rate=told.pql_rate_above + Fraction(1, 10**9))
    assert not holds(rep_rate=told.rep_rate_below)
    assert holds(rep_rate=told.rep_rate_below - told.rep_rate_below / 10**9)
    if told.pql_rate is not None:
        assert holds(pql_rate=told.pql_rate)
        assert not holds(pql_rate=told.pql_rate - Fraction(1, 1000))
    if told.rep_rate is not None:
        assert holds(rep_rate=told.rep_rate)
    assert told.holds == (pql > told.ratio_above * rep)


# --- from data ------------------------------------------------------------------------------------

AS_OF = dt.date(2026, 6, 30)


def at(days_ago: int) -> dt.datetime:
    return dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC) - dt.timedelta(days=days_ago)


def frames(queue: int = 20, cold: int = 40):
    instant = pl.Datetime("us", "UTC")
    queued, known = [f"q{n}" for n in range(queue)], [f"c{n}" for n in range(cold)]
    handoffs = pl.DataFrame(
        {
            "account_id": [*queued, "fresh", "idle"],
            "first_touch_at": [at(120)] * queue + [at(89), None],
        },
        schema={"account_id": pl.String, "first_touch_at": instant},
    )
    touches = pl.DataFrame(
        {"account_id": [*known, "user", "q0"], "at": [at(100)] * (cold + 1) + [at(300)]},
        schema={"account_id": pl.String, "at": instant},
    )
    won = [("q0", at(60), True, 1_000_000), ("q1", at(60), True, 500_000), ("q2", at(60), False, 9)]
    won += [("c0", at(10), True, 2_000_000), ("q3", at(200), True, 9), ("user", at(9), True, 9)]
    opportunities = pl.DataFrame(
        won,
        schema={
            "account_id": pl.String,
            "closed_at": instant,
            "won": pl.Boolean,
            "amount_cents": pl.Int64,
        },
        orient="row",
    )
    accounts = pl.DataFrame(
        {"account_id": ["user", "c0"], "signed_up": [dt.date(2025, 1, 1), dt.date(2026, 6, 1)]}
    )
    return {
        "handoffs": handoffs,
        "touches": touches,
        "opportunities": opportunities,
        "accounts": accounts,
    }


def test_data_tells_conversion_and_deal_size_and_never_hours():
    queue, cold = worked_sides(**frames(), as_of=AS_OF, plan=shipped())
    assert (queue.conversion, queue.acv_cents, queue.n) == (Fraction(2, 20), 750_000, 20)
    assert (cold.conversion, cold.acv_cents, cold.n) == (Fraction(1, 40), 2_000_000, 40)
    assert queue.missing() == cold.missing() == ("hours",)


@pytest.mark.parametrize(("n", "known"), [(19, False), (20, True)])
def test_too_few_accounts_tell_nothing(n, known):
    queue, _ = worked_sides(**frames(queue=n), as_of=AS_OF, plan=shipped())
    assert (queue.conversion is not None) == known
    assert queue.n == n
