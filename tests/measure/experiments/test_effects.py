"""Two arms compared: published figures, known intervals, and what holds for any accounts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundswell.measure.experiments.effects import (
    Sample,
    compare_means,
    compare_shares,
    newcombe,
)

HILLSTROM = Path(__file__).parents[4] / "shared" / "data" / "hillstrom" / "hillstrom.csv.gz"


@pytest.fixture(scope="module")
def mailed() -> pl.DataFrame:
    return pl.read_csv(HILLSTROM, infer_schema_length=None)


@pytest.mark.data
@pytest.mark.skipif(not HILLSTROM.exists(), reason="the real data sets are not beside the project")
@pytest.mark.parametrize(
    ("arm", "column", "value", "low", "high"),
    [
        ("Mens E-Mail", "visit", 0.0766, 0.0700, 0.0832),
        ("Womens E-Mail", "visit", 0.0452, 0.0389, 0.0516),
        ("Mens E-Mail", "conversion", 0.00681, None, None),
        ("Womens E-Mail", "conversion", 0.00311, None, None),
    ],
)
def test_a_published_experiment_comes_out(mailed, arm, column, value, low, high):
    rows = mailed.filter(pl.col("segment").is_in([arm, "No E-Mail"]))
    contacted = rows["segment"].to_numpy() == arm
    found = compare_shares(Sample.of(rows[column].to_numpy(), contacted)).difference
    assert found.value == pytest.approx(value, abs=1e-4)
    assert found.n == rows.height
    if low is not None:
        assert found.low == pytest.approx(low, abs=1e-4)
        assert found.high == pytest.approx(high, abs=1e-4)


@pytest.mark.data
@pytest.mark.skipif(not HILLSTROM.exists(), reason="the real data sets are not beside the project")
def test_what_a_real_experiment_brought_is_welchs(mailed):
    mens = mailed.filter(pl.col("segment") == "Mens E-Mail")["spend"].to_numpy()
    none = mailed.filter(pl.col("segment") == "No E-Mail")["spend"].to_numpy()
    sample = Sample.of(np.append(mens, none), np.repeat([True, False], [len(mens), len(none)]))
    found = compare_means(sample).difference
    assert (found.value, found.low, found.high) == pytest.approx((0.7698, 0.4851, 1.0545), abs=1e-4)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [  # Newcombe 1998, table II, method 10
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((0, 10, 0, 20), -0.1611, 0.2775),
    ],
)
def test_the_interval_of_two_shares_is_newcombes(counts, low, high):
    found = newcombe(*counts)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
    hits, n, hits_held, n_held = counts
    values = np.repeat([1, 0, 1, 0], [hits, n - hits, hits_held, n_held - hits_held])
    sample = Sample.of(values, np.repeat([True, False], [n, n_held]))
    assert compare_shares(sample).difference == found


def test_motions_are_compared_within_themselves():
    """Simpson: contact helps in neither motion, but goes mostly to the one that buys anyway."""
    rng = np.random.default_rng(7)
    motion = np.repeat([0, 1], [2000, 2000])
    contacted = rng.random(4000) < np.where(motion == 1, 0.9, 0.3)
    values = rng.random(4000) < np.where(motion == 1, 0.4, 0.05)
    pooled = compare_shares(Sample.of(values, contacted)).difference
    within = compare_shares(Sample.of(values, contacted, strata=motion)).difference
    assert pooled.low > 0.1
    assert within.low < 0 < within.high
    assert abs(within.value) < 0.03


def test_each_arm_is_weighed_so_that_one_less_the_other_is_the_difference():
    rng = np.random.default_rng(3)
    strata = rng.integers(0, 3, 600)
    sample = Sample.of(rng.random(600) < 0.3, rng.random(600) < 0.8, strata=strata)
    for found in (compare_shares(sample), compare_means(sample)):
        assert found.contacted.value - found.held_out.value == pytest.approx(found.difference.value)
        assert found.contacted.n + found.held_out.n == found.difference.n == 600
        for arm in (found.contacted, found.held_out):
            assert arm.low < arm.value < arm.high


def test_a_motion_weighs_as_many_accounts_as_it_has():
    strata = np.repeat([0, 1], [300, 100])
    contacted = np.tile([True, False, True, True], 100)
    values = (strata == 0) & contacted  # contact makes all buy in one motion, none in the other
    sample = Sample.of(values, contacted, strata=strata)
    assert compare_shares(sample).difference.value == pytest.approx(0.75)
    assert compare_means(sample).difference.value == pytest.approx(0.75)


def test_accounts_of_a_parent_count_together():
    rng = np.random.default_rng(5)
    parent = np.repeat(np.arange(100), 5)
    values = (rng.random(100) < 0.3)[parent]  # all of a parent do the same
    contacted = (np.arange(100) < 60)[parent]
    apart = compare_shares(Sample.of(values, contacted))
    together = compare_shares(Sample.of(values, contacted, clusters=parent))
    one_each = compare_shares(Sample.of(values[::5], contacted[::5]))
    assert together.design == pytest.approx(5, rel=0.1)
    assert together.difference.low == pytest.approx(one_each.difference.low, abs=0.005)
    assert together.difference.high == pytest.approx(one_each.difference.high, abs=0.005)
    assert apart.difference.low > together.difference.low
    mean = compare_means(Sample.of(values, contacted, clusters=parent)).difference
    alone = compare_means(Sample.of(values[::5], contacted[::5])).difference
    assert (mean.low, mean.high) == pytest.approx((alone.low, alone.high))


def test_a_parent_in_several_motions_still_counts_once():
    rng = np.random.default_rng(11)
    parent = np.tile(np.arange(200), 2)
    motion = np.repeat([0, 1], 200)
    contacted = (np.arange(200) < 150)[parent]
    values = rng.normal(size=200)[parent]
    found = compare_means(Sample.of(values, contacted, strata=motion, clusters=parent))
    once = compare_means(Sample.of(values[:200], contacted[:200]))
    assert found.variance == pytest.approx(once.variance)


def test_a_stratum_with_one_arm_is_left_out_and_counted():
    strata = [0] * 8 + [1] * 5
    contacted = [True, False] * 4 + [True] * 5
    found = compare_shares(Sample.of([1, 0] * 4 + [1] * 5, contacted, strata=strata))
    assert (found.difference.value, found.difference.n, found.left_out) == (1.0, 8, 5)


@pytest.mark.parametrize("compare", [compare_shares, compare_means])
def test_nothing_is_told_of_nobody(compare):
    for contacted in ([], [True] * 5, [False] * 5, [True, True, False]):
        found = compare(Sample.of([1.0] * len(contacted), contacted))
        assert found.difference.value is None
        assert found.left_out == len(contacted)


def test_where_nothing_varies_a_mean_has_no_interval_but_a_share_has():
    sample = Sample.of([0] * 40, [True] * 30 + [False] * 10)
    mean, share = compare_means(sample).difference, compare_shares(sample).difference
    assert (mean.value, mean.low, mean.high) == (0, None, None)
    assert (share.low, share.high) == pytest.approx((-0.2775, 0.1135), abs=1e-4)


ARMS = st.tuples(
    st.lists(st.integers(-50, 50), min_size=3, max_size=30),
    st.lists(st.integers(-50, 50), min_size=3, max_size=30),
)


@given(ARMS)
def test_a_mean_is_welchs_and_turns_around_with_the_arms(arms):
    one, other = (np.array(values, dtype=float) for values in arms)
    contacted = np.repeat([True, False], [len(one), len(other)])
    values = np.append(one, other)
    found = compare_means(Sample.of(values, contacted)).difference
    back = compare_means(Sample.of(values, ~contacted)).difference
    assert back.value == pytest.approx(-found.value)
    if np.ptp(one) == 0 and np.ptp(other) == 0:
        assert found.low is None
        return
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return  # scipy warns of it
    told = stats.ttest_ind(one, other, equal_var=False).confidence_interval()
    assert (found.low, found.high) == pytest.approx((told.low, told.high))
    assert (back.low, back.high) == pytest.approx((-told.high, -told.low))


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 2)), min_size=1, max_size=60),
    st.sampled_from([0.8, 0.95, 0.99]),
)
def test_a_difference_of_shares_stays_within_its_bounds(rows, level):
    values, contacted, strata = (np.array(column) for column in zip(*rows, strict=True))
    found = compare_shares(Sample.of(values, contacted, strata=strata), level=level)
    if found.difference.value is None:
        return
    assert -1 <= found.difference.low <= found.difference.value <= found.difference.high <= 1
    turned = compare_shares(Sample.of(~values, contacted, strata=strata), level=level)
    assert turned.difference.value == pytest.approx(-found.difference.value)
    assert turned.difference.low == pytest.approx(-found.difference.high)
    assert found.cautious is None or found.cautious >= found.variance


def test_intervals_hold_the_truth_as_often_as_they_say():
    """500 companies of 600 accounts in two motions, parents of several accounts, 20% held out."""
    rng = np.random.default_rng(0)
    shares = means = 0
    for _ in range(500):
        parents = 400
        sizes = 1 + rng.poisson(0.5, parents)
        parent = np.repeat(np.arange(parents), sizes)
        motion = rng.integers(0, 2, len(parent))
        contacted = (rng.random(parents) < 0.8)[parent]
        lean = rng.beta(4, 16, parents)[parent]  # accounts of a parent are alike
        chance = lean + 0.1 * motion + 0.08 * contacted
        bought = rng.random(len(parent)) < chance
        sample = Sample.of(bought, contacted, strata=motion, clusters=parent)
        share = compare_shares(sample).difference
        shares += share.low <= 0.08 <= share.high
        worth = bought * rng.lognormal(0, 0.5, len(parent))
        mean = compare_means(sample.worth(worth)).difference
        truth = 0.08 * np.exp(0.125)
        means += mean.low <= truth <= mean.high
    least, most = stats.binom.ppf([0.001, 0.999], 500, 0.95)
    assert least <= shares <= most
    assert least <= means <= most
