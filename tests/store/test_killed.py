"""`kill -9` in the middle of an append leaves the state before it, and loading again mends it.

A real process appends and is killed by SIGKILL, at each step of the transaction from inside and
at some moment from outside.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from polars.testing import assert_frame_equal

from groundswell.model import Kind
from groundswell.store.warehouse import Appended, open_warehouse

from .rows import at, event, table

if TYPE_CHECKING:
    from pathlib import Path

    from groundswell.store.warehouse import Warehouse

CHILD = """
import os, signal, sys
from pathlib import Path
import pyarrow.parquet as pq
from groundswell.model import Kind
from groundswell.store.warehouse import open_warehouse
import {module} as engine
from datetime import UTC, datetime

url, folder, step, file = sys.argv[1:]
opened = open_warehouse(url, Path(folder))

def die_after(function):
    def dying(*given, **named):
        function(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    return dying

if step != "whole":
    setattr(engine._Port, step, die_after(getattr(engine._Port, step)))
rows = pq.read_table(file)
print("ready", flush=True)
opened.append(Kind.EVENTS, rows, received_at=datetime(2026, 1, 9, tzinfo=UTC))
print("done", flush=True)
opened.close()
"""
ROWS = [event(number) for number in range(40)]


def _child(url: str, folder: Path, step: str, file: Path) -> subprocess.Popen[str]:
    module = "postgres" if url.startswith("postgresql") else "duckdb"
    script = CHILD.format(module=f"groundswell.store.{module}_warehouse")
    command = [sys.executable, "-c", script, url, str(folder), step, str(file)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _write(file: Path, rows: list[dict[str, object]]) -> Path:
    import pyarrow.parquet as pq

    pq.write_table(table(Kind.EVENTS, *rows), file)
    return file


def _assert_mended(warehouse: Warehouse, folder: Path) -> None:
    """Load everything again and compare with a load that nothing interrupted."""
    with open_warehouse("duckdb", folder) as whole:
        whole.append(Kind.EVENTS, table(Kind.EVENTS, *ROWS), received_at=at(0))
        warehouse.append(Kind.EVENTS, table(Kind.EVENTS, *ROWS), received_at=at(1))
        assert_frame_equal(warehouse.read(Kind.EVENTS), whole.read(Kind.EVENTS))
        assert_frame_equal(warehouse.actors(), whole.actors())
        assert warehouse.event_names() == whole.event_names()


@pytest.mark.parametrize("step", ["add_actors", "lower_first_at", "add_names", "add_events"])
@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_killed_at_a_step(warehouse_url: str, step: str, tmp_path: Path) -> None:
    """Rows 12.. are kept, rows 0.. arrive: new actors, new names and earlier first times."""
    kept = [row for row in ROWS[12:] if row["event"] != "page" and row["user_id"] != "u2"]
    with open_warehouse(warehouse_url, tmp_path) as warehouse:
        warehouse.append(Kind.EVENTS, table(Kind.EVENTS, *kept), received_at=at(0))
        before = warehouse.version(), warehouse.read(Kind.EVENTS), warehouse.actors()

    with _child(warehouse_url, tmp_path, step, _write(tmp_path / "rows", ROWS)) as child:
        assert child.wait(120) == -signal.SIGKILL

    with open_warehouse(warehouse_url, tmp_path) as warehouse:
        assert warehouse.version() == before[0]
        assert_frame_equal(warehouse.read(Kind.EVENTS), before[1])
        assert_frame_equal(warehouse.actors(), before[2])
        warehouse.append(Kind.EVENTS, table(Kind.EVENTS, *ROWS), received_at=at(1))
        assert warehouse.read(Kind.EVENTS).height == len(ROWS)
        earliest = warehouse.actors().group_by("user_id", "anonymous_id", "account_id").len()
        assert earliest["len"].max() == 1
        assert warehouse.actors()["first_at"].min() == at(0)


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.1, 0.3])
def test_killed_at_some_moment(delay: float, tmp_path: Path) -> None:
    """Whatever the moment, what is there is all of the append or nothing of it."""
    many = [
        event(number, message_id=f"x{number}", user_id=f"u{number}") for number in range(30_000)
    ]
    file = _write(tmp_path / "rows", [*ROWS, *many])
    with _child("duckdb", tmp_path, "whole", file) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(delay)
        child.kill()
    with open_warehouse("duckdb", tmp_path) as warehouse:
        found = warehouse.read(Kind.EVENTS).height
        assert found in {0, 30_040}
        again = warehouse.append(Kind.EVENTS, table(Kind.EVENTS, *ROWS), received_at=at(1))
        assert again == (Appended(0, 40) if found else Appended(40, 0))
        if not found:
            whole = tmp_path / "whole"
            whole.mkdir()
            _assert_mended(warehouse, whole)
