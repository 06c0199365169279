"""Who takes part in the experiment, from when on, in which arm; and what came of each.

An account takes part with its first exposure since the holdout began: the first decision that hands
it over, or that nothing but the holdout keeps from it. It is in the arm it was in on that day,
whatever happened to it after: what is compared is what was meant to be done (intention to treat).
Hand-raises are never held out, so an account that had asked for a person takes no part.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

ENROLLED: dict[str, pl.DataType | type[pl.DataType]] = {
    "account_id": pl.String,
    "parent_id": pl.String,
    "assigned_on": pl.Date,
    "due": pl.Date,
    "held_out": pl.Boolean,
    "motion": pl.String,
    "tier": pl.String,
    "had_its_time": pl.Boolean,
}
"""One row per account that takes part; `due` is when its horizon ends."""

NO_MOTION = "undecided"


def began_on(exposures: pl.DataFrame) -> date | None:
    """Return the first day that counts where nobody says: the day after the first was held out.

    That first one is left out since it is why the day was picked; with it the arm would always be
    larger by one than chance makes it.
    """
    first: date | None = exposures.filter(pl.col("held_out"))["exposed_on"].min()  # pyright: ignore[reportAssignmentType]
    return first + timedelta(days=1) if first is not None else None


def enrol_accounts(
    exposures: pl.DataFrame, accounts: pl.DataFrame, *, since: date, horizon: int, as_of: date
) -> pl.DataFrame:
    """Return who takes part.

    Args:
        exposures: account_id, exposed_on, held_out, motion, tier; every exposure.
        accounts: account_id, parent_id, hand_raised.
        since: The first day that counts.
        horizon: Days that every account is given.
        as_of: The day; later exposures are not looked at.

    Returns:
        The columns of `ENROLLED`, by day and account.
    """
    known = accounts.select("account_id", "parent_id", "hand_raised")
    first = (
        exposures.filter(pl.col("exposed_on").is_between(since, as_of))
        .sort("exposed_on", "account_id", maintain_order=True)
        .unique("account_id", keep="first", maintain_order=True)
    )
    return (
        first.join(known, on="account_id", how="left", maintain_order="left")
        .filter((pl.col("hand_raised") <= pl.col("exposed_on")).fill_null(value=False).not_())
        .with_columns(
            pl.col("parent_id").fill_null(pl.col("account_id")),
            pl.col("held_out").fill_null(value=False),
            pl.col("motion").fill_null(NO_MOTION),
            assigned_on=pl.col("exposed_on"),
            due=pl.col("exposed_on") + timedelta(days=horizon),
        )
        .with_columns(had_its_time=pl.col("due") <= as_of)
        .select(pl.col(name).cast(kind) for name, kind in ENROLLED.items())
    )


def observe_outcomes(
    enrolled: pl.DataFrame,
    accounts: pl.DataFrame,
    arr: pl.DataFrame,
    opportunities: pl.DataFrame,
) -> pl.DataFrame:
    """Add what came of accounts after the day of assignment, up to when they were due.

    An account converts when it begins to pay, pays more than on the day of assignment, or a deal
    with it is won. What it bought is the most it came to pay above that day, or what was won where
    its recurring revenue did not rise (yet).

    Args:
        enrolled: As `ENROLLED`.
        accounts: account_id, paid.
        arr: account_id, day, arr_cents - the total from that day on.
        opportunities: account_id, closed_at, won, amount_cents.

    Returns:
        `enrolled` and converted, bought_cents (of those who did; null where nothing tells it), and
        added_cents: recurring revenue on the last day less that on the first; both can only be
        read where `had_its_time`.
    """
    told = enrolled.select("account_id", "assigned_on", "due")
    steps = arr.select("account_id", pl.col("day").cast(pl.Date), pl.col("arr_cents"))
    within = pl.col("day").is_between("assigned_on", "due", closed="right")
    highest = (
        told.join(steps, on="account_id")
        .filter(within)
        .group_by("account_id")
        .agg(most=pl.col("arr_cents").max())
    )
    paid = accounts.select("account_id", day=pl.col("paid").cast(pl.Date))
    won = opportunities.filter(pl.col("won").fill_null(value=False)).select(
        "account_id", "amount_cents", day=pl.col("closed_at").cast(pl.Date)
    )
    deals = (
        told.join(won, on="account_id")
        .filter(within)
        .group_by("account_id")
        .agg(pl.len().alias("deals"), won_cents=pl.col("amount_cents").sum())
    )
    paying = (
        told.join(paid, on="account_id")
        .filter(within)
        .select("account_id", began=pl.lit(value=True))
    )
    found = enrolled
    for day, name in (("assigned_on", "before"), ("due", "after")):
        found = _paid_on(found, steps, day, name)
    for rows in (highest, deals, paying):
        found = found.join(rows, on="account_id", how="left", maintain_order="left")
    rise = pl.col("most").fill_null(0) - pl.col("before")
    bought = pl.when(rise > 0).then(rise).when(pl.col("won_cents") > 0).then("won_cents")
    deal = pl.when(rise > 0).then(0).otherwise(pl.col("won_cents").fill_null(0))
    return found.with_columns(
        converted=(rise > 0) | pl.col("deals").is_not_null() | pl.col("began").is_not_null(),
        bought_cents=bought.cast(pl.Int64),
        added_cents=(pl.col("after") - pl.col("before") + deal).cast(pl.Int64),
    ).drop("before", "after", "most", "deals", "won_cents", "began")


def add_covariates(
    observed: pl.DataFrame, features: pl.DataFrame, names: tuple[str, ...]
) -> pl.DataFrame:
    """Add features as they were on the day of assignment, or last before; null where unknown.

    Args:
        observed: account_id, assigned_on.
        features: account_id, as_of and the features; one row per account and day.
        names: Which ones; those that `features` has not are left out.
    """
    known = [name for name in names if name in features.columns]
    return (
        observed.with_row_index("row")
        .sort("assigned_on")
        .join_asof(
            features.select("account_id", "as_of", pl.col(known).cast(pl.Float64)).sort("as_of"),
            left_on="assigned_on",
            right_on="as_of",
            by="account_id",
            coalesce=False,
            check_sortedness=False,
        )
        .sort("row")
        .drop("row", "as_of")
    )


def _paid_on(rows: pl.DataFrame, steps: pl.DataFrame, day: str, name: str) -> pl.DataFrame:
    """Add what accounts pay at the end of a day, 0 where nothing."""
    return (
        rows.with_row_index("row")
        .sort(day)
        .join_asof(
            steps.rename({"arr_cents": name, "day": "step"}).sort("step"),
            left_on=day,
            right_on="step",
            by="account_id",
            coalesce=False,
            check_sortedness=False,
        )
        .sort("row")
        .drop("row", "step")
        .with_columns(pl.col(name).fill_null(0))
    )
