"""Measure features on a benchmark company, as ratios to DuckDB's raw scan of four event columns.

    python -m benchmarks.features --events 5M --threads 2

The company is made once and kept in a cache folder (GROUNDSWELL_BENCH_CACHE); its warehouse is
filled past the checks of loading (`benchmarks.filling`), which `benchmarks.loading` measures. Each
step runs in a process of its own, so that its peak memory is its own. The ratio of a step is to a
scan timed in the same process just after it, since machines are busy now and then.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundswell.features import FeaturePlan
    from groundswell.store.duckdb_warehouse import DuckDBWarehouse

CACHE = Path(os.environ.get("GROUNDSWELL_BENCH_CACHE", Path.home() / ".cache" / "groundswell"))
WEEKS = 104
STEPS = ("scan", "rollup", "prepare", "one day", "104 weeks", "same 104", "SQL 104", "oracle 1")
SLOW = ("SQL 104", "oracle 1")
NOTES = {
    "scan": "four columns of every event",
    "rollup": "built, sorted and stored",
    "prepare": "people and dimensions read, once for all days asked for",
    "one day": "every feature, as of one day",
    "104 weeks": "every feature, as of 104 weekly days",
    "same 104": "only the steps that the oracle has too (no dynamic flags, teams)",
    "SQL 104": "the same steps in SQL over the roll-up: deltas and running sums (benchmarks.peer)",
    "oracle 1": "SQL over the roll-up, one day, by the query that the tests trust",
}
SCAN = (
    "SELECT sum(actor), max(event_id), max(epoch_us(occurred_at)), max(epoch_us(received_at)) "
    "FROM events"
)


@dataclass(frozen=True)
class Timing:
    """What a step cost: seconds on the clock and of processors, and those of a scan beside it."""

    step: str
    seconds: float
    cpu: float
    scan: float
    scan_cpu: float
    peak_mb: int
    rows: int

    def __str__(self) -> str:
        return (
            f"{self.step:<11}{self.seconds:>9.3f} s{self.seconds / self.scan:>8.1f} x"
            f"{self.cpu:>9.3f} cpu-s{self.cpu / self.scan_cpu:>8.1f} x"
            f"{self.peak_mb:>7} MB{self.rows:>13,}  {NOTES[self.step]}"
        )


def company(events: str, cache: Path = CACHE) -> Path:
    """Return the project of the company of this size, made when it is not there."""
    from benchmarks.company import count_of, make
    from benchmarks.filling import fill

    folder = cache / events
    files, project = folder / "files", folder / "project"
    if not (files / "groundswell.yaml").exists():
        make(count_of(events), files)
    warehouse = project / ".groundswell" / "warehouse.duckdb"
    if not (folder / "filled").exists():
        warehouse.parent.mkdir(parents=True, exist_ok=True)
        fill(files, warehouse)
        (project / "groundswell.yaml").write_text((files / "groundswell.yaml").read_text())
        (folder / "filled").touch()
    return project


class Bench:
    """The company opened, with its plan and filing."""

    def __init__(self, project: Path, threads: int) -> None:
        from groundswell.config.loading import load_config
        from groundswell.features import compile_plan
        from groundswell.store.duckdb_warehouse import DuckDBWarehouse

        self.threads = threads
        self.folder = project / ".groundswell"
        self.loaded = load_config(project / "groundswell.yaml")
        self.plan = compile_plan(self.loaded)
        self.warehouse: DuckDBWarehouse = DuckDBWarehouse(
            self.folder / "warehouse.duckdb", threads=threads
        )

    def close(self) -> None:
        """Close the warehouse."""
        self.warehouse.close()

    def filing(self) -> Any:
        """Return who belongs where; kept between steps, since it is no part of what is measured."""
        import pickle

        import polars as pl

        from groundswell.intake import resolve
        from groundswell.model import Kind

        kept = self.folder / f"filing-{self.warehouse.version()}.pickle"
        if kept.exists():
            return pickle.loads(kept.read_bytes())
        instant = pl.Datetime("us", "UTC")
        merges = pl.DataFrame(
            schema={
                "from_account": pl.String,
                "into_account": pl.String,
                "since": instant,
                "until": instant,
                "reason": pl.String,
            }
        )
        made = resolve(
            self.warehouse.actors(),
            self.warehouse.read(Kind.USERS),
            self.warehouse.read(Kind.MEMBERSHIPS),
            self.warehouse.read(Kind.ACCOUNTS),
            merges,
            self.loaded.config.identity,
        )
        kept.write_bytes(pickle.dumps(made))
        return made

    def days(self, weeks: int) -> list[Any]:
        """Return the last day of the history, and the weeks before it."""
        from groundswell.demo import END

        return [END - timedelta(days=7 * i) for i in reversed(range(weeks))]


def scan(bench: Bench) -> Callable[[], object]:
    cursor = bench.warehouse.connection
    return lambda: cursor.execute(SCAN).fetchall()


def rollup(bench: Bench) -> Callable[[], object]:
    from groundswell.features import build_activity
    from groundswell.store.activity import open_activity

    filing, store = bench.filing(), open_activity(bench.warehouse, bench.folder)

    def build() -> int:
        bench.warehouse.connection.execute("DELETE FROM activity_state")
        build_activity(bench.warehouse, store, bench.plan, filing)
        return store.rows

    return build


def gather(bench: Bench) -> Callable[[], object]:
    from groundswell.features import build_activity, prepare
    from groundswell.store.activity import open_activity

    filing, store = bench.filing(), open_activity(bench.warehouse, bench.folder)
    build_activity(bench.warehouse, store, bench.plan, filing)
    return lambda: prepare(bench.plan, bench.warehouse, store, filing)


def features(weeks: int, *, same: bool = False) -> Callable[[Bench], Callable[[], object]]:
    def prepared(bench: Bench) -> Callable[[], object]:
        from groundswell.features import build_activity, compute_features, prepare
        from groundswell.store.activity import open_activity

        filing, store = bench.filing(), open_activity(bench.warehouse, bench.folder)
        plan = same_steps(bench.plan) if same else bench.plan
        build_activity(bench.warehouse, store, plan, filing)
        prepared = prepare(plan, bench.warehouse, store, filing)

        def compute() -> int:
            frames = compute_features(prepared, store, bench.days(weeks), threads=bench.threads)
            return sum(len(frame) for frame in frames)

        return compute

    return prepared


def same_steps(plan: FeaturePlan) -> FeaturePlan:
    """Return the part of a plan that the oracle answers for."""
    from groundswell.features.oracle import oracle_steps

    steps = tuple(oracle_steps(plan))
    return replace(
        plan,
        names=tuple(step.name for step in steps if step.name in plan.names),
        steps=steps,
        reads={},
        ratios=(),
        aliases={},
        derived=(),
    )


def asked_in_sql(bench: Bench) -> None:
    """Put the working table that both formulations in SQL read."""
    from groundswell.features import prepare
    from groundswell.features.oracle import oracle_marks
    from groundswell.features.rollup import read_coded
    from groundswell.store.activity import open_activity

    filing, store = bench.filing(), open_activity(bench.warehouse, bench.folder)
    marks = prepare(bench.plan, bench.warehouse, store, filing).setting.marks
    coded = read_coded(bench.warehouse, bench.plan)
    bench.warehouse.put("oracle_marks", oracle_marks(bench.plan, marks, coded.keys))


def peer(weeks: int) -> Callable[[Bench], Callable[[], object]]:
    def prepared(bench: Bench) -> Callable[[], object]:
        from benchmarks.peer import Peer
        from groundswell.clock import day_number

        asked_in_sql(bench)
        days = [day_number(day) for day in bench.days(weeks)]
        return lambda: Peer(bench.warehouse.connection, bench.plan, days).ask()

    return prepared


def oracle(weeks: int) -> Callable[[Bench], Callable[[], object]]:
    def prepared(bench: Bench) -> Callable[[], object]:
        from groundswell.clock import day_number
        from groundswell.features.oracle import compile_oracle

        asked_in_sql(bench)
        days = [day_number(day) for day in bench.days(weeks)]

        def ask() -> int:
            with bench.warehouse.query(compile_oracle(bench.plan, days)) as reader:
                return sum(batch.num_rows for batch in reader)

        return ask

    return prepared


MEASURED: dict[str, Callable[[Bench], Callable[[], object]]] = {
    "scan": scan,
    "prepare": gather,
    "rollup": rollup,
    "one day": features(1),
    "104 weeks": features(WEEKS),
    "same 104": features(WEEKS, same=True),
    "oracle 1": oracle(1),
    "SQL 104": peer(WEEKS),
}


def measure(step: str, project: Path, threads: int, *, times: int = 2) -> Timing:
    """Measure one step in this process: the best of some runs."""
    bench = Bench(project, threads)
    try:
        work = MEASURED[step](bench)
        runs = [_clock(work) for _ in range(times)]
        peak = peak_mb()
        ask = scan(bench)
        scans = [_clock(ask) for _ in range(5)]
    finally:
        bench.close()
    return Timing(
        step=step,
        seconds=min(run[0] for run in runs),
        cpu=min(run[1] for run in runs),
        scan=min(run[0] for run in scans),
        scan_cpu=min(run[1] for run in scans),
        peak_mb=peak,
        rows=runs[0][2] if isinstance(runs[0][2], int) else 0,
    )


def peak_mb() -> int:
    """Return the most memory this process ever held; `ru_maxrss` begins with that of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _clock(work: Callable[[], object]) -> tuple[float, float, object]:
    began, busy = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - began, time.process_time() - busy, result


