"""One component of a score: a value becomes points, for one account and for a frame of them.

Both ways take the same float steps in the same order, so they give the same bits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.config.vocabulary import ValueType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from groundswell.config.resolved import ComponentSpec
    from groundswell.model import Scalar

    Floats = NDArray[np.float64]

OTHER = "other"
_BLANKS = " \t\r\n"


def most_points(spec: ComponentSpec) -> float:
    """Return the most a component can give for a known value, before its part is scaled."""
    return max(_gives(spec))


def least_points(spec: ComponentSpec) -> float:
    """Return the least a component can give for a known value, before its part is scaled."""
    return min(_gives(spec))


def _gives(spec: ComponentSpec) -> tuple[float, ...]:
    if spec.give is not None:
        return spec.give
    if spec.lookup is not None:
        return (*spec.lookup.values(), spec.lookup.get(OTHER, 0.0))
    return (0.0, spec.points or 0.0)


def inputs(spec: ComponentSpec) -> frozenset[str]:
    """Return the features a component reads."""
    if spec.when is not None:
        return spec.when.names
    assert spec.feature is not None, "a component without a condition reads a feature"
    return frozenset({spec.feature})


# --- for one account ------------------------------------------------------------------------


def seen_value(spec: ComponentSpec, values: Mapping[str, Scalar]) -> Scalar:
    """Return the value a component looked at; None when it is unknown.

    That is its feature; for a condition over one feature that feature; for a condition over
    several, whether it holds.
    """
    if spec.when is None:
        assert spec.feature is not None
        return _known(values.get(spec.feature))
    if len(spec.when.names) == 1:
        return _known(values.get(next(iter(spec.when.names))))
    return holds(spec, values)


def holds(spec: ComponentSpec, values: Mapping[str, Scalar]) -> bool | None:
    """Return whether a component's condition holds; None when that is unknown."""
    assert spec.when is not None
    result = spec.when.evaluate({name: values.get(name) for name in spec.when.names})
    return None if result is None else bool(result)


def points_for(spec: ComponentSpec, values: Mapping[str, Scalar]) -> float | None:
    """Return the points for one account before the part is scaled; None when unknown."""
    if spec.when is not None:
        held = holds(spec, values)
        return None if held is None else (spec.points or 0.0) if held else 0.0
    assert spec.feature is not None
    value = _known(values.get(spec.feature))
    if value is None:
        return None
    if spec.lookup is not None:
        return _look_up(spec, spec.lookup, value)
    assert spec.at is not None
    assert spec.give is not None
    return _along(spec.at, spec.give, float(value))


def _known(value: Scalar) -> Scalar:
    """Return None for what is not a finite number, as expressions do."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _look_up(spec: ComponentSpec, lookup: Mapping[str, float], value: Scalar) -> float:
    other = lookup.get(OTHER, 0.0)
    if spec.feature_type is ValueType.NUMBER:
        assert value is not None
        return _numeric_keys(lookup).get(float(value), other)
    return _text_keys(lookup).get(str(value).strip(_BLANKS).lower(), other)


def _along(at: tuple[float, ...], give: tuple[float, ...], x: float) -> float:
    """Read a curve: straight between its points, flat outside them."""
    if x < at[0]:
        return give[0]
    for index, slope in enumerate(_slopes(at, give)):
        if x < at[index + 1]:
            return give[index] + (x - at[index]) * slope
    return give[-1]


def _slopes(at: tuple[float, ...], give: tuple[float, ...]) -> list[float]:
    steps = range(len(at) - 1)
    return [(give[i + 1] - give[i]) / (at[i + 1] - at[i]) for i in steps]


def _text_keys(lookup: Mapping[str, float]) -> dict[str, float]:
    return {key.strip(_BLANKS).lower(): points for key, points in lookup.items() if key != OTHER}


def _numeric_keys(lookup: Mapping[str, float]) -> dict[float, float]:
    return {float(key): points for key, points in lookup.items() if key != OTHER}


# --- for a frame ----------------------------------------------------------------------------


def points_column(spec: ComponentSpec, frame: pl.DataFrame) -> Floats:
    """Return the points of a frame of accounts before the part is scaled; NaN when unknown."""
    if spec.when is not None:
        held = frame.select(spec.when.to_polars().cast(pl.Float64)).to_series().to_numpy()
        return np.where(np.isnan(held), held, np.where(held > 0, spec.points or 0.0, 0.0))
    assert spec.feature is not None
    if spec.lookup is not None:
        return frame.select(_look_up_column(spec, spec.lookup)).to_series().to_numpy()
    assert spec.at is not None
    assert spec.give is not None
    column = frame.get_column(spec.feature)
    x = column if column.dtype == pl.Float64 else column.cast(pl.Float64)
    return _along_column(spec.at, spec.give, x.to_numpy())


def _look_up_column(spec: ComponentSpec, lookup: Mapping[str, float]) -> pl.Expr:
    assert spec.feature is not None
    other = lookup.get(OTHER, 0.0)
    column = pl.col(spec.feature)
    if spec.feature_type is ValueType.NUMBER:
        number = column.cast(pl.Float64)
        result = pl.lit(other)
        for key, points in _numeric_keys(lookup).items():
            result = pl.when(number == key).then(pl.lit(points)).otherwise(result)
        return pl.when(number.is_finite()).then(result)
    keys = _text_keys(lookup)
    text = column.cast(pl.String).str.strip_chars(_BLANKS).str.to_lowercase()
    found = text.replace_strict(
        list(keys), list(keys.values()), default=other, return_dtype=pl.Float64
    )
    return pl.when(text.is_not_null()).then(found)


def _along_column(at: tuple[float, ...], give: tuple[float, ...], x: Floats) -> Floats:
    known = np.isfinite(x)
    within = np.where(known, x, at[0])
    segment = np.searchsorted(at, within, side="right") - 1
    inside = np.clip(segment, 0, max(len(at) - 2, 0))
    slopes = np.array(_slopes(at, give) or [0.0])
    points = np.array(give)[inside] + (within - np.array(at)[inside]) * slopes[inside]
    points = np.where(segment < 0, give[0], np.where(segment > len(at) - 2, give[-1], points))
    return np.where(known, points, np.nan)
