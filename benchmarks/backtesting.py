"""Measure the backtest of a definition, as ratios to DuckDB's raw scan of the same events.

    python -m benchmarks.backtesting --events 50M --weeks 104

The company is that of `benchmarks.features`. The scan is timed in the same process, just after.
The roll-up is there already, as it is in a project that has run once.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from datetime import time as time_of_day
from typing import TYPE_CHECKING

from benchmarks.features import SCAN, company, peak_mb

if TYPE_CHECKING:
    from pathlib import Path


def measure(project: Path, *, weeks: int, definition: str) -> str:
    """Backtest once, and once more; return a line with the better of both."""
    from groundswell.clock import FixedClock
    from groundswell.demo import END
    from groundswell.engine import Project

    clock = FixedClock(datetime.combine(END, time_of_day(23), UTC))
    with Project.open(project, clock=clock) as opened:
        opened.computer.computation()
        seconds: list[float] = []
        for _ in range(2):
            began = time.perf_counter()
            found = opened.lab.backtest(definition, weeks=weeks)
            seconds.append(time.perf_counter() - began)
        peak = peak_mb()
        connection = opened.warehouse.connection  # pyright: ignore[reportAttributeAccessIssue]
        scans: list[float] = []
        for _ in range(5):
            began = time.perf_counter()
            connection.execute(SCAN).fetchall()
            scans.append(time.perf_counter() - began)
    auc = found.roc_auc
    assert auc is not None
    return (
        f"{definition}, {found.weeks} weeks: {min(seconds):.1f} s, "
        f"{min(seconds) / min(scans):.0f} x the scan ({min(scans):.2f} s), {peak:,} MB at most; "
        f"{found.rows:,} rows of {found.accounts:,} accounts, AUC {auc.value:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default="5M", help="such as 1M, 5M or 50M")
    parser.add_argument("--weeks", default=104, type=int)
    parser.add_argument("--definition", default="hybrid")
    chosen = parser.parse_args()
    project = company(chosen.events)
    print(measure(project, weeks=chosen.weeks, definition=chosen.definition), flush=True)


if __name__ == "__main__":
    main()
