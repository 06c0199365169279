"""`groundswell serve`: one process that takes events in and keeps the project up to date."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import sys
import threading
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import structlog
import uvicorn

from groundswell.api.app import App
from groundswell.api.client import Address
from groundswell.api.intake import Intake
from groundswell.api.keys import KeyRing
from groundswell.api.local import operation_routes
from groundswell.api.metrics import Metrics
from groundswell.api.operations import SERVER_FILE
from groundswell.engine import STATE_FOLDER
from groundswell.engine.draining import Drain, hand_raise_of
from groundswell.errors import StoreError, UsageError
from groundswell.intake.committing import GroupCommit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from datetime import date
    from pathlib import Path

    from starlette.applications import Starlette

    from groundswell.engine import Project

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8710
IDLE_SECONDS = 0.05
FAILING_SECONDS = 1.0
GRACE_SECONDS = 10
REST_SECONDS = 2.0
REST_TIMES = 3
"""The engine rests at least so many times as long as it took to score, taking in what comes."""

log = structlog.get_logger()


class Server:
    """A project, served over HTTP until it is told to stop."""

    def __init__(self, project: Project, *, runs: bool = True) -> None:
        """Prepare to serve.

        Args:
            project: What is served.
            runs: Whether accounts are scored again when facts came.
        """
        self._project = project
        self._metrics = Metrics()
        self._intake: Intake | None = None
        self._alone = threading.Lock()  # one at a time computes with the project, or takes into it
        self._loop = EngineLoop(project, self._metrics, self._alone, runs=runs)
        self._token = secrets.token_urlsafe(32)
        self.app = App(
            intake=self._started,
            metrics=self._metrics,
            unready=self._unready,
            lifespan=self._lifespan,
            operations=operation_routes(project, token=self._token, alone=self._alone),
        )

    def run(self, *, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> None:
        """Serve until SIGINT or SIGTERM, then finish what was begun.

        Args:
            host: Address to listen on; others than 127.0.0.1 are open to the network.
            port: TCP port; 0 for one that is free.
        """
        config = uvicorn.Config(
            self.app,
            host=host,
            port=port,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        for told in (signal.SIGINT, signal.SIGTERM):  # uvicorn passes them on once it has stopped
            signal.signal(told, _leave)
        address = self._project.root / STATE_FOLDER / SERVER_FILE
        try:
            _Announcing(config, lambda url: self._write_address(address, url)).run()
        finally:
            address.unlink(missing_ok=True)

    def _write_address(self, path: Path, url: str) -> None:
        """Tell commands of this machine's user where to ask, and nobody else."""
        path.unlink(missing_ok=True)
        opened = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(msgspec.json.encode(Address(url, self._token)))

    def _started(self) -> Intake:
        assert self._intake is not None, "the application runs between the ends of its lifespan"
        return self._intake

    def _unready(self) -> str | None:
        try:
            entries, since = self._project.ledger.waiting()
        except StoreError:
            return "The ledger cannot be read."
        self._metrics.waiting.set(entries)
        age = (self._project.clock.now() - since).total_seconds() if since else 0
        self._metrics.lag_seconds.set(age)
        return self._loop.failing

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        commit = GroupCommit(self._project.ledger)
        self._intake = Intake(
            commit=commit,
            keys=KeyRing(self._project.ledger),
            clock=self._project.clock,
            metrics=self._metrics,
        )
        self._loop.start()
        try:
            yield
        finally:
            await asyncio.to_thread(commit.close)
            await asyncio.to_thread(self._loop.stop)


def _leave(*_: object) -> None:
    raise SystemExit(0)


class _Announcing(uvicorn.Server):
    """Says where it listens once it does; a port of 0 is known by then."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[object] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        await super().startup(sockets)  # pyright: ignore[reportArgumentType]
        for server in self.servers:
            for listening in server.sockets:
                host, port = listening.getsockname()[:2]
                url = f"http://{host}:{port}"
                self._announce(url)
                log.info("serving", url=url)


class EngineLoop:
    """Drains the inbox and scores accounts again, on a thread of its own, while the server runs."""

    def __init__(
        self, project: Project, metrics: Metrics, alone: threading.Lock, *, runs: bool
    ) -> None:
        self._project = project
        self._alone = alone
        self._runs = runs
        self._drain = Drain(
            project.warehouse,
            project.ledger,
            project.clock,
            project.loaded.config.sources,
            hand_raise_of(project.loaded.meanings),
        )
        self._metrics = metrics
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._scored: tuple[str, date] | None = None
        self._rested_at = 0.0
        self.failing: str | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take in what is in the inbox, for a while; the rest is taken in after the next start."""
        self._stopping.set()
        self._thread.join()
        self._drain.close()

    def _run(self) -> None:
        until: float | None = None
        while until is None or time.monotonic() < until:
            if until is None and self._stopping.is_set():
                until = time.monotonic() + GRACE_SECONDS
            try:
                with self._alone:
                    busy = self._take_in()
                    if until is None:
                        self._score()
                self.failing = None
            except Exception as error:
                self.failing = "The inbox cannot be drained; the log says why."
                log.exception("the engine failed", problem=type(error).__name__)
                if until is not None:
                    return
                self._stopping.wait(FAILING_SECONDS)
                continue
            if not busy and until is not None:
                return
            if not busy:
                self._stopping.wait(IDLE_SECONDS)

    def _take_in(self) -> bool:
        done = self._drain.step()
        if done is None:
            return False
        for outcome in ("added", "duplicates", "rejected"):
            self._metrics.records.labels(outcome).inc(getattr(done, outcome))
        return True

    def _score(self) -> None:
        """Run when facts came or the day changed; then rest several times as long as it took."""
        if not self._runs or time.monotonic() < self._rested_at:
            return
        facts = (self._project.warehouse.version(), self._project.today())
        if facts == self._scored:
            return
        began = time.monotonic()
        try:
            report = self._project.run()
        except UsageError:  # nobody is known yet
            report = None
        took = time.monotonic() - began
        self._scored = facts
        self._rested_at = time.monotonic() + max(REST_SECONDS, REST_TIMES * took)
        if report is not None:
            self._metrics.run_seconds.observe(took)
            log.info(
                "scored",
                accounts=report.accounts,
                qualified=report.qualified,
                newly_qualified=len(report.newly_qualified),
                seconds=round(took, 2),
            )


def log_to_stderr() -> None:
    """Write the log as JSON lines to standard error."""
    logging.basicConfig(level=logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
