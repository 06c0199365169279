"""For how long the champions of customers have been silent, from the roll-up.

The champion of an account is whoever was active on most days in the 90 days that ended 14 days
ago, on 4 days or more; of equals, the first by id. So somebody who has fallen silent is still the
champion, and whoever came just now is not. It needs two looks at each person's days, which the
kernel does not take: it is found out once a day, and only of the accounts that are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from sqlglot import exp

from groundswell.clock import day_number
from groundswell.intake.people import ANONYMOUS_PREFIX

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from groundswell.features.rollup import Activity
    from groundswell.intake import Filing

SILENCE_DAYS = 14
"""The last days do not say who the champion is."""
CHAMPION_WINDOW = 90
CHAMPION_DAYS = 4
"""Who was active on fewer days is nobody's champion."""

_SILENT = "champion_silent_days"
_AT_ONCE = 2_000


def silent_champions(
    activity: Activity, filing: Filing, accounts: Collection[str], *, as_of: date
) -> pl.DataFrame:
    """Return account_id, champion_silent_days of the accounts that have a champion.

    Args:
        activity: The roll-up, made with this filing.
        filing: Who belongs where.
        accounts: Ids of the accounts that are looked at.
        as_of: The day; what came later, or was filed later, does not count.
    """
    today = day_number(as_of)
    wanted = filing.accounts.filter(pl.col("account_id").is_in(pl.Series(list(accounts)).implode()))
    numbers = sorted(wanted.get_column("account").to_list())
    frames = [
        _days(activity, numbers[start : start + _AT_ONCE], today)
        for start in range(0, len(numbers), _AT_ONCE)
    ]
    if not frames:
        return pl.DataFrame(schema={"account_id": pl.String, _SILENT: pl.Float64})
    last = today - SILENCE_DAYS
    counted = (pl.col("day") <= last) & (pl.col("day") > last - CHAMPION_WINDOW)
    people = filing.persons.filter(~pl.col("user_id").str.starts_with(ANONYMOUS_PREFIX))
    return (
        pl.concat(frames)
        .group_by("account", "person")
        .agg(
            pl.col("day").filter(counted).n_unique().alias("days"),
            (today - pl.col("day").max()).cast(pl.Float64).alias(_SILENT),
        )
        .filter(pl.col("days") >= CHAMPION_DAYS)
        .join(people.with_columns(pl.col("person").cast(pl.Int64)), on="person")
        .sort("account", "days", "user_id", descending=[False, True, False])
        .unique("account", keep="first", maintain_order=True)
        .join(wanted.with_columns(pl.col("account").cast(pl.Int64)), on="account")
        .select("account_id", _SILENT)
        .sort("account_id")
    )


def _days(activity: Activity, accounts: list[int], today: int) -> pl.DataFrame:
    """Return account, person, day of what was done, as known as of a day."""
    since = today - SILENCE_DAYS - CHAMPION_WINDOW
    where = exp.and_(
        exp.column("account").isin(*accounts),
        exp.column("day") > since,
        exp.column("day") <= today,
        exp.column("visible") <= today,
        exp.column("hidden") > today,
        exp.column("person") >= 0,
    )
    columns = ["account", "person", "day"]
    rows = activity.read(columns=columns, accounts=(accounts[0], accounts[-1]), where=where)
    return pl.DataFrame(rows).select(pl.col(columns).cast(pl.Int64)).unique()
