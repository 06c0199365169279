"""How well the score told buyers from others, by what came of accounts since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.measure.estimates import Draws, Estimate, interval
from groundswell.scoring import score_frame
from groundswell.scoring.learning.measures import Ranked, roc_auc

if TYPE_CHECKING:
    from datetime import date

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.measuring.gathering import Gathered

FEWEST = 10
"""Accounts that bought, and that did not, below which nothing is said."""


def score_accuracy(loaded: LoadedConfig, known: Gathered, *, then: date, seed: int = 0) -> Estimate:
    """Return the AUC of the score of a day, by who paid more since.

    The score in use is asked what it says of the features of that day; it looks at no later ones.

    Args:
        loaded: The score.
        known: What is known by a later day; its features hold `then`.
        then: The day of the score.
        seed: Of the draws of accounts that the interval is told by.
    """
    features = known.features.filter(pl.col("as_of") == then)
    told = features.select("account_id").with_columns(
        score_frame(loaded.score, features).get_column("score")
    )
    steps = known.arr.sort("day")
    before = (
        steps.filter(pl.col("day") <= then)
        .group_by("account_id")
        .agg(pl.col("arr_cents").last().alias("before"))
    )
    most = (
        steps.filter(pl.col("day") > then)
        .group_by("account_id")
        .agg(pl.col("arr_cents").max().alias("most"))
    )
    rows = (
        told.filter(pl.col("score").is_not_null())
        .join(before, on="account_id", how="left")
        .join(most, on="account_id", how="left")
        .with_columns(
            bought=(pl.col("most") > pl.col("before").fill_null(0)).fill_null(value=False)
        )
        .sort("account_id")
    )
    bought = rows.get_column("bought").to_numpy()
    n = len(bought)
    if min(int(bought.sum()), n - int(bought.sum())) < FEWEST:
        return Estimate(None, n=n)
    score = rows.get_column("score").cast(pl.Float64).to_numpy()
    ranked = Ranked.of(score, score, bought, np.ones(n))
    draws = Draws.of(rows.get_column("account_id"), seed=seed)
    weights = draws.weights.astype(np.float64)[ranked.order]
    drawn = np.array([roc_auc(ranked, column) for column in weights.T])
    return interval(roc_auc(ranked, np.ones(n)), drawn, n)
