"""The benchmark of features runs from end to end on a tiny company."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.features import company, measure

if TYPE_CHECKING:
    from pathlib import Path


def test_every_step_is_measured_beside_a_scan(tmp_path: Path) -> None:
    project = company("5K", cache=tmp_path)
    assert company("5K", cache=tmp_path) == project
    found = {
        step: measure(step, project, 1, times=1)
        for step in ("rollup", "one day", "same 104", "oracle 1")
    }
    assert found["rollup"].rows > 1_000
    assert found["one day"].rows >= found["oracle 1"].rows > 0
    assert found["same 104"].rows > found["one day"].rows
    assert all(timing.scan > 0 and timing.peak_mb > 0 for timing in found.values())
    assert "built, sorted and stored" in str(found["rollup"])
