"""A fitted model as a definition of a score: curves, lookups and a base, as a person writes them.

The definition is what scores from then on, in batch, live and in every explanation; so it is also
what is judged. Points are rounded to tenths, and what moves the score by less than a fifth of a
point is left out: both are part of the definition, not of how it is shown.

What the hand-made score says is kept in its own components, with its own sentences: each gives
what it gave times a factor that was learned, beside what was learned of the same feature.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.config.resolved import Chance, ComponentSpec, PartDef, ScoreDef
from groundswell.config.schema import Threshold
from groundswell.config.scores import version_of
from groundswell.config.vocabulary import ValueType
from groundswell.model import Part
from groundswell.scoring.combination import Combination
from groundswell.scoring.components import OTHER, points_column
from groundswell.scoring.learning.scorecard import FULL
from groundswell.scoring.learning.terms import AS_IS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from numpy.typing import NDArray

    from groundswell.scoring.learning.scorecard import Points
    from groundswell.scoring.learning.study import Lesson

    Floats = NDArray[np.float64]

FITTED = "fitted"
LEAST_SPREAD = 0.2
"""A component whose points have a smaller standard deviation than that is left out."""

_DIGITS = 1
_CORNERS = 8
_CHANCE_STEP = 5
_CHANCE_DIGITS = 5
_FIGURES, _ALL_FIGURES = 3, 17
_NO_LEVEL = "\0"


@dataclass(frozen=True, slots=True)
class Wording:
    """How a feature is filed and said: its part and type, and its sentences."""

    part: Part
    kind: ValueType
    say: str
    say_unknown: str


@dataclass(frozen=True)
class Prior:
    """A hand-made score as terms that a model begins with.

    Attributes:
        score: The definition.
        specs: By the name of its column of points, each component.
        weights: By the same, points of the score that a point of it makes.
    """

    score: ScoreDef
    specs: Mapping[str, ComponentSpec]
    weights: Mapping[str, float]

    @classmethod
    def of(cls, score: ScoreDef, features: pl.DataFrame) -> Prior:
        """Take a score apart.

        Where parts multiply, each is weighed by the mean of the other: what a point of it adds to
        the score of an average row.

        Args:
            score: The definition.
            features: Rows, for those means.
        """
        combination = Combination.of(score)
        specs = {
            f"{part}.{spec.name}": spec for part in Part for spec in combination.components[part]
        }
        weights = {name: _weight(combination, spec.part) for name, spec in specs.items()}
        if combination.combine == "multiply" and combination.components[Part.FIT]:
            made = {name: _points(spec, features) for name, spec in specs.items()}
            factors = [name for name, spec in specs.items() if spec.part is Part.FIT]
            fit = sum(float(made[name].mean()) for name in factors)
            rest = sum(
                weights[name] * float(made[name].mean()) for name in specs if name not in factors
            )
            weights = {
                name: rest if name in factors else weight * fit for name, weight in weights.items()
            }
        return cls(score, specs, weights)

    def columns(self, features: pl.DataFrame) -> list[pl.Series]:
        """Return the points of every component, before its part is scaled."""
        return [pl.Series(name, _points(spec, features)) for name, spec in self.specs.items()]


def _weight(combination: Combination, part: Part) -> float:
    return combination.weights.get(part, 0.0) * combination.scales[part]


def _points(spec: ComponentSpec, features: pl.DataFrame) -> Floats:
    points = points_column(spec, features)
    return np.where(np.isnan(points), spec.unknown, points)


def define(
    lesson: Lesson, prior: Prior, words: Callable[[str], Wording], snapshots: pl.DataFrame
) -> ScoreDef:
    """Return the definition that a model comes to, with the thresholds of the hand-made score.

    Args:
        lesson: What was learned.
        prior: The hand-made score, whose columns are among the features.
        words: How each feature is said.
        snapshots: Accounts such as those that were learned from, with every feature.
    """
    assert lesson.points is not None, "something was learned"
    points = lesson.points.within(lesson.learned)
    built = _Built(points, lesson.learned.features, prior, words, snapshots)
    base, components = built.components()
    parts = {
        part: PartDef(1.0, tuple(spec for spec in components if spec.part is part)) for part in Part
    }
    found = dataclasses.replace(
        prior.score,
        preset=FITTED,
        combine="sum",
        parts=parts,
        base=round(base, _DIGITS),
        chance=_chance(points),
    )
    return dataclasses.replace(found, version=version_of(found))


def finish(
    score: ScoreDef, *, qualified: float, enterprise: float | None, learned_until: date
) -> ScoreDef:
    """Return a definition with its lines, how far it learned, and its version."""
    found = dataclasses.replace(
        score,
        qualified=Threshold(above=qualified),
        enterprise=None if enterprise is None else Threshold(above=enterprise),
        learned_until=learned_until,
    )
    return dataclasses.replace(found, version=version_of(found))


def _chance(points: Points) -> Chance:
    """Return the chance at every fifth point, by how the model was set right."""
    at = np.arange(0, FULL + 1, _CHANCE_STEP)
    right = points.full + (at - FULL) / points.per_unit
    said = (right - points.calibration.level) / points.calibration.slope
    chances = points.calibration.chance(said)
    return Chance(tuple(at.tolist()), tuple(np.round(chances, _CHANCE_DIGITS).tolist()))


@dataclass(frozen=True)
class _Built:
    """Builds components from the terms of a model."""

    points: Points
    learned: pl.DataFrame
    prior: Prior
    words: Callable[[str], Wording]
    snapshots: pl.DataFrame

    def components(self) -> tuple[float, list[ComponentSpec]]:
        """Return the base, and the components that matter."""
        base = self.points.base
        own = dict(self._own())
        found: list[ComponentSpec] = []
        for name, spec in self.prior.specs.items():
            factor, mean = self._factor(name)
            if spec.when is not None:
                base -= factor * mean
                made = _scaled(spec, factor, 0.0)
            else:
                made = _scaled(spec, factor, factor * mean)
                beside = own.get(spec.feature or "")
                if beside is not None and _fits(made, beside):
                    made = _summed(made, own.pop(beside.name))
            found.append(made)
        names = {spec.name for spec in found}
        found += [
            dataclasses.replace(spec, name=f"{spec.name}_learned") if spec.name in names else spec
            for spec in own.values()
        ]
        kept: list[ComponentSpec] = []
        for spec in found:
            rounded = _rounded(spec)
            given = _points(rounded, self.snapshots)
            if given.std() >= LEAST_SPREAD:
                kept.append(rounded)
            else:
                base += float(given.mean())
        return base, kept

    def _factor(self, name: str) -> tuple[float, float]:
        """Return what a point of a hand-made component gives, and its mean."""
        terms = self.points.model.terms
        for k, term in enumerate(terms.terms):
            if term.feature == name:
                weight = float(self.points.model.weights[k]) / term.scale
                return weight * self.points.per_unit * self.points.calibration.slope, term.mean
        return 0.0, 0.0

    def _own(self) -> Iterator[tuple[str, ComponentSpec]]:
        """Yield what each feature gives by itself."""
        terms = self.points.model.terms
        for name in terms.features:
            if terms.scales.get(name) == AS_IS:
                continue
            column, word = self.learned[name], self.words(name)
            values = _values(self.points, column)
            *give, unknown = self.points.given(column, values)
            at = lookup = None
            if word.kind is ValueType.TEXT:
                # A level that is called so stands for all that have no points of their own.
                unseen = {OTHER: self.points.given(column, [_NO_LEVEL])[0]}
                lookup = unseen | dict(zip(map(str, values), give, strict=True))
            elif word.kind is ValueType.BOOLEAN:
                lookup = {"false": give[0], "true": give[-1], OTHER: 0.0}
            else:
                at = tuple(map(float, values))
            yield (
                name,
                ComponentSpec(
                    name=name,
                    part=word.part,
                    feature=name,
                    at=at,
                    give=tuple(give) if at else None,
                    lookup=lookup,
                    when=None,
                    points=None,
                    unknown=unknown,
                    say=word.say,
                    say_unknown=word.say_unknown,
                    feature_type=word.kind,
                ),
            )


def _values(points: Points, column: pl.Series) -> list[float | str]:
    """Return levels, or corners between which a curve is all but straight."""
    terms = points.model.terms
    if column.dtype == pl.String:
        return list(terms.levels.get(column.name, ()))
    scale = terms.scales[column.name]
    known = scale.read(column.drop_nulls().to_numpy())
    knots = [
        term.at
        for term in terms.terms
        if term.feature == column.name and isinstance(term.at, float)
    ]
    even = np.linspace(known.min(), known.max(), _CORNERS if scale.logged else 2)
    corners = [scale.unread(float(value)) for value in (*even, *knots)]
    whole = bool((column.drop_nulls() % 1 == 0).all())
    short = {float(round(value)) if whole else _short(value) for value in corners}
    found = short if len(short) > 1 else set(corners)
    steps = points.model.steps_of(column.name)
    if steps is not None:
        for sides in steps.corners(column.drop_nulls().to_numpy()):
            found |= set(_told_apart(*sides))
    return sorted(found)


def _short(value: float) -> float:
    """Return a number to three figures.

    >>> _short(1234.5), _short(0.0), _short(7.0)
    (1230.0, 0.0, 7.0)
    """
    return float(f"{value:.{_FIGURES}g}")


def _told_apart(below: float, above: float) -> tuple[float, float]:
    """Return both sides of a step in as few figures as tell them apart, and no fewer than three.

    >>> _told_apart(4.0, 5.0), _told_apart(1231.0, 1234.0)
    ((4.0, 5.0), (1231.0, 1234.0))
    """
    for figures in range(_FIGURES, _ALL_FIGURES):
        low, high = (float(f"{value:.{figures}g}") for value in (below, above))
        if below <= low < high <= above or (low, high) == (below, above):
            return low, high
    return below, above


def _scaled(spec: ComponentSpec, factor: float, shift: float) -> ComponentSpec:
    """Return a component whose points are multiplied, and then less by a shift."""
    found = dataclasses.replace(spec, unknown=spec.unknown * factor - shift)
    if spec.when is not None:
        return dataclasses.replace(found, points=(spec.points or 0.0) * factor)
    if spec.lookup is not None:
        lookup = {OTHER: 0.0} | spec.lookup
        return dataclasses.replace(
            found, lookup={key: given * factor - shift for key, given in lookup.items()}
        )
    assert spec.give is not None
    return dataclasses.replace(found, give=tuple(given * factor - shift for given in spec.give))


def _fits(spec: ComponentSpec, other: ComponentSpec) -> bool:
    """Tell whether two components of one feature can be one."""
    return (spec.at is None) == (other.at is None)


def _summed(spec: ComponentSpec, other: ComponentSpec) -> ComponentSpec:
    """Return one component of two that read the same feature; the first one's name and words."""
    found = dataclasses.replace(spec, unknown=spec.unknown + other.unknown)
    if spec.at is not None and other.at is not None:
        at = sorted({*spec.at, *other.at})
        ours, theirs = (np.interp(at, one.at or (), one.give or ()) for one in (spec, other))
        return dataclasses.replace(found, at=tuple(at), give=tuple((ours + theirs).tolist()))
    first, second = (
        {key.strip().lower(): given for key, given in (one.lookup or {}).items()}
        for one in (spec, other)
    )
    keys = [*first, *(key for key in second if key not in first)]
    lookup = {
        key: first.get(key, first.get(OTHER, 0.0)) + second.get(key, second.get(OTHER, 0.0))
        for key in keys
    }
    return dataclasses.replace(found, lookup=lookup)


def _rounded(spec: ComponentSpec) -> ComponentSpec:
    """Return a component as it is written: points in tenths, without corners that say nothing."""
    found = dataclasses.replace(spec, unknown=_tenth(spec.unknown))
    if spec.when is not None:
        return dataclasses.replace(found, points=_tenth(spec.points or 0.0))
    if spec.lookup is not None:
        lookup = {key: _tenth(given) for key, given in spec.lookup.items()}
        other = lookup[OTHER]
        told = {key: given for key, given in lookup.items() if given != other or key == OTHER}
        return dataclasses.replace(found, lookup=told)
    assert spec.at is not None
    assert spec.give is not None
    at, give = list(spec.at), list(spec.give)
    place = 1
    while place < len(at) - 1:
        between = np.interp(
            at[place], [at[place - 1], at[place + 1]], [give[place - 1], give[place + 1]]
        )
        if abs(between - give[place]) < 10.0**-_DIGITS:
            del at[place], give[place]
        else:
            place += 1
    return dataclasses.replace(found, at=tuple(at), give=tuple(map(_tenth, give)))


def _tenth(points: float) -> float:
    return round(points, _DIGITS) + 0.0  # no negative nothing
