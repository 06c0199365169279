"""The frames that commissions are made from, and cents that are rounded."""

from __future__ import annotations

from fractions import Fraction

import polars as pl

from groundswell.errors import Problem, UsageError

RECEIPTS: dict[str, pl.DataType] = {
    "receipt_id": pl.String(),
    "account_id": pl.String(),
    "day": pl.Date(),
    "movement": pl.String(),
    "amount_cents": pl.Int64(),
    "plan": pl.String(),
    "bucket": pl.String(),
    "rep": pl.String(),
    "motion": pl.String(),
    "opportunity_id": pl.String(),
    "self_served": pl.Boolean(),
    "footprint": pl.Boolean(),
    "base_churned": pl.Boolean(),
}
"""A receipt of recurring revenue. All of them, of every account and from the first day on: what an
account pays on a day is the sum of its receipts up to there.

- `receipt_id`: what disputes name; each stands for dollars of its own.
- `movement`: new, expansion, reactivation, contraction or churn.
- `amount_cents`: a year, signed: below zero for contraction and churn.
- `plan`: the plan from that day on; null if unknown.
- `bucket`: product_sourced, sales_sourced or sales_converted.
- `rep`: address of who is credited; null for nobody.
- `self_served`: the user bought alone (after a rep helped, if there is a rep); null if unknown.
- `footprint`: the account used the product in a way that mattered before; null if unknown.
- `base_churned`: what the account paid before is not renewed; null if unknown.
"""

DISPUTES: dict[str, pl.DataType] = {
    "receipt_id": pl.String(),
    "opened": pl.Date(),
    "resolved": pl.Date(),
    "outcome": pl.String(),
    "rep": pl.String(),
    "share": pl.Float64(),
    "number": pl.Int64(),
}
"""Disputes.

- `receipt_id`, `opened`, `resolved`: of which receipt, from when to when; null: not resolved.
- `outcome`: pay (as it stood), void (nobody), or award to `rep`.
- `share`: what is awarded of it, above 0 and at most 1; null: all of it. The others who had it keep
  the rest, as they shared it.
- `number`: of those of one day, which came first; null if unknown.
"""

EMPLOYEES: dict[str, pl.DataType] = {"account_id": pl.String(), "employees": pl.Int64()}
"""How many people an account employs; null if unknown."""

OUTCOMES = ("pay", "void", "award")
_GAINS = ("new", "expansion", "reactivation")
_LOSSES = ("contraction", "churn")
_BUCKETS = ("product_sourced", "sales_sourced", "sales_converted")


def checked_receipts(receipts: pl.DataFrame) -> pl.DataFrame:
    """Return each receipt once, by account and day.

    Raises:
        UsageError: One id stands for two receipts, or a receipt is none.
    """
    told = receipts.select(pl.col(name).cast(kind) for name, kind in RECEIPTS.items()).unique()
    twice = told.filter(pl.col("receipt_id").is_duplicated())["receipt_id"].unique().sort()
    problems = [
        Problem(
            "receipt-twice",
            f"Two receipts have the id `{receipt}`, and say different things.",
            "Give each dollar a receipt of its own.",
        )
        for receipt in twice
    ]
    gain, loss = pl.col("movement").is_in(_GAINS), pl.col("movement").is_in(_LOSSES)
    amount = pl.col("amount_cents")
    wrong = told.filter(
        ~((gain & (amount > 0)) | (loss & (amount < 0))).fill_null(value=False)
        | (gain & ~pl.col("bucket").is_in(_BUCKETS).fill_null(value=False))
    )
    problems += [
        Problem(
            "receipt-bad",
            f"The receipt `{row['receipt_id']}` is a {row['movement']} of {row['amount_cents']} "
            f"cents in `{row['bucket']}`.",
            f"Gains ({', '.join(_GAINS)}) are above zero and in one of {', '.join(_BUCKETS)}; "
            f"losses ({', '.join(_LOSSES)}) are below.",
        )
        for row in wrong.sort("receipt_id").iter_rows(named=True)
    ]
    if problems:
        raise UsageError(*problems)
    # Of one day: gains first, and what nobody is credited with before what somebody is, so that
    # the baseline is filled up by the dollars that came by themselves.
    return told.with_columns(pl.col("rep").str.to_lowercase()).sort(
        "account_id", "day", amount < 0, pl.col("rep").is_not_null(), "receipt_id"
    )


def half_even(exact: Fraction) -> int:
    """Return whole cents; half a cent goes to the even one.

    >>> half_even(Fraction(5, 2)), half_even(Fraction(7, 2))
    (2, 4)
    """
    return round(exact)
