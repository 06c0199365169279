"""Run every benchmark on one company and print their tables.

    python -m benchmarks --events 5M

Sizes are 1M, 5M or 50M; the company is made once and kept (GROUNDSWELL_BENCH_CACHE).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import features, intake, loading, rescoring


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default="5M", help="such as 1M, 5M or 50M")
    parser.add_argument("--threads", default=[2], type=int, nargs="+")
    chosen = parser.parse_args()
    project = features.company(chosen.events)
    files = project.parent / "files"
    print("loading (x: DuckDB copying the same files unlooked)")
    with tempfile.TemporaryDirectory(prefix="groundswell-bench-") as folder:
        months = sorted((files / "events").glob("*.parquet"))
        print(loading.measure(files, months, "parquet", Path(folder)), flush=True)
    for threads in chosen.threads:
        print()
        features.report(chosen.events, threads)
    print("\nintake (x: events acknowledged, of those that the line's server does)")
    intake.report(seconds=5, most=15_000)
    print("\nfrom arrival to rescored", flush=True)
    rescoring.report(chosen.events, rate=10_000, seconds=30.0, newcomers=0.0, soak=False)


if __name__ == "__main__":
    main()
