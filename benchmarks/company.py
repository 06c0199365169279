"""Make a company for benchmarks, and say what it cost.

    python benchmarks/company.py --events 50M --out /tmp/company

50M events make 50,000 accounts and about 500,000 people; other sizes keep these proportions. The
files are those of the demo company (docs/concepts/demo-company.md), only larger.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

from groundswell.demo import generate

EVENTS_PER_ACCOUNT = 1000
CROWD = 2.0  # with this the default teams come to about ten people an account
UNITS = {"K": 1_000, "M": 1_000_000}


def count_of(text: str) -> int:
    """Return the number that `50M` or `200K` means.

    >>> count_of("50M"), count_of("200k"), count_of("1234")
    (50000000, 200000, 1234)
    """
    unit = UNITS.get(text[-1].upper())
    return int(float(text[:-1]) * unit) if unit else int(text)


def make(events: int, out: Path, *, seed: int = 7) -> dict[str, float]:
    """Generate the company and return its counts, seconds, bytes and peak memory."""
    started = time.perf_counter()
    company = generate(
        out,
        accounts=max(events // EVENTS_PER_ACCOUNT, 50),
        events=events,
        crowd=CROWD,
        seed=seed,
    )
    seconds = time.perf_counter() - started
    size = sum(path.stat().st_size for path in (out / "events").iterdir())
    return {
        "accounts": company.accounts,
        "people": company.people,
        "events": company.events,
        "seconds": round(seconds, 1),
        "events_per_second": round(company.events / seconds),
        "event_bytes": size,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default="1M", help="how many, such as 1M, 5M or 50M")
    parser.add_argument("--out", required=True, type=Path, help="where to write")
    parser.add_argument("--seed", default=7, type=int)
    chosen = parser.parse_args()
    print(json.dumps(make(count_of(chosen.events), chosen.out, seed=chosen.seed), indent=2))


if __name__ == "__main__":
    main()
