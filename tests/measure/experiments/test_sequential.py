"""Looking every day: the false alarms stay as few as promised, a real effect is still seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from groundswell.measure.experiments.effects import Sample, compare_means, compare_shares
from groundswell.measure.experiments.sequential import always_valid, margin

SEEDS = 1000
DAYS = 120
A_DAY = 20
PLANNED = 1000


def drawn(*, base: float, effect: float = 0.0, amounts: bool = False, seeds: int = SEEDS):
    """Return values and arms of many experiments, a row each."""
    rng = np.random.default_rng(0)
    shape = (seeds, DAYS * A_DAY)
    contacted = rng.random(shape) < 0.8
    values = (rng.random(shape) < base + effect * contacted).astype(float)
    return values * rng.lognormal(0, 1, shape) if amounts else values, contacted


def daily(values, contacted):
    """Return every day's difference, variance, and cautious variance: `compare_means`, all at once.

    Days on which an arm has under 30 accounts are NaN.
    """
    ends = np.arange(1, DAYS + 1) * A_DAY - 1
    upto = lambda of: np.cumsum(of, axis=1)[:, ends]  # noqa: E731
    arms = []
    for arm in (contacted, ~contacted):
        n, total, squares = upto(arm), upto(values * arm), upto(values**2 * arm)
        n = np.where(n < 30, np.nan, n)
        arms.append((n, total / n, squares - total**2 / n))
    (n, mean, rest), (n_held, mean_held, rest_held) = arms
    variance = rest / n / (n - 1) + rest_held / n_held / (n_held - 1)
    alike = (rest + rest_held) / (n + n_held - 2) * (1 / n + 1 / n_held)
    return mean - mean_held, variance, np.maximum(variance, alike)


def margins() -> np.ndarray:
    return np.array([margin(day * A_DAY, planned=PLANNED) for day in range(1, DAYS + 1)])


@pytest.mark.parametrize("amounts", [False, True])
def test_a_day_of_the_simulation_is_what_is_told_of_it(amounts):
    values, contacted = drawn(base=0.05, amounts=amounts, seeds=3)
    difference, variance, cautious = daily(values, contacted)
    for seed, day in ((0, 12), (1, 40), (2, DAYS)):
        upto = slice(day * A_DAY)
        sample = Sample.of(values[seed, upto], contacted[seed, upto])
        found = compare_means(sample)
        assert found.variance == pytest.approx(variance[seed, day - 1])
        assert found.cautious == pytest.approx(cautious[seed, day - 1])
        told = always_valid(found if amounts else compare_shares(sample), planned=PLANNED)
        half = np.sqrt(cautious[seed, day - 1]) * margins()[day - 1]
        assert told.value == pytest.approx(difference[seed, day - 1])
        assert told.high - told.value == pytest.approx(half)
        assert told.value - told.low == pytest.approx(half)


@pytest.mark.parametrize(
    ("base", "amounts"), [(0.01, False), (0.05, False), (0.25, False), (0.05, True)]
)
def test_false_alarms_of_daily_looks_stay_as_few_as_promised(base, amounts):
    difference, variance, cautious = daily(*drawn(base=base, amounts=amounts))
    valid = (np.abs(difference) > margins() * np.sqrt(cautious)).any(axis=1).mean()
    usual = (np.abs(difference) > 1.96 * np.sqrt(variance)).any(axis=1).mean()
    assert valid <= 0.05
    assert usual > 0.3  # what the usual interval does when looked at every day


def test_without_caution_an_arm_with_no_conversions_yet_raises_false_alarms():
    difference, variance, _ = daily(*drawn(base=0.01))
    assert (np.abs(difference) > margins() * np.sqrt(variance)).any(axis=1).mean() > 0.05


def test_a_real_effect_is_seen_and_its_size_held_on_all_days():
    difference, _, cautious = daily(*drawn(base=0.1, effect=0.12))
    half = margins() * np.sqrt(cautious)
    assert (difference > half).any(axis=1).mean() > 0.9
    assert (np.abs(difference - 0.12) > half).any(axis=1).mean() <= 0.05


def test_it_is_wider_than_the_usual_one_and_tightest_where_planned():
    assert all(margin(n, planned=4072) > 1.96 for n in (50, 500, 4072, 50_000, 10**7))
    width = lambda n, planned: margin(n, planned=planned) / np.sqrt(n)  # noqa: E731
    best = optimize.minimize_scalar(
        lambda planned: width(2000, planned), bounds=(100, 40_000), method="bounded"
    )
    assert best.x == pytest.approx(2000, rel=0.01)
    assert margin(2000, planned=2000, level=0.99) > margin(2000, planned=2000, level=0.95)


def test_nothing_is_told_of_few_accounts():
    values = [1, 0] * 40
    few = compare_shares(Sample.of(values, [True] * 51 + [False] * 29))
    more = compare_shares(Sample.of(values, [True] * 50 + [False] * 30))
    assert always_valid(few, planned=1000).low is None
    assert always_valid(more, planned=1000).low is not None
    assert always_valid(compare_shares(Sample.of([], [])), planned=1000).value is None


def test_an_arm_where_nobody_converted_yet_is_not_taken_to_be_certain():
    contacted = np.array([True] * 160 + [False] * 40)
    values = np.zeros(200)
    values[:12] = 1
    found = compare_shares(Sample.of(values, contacted))
    assert found.cautious > 2 * found.variance
