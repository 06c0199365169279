"""A fitted model: what it says of a row, and of which terms that is made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.scoring.learning.terms import Terms

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """What a number adds to log-odds by the interval it lies in, beside its line.

    Attributes:
        feature: Its name.
        edges: Ascending; a number on an edge belongs below it.
        give: Of each interval, one more than there are edges; an average row has 0.
        unknown: Where the number is unknown.
    """

    feature: str
    edges: Floats
    give: Floats
    unknown: float

    def of(self, column: pl.Series) -> Floats:
        """Return what each row adds."""
        values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
        given = self.give[np.searchsorted(self.edges, values)]
        return np.where(np.isnan(values), self.unknown, given)

    def corners(self, known: Floats) -> list[tuple[float, float]]:
        """Return, of every edge, the known numbers next to it: the last below, the first above."""
        values = np.unique(known)
        place = np.searchsorted(values, self.edges, side="right")
        inside = place[(place > 0) & (place < len(values))]
        return [(float(values[k - 1]), float(values[k])) for k in np.unique(inside)]


@dataclass(frozen=True)
class LinearModel:
    """Log-odds that are a sum.

    Attributes:
        terms: What is added up.
        intercept: The log-odds of a row that is average in every term.
        weights: By term.
        steps: What some numbers add beside; one of a feature.
    """

    terms: Terms
    intercept: float
    weights: Floats
    steps: tuple[Steps, ...] = ()

    def log_odds(self, features: pl.DataFrame) -> Floats:
        """Return the log-odds of each row."""
        lines = self.intercept + self.terms.design(features) @ self.weights
        return sum((steps.of(features[steps.feature]) for steps in self.steps), start=lines)

    def added(self, column: pl.Series) -> Floats:
        """Return what one feature adds to the intercept, by row."""
        own = self.terms.columns_of(column.name)
        line = self.terms.design_of(column) @ self.weights[own]
        steps = self.steps_of(column.name)
        return line if steps is None else line + steps.of(column)

    def steps_of(self, feature: str) -> Steps | None:
        """Return the steps of a feature; none where it has only its line."""
        return next((steps for steps in self.steps if steps.feature == feature), None)

    def contributions(self, features: pl.DataFrame) -> pl.DataFrame:
        """Return what each feature adds to the intercept, by row; their sum is exact."""
        return pl.DataFrame({name: self.added(features[name]) for name in self.terms.features})
