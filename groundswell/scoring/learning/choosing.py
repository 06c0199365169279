"""How much to shrink, towards what, and how bent: by the log-loss of rows not learned from.

A model is a point between two: what the hand-made score says, at a scale that is learned, and
what these rows say by themselves. The prior's direction is one column without a penalty, all
terms beside it are penalised; so the penalty is lambda * ||beta - s * w0||^2 with the scale s
free. Where the prior points the wrong way (s <= 0), or is not there, the rest is plain ridge.

Of all that do as well as the best within half a standard error, the simplest is taken: straight
before bent, and the largest penalty. Source of the rule: Breiman, Friedman, Olshen and Stone,
Classification and Regression Trees, 1984, section 3.4.3; theirs is a whole one, which leans on a
prior too much: with 24 outcomes and half its signs wrong it costs twice as much AUC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from groundswell.scoring.learning.logistic import fit_logistic, log_loss
from groundswell.scoring.learning.model import LinearModel
from groundswell.scoring.learning.terms import AS_IS, BENDS, Terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from groundswell.scoring.learning.examples import Examples, Split

    Floats = NDArray[np.float64]

PENALTIES = np.geomspace(0.1, 10_000.0, 9)
"""What is tried, from a model that is nearly free to one that is nearly the prior."""

BENT_FROM = 120
"""Curves are tried from so many rows of the rarer outcome on."""

NEAR = 0.5
"""Standard errors within which a way does as well as the best."""

_SLOPE = 1e-9


@dataclass(frozen=True)
class Way:
    """How a model is fitted.

    Attributes:
        terms: What it is made of.
        prior: By term, what the hand-made score says; none for plain ridge.
        penalty: Lambda.
    """

    terms: Terms
    prior: Floats | None
    penalty: float

    @property
    def is_bent(self) -> bool:
        """Whether a number's curve may change its slope."""
        return any(term.kind == "bend" for term in self.terms.terms)


@dataclass(frozen=True)
class Fitted:
    """A model and how it came to be.

    Attributes:
        model: What was fitted.
        way: How.
        prior_scale: s, by which the prior was multiplied; none for plain ridge.
        log_odds: By row of the examples, as said by a model that did not learn from it; NaN for
            the first piece of time, which no model is before.
    """

    model: LinearModel
    way: Way
    prior_scale: float | None
    log_odds: Floats


def choose(
    examples: Examples,
    folds: Sequence[Split],
    *,
    prior: Mapping[str, float] | None = None,
) -> Fitted:
    """Fit the way that does best on rows it did not learn from, in the simplest form.

    Args:
        examples: What is learned from.
        folds: How its rows are split.
        prior: By feature or term (`Term.label`), the weight of the hand-made score.
    """
    bent = (0, BENDS) if examples.rarer >= BENT_FROM else (0,)
    tried: list[tuple[Way, Floats, Floats]] = []
    for bends in bent:
        terms = Terms.of(examples, bends=bends)
        design = terms.design(examples.features)
        for weights in _priors(terms, prior):
            tried += _try(examples, design, folds, terms, weights)
    losses = np.array([loss for _, _, loss in tried])  # [way, fold]
    best = int(losses.mean(axis=1).argmin())
    worse = losses - losses[best]
    error = worse.std(axis=1, ddof=1) / np.sqrt(len(folds)) if len(folds) > 1 else 0.0
    near = np.flatnonzero(
        (worse.mean(axis=1) <= NEAR * error)
        & [(way.prior is None) == (tried[best][0].prior is None) for way, _, _ in tried]
    )
    chosen = min(near, key=lambda k: (tried[k][0].is_bent, -tried[k][0].penalty))
    way, log_odds, _ = tried[chosen]
    model, scale = fit_way(examples, way)
    return Fitted(model, way, scale, log_odds)


def fit_way(examples: Examples, way: Way) -> tuple[LinearModel, float | None]:
    """Return the model that one way makes of the examples, and the prior's scale."""
    return fit_design(way.terms.design(examples.features), examples, way)


def fit_design(
    design: Floats, examples: Examples, way: Way, *, near: Floats | None = None
) -> tuple[LinearModel, float | None]:
    """Return what `fit_way` does, of a design that is there already.

    Args:
        design: [rows, terms of the way].
        examples: What is learned from.
        way: How.
        near: The intercept and the weights of a model that is close, to begin with.
    """
    found, scale = _fit(design, examples, way.prior, way.penalty, start=near)
    return LinearModel(way.terms, float(found[0]), found[1:]), scale


def prior_weights(terms: Terms, prior: Mapping[str, float]) -> Floats:
    """Return the prior by term: of the term itself, or of the feature for a number or a flag.

    What is points already is weighed by the point, all else by the standard deviation.
    """
    found = np.zeros(len(terms))
    for k, term in enumerate(terms.terms):
        plain = term.kind == "number"
        found[k] = prior.get(term.label, prior.get(term.feature, 0.0) if plain else 0.0)
        if terms.scales.get(term.feature) == AS_IS:
            found[k] *= term.scale
    return found


def _priors(terms: Terms, prior: Mapping[str, float] | None) -> list[Floats | None]:
    weights = prior_weights(terms, prior) if prior else np.zeros(0)
    return [None, weights] if weights.any() else [None]


def _try(
    examples: Examples,
    design: Floats,
    folds: Sequence[Split],
    terms: Terms,
    prior: Floats | None,
) -> list[tuple[Way, Floats, Floats]]:
    """Return every penalty with what it says of rows not learned from, and its loss by fold."""
    log_odds = np.full((len(PENALTIES), len(examples)), np.nan)
    losses = np.empty((len(PENALTIES), len(folds)))
    for j, fold in enumerate(folds):
        learned, judged = examples.take(fold.train), examples.take(fold.test)
        known, unseen = design[fold.train], design[fold.test]
        start: Floats | None = None
        for k in reversed(range(len(PENALTIES))):
            start, _ = _fit(known, learned, prior, PENALTIES[k], start=start)
            said = start[0] + unseen @ start[1:]
            log_odds[k, fold.test] = said
            losses[k, j] = np.average(log_loss(said, judged.label), weights=judged.weight)
    return [
        (Way(terms, prior, float(penalty)), log_odds[k], losses[k])
        for k, penalty in enumerate(PENALTIES)
    ]


def _fit(
    design: Floats,
    examples: Examples,
    prior: Floats | None,
    penalty: float,
    *,
    start: Floats | None = None,
) -> tuple[Floats, float | None]:
    """Return the intercept and the weights of the terms, and the prior's scale."""
    penalties = np.full(design.shape[1], penalty)
    if prior is None:
        found = fit_logistic(design, examples.label, examples.weight, penalties, start=start)
        return found, None
    along = design @ prior
    spread = float(along.std())
    if spread < _SLOPE:
        return _fit(design, examples, None, penalty)
    found = fit_logistic(
        np.column_stack([design, along / spread]),
        examples.label,
        examples.weight,
        np.append(penalties, 0.0),
    )
    scale = float(found[-1]) / spread
    if scale <= 0:
        return _fit(design, examples, None, penalty)
    return np.append(found[0], found[1:-1] + scale * prior), scale
