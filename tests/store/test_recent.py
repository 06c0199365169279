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
from groundswell.store.facts import ACTORS
from groundswell.store.recent import KnownActors, RecentDigests
from groundswell.store.tables import INSTANT

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    recent = RecentDigests(NOW, NOW.date(), "v", KnownActors(ACTORS.empty_table()))
    for batch in batches:
        recent.add(np.array(batch, dtype=np.uint64))
    asked = np.arange(70, dtype=np.uint64)
    known = {number for batch in batches for number in batch}
    assert recent.among(asked).tolist() == [number in known for number in range(70)]
    assert len(recent) == sum(len(batch) for batch in batches)
    runs = [len(run) for run in recent._runs]
    assert all(one >= 2 * next_ for one, next_ in itertools.pairwise(runs))


IDS = st.tuples(*[st.sampled_from((None, "", "a", "b"))] * 3)


def actors(ids: Sequence[tuple[str | None, ...]], *, after: int) -> pa.Table:
    """Write actors down as rows; their digests clash on purpose."""
    user, anonymous, account = zip(*ids, strict=True) if ids else ((), (), ())
    return pa.table(
        {
            "actor": pa.array(range(after, after + len(ids)), pa.int32()),
            "user_id": pa.array(user, pa.string()),
            "anonymous_id": pa.array(anonymous, pa.string()),
            "account_id": pa.array(account, pa.string()),
            "first_at": pa.array([NOW] * len(ids), INSTANT),
            "digest": pa.array([len(name or "") for name in user], pa.int64()),
        }
    )


def asked(rows: pa.Table) -> pa.Table:
    names = ["ordinal", *rows.column_names[1:]]
    return rows.rename_columns(names).drop_columns(["first_at"])


@given(ids=st.lists(IDS, unique=True, max_size=40), cuts=st.lists(st.integers(0, 40), max_size=6))
def test_actors_are_found_by_their_ids_and_not_by_their_digests(
    ids: list[tuple[str | None, ...]], cuts: list[int]
) -> None:
    ends = [*sorted(min(cut, len(ids)) for cut in cuts), len(ids)]
    known = KnownActors(actors(ids[: ends[0]], after=0))
    for low, high in itertools.pairwise(ends):
        known.add(actors(ids[low:high], after=low))
    everybody = list(itertools.product((None, "", "a", "b"), repeat=3))
    found = known.look(asked(actors(everybody, after=0))).to_pylist()
    told = {everybody[row["ordinal"]]: row["actor"] for row in found}
    assert told == {name: number for number, name in enumerate(ids)}
    assert len(known) == len(ids) == len(found)
    earlier = actors(ids[::2], after=0).set_column(
        4, "first_at", pa.array([NOW - dt.timedelta(days=1)] * len(ids[::2]), INSTANT)
    )
    known.lower(earlier)
    first = {
        row["actor"]: row["first_at"] for row in known.look(asked(actors(ids, after=0))).to_pylist()
    }
    assert first == {n: NOW - dt.timedelta(days=1 - n % 2) for n in range(len(ids))}


def test_an_actor_that_is_seen_earlier_is_known_to_be(tmp_path: Path) -> None:
    with DuckDBWarehouse(tmp_path / "w.duckdb") as warehouse:
        for name, days in (("a", 0), ("b", 3), ("c", 1), ("d", 5), ("e", 4)):
            at = pa.array([NOW - dt.timedelta(days=days)], INSTANT)
            rows = events(name)
            rows = rows.set_column(rows.column_names.index("occurred_at"), "occurred_at", at)
            warehouse.append(Kind.EVENTS, rows, received_at=NOW, lately=True)
        assert warehouse.actors()["first_at"].to_list() == [NOW - dt.timedelta(days=5)]


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
