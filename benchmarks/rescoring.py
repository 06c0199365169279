"""From an event's arrival until its account is scored and decided on, beside a store that is full.

    python -m benchmarks.rescoring --events 50M --rate 10000 --seconds 60

A server over a copy of the benchmark company takes what the company's own people do: events of the
last weeks, sent again under new ids and with the present time, as Segment batches of 100, at a
steady rate. Server and load share the machine's cores. The clock of the server stands where the
company's history ends, and goes on from there. Nobody who is known signs up again, so those events
are left out. What is told comes from the server's own histogram
`groundswell_rescored_after_seconds`: from a request's arrival until the accounts it touches were
scored and decided on and the journal was written. `--newcomers` lets so many people a second appear
that nobody knew: their accounts are computed anew from the facts around them. With `--soak` the
server's memory is told every half minute.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import datetime as dt
import itertools
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx
import msgspec
import psutil

from benchmarks.features import company
from groundswell.api.hosting import listen
from groundswell.engine import Project
from groundswell.engine.keys import Keys
from groundswell.server import Server

BATCH, CONNECTIONS, PORT = 100, 16, 18_790
HISTOGRAM = re.compile(r'groundswell_rescored_after_seconds_bucket{le="([^"]+)"} ([0-9.e+]+)')
SAMPLE = """
SELECT a.user_id, a.anonymous_id, a.account_id, n.event, e.properties
FROM events e JOIN actors a USING (actor) JOIN event_names n USING (event_id)
WHERE n.event NOT IN ('Signed Up', 'Account Created')
AND e.occurred_at BETWEEN $ends - INTERVAL 21 DAY AND $ends
ORDER BY hash(e.message_id) LIMIT 60000
"""


@dataclass(frozen=True)
class GoingOn:
    """A clock that was set to a moment and goes on from there."""

    moment: dt.datetime
    began: float

    @classmethod
    def at(cls, moment: dt.datetime) -> GoingOn:
        """Set it to a moment, now."""
        return cls(moment, time.time())

    def now(self) -> dt.datetime:
        """Return the present instant."""
        return self.moment + dt.timedelta(seconds=time.time() - self.began)


def end_of_history(warehouse: Path) -> dt.datetime:
    """Return noon of the day after the last busy one; a few events have clocks far ahead."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(
            "SELECT occurred_at::DATE AS day, count(*) AS n FROM events GROUP BY 1 ORDER BY 1"
        ).fetchall()
    busiest = max(n for _, n in rows)
    last = max(day for day, n in rows if n > busiest / 4)
    return dt.datetime.combine(last + dt.timedelta(days=1), dt.time(12), dt.UTC)


def serve(folder: Path, moment: dt.datetime) -> None:
    with (
        Project.open(folder, clock=GoingOn.at(moment)) as project,
        listen("127.0.0.1", PORT) as listener,
    ):
        Server(project).run(listener)


