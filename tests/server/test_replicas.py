"""Several servers of one ledger: who takes in, who drains, and what the others say."""

from __future__ import annotations

import datetime as dt
import signal
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from groundswell.api.client import find_server
from groundswell.api.hosting import Announcement, listen
from groundswell.engine import Project
from groundswell.engine.draining import Drain
from groundswell.engine.keys import Keys
from groundswell.engine.replica import Replica
from groundswell.errors import StoreError, UsageError
from groundswell.model import Kind
from groundswell.server import Server
from groundswell.store.inbox import InboxEntry
from tests.cli.conftest import groundswell

from .conftest import CONFIG, DEADLINE, serving
from .test_intake import EVENT, batch
from .test_killed_server import free_port, start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines import Postgres


__all__ = ["groundswell"]  # a fixture
NOON, SECOND = dt.datetime(2026, 6, 12, 12, tzinfo=dt.UTC), dt.timedelta(seconds=1)
REVOKED_SECONDS = 5  # on a busy machine; a little more than one on an idle one


def post(url: str, key: str, *messages: dict[str, Any]) -> int:
    answer = httpx.post(f"{url}/v1/batch", content=batch(*messages), auth=(key, ""), timeout=60)
    return answer.status_code


def settle(server: Any) -> Any:
    """Wait until the server that answers commands has taken in everything; return its sources."""
    deadline = time.monotonic() + DEADLINE
    while any(source.waiting for source in server.sources()):
        assert time.monotonic() < deadline, "the inbox is not drained"
        time.sleep(0.05)
    return server.sources()


@pytest.mark.slow
def test_a_replica_takes_in_what_the_holder_of_the_warehouse_drains(
    postgres: Postgres, tmp_path, monkeypatch, groundswell
):
    monkeypatch.setenv("LEDGER", postgres.create("replicas"))
    holder, other = tmp_path / "holder", tmp_path / "other"
    for folder in (holder, other):
        folder.mkdir()
        (folder / "groundswell.yaml").write_text(CONFIG + "ledger: ${LEDGER}\n", encoding="utf-8")
    ports = free_port(), free_port()
    url = f"http://127.0.0.1:{ports[1]}"
    processes = [start(holder, ports[0], "--no-run")]
    try:
        processes.append(start(other, ports[1], "--intake-only"))
        with Keys.open(other) as keys:
            key = keys.create("app", "segment").key
        time.sleep(0.15)  # longer than a server may not know of it
        assert post(url, key, EVENT) == 200
        assert post(f"http://127.0.0.1:{ports[0]}", key, EVENT) == 200
        server, replica = find_server(holder), find_server(other)
        assert server is not None
        assert replica is not None
        (source,) = settle(server)
        assert (source.source, source.events) == ("app", 1)

        assert httpx.get(f"{url}/readyz").json() == {"status": "ok", "leads": False}
        assert "groundswell_leader 0.0" in httpx.get(f"{url}/metrics").text
        with pytest.raises(StoreError, match="only takes requests in"):
            replica.accounts()
        refused = groundswell("run", "--project", other)
        assert (refused.code, "[intake-only]" in refused.err) == (1, True)
        assert httpx.get(f"{url}/v1/accounts").status_code == 401
        assert not (other / ".groundswell" / "warehouse.duckdb").exists()

        again = groundswell("serve", "--project", holder)
        assert (again.code, "[server-running]" in again.err) == (2, True)
        beside = Announcement(holder, intake_only=True)
        beside.make(url)
        beside.withdraw()
        assert find_server(holder) == server, "it gives way to the one that answers commands"

        with Keys.open(holder) as keys:
            keys.revoke("app")
        deadline = time.monotonic() + REVOKED_SECONDS
        while post(url, key) != 401:
            assert time.monotonic() < deadline, "a key revoked elsewhere is taken"
            time.sleep(0.05)
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        assert {process.wait(DEADLINE) for process in processes} == {0}
    assert find_server(other) is None


def test_a_replica_needs_a_ledger_that_others_may_write(tmp_path):
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    with pytest.raises(UsageError, match="shares its ledger"):
        Replica.open(tmp_path)
    assert not (tmp_path / ".groundswell").exists()


@pytest.mark.loopback
def test_a_second_server_of_a_ledger_in_a_file_is_refused(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    ledger = f"{CONFIG}ledger: sqlite:///{tmp_path / 'shared.sqlite'}\n"
    for folder in (first, second):
        folder.mkdir()
        (folder / "groundswell.yaml").write_text(ledger, encoding="utf-8")
    with (
        serving(first, ledger),
        Project.open(second) as project,
        listen("127.0.0.1", 0) as listener,
        pytest.raises(StoreError, match="Another server already serves"),
    ):
        Server(project).run(listener)
    with serving(second, ledger) as served:
        assert httpx.get(f"{served.url}/readyz").json()["leads"]


class Overtaken:
    """A ledger whose entries are drained by somebody else between taking and appending them."""

    def __init__(self, ledger: Any, other: Drain) -> None:
        self._ledger, self._other = ledger, other

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def take_entries(self, **limits: int) -> list[InboxEntry]:
        taken = self._ledger.take_entries(**limits)
        while self._other.step(limit_bytes=1):
            pass
        return taken


def drained(folder: Path, *, overtaken: bool) -> dict[str, Any]:
    """Drain some requests, and return everything that came of them."""
    folder.mkdir()
    (folder / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    bodies = [
        batch(
            {**EVENT, "messageId": f"m{n}", "userId": f"u{n % 2}"},
            {**EVENT, "messageId": f"bad{n}", "timestamp": "yesterday"},
            {
                "type": "identify",
                "userId": f"u{n % 2}",
                "timestamp": f"2026-06-0{9 - n}T10:00:00Z",
                "traits": {f"trait{n}": n},
            },
            {"type": "group", "userId": f"u{n % 2}", "groupId": "acme", "traits": {"seats": n}},
            writeKey="none",
        )
        for n in range(6)
    ]
    with Project.open(folder) as project:
        project.ledger.put_entries(
            [
                InboxEntry("app", "segment", "POST", "/v1/batch", {}, {}, body, NOON + SECOND * n)
                for n, body in enumerate(bodies)
            ]
        )
        other = Drain(project.warehouse, project.ledger, project.clock)
        ledger: Any = Overtaken(project.ledger, other) if overtaken else project.ledger
        drain = Drain(project.warehouse, ledger, project.clock)
        while drain.step():
            pass
        drain.close()
        other.close()
        assert project.ledger.waiting()[0] == 0
        kinds = (Kind.EVENTS, Kind.USERS, Kind.MEMBERSHIPS, Kind.ACCOUNTS)
        rejects = sorted(kept.reject.raw for kept in project.ledger.rejects())
        return {"rejects": rejects} | {
            str(kind): project.warehouse.read(kind).to_dicts() for kind in kinds
        }


def test_two_that_drain_at_once_count_nothing_twice(tmp_path: Path):
    """As a leader that lost its session after it had begun a step, and the one after it."""
    alone = drained(tmp_path / "alone", overtaken=False)
    assert (len(alone["events"]), len(alone["rejects"]), len(alone["users"])) == (6, 6, 6)
    assert drained(tmp_path / "overtaken", overtaken=True) == alone