def measure_apart(step: str, events: str, threads: int) -> Timing:
    """Measure one step in a process of its own; what it says of errors is passed on."""
    command = [sys.executable, "-m", "benchmarks.features", "--events", events, "--step", step]
    done = subprocess.run(
        [*command, "--threads", str(threads)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    return Timing(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default="1M", help="such as 1M, 5M or 50M")
    parser.add_argument("--threads", default=[2], type=int, nargs="+")
    parser.add_argument("--step", choices=STEPS)
    parser.add_argument("--only", nargs="*", choices=STEPS, default=STEPS)
    chosen = parser.parse_args()
    project = company(chosen.events)
    if chosen.step:
        times = 1 if chosen.step in SLOW else 2
        print(json.dumps(vars(measure(chosen.step, project, chosen.threads[0], times=times))))
        return
    for threads in chosen.threads:
        report(chosen.events, threads, chosen.only)


def report(events: str, threads: int, steps: tuple[str, ...] = STEPS) -> dict[str, Timing]:
    """Measure steps one after the other and print a line for each."""
    print(f"{events} events, {threads} threads (x: times the scan)")
    found: dict[str, Timing] = {}
    for step in (step for step in STEPS if step in steps):
        found[step] = measure_apart(step, events, threads)
        print(found[step], flush=True)
    if {"same 104", "SQL 104"} <= set(found):
        ratio = found["SQL 104"].seconds / found["same 104"].seconds
        print(f"104 weeks of the same steps: {ratio:.1f} x faster than SQL")
    return found


if __name__ == "__main__":
    main()
