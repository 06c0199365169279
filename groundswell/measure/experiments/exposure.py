"""Who was really contacted: held-out accounts that somebody touched all the same, and the others.

The comparison stays by what was meant to be done; this says how far that was done. Each held-out
account that is contacted makes the difference look smaller than contact is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from groundswell.measure.estimates import Estimate, wilson

Arm = Literal["contacted", "held_out"]

EXPOSURE_LOG: dict[str, pl.DataType | type[pl.DataType]] = {
    "account_id": pl.String,
    "day": pl.Date,
    "arm": pl.String,
    "contacted": pl.Boolean,
}
"""One row per account on the day of its assignment, and on each day it was contacted."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """How far was done what was meant to be done.

    Attributes:
        reached: Share of accounts to be contacted that were.
        contaminated: Share of accounts held out that were contacted all the same.
        never_contacted, touched_held_out: Ids of the accounts that were not treated as meant.
    """

    reached: Estimate
    contaminated: Estimate
    never_contacted: tuple[str, ...]
    touched_held_out: tuple[str, ...]


def log_exposure(enrolled: pl.DataFrame, touches: pl.DataFrame) -> pl.DataFrame:
    """Write down for each account when it was assigned, to which arm, and when it was contacted.

    Args:
        enrolled: account_id, assigned_on, due, held_out.
        touches: account_id, at (an instant); those after an account was due are left out.

    Returns:
        The columns of `EXPOSURE_LOG`, by account and day.
    """
    arm = pl.when("held_out").then(pl.lit("held_out")).otherwise(pl.lit("contacted")).alias("arm")
    assigned = enrolled.select(
        "account_id",
        pl.col("assigned_on").alias("day"),
        arm,
        pl.lit(value=False).alias("contacted"),
    )
    touched = (
        enrolled.join(
            touches.select("account_id", pl.col("at").cast(pl.Date).alias("day")), on="account_id"
        )
        .filter(pl.col("day").is_between("assigned_on", "due"))
        .select("account_id", "day", arm, pl.lit(value=True).alias("contacted"))
    )
    return (
        pl.concat([assigned, touched])
        .group_by("account_id", "day", "arm")
        .agg(pl.col("contacted").any())
        .sort("account_id", "day")
        .select(pl.col(name).cast(kind) for name, kind in EXPOSURE_LOG.items())
    )


def read_exposure(log: pl.DataFrame) -> Exposure:
    """Tell from an exposure log how far was done what was meant to be done.

    Args:
        log: account_id, day, arm, contacted; the arm of an account is that of its first day.
    """
    each = (
        log.sort("account_id", "day")
        .group_by("account_id", maintain_order=True)
        .agg(pl.col("arm").first(), pl.col("contacted").any())
    )
    meant = each.filter(pl.col("arm") == "contacted")
    held = each.filter(pl.col("arm") == "held_out")
    never = meant.filter(~pl.col("contacted"))["account_id"]
    touched = held.filter(pl.col("contacted"))["account_id"]
    return Exposure(
        wilson(meant.height - len(never), meant.height),
        wilson(len(touched), held.height),
        tuple(never),
        tuple(touched),
    )
