"""The roll-up is sorted, read by whole accounts, and replaced whole."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from groundswell.errors import StoreError
from groundswell.store.activity import COLUMNS, ActivityStore, open_activity
from groundswell.store.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORDER = ["account", "person", "visible", "day"]


@pytest.fixture
def activity(tmp_path: Path) -> Iterator[ActivityStore]:
    with (
        open_warehouse("duckdb", tmp_path) as warehouse,
        open_activity(warehouse, tmp_path) as opened,
    ):
        yield opened


def _rollup(sizes: dict[int, int], *, sums: bool = False) -> pl.DataFrame:
    """Rows of each account in mixed order, each row its own."""
    rows = [
        {
            **dict.fromkeys(COLUMNS, 0),
            "account": account,
            "person": number % 3,
            "day": number,
            "visible": (number * 7) % 5,
            "hidden": 2**30,
            "n": number + 1,
        }
        for account, size in sizes.items()
        for number in reversed(range(size))
    ]
    schema = dict.fromkeys(COLUMNS, pl.Int64)
    frame = pl.DataFrame(rows, schema=schema)
    return frame.with_columns(s0=pl.col("day") / 4, s1=pl.col("n") * 1.0) if sums else frame


def _put(activity: ActivityStore, frame: pl.DataFrame, fingerprint: str = "f") -> int:
    return activity.replace(frame.to_arrow().to_reader(), fingerprint=fingerprint)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    sizes=st.dictionaries(st.integers(0, 40), st.integers(1, 9), max_size=12),
    ends=st.tuples(st.integers(0, 40), st.integers(0, 40)),
)
def test_runs_of_accounts_are_read_in_order(
    activity: ActivityStore, sizes: dict[int, int], ends: tuple[int, int]
) -> None:
    frame = _rollup(sizes)
    assert _put(activity, frame) == frame.height
    first, last = min(ends), max(ends)
    inside = {account: rows for account, rows in sizes.items() if first <= account <= last}
    counts = activity.counts((first, last))
    assert dict(zip(*(column.to_pylist() for column in counts.columns), strict=True)) == inside
    read = activity.read(columns=COLUMNS, accounts=(first, last))
    assert read.schema == pa.schema([(name, pa.int32()) for name in COLUMNS])
    wanted = frame.filter(pl.col("account").is_between(first, last)).cast(pl.Int32).sort(ORDER)
    assert_frame_equal(pl.DataFrame(read), wanted)


def test_only_the_columns_accounts_and_rows_asked_for(activity: ActivityStore) -> None:
    _put(activity, _rollup({1: 3, 2: 2, 5: 4}, sums=True))
    assert activity.sums == ("s0", "s1")
    odd = sqlglot.condition("n > 2")
    read = activity.read(columns=["account", "s1"], accounts=(2, 5), where=odd)
    assert read.column_names == ["account", "s1"]
    assert read["account"].to_pylist() == [5] * 2
    assert read["s1"].type == pa.float64()


def test_a_roll_up_is_replaced_whole_with_its_fingerprint(
    activity: ActivityStore, tmp_path: Path
) -> None:
    assert activity.fingerprint is None
    assert activity.read(columns=["n"]).num_rows == 0
    _put(activity, _rollup({1: 3}, sums=True), "one")
    with pytest.raises(StoreError, match="lacks \\['hidden'\\] and cannot have \\['extra'\\]"):
        _put(activity, _rollup({2: 3}).rename({"hidden": "extra"}), "bad")
    assert (activity.fingerprint, activity.rows, activity.sums) == ("one", 3, ("s0", "s1"))
    _put(activity, _rollup({7: 2}), "two")
    assert (activity.fingerprint, activity.rows, activity.sums) == ("two", 2, ())


def test_duckdb_makes_it_in_place_from_a_select(activity: ActivityStore) -> None:
    zeros = ", ".join(f"0 AS {name}" for name in COLUMNS if name not in {"account", "n"})
    select = sqlglot.parse_one(
        f"SELECT 9 - i AS account, 2.0 * i AS n, {zeros} FROM RANGE(10) AS t(i)", read="duckdb"
    )
    assert activity.replace(select, fingerprint="x") == 10
    read = activity.read(columns=["account", "n"])
    assert read["account"].to_pylist() == list(range(10))
    assert np.array_equal(read["n"], 2 * (9 - np.arange(10)))


def test_threads_read_at_the_same_time(activity: ActivityStore) -> None:
    _put(activity, _rollup(dict.fromkeys(range(40), 50)))
    with ThreadPoolExecutor(8) as pool:
        read = pool.map(lambda a: activity.read(columns=["n"], accounts=(a, a)), range(40))
        assert [table.num_rows for table in read] == [50] * 40
