"""The model as a card that a person can read, check and edit: points for each value.

Points are log-odds on a scale on which 20 more double the odds, and 100 are the odds of the
highest hundredth of the rows learned from. Every feature gives points above or below those of an
average row; base and points add up to the score, which is then cut to 0..100.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from groundswell.scoring.learning.calibrating import Calibration
    from groundswell.scoring.learning.examples import Examples
    from groundswell.scoring.learning.model import LinearModel

    Floats = NDArray[np.float64]

DOUBLES = 20.0
"""Points that double the odds (PDO)."""

FULL = 100.0
PER_UNIT = DOUBLES / math.log(2)
"""Points of one unit of log-odds."""

_HIGHEST = 0.99
_PLACES = np.array([0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999])
_SPREAD_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Line:
    """What one feature gives.

    Attributes:
        feature: Its name.
        at: Values, ascending, between which points go straight on the scale of the feature; or
            levels.
        give: Points of each, above or below an average row.
        unknown: Points where it is unknown.
        spread: Standard deviation of its points over the rows learned from: how much it matters.
    """

    feature: str
    at: tuple[float | str, ...]
    give: tuple[float, ...]
    unknown: float
    spread: float


@dataclass(frozen=True)
class Scorecard:
    """The card.

    Attributes:
        base: Points of an average row.
        full_odds: Odds at 100 points.
        lines: What each feature gives; what matters most comes first.
    """

    base: float
    full_odds: float
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Points:
    """How log-odds become points.

    Attributes:
        model: Says the log-odds.
        calibration: Sets them right.
        full: Log-odds at 100 points, after that.
    """

    model: LinearModel
    calibration: Calibration
    full: float

    @classmethod
    def of(cls, model: LinearModel, calibration: Calibration, learned: Examples) -> Points:
        """Let the highest hundredth of the rows learned from have 100 points and more."""
        said = calibration.log_odds(model.log_odds(learned.features))
        return cls(model, calibration, float(np.quantile(said, _HIGHEST)))

    @property
    def base(self) -> float:
        """Points of an average row."""
        right = self.calibration.level + self.calibration.slope * self.model.intercept
        return FULL + PER_UNIT * (right - self.full)

    def scores(self, features: pl.DataFrame) -> Floats:
        """Return the score of each row, cut to 0..100."""
        said = self.calibration.log_odds(self.model.log_odds(features))
        return np.clip(FULL + PER_UNIT * (said - self.full), 0.0, FULL)

    def contributions(self, features: pl.DataFrame) -> pl.DataFrame:
        """Return the points of each feature; with `base` they add up to the score, uncut."""
        return self.model.contributions(features) * (PER_UNIT * self.calibration.slope)

    def card(self, learned: Examples) -> Scorecard:
        """Return the card, with values as they were among the rows learned from."""
        given = self.contributions(learned.features)
        spread = {name: float(given[name].to_numpy().std()) for name in given.columns}
        names = sorted(spread, key=lambda name: -spread[name])
        lines = tuple(self._line(learned.features[name], spread[name]) for name in names)
        return Scorecard(self.base, math.exp(self.full), lines)

    def _line(self, column: pl.Series, spread: float) -> Line:
        values = list(self._values(column))
        # One row for each value, and one for unknown; other features do not matter.
        asked = pl.Series(column.name, [*values, None], dtype=column.dtype)
        terms = self.model.terms
        own = terms.columns_of(column.name)
        design = terms.design_of(asked)
        points = design @ self.model.weights[own] * (PER_UNIT * self.calibration.slope)
        *give, unknown = (float(value) for value in points)
        return Line(column.name, tuple(values), tuple(give), unknown, round(spread, _SPREAD_DIGITS))

    def _values(self, column: pl.Series) -> Iterator[float | str]:
        if column.dtype == pl.String:
            yield from self.model.terms.levels[column.name]
            return
        scale = self.model.terms.scales[column.name]
        known = scale.read(column.drop_nulls().to_numpy())
        knots = [
            term.at
            for term in self.model.terms.terms
            if term.feature == column.name and isinstance(term.at, float)
        ]
        places = np.quantile(known, _PLACES, method="nearest")
        for value in np.unique(np.concatenate([places, knots])):
            yield scale.unread(float(value))
