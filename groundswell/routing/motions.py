"""Which rule decides: the first whose condition is true, for one account or a frame of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.model import Band, Motion, Part, RuleTrace, Tier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from groundswell.config.resolved import Rule
    from groundswell.model import Scalar, Score

DEFAULT_RULE = "nothing else matched"
DEFAULT_MOTION = Motion.SELF_SERVE
OWNER_TEAM = "owner"

_QUADRANTS = {
    (True, False): "self_serve_nurture",
    (True, True): "sales_assist_outbound",
    (False, False): "automated_reengagement",
    (False, True): "sales_led_inbound",
}
_WATCHES = {Band.LOW: "self_serve_only", Band.MEDIUM: "monitor", Band.HIGH: "fast_track"}


def decision_values(
    row: Mapping[str, Scalar | date], score: Score, *, qualified: bool
) -> dict[str, Scalar]:
    """Return everything a rule can name for one account: features, and what scoring adds."""
    values: dict[str, Scalar] = {
        name: value
        for name, value in row.items()
        if value is None or isinstance(value, str | int | float)
    }
    values["score"] = score.value
    for part in Part:
        values[f"{part}_score"] = score.parts[part]
        values[f"{part}_band"] = str(score.bands[part])
    values["tier"] = str(score.tier)
    values["enterprise_fit"] = score.tier is Tier.ENTERPRISE
    values["above_threshold"] = score.above_threshold
    values["above_enterprise"] = score.above_enterprise
    values["qualified"] = qualified
    return values


def try_rules(
    rules: Sequence[Rule], values: Mapping[str, Scalar]
) -> tuple[Rule | None, tuple[RuleTrace, ...]]:
    """Try rules in order until one matches.

    Returns:
        The rule that matched, or None; and the trace of every rule tried, the match last.
    """
    traces: list[RuleTrace] = []
    for rule in rules:
        seen = {name: values.get(name) for name in sorted(rule.when.names)}
        result = rule.when.evaluate(seen)
        matched = None if result is None else bool(result)
        traces.append(RuleTrace(rule.name, matched, rule.when.text, seen))
        if matched:
            return rule, tuple(traces)
    return None, tuple(traces)


def match_column(rules: Sequence[Rule]) -> pl.Expr:
    """Return the index of the rule that decides each row of a frame; null where none matches."""
    result = pl.lit(None, pl.Int32)
    for index, rule in reversed(list(enumerate(rules))):
        matched = rule.when.to_polars().cast(pl.Boolean).fill_null(value=False)
        result = pl.when(matched).then(pl.lit(index, pl.Int32)).otherwise(result)
    return result


def quadrant_of(values: Mapping[str, Scalar]) -> str:
    """Return the place on the 2x2 of engagement (usage band) and account value.

    Engagement is high when the usage band is medium or high. An unknown value counts as low.
    """
    engaged = values.get("usage_band") in {Band.MEDIUM, Band.HIGH}
    return _QUADRANTS[engaged, values.get("is_high_value") is True]


def watch_of(values: Mapping[str, Scalar]) -> str:
    """Return how closely an account is watched from its sign-up on, by fit alone."""
    return _WATCHES[Band(str(values["fit_band"]))]


def quadrant_column() -> pl.Expr:
    """Return `quadrant_of` for a frame."""
    engaged = pl.col("usage_band").is_in([str(Band.MEDIUM), str(Band.HIGH)])
    valued = pl.col("is_high_value").fill_null(value=False)
    result = pl.lit(_QUADRANTS[False, False])
    for (high, worth), name in _QUADRANTS.items():
        result = pl.when((engaged == high) & (valued == worth)).then(pl.lit(name)).otherwise(result)
    return result


def watch_column() -> pl.Expr:
    """Return `watch_of` for a frame."""
    names = {str(band): watch for band, watch in _WATCHES.items()}
    return pl.col("fit_band").replace_strict(names, return_dtype=pl.String)
