"""Gradient boosting on top of the linear model: steps in numbers, where lines cannot follow.

Every tree reads one feature, so all of them together are again a sum by feature: what wins can be
written on a card, edited, published and explained like any other definition.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from groundswell.errors import MissingExtraError
from groundswell.scoring.learning.measures import Figure
from groundswell.scoring.learning.model import Steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from groundswell.scoring.learning.examples import Examples
    from groundswell.scoring.learning.measures import Judged
    from groundswell.scoring.learning.model import LinearModel

    Floats = NDArray[np.float64]

LEAST_POSITIVES = 300
"""Positive rows to learn from, without which it is not tried. Source: MODELS section 4."""

_TREES = 100
_SETTING: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 4,
    "min_data_in_leaf": 40,
    "lambda_l2": 1.0,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True)
class Challenge:
    """How the model with steps did on the rows that the one without was judged by.

    Attributes:
        roc_auc: Its own.
        better_by: Its AUC less that of the linear model, on the same draws.
        promoted: Whether it takes over: the rows came later, and the whole interval is above 0.
    """

    roc_auc: Figure
    better_by: Figure
    promoted: bool


def challenge(challenger: Judged, champion: Judged, *, seed: int, by_time: bool) -> Challenge:
    """Compare what both said of the same rows.

    Args:
        challenger: What the model with steps said.
        champion: What the linear model said.
        seed: Of the draws.
        by_time: Whether the rows came later than those learned from: else nothing is promoted.
    """
    better_by = challenger.better_by(champion, seed=seed)
    return Challenge(challenger.auc(seed=seed), better_by, promoted=by_time and better_by.low > 0)


def boost(model: LinearModel, examples: Examples, *, seed: int) -> LinearModel:
    """Return a model with steps beside its lines, learned from the rows that it was learned from.

    Args:
        model: Where the trees begin.
        examples: The rows. Texts and a hand-made score's points get no steps.
        seed: Of the trees.

    Raises:
        MissingExtraError: LightGBM is not installed.
    """
    try:
        import lightgbm  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError("lab", needed_for="Gradient boosting") from None
    columns = [
        column
        for column in examples.features.iter_columns()
        if column.name in model.terms.scales and column.name not in examples.points
    ]
    if not columns:
        return model
    rows = np.column_stack(
        [column.cast(pl.Float64).fill_null(np.nan).to_numpy() for column in columns]
    )
    data = lightgbm.Dataset(
        rows,
        examples.label.astype(np.float64),
        weight=examples.weight,
        init_score=model.log_odds(examples.features),
    )
    alone = [[place] for place in range(len(columns))]
    setting = {**_SETTING, "seed": seed, "interaction_constraints": alone}
    booster = lightgbm.train(setting, data, num_boost_round=_TREES)
    level, steps = _as_steps(booster, columns, rows, examples.weight)
    return replace(model, intercept=model.intercept + level, steps=steps)


def _as_steps(
    booster: Any, columns: list[pl.Series], rows: Floats, weight: Floats
) -> tuple[float, tuple[Steps, ...]]:
    """Return what the trees add to an average row, and what each feature adds to that."""
    edges: dict[int, set[float]] = defaultdict(set)
    for tree in booster.dump_model()["tree_info"]:
        for place, edge in _splits(tree["tree_structure"]):
            edges[place].add(edge)
    nothing = np.zeros((1, len(columns)))
    level = origin = float(booster.predict(nothing, raw_score=True)[0])
    found: list[Steps] = []
    for place, at in sorted(edges.items()):
        ascending = np.array(sorted(at))
        # A number on an edge belongs below it, so the edges and one beyond are all intervals.
        inside = np.append(ascending, np.nextafter(ascending[-1], np.inf))
        asked = np.repeat(nothing, len(inside) + 1, axis=0)
        asked[:, place] = np.append(inside, np.nan)
        said = booster.predict(asked, raw_score=True) - origin
        known = rows[:, place]
        has_unknown = bool(np.isnan(known).any())
        of_row = np.where(
            np.isnan(known), said[-1], said[:-1][np.searchsorted(ascending, known) % len(inside)]
        )
        mean = float(np.average(of_row, weights=weight))
        unknown = float(said[-1]) - mean if has_unknown else 0.0
        found.append(Steps(columns[place].name, ascending, said[:-1] - mean, unknown))
        level += mean
    return level, tuple(found)


def _splits(node: dict[str, Any]) -> Iterator[tuple[int, float]]:
    if "threshold" in node:
        yield node["split_feature"], node["threshold"]
        yield from _splits(node["left_child"])
        yield from _splits(node["right_child"])
