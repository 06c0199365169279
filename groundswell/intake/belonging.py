"""Which account a person belongs to as of a day: one for each, for whoever asks by the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.clock import day_number
from groundswell.intake.people import ANONYMOUS_PREFIX

if TYPE_CHECKING:
    from datetime import date

    from groundswell.intake.filing import Filing

BELONGING = {"person": pl.String, "account_id": pl.String}


def belonging(filing: Filing, actors: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the account of each person as of a day.

    A user who belongs to several is told by the one joined last. A device whose user is known is
    told by what its events would count for on the day.

    Args:
        filing: As `resolve` gives.
        actors: actor, user_id, anonymous_id, first_at - those that the filing was made of.
        as_of: The UTC day whose knowledge is used.

    Returns:
        person (a user id, or `anon:<anonymous id>`) and account_id, by person.
    """
    today = day_number(as_of)
    members = (
        filing.members.filter((pl.col("since") <= today) & (pl.col("until") > today))
        .join(filing.persons, on="person")
        .select(pl.col("user_id").alias("who"), "account", "since")
        .sort(["who", "since", "account"], descending=[False, True, False])
        .select("who", "account")
    )
    devices = (
        filing.filings.filter(
            (pl.col("from_day") <= today)
            & (pl.col("until_day") > today)
            & (pl.col("visible") <= today)
            & (pl.col("hidden") > today)
        )
        .join(actors.drop_nulls("anonymous_id"), on="actor")
        .select(
            (ANONYMOUS_PREFIX + pl.col("anonymous_id")).alias("who"),
            "account",
            pl.col("user_id").is_not_null().alias("named"),
            "first_at",
            "actor",
        )
        .sort(["who", "named", "first_at", "actor"], descending=[False, False, True, False])
        .select("who", "account")
    )
    return (
        pl.concat([members, devices])
        .unique("who", keep="first", maintain_order=True)
        .join(filing.accounts.select("account", "account_id"), on="account")
        .select(pl.col("who").alias("person"), "account_id")
        .sort("person")
    )
