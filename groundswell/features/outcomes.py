"""What came of accounts, by day: what they paid from when on, and the deals that were won."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.features.dimensions import Dimensions, placed, places
from groundswell.features.plan import NEVER

if TYPE_CHECKING:
    from groundswell.features.people import Filing

_CENTS = 100
_DAY = pl.col("day").cast(pl.Int32).cast(pl.Date)


def revenue_steps(dimensions: Dimensions) -> pl.DataFrame:
    """Return every change of what an account pays, merges followed.

    Returns:
        account_id, day, mrr (of all active subscriptions, from that day until the next); by both.
    """
    terms = dimensions.terms.with_columns(pl.col("cents").fill_null(0))
    changes = pl.concat(
        [
            terms.select("account", pl.col("start").alias("day"), "cents"),
            terms.filter(pl.col("until") < NEVER).select(
                "account", pl.col("until").alias("day"), -pl.col("cents")
            ),
        ]
    )
    ids = dimensions.filed.select(pl.col("account").cast(pl.Int64), "account_id")
    return (
        changes.group_by("account", "day")
        .agg(pl.col("cents").sum())
        .filter(pl.col("cents") != 0)
        .sort("account", "day")
        .with_columns((pl.col("cents").cum_sum().over("account") / _CENTS).alias("mrr"))
        .join(ids, on="account", maintain_order="left")
        .select("account_id", _DAY, "mrr")
        .sort("account_id", "day")
    )


def deals_won(opportunities: pl.DataFrame, filing: Filing) -> pl.DataFrame:
    """Return the deals that were won, filed under the account that the account is part of that day.

    Args:
        opportunities: Every version of every opportunity; the last one says what became of it.
        filing: Who belongs where.

    Returns:
        account_id, day, amount (0 where it is not said); by the first two.
    """
    accounts = filing.accounts.sort("account")
    last = (
        opportunities.sort("valid_from", nulls_last=False, maintain_order=True)
        .group_by("opportunity_id", maintain_order=True)
        .last()
        .filter(pl.col("won") & pl.col("closed_at").is_not_null())
        .with_columns(pl.col("closed_at").dt.epoch("d").cast(pl.Int64).alias("start"))
        .select("account_id", "start", pl.col("start").add(1).alias("until"), "amount")
    )
    won = placed(last, accounts.select("account", "account_id"), places(filing))
    return (
        won.join(
            accounts.select(pl.col("account").cast(pl.Int64), "account_id"),
            on="account",
            maintain_order="left",
        )
        .select(
            "account_id",
            pl.col("start").cast(pl.Int32).cast(pl.Date).alias("day"),
            pl.col("amount").cast(pl.Float64).fill_null(0.0),
        )
        .sort("account_id", "day")
    )
