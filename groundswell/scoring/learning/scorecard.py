"""The model as a card that a person can read, check and edit: points for each value.

Points are log-odds on a scale on which 20 more double the odds, and 100 are the odds of the
highest hundredth of the rows learned from. Every feature gives points above or below those of an
average row; base and points add up to the score, which is then cut to 0..100.

A definition that accounts are ranked by is laid on a narrower scale where odds differ by more than
five doublings: what is cut is all the same, and most accounts would be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from groundswell.scoring.learning.calibrating import Calibration
    from groundswell.scoring.learning.examples import Examples
    from groundswell.scoring.learning.model import LinearModel

    Floats = NDArray[np.float64]

DOUBLES = 20.0
"""Points that double the odds (PDO)."""

FULL = 100.0
_HIGHEST = 0.99
_WITHIN = (0.25, 0.999)
_PLACES = np.array([0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999])
_SPREAD_DIGITS = 4
_LEAST_SPREAD = 1e-9


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
        doubles: Points that double the odds.
        lines: What each feature gives; what matters most comes first.
    """

    base: float
    full_odds: float
    doubles: float
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Points:
    """How log-odds become points.

    Attributes:
        model: Says the log-odds.
        calibration: Sets them right.
        full: Log-odds at 100 points, after that.
        doubles: Points that double the odds.
    """

    model: LinearModel
    calibration: Calibration
    full: float
    doubles: float

    @classmethod
    def of(cls, model: LinearModel, calibration: Calibration, learned: Examples) -> Points:
        """Let the highest hundredth of the rows learned from have 100 points and more."""
        said = calibration.log_odds(model.log_odds(learned.features))
        return cls(model, calibration, float(np.quantile(said, _HIGHEST)), DOUBLES)

    def within(self, learned: Examples) -> Points:
        """Return the same on a scale on which few of the rows learned from are cut.

        All but the lowest quarter and the highest thousandth have a place between 0 and 100; as
        many points as that leaves room for double the odds, and 20 at most.
        """
        said = self.calibration.log_odds(self.model.log_odds(learned.features))
        low, high = np.quantile(said, _WITHIN)
        room = FULL * math.log(2) / max(float(high - low), _LEAST_SPREAD)
        return replace(self, full=float(high), doubles=min(DOUBLES, room))

    @property
    def per_unit(self) -> float:
        """Points of one unit of log-odds."""
        return self.doubles / math.log(2)

    @property
    def base(self) -> float:
        """Points of an average row."""
        right = self.calibration.level + self.calibration.slope * self.model.intercept
        return FULL + self.per_unit * (right - self.full)

    def scores(self, features: pl.DataFrame) -> Floats:
        """Return the score of each row, cut to 0..100."""
        said = self.calibration.log_odds(self.model.log_odds(features))
        return np.clip(FULL + self.per_unit * (said - self.full), 0.0, FULL)

    def contributions(self, features: pl.DataFrame) -> pl.DataFrame:
        """Return the points of each feature; with `base` they add up to the score, uncut."""
        return self.model.contributions(features) * (self.per_unit * self.calibration.slope)

    def card(self, learned: Examples) -> Scorecard:
        """Return the card, with values as they were among the rows learned from."""
        given = self.contributions(learned.features)
        spread = {name: float(given[name].to_numpy().std()) for name in given.columns}
        names = sorted(spread, key=lambda name: -spread[name])
        lines = tuple(self._line(learned.features[name], spread[name]) for name in names)
        return Scorecard(self.base, math.exp(self.full), self.doubles, lines)

    def given(self, column: pl.Series, values: Sequence[float | str]) -> list[float]:
        """Return the points of some values of a feature, and last those where it is unknown."""
        # One row for each value; other features do not matter.
        asked = pl.Series(column.name, [*values, None], dtype=column.dtype)
        return (self.model.added(asked) * (self.per_unit * self.calibration.slope)).tolist()

    def _line(self, column: pl.Series, spread: float) -> Line:
        values = list(self._values(column))
        *give, unknown = self.given(column, values)
        return Line(column.name, tuple(values), tuple(give), unknown, round(spread, _SPREAD_DIGITS))

    def _values(self, column: pl.Series) -> Iterator[float | str]:
        if column.dtype == pl.String:
            yield from self.model.terms.levels[column.name]
            return
        scale = self.model.terms.scales[column.name]
        known = column.drop_nulls().to_numpy()
        read = scale.read(known)
        knots = [
            term.at
            for term in self.model.terms.terms
            if term.feature == column.name and isinstance(term.at, float)
        ]
        places = np.quantile(read, _PLACES, method="nearest")
        steps = self.model.steps_of(column.name)
        sides = np.ravel(steps.corners(known)) if steps is not None else np.zeros(0)
        for value in np.unique(np.concatenate([places, knots, scale.read(sides)])):
            yield scale.unread(float(value))
