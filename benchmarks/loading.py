"""Load a company's events from Parquet and from CSV, beside DuckDB's own reading of the same files.

    python -m benchmarks.loading --events 5M

The whole path is timed: reading, checking every row, telling duplicates apart, appending, closing.
The floor is DuckDB copying the same files into a table without looking at them. Seconds of CPU tell
more than those on the wall where other programs run at the same time.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from benchmarks.company import count_of, make
from groundswell.engine import Project

if TYPE_CHECKING:
    from collections.abc import Generator

CSV_SHARE = 5  # CSV is measured on one file in so many


@dataclass
class Spent:
    """What a stretch of work took: seconds on the wall, and of all cores together."""

    wall: float = 0.0
    cpu: float = 0.0


@dataclass(frozen=True)
class Timing:
    """What loading one format took, the whole of it and DuckDB's copy alone."""

    file_format: str
    rows: int
    load: Spent
    floor: Spent

    def __str__(self) -> str:
        return (
            f"{self.file_format:<8}{self.rows:>12,} events {self.load.wall:>8.1f} s "
            f"{self.rows / self.load.wall:>12,.0f} events/s "
            f"{self._cpu(self.load):>6.2f} CPU s per 1M (floor {self._cpu(self.floor):.2f}) "
            f"{self.load.wall / self.floor.wall:>6.1f} x floor's wall, "
            f"{self.load.cpu / self.floor.cpu:.1f} x its CPU"
        )

    def _cpu(self, spent: Spent) -> float:
        return spent.cpu / self.rows * 1_000_000


@contextmanager
def spending() -> Generator[Spent]:
    """Measure what the block takes; every thread of this process counts."""
    spent = Spent(-time.perf_counter(), -_cpu_seconds())
    yield spent
    spent.wall += time.perf_counter()
    spent.cpu += _cpu_seconds()


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(company: Path, files: list[Path], file_format: str, work: Path) -> Timing:
    """Load files into a fresh project and, for the floor, into a bare DuckDB table."""
    reader = "read_parquet" if file_format == "parquet" else "read_csv"
    names = ", ".join(f"'{file}'" for file in files)
    with spending() as floor, duckdb.connect(str(work / f"floor-{file_format}.duckdb")) as bare:
        bare.execute(f"CREATE TABLE t AS SELECT * FROM {reader}([{names}])")
    project = work / f"project-{file_format}"
    project.mkdir()
    shutil.copy(company / "groundswell.yaml", project)
    opened = Project.open(project)
    with spending() as load, opened:  # closing writes the last of it: that counts on both sides
        (report,) = opened.load("events", files)
    return Timing(file_format, report.added + report.duplicates + report.rejected, load, floor)


def as_csv(files: list[Path], work: Path) -> list[Path]:
    """Write some of the Parquet files as CSV."""
    written: list[Path] = []
    for file in files[::CSV_SHARE]:
        path = work / f"{file.stem}.csv"
        duckdb.sql(f"COPY (SELECT * FROM read_parquet('{file}')) TO '{path}' (HEADER)")
        written.append(path)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default="5M", help="how many, such as 1M, 5M or 50M")
    parser.add_argument("--company", type=Path, help="a company made before")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="groundswell-bench-") as folder:
        work = Path(folder)
        company = chosen.company or work / "company"
        if chosen.company is None:
            make(count_of(chosen.events), company)
        files = sorted((company / "events").glob("*.parquet"))
        print(measure(company, files, "parquet", work), flush=True)
        print(measure(company, as_csv(files, work), "csv", work))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"peak memory {peak:,} MB")


if __name__ == "__main__":
    main()
