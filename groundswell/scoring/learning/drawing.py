"""Intervals for figures of very many rows: accounts drawn again, rows counted once.

Everything that is measured of a ranking follows from how many rows with the outcome, and how many
without, have each score. So rows are counted by score and account once, and a draw is a product of
that with how often each account was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from groundswell.scoring.learning.measures import BINS, LEVEL, TOP, Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST_PLACES = 4_000
"""Different scores that are told apart, from the highest down; beyond that near ones are one."""

MANY, DRAWS, DRAWS_OF_MANY = 20_000, 1_000, 200
"""So many draws up to so many accounts, and fewer beyond."""

_AT_ONCE = 100


@dataclass(frozen=True)
class Draws:
    """How often each account was drawn.

    Attributes:
        accounts: How many there are.
        seed: Of the draws.
    """

    accounts: int
    seed: int

    def batches(self) -> Iterator[Floats]:
        """Yield [account, draw], some draws at a time."""
        rng = np.random.default_rng(self.seed)
        count = DRAWS if self.accounts <= MANY else DRAWS_OF_MANY
        even = np.full(self.accounts, 1.0 / max(self.accounts, 1))
        for start in range(0, count, _AT_ONCE):
            size = min(_AT_ONCE, count - start)
            yield rng.multinomial(self.accounts, even, size=size).T.astype(np.float64)

    def figures(self, sums: Floats, measure: Callable[[Floats], Floats]) -> list[Figure | None]:
        """Return figures that follow from sums over accounts.

        Args:
            sums: [account, sum].
            measure: From [draw, sum] to [draw, figure]; NaN where there is none.
        """
        (values,) = measure(sums.sum(axis=0)[None])
        again = np.concatenate([measure(drawn.T @ sums) for drawn in self.batches()])
        return [figure_of(value, again[:, k]) for k, value in enumerate(values)]

    def of_counts(
        self,
        rankings: Sequence[Ranking],
        measure: Callable[[Sequence[tuple[Floats, Floats]]], Floats],
    ) -> Figure | None:
        """Return a figure of several rankings of the same rows, all on the same draws.

        Args:
            rankings: What is measured.
            measure: From what `Ranking.counts` gives of each, to [draw].
        """
        everyone = np.ones((self.accounts, 1))
        (value,) = measure([ranking.counts(everyone) for ranking in rankings])
        again = [
            measure([ranking.counts(drawn) for ranking in rankings]) for drawn in self.batches()
        ]
        return figure_of(float(value), np.concatenate(again))


def figure_of(value: float, again: Floats, *, pulled_up: bool = False) -> Figure | None:
    """Return a value with the interval of its draws; none where there is no value.

    Args:
        value: Of all accounts as they are.
        again: Of each draw; NaN where it has none.
        pulled_up: Whether noise makes the value larger: the draws are moved back, then.
    """
    if not np.isfinite(value):
        return None
    known = again[np.isfinite(again)]
    if pulled_up:
        known = np.maximum(known - (known.mean() - value), 0.0)
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(known, [tail, 100 - tail]) if len(known) else (value, value)
    return Figure(float(value), float(low), float(high))


@dataclass(frozen=True)
class Ranking:
    """Rows counted by their place in a ranking and by account.

    Attributes:
        came: [place, account] rows with the outcome, from the highest score down.
        others: The same without it.
        chance: The chance that was said, by place; NaN where none was.
    """

    came: csr_array
    others: csr_array
    chance: Floats

    @classmethod
    def of(
        cls, scores: Floats, chances: Floats, label: Bools, account: Ints, count: int
    ) -> Ranking:
        """Count rows.

        Args:
            scores: By row.
            chances: By row; NaN for none.
            label: By row.
            account: By row, from 0.
            count: Of accounts.
        """
        values, place = np.unique(scores, return_inverse=True)
        if len(values) > MOST_PLACES:
            # By both values and rows: neither many scores nor a score of many rows is lost.
            rows = np.bincount(place)
            before = (np.cumsum(rows) - rows) / len(scores)
            far = (np.arange(len(values)) / len(values) + before) / 2
            place = np.unique((far * MOST_PLACES).astype(np.int64), return_inverse=True)[1][place]
        place = place.max(initial=0) - place
        places = int(place.max(initial=0)) + 1
        rows = np.bincount(place, minlength=places)
        said = np.bincount(place, weights=np.nan_to_num(chances), minlength=places)
        known = np.isfinite(chances).all() if len(chances) else False
        shape = (places, count)
        came, others = (
            csr_array((np.ones(int(some.sum())), (place[some], account[some])), shape=shape)
            for some in (label, ~label)
        )
        chance = said / np.maximum(rows, 1) if known else np.full(places, np.nan)
        return cls(came, others, chance)

    def counts(self, drawn: Floats) -> tuple[Floats, Floats]:
        """Return [place, draw] of rows with the outcome, and of those without."""
        return self.came @ drawn, self.others @ drawn

    def figures(self, draws: Draws) -> dict[str, Figure | None]:
        """Return AUC, average precision, Brier score, calibration error and lift of the top."""
        tenth = self._tenths()

        def measure(drawn: Floats) -> Floats:
            came, others = self.counts(drawn)
            return np.stack(
                [
                    area(came, others),
                    precision(came, others),
                    self._brier(came, others),
                    self._error(came, others, tenth),
                    lift(came, others),
                ],
                axis=1,
            )

        (values,) = measure(np.ones((draws.accounts, 1)))
        again = np.concatenate([measure(drawn) for drawn in draws.batches()])
        names = ("roc_auc", "average_precision", "brier", "ece", "top_decile_lift")
        return {
            name: figure_of(values[k], again[:, k], pulled_up=name == "ece")
            for k, name in enumerate(names)
        }

    def tenths(self) -> list[tuple[float, float, float]]:
        """Return rows, chance said and rows with the outcome, by tenths of the ranking.

        A place across the edge of a tenth is shared.
        """
        came, others = (counted.sum(axis=1) for counted in (self.came, self.others))
        seen = np.cumsum(came + others)
        edges = np.linspace(0, seen[-1], BINS + 1)
        shared = [
            np.interp(edges, np.append(0.0, seen), np.append(0.0, np.cumsum(values)))
            for values in (came + others, (came + others) * np.nan_to_num(self.chance), came)
        ]
        return list(zip(*(np.diff(values).tolist() for values in shared), strict=True))

    def _tenths(self) -> Ints:
        rows = (self.came + self.others).sum(axis=1)
        middle = (np.cumsum(rows) - rows / 2) / rows.sum()
        return np.minimum((middle * BINS).astype(np.int64), BINS - 1)

    def _brier(self, came: Floats, others: Floats) -> Floats:
        chance = self.chance[:, None]
        return (came * (1 - chance) ** 2 + others * chance**2).sum(axis=0) / (came + others).sum(0)

    def _error(self, came: Floats, others: Floats, tenth: Ints) -> Floats:
        gaps = (came + others) * self.chance[:, None] - came
        by_tenth = np.zeros((BINS, gaps.shape[1]))
        np.add.at(by_tenth, tenth, gaps)
        return np.abs(by_tenth).sum(axis=0) / (came + others).sum(axis=0)


def area(came: Floats, others: Floats) -> Floats:
    """Return the AUC of each draw; ties count half."""
    with np.errstate(invalid="ignore"):
        above = np.cumsum(came, axis=0) - came / 2
        return (others * above).sum(axis=0) / (came.sum(axis=0) * others.sum(axis=0))


def precision(came: Floats, others: Floats) -> Floats:
    """Return the average precision of each draw."""
    won, seen = np.cumsum(came, axis=0), np.cumsum(came + others, axis=0)
    share = np.divide(won, seen, out=np.zeros_like(won), where=seen > 0)
    with np.errstate(invalid="ignore"):
        return (came * share).sum(axis=0) / won[-1]


def lift(came: Floats, others: Floats) -> Floats:
    """Return how many times the base rate the top tenth has; a tie across its edge is shared."""
    won, seen = np.cumsum(came, axis=0), np.cumsum(came + others, axis=0)
    caught = np.array(
        [
            np.interp(TOP * seen[-1, k], np.append(0.0, seen[:, k]), np.append(0.0, won[:, k]))
            for k in range(won.shape[1])
        ]
    )
    with np.errstate(invalid="ignore"):
        return caught / won[-1] / TOP
