"""Broken rows, one by one: what is told of each, word for word, and that the load goes on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from groundswell.config.schema import SourceDef
from groundswell.connectors.shape import shape_from
from groundswell.store.reading import read_files, replay

NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
CASES: list[dict[str, Any]] = YAML(typ="safe").load(
    Path(__file__).with_name("broken_rows.yaml").read_text()
)


def read(case: dict[str, Any], folder: Path) -> tuple[int, list[Any]]:
    file = folder / f"rows.{case.get('format', 'csv')}"
    file.write_bytes(case["text"].encode(case.get("encode", "utf-8")))
    source = SourceDef(kind=case["kind"], **case.get("source", {}))
    shape = shape_from(case["kind"], source)
    batches = list(read_files(shape, [file], source="test", received_at=NOW, threads=1))
    rejects = [reject for batch in batches for reject in batch.rejects]
    return sum(batch.rows.num_rows for batch in batches), rejects


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_broken_row_is_told_and_kept_and_the_load_goes_on(
    case: dict[str, Any], tmp_path: Path
) -> None:
    good, rejects = read(case, tmp_path)
    told = [{"line": r.line, "code": r.code, "what": r.reason, "fix": r.fix} for r in rejects]
    assert told == case["rejects"]
    assert good == case["good"]
    # What is kept suffices to judge the row again, and is text that a database takes.
    shape = shape_from(case["kind"], SourceDef(kind=case["kind"], **case.get("source", {})))
    again = replay(rejects, shape, received_at=NOW)
    assert again.rows.num_rows == 0
    assert [(r.line, r.raw) for r in again.failed.values()] == [(r.line, r.raw) for r in rejects]
    assert all("\0" not in reject.raw for reject in rejects)


def test_there_are_enough_different_ones() -> None:
    assert len({case["text"] for case in CASES}) >= 45
    assert len({reject["code"] for case in CASES for reject in case["rejects"]}) >= 25
