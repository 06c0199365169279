"""When the present term of a subscription ends: as it was said ahead, or by the plan's term."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.features.plan import NEVER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from groundswell.config.resolved import Plan

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


def days_to_renewal(
    terms: pl.DataFrame, plans: Mapping[str, Plan], *, at: Ints, day: Ints
) -> Floats:
    """Return the days until the term of a subscription ends; NaN where nobody knows.

    The end that its terms say ahead counts, else the next anniversary of its start by the plan's
    `term`.

    Args:
        terms: As `Dimensions.terms`.
        plans: The price list.
        at: Positions in `terms`; -1 for no subscription.
        day: As of when, for each.
    """
    found = np.full(len(at), np.nan)
    held = np.flatnonzero(at >= 0)
    if not len(held):
        return found
    first, said, months = (
        column.to_numpy()[at[held]]
        for column in terms.select(
            "first_day", pl.col("end_said").fill_null(-NEVER), _term_months(plans)
        )
    )
    today = day[held]
    due = next_anniversary(first, today, np.maximum(months, 1)) - today
    found[held] = np.where(said > today, said - today, np.where(months > 0, due, np.nan))
    return found


def _term_months(plans: Mapping[str, Plan]) -> pl.Expr:
    """Return the months that a term of the column `plan` lasts; 0 where nobody says."""
    months = {name: plan.term_months for name, plan in plans.items() if plan.term_months}
    if not months:
        return (pl.col("first_day") * 0).alias("months")
    return pl.col("plan").replace_strict(months, default=0, return_dtype=pl.Int64).alias("months")


def next_anniversary(start: Ints, day: Ints, months: Ints) -> Ints:
    """Return the first day after `day` that is a multiple of `months` after `start`.

    Days are counted from 1970-01-01. What began on the 31st renews on the last day of a month that
    has none.
    """
    begun = start.astype("datetime64[D]").astype("datetime64[M]")
    now = day.astype("datetime64[D]").astype("datetime64[M]")
    offset = start - begun.astype("datetime64[D]").astype(np.int64)
    passed = (now - begun).astype(np.int64) // months * months
    due = _in_month(begun + passed.astype("timedelta64[M]"), offset)
    later = _in_month(begun + (passed + months).astype("timedelta64[M]"), offset)
    return np.where(due > day, due, later)


def _in_month(month: NDArray[np.datetime64], offset: Ints) -> Ints:
    """Return the day of a month that comes so many days after its first, or its last day."""
    first, end = (
        moment.astype("datetime64[D]").astype(np.int64)
        for moment in (month, month + np.timedelta64(1, "M"))
    )
    return np.minimum(first + offset, end - 1)
