"""Gradient boosting, which may see what a sum cannot: it has to win on later rows to be offered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from groundswell.errors import MissingExtraError
from groundswell.scoring.learning.measures import Figure, Judged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.scoring.learning.examples import Examples

    Floats = NDArray[np.float64]

LEAST_POSITIVES = 300
"""Positive rows to learn from, without which it is not tried."""

_TREES = 200
_SETTING: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 40,
    "lambda_l2": 1.0,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True)
class Challenge:
    """How gradient boosting did on the rows that the linear model was judged by.

    Attributes:
        roc_auc: Its own.
        better_by: Its AUC less that of the linear model, on the same draws.
        promoted: Whether the rows came later and the whole interval is above 0.
    """

    roc_auc: Figure
    better_by: Figure
    promoted: bool


def challenge(
    learned: Examples, judged: Examples, champion: Judged, *, seed: int, by_time: bool
) -> Challenge:
    """Boost trees on the same rows, and compare.

    Args:
        learned: What both learn from.
        judged: What both are judged by.
        champion: What the linear model said of them.
        seed: Of the trees and the draws.
        by_time: Whether the rows judged by came later: else nothing is promoted.

    Raises:
        MissingExtraError: LightGBM is not installed.
    """
    said = _boost(learned, judged, seed=seed)
    scores = said[None]
    challenger = Judged(scores, scores, judged.label, judged.group, judged.weight)
    better_by = challenger.better_by(champion, seed=seed)
    return Challenge(challenger.auc(seed=seed), better_by, promoted=by_time and better_by.low > 0)


def _boost(learned: Examples, judged: Examples, *, seed: int) -> Floats:
    try:
        import lightgbm  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError("lab", needed_for="Gradient boosting") from None
    rows, texts = _matrix(learned, learned)
    data = lightgbm.Dataset(
        rows,
        learned.label.astype(np.float64),
        weight=learned.weight,
        categorical_feature=texts,
        free_raw_data=False,
    )
    booster = lightgbm.train({**_SETTING, "seed": seed}, data, num_boost_round=_TREES)
    found: Any = booster.predict(_matrix(judged, learned)[0], raw_score=True)
    return np.asarray(found, dtype=np.float64)


def _matrix(examples: Examples, learned: Examples) -> tuple[Floats, list[int]]:
    """Return numbers, with the levels of texts as codes, and which columns are texts."""
    columns: list[Floats] = []
    texts: list[int] = []
    for k, name in enumerate(learned.features.columns):
        column = examples.features[name]
        if column.dtype == pl.String:
            texts.append(k)
            levels = learned.features[name].drop_nulls().unique().sort().to_list()
            codes = {level: float(number) for number, level in enumerate(levels)}
            column = column.replace_strict(codes, default=None, return_dtype=pl.Float64)
        columns.append(column.fill_null(np.nan).to_numpy())
    return np.column_stack(columns), texts
