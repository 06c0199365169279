"""A load that is killed in the middle and run again ends as if nothing had happened."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time

import pytest
from polars.testing import assert_frame_equal

from groundswell.clock import FixedClock
from groundswell.demo import generate
from groundswell.engine import Project
from groundswell.model import Kind

NOON = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)


@pytest.mark.slow
def test_killed_at_several_moments_and_run_again(tmp_path):
    company = generate(tmp_path / "company", accounts=80, months=4, seed=3)
    files = company.loads["events"]
    whole = tmp_path / "whole"
    broken = tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
        (folder / "groundswell.yaml").write_bytes(company.config.read_bytes())

    with Project.open(whole, clock=FixedClock(NOON)) as project:
        began = time.monotonic()
        project.load("events", files)
        took = time.monotonic() - began
        events = project.warehouse.event_counts()
        rejects = len(project.rejects())
        features = project.features(company.end, weeks=3)

    command = [sys.executable, "-m", "groundswell", "load", "events", *map(str, files)]
    killed = 0
    for share in (0.2, 0.5, 0.8):
        process = subprocess.Popen(
            [*command, "--project", str(broken)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "NUMBA_THREADING_LAYER": "workqueue"},
        )
        _wait_for_rows(broken, process, seconds=took * share)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
    assert killed, "every load was done before it could be killed"

    with Project.open(broken, clock=FixedClock(NOON)) as project:
        project.load("events", files)
        assert project.warehouse.event_counts() == events
        assert len(project.rejects()) == rejects > 0
        assert_frame_equal(project.features(company.end, weeks=3), features)
        assert project.warehouse.read(Kind.EVENTS).get_column("message_id").is_unique().all()


def _wait_for_rows(folder, process, *, seconds: float) -> None:
    """Wait until the load has made its warehouse, and then some."""
    state = folder / ".groundswell" / "warehouse.duckdb"
    while process.poll() is None and not state.exists():
        time.sleep(0.02)
    time.sleep(seconds)
