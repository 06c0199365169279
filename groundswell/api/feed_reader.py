"""Listening to the feed of a running server, over its restarts."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import msgspec

from groundswell.api.client import error_of, find_server
from groundswell.api.feed import HEARTBEAT_SECONDS
from groundswell.api.operations import AUTH_HEADER, FEED, Failure, FeedArguments
from groundswell.engine.reports import Notice
from groundswell.errors import Problem, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from groundswell.api.client import Client

SILENT_SECONDS = 4 * HEARTBEAT_SECONDS
"""A server that does not even say that it is there is gone."""

FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 0.2, 5.0
"""How long is waited before a server that is gone is looked for again; each time twice as long."""

PATIENCE_SECONDS = 60.0
"""How long a server that is gone is waited for."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Notices that came and were held no more when they were asked for."""

    count: int


@dataclass(frozen=True, slots=True)
class Gone:
    """The server is gone, and is waited for; `told` when it said that it stops."""

    told: bool


@dataclass(frozen=True, slots=True)
class Back:
    """The server is there again."""


Heard = Notice | Lost | Gone | Back


class _LostData(msgspec.Struct):
    lost: int


@dataclass
class FeedReader:
    """Listens; a server that is gone is waited for, and gone on with where it was left.

    Attributes:
        folder: The project's.
        asked: Which notices, and from which on.
        patience: Seconds for which a server that is gone is waited for.
    """

    folder: Path
    asked: FeedArguments
    patience: float = PATIENCE_SECONDS
    _told: bool = False

    def listen(self) -> Iterator[Heard]:
        """Yield what is heard, until the server stops and does not come back.

        Raises:
            StoreError: No server runs, or it went away without a word and did not come back.
            UsageError: It cannot be listened to.
        """
        client = find_server(self.folder)
        if client is None:
            raise StoreError(
                Problem(
                    code="no-server",
                    what="No server of this project runs.",
                    fix="Start one with `groundswell serve`, in another terminal.",
                )
            )
        while client is not None:
            yield from self._hear(client)
            yield Gone(self._told)
            client = self._await_server()
            if client is not None:
                yield Back()
        if not self._told:
            raise StoreError(
                Problem(
                    code="server-gone",
                    what="The server went away and did not come back.",
                    fix="Look at its log, and start it again with `groundswell serve`.",
                )
            )

    def _await_server(self) -> Client | None:
        rest, until = FIRST_REST_SECONDS, time.monotonic() + self.patience
        while time.monotonic() < until:
            time.sleep(min(rest, max(until - time.monotonic(), 0)))
            rest = min(2 * rest, LONGEST_REST_SECONDS)
            client = find_server(self.folder)
            if client is not None:
                return client
        return None

    def _hear(self, client: Client) -> Iterator[Heard]:
        """Yield what one server says until it is gone."""
        self._told = False
        asked = msgspec.to_builtins(self.asked)
        query = urlencode({k: v for k, v in asked.items() if v}, doseq=True)
        host = urlsplit(client.address.url).netloc
        connection = http.client.HTTPConnection(host, timeout=SILENT_SECONDS)
        try:
            headers = {AUTH_HEADER: f"Bearer {client.address.token}"}
            connection.request("GET", f"{FEED}?{query}", headers=headers)
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.OK:
                raise error_of(msgspec.json.decode(answer.read(), type=Failure))
            yield from self._events(answer)
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()

    def _events(self, answer: http.client.HTTPResponse) -> Iterator[Heard]:
        """Take server-sent events apart: lines `name: value`, an empty one after each event."""
        said: dict[bytes, bytes] = {}
        while line := answer.readline():
            name, _, value = line.rstrip(b"\r\n").partition(b": ")
            if name:
                said[name] = value
                continue
            if b"id" in said:
                self.asked.after = said[b"id"].decode()
            event, data = said.get(b"event"), said.get(b"data", b"")
            said = {}
            if event == b"notice":
                yield msgspec.json.decode(data, type=Notice)
            elif event == b"lost":
                yield Lost(msgspec.json.decode(data, type=_LostData).lost)
            elif event == b"end":
                self._told = True
                return
