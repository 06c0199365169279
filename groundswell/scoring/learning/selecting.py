"""Which features a scorecard needs: few enough to be read, as many as lower the loss.

Features are taken one after the other: each time the one that would lower the penalised log-loss
most, by the slope and the curvature of the loss along its terms (the score test; Rao, 1948). How
many are taken is decided by rows not learned from: the fewest that do as well as the best within
half a standard error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from groundswell.scoring.learning.choosing import BENT_FROM, NEAR
from groundswell.scoring.learning.logistic import fit_logistic, log_loss
from groundswell.scoring.learning.terms import BENDS, Terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from groundswell.scoring.learning.examples import Examples, Split

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

PENALTY = 30.0
"""Of each term while features are chosen; how much they count is decided afterwards."""


def select_features(examples: Examples, folds: Sequence[Split], *, most: int) -> list[str]:
    """Return the features to learn from: those that are points already, and the best others.

    Args:
        examples: What is learned from.
        folds: How its rows are split to see how many are needed.
        most: At most so many, beside those that are points.
    """
    given = [name for name in examples.features.columns if name in examples.points]
    terms = Terms.of(examples, bends=BENDS if examples.rarer >= BENT_FROM else 0)
    design = terms.design(examples.features)
    columns = {name: terms.columns_of(name) for name in terms.features}
    losses = np.array(
        [_losses(design, columns, given, examples, fold, most=most) for fold in folds]
    )  # [fold, features taken]
    means = losses.mean(axis=0)
    best = int(means.argmin())
    worse = losses - losses[:, [best]]
    error = worse.std(axis=0, ddof=1) / np.sqrt(len(folds)) if len(folds) > 1 else np.zeros(1)
    count = int(np.flatnonzero(worse.mean(axis=0) <= NEAR * error)[0])
    everything = np.arange(len(examples))
    taken = list(_taken(design, columns, given, examples, everything, most=count))
    return [*given, *taken[-1][0]]


def _losses(
    design: Floats,
    columns: Mapping[str, Ints],
    given: Sequence[str],
    examples: Examples,
    fold: Split,
    *,
    most: int,
) -> list[float]:
    """Return the loss of rows not learned from with none, one, two ... features taken."""
    judged = examples.take(fold.test)
    found: list[float] = []
    for names, coefficients in _taken(design, columns, given, examples, fold.train, most=most):
        used = _columns(columns, [*given, *names])
        said = coefficients[0] + design[np.ix_(fold.test, used)] @ coefficients[1:]
        found.append(float(np.average(log_loss(said, judged.label), weights=judged.weight)))
    return found + [found[-1]] * (most + 1 - len(found))


def _taken(
    design: Floats,
    columns: Mapping[str, Ints],
    given: Sequence[str],
    examples: Examples,
    rows: Ints,
    *,
    most: int,
) -> list[tuple[list[str], Floats]]:
    """Take features one after the other; return what was taken, and the model, at every step."""
    label, weight, known = examples.label[rows], examples.weight[rows], design[rows]
    names: list[str] = []
    steps: list[tuple[list[str], Floats]] = []
    while True:
        used = _columns(columns, [*given, *names])
        part = known[:, used]
        coefficients = fit_logistic(part, label, weight, np.full(len(used), PENALTY))
        steps.append((list(names), coefficients))
        left = [name for name in columns if name not in names and name not in given]
        if len(names) == most or not left:
            return steps
        chance = expit(coefficients[0] + part @ coefficients[1:])
        pull = known.T @ (weight * (label - chance))
        bend = weight * chance * (1 - chance)
        gains = [_gain(known[:, columns[name]], pull[columns[name]], bend) for name in left]
        names.append(left[int(np.argmax(gains))])


def _gain(part: Floats, pull: Floats, bend: Floats) -> float:
    """Return about how much lower the loss is with some terms more."""
    curved = (part * bend[:, None]).T @ part
    curved[np.diag_indices_from(curved)] += PENALTY
    return float(pull @ np.linalg.solve(curved, pull)) / 2


def _columns(columns: Mapping[str, Ints], names: Sequence[str]) -> Ints:
    found = [columns[name] for name in names if name in columns]
    return np.concatenate(found) if found else np.arange(0)