def templates(warehouse: Path, ends: dt.datetime) -> list[dict[str, Any]]:
    """Return what people did lately, as messages without ids."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(SAMPLE, {"ends": ends}).fetchall()
    found: list[dict[str, Any]] = []
    for user, device, account, event, properties in rows:
        ids = {"userId": user, "anonymousId": device}
        message = {name: value for name, value in ids.items() if value}
        if account:
            message["context"] = {"groupId": account}
        told = msgspec.json.decode(properties) if properties else {}
        found.append({"type": "track", "event": event, "properties": told, **message})
    return found


@dataclass
class Load:
    """Sends batches at a steady rate and counts what was acknowledged."""

    key: str
    known: list[dict[str, Any]]
    rate: int
    newcomers: float
    sent: int = 0
    refused: int = 0

    def request(self, number: int, chance: random.Random, *, newcomer: bool) -> bytes:
        """Return one HTTP request of a batch."""
        messages = [
            {**chance.choice(self.known), "messageId": f"live-{number}-{index}"}
            for index in range(BATCH)
        ]
        if newcomer:
            messages[0] = {**messages[0], "userId": f"newcomer-{number}"}
            messages[0].pop("anonymousId", None)
        body = msgspec.json.encode({"batch": messages})
        auth = base64.b64encode(f"{self.key}:".encode()).decode()
        head = (
            f"POST /v1/batch HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Basic {auth}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def run(self, seconds: float) -> None:
        """Send for some seconds."""
        chance = random.Random(7)
        every = BATCH / self.rate
        began = time.perf_counter()
        numbers = itertools.count(int(time.time() * 1000) % 10**9 * 1000)
        due = itertools.count()
        owed = 0.0

        async def send() -> None:
            nonlocal owed
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
            while True:
                at = began + next(due) * every
                if at > began + seconds:
                    break
                owed += self.newcomers * every
                newcomer = owed >= 1
                owed -= newcomer
                request = self.request(next(numbers), chance, newcomer=newcomer)
                await asyncio.sleep(max(at - time.perf_counter(), 0))
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                if head.startswith(b"HTTP/1.1 200"):
                    self.sent += BATCH
                else:
                    self.refused += BATCH
            writer.close()

        await asyncio.gather(*(send() for _ in range(CONNECTIONS)))


def buckets() -> dict[float, float]:
    text = httpx.get(f"http://127.0.0.1:{PORT}/metrics").text
    return {float(le): float(count) for le, count in HISTOGRAM.findall(text)}


def metric(name: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{PORT}/metrics").text
    found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", text, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def quantile(counts: dict[float, float], q: float) -> float:
    """Return a quantile of a histogram, within a bucket in proportion."""
    ordered = sorted(counts.items())
    total = ordered[-1][1]
    low, below = 0.0, 0.0
    for le, count in ordered:
        if count >= q * total:
            share = (q * total - below) / max(count - below, 1e-9)
            return low + (min(le, low * 2 or le) - low) * share
        low, below = le, count
    return low


def wait_for(server: subprocess.Popen[bytes], name: str, least: float, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and server.poll() is None:
        try:
            if metric(name) >= least:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"{name} did not reach {least}")


def report(events: str, *, rate: int, seconds: float, newcomers: float, soak: bool) -> None:
    source = company(events)
    moment = end_of_history(source / ".groundswell" / "warehouse.duckdb")
    known = templates(source / ".groundswell" / "warehouse.duckdb", moment)
    with tempfile.TemporaryDirectory(prefix="groundswell-bench-") as name:
        folder = Path(name)
        shutil.copytree(source, folder, dirs_exist_ok=True)
        with Keys.open(folder) as keys:
            key = keys.create("bench", "segment").key
        command = [sys.executable, "-m", "benchmarks.rescoring", "--serve", name]
        with (folder / "log").open("w") as log:
            environ = {**os.environ, "POLARS_MAX_THREADS": "1"}  # as `groundswell serve` has it
            server = subprocess.Popen(
                [*command, "--moment", moment.isoformat()], stderr=log, env=environ
            )
        try:
            wait_for(server, "groundswell_run_seconds_count", 1, 900)
            whole = metric("groundswell_run_seconds_sum")
            print(f"{events} events, everything computed in {whole:.1f} s")
            warm = Load(key, known, rate, newcomers)
            asyncio.run(warm.run(8))
            time.sleep(3)
            before = buckets()
            load = Load(key, known, rate, newcomers)
            watch = psutil.Process(server.pid)
            used = watch.cpu_times()
            began = time.perf_counter()
            pieces = [30.0] * int(seconds // 30) if soak else [seconds]
            for piece in pieces:
                asyncio.run(load.run(piece))
                if soak:
                    rss = watch.memory_info().rss >> 20
                    print(f"{time.perf_counter() - began:6.0f} s  {rss} MB")
            took = time.perf_counter() - began
            cpu = sum(watch.cpu_times()[:2]) - sum(used[:2])
            time.sleep(3)
            after = buckets()
            counts = {le: after[le] - before.get(le, 0) for le in after}
            p50, p99 = (quantile(counts, q) * 1000 for q in (0.5, 0.99))
            print(
                f"{load.sent / took:,.0f} events/s acknowledged, {load.refused} refused, "
                f"{newcomers:g} newcomers/s; arrival to rescored: p50 {p50:.0f} ms, p99 {p99:.0f} "
                f"ms ({counts[max(counts)]:.0f} requests); server {cpu / took:.2f} cores, "
                f"{watch.memory_info().rss >> 20} MB; "
                f"inbox {metric('groundswell_inbox_waiting'):.0f}"
            )
        finally:
            server.terminate()
            server.wait()
            if os.environ.get("GROUNDSWELL_BENCH_LOG"):
                print((folder / "log").read_text()[-4000:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default="5M")
    parser.add_argument("--rate", type=int, default=10_000, help="events a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--newcomers", type=float, default=0.0, help="new people a second")
    parser.add_argument("--soak", action="store_true", help="tell the memory as it goes")
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--moment", type=dt.datetime.fromisoformat)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve, chosen.moment)
        return
    report(
        chosen.events,
        rate=chosen.rate,
        seconds=chosen.seconds,
        newcomers=chosen.newcomers,
        soak=chosen.soak,
    )


if __name__ == "__main__":
    main()
