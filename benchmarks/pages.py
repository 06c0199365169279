"""How long the server takes for each page, beside a floor: an answer that shows nothing.

    python -m benchmarks.pages --project demo50k --as-of 2026-06-30 --visits 100

The project is served by a process of its own; a colleague is added to its ledger for the visits.
Pages are asked for one after the other, as different accounts, searches and days. With `--browser`
a real one draws each page, and says when its largest part was there (Largest Contentful Paint).
"""

from __future__ import annotations

import argparse
import random
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from playwright.sync_api import sync_playwright

from groundswell.api.client import find_server
from groundswell.engine.colleagues import Colleagues
from groundswell.engine.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STARTING = 600.0
FLOOR = "/find?search="
PROMISE_MS, PROMISE_KB = 100.0, 300.0
PROMISE_PAINT_MS = 1_000.0
PAINTS = 5
PATHS = (
    *("/", "/accounts", "/team", "/lab", "/lab/weights", "/lab/weights?line=50", "/lab/proof"),
    *("/lab/models", "/signals", "/signals/triggers", "/health", "/setup", "/admin"),
    *("/commissions/mine", "/reports/weekly"),
)
SAMPLE, LONGEST_BACK = 40, 180
PAINTED = """() => new Promise(done => {
    new PerformanceObserver(list => done(list.getEntries().at(-1).startTime))
        .observe({type: "largest-contentful-paint", buffered: true});
})"""


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
    parser.add_argument("--browser", action="store_true")
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
            if asked.browser:
                _paint(client, _pages(client, asked.visits)[1:])
    finally:
        server.terminate()
        server.wait()


def _address(project: Path) -> str:
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline:
        found = find_server(project)
        if found is not None:
            return found.address.url
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
    days = [(account, *_days(client, account)) for account in draw.sample(accounts, SAMPLE)]

    def past() -> str:
        account, first, last = draw.choice(days)
        back = draw.randint(1, min((last - first).days, LONGEST_BACK))
        return f"{account}?as_of={last - timedelta(days=back)}"

    fixed = {name: name for name in PATHS}
    return [
        ("nothing (the floor)", lambda: FLOOR, visits),
        *((name, lambda path=path: path, visits) for name, path in fixed.items()),
        ("/accounts?search=", lambda: f"/accounts?search={draw.choice(letters)}&sort=mrr", visits),
        ("/find", lambda: f"/find?search={draw.choice(letters)}", visits),
        ("/accounts/ID", lambda: draw.choice(accounts), visits),
        ("/accounts/ID?as_of=", past, visits),
    ]


def _days(client: httpx.Client, account: str) -> tuple[date, date]:
    """Return the first and the last day on which the page of an account can be shown."""
    found = re.search(r'name="as_of".*?min="([\d-]+)" max="([\d-]+)"', client.get(account).text)
    assert found is not None, "the page of an account names its days"
    return date.fromisoformat(found[1]), date.fromisoformat(found[2])


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


def _paint(client: httpx.Client, pages: Sequence[tuple[str, Callable[[], str], int]]) -> None:
    """Draw each page a few times, the first time with nothing kept, and print when it was there."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        held = {"domain": "127.0.0.1", "path": "/"}
        context.add_cookies(
            [{"name": one.name, "value": one.value or "", **held} for one in client.cookies.jar]  # pyright: ignore[reportArgumentType]
        )
        for name, path, _ in pages:
            took: list[float] = []
            for _ in range(PAINTS):
                page = context.new_page()
                page.goto(f"{client.base_url}{path()}")
                took.append(page.evaluate(PAINTED))
                page.close()
            over = "" if max(took) < PROMISE_PAINT_MS else "   over"
            print(
                f"{name:<22} painted {statistics.median(took):>5.0f} ms{max(took):>7.0f} ms{over}"
            )
        browser.close()


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
