"""The scores of a whole frame of accounts and days at once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.model import Band, Part, Tier
from groundswell.scoring.combination import DIGITS, ENTERPRISE_FIT, FULL, MULTIPLY, Combination
from groundswell.scoring.components import inputs, points_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.config.resolved import ComponentSpec, ScoreDef
    from groundswell.config.schema import Bands, Threshold

INDICATORS = "enterprise_indicators"
PAYING = "is_paying"
_TIER_INPUTS: dict[str, pl.DataType] = {INDICATORS: pl.Float64(), PAYING: pl.Boolean()}

_ROWS_AT_ONCE = 100_000
"""Rows are independent; slices of this many keep the columns in between small."""


def score_frame(definition: ScoreDef, features: pl.DataFrame) -> pl.DataFrame:
    """Score every row of a features frame.

    Args:
        definition: The score, as configured.
        features: One row per (account_id, as_of), with a column per feature. Columns that only
            the tier reads (`enterprise_indicators`, `is_paying`) count as unknown when missing.

    Returns:
        The same rows in the same order: account_id, as_of, score (0..100), usage_score,
        fit_score, behaviour_score (each on its part's own scale), usage_band, fit_band,
        behaviour_band, above_threshold, above_enterprise, enterprise_fit, tier, and a column
        `<part>.<component>` with the points of each component.
    """
    if features.height > _ROWS_AT_ONCE:
        slices = features.iter_slices(_ROWS_AT_ONCE)
        return pl.concat([score_frame(definition, some) for some in slices])
    combination = Combination.of(definition)
    points = [
        pl.Series(_column(part, spec.name), _settled_points(combination, part, spec, features))
        for part, specs in combination.components.items()
        for spec in specs
    ]
    scored = pl.DataFrame(
        [
            features.get_column("account_id"),
            features.get_column("as_of"),
            *(_tier_input(features, name, kind) for name, kind in _TIER_INPUTS.items()),
            *points,
        ]
    )
    *stages, last = _stages(definition)
    for stage in stages:
        scored = scored.with_columns(stage)
    return scored.select(last)


@lru_cache(maxsize=16)
def _stages(definition: ScoreDef) -> list[list[pl.Expr]]:
    """Return what is computed from points, each stage from the one before; made once."""
    combination = Combination.of(definition)
    bands = [
        _band_column(combination, part, definition.bands).alias(f"{part}_band") for part in Part
    ]
    judged = [
        *bands,
        _passes_column(definition.qualified).alias("above_threshold"),
        _passes_column(definition.enterprise).alias("above_enterprise"),
        (pl.col(INDICATORS) >= ENTERPRISE_FIT).fill_null(value=False).alias("enterprise_fit"),
    ]
    kept = [
        "account_id",
        "as_of",
        "score",
        *(part_column(part) for part in Part),
        *(f"{part}_band" for part in Part),
        "above_threshold",
        "above_enterprise",
        "enterprise_fit",
        "tier",
        *(_column(part, spec.name) for part in Part for spec in combination.components[part]),
    ]
    return [
        [_part_column(combination, part).alias(part_column(part)) for part in Part],
        [_score_column(combination).alias("score")],
        judged,
        [_tier_column().alias("tier")],
        [pl.col(name) for name in kept],
    ]


def needed_features(definition: ScoreDef) -> frozenset[str]:
    """Return the features that scoring reads, the tier's among them."""
    specs = (spec for part in definition.parts.values() for spec in part.components)
    return frozenset({INDICATORS, PAYING}).union(*(inputs(spec) for spec in specs))


def part_column(part: Part) -> str:
    """Return the column of a part's points, such as `usage_score`."""
    return f"{part}_score"


def _column(part: Part, component: str) -> str:
    return f"{part}.{component}"


def _tier_input(features: pl.DataFrame, name: str, kind: pl.DataType) -> pl.Series:
    if name in features.columns:
        return features.get_column(name).cast(kind)
    return pl.Series(name, [None], dtype=kind).new_from_index(0, features.height)


def _settled_points(
    combination: Combination, part: Part, spec: ComponentSpec, features: pl.DataFrame
) -> NDArray[np.float64]:
    points = points_column(spec, features)
    return np.where(np.isnan(points), spec.unknown, points) * combination.scales[part]


def _part_column(combination: Combination, part: Part) -> pl.Expr:
    total = pl.lit(0.0)
    for spec in combination.components[part]:
        total = total + pl.col(_column(part, spec.name))
    return total


def _score_column(combination: Combination) -> pl.Expr:
    total = pl.lit(combination.base)
    for part in combination.added():
        total = total + pl.lit(combination.weights[part]) * pl.col(part_column(part))
    if combination.combine == MULTIPLY and combination.components[Part.FIT]:
        total = total * pl.col(part_column(Part.FIT)).clip(lower_bound=0.0)
    return total.clip(0.0, FULL).round(DIGITS)


def _band_column(combination: Combination, part: Part, bands: Bands) -> pl.Expr:
    span = combination.ranges[part]
    if span.most <= span.least:
        return pl.lit(str(Band.LOW))
    points = pl.col(part_column(part))
    standing = ((points - span.least) * span.percent).round(DIGITS)
    return (
        pl.when(standing >= bands.high)
        .then(pl.lit(str(Band.HIGH)))
        .when(standing >= bands.medium)
        .then(pl.lit(str(Band.MEDIUM)))
        .otherwise(pl.lit(str(Band.LOW)))
    )


def _passes_column(threshold: Threshold | None) -> pl.Expr:
    score = pl.col("score")
    if threshold is None or (threshold.above is None and threshold.at_least is None):
        return pl.lit(value=False)
    result = pl.lit(value=True)
    if threshold.above is not None:
        result = result & (score > threshold.above)
    if threshold.at_least is not None:
        result = result & (score >= threshold.at_least)
    return result


def _tier_column() -> pl.Expr:
    return (
        pl.when(pl.col("enterprise_fit"))
        .then(pl.lit(str(Tier.ENTERPRISE)))
        .when(pl.col(PAYING).fill_null(value=False))
        .then(pl.lit(str(Tier.EXPANSION)))
        .otherwise(pl.lit(str(Tier.CONVERT)))
    )
