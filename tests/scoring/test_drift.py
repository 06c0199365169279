"""The stability index: by hand, and how often it warns of nothing."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from groundswell.scoring.drift import measure_drift


def drift(before, after, units=None):
    before, after = pl.Series("x", before), pl.Series("x", after)
    return measure_drift(before, after, units=units or (len(before), len(after)))


def test_levels_by_hand():
    found = drift(["a"] * 800 + ["b"] * 200, ["a"] * 400 + ["b"] * 600)
    shares = [(800.5 / 1001, 400.5 / 1001), (200.5 / 1001, 600.5 / 1001)]
    assert found.psi == pytest.approx(sum((q - p) * np.log(q / p) for p, q in shares))
    assert found.warns
    assert found.line == 0.1  # 6.63 * (1/1000 + 1/1000) is less


def test_what_is_unknown_or_new_is_a_bin():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=2_000)
    holes = pl.Series(numbers).set(pl.Series(rng.random(2_000) < 0.3), None)
    assert not drift(numbers, rng.normal(size=2_000)).warns
    assert drift(numbers, holes).warns
    assert drift(["a"] * 500, ["a"] * 250 + ["b"] * 250).warns


def test_what_never_differs_has_not_moved():
    assert drift([1.0] * 50, [1.0] * 70).psi == 0.0


@pytest.mark.parametrize(("before", "after"), [(1000, 100), (1000, 1000), (300, 60), (5000, 400)])
def test_it_warns_of_nothing_in_fewer_than_five_of_a_hundred(before, after):
    rng = np.random.default_rng(before + after)
    alarms = customary = 0
    for _ in range(400):
        found = drift(rng.lognormal(size=before), rng.lognormal(size=after))
        alarms += found.warns
        customary += found.psi > 0.1
    assert alarms <= 0.05 * 400
    if (before, after) == (1000, 100):
        assert customary > 0.3 * 400  # what the customary threshold alone would do


def test_rows_of_few_accounts_are_as_few_as_those():
    """Forty rows of each account say no more than one of each."""
    rng = np.random.default_rng(4)
    alarms = careless = 0
    for _ in range(100):
        before, after = np.repeat(rng.normal(size=60), 40), np.repeat(rng.normal(size=60), 40)
        alarms += drift(before, after, units=(60, 60)).warns
        careless += drift(before, after).warns
    assert alarms <= 5
    assert careless > 50
