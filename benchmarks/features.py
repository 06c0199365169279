"""Measure features on a benchmark company, as ratios to DuckDB's raw scan of four event columns.

    python benchmarks/features.py --events 5M --threads 2

The company is made once and kept in a cache folder. Every step runs in a process of its own, so
that its peak memory is its own; a table of seconds, ratios and memory is printed at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundswell.store.duckdb_warehouse import DuckDBWarehouse

sys.path.insert(0, str(Path(__file__).parent.parent))

CACHE = Path(os.environ.get("GROUNDSWELL_BENCH_CACHE", Path.home() / ".cache" / "groundswell"))
WEEKS = 104
STEPS = ("scan", "rollup", "one day", "104 weeks", "oracle 1", "oracle 104")
SCAN = (
    "SELECT sum(actor), max(event_id), max(epoch_us(occurred_at)), max(epoch_us(received_at)) "
    "FROM events"
)


def company(events: str) -> Path:
    """Return the folder of the company of this size, made when it is not there."""
    folder = CACHE / events
    if not (folder / "ready").exists():
        subprocess.run(
            [sys.executable, str(Path(__file__).parent / "company.py")]
            + ["--events", events, "--out", str(folder / "files")],
            check=True,
        )
        _load(folder)
        (folder / "ready").touch()
    return folder


def _load(folder: Path) -> None:
    """Fill the warehouse with the company's files, past the checks that loading makes."""
    import polars as pl
    import pyarrow as pa

    from groundswell.clock import SystemClock
    from groundswell.model import Kind
    from groundswell.store.duckdb_warehouse import DuckDBWarehouse
    from groundswell.store.tables import TABLES

    files = folder / "files"
    (folder / "warehouse.duckdb").unlink(missing_ok=True)
    with DuckDBWarehouse(folder / "warehouse.duckdb") as warehouse:
        events = str(files / "events" / "*.parquet")
        run = warehouse.connection.execute
        source = (
            f"(SELECT * FROM read_parquet('{events}') WHERE timestamp IS NOT NULL AND "
            "coalesce(user_id, anonymous_id) IS NOT NULL AND coalesce(json_valid(properties), true))"
        )
        run(
            "INSERT INTO event_names SELECT (row_number() OVER (ORDER BY event) - 1)::INTEGER, "
            f"event FROM (SELECT DISTINCT event FROM {source})"
        )
        run(
            "INSERT INTO actors SELECT (row_number() OVER (ORDER BY first_at) - 1)::INTEGER, "
            "user_id, anonymous_id, account_id, first_at, 0 FROM (SELECT user_id, anonymous_id, "
            f"account_id, min(timestamp) AS first_at FROM {source} GROUP BY ALL)"
        )
        run(
            "INSERT INTO events SELECT 'bench', message_id, actor, event_id, timestamp, "
            f"received_at, properties, 0 FROM {source} AS s JOIN event_names USING (event) "
            "JOIN actors AS a ON a.user_id IS NOT DISTINCT FROM s.user_id "
            "AND a.anonymous_id IS NOT DISTINCT FROM s.anonymous_id "
            "AND a.account_id IS NOT DISTINCT FROM s.account_id ORDER BY received_at"
        )
        for kind in (Kind.USERS, Kind.MEMBERSHIPS, Kind.ACCOUNTS, Kind.SUBSCRIPTIONS):
            path = files / f"{kind}.csv"
            if path.exists():
                schema = TABLES[kind]
                frame = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
                text = pa.schema([(name, pa.string()) for name in frame.columns])
                rows = frame.to_arrow().cast(text)
                kept = [name for name in rows.column_names if name in schema.names]
                rows = _typed(rows.select(kept), schema)
                warehouse.append(kind, rows, received_at=SystemClock().now())
        run("CHECKPOINT")


def _typed(rows: Any, schema: Any) -> Any:
    """Cast texts to the types of a schema; empty ones are null."""
    import duckdb

    casts: list[str] = []
    for name in rows.column_names:
        kind = schema.field(name).type
        target = "TIMESTAMPTZ" if "timestamp" in str(kind) else _sql(kind)
        casts.append(f"try_cast(nullif({name}, '') AS {target}) AS {name}")
    needed = [name for name in rows.column_names if not schema.field(name).nullable]
    names, whole = ", ".join(casts), " AND ".join(f"{name} IS NOT NULL" for name in needed)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("rows", rows)
    return connection.sql(
        f"SELECT * FROM (SELECT {names} FROM rows) WHERE {whole}"
    ).to_arrow_table()


