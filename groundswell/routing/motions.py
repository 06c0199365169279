"""Which rule decides: the first whose condition is true, for one account or a frame of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.model import Band, Motion, Part, RuleTrace, Tier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

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


def match_rules(rules: Sequence[Rule], frame: pl.DataFrame) -> NDArray[np.int64]:
    """Return the index of the rule that decides each row of a frame; one past the last for none."""
    matched = np.zeros((frame.height, len(rules) + 1), dtype=bool)
    matched[:, -1] = True
    held = frame.select(
        rule.when.to_polars().cast(pl.Boolean).fill_null(value=False).alias(str(index))
        for index, rule in enumerate(rules)
    )
    for index, column in enumerate(held.iter_columns()):
        matched[:, index] = column.to_numpy()
    return matched.argmax(axis=1)


def quadrant_of(values: Mapping[str, Scalar]) -> str:
    """Return the place on the 2x2 of engagement (usage band) and account value.

    Engagement is high when the usage band is medium or high. An unknown value counts as low.
    """
    engaged = values.get("usage_band") in {Band.MEDIUM, Band.HIGH}
    return _QUADRANTS[engaged, values.get("is_high_value") is True]


def watch_of(values: Mapping[str, Scalar]) -> str:
    """Return how closely an account is watched from its sign-up on, by fit alone."""
    return _WATCHES[Band(str(values["fit_band"]))]


def quadrant_column(frame: pl.DataFrame) -> pl.Series:
    """Return `quadrant_of` for a frame."""
    high = [str(Band.MEDIUM), str(Band.HIGH)]
    engaged = frame.get_column("usage_band").is_in(high).to_numpy()
    valued = frame.get_column("is_high_value").fill_null(value=False).to_numpy()
    names = pl.Series("quadrant", list(_QUADRANTS.values()))
    order = {key: place for place, key in enumerate(_QUADRANTS)}
    place = np.array([[order[e, v] for v in (False, True)] for e in (False, True)])
    return names.gather(place[engaged.astype(int), valued.astype(int)])


def watch_column(frame: pl.DataFrame) -> pl.Series:
    """Return `watch_of` for a frame."""
    names = {str(band): watch for band, watch in _WATCHES.items()}
    bands = frame.get_column("fit_band")
    return bands.replace_strict(names, return_dtype=pl.String).alias("watch")
