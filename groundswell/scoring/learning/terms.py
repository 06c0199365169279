"""From features to what a linear model adds up: numbers, bends, levels and flags.

A number is taken as it is, or its logarithm where it is a skewed count or amount. A bend lets the
curve of a number change its slope at a knot. Every common level of a text is a flag; rare ones
share one. What is unknown is a flag of its own, and stands at the mean otherwise.

Every term is centred and scaled by the rows that are learned from, so that one penalty fits all,
and its coefficient tells its weight. A flag that few rows bear is not scaled up to the full: it is
penalised as if at least `LEAST_BEARERS` bore it, so that three lucky accounts decide nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from groundswell.scoring.learning.examples import Examples

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

TermKind = Literal["number", "bend", "level", "other", "unknown"]

LEAST_BEARERS = 25
"""A flag is penalised as if at least so many rows bore it."""

LEAST_OF_LEVEL = 10
"""A level that fewer rows have is one of the others."""

MOST_LEVELS = 200
"""A text of more levels than that is a name or an id, and tells nothing of the next row."""

BENDS = 3
"""Knots of a bent curve, at even quantiles."""

_SKEWED = 2.0
_BENT_FROM = 6  # distinct values
_TWO = 2
_OTHER = -1
_TAIL = 0.001
_LEAST_SPREAD = 1e-12  # of the largest value: less is the dust of adding up


@dataclass(frozen=True, slots=True)
class Term:
    """One column of the design.

    Attributes:
        feature: What it is made of.
        kind: How.
        at: The level, or the knot on the scale of the number.
        mean: Of the rows that were learned from.
        scale: What the difference from the mean is divided by.
    """

    feature: str
    kind: TermKind
    at: str | float | None
    mean: float
    scale: float

    @property
    def label(self) -> str:
        """What it is called on a scorecard."""
        match self.kind:
            case "number":
                return self.feature
            case "bend":
                return f"{self.feature} > {self.at:g}"
            case "level":
                return f"{self.feature} = {self.at}"
            case "other":
                return f"{self.feature} = any other"
            case "unknown":
                return f"{self.feature} unknown"


@dataclass(frozen=True)
class Scale:
    """How a number is read: cut to a range, and its logarithm taken where it is skewed."""

    low: float
    high: float
    logged: bool

    @classmethod
    def of(cls, values: Floats) -> Scale:
        """Look at values without unknown ones; there is at least one."""
        low = float(values.min())
        above = values[values > low]  # so that what is rare, and not 0, is not cut off
        high = float(np.quantile(above, 1 - _TAIL)) if len(above) else low
        spread = float(values.std())
        third = float(((values - values.mean()) ** 3).mean()) if spread else 0.0
        logged = low >= 0 and third > _SKEWED * spread**3 and len(np.unique(values)) > _TWO
        return cls(low, high, logged)

    def read(self, values: Floats) -> Floats:
        """Return numbers on the scale; an unknown one stays NaN."""
        cut = np.clip(values, self.low, self.high)
        return np.log1p(cut) if self.logged else cut

    def unread(self, value: float) -> float:
        """Return what a number on the scale was."""
        return float(np.expm1(value)) if self.logged else value


AS_IS = Scale(-np.inf, np.inf, logged=False)
_AS_IS_SHAPES: list[tuple[TermKind, object]] = [("number", None)]


@dataclass(frozen=True)
class Terms:
    """The columns of a design, and how features become them.

    Attributes:
        terms: In the order of the columns.
        scales: By feature that is a number.
        levels: By feature that is a text, the levels that have a term of their own.
    """

    terms: tuple[Term, ...]
    scales: dict[str, Scale]
    levels: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, examples: Examples, *, bends: int) -> Terms:
        """Find the terms of all features; one that never differs has none.

        Args:
            examples: What is learned from; their outcomes are not looked at.
            bends: Knots of each number; 0 for straight lines.
        """
        made = cls((), {}, {})
        found: list[Term] = []
        for name in examples.features.columns:
            column = examples.features[name]
            if name in examples.points:
                made.scales[name] = AS_IS
                shapes = _AS_IS_SHAPES
            else:
                shapes = list(made._shapes_of(column, bends=bends))  # notes how values are read
            found += made._measured(column, shapes, examples.weight)
        return cls(tuple(found), made.scales, made.levels)

    def __len__(self) -> int:
        return len(self.terms)

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The features that have terms, in their order."""
        return tuple(dict.fromkeys(term.feature for term in self.terms))

    def columns_of(self, feature: str) -> Ints:
        """Return the columns that a feature has."""
        return np.array([k for k, term in enumerate(self.terms) if term.feature == feature])

    def design(self, features: pl.DataFrame) -> Floats:
        """Return the design of some rows: [rows, terms], centred and scaled."""
        found = np.empty((features.height, len(self.terms)))
        for name in self.features:
            found[:, self.columns_of(name)] = self.design_of(features[name])
        return found

    def design_of(self, column: pl.Series) -> Floats:
        """Return the columns of the design that one feature has."""
        own = [term for term in self.terms if term.feature == column.name]
        values = self._read(column)
        raw = [(values.of(term) - term.mean) / term.scale for term in own]
        return np.nan_to_num(np.column_stack(raw), nan=0.0)

    def _shapes_of(self, column: pl.Series, *, bends: int) -> Iterator[tuple[TermKind, object]]:
        """Yield what a feature is made into, and note how its values are read."""
        if column.dtype == pl.String:
            yield from self._levels_of(column)
        else:
            known = column.drop_nulls().to_numpy()
            if len(known):
                yield from self._lines_of(column.name, known, bends=bends)
        if column.null_count():
            yield "unknown", None

    def _levels_of(self, column: pl.Series) -> Iterator[tuple[TermKind, object]]:
        counts = column.drop_nulls().value_counts(name="rows")
        common = counts.filter(pl.col("rows") >= LEAST_OF_LEVEL)[column.name].sort().to_list()
        if len(counts) > MOST_LEVELS:
            return
        self.levels[column.name] = tuple(common)
        for level in common:
            yield "level", level
        if len(common) < len(counts):
            yield "other", None

    def _lines_of(
        self, name: str, known: Floats, *, bends: int
    ) -> Iterator[tuple[TermKind, object]]:
        scale = self.scales[name] = Scale.of(known)
        yield "number", None
        values = scale.read(known)
        if bends and len(np.unique(values)) >= _BENT_FROM:
            knots = np.quantile(values, np.linspace(0, 1, bends + 2)[1:-1])
            for knot in np.unique(knots):
                if values.min() < knot < values.max():
                    yield "bend", float(knot)

    def _measured(
        self, column: pl.Series, shapes: Sequence[tuple[TermKind, object]], weight: Floats
    ) -> list[Term]:
        found: list[Term] = []
        read = self._read(column)
        for kind, at in shapes:
            assert at is None or isinstance(at, str | float), "a level or a knot"
            values = read.of(Term(column.name, kind, at, 0.0, 1.0))
            known = ~np.isnan(values)
            share = weight[known] / weight[known].sum()
            mean = float(share @ values[known])
            scale = float(np.sqrt(share @ (values[known] - mean) ** 2))
            if scale <= _LEAST_SPREAD * np.abs(values[known]).max():
                continue
            if _is_flag(values[known]):
                rate = min(LEAST_BEARERS / len(values), 0.5)
                scale = max(scale, float(np.sqrt(rate * (1 - rate))))
            found.append(Term(column.name, kind, at, mean, scale))
        return found

    def _read(self, column: pl.Series) -> _Values:
        """Read a column once, for all of its terms."""
        unknown = column.is_null().to_numpy()
        if column.dtype == pl.String:
            levels = self.levels.get(column.name, ())
            number = {level: k for k, level in enumerate(levels)}
            codes = column.replace_strict(number, default=_OTHER, return_dtype=pl.Int64)
            return _Values(unknown, codes.to_numpy(), number)
        values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
        scale = self.scales.get(column.name)
        return _Values(unknown, values if scale is None else scale.read(values), {})


@dataclass(frozen=True, slots=True)
class _Values:
    """A column as it was read: numbers on their scale, or the numbers of levels."""

    unknown: Bools
    values: Floats | Ints
    levels: dict[str, int]

    def of(self, term: Term) -> Floats:
        """Return what a term is of each row, before it is centred; NaN for unknown."""
        match term.kind:
            case "unknown":
                return self.unknown.astype(np.float64)
            case "level":
                return (self.values == self.levels[str(term.at)]).astype(np.float64)
            case "other":
                return ((self.values == _OTHER) & ~self.unknown).astype(np.float64)
            case "number":
                return self.values.astype(np.float64)
            case "bend":
                assert isinstance(term.at, float), "a knot is a number"
                return np.maximum(self.values - term.at, 0.0)


def _is_flag(values: Floats) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())
