"""The fit is the minimum that it says: against scikit-learn, and against a general minimiser."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from groundswell.scoring.learning.choosing import Way, fit_way
from groundswell.scoring.learning.logistic import fit_logistic, log_loss
from groundswell.scoring.learning.terms import Terms


@pytest.fixture
def rows():
    rng = np.random.default_rng(1)
    design = rng.normal(size=(400, 4))
    label = rng.random(400) < 1 / (1 + np.exp(1 - design[:, 0]))
    return design, label, rng.uniform(0.2, 2.0, 400)


@pytest.mark.parametrize("penalty", [0.1, 10.0])
def test_plain_ridge_is_that_of_scikit_learn(rows, penalty):
    design, label, weight = rows
    ours = fit_logistic(design, label, weight, np.full(4, penalty))
    theirs = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=1000)
    theirs.fit(design, label, sample_weight=weight)
    assert ours[0] == pytest.approx(theirs.intercept_[0], abs=1e-5)
    assert ours[1:] == pytest.approx(theirs.coef_[0], abs=1e-5)


def test_a_neighbouring_start_ends_at_the_same_place(rows):
    design, label, weight = rows
    cold = fit_logistic(design, label, weight, np.full(4, 1.0))
    near = fit_logistic(design, label, weight, np.full(4, 3.0))
    warm = fit_logistic(design, label, weight, np.full(4, 1.0), start=near)
    assert warm == pytest.approx(cold, abs=1e-5)


def test_rows_that_a_line_parts_wholly_have_a_finite_answer():
    design = np.concatenate([np.full(30, -1.0), np.full(30, 1.0)])[:, None]
    found = fit_logistic(design, design[:, 0] > 0, np.ones(60), np.ones(1))
    assert np.isfinite(found).all()
    assert found[1] > 1


def test_the_scale_of_the_prior_is_free_and_all_beside_it_is_penalised(made):
    """min over beta and s of the log-loss + penalty/2 * ||beta - s * w0||^2, by brute force."""
    examples = made(300)
    terms = Terms.of(examples, bends=0)
    prior = np.zeros(len(terms))
    prior[:3] = 1.0, 1.0, 0.5
    model, scale = fit_way(examples, Way(terms, prior, 7.0))
    design = terms.design(examples.features)

    def loss(at):
        said = at[0] + design @ at[2:]
        away = at[2:] - at[1] * prior
        return log_loss(said, examples.label).sum() + 3.5 * away @ away

    best = minimize(loss, np.zeros(2 + len(terms)), method="BFGS", options={"gtol": 1e-6})
    assert scale == pytest.approx(best.x[1], abs=1e-3)
    assert model.intercept == pytest.approx(best.x[0], abs=1e-3)
    assert model.weights == pytest.approx(best.x[2:], abs=1e-3)


def test_a_prior_that_points_the_wrong_way_is_plain_ridge(made):
    examples = made(300)
    terms = Terms.of(examples, bends=0)
    wrong = np.zeros(len(terms))
    wrong[0] = -1.0
    model, scale = fit_way(examples, Way(terms, wrong, 7.0))
    plain, _ = fit_way(examples, Way(terms, None, 7.0))
    assert scale is None
    assert model.weights == pytest.approx(plain.weights)
