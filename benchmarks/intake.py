"""Durable acknowledged events a second, beside a server that keeps nothing and a plain one.

    python -m benchmarks.intake --seconds 10

Four servers, one after the other, each pinned to one core, with the load generator on another: ours
as `serve` runs it, draining on the same core as it goes; ours with the inbox alone; ours with an
inbox that forgets; and what one would write first, a FastAPI endpoint that inserts each event with
SQLAlchemy and commits the batch. The load is Segment batches of 100 events over 16 connections.

With `--ledger postgresql://...` a fifth one keeps its inbox there, and drains nothing; the database
runs where it runs.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from groundswell.api.hosting import listen
from groundswell.engine import Project
from groundswell.engine.keys import Keys
from groundswell.server import Server

CONNECTIONS = 16
BATCH = 100
CONFIG = "company: Bench\nevents:\n  signed_up: Signed Up\n"
MODES = ("serve", "inbox", "discard", "plain")
SHARED = "shared"  # an inbox in PostgreSQL
LEDGER = "GROUNDSWELL_BENCH_LEDGER"


# --- the servers ------------------------------------------------------------------------------


class Forgetting:
    """A ledger whose inbox keeps nothing."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def put_entries(self, entries: Any) -> None:
        """Forget them."""


def plain_app(folder: Path) -> Any:
    """Return the endpoint that one would write first."""
    import sqlalchemy as sa
    from fastapi import FastAPI

    engine = sa.create_engine(f"sqlite:///{folder / 'plain.sqlite'}")
    metadata = sa.MetaData()
    names = ("message_id", "user_id", "account_id", "event", "timestamp", "properties")
    columns = [sa.Column(name, sa.Text, primary_key=name == "message_id") for name in names]
    events = sa.Table("events", metadata, *columns)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    app = FastAPI()

    @app.post("/v1/batch")
    async def take(body: dict[str, Any]) -> dict[str, bool]:
        with engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA synchronous=FULL")
            for message in body["batch"]:
                row = {
                    "message_id": message["messageId"],
                    "user_id": message["userId"],
                    "account_id": message["context"]["groupId"],
                    "event": message["event"],
                    "timestamp": message["timestamp"],
                    "properties": json.dumps(message["properties"]),
                }
                connection.execute(sa.insert(events).prefix_with("OR IGNORE"), row)
        return {"success": True}

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def serve(mode: str, folder: Path, port: int, core: int) -> None:
    """Run one of the servers on a core of its own."""
    os.sched_setaffinity(0, {core})
    options: dict[str, Any] = {"host": "127.0.0.1", "port": port, "log_config": None}
    if mode == "plain":
        uvicorn.run(plain_app(folder), access_log=False, **options)
        return
    with Project.open(folder) as project:
        if mode == "discard":
            project.ledger = Forgetting(project.ledger)  # pyright: ignore[reportAttributeAccessIssue]
        server = Server(project, runs=False)
        if mode in ("inbox", SHARED):
            server._loop.start = server._loop.stop = lambda: None
        with listen("127.0.0.1", port) as listener:
            server.run(listener)


# --- the load ---------------------------------------------------------------------------------


def request_bytes(key: str, first: int) -> bytes:
    """Return one HTTP request: a batch of events that were never sent before."""
    messages = [
        {
            "type": "track",
            "messageId": f"msg-{number:012d}",
            "userId": f"user-{number % 5_000}",
            "event": "Signed Up",
            "timestamp": "2026-06-01T10:00:00.000Z",
            "properties": {"plan": "pro", "feature": "boards", "page": "/boards/7"},
            "context": {"groupId": f"acme-{number % 500}", "library": {"name": "bench"}},
        }
        for number in range(first, first + BATCH)
    ]
    body = msgspec.json.encode({"batch": messages, "sentAt": "2026-06-01T10:00:00.000Z"})
    auth = base64.b64encode(f"{key}:".encode()).decode()
    head = (
        f"POST /v1/batch HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Basic {auth}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _send(port: int, requests: list[bytes], until: float, done: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while requests and time.perf_counter() < until:
        writer.write(requests.pop())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        done[0] += BATCH
    writer.close()


async def load(port: int, key: str, seconds: float, most: int) -> float:
    """Return acknowledged events a second."""
    requests = [request_bytes(key, number * BATCH) for number in range(most)]
    done = [0]
    began = time.perf_counter()
    until = began + seconds
    await asyncio.gather(*(_send(port, requests, until, done) for _ in range(CONNECTIONS)))
    return done[0] / (time.perf_counter() - began)


def measure(mode: str, seconds: float, most: int, *, core: int) -> float:
    """Start a server, load it, stop it."""
    with tempfile.TemporaryDirectory(prefix="groundswell-bench-") as name:
        folder = Path(name)
        where = f"ledger: ${{{LEDGER}}}\n" if mode == SHARED else ""
        (folder / "groundswell.yaml").write_text(CONFIG + where, encoding="utf-8")
        with Keys.open(folder) as keys:
            key = keys.create("bench", "segment").key
        port = 18_710 + (*MODES, SHARED).index(mode)
        command = [sys.executable, "-m", "benchmarks.intake", "--serve", mode]
        process = subprocess.Popen(
            [*command, "--folder", name, "--port", str(port), "--core", str(core)],
            stderr=subprocess.DEVNULL,
        )
        try:
            asyncio.run(_ready(port))
            return asyncio.run(load(port, key, seconds, most))
        finally:
            process.kill()
            process.wait()


async def _ready(port: int) -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise TimeoutError("the server did not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--most", type=int, default=40_000, help="batches to prepare")
    parser.add_argument("--ledger", help="also measure with the inbox in this PostgreSQL database")
    parser.add_argument("--serve", choices=(*MODES, SHARED))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--core", type=int)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve, chosen.folder, chosen.port, chosen.core)
        return
    if chosen.ledger:
        os.environ[LEDGER] = chosen.ledger
    report(chosen.seconds, chosen.most, (*MODES, SHARED) if chosen.ledger else MODES)


def report(seconds: float, most: int, modes: tuple[str, ...] = MODES) -> dict[str, float]:
    """Print, and return, the events a second of every server."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        rates = {mode: measure(mode, seconds, most, core=min(cores)) for mode in modes}
    finally:
        os.sched_setaffinity(0, cores)
    for mode, rate in rates.items():
        serve_, inbox = rates["serve"] / rate, rates["inbox"] / rate
        print(f"{mode:<8} {rate:>12,.0f} events/s   serve {serve_:.2f} x   inbox {inbox:.2f} x")
    return rates


if __name__ == "__main__":
    main()
