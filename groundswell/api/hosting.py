"""Listening: a server over HTTP until it is told to stop, and where commands find it."""

from __future__ import annotations

import os
import secrets
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
import uvicorn

from groundswell.api.client import Address, find_server
from groundswell.api.operations import SERVER_FILE
from groundswell.engine import STATE_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8710
GRACE_SECONDS = 10

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


def serve_until_told(
    app: Any,
    announcement: Announcement,
    *,
    host: str,
    port: int,
    ending: Callable[[], None] | None = None,
    listening: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then finish what was begun.

    Args:
        app: The ASGI application.
        announcement: Made once it listens, and withdrawn at the end.
        host: Address to listen on; others than 127.0.0.1 are open to the network.
        port: TCP port; 0 for one that is free.
        ending: Called when the end begins, so that answers without an end come to theirs.
        listening: Called with the address once it listens.
    """
    config = uvicorn.Config(
        app,
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

    def announce(url: str) -> None:
        announcement.make(url)
        if listening is not None:
            listening(url)

    try:
        _Announcing(config, announce, ending).run()
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
    ) -> None:
        super().__init__(config)
        self._announce, self._ending = announce, ending

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
        await super().shutdown(sockets)  # pyright: ignore[reportArgumentType]
