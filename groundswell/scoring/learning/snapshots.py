"""Snapshots with what came after them: an account as of a day, and its outcome from there on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import polars as pl

if TYPE_CHECKING:
    from datetime import date

Outcome = Literal["converted", "expanded", "won", "any"]

EXPANDED_BY = 1.2
"""An account has expanded when it pays so many times what it paid. Source: MODELS section 4."""

MONTHS = 12
_DUST = 1e-9  # of an amount: 1.2 x 1.36 is a little more than 1.632 in binary


@dataclass(frozen=True)
class Outcomes:
    """What came of accounts, by day.

    Attributes:
        revenue: account_id, day, mrr - from that day until the next; by both.
        wins: account_id, day, amount - deals that were won; by the first two.
        until: The last day of which anything is known.
    """

    revenue: pl.DataFrame
    wins: pl.DataFrame
    until: date


def label_snapshots(
    snapshots: pl.DataFrame, outcomes: Outcomes, outcome: Outcome, *, near: int = 0, far: int
) -> pl.DataFrame:
    """Return the snapshots that the outcome could still come after, and whether it came.

    `converted` asks of accounts that do not pay whether they do later, `expanded` of paying ones
    whether they pay a fifth more, `won` of all whether a deal is won, and `any` whether one of
    these comes. Left out are snapshots whose horizon is not over by the last day there is, and
    those to which the outcome came within `near` days: by then it is no longer before it.

    Args:
        snapshots: account_id, as_of and any other columns.
        outcomes: What came.
        outcome: What is asked.
        near: Days after the snapshot from which on the outcome counts.
        far: The horizon, in days.

    Returns:
        The snapshots, in their order, with `label`, `came_on` (the first day) and `acv` (what a
        year of it adds, where it came).
    """
    over = snapshots.filter(pl.col("as_of") <= outcomes.until - timedelta(days=far))
    rows = over.select("account_id", "as_of").with_row_index("row")
    paid = (
        rows.sort("as_of")
        .join_asof(
            outcomes.revenue.sort("day").select("account_id", "day", pl.col("mrr").alias("now")),
            left_on="as_of",
            right_on="day",
            by="account_id",
            check_sortedness=False,
        )
        .select("row", "account_id", "as_of", pl.col("now").fill_null(0.0))
        .sort("row")
    )
    first = (
        pl.concat(_coming(paid, outcomes, outcome, far=far))
        .sort("row", "day", maintain_order=True)
        .group_by("row", maintain_order=True)
        .first()
        .rename({"day": "came_on"})
    )
    found = paid.join(first, on="row", how="left", maintain_order="left")
    labelled = over.with_columns(
        found["came_on"].is_not_null().alias("label"), found["came_on"], found["acv"], found["now"]
    )
    soon = pl.col("came_on") <= pl.col("as_of") + pl.duration(days=near)
    asked = _at_risk(outcome)
    return labelled.filter(asked & ~soon.fill_null(value=False)).drop("now")


def _at_risk(outcome: Outcome) -> pl.Expr:
    if outcome == "converted":
        return pl.col("now") <= 0
    return pl.col("now") > 0 if outcome == "expanded" else pl.lit(value=True)


def _coming(
    paid: pl.DataFrame, outcomes: Outcomes, outcome: Outcome, *, far: int
) -> list[pl.DataFrame]:
    """Return row, day and acv of everything that comes within the horizon."""
    within = (pl.col("day") > pl.col("as_of")) & (
        pl.col("day") <= pl.col("as_of") + pl.duration(days=far)
    )
    kept = ("row", "day", "acv")
    found = [pl.DataFrame(schema={"row": pl.UInt32, "day": pl.Date, "acv": pl.Float64})]
    if outcome != "won":
        added = (pl.col("mrr") - pl.col("now")) * MONTHS
        converts = (pl.col("now") <= 0) & (pl.col("mrr") > 0)
        expands = (pl.col("now") > 0) & (pl.col("mrr") >= pl.col("now") * EXPANDED_BY * (1 - _DUST))
        asked = {"converted": converts, "expanded": expands}.get(outcome, converts | expands)
        later = paid.join(outcomes.revenue, on="account_id")
        found.append(later.filter(within & asked).with_columns(added.alias("acv")).select(kept))
    if outcome in {"won", "any"}:
        later = paid.join(outcomes.wins, on="account_id")
        found.append(later.filter(within).rename({"amount": "acv"}).select(kept))
    return found
