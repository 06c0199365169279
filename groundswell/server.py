"""`groundswell serve`: one process that takes events in and keeps the project up to date."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import sys
import threading
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
from groundswell.engine.draining import Drain
from groundswell.errors import StoreError
from groundswell.intake.committing import GroupCommit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from starlette.applications import Starlette

    from groundswell.engine import Project

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8710
IDLE_SECONDS = 0.05
FAILING_SECONDS = 1.0
GRACE_SECONDS = 10

log = structlog.get_logger()


class Server:
    """A project, served over HTTP until it is told to stop."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._metrics = Metrics()
        self._intake: Intake | None = None
        self._alone = threading.Lock()  # one at a time computes with the project, or takes into it
        self._drain = DrainLoop(project, self._metrics, self._alone)
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
        return self._drain.failing

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        commit = GroupCommit(self._project.ledger)
        self._intake = Intake(
            commit=commit,
            keys=KeyRing(self._project.ledger),
            clock=self._project.clock,
            metrics=self._metrics,
        )
        self._drain.start()
        try:
            yield
        finally:
            await asyncio.to_thread(commit.close)
            await asyncio.to_thread(self._drain.stop)


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


class DrainLoop:
    """Drains the inbox on a thread of its own, for as long as the server runs."""

    def __init__(self, project: Project, metrics: Metrics, alone: threading.Lock) -> None:
        self._alone = alone
        self._drain = Drain(
            project.warehouse, project.ledger, project.clock, project.loaded.config.sources
        )
        self._metrics = metrics
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)
        self.failing: str | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take in what is in the inbox, and end; what cannot be taken in now stays there."""
        self._stopping.set()
        self._thread.join()
        self._drain.close()

    def _run(self) -> None:
        while True:
            last = self._stopping.is_set()
            try:
                with self._alone:
                    done = self._drain.step()
            except StoreError as error:
                self.failing = "The inbox cannot be drained; the log says why."
                log.exception("the inbox cannot be drained", problem=error.problems[0].code)
                if last:
                    return
                self._stopping.wait(FAILING_SECONDS)
                continue
            self.failing = None
            if done is not None:
                for outcome in ("added", "duplicates", "rejected"):
                    self._metrics.records.labels(outcome).inc(getattr(done, outcome))
            elif last:
                return
            else:
                self._stopping.wait(IDLE_SECONDS)


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
