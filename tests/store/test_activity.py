"""The roll-up is sorted, read by whole accounts, and replaced whole."""

from __future__ import annotations

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
from groundswell.store.activity import COLUMNS, ActivityStore, in_order, open_activity
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


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
@given(
    sizes=st.dictionaries(st.integers(0, 40), st.integers(1, 9), max_size=12),
    limit=st.integers(1, 20),
)
def test_chunks_are_whole_accounts_in_order(
    activity: ActivityStore, sizes: dict[int, int], limit: int
) -> None:
    frame = _rollup(sizes)
    assert _put(activity, frame) == frame.height
    chunks = list(activity.chunks(limit))
    accounts = [set(chunk["account"].to_pylist()) for chunk in chunks]
    assert sorted(sizes) == [account for some in accounts for account in sorted(some)]
    for chunk, some in zip(chunks, accounts, strict=True):
        assert chunk.num_rows <= limit or len(some) == 1
        assert chunk.schema == pa.schema([(name, pa.int32()) for name in COLUMNS])
    if chunks:
        read = pl.from_arrow(pa.concat_tables(chunks))
        assert_frame_equal(read, frame.cast(pl.Int32).sort(ORDER))


def test_only_the_columns_and_accounts_asked_for(activity: ActivityStore) -> None:
    _put(activity, _rollup({1: 3, 2: 2, 5: 4}, sums=True))
    assert activity.sums == ("s0", "s1")
    (chunk,) = activity.chunks(100, columns=["account", "s1"], accounts=(2, 5))
    assert chunk.column_names == ["account", "s1"]
    assert chunk["account"].to_pylist() == [2] * 2 + [5] * 4
    assert chunk["s1"].type == pa.float64()


def test_a_roll_up_is_replaced_whole_with_its_fingerprint(
    activity: ActivityStore, tmp_path: Path
) -> None:
    assert activity.fingerprint is None
    assert list(activity.chunks(10)) == []
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
    (chunk,) = activity.chunks(100, columns=["account", "n"])
    assert chunk["account"].to_pylist() == list(range(10))
    assert np.array_equal(chunk["n"], 2 * (9 - np.arange(10)))


def test_a_reader_that_is_not_done_leaves_the_writer_free(activity: ActivityStore) -> None:
    _put(activity, _rollup({1: 3, 2: 3}))
    chunks = activity.chunks(3)
    first = next(chunks)
    assert first["account"].to_pylist() == [1, 1, 1]
    assert activity.rows == 6
    assert next(chunks)["account"].to_pylist() == [2, 2, 2]


def test_rows_that_come_back_out_of_order_are_put_in_order():
    columns = {
        "account": [1, 1, 2, 2],
        "person": [5, 6, 7, 7],
        "visible": [3, 3, 2, 4],
        "n": [1, 2, 3, 4],
    }
    right = pa.table({name: pa.array(values, pa.int32()) for name, values in columns.items()})
    assert in_order(right) is right
    for swapped in ([2, 3, 0, 1], [1, 0, 2, 3], [0, 1, 3, 2]):
        assert in_order(right.take(swapped)).equals(right)
