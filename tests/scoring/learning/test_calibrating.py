"""Chances come true: the level alone, the slope, or the curve, by how much there is to learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from groundswell.scoring.learning.calibrating import calibrate


def rows(count: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(-1.0, 1.5, count)
    return truth, rng.random(count) < expit(truth), np.ones(count)


def rarer(label) -> int:
    return int(min(label.sum(), (~label).sum()))


def test_with_few_outcomes_the_level_alone_is_set_right():
    truth, label, weight = rows(300)
    found = calibrate(3 * truth + 2, label, weight, rarer=rarer(label))
    assert (found.how, found.slope) == ("level", 1.0)
    assert found.chance(3 * truth + 2).mean() == pytest.approx(label.mean())


def test_with_more_the_slope_is_too():
    truth, label, weight = rows(2_000)
    found = calibrate(3 * truth + 2, label, weight, rarer=rarer(label))
    assert found.how == "slope"
    assert found.slope == pytest.approx(1 / 3, rel=0.15)
    assert found.log_odds(3 * truth + 2) == pytest.approx(truth, abs=0.7)


def test_with_many_a_curve_that_never_falls():
    truth, label, weight = rows(20_000)
    said = np.sign(truth) * truth**2  # no line sets this right
    found = calibrate(said, label, weight, rarer=rarer(label))
    assert found.how == "curve"
    chance = found.chance(np.sort(said))
    assert (np.diff(chance) >= 0).all()
    assert np.abs(found.chance(said) - expit(truth)).mean() < 0.02
    assert 0 < chance[0] < chance[-1] < 1


def test_weights_count_and_rows_without_a_word_do_not():
    truth, label, _ = rows(5_000)
    weight = np.where(label, 2.0, 1.0)
    found = calibrate(
        np.append(truth, np.nan),
        np.append(label, True),
        np.append(weight, 9.0),
        rarer=rarer(label),
    )
    chance = found.chance(truth)
    assert np.average(chance, weights=weight) == pytest.approx(
        np.average(label, weights=weight), abs=0.01
    )
