"""Snapshots with what came after them: features as of a day, and the outcome from there on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import polars as pl

if TYPE_CHECKING:
    from datetime import date

Outcome = Literal["converted", "expanded"]

EXPANDED_BY = 1.2
"""An account has expanded when it pays so many times what it paid. Source: MODELS section 4."""


def label_snapshots(
    features: pl.DataFrame, outcome: Outcome, *, near: int, far: int
) -> pl.DataFrame:
    """Return the snapshots of accounts that the outcome could still come to, and whether it came.

    `converted` asks of accounts that do not pay whether they do later; `expanded` asks of paying
    ones whether they pay a fifth more. Left out are snapshots whose horizon is not over by the last
    day there is, and those to which the outcome came sooner than `near`: by then it is no longer
    before it.

    Args:
        features: account_id, as_of and a column per feature; weekly days, at most `near` apart.
        outcome: What is asked.
        near: Days after the snapshot from which on the outcome counts; 0 for the next day there is.
        far: The horizon, in days.

    Returns:
        The features, with `label`; by account_id and as_of.
    """
    if features.is_empty():
        return features.with_columns(label=pl.lit(None, dtype=pl.Boolean))
    last: date = features["as_of"].max()  # pyright: ignore[reportAssignmentType] - it is a date
    paying = pl.col("is_paying").fill_null(value=False)
    mrr = pl.col("mrr").fill_null(0.0)
    if outcome == "converted":
        level, line, at_risk = paying.cast(pl.Float64), pl.lit(1.0), ~paying
    else:
        level, line, at_risk = mrr, mrr * EXPANDED_BY, paying & (mrr > 0)
    rows = features.sort("account_id", "as_of").with_columns(
        _level=level, _line=line, _at_risk=at_risk
    )
    for name, days in (("_soon", max(near, 1)), ("_ever", far)):
        later = rows.rolling(
            "as_of", period=f"{days}d", offset="0d", closed="right", group_by="account_id"
        ).agg(pl.col("_level").max().alias(name))
        rows = rows.join(later, on=["account_id", "as_of"], how="left", maintain_order="left")
    return (
        rows.with_columns(pl.col("_soon", "_ever").fill_null(float("-inf")))
        .filter(
            pl.col("_at_risk")
            & (pl.col("as_of") <= last - timedelta(days=far))
            & ((pl.col("_soon") < pl.col("_line")) | (near == 0))
        )
        .with_columns(label=pl.col("_ever") >= pl.col("_line"))
        .drop("_level", "_line", "_at_risk", "_soon", "_ever")
    )