def _sql(kind: Any) -> str:
    text = str(kind)
    return {"string": "VARCHAR", "int64": "BIGINT", "bool": "BOOLEAN"}.get(text, "DECIMAL(18,2)")


class Bench:
    """The company opened, with its plan and filing."""

    def __init__(self, folder: Path, threads: int) -> None:
        from groundswell.config.loading import load_config
        from groundswell.features import compile_plan
        from groundswell.store.duckdb_warehouse import DuckDBWarehouse

        self.threads = threads
        self.folder = folder
        self.loaded = load_config(folder / "files" / "groundswell.yaml")
        self.plan = compile_plan(self.loaded)
        self.warehouse: DuckDBWarehouse = DuckDBWarehouse(
            folder / "warehouse.duckdb", threads=threads
        )

    def filing(self) -> Any:
        """Return who belongs where; kept between steps, since it is no part of what is measured."""
        import pickle

        import polars as pl

        from groundswell.intake import resolve
        from groundswell.model import Kind

        kept = self.folder / "filing.pickle"
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


def features(weeks: int) -> Callable[[Bench], Callable[[], object]]:
    def prepared(bench: Bench) -> Callable[[], object]:
        from groundswell.features import compute_features
        from groundswell.store.activity import open_activity

        filing, store = bench.filing(), open_activity(bench.warehouse, bench.folder)

        def compute() -> int:
            frames = compute_features(
                bench.plan,
                bench.warehouse,
                store,
                filing,
                bench.days(weeks),
                threads=bench.threads,
            )
            return sum(len(frame) for frame in frames)

        return compute

    return prepared


def oracle(weeks: int) -> Callable[[Bench], Callable[[], object]]:
    def prepared(bench: Bench) -> Callable[[], object]:
        from groundswell.clock import day_number
        from groundswell.features import prepare
        from groundswell.features.oracle import compile_oracle, oracle_marks
        from groundswell.features.rollup import read_coded
        from groundswell.store.activity import open_activity

        coded = read_coded(bench.warehouse, bench.plan)
        filing, store = bench.filing(), open_activity(bench.warehouse, bench.folder)
        marks = prepare(bench.plan, bench.warehouse, store, filing).setting.marks
        bench.warehouse.put("oracle_marks", oracle_marks(bench.plan, marks, coded.keys))
        days = [day_number(day) for day in bench.days(weeks)]

        def ask() -> int:
            rows = 0
            for day in days:
                with bench.warehouse.query(compile_oracle(bench.plan, [day])) as reader:
                    rows += sum(batch.num_rows for batch in reader)
            return rows

        return ask

    return prepared


MEASURED: dict[str, Callable[[Bench], Callable[[], object]]] = {
    "scan": scan,
    "rollup": rollup,
    "one day": features(1),
    "104 weeks": features(WEEKS),
    "oracle 1": oracle(1),
    "oracle 104": oracle(WEEKS),
}


def measure(step: str, folder: Path, threads: int, times: int) -> dict[str, Any]:
    """Measure one step in this process: the best of some runs, after one to warm up."""
    bench = Bench(folder, threads)
    work = MEASURED[step](bench)
    best, result = float("inf"), None
    for _ in range(times):
        started = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    rows = result if isinstance(result, int) else None
    return {"step": step, "seconds": best, "peak_mb": peak, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default="1M", help="such as 1M, 5M or 50M")
    parser.add_argument("--threads", default=2, type=int)
    parser.add_argument("--step", choices=STEPS)
    parser.add_argument("--only", nargs="*", choices=STEPS, default=STEPS)
    chosen = parser.parse_args()
    folder = company(chosen.events)
    if chosen.step:
        times = 3 if chosen.step == "scan" else 2
        times = 1 if chosen.step in ("rollup", "oracle 104") else times
        print(json.dumps(measure(chosen.step, folder, chosen.threads, times)))
        return
    found: list[dict[str, Any]] = []
    for step in [step for step in STEPS if step in ("scan", *chosen.only)]:
        command = [sys.executable, __file__, "--events", chosen.events, "--step", step]
        command += ["--threads", str(chosen.threads)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
        print(_line(found[-1], found[0]), flush=True)


def _line(item: dict[str, Any], base: dict[str, Any]) -> str:
    ratio = item["seconds"] / base["seconds"]
    rows = f"{item['rows']:>12,}" if item["rows"] is not None else " " * 12
    return f"{item['step']:<12} {item['seconds']:>9.3f} s {ratio:>8.1f} x {item['peak_mb']:>7} MB{rows}"


if __name__ == "__main__":
    main()
