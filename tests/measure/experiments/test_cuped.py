"""Adjusting by prior usage: narrower, never biased."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundswell.measure.experiments.cuped import adjust_values, variance_reduction
from groundswell.measure.experiments.effects import Sample, compare_means

SEEDS = 500


def drawn(rng, n: int = 400, effect: float = 0.5):
    """Return a sample whose values lean on usage before, and the usage."""
    usage = rng.lognormal(0, 0.6, n)
    contacted = rng.random(n) < 0.8
    values = 2 * usage + effect * contacted + rng.normal(size=n)
    return Sample.of(values, contacted), usage[:, None]


@pytest.fixture(scope="module")
def many():
    """Many experiments, each compared plainly and adjusted."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(SEEDS):
        sample, usage = drawn(rng)
        adjusted = adjust_values(sample, usage)
        found.append((compare_means(sample), compare_means(adjusted.sample)))
    return found


def test_the_expectation_stays_what_it_was(many):
    off = np.array([adjusted.difference.value - 0.5 for _, adjusted in many])
    assert abs(off.mean()) < 4 * off.std() / np.sqrt(SEEDS)
    plain = np.array([plain.difference.value - 0.5 for plain, _ in many])
    assert off.std() < 0.65 * plain.std()


def test_both_intervals_hold_the_truth_as_often_as_they_say(many):
    least, most = stats.binom.ppf([0.001, 0.999], SEEDS, 0.95)
    for held in zip(
        *[[one.difference.low <= 0.5 <= one.difference.high for one in pair] for pair in many],
        strict=True,
    ):
        assert least <= sum(held) <= most


def test_the_reduction_is_told_as_it_is(many):
    told = np.mean([variance_reduction(*pair) for pair in many])
    plain, adjusted = np.array([[one.difference.value for one in pair] for pair in many]).T
    assert told == pytest.approx(1 - adjusted.var() / plain.var(), abs=0.08)
    assert told > 0.5


def test_chance_imbalance_of_usage_is_taken_out():
    usage = np.array([9.0, 9, 9, 1, 1, 1, 9, 1] * 5)
    contacted = np.array([True, True, True, True, False, False, False, False] * 5)
    sample = Sample.of(usage * 3, contacted)  # contact changes nothing
    found = adjust_values(sample, usage[:, None])
    assert found.theta == pytest.approx((3.0,))
    assert compare_means(sample).difference.value == pytest.approx(12)
    assert compare_means(found.sample).difference.value == pytest.approx(0)


def test_motions_that_differ_do_not_make_theta():
    """Between motions usage and value go together; within them they do not."""
    rng = np.random.default_rng(1)
    motion = np.repeat([0, 1], 500)
    usage, values = rng.normal(size=1000) + 10 * motion, rng.normal(size=1000) + 10 * motion
    sample = Sample.of(values, rng.random(1000) < 0.8, strata=motion)
    assert abs(adjust_values(sample, usage[:, None]).theta[0]) < 0.15


def test_an_unknown_covariate_counts_as_usual():
    sample, usage = drawn(np.random.default_rng(2))
    known = usage.copy()
    known[::7] = np.nan
    found = adjust_values(sample, known)
    assert (found.sample.values[::7] == sample.values[::7]).all()
    assert np.isfinite(found.sample.values).all()


def test_what_does_not_vary_adjusts_nothing():
    sample, usage = drawn(np.random.default_rng(3))
    assert adjust_values(sample, np.ones((400, 1))) is None
    assert adjust_values(sample, np.full((400, 1), np.nan)) is None
    assert adjust_values(sample.keep(np.arange(400) < 19), usage[:19]) is None


@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-100, 100))
def test_the_unit_of_a_covariate_does_not_matter(seed, scale, shift):
    sample, usage = drawn(np.random.default_rng(seed), n=60)
    one = compare_means(adjust_values(sample, usage).sample)
    other = compare_means(adjust_values(sample, usage * scale + shift).sample)
    assert other.difference.value == pytest.approx(one.difference.value, rel=1e-6, abs=1e-6)
    assert other.variance == pytest.approx(one.variance, rel=1e-6)
