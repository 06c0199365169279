"""What salespeople cost, and when they have paid for themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.config.findings import Findings
from groundswell.config.payback_schema import PaybackBlock
from groundswell.config.paybacks import PaybackTerms, Range, Sales, resolve_payback
from groundswell.model import as_plain
from groundswell.overlay.payback import simulate_payback


def shipped(**differs) -> PaybackTerms:
    terms = resolve_payback(PaybackBlock.as_shipped(), findings=Findings({}))
    return replace(terms, **differs)


def known(value: float) -> Range:
    return Range.known(value, source="test")


def settled(**differs) -> PaybackTerms:
    """Return terms in which nothing is left to chance: one rep sells 12 a month, 1,000 each."""
    sales = Sales(known(100), known(12), known(1), known(1_000), known(0))
    told = {
        "reps": 1,
        "horizon": 24,
        "trials": 100,
        "base": known(6_000),
        "loaded": known(18_000),
        "tooling": known(1_200),
        "pql_infrastructure": known(6_000),
        "ramp": known(0),
        "margin": known(0.5),
        "churn": known(0),
        "prepaid": known(0),
        "with_engine": sales,
        "without_engine": replace(sales, conversion=known(0.25)),
    }
    return shipped(**(told | differs))


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_the_shipped_ranges_land_in_what_is_usual(seed):
    told = simulate_payback(shipped(seed=seed))
    low, high = told.usual.with_engine
    assert low <= told.with_engine.payback_month.p50 <= high
    assert told.with_engine.is_usual
    low, high = told.usual.without_engine
    assert low <= told.without_engine.payback_month.p50 <= high
    assert told.without_engine.never_share > 0.02  # or never
    low, high = told.usual.negative_quarters
    assert low <= told.with_engine.negative_quarters.p50 <= high
    assert (told.usual.pure_plg, told.usual.sales_led) == ((6, 14), (18, 30))


def test_it_adds_up_by_hand():
    told = simulate_payback(settled()).with_engine
    # Monthly 12,000 a year are sold: in month m, m x 1,000 come in, half of them margin, and
    # 1,600 go out; 6,000 for the engine. Cash after m months: 250 m (m + 1) - 1,600 m - 6,000.
    for one in told.cash[:12]:
        m = one.month
        assert one.cash.p50 == pytest.approx(250 * m * (m + 1) - 1_600 * m - 6_000)
    assert told.payback_month.p10 == told.payback_month.p90 == 9  # at 8: -800, at 9: 2,100
    assert told.never_share == 0
    assert told.deepest_hole.p50 == pytest.approx(-7_800)
    assert told.hole_month.p50 == 3
    assert told.negative_quarters.p50 == 1
    assert told.new_arr.p50 == pytest.approx(144_000)
    # From the second year on there is only pay: twice the base, and tooling.
    year, after = told.cash[11].cash.p50, told.cash[12].cash.p50
    assert after - year == pytest.approx(13 * 500 - 1_100)


def test_what_is_paid_a_year_ahead_comes_at_once_and_again_a_year_later():
    terms = settled(prepaid=known(1), churn=known(0.5))
    told = simulate_payback(terms).with_engine
    first, second = told.cash[0].cash.p50, told.cash[1].cash.p50
    assert first == pytest.approx(6_000 - 1_600 - 6_000)
    assert second - first == pytest.approx(6_000 - 1_600)
    assert told.cash[12].cash.p50 - told.cash[11].cash.p50 == pytest.approx(9_000 - 1_100)


def test_churn_takes_of_what_was_sold():
    sales = replace(settled().with_engine, accounts=known(12))
    whole = simulate_payback(settled(with_engine=sales)).with_engine
    less = simulate_payback(settled(with_engine=sales, churn=known(0.5))).with_engine
    assert less.cash[0] == whole.cash[0]
    kept = 0.5 ** (1 / 12)
    gained = less.cash[1].cash.p50 - less.cash[0].cash.p50
    assert gained == pytest.approx((1_000 * kept + 1_000) / 2 - 1_600)


def test_reps_sell_no_more_than_there_is_and_no_more_than_they_can():
    sales = settled().with_engine
    short = simulate_payback(settled(with_engine=replace(sales, accounts=known(6)))).with_engine
    assert short.new_arr.p50 == pytest.approx(72_000)
    two = simulate_payback(settled(reps=2)).with_engine
    assert two.new_arr.p50 == pytest.approx(288_000)


def test_a_ramp_and_a_cycle_put_sales_off():
    ramped = simulate_payback(settled(ramp=known(4))).with_engine
    # An eighth of capacity in the first month: 1,500 a year are sold.
    assert ramped.cash[0].cash.p50 == pytest.approx(1_500 / 12 / 2 - 1_600 - 6_000)
    slow = replace(settled().with_engine, cycle=known(3))
    told = simulate_payback(settled(with_engine=slow)).with_engine
    assert told.cash[2].cash.p50 == pytest.approx(-3 * 1_600 - 6_000)
    assert told.cash[3].cash.p50 == pytest.approx(-4 * 1_600 - 6_000 + 500)


def test_never_is_never_and_not_the_horizon():
    told = simulate_payback(settled(margin=known(0.01)))
    assert told.with_engine.never_share == 1
    assert told.with_engine.payback_month.p10 is None
    assert told.with_engine.is_usual is False
    assert as_plain(told)["with_engine"]["payback_month"] == {"p10": None, "p50": None, "p90": None}


def test_some_futures_never_pay_back():
    told = simulate_payback(settled(margin=Range(0.0, 0.02, 0.5), trials=2_000)).with_engine
    assert 0.05 < told.never_share < 0.95
    assert told.payback_month.p10 is not None
    assert told.payback_month.p90 is None


def test_only_who_has_an_engine_pays_for_it():
    same = settled().with_engine
    told = simulate_payback(settled(without_engine=same))
    gap = [
        a.cash.p50 - b.cash.p50
        for a, b in zip(told.with_engine.cash, told.without_engine.cash, strict=True)
    ]
    assert gap == pytest.approx([-6_000] * 24)


def test_a_seed_makes_the_same_futures():
    terms = shipped(trials=500)
    assert simulate_payback(terms) == simulate_payback(terms)
    assert simulate_payback(terms) != simulate_payback(replace(terms, seed=1))


def test_what_is_known_takes_the_place_of_a_range_and_changes_no_other_draw():
    terms = shipped(trials=500)
    sales = replace(terms.with_engine, acv=Range.known(13_000, source="opportunities"))
    told = simulate_payback(replace(terms, with_engine=sales))
    assert dict(told.sources)["with_engine.acv"] == "opportunities"
    assert dict(told.sources)["with_engine.cycle"] == "configuration"
    assert told.without_engine == simulate_payback(terms).without_engine


@given(st.integers(0, 10_000), st.floats(1.05, 3))
@settings(max_examples=25, deadline=None)
def test_more_margin_is_never_worse(seed, times):
    terms = shipped(trials=200, seed=seed, margin=known(0.3))
    less = simulate_payback(terms).with_engine
    more = simulate_payback(replace(terms, margin=known(0.3 * times))).with_engine
    inf = float("inf")
    for name in ("p10", "p50", "p90"):
        before, after = getattr(less.payback_month, name), getattr(more.payback_month, name)
        assert (inf if after is None else after) <= (inf if before is None else before)
        assert getattr(more.deepest_hole, name) >= getattr(less.deepest_hole, name)
    assert more.never_share <= less.never_share


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_fan_is_in_order(seed):
    told = simulate_payback(shipped(trials=200, seed=seed))
    for course in (told.with_engine, told.without_engine):
        fans = np.array([[one.cash.p10, one.cash.p50, one.cash.p90] for one in course.cash])
        assert (np.diff(fans, axis=1) >= 0).all()
        assert len(fans) == 48
        assert course.deepest_hole.p90 <= 0
