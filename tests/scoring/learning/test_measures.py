"""Every measure equals scikit-learn's, with weights and ties; intervals hold what they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from groundswell.scoring.learning.measures import (
    Judged,
    Ranked,
    average_precision,
    brier,
    calibration_error,
    roc_auc,
    top_lift,
)

CELLS = st.tuples(st.integers(0, 6), st.booleans(), st.integers(1, 5))


def ranked(score, label, weight):
    """Rank rows, and return their weights in that order."""
    chance = score / 6
    found = Ranked.of(score, chance, label, weight)
    return found, weight[found.order], chance


@given(st.lists(CELLS, min_size=2, max_size=60))
def test_ranking_and_chances_are_measured_as_scikit_learn_does(cells):
    score, label, weight = (np.array(column) for column in zip(*cells, strict=True))
    score, weight, label = score.astype(float), weight.astype(float), label.astype(bool)
    if label.all() or not label.any():
        return
    rows, weights, chance = ranked(score, label, weight)
    assert roc_auc(rows, weights) == pytest.approx(
        metrics.roc_auc_score(label, score, sample_weight=weight)
    )
    assert average_precision(rows, weights) == pytest.approx(
        metrics.average_precision_score(label, score, sample_weight=weight)
    )
    assert brier(rows, weights) == pytest.approx(
        metrics.brier_score_loss(label, chance, sample_weight=weight)
    )


def test_lift_and_calibration_error_by_hand():
    score = np.arange(20.0)
    label = np.zeros(20, dtype=bool)
    label[[19, 18, 3, 4]] = True
    rows = Ranked.of(score, np.full(20, 0.2), label, np.ones(20))
    assert top_lift(rows, np.ones(20)) == pytest.approx(5.0)  # both of the top tenth, of 0.2
    assert calibration_error(rows, np.ones(20)) == pytest.approx(0.0)  # 0.2 of all, as was said
    said = np.where(score > 9, 0.5, 0.0)  # 2 of 10, and 2 of 10
    rows = Ranked.of(score, said, label, np.ones(20))
    assert calibration_error(rows, np.ones(20)) == pytest.approx((10 * 0.3 + 10 * 0.2) / 20)


def test_a_tie_across_the_edge_of_the_top_is_shared():
    label = np.array([True] * 2 + [False] * 8)
    rows = Ranked.of(np.zeros(10), np.zeros(10), label, np.ones(10))
    assert top_lift(rows, np.ones(10)) == pytest.approx(1.0)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(100):
        label = rng.random(300) < 0.3
        score = rng.normal(size=300) + label
        judged = Judged(score[None], score[None], label, np.arange(300), np.ones(300))
        held += judged.auc(seed=seed, draws=200).holds(0.7602)  # Phi(1 / sqrt(2))
    assert 88 <= held <= 100


def test_rows_of_one_group_are_drawn_together():
    """Rows that are copies tell no more than one: the interval is that of the groups."""
    rng = np.random.default_rng(0)
    label = rng.random(100) < 0.5
    score = rng.normal(size=100) + label
    once = Judged(score[None], score[None], label, np.arange(100), np.ones(100))
    copies = np.repeat(np.arange(100), 20)
    many = Judged(score[copies][None], score[copies][None], label[copies], copies, np.ones(2000))
    assert many.auc(seed=3, draws=300) == once.auc(seed=3, draws=300)


def test_rounds_are_averaged():
    label = np.array([True, False] * 30)
    good, bad = label.astype(float), 1.0 - label
    judged = Judged(np.stack([good, bad]), np.stack([good, bad]), label, np.arange(60), np.ones(60))
    assert judged.figures(seed=0, draws=20)["roc_auc"].value == 0.5
