"""A server of a small project, in this process, and what came of what was sent to it."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import httpx
import pytest
import uvicorn

from groundswell.connectors.wires.catalogue import routes
from groundswell.connectors.wires.wire import Answer, Refusal, Request
from groundswell.engine import Project
from groundswell.engine.keys import Keys
from groundswell.model import Kind
from groundswell.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from groundswell.clock import Clock

DEADLINE = 30.0
STOPPING_DEADLINE = 180.0
"""The first server of a new machine may be compiling its kernels, which nothing interrupts."""
CONFIG = """\
company: Small Co
events:
  signed_up: Signed Up
  invited: Invite Sent
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "served" in getattr(item, "fixturenames", ()):
            item.add_marker("loopback")


@dataclass
class Faulty:
    """The application, with answers of ours to the next requests that would be taken in."""

    app: Any
    answers: list[tuple[int, int | None]] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        if not self.answers:
            await self.app(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message.get("more_body"):
                break
        status, retry_after = self.answers.pop(0)
        answer = _refusal(scope, body, Refusal(status, "injected", retry_after))
        headers = [(b"content-type", answer.content_type.encode())]
        if retry_after is not None:
            headers.append((b"retry-after", str(retry_after).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


def _refusal(scope: Any, body: bytes, refusal: Refusal) -> Answer:
    """Return what the server itself would say, which some clients look into."""
    method, path = scope["method"], scope["path"]
    route = next(iter(routes()[method, path].values()))
    query = dict(parse_qsl(scope["query_string"].decode()))
    return route.refuse(Request(method, path, query, {}, body), refusal)


@dataclass
class Served:
    """A running server."""

    url: str
    project: Project
    faulty: Faulty
    folder: Path
    token: str
    server: Server

    @property
    def requests(self) -> list[dict[str, str]]:
        """The headers of every request so far."""
        return self.faulty.seen

    def key(self, name: str, wire: str) -> str:
        """Make a write key."""
        with Keys.open(self.folder) as keys:
            created = keys.create(name, wire)
        time.sleep(0.15)  # longer than a server may not know of it
        return created.key

    def answer_once(self, status: int, retry_after: int | None = None) -> None:
        """Answer the next request with a status, and take nothing in."""
        self.faulty.answers.append((status, retry_after))

    def settle(self) -> None:
        """Wait until everything acknowledged is in the warehouse."""
        deadline = time.monotonic() + DEADLINE
        while self.project.ledger.waiting()[0]:
            assert time.monotonic() < deadline, "the inbox is not drained"
            time.sleep(0.02)

    def events(self) -> list[dict[str, Any]]:
        return self._rows(Kind.EVENTS)

    def users(self) -> list[dict[str, Any]]:
        return self._rows(Kind.USERS)

    def accounts(self) -> list[dict[str, Any]]:
        return self._rows(Kind.ACCOUNTS)

    def memberships(self) -> list[dict[str, Any]]:
        return self._rows(Kind.MEMBERSHIPS)

    def subscriptions(self) -> list[dict[str, Any]]:
        return self._rows(Kind.SUBSCRIPTIONS)

    def metric(self, name: str) -> float:
        """Return a number that the server counts, by its name without labels."""
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        (line,) = (line for line in lines if line.startswith(f"{name} "))
        return float(line.split()[1])

    def rejects(self) -> list[Any]:
        return [kept.reject for kept in self.project.ledger.rejects()]

    def _rows(self, kind: Kind) -> list[dict[str, Any]]:
        rows = self.project.warehouse.read(kind).to_dicts()
        for row in rows:
            row["properties"] = json.loads(row["properties"]) if row.get("properties") else {}
        return rows


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server of an empty project."""
    with serving(tmp_path) as running:
        yield running


@contextmanager
def serving(
    folder: Path,
    config: str = CONFIG,
    *,
    environ: dict[str, str] | None = None,
    clock: Clock | None = None,
    runs: bool = True,
) -> Iterator[Served]:
    """Serve an empty project until the block ends."""
    (folder / "groundswell.yaml").write_text(config, encoding="utf-8")
    with Project.open(folder, environ=environ, clock=clock) as project:
        served = Server(project, runs=runs)
        faulty = Faulty(served.app)
        server = uvicorn.Server(
            uvicorn.Config(faulty, host="127.0.0.1", port=0, lifespan="on", log_config=None)
        )
        thread = threading.Thread(target=server.run)
        thread.start()
        deadline = time.monotonic() + DEADLINE
        while not server.started:
            assert thread.is_alive(), "the server died while it started"
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        token = served._announcement.token
        yield Served(f"http://127.0.0.1:{port}", project, faulty, folder, token, served)
        server.should_exit = True
        thread.join(STOPPING_DEADLINE)
        assert not thread.is_alive(), "the server did not stop"
