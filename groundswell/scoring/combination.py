"""How components become a part, parts a score, and a score its bands, tier and thresholds.

A `Combination` holds the numbers that a definition comes down to: by what each part's components
are scaled, and by what each part is weighted. It keeps three rules:

- `weighted`: what a part's components can give is scaled to total 100, and the weights to total
  1; a part without components drops out, and so does its weight.
- `sum`: nothing is scaled; parts are added to the base that every account has.
- `multiply`: usage and behaviour as in `weighted`, then times the fit part, which is a factor.

A score is cut to 0..100 and settled to a millionth of a point, because sums in binary leave dust
(0.4 x 70 + 0.35 x 70 + 0.25 x 70 is not quite 70) that must not decide at a threshold. Nothing
else is rounded, except for display.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.model import Band, Part
from groundswell.scoring.components import least_points, most_points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.resolved import ComponentSpec, ScoreDef
    from groundswell.config.schema import Bands, Threshold

WEIGHTED, SUM, MULTIPLY = "weighted", "sum", "multiply"
FULL = 100.0
DIGITS = 6
"""Decimals that a score is settled to."""

ENTERPRISE_FIT = 2
"""How many enterprise indicators make an enterprise fit. Source: MODELS section 6."""


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the most that a part's components can give, after scaling."""

    least: float
    most: float

    @property
    def percent(self) -> float:
        """What a point is worth in percent of the range; it is not empty."""
        return FULL / (self.most - self.least)


@dataclass(frozen=True, slots=True)
class Combination:
    """What a definition comes down to.

    Attributes:
        combine: `weighted`, `sum` or `multiply`.
        scales: By part, what the points of its components are multiplied by.
        weights: By part, its share of the sum; the factor of `multiply` has weight 1.
        ranges: By part, what its components can give together, after scaling.
        components: By part, its components in order.
        base: What every account has.
    """

    combine: str
    scales: dict[Part, float]
    weights: dict[Part, float]
    ranges: dict[Part, Range]
    components: dict[Part, tuple[ComponentSpec, ...]]
    base: float = 0.0

    @classmethod
    def of(cls, definition: ScoreDef) -> Combination:
        """Work the numbers out of a definition."""
        components = {
            part: definition.parts[part].components if part in definition.parts else ()
            for part in Part
        }
        scales = {part: _scale(definition.combine, part, components[part]) for part in Part}
        ranges = {
            part: Range(
                sum((least_points(spec) for spec in components[part]), 0.0) * scales[part],
                sum((most_points(spec) for spec in components[part]), 0.0) * scales[part],
            )
            for part in Part
        }
        weights = _weights(definition, components)
        return cls(definition.combine, scales, weights, ranges, components, definition.base)

    def added(self) -> list[Part]:
        """Return the parts that are weighted and added, in order."""
        return [part for part in Part if part in self.weights and not self.is_factor(part)]

    def is_factor(self, part: Part) -> bool:
        """Tell whether a part multiplies the others instead of being added to them."""
        return self.combine == MULTIPLY and part is Part.FIT

    def score(self, parts: Mapping[Part, float]) -> float:
        """Return the score of one account from its parts."""
        total = self.base
        for part in self.added():
            total += self.weights[part] * parts[part]
        if self.combine == MULTIPLY and self.components[Part.FIT]:
            total *= max(parts[Part.FIT], 0.0)
        return settle(min(max(total, 0.0), FULL))

    def band(self, part: Part, points: float, bands: Bands) -> Band:
        """Return how far a part has come from the least to the most it can give."""
        standing = self.standing(part, points)
        if standing >= bands.high:
            return Band.HIGH
        return Band.MEDIUM if standing >= bands.medium else Band.LOW

    def standing(self, part: Part, points: float) -> float:
        """Return the same in percent, settled as a score is; 0 for a part without components."""
        span = self.ranges[part]
        if span.most <= span.least:
            return 0.0
        return settle((points - span.least) * span.percent)


def _scale(combine: str, part: Part, components: tuple[ComponentSpec, ...]) -> float:
    most = sum((most_points(spec) for spec in components), 0.0)
    if combine == SUM or (combine == MULTIPLY and part is Part.FIT) or most <= 0:
        return 1.0
    return FULL / most


def _weights(
    definition: ScoreDef, components: Mapping[Part, tuple[ComponentSpec, ...]]
) -> dict[Part, float]:
    present = [part for part in Part if components[part]]
    if definition.combine == SUM:
        return dict.fromkeys(present, 1.0)
    factor = definition.combine == MULTIPLY
    given = {
        part: definition.parts[part].weight
        for part in present
        if not (factor and part is Part.FIT) and definition.parts[part].weight > 0
    }
    total = sum(given.values())
    close = math.isclose(total, 1.0, rel_tol=1e-12)
    weights = {part: weight if close else weight / total for part, weight in given.items()}
    if factor and components[Part.FIT]:
        weights[Part.FIT] = 1.0
    return weights


def settle(score: float) -> float:
    """Return a score without the dust of binary arithmetic: to a millionth of a point.

    These are the steps that Polars' `round` takes, so that both give the same bits.

    >>> settle(0.4 * 70 + 0.35 * 70 + 0.25 * 70)
    70.0
    """
    return round(score * 10.0**DIGITS) / 10.0**DIGITS


def passes(threshold: Threshold | None, score: float) -> bool:
    """Tell whether a score passes: strictly `above`, or `at_least`; never without a threshold."""
    if threshold is None or (threshold.above is None and threshold.at_least is None):
        return False
    above = threshold.above is None or score > threshold.above
    return above and (threshold.at_least is None or score >= threshold.at_least)


def line(threshold: Threshold) -> float:
    """Return the number of a threshold, whichever way it is passed.

    Raises:
        ValueError: The threshold says neither `above` nor `at_least`.
    """
    for value in (threshold.above, threshold.at_least):
        if value is not None:
            return value
    raise ValueError("a threshold says `above` or `at_least`")
