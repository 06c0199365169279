"""The benchmark of features runs from end to end on a tiny company."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from benchmarks.features import Bench, asked_in_sql, company, measure
from benchmarks.peer import Peer
from groundswell.clock import day_number
from groundswell.features import compute_features, prepare
from groundswell.features.plan import NEVER
from groundswell.store.activity import open_activity

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("cache")
    project = company("5K", cache=cache)
    assert company("5K", cache=cache) == project
    return project


def test_every_step_is_measured_beside_a_scan(small: Path) -> None:
    found = {
        step: measure(step, small, 1, times=1)
        for step in ("rollup", "prepare", "one day", "same 104", "SQL 104", "oracle 1")
    }
    assert found["rollup"].rows > 1_000
    assert found["one day"].rows >= found["oracle 1"].rows > 0
    assert found["same 104"].rows > found["one day"].rows
    assert all(timing.scan > 0 and timing.peak_mb > 0 for timing in found.values())
    assert "built, sorted and stored" in str(found["rollup"])


def test_the_peer_in_sql_gives_the_numbers_of_the_kernel(small: Path) -> None:
    bench = Bench(small, threads=2)
    try:
        asked_in_sql(bench)
        days = bench.days(3)
        connection = bench.warehouse.connection
        peer = Peer(connection, bench.plan, [day_number(day) for day in days])
        assert peer.ask() > 0
        peer.accounts(0, NEVER)
        told = connection.sql("FROM answer").pl()
        store = open_activity(bench.warehouse, bench.folder)
        prepared = prepare(bench.plan, bench.warehouse, store, bench.filing())
        frame = pl.concat(compute_features(prepared, store, days))
    finally:
        bench.close()
    numbers = prepared.dimensions.filed.select("account", "account_id")
    told = told.with_columns(as_of=pl.from_epoch("as_of", time_unit="d")).join(
        numbers, on="account"
    )
    names = [name for name in told.columns if name in frame.columns]
    assert len(names) > 60
    both = told.select(names).join(frame.select(names), on=["account_id", "as_of"], suffix="_")
    assert len(both) > 0.9 * len(frame)
    for name in set(names) - {"account_id", "as_of"}:
        # What no event is mapped to is unknown to the product, and nothing in SQL.
        same = both[name].eq_missing(both[f"{name}_"].cast(both[name].dtype))
        assert (same | both[f"{name}_"].is_null()).all(), name
