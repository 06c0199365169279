"""LightGBM as a peer: trees of any features, levels and unknown values as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lightgbm
import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.scoring.learning.examples import Examples

    Floats = NDArray[np.float64]


def light_gbm(
    learned: Examples, judged: Examples, *, seed: int = 0, **setting: float | bool
) -> Floats:
    """Return what LightGBM says of some rows after learning from others."""
    rows, texts = _matrix(learned, learned)
    model = lightgbm.LGBMClassifier(verbosity=-1, random_state=seed, **setting)
    model.fit(rows, learned.label, sample_weight=learned.weight, categorical_feature=texts)
    return model.predict_proba(_matrix(judged, learned)[0], raw_score=True)


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
