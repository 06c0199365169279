"""How many accounts an effect takes, what could have been seen so far, and how long to wait."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.measure.experiments.balance import check_balance
from groundswell.measure.experiments.effects import Sample, compare_shares
from groundswell.measure.experiments.power import (
    accounts_needed,
    smallest_mean_effect,
    smallest_share_effect,
    wait_for,
)

MONDAY = dt.date(2026, 6, 1)


def test_half_as_much_again_of_five_percent_takes_4072_accounts():
    assert accounts_needed(0.05, 0.075, holdout=0.2) == 4072
    assert accounts_needed(0.05, 0.075, holdout=0.5) < 4072 / 1.3
    assert accounts_needed(0.05, 0.075, holdout=0.2, design=2) == 8144


def test_so_many_accounts_do_see_it():
    """By the plain interval, which is planned with; Newcombe's is a little more careful."""
    rng = np.random.default_rng(0)
    contacted = np.arange(4072) >= 814
    plain = careful = 0
    for _ in range(500):
        bought = rng.random(4072) < np.where(contacted, 0.075, 0.05)
        found = compare_shares(Sample.of(bought, contacted))
        plain += abs(found.difference.value) > 1.96 * np.sqrt(found.variance)
        careful += not found.difference.low <= 0 <= found.difference.high
    assert plain / 500 == pytest.approx(0.785, abs=0.05)
    assert careful / 500 == pytest.approx(0.73, abs=0.05)


@given(
    st.floats(0.01, 0.6), st.floats(0.02, 0.3), st.floats(0.05, 0.95), st.sampled_from([0.5, 1, 3])
)
def test_there_and_back_is_the_same(base, rise, holdout, design):
    needed = accounts_needed(base, base + rise, holdout=holdout, design=design)
    if needed < 200:
        return
    back = smallest_share_effect(
        base, round(needed * (1 - holdout)), round(needed * holdout), design=design
    )
    assert back == pytest.approx(rise, rel=0.06)


def test_what_cannot_be_seen_at_all_is_not_told():
    assert smallest_share_effect(0.05, 0, 100) is None
    assert smallest_share_effect(0.5, 4, 2) is None
    assert smallest_share_effect(0.05, 400, 100) > smallest_share_effect(0.05, 800, 200)
    assert smallest_mean_effect(None) is None
    assert smallest_mean_effect(4.0) == pytest.approx(2 * 2.8016, abs=1e-3)


def waits(needed: int, assigned: list[dt.date], **of):
    told = {"as_of": MONDAY, "horizon": 90, "recent": 28, "since": dt.date(2026, 1, 1), **of}
    return wait_for(needed, assigned, **told)


def test_the_wait_is_for_accounts_to_come_in_and_then_have_their_time():
    assigned = [MONDAY - dt.timedelta(days=day) for day in range(28)] * 2  # 14 a week
    found = waits(126, assigned)
    assert (found.enrolled, found.weekly) == (56, 14)
    assert found.weeks == 18  # 5 weeks for 70 more, and 90 days


def test_those_that_came_in_already_are_only_waited_for():
    assigned = [MONDAY - dt.timedelta(days=day) for day in (80, 60, 20, 10)]
    assert waits(2, assigned).weeks == 5  # the second is due in 30 days
    assert waits(1, assigned).weeks == 2
    assert waits(1, [MONDAY - dt.timedelta(days=200)]).weeks == 0


def test_a_young_experiment_is_measured_by_the_days_it_had():
    assigned = [MONDAY - dt.timedelta(days=day) for day in range(7)]
    assert waits(70, assigned, since=MONDAY - dt.timedelta(days=6)).weekly == 7
    assert waits(70, [MONDAY - dt.timedelta(days=100)]).weeks is None


@pytest.mark.parametrize(
    ("contacted", "held_out", "alarm"),
    [(800, 200, False), (810, 190, False), (800, 260, True), (60, 0, True), (8, 0, False)],
)
def test_arms_of_sizes_that_are_not_chance_raise_an_alarm(contacted, held_out, alarm):
    assert check_balance(contacted, held_out, share=0.2).alarm is alarm


def test_arms_made_by_chance_seldom_raise_it():
    rng = np.random.default_rng(0)
    for n in (20, 2000):
        held = rng.binomial(n, 0.2, 20_000)
        sizes, times = np.unique(held, return_counts=True)
        found = [check_balance(n - int(one), int(one), share=0.2).alarm for one in sizes]
        assert (times * found).sum() / 20_000 <= 0.0016
    assert check_balance(0, 0, share=0.2).p is None
