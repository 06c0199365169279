"""Make a table to learn from: who takes to the product, by what the first 14 days showed?

    python adoption.py ../../../shared/data/relax adoption.csv

One row per user who has not adopted the product when 14 days are over, as all was on that day;
`adopted` says whether the user did within the next 90 days. To adopt is to log in on three
different days within seven. Users whose 90 days the log does not cover are left out.

Nothing in a row is younger than its day: `org_users` counts those who had signed up by then. What
the log states without a date (the mailing list, the drip, the last session) is left out, as nobody
knows when it came to be so.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import datetime as dt

SEEN = 14
"""Days a user is looked at, that of the sign-up included."""

AHEAD = 90
"""Days after those, in which a user may adopt the product."""

LOGINS, WITHIN = 3, 7
"""To adopt: logins on so many different days, within so many days."""


def main() -> None:
    """Read the log, write the table, and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with users.csv and engagement.csv.gz")
    parser.add_argument("out", type=Path, help="CSV file to write")
    asked = parser.parse_args()
    users, logins = read_users(asked.data), read_logins(asked.data)
    table = adoption_table(users, logins, log_ends=logins["on"].max())
    table.write_csv(asked.out)
    print(f"{table.height:,} users, {table['adopted'].sum():,} of whom adopted the product")


def read_users(data: Path) -> pl.DataFrame:
    """Read one row per user, with the day of the sign-up."""
    return pl.read_csv(data / "users.csv").select(
        "user_id",
        "org_id",
        "creation_source",
        pl.col("creation_time").str.to_datetime("%d-%m-%Y %H:%M").dt.date().alias("signed_up"),
        pl.col("invited_by_user_id").is_not_null().alias("invited"),
    )


def read_logins(data: Path) -> pl.DataFrame:
    """Read one row per user and day with a login."""
    logins = pl.read_csv(data / "engagement.csv.gz", try_parse_dates=True)
    return logins.select("user_id", on="time_stamp").unique()


def adoption_table(users: pl.DataFrame, logins: pl.DataFrame, *, log_ends: dt.date) -> pl.DataFrame:
    """Return one row per user who had not adopted the product when 14 days were over.

    Args:
        users: One row each: user_id, org_id, creation_source, signed_up, invited.
        logins: One row per user and day: user_id, on.
        log_ends: The last day of the log. A user's 90 days have to be over before it, as it may
            have been cut off at noon.
    """
    days = login_ages(users, logins)
    snapshot_day = pl.col("signed_up") + pl.duration(days=SEEN)
    adopted = pl.col("adoption_age")
    return (
        users.join(first_adoptions(days), on="user_id", how="left")
        .filter(snapshot_day + pl.duration(days=AHEAD) <= log_ends)
        .filter(adopted.is_null() | (adopted >= SEEN))
        .with_columns(
            snapshot_day=snapshot_day,
            adopted=(adopted < SEEN + AHEAD).fill_null(value=False),
        )
        .join(first_days(days), on="user_id", how="left")
        .join(organisation_sizes(users), on="user_id", how="left")
        .with_columns(
            pl.col("logins", "second_week").fill_null(0), pl.col("quiet_days").fill_null(SEEN)
        )
        .sort("snapshot_day", "user_id")
        .select(
            "user_id",
            "org_id",
            "snapshot_day",
            "creation_source",
            "invited",
            "org_users",
            "logins",
            "second_week",
            "quiet_days",
            "adopted",
        )
    )


def login_ages(users: pl.DataFrame, logins: pl.DataFrame) -> pl.DataFrame:
    """Return how old each login is, in days from the sign-up: user_id, age."""
    age = (pl.col("on") - pl.col("signed_up")).dt.total_days()
    return logins.join(users, on="user_id").select("user_id", age=age).sort("user_id", "age")


def first_adoptions(days: pl.DataFrame) -> pl.DataFrame:
    """Return the age at which users adopted the product, for those who did.

    Args:
        days: One row per user and day with a login, in order: user_id, age.
    """
    since = pl.col("age") - pl.col("age").shift(LOGINS - 1).over("user_id")
    return days.filter(since < WITHIN).group_by("user_id").agg(adoption_age=pl.col("age").min())


def first_days(days: pl.DataFrame) -> pl.DataFrame:
    """Return what the first 14 days of users showed, for those who logged in at all."""
    age = pl.col("age")
    return (
        days.filter(age < SEEN)
        .group_by("user_id")
        .agg(
            logins=pl.len(),
            second_week=(age >= SEEN // 2).sum(),
            quiet_days=SEEN - 1 - age.max(),
        )
    )


def organisation_sizes(users: pl.DataFrame) -> pl.DataFrame:
    """Return how many users of each one's organisation had signed up in the first 14 days."""
    others = users.select("org_id", joined="signed_up")
    known = pl.col("joined") < pl.col("signed_up") + pl.duration(days=SEEN)
    pairs = users.join(others, on="org_id").filter(known)
    return pairs.group_by("user_id").agg(org_users=pl.len())


if __name__ == "__main__":
    main()
