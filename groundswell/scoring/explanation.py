"""The score of one account with every point accounted for, and the best reasons for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from groundswell.config.sentences import fill, write_value
from groundswell.model import Band, Component, Part, Score, Tier
from groundswell.scoring.combination import ENTERPRISE_FIT, Combination, passes
from groundswell.scoring.components import holds, inputs, most_points, points_for, seen_value
from groundswell.scoring.frame import INDICATORS, PAYING, part_column

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from groundswell.config.resolved import ComponentSpec, ScoreDef
    from groundswell.model import Scalar


def explain_score(
    definition: ScoreDef, row: Mapping[str, Scalar | date], *, currency: str = "USD"
) -> Score:
    """Score one account and say where every point came from.

    It equals the row that `score_frame` gives for the same features, to the last bit. A part's
    components add up to the part; the base and the parts, weighted by `part_weights`, to the score
    (before it is cut to 0..100 and settled to a millionth).

    Args:
        definition: The score, as configured.
        row: account_id, as_of and the account's features; a missing feature is unknown.
        currency: ISO code for amounts of money in sentences.
    """
    account_id, as_of = row["account_id"], row["as_of"]
    values = {
        name: value
        for name, value in row.items()
        if value is None or isinstance(value, str | int | float)
    }
    combination = Combination.of(definition)
    components = tuple(
        _component(combination, part, spec, values, currency)
        for part in Part
        for spec in combination.components[part]
    )
    parts = dict.fromkeys(Part, 0.0)
    for component in components:
        parts[component.part] += component.points
    score = combination.score(parts)
    return Score(
        account_id=str(account_id),
        as_of=as_of,  # pyright: ignore[reportArgumentType]
        value=score,
        parts=parts,
        bands={part: combination.band(part, parts[part], definition.bands) for part in Part},
        components=components,
        tier=tier_of(values),
        above_threshold=passes(definition.qualified, score),
        model_version=definition.version,
        above_enterprise=passes(definition.enterprise, score),
        base=definition.base,
        chance=chance_of(definition, score),
    )


def chance_of(definition: ScoreDef, score: float) -> float | None:
    """Return the chance of the outcome at a score; None where the definition says none."""
    curve = definition.chance
    return None if curve is None else float(np.interp(score, curve.at, curve.give))


SCORED = (
    "account_id",
    "as_of",
    "score",
    *(part_column(part) for part in Part),
    *(f"{part}_band" for part in Part),
    "tier",
    "above_threshold",
    "above_enterprise",
)
"""The columns that `score_of_row` reads."""


def score_of_row(definition: ScoreDef, row: Mapping[str, Any]) -> Score:
    """Return the score that `score_frame` gave a row, without its components.

    Args:
        definition: The score, as configured.
        row: A row with the columns of `score_frame`.
    """
    return Score(
        account_id=str(row["account_id"]),
        as_of=row["as_of"],
        value=row["score"],
        parts={part: row[part_column(part)] for part in Part},
        bands={part: Band(row[f"{part}_band"]) for part in Part},
        components=(),
        tier=Tier(row["tier"]),
        above_threshold=row["above_threshold"],
        model_version=definition.version,
        above_enterprise=row["above_enterprise"],
        base=definition.base,
        chance=chance_of(definition, row["score"]),
    )


def part_weights(definition: ScoreDef) -> dict[Part, float]:
    """Return what each part's points are multiplied by in the score.

    In `multiply` the fit part is itself the factor, and its weight reads 1.
    """
    return Combination.of(definition).weights


def reasons(definition: ScoreDef, score: Score, *, limit: int = 3) -> list[str]:
    """Return the sentences of the components that raised the score most, best first.

    Unknown values and components that gave nothing are no reasons. With equal effect the order
    of the definition holds.
    """
    combination = Combination.of(definition)
    ranked = sorted(
        (
            (component, _effect(combination, score, component))
            for component in score.components
            if component.known
        ),
        key=lambda pair: -pair[1],
    )
    return [component.sentence for component, effect in ranked[:limit] if effect > 0]


def tier_of(values: Mapping[str, Scalar]) -> Tier:
    """Return the tier: enterprise from two indicators on, else by whether the account pays."""
    indicators = values.get(INDICATORS)
    if isinstance(indicators, int | float) and indicators >= ENTERPRISE_FIT:
        return Tier.ENTERPRISE
    return Tier.EXPANSION if values.get(PAYING) else Tier.CONVERT


def _component(
    combination: Combination,
    part: Part,
    spec: ComponentSpec,
    values: Mapping[str, Scalar],
    currency: str,
) -> Component:
    scale = combination.scales[part]
    given = points_for(spec, values)
    points = spec.unknown if given is None else given
    return Component(
        name=spec.name,
        part=part,
        value=seen_value(spec, values),
        points=points if scale == 1.0 else points * scale,
        max=most_points(spec) * scale,
        sentence=_sentence(spec, values, currency, known=given is not None),
        known=given is not None,
    )


def _sentence(
    spec: ComponentSpec, values: Mapping[str, Scalar], currency: str, *, known: bool
) -> str:
    if not known:
        return spec.say_unknown or f"{_plain(spec.name)} unknown"
    if spec.when is not None and not holds(spec, values):
        seen = ", ".join(
            f"{name} {write_value(values.get(name), currency=currency)}"
            for name in sorted(spec.when.names)
        )
        return f"Not so: {spec.when.text} ({seen})"
    if spec.say is not None:
        return fill(spec.say, values, currency=currency)
    shown = write_value(values.get(next(iter(inputs(spec)))), currency=currency)
    return _plain(spec.name) if spec.when is not None else f"{_plain(spec.name)}: {shown}"


def _plain(name: str) -> str:
    """Return a name as words.

    >>> _plain("daily_active_users")
    'Daily active users'
    """
    return name.replace("_", " ").capitalize()


def _effect(combination: Combination, score: Score, component: Component) -> float:
    """Return by how much a component raised the score.

    A factor raises it by what it gave above its share of 1, where the share is by what each
    component of the factor can give.
    """
    part = component.part
    if not combination.is_factor(part):
        factor = 1.0
        if any(combination.is_factor(other) for other in combination.weights):
            factor = max(score.parts[Part.FIT], 0.0)
        return combination.weights.get(part, 0.0) * component.points * factor
    base = sum(combination.weights[other] * score.parts[other] for other in combination.added())
    most = combination.ranges[part].most
    share = component.max / most if most > 0 else 0.0
    return base * (component.points - share)
