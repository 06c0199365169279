"""How long the server takes for each page, beside a floor: an answer that shows nothing.

    python -m benchmarks.pages --project demo50k --as-of 2026-06-30 --visits 100

The project is served by a process of its own; a colleague is added to its ledger for the visits.
Pages are asked for one after the other, as different accounts, searches and days.
"""

from __future__ import annotations

import argparse
import random
import re
import secrets
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from groundswell.api.client import find_server
from groundswell.engine.colleagues import Colleagues
from groundswell.engine.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STARTING = 600.0
FLOOR = "/find?search="
PROMISE_MS, PROMISE_KB = 100.0, 300.0


@dataclass(frozen=True)
class Measured:
    """What the visits of a page took, in milliseconds, and the most bytes that one sent."""

    name: str
    milliseconds: tuple[float, ...]
    most_bytes: int

    @property
    def middle(self) -> float:
        """The median."""
        return statistics.median(self.milliseconds)

    @property
    def late(self) -> float:
        """What nineteen of twenty visits stay below."""
        return sorted(self.milliseconds)[max(int(len(self.milliseconds) * 0.95) - 1, 0)]


def main() -> None:
    """Measure every page and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--as-of", default=None)
    parser.add_argument("--visits", type=int, default=100)
    asked = parser.parse_args()
    email, password = f"{secrets.token_hex(4)}@bench.example", secrets.token_urlsafe(16)
    with Keys.open(asked.project) as opened:
        Colleagues(opened.ledger, opened.clock).add(email, role="admin", password=password)
    command = [sys.executable, "-m", "groundswell", "serve", "--port", "0"]
    day = ["--as-of", asked.as_of] if asked.as_of else []
    server = subprocess.Popen([*command, *day, "--project", str(asked.project)])
    try:
        with httpx.Client(base_url=_address(asked.project), timeout=STARTING) as client:
            client.post("/sign-in", data={"email": email, "password": password})
            _wait_until_scored(client)
            _print([_measure(client, *page) for page in _pages(client, asked.visits)])
    finally:
        server.terminate()
        server.wait()


def _address(project: Path) -> str:
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline:
        found = find_server(project)
        if found is not None:
            return found.url
        time.sleep(0.2)
    raise SystemExit("the server did not start")


def _wait_until_scored(client: httpx.Client) -> None:
    """Wait until the first pass over everything is done: it holds what computes."""
    account = _accounts(client)[0]
    client.get(account)


def _accounts(client: httpx.Client) -> list[str]:
    found: list[str] = []
    for page in ("/accounts?sort=employees", "/accounts?sort=active", "/"):
        found += re.findall(r'data-href="(/accounts/[^"]+)"', client.get(page).text)
    return found


def _pages(client: httpx.Client, visits: int) -> list[tuple[str, Callable[[], str], int]]:
    draw = random.Random(1)
    accounts = _accounts(client)
    letters = "abcdefghijklmnop"
    day = _latest(client)

    def past() -> str:
        return (
            f"{draw.choice(accounts)}?as_of={day[:5]}0{draw.randint(1, 5)}-{draw.randint(10, 28)}"
        )

    fixed = {name: name for name in ("/", "/accounts", "/team", "/health", "/admin")}
    return [
        ("nothing (the floor)", lambda: FLOOR, visits),
        *((name, lambda path=path: path, visits) for name, path in fixed.items()),
        ("/accounts?search=", lambda: f"/accounts?search={draw.choice(letters)}&sort=mrr", visits),
        ("/find", lambda: f"/find?search={draw.choice(letters)}", visits),
        ("/accounts/ID", lambda: draw.choice(accounts), visits),
        ("/accounts/ID?as_of=", past, visits),
    ]


def _latest(client: httpx.Client) -> str:
    account = _accounts(client)[0]
    found = re.search(r'name="as_of" value="([\d-]+)"', client.get(account).text)
    assert found is not None, "the page of an account names its day"
    return found[1]


def _measure(client: httpx.Client, name: str, path: Callable[[], str], visits: int) -> Measured:
    took: list[float] = []
    most = 0
    for _ in range(visits):
        asked = path()
        began = time.perf_counter()
        answer = client.get(asked)
        took.append((time.perf_counter() - began) * 1000)
        most = max(most, len(answer.content))
        assert answer.status_code == httpx.codes.OK, (asked, answer.status_code)
    return Measured(name, tuple(took), most)


def _print(pages: Sequence[Measured]) -> None:
    floor = pages[0].middle
    print(f"{'page':<22}{'median':>9}{'p95':>9}{'floor':>8}{'sent':>9}")
    for page in pages:
        kept = page.late < PROMISE_MS and page.most_bytes / 1000 < PROMISE_KB
        print(
            f"{page.name:<22}{page.middle:>6.1f} ms{page.late:>6.1f} ms"
            f"{page.middle / floor:>6.0f} x{page.most_bytes / 1000:>6.0f} kB"
            f"{'' if kept else '   over'}",
            flush=True,
        )


if __name__ == "__main__":
    main()
