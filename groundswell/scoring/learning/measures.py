"""How good a ranking and its chances are, with intervals by drawing whole groups again.

Every measure counts rows by weight, so a draw of the bootstrap is one more vector of weights:
rows are sorted once, and a thousand draws cost a thousand passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Measure = Callable[["Ranked", Floats], float]

DRAWS = 1000
LEVEL = 0.95
BINS = 10
TOP = 0.1


RANKINGS = ("roc_auc", "average_precision", "top_decile_lift")
"""Measures that need no chances."""

PULLED_UP = frozenset(("ece",))
"""Measures that noise makes larger, and a second draw larger again: their draws are moved back."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value and the interval that holds it in 95 of 100 draws."""

    value: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Tell whether a value is within the interval."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Ranked:
    """Rows from the highest score down.

    Attributes:
        label: Whether the outcome came.
        chance: What was said of it; NaN where only the order is known.
        last_of_tie: Rows after which the score falls.
        bin: By row, its tenth by chance, from 0 for the lowest.
    """

    label: Floats
    chance: Floats
    last_of_tie: Ints
    bin: Ints
    order: Ints

    @classmethod
    def of(cls, score: Floats, chance: Floats, label: Bools, weight: Floats) -> Ranked:
        """Sort rows by score."""
        order = np.argsort(-score, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
        return cls(
            label[order].astype(np.float64),
            chance[order],
            ends,
            _tenths(chance[order], weight[order]),
            order,
        )


def roc_auc(ranked: Ranked, weight: Floats) -> float:
    """Return the chance that a positive row is above a negative one; ties count half."""
    won, lost = (
        _at_ties(ranked, weight * ranked.label),
        _at_ties(ranked, weight * (1 - ranked.label)),
    )
    before = np.concatenate([[0.0], won[:-1]])
    area = float(np.sum(np.diff(lost, prepend=0.0) * (won + before)) / 2)
    pairs = float(won[-1] * lost[-1])
    return area / pairs if pairs > 0 else np.nan


def average_precision(ranked: Ranked, weight: Floats) -> float:
    """Return the mean precision over the positive rows, each at its own place."""
    won, seen = _at_ties(ranked, weight * ranked.label), _at_ties(ranked, weight)
    if won[-1] <= 0:
        return np.nan
    precision = np.divide(won, seen, out=np.zeros_like(won), where=seen > 0)
    return float(np.diff(won, prepend=0.0) @ precision / won[-1])


def brier(ranked: Ranked, weight: Floats) -> float:
    """Return the mean squared difference of chance and outcome."""
    return float(weight @ (ranked.chance - ranked.label) ** 2 / weight.sum())


def calibration_error(ranked: Ranked, weight: Floats) -> float:
    """Return the mean difference of chance and share by tenths of the rows (ECE)."""
    weights, said, came = (
        np.bincount(ranked.bin, weights=values, minlength=BINS)
        for values in (weight, weight * ranked.chance, weight * ranked.label)
    )
    return float(np.abs(said - came).sum() / weights.sum())


def top_lift(ranked: Ranked, weight: Floats) -> float:
    """Return how many times the base rate the top tenth has; a tie across its edge is shared."""
    won, seen = _at_ties(ranked, weight * ranked.label), _at_ties(ranked, weight)
    if won[-1] <= 0:
        return np.nan
    caught = np.interp(TOP * seen[-1], np.append(0.0, seen), np.append(0.0, won))
    return float(caught / won[-1] / TOP)


MEASURES: dict[str, Measure] = {
    "roc_auc": roc_auc,
    "average_precision": average_precision,
    "brier": brier,
    "ece": calibration_error,
    "top_decile_lift": top_lift,
}


def rank_auc(score: Floats, label: Bools, weight: Floats) -> float:
    """Return the AUC of a score."""
    return roc_auc(
        Ranked.of(score, score, label, weight), weight[np.argsort(-score, kind="stable")]
    )


@dataclass(frozen=True)
class Judged:
    """What was said of rows that were not learned from, once or in several rounds.

    Attributes:
        scores: [round, row]; only their order counts.
        chances: [round, row]; NaN where only the order is known.
        label: By row.
        group: By row; groups are drawn, not rows.
        weight: By row.
    """

    scores: Floats
    chances: Floats
    label: Bools
    group: Ints
    weight: Floats

    def figures(
        self, *, seed: int, draws: int = DRAWS, names: Iterable[str] = MEASURES
    ) -> dict[str, Figure]:
        """Return some measures, each with its interval; rounds are averaged."""
        rounds = [
            Ranked.of(score, chance, self.label, self.weight)
            for score, chance in zip(self.scores, self.chances, strict=True)
        ]
        chosen = {name: MEASURES[name] for name in names}

        def measured(weight: Floats) -> list[float]:
            """Return every measure, the mean of its rounds."""
            weights = [weight[one.order] for one in rounds]
            return [
                float(np.mean([measure(*pair) for pair in zip(rounds, weights, strict=True)]))
                for measure in chosen.values()
            ]

        values = measured(self.weight)
        again = np.array([measured(weight) for weight in self._weights(seed=seed, draws=draws)])
        found: dict[str, Figure] = {}
        for k, name in enumerate(chosen):
            column = again[:, k]
            if name in PULLED_UP:
                column = np.maximum(column - (np.nanmean(column) - values[k]), 0.0)
            found[name] = _figure(values[k], column)
        return found

    def auc(self, *, seed: int, draws: int = DRAWS) -> Figure:
        """Measure the AUC alone, of the first round."""
        ranked = Ranked.of(self.scores[0], self.chances[0], self.label, self.weight)
        drawn = self._weights(seed=seed, draws=draws)
        again = np.array([roc_auc(ranked, weight[ranked.order]) for weight in drawn])
        return _figure(roc_auc(ranked, self.weight[ranked.order]), again)

    def better_by(self, other: Judged, *, seed: int, draws: int = DRAWS) -> Figure:
        """Return the AUC less that of another judge of the same rows, both on the same draws."""
        mine, theirs = (
            Ranked.of(judged.scores[0], judged.chances[0], self.label, self.weight)
            for judged in (self, other)
        )

        def gap(weight: Floats) -> float:
            return roc_auc(mine, weight[mine.order]) - roc_auc(theirs, weight[theirs.order])

        again = np.array([gap(weight) for weight in self._weights(seed=seed, draws=draws)])
        return _figure(gap(self.weight), again)

    def _weights(self, *, seed: int, draws: int) -> Iterator[Floats]:
        rng = np.random.default_rng(seed)
        groups, of_row = np.unique(self.group, return_inverse=True)
        for _ in range(draws):
            drawn = rng.integers(0, len(groups), len(groups))
            yield self.weight * np.bincount(drawn, minlength=len(groups))[of_row]


def _at_ties(ranked: Ranked, values: Floats) -> Floats:
    return np.cumsum(values)[ranked.last_of_tie]


def _figure(value: float, again: Floats) -> Figure:
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.nanpercentile(again, [tail, 100 - tail])
    return Figure(float(value), float(low), float(high))


def _tenths(chance: Floats, weight: Floats) -> Ints:
    """Return the tenth of each row by its chance; rows of the same chance are in the same one."""
    values, of_row = np.unique(chance, return_inverse=True)
    total = np.bincount(of_row, weights=weight, minlength=len(values))
    middle = (np.cumsum(total) - total / 2) / weight.sum()
    return np.minimum((middle * BINS).astype(np.int64), BINS - 1)[of_row]
