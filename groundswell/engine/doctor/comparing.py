"""Comparing two frames of accounts, column by column: sums nearly, everything else exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLERANCE = 1e-9
"""How far numbers may lie apart, as a share of the larger one, or of 1 where that is more: sums are
added up in another order."""

SHOWN = 10
"""Differences that are told one by one."""

THERE = "account"
"""The column of a difference that is a whole account, there on one side only."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not the same on both sides."""

    account_id: str
    column: str
    shown: Any
    expected: Any

    def __str__(self) -> str:
        return f"{self.account_id}: {self.column} is {self.shown}, and should be {self.expected}"


@dataclass(frozen=True, slots=True)
class Differences:
    """What is not the same.

    Attributes:
        count: How many values.
        accounts: The accounts they are of, sorted.
        first: The first of them, by account.
    """

    count: int
    accounts: tuple[str, ...]
    first: tuple[Difference, ...]

    def __str__(self) -> str:
        return "; ".join(str(item) for item in self.first)


def compare(
    shown: pl.DataFrame, expected: pl.DataFrame, *, columns: Sequence[str] | None = None
) -> Differences:
    """Compare two frames that have one row per account_id.

    Args:
        shown: What is looked at.
        expected: What it should be.
        columns: Which columns; those of `expected` when None.
    """
    ours, theirs = shown["account_id"], expected["account_id"]
    found = [
        Difference(account_id, THERE, "missing", "there")
        for account_id in theirs.filter(~theirs.is_in(ours.implode()))
    ]
    found += [
        Difference(account_id, THERE, "there", "missing")
        for account_id in ours.filter(~ours.is_in(theirs.implode()))
    ]
    wanted = [name for name in columns or expected.columns if name != "account_id"]
    both = expected.select("account_id").join(shown.select("account_id"), on="account_id")
    left, right = (both.join(frame, on="account_id", how="left") for frame in (shown, expected))
    for name in wanted:
        if name not in left.columns:
            found.append(Difference("every account", name, "missing", "there"))
            continue
        a, b = left[name], right[name]
        for row in _unequal(a, b).arg_true().to_list():
            found.append(Difference(both["account_id"][row], name, _plain(a[row]), _plain(b[row])))
    found.sort(key=lambda item: item.account_id)
    accounts = tuple(dict.fromkeys(item.account_id for item in found))
    return Differences(len(found), accounts, tuple(found[:SHOWN]))


def _plain(value: Any) -> Any:
    return value.to_list() if isinstance(value, pl.Series) else value


def _unequal(a: pl.Series, b: pl.Series) -> pl.Series:
    if a.dtype.is_nested() or b.dtype.is_nested():
        pairs = zip(a.to_list(), b.to_list(), strict=True)
        return pl.Series([one != other for one, other in pairs], dtype=pl.Boolean)
    if not (a.dtype.is_float() and b.dtype.is_numeric()):
        return a.ne_missing(b)
    most = pl.max_horizontal(pl.col("a").abs(), pl.col("b").abs(), pl.lit(1.0))
    apart = (pl.col("a") - pl.col("b")).abs() > TOLERANCE * most
    known = pl.col("a").is_finite() & pl.col("b").is_finite()
    frame = pl.DataFrame({"a": a, "b": b.cast(a.dtype)})
    exactly = pl.col("a").ne_missing(pl.col("b"))
    return frame.select(
        pl.when(known).then(apart).otherwise(exactly).fill_null(exactly)
    ).to_series()
