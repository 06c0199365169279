"""Quarantined rows, read again with a mended mapping."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundswell.config.schema import SourceDef
from groundswell.connectors.shape import shape_from
from groundswell.store.reading import read_files, replay

if TYPE_CHECKING:
    from pathlib import Path

    from groundswell.model import Reject

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HEAD = "message_id,user_id,event,timestamp\nm1,u1,Opened,2024-03-01T10:00:00Z\n"


def rejects_of(file: Path, **source: Any) -> list[Reject]:
    shape = shape_from("events", SourceDef(kind="events", **source))
    batches = read_files(shape, [file], source="app", received_at=NOW, threads=1)
    return [reject for batch in batches for reject in batch.rejects]


def again(rejects: list[Reject], **source: Any) -> tuple[list[dict[str, Any]], dict[int, str]]:
    shape = shape_from("events", SourceDef(kind="events", **source))
    result = replay(rejects, shape, received_at=NOW)
    assert sorted([*result.passed, *result.failed]) == list(range(len(rejects)))
    return result.rows.to_pylist(), {n: r.code for n, r in result.failed.items()}


def test_a_named_zone_mends_times(tmp_path: Path) -> None:
    file = tmp_path / "e.csv"
    file.write_text(HEAD + "m2,u2,Opened,2024-03-01T10:00:00\nm3,,Opened,2024-03-01T10:00:00\n")
    rows, failed = again(rejects_of(file), time={"zone": "Europe/Berlin"})
    assert [(r["message_id"], r["occurred_at"].hour) for r in rows] == [("m2", 9)]
    assert failed == {1: "missing-ids"}


def test_a_named_encoding_and_escape_mend_rows_of_wrong_shape(tmp_path: Path) -> None:
    file = tmp_path / "e.csv"
    bad = 'm2,u2,Geöffnet,2024-03-01T10:00:00Z\nm3,u3,"a \\"b\\" c",2024-03-01T10:00:00Z\n'
    file.write_bytes((HEAD + bad).encode("latin-1"))
    rejects = rejects_of(file)
    assert [r.code for r in rejects] == ["bad-encoding", "csv-after-quote"]
    rows, failed = again(rejects, csv={"encoding": "latin-1", "escape": "\\"})
    assert [r["event"] for r in rows] == ["Geöffnet", 'a "b" c']
    assert failed == {}


def test_rows_of_parquet_and_of_json_keep_their_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "user_id": ["undefined"],
            "event": ["Opened"],
            "timestamp": pa.array([NOW], pa.timestamp("us", "UTC")),
            "anonymous_id": ["x"],
            "n": [5],
        }
    )
    pq.write_table(table, tmp_path / "e.parquet")
    line = '{"user_id":"undefined","anonymous_id":"x","event":"Opened",'
    line += '"timestamp":"2026-01-01T00:00:00Z","n":5}'
    (tmp_path / "e.jsonl").write_text(line)
    rejects = [*rejects_of(tmp_path / "e.parquet"), *rejects_of(tmp_path / "e.jsonl")]
    assert [r.code for r in rejects] == ["junk-id", "junk-id"]
    rows, failed = again(rejects, null=["", "undefined"])
    assert failed == {}
    assert [(r["user_id"], r["properties"], r["occurred_at"]) for r in rows] == [
        (None, '{"n":5}', NOW)
    ] * 2
    assert rows[0]["message_id"] == rows[1]["message_id"]


def test_rows_that_are_no_longer_wanted_are_settled(tmp_path: Path) -> None:
    file = tmp_path / "e.csv"
    file.write_text(HEAD + "m2,u2,Opened,never\n")
    rejects = rejects_of(file)
    result = replay(
        rejects,
        shape_from("events", SourceDef(kind="events", only="user_id <> 'u2'")),
        received_at=NOW,
    )
    assert (result.rows.num_rows, result.passed, result.failed) == (0, (0,), {})


def test_nothing_to_replay() -> None:
    result = replay([], shape_from("events"), received_at=NOW)
    assert result.rows.num_rows == 0
