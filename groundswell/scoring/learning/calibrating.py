"""From log-odds to a chance that comes true.

With few outcomes only the level is set right, with more the slope too (Platt), and from
`ISOTONIC_FROM` on any rising curve. It is learned from what models said of rows that they did not
learn from. No row is drawn twice or weighted by its outcome: that would spoil the level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import expit

from groundswell.scoring.learning.logistic import fit_logistic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

SLOPE_FROM, ISOTONIC_FROM = 120, 1000
"""Rows of the rarer outcome from which on a slope, or a curve, is learned."""

Calibrated = Literal["level", "slope", "curve"]
_EDGE = 1e-4  # a curve may say never and always; nothing is so sure
_STEPS = 40


@dataclass(frozen=True)
class Calibration:
    """How log-odds become chances.

    Attributes:
        how: What was learned.
        level: Added to the log-odds, after they are multiplied by `slope`.
        slope: More than 0, so that the order stays.
        knots: Log-odds between which the curve goes straight; none where there is no curve.
        chances: At the knots, never falling.
    """

    how: Calibrated
    level: float
    slope: float
    knots: tuple[float, ...] = ()
    chances: tuple[float, ...] = ()

    def log_odds(self, said: Floats) -> Floats:
        """Return log-odds with level and slope set right; the curve is left out."""
        return self.level + self.slope * said

    def chance(self, said: Floats) -> Floats:
        """Return the chance of each, in 0..1."""
        if not self.knots:
            return expit(self.log_odds(said))
        return np.interp(said, self.knots, self.chances)


def calibrate(said: Floats, label: Bools, weight: Floats, *, rarer: int) -> Calibration:
    """Learn how the log-odds of rows that were not learned from come true.

    Args:
        said: Log-odds by row; rows with NaN are passed over.
        label: By row.
        weight: By row.
        rarer: Outcomes of the rarer kind among them.
    """
    known = ~np.isnan(said)
    said, label, weight = said[known], label[known], weight[known]
    level, slope = _line(said, label, weight, sloped=rarer >= SLOPE_FROM)
    if rarer < ISOTONIC_FROM or slope <= 0:
        how: Calibrated = "slope" if slope != 1.0 else "level"
        return Calibration(how, level, slope)
    knots, chances = _curve(said, label, weight)
    return Calibration("curve", level, slope, knots, chances)


def _line(said: Floats, label: Bools, weight: Floats, *, sloped: bool) -> tuple[float, float]:
    if sloped:
        level, slope = fit_logistic(said[:, None], label, weight, np.zeros(1))
        if slope > 0:
            return float(level), float(slope)
    # The level alone: log-odds are an offset, which a column of ones is added to.
    level = 0.0
    for _ in range(_STEPS):
        chance = expit(level + said)
        level += float(weight @ (label - chance) / (weight @ (chance * (1 - chance))))
    return level, 1.0


def _curve(
    said: Floats, label: Bools, weight: Floats
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    order = np.argsort(said, kind="stable")
    fitted = isotonic_regression(label[order].astype(np.float64), weights=weight[order])
    starts, values = fitted.blocks, np.clip(fitted.x, _EDGE, 1 - _EDGE)
    ordered, weights = said[order], weight[order]
    total = np.add.reduceat(weights, starts[:-1])
    middle = np.add.reduceat(weights * ordered, starts[:-1]) / total
    return tuple(middle.tolist()), tuple(values[starts[:-1]].tolist())
