"""Load a company's events from Parquet and from CSV, beside DuckDB's own reading of the same files.

    python -m benchmarks.loading --events 5M

The whole path is timed: reading, checking every row, telling duplicates apart, appending. The
floor is DuckDB copying the same file into a table without looking at it.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.company import count_of, make
from groundswell.engine import Project

CSV_SHARE = 5  # CSV is measured on one file in so many


@dataclass(frozen=True)
class Timing:
    """Seconds for one format, ours and the floor's, and how many rows."""

    file_format: str
    rows: int
    seconds: float
    floor: float

    def __str__(self) -> str:
        return (
            f"{self.file_format:<8}{self.rows:>12,} events {self.seconds:>8.1f} s "
            f"{self.rows / self.seconds:>12,.0f} events/s {self.seconds / self.floor:>7.1f} x floor"
        )


def measure(company: Path, files: list[Path], file_format: str, work: Path) -> Timing:
    """Load files into a fresh project and, for the floor, into a bare DuckDB table."""
    reader = "read_parquet" if file_format == "parquet" else "read_csv"
    began = time.perf_counter()
    with duckdb.connect(str(work / f"floor-{file_format}.duckdb")) as bare:
        names = [str(file) for file in files]
        bare.execute(f"CREATE TABLE t AS SELECT * FROM {reader}(?)", [names])
    floor = time.perf_counter() - began
    project = work / f"project-{file_format}"
    project.mkdir()
    shutil.copy(company / "groundswell.yaml", project)
    with Project.open(project) as opened:
        began = time.perf_counter()
        (report,) = opened.load("events", files)
        seconds = time.perf_counter() - began
    return Timing(file_format, report.added + report.duplicates + report.rejected, seconds, floor)


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
        print(measure(company, files, "parquet", work))
        print(measure(company, as_csv(files, work), "csv", work))


if __name__ == "__main__":
    main()
