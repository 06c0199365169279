"""Listening: a server over HTTP until it is told to stop, and where commands find it."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
import uvicorn

from groundswell.api.client import Address, find_server
from groundswell.api.operations import SERVER_FILE
from groundswell.engine import STATE_FOLDER
from groundswell.errors import Problem, UsageError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8710
GRACE_SECONDS = 10
_BACKLOG = 2048
_ASKING_SECONDS = 0.1

log = structlog.get_logger()


@dataclass
class Announcement:
    """Tells commands of this machine's user where to ask, and nobody else.

    A server that only takes requests in gives way to one that answers commands.
    """

    folder: Path
    intake_only: bool = False
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def _path(self) -> Path:
        return self.folder / STATE_FOLDER / SERVER_FILE

    def make(self, url: str) -> None:
        """Write down where the server listens."""
        if self.intake_only and find_server(self.folder) is not None:
            return
        self._path.unlink(missing_ok=True)
        opened = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        with os.fdopen(opened, "wb") as file:
            address = Address(url, self.token, intake_only=self.intake_only)
            file.write(msgspec.json.encode(address))

    def withdraw(self) -> None:
        """Take it back, unless another server has put its own in its place."""
        try:
            written = msgspec.json.decode(self._path.read_bytes(), type=Address)
        except (OSError, msgspec.MsgspecError):
            return
        if written.token == self.token:
            self._path.unlink(missing_ok=True)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that takes connections, which wait until a server answers them.

    Args:
        host: Address to listen on; others than 127.0.0.1 are open to the network.
        port: TCP port; 0 for one that is free.

    Raises:
        UsageError: It cannot be listened there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            Problem(
                "serve-address",
                f"Nothing can listen on {host} port {port}: {reason}.",
                "Name another with `--host` and `--port`; port 0 is one that is free.",
            )
        ) from None
    return listener


def serve_until_told(
    app: Any,
    announcement: Announcement,
    *,
    listener: socket.socket,
    ending: Callable[[], None] | None = None,
    listening: Callable[[str], None] | None = None,
    renewal: threading.Event | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then finish what was begun.

    Args:
        app: The ASGI application.
        announcement: Made once it listens, and withdrawn at the end.
        listener: As `listen` gives; it stays open, so that whoever comes after may go on with it.
        ending: Called when the end begins, so that answers without an end come to theirs.
        listening: Called with the address once it listens.
        renewal: Once it is set serving ends, too, for another server to go on.
    """
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    for told in (signal.SIGINT, signal.SIGTERM):  # uvicorn passes them on once it has stopped
        signal.signal(told, _leave)

    def announce(url: str) -> None:
        announcement.make(url)
        if listening is not None:
            listening(url)

    try:
        _Announcing(config, announce, ending, renewal).run([listener.dup()])
    finally:
        announcement.withdraw()


def _leave(*_: object) -> None:
    raise SystemExit(0)


class _Announcing(uvicorn.Server):
    """Says where it listens once it does; a port of 0 is known by then."""

    def __init__(
        self,
        config: uvicorn.Config,
        announce: Callable[[str], None],
        ending: Callable[[], None] | None = None,
        renewal: threading.Event | None = None,
    ) -> None:
        super().__init__(config)
        self._announce, self._ending, self._renewal = announce, ending, renewal

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or (
            self._renewal is not None and self._renewal.is_set()
        )

    async def startup(self, sockets: list[object] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        await super().startup(sockets)  # pyright: ignore[reportArgumentType]
        for server in self.servers:
            for listening in server.sockets:
                host, port = listening.getsockname()[:2]
                url = f"http://{host}:{port}"
                self._announce(url)
                log.info("serving", url=url)

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self._ending is not None:
            self._ending()
        for server in self.servers:
            server.close()
        await asyncio.sleep(_ASKING_SECONDS)  # who has just connected is heard, and answered
        await super().shutdown(sockets)  # pyright: ignore[reportArgumentType]
        for connection in list(self.server_state.connections):  # who came too late tries again
            connection.transport.abort()
