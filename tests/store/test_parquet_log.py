"""Parquet files are there when a commit names them, all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from groundswell.errors import StoreError
from groundswell.store.parquet_log import LAYOUT, ParquetLog, Pending

if TYPE_CHECKING:
    from pathlib import Path

ROWS = pa.table({"a": [1, 2]})


def test_what_is_not_committed_does_not_exist(tmp_path: Path) -> None:
    """A process that dies between writing and committing leaves the state before."""
    log = ParquetLog(tmp_path)
    version, pending = log.version, Pending()
    log.write(pending, "events", ROWS)
    log.write(pending, "actors", ROWS)
    assert len(log.files("events", pending)) == 1
    assert len(list(tmp_path.glob("events/*.parquet"))) == 1

    other = ParquetLog(tmp_path)
    assert (other.version, other.files("events"), other.files("actors")) == (version, [], [])

    pending.counters["actors"] = 2
    log.commit(pending)
    assert other.refresh()
    assert other.version == log.version != version
    assert pq.read_table(other.files("actors")[0]).equals(ROWS)
    assert (other.counter("actors"), other.counter("events")) == (2, 0)


def test_of_two_writers_at_once_one_is_refused(tmp_path: Path) -> None:
    one, other = ParquetLog(tmp_path), ParquetLog(tmp_path)
    first, second = Pending(), Pending()
    one.write(first, "events", ROWS)
    other.write(second, "events", ROWS)
    one.commit(first)
    with pytest.raises(StoreError, match="at the same time"):
        other.commit(second)
    other.discard(second)
    other.refresh()
    assert other.files("events") == one.files("events")
    assert len(list(tmp_path.glob("events/*.parquet"))) == 1


def test_scratch_files_go_with_the_log(tmp_path: Path) -> None:
    log = ParquetLog(tmp_path)
    file = log.scratch("batch")
    pq.write_table(ROWS, file)
    log.close()
    assert not file.exists()


def test_a_folder_of_another_layout_is_refused(tmp_path: Path) -> None:
    ParquetLog(tmp_path).close()
    first = tmp_path / "_commits" / "00000000.json"
    first.write_text(first.read_text().replace(f'"layout": {LAYOUT}', '"layout": 9'))
    with pytest.raises(StoreError, match="layout 9"):
        ParquetLog(tmp_path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        ParquetLog(tmp_path / "file")
