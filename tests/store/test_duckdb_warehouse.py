"""What only the DuckDB file has to promise: order, pieces, one process, its settings."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from sqlglot import parse_one

from groundswell.errors import StoreError
from groundswell.model import Kind
from groundswell.store import facts
from groundswell.store.duckdb_warehouse import DuckDBWarehouse
from groundswell.store.warehouse import open_warehouse

from .rows import at, event, table

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [event(number) for number in range(15)]
NAMED = ["user_id", "anonymous_id", "account_id", "first_at"]


@settings(max_examples=15)
@given(
    order=st.permutations(range(len(ROWS))),
    cuts=st.lists(st.integers(0, 15), max_size=3).map(sorted),
    again=st.lists(st.integers(0, 14), max_size=5),
)
def test_order_pieces_and_repeats_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cuts: list[int], again: list[int]
) -> None:
    pieces = [order[low:high] for low, high in zip([0, *cuts], [*cuts, 15], strict=True)]
    with open_warehouse("duckdb", tmp_path_factory.mktemp("project")) as warehouse:
        for piece in [*pieces, again]:
            rows = table(Kind.EVENTS, *(ROWS[number] for number in piece))
            warehouse.append(Kind.EVENTS, rows, received_at=at(0))
        whole = pl.from_arrow(table(Kind.EVENTS, *ROWS))
        assert_frame_equal(warehouse.read(Kind.EVENTS), whole.sort(whole.columns))
        triples = whole.group_by(NAMED[:3]).agg(pl.col("occurred_at").min().alias("first_at"))
        assert_frame_equal(
            warehouse.actors().select(NAMED), triples.select(NAMED), check_row_order=False
        )


@settings(max_examples=10)
@given(order=st.permutations(range(5)), cut=st.integers(0, 5))
def test_dated_versions_come_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cut: int
) -> None:
    """With `valid_from` given, history is what it says, however it arrives."""
    rows = [
        {"account_id": "a", "employees": size, "valid_from": at(day)}
        for day, size in enumerate([5, 5, 9, 5, 5])
    ]
    with open_warehouse("duckdb", tmp_path_factory.mktemp("project")) as warehouse:
        for day, piece in enumerate([order[:cut], order[cut:], order]):
            loaded = table(Kind.ACCOUNTS, *(rows[number] for number in piece))
            warehouse.append(Kind.ACCOUNTS, loaded, received_at=at(100 + day))
        held = warehouse.read(Kind.ACCOUNTS).sort("valid_from").select("employees", "valid_from")
        assert held.rows() == [(5, at(0)), (9, at(2)), (5, at(3))]


@settings(max_examples=10)
@given(order=st.permutations(range(4)), cut=st.integers(0, 4))
def test_a_history_with_a_first_row_comes_in_any_order_and_pieces(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cut: int
) -> None:
    """The row without `valid_from` is the first, whichever piece of the load it is in."""
    days = [None, at(1), at(2), at(3)]
    rows = [
        {"account_id": "a", "employees": size, "valid_from": day}
        for day, size in zip(days, [5, 7, 9, 5], strict=True)
    ]
    with open_warehouse("duckdb", tmp_path_factory.mktemp("project")) as warehouse:
        for day, piece in ((100, order[:cut]), (100, order[cut:]), (101, order)):
            loaded = table(Kind.ACCOUNTS, *(rows[number] for number in piece))
            warehouse.append(Kind.ACCOUNTS, loaded, received_at=at(day))
        held = warehouse.read(Kind.ACCOUNTS).sort("valid_from", nulls_last=False)
        assert held["employees"].to_list() == [5, 7, 9, 5]
        assert held["valid_from"].to_list() == days


def test_a_large_append_goes_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row repeated in a later piece of one append is a duplicate too."""
    monkeypatch.setattr(facts, "PIECE", 4)
    with open_warehouse("duckdb", tmp_path) as warehouse:
        rows = table(Kind.EVENTS, *ROWS, ROWS[0], ROWS[14])
        done = warehouse.append(Kind.EVENTS, rows, received_at=at(0))
        assert (done.added, done.duplicates) == (15, 2)
        assert warehouse.read(Kind.EVENTS).height == 15


def test_digests_that_collide_are_settled_by_the_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything has one digest: slower, and the same rows."""
    honest = facts.digest_rows
    monkeypatch.setattr(facts, "digest_rows", lambda rows, columns: honest(rows, columns) * 0)
    with open_warehouse("duckdb", tmp_path) as warehouse:
        for piece in (ROWS[:9], ROWS[5:], ROWS):
            warehouse.append(Kind.EVENTS, table(Kind.EVENTS, *piece), received_at=at(0))
        whole = pl.from_arrow(table(Kind.EVENTS, *ROWS))
        assert_frame_equal(warehouse.read(Kind.EVENTS), whole.sort(whole.columns))
        assert warehouse.actors().height == whole.n_unique(NAMED[:3])


def test_another_process_is_told_that_the_file_is_taken(tmp_path: Path) -> None:
    with open_warehouse("duckdb", tmp_path):
        script = (
            "import sys, pathlib\n"
            "from groundswell.store.warehouse import open_warehouse\n"
            "open_warehouse('duckdb', pathlib.Path(sys.argv[1]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)],
            check=False,
            capture_output=True,
            text=True,
        )
    assert "[store-busy]" in done.stderr
    assert "Another process has" in done.stderr


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError, match="DuckDB refused"):
        open_warehouse("duckdb", tmp_path)


def test_a_file_of_another_layout_is_refused(tmp_path: Path) -> None:
    with DuckDBWarehouse(tmp_path / "w.duckdb") as warehouse:
        warehouse.connection.execute("UPDATE store_state SET layout = 9")
    with pytest.raises(StoreError, match="layout 9"):
        DuckDBWarehouse(tmp_path / "w.duckdb")


def test_the_file_keeps_one_storage_version_and_utc(tmp_path: Path) -> None:
    with DuckDBWarehouse(tmp_path / "w.duckdb", threads=1) as warehouse:
        settings_of = dict(
            warehouse.connection.execute("SELECT name, value FROM duckdb_settings()").fetchall()
        )
        assert settings_of["TimeZone"] == "UTC"
        assert settings_of["threads"] == "1"
        assert settings_of["enable_progress_bar"] == "false"
        assert settings_of["storage_compatibility_version"] == "v2.0.0"
        assert settings_of["wal_autocheckpoint"].startswith(("32.0 MB", "30.5 MiB"))


def test_a_stream_stays_what_it_was_while_rows_are_added(tmp_path: Path) -> None:
    with open_warehouse("duckdb", tmp_path) as warehouse:
        warehouse.append(Kind.EVENTS, table(Kind.EVENTS, *ROWS[:5]), received_at=at(0))
        stream = warehouse.query(parse_one("SELECT message_id FROM events"))
        warehouse.append(Kind.EVENTS, table(Kind.EVENTS, *ROWS), received_at=at(0))
        assert stream.read_all().num_rows == 5


def test_columns_may_come_as_other_arrow_types(tmp_path: Path) -> None:
    """Polars gives large strings and categories; missing optional columns are null."""
    rows = pl.DataFrame({"user_id": ["a"], "email": ["x"]}).to_arrow()
    rows = rows.set_column(1, "email", pa.array(["x"]).dictionary_encode())
    with open_warehouse("duckdb", tmp_path) as warehouse:
        warehouse.append(Kind.USERS, rows, received_at=at(0))
        assert warehouse.read(Kind.USERS)["email"].to_list() == ["x"]
