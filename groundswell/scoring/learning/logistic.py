"""Logistic regression with a penalty for each coefficient, by Newton's method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.scoring.learning.examples import Bools

    Floats = NDArray[np.float64]

_STEPS = 60
_TOLERANCE = 1e-8
"""Of the loss: a step that gains less than that is the last."""

_SLOW = 0.1
"""The curvature is computed anew where a step gains more than this of what the last one did; it
costs as much as some forty steps, and most of them do as well with that of a step before."""

_SMALLEST = 1e-9
_RIDGE = 1e-9
"""So little is added where nothing is penalised, that a column of zeros does no harm."""


def fit_logistic(
    design: Floats,
    label: Bools,
    weight: Floats,
    penalty: Floats,
    *,
    start: Floats | None = None,
) -> Floats:
    """Return the coefficients that minimise the penalised log-loss.

    That is sum_i w_i log(1 + exp(-y_i f_i)) + 1/2 sum_j penalty_j b_j^2 with y in {-1, 1}: the
    mode of the posterior under independent normal priors of variance 1 / penalty_j.

    Args:
        design: [rows, columns].
        label: By row.
        weight: By row.
        penalty: By column; 0 leaves a coefficient free.
        start: Where to begin, such as the solution of a neighbouring penalty: [1 + columns].

    Returns:
        The intercept, which is free, and then the coefficients.
    """
    whole = np.column_stack([np.ones(len(design)), design])
    prior = np.concatenate([[0.0], penalty])
    found = np.zeros(whole.shape[1]) if start is None else start.copy()
    said = whole @ found
    loss = _loss(said, label, weight, found, prior)
    factor: Any = None
    gained = np.inf
    for _ in range(_STEPS):
        chance = expit(said)
        if factor is None:
            # Of one array and itself, so that half of it is computed.
            curved = whole * np.sqrt(weight * chance * (1 - chance))[:, None]
            bend = curved.T @ curved
            bend[np.diag_indices_from(bend)] += prior + _RIDGE
            factor = cho_factor(bend)
        slope = whole.T @ (weight * (chance - label)) + prior * found
        step, size = cho_solve(factor, slope), 1.0
        along = whole @ step
        while True:
            moved = found - size * step
            after = _loss(said - size * along, label, weight, moved, prior)
            if after <= loss or size < _SMALLEST:
                break
            size /= 2
        before, gained = gained, loss - after
        if gained <= 0:
            break
        found, said, loss = moved, said - size * along, after
        if gained < _TOLERANCE * max(loss, 1.0):
            break
        if gained > _SLOW * before or size < 1:
            factor = None
    return found


def log_loss(log_odds: Floats, label: Bools) -> Floats:
    """Return the log-loss of each row, in nats."""
    return np.logaddexp(0.0, np.where(label, -log_odds, log_odds))


def _loss(
    log_odds: Floats, label: Bools, weight: Floats, coefficients: Floats, penalty: Floats
) -> float:
    return float(weight @ log_loss(log_odds, label) + penalty @ coefficients**2 / 2)
