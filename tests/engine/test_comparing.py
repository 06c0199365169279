"""Sums are compared nearly, everything else exactly; a difference names account and column."""

from __future__ import annotations

import polars as pl

from groundswell.engine.doctor.comparing import SHOWN, compare


def frame(**columns) -> pl.DataFrame:
    return pl.DataFrame({"account_id": ["a", "b"], **columns}, strict=False)


def told(shown: pl.DataFrame, expected: pl.DataFrame) -> list[str]:
    return [str(item) for item in compare(shown, expected).first]


def test_equal_frames_do_not_differ_in_whatever_order():
    left = frame(x=[0.1 + 0.2, None], n=[1, 2], held=[[{"t": 1}], None])
    right = frame(x=[0.3, None], n=[1, 2], held=[[{"t": 1}], None])[::-1]
    assert told(left, right) == []


def test_every_kind_of_difference_is_told():
    left = frame(x=[1.0, 0.0], y=[None, 1.0], name=["n", None], held=[[1], [2]])
    right = frame(x=[1.0 + 1e-6, 1e-15], y=[0.0, float("nan")], name=["n", "m"], held=[[1], [3]])
    assert told(left, right) == [
        "a: x is 1.0, and should be 1.000001",
        "a: y is None, and should be 0.0",
        "b: y is 1.0, and should be nan",
        "b: name is None, and should be m",
        "b: held is [2], and should be [3]",
    ]


def test_accounts_and_columns_on_one_side_only_differ():
    left = frame(x=[1, 2]).filter(pl.col("account_id") == "a")
    assert told(left, frame(x=[1, 2])) == ["b: account is missing, and should be there"]
    assert told(frame(x=[1, 2]), left) == ["b: account is there, and should be missing"]
    found = compare(frame(), frame(x=[1, 2]))
    assert found.first[0].column == "x"


def test_the_first_are_told_and_all_are_counted():
    many = [f"a{number:02}" for number in range(40)]
    left = pl.DataFrame({"account_id": many, "x": [1] * 40})
    found = compare(left, left.with_columns(x=pl.lit(2)))
    assert (found.count, len(found.accounts), len(found.first)) == (40, 40, SHOWN)
