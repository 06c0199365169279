"""What came lately is known from memory, and told apart exactly."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from groundswell.model import Kind
from groundswell.store.duckdb_warehouse import DuckDBWarehouse
from groundswell.store.recent import RecentDigests

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC)


def events(*ids: str, received_at: dt.datetime = NOW) -> pa.Table:
    return pa.table(
        {
            "source": ["app"] * len(ids),
            "message_id": list(ids),
            "user_id": ["u1"] * len(ids),
            "event": ["Board Viewed"] * len(ids),
            "occurred_at": pa.array([NOW] * len(ids), pa.timestamp("us", "UTC")),
            "received_at": pa.array([received_at] * len(ids), pa.timestamp("us", "UTC")),
        }
    )


@given(batches=st.lists(st.lists(st.integers(0, 60), max_size=30), max_size=12))
def test_digests_are_found_whatever_the_batches(batches: list[list[int]]) -> None:
    recent = RecentDigests(NOW, NOW.date(), "v")
    for batch in batches:
        recent.add(np.array(batch, dtype=np.uint64))
    asked = np.arange(70, dtype=np.uint64)
    known = {number for batch in batches for number in batch}
    assert recent.among(asked).tolist() == [number in known for number in range(70)]
    assert len(recent) == sum(len(batch) for batch in batches)
    runs = [len(run) for run in recent._runs]
    assert all(one >= 2 * next_ for one, next_ in itertools.pairwise(runs))


def test_what_is_sent_again_within_thirty_days_counts_once(tmp_path: Path) -> None:
    with DuckDBWarehouse(tmp_path / "w.duckdb") as warehouse:
        first = warehouse.append(Kind.EVENTS, events("a", "b"), received_at=NOW, lately=True)
        again = warehouse.append(Kind.EVENTS, events("b", "c", "c"), received_at=NOW, lately=True)
        later = NOW + dt.timedelta(days=29)
        much_later = warehouse.append(
            Kind.EVENTS, events("a", "c", "d", received_at=later), received_at=later, lately=True
        )
    assert (first.added, again.added, much_later.added) == (2, 1, 1)
    assert again.duplicates == 2
    assert much_later.duplicates == 2


def test_what_was_loaded_from_a_file_is_known_too(tmp_path: Path) -> None:
    with DuckDBWarehouse(tmp_path / "w.duckdb") as warehouse:
        warehouse.append(Kind.EVENTS, events("a"), received_at=NOW, lately=True)
        warehouse.append(Kind.EVENTS, events("b"), received_at=NOW)
        done = warehouse.append(Kind.EVENTS, events("a", "b", "c"), received_at=NOW, lately=True)
        assert done.added == 1


def test_what_lay_in_the_inbox_for_long_is_looked_for_in_all_of_the_past(tmp_path: Path) -> None:
    long_ago = NOW - dt.timedelta(days=90)
    old = events("a", "b", received_at=long_ago)
    with DuckDBWarehouse(tmp_path / "w.duckdb") as warehouse:
        warehouse.append(Kind.EVENTS, old, received_at=long_ago)
        assert warehouse.append(Kind.EVENTS, old, received_at=NOW, lately=True).added == 0


def test_loading_twice_changes_nothing_however_long_ago(tmp_path: Path) -> None:
    with DuckDBWarehouse(tmp_path / "w.duckdb") as warehouse:
        long_ago = NOW - dt.timedelta(days=400)
        warehouse.append(Kind.EVENTS, events("a", received_at=long_ago), received_at=long_ago)
        warehouse.append(Kind.EVENTS, events("z"), received_at=NOW, lately=True)
        assert warehouse.append(Kind.EVENTS, events("a"), received_at=NOW).added == 0
