"""What breaks while a server runs: databases, disks, clocks, the order of things.

Whatever it is, what was acknowledged is there once when it is over, and nothing is acknowledged
that is not.
"""

from __future__ import annotations

import datetime as dt
import random
import resource
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from groundswell.api.metrics import Metrics
from groundswell.engine import Project
from groundswell.engine.keys import Keys
from groundswell.model import Kind
from tests.engines import running_postgres

from .conftest import CONFIG, DEADLINE, serving
from .test_intake import EVENT, batch
from .test_killed_server import Load, free_port, start

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.engines import Postgres

pytestmark = [pytest.mark.slow, pytest.mark.loopback]
PAUSE = 0.05  # leaves the database some of the machine
TAKEN_OVER_SECONDS = 15  # on a busy machine; a second or so on an idle one


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    """A PostgreSQL server of these tests' own, which they may stop."""
    with running_postgres() as server:
        yield server


def wait_for(done: Callable[[], Any], what: str, *, seconds: float = DEADLINE) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def ready(url: str) -> dict[str, Any]:
    """Return what /readyz says, with its status; nothing where nobody answers."""
    try:
        answer = httpx.get(f"{url}/readyz", timeout=DEADLINE)
    except httpx.HTTPError:
        return {"code": 0}
    return {"code": answer.status_code, **answer.json()}


def send(url: str, key: str, *messages: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{url}/v1/batch", content=batch(*messages), auth=(key, ""), timeout=DEADLINE)


def make(folder: Path, *stores: str) -> str:
    """Write a project into a folder and return a write key.

    The stores named are in the database that the environment's STORE says.
    """
    folder.mkdir(exist_ok=True)
    lines = "".join(f"{name}: ${{STORE}}\n" for name in stores)
    (folder / "groundswell.yaml").write_text(CONFIG + lines, encoding="utf-8")
    with Keys.open(folder) as keys:
        return keys.create("app", "segment").key


@contextmanager
def process_of(folder: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    process = start(folder, port, *options)
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) in (0, -signal.SIGKILL)


def check_stored(folder: Path, acknowledged: set[str]) -> None:
    """Check that all of it is in the warehouse, once, and that nothing waits or was rejected."""
    with Project.open(folder) as project:
        ids = project.warehouse.read(Kind.EVENTS)["message_id"]
        assert project.ledger.waiting()[0] == 0
        assert project.rejects() == []
    assert ids.is_duplicated().sum() == 0
    assert acknowledged <= set(ids)


def more_acknowledged(load: Load, requests: int) -> None:
    wanted = len(load.acknowledged) + 20 * requests
    wait_for(lambda: len(load.acknowledged) >= wanted, "nothing is acknowledged")


def test_a_database_that_breaks_down_under_load_and_comes_back(
    database: Postgres, tmp_path, monkeypatch
):
    monkeypatch.setenv("STORE", database.create("broken_down"))
    key = make(tmp_path, "warehouse", "ledger")
    with process_of(tmp_path, "--no-run") as (server, process):
        load = Load(server, key, pause=PAUSE)
        try:
            for _ in range(2):
                more_acknowledged(load, 5)
                database.stop()
                refused = send(server, key, EVENT)
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
                wait_for(lambda: not ready(server)["leads"], "it leads without its session")
                assert ready(server)["code"] == 503
                assert httpx.get(f"{server}/healthz").status_code == 200
                database.start()
                wait_for(lambda: ready(server).get("leads"), "the server does not recover")
            more_acknowledged(load, 5)
        finally:
            load.stop()
        assert process.poll() is None, "it is the same process"
        with Keys.open(tmp_path) as keys:
            wait_for(lambda: not keys.ledger.waiting()[0], "the inbox is not drained")
        assert ready(server)["code"] == 200
    check_stored(tmp_path, load.acknowledged)


def test_a_leader_that_is_killed_under_load_is_followed_by_another(
    database: Postgres, tmp_path, monkeypatch
):
    monkeypatch.setenv("STORE", database.create("killed_leader"))
    folders = [tmp_path / name for name in ("one", "two")]
    key, _ = [make(folder, "warehouse", "ledger") for folder in folders]
    with process_of(folders[0], "--no-run") as (one, leader):
        wait_for(lambda: ready(one).get("leads"), "nobody leads")
        with process_of(folders[1], "--no-run") as (two, _):
            assert ready(two) == {"code": 200, "status": "ok", "leads": False}
            assert "groundswell_leader 0.0" in httpx.get(f"{two}/metrics").text
            loads = [Load(url, key, pause=PAUSE) for url in (one, two)]
            try:
                for load in loads:
                    more_acknowledged(load, 5)
                assert not ready(two)["leads"], "one leads at a time"
                leader.kill()
                leader.wait()
                wait_for(
                    lambda: ready(two)["leads"], "nobody takes over", seconds=TAKEN_OVER_SECONDS
                )
                more_acknowledged(loads[1], 5)
            finally:
                for load in loads:
                    load.stop()
            assert "groundswell_leader 1.0" in httpx.get(f"{two}/metrics").text
    check_stored(folders[1], loads[0].acknowledged | loads[1].acknowledged)


def limit_files(process: subprocess.Popen[bytes], size: int) -> None:
    """Let no file of a process grow beyond a size, as if its disk were full."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_disk_that_is_full_refuses_until_there_is_room(tmp_path):
    key = make(tmp_path)
    with process_of(tmp_path, "--no-run") as (server, process):
        assert send(server, key, {**EVENT, "messageId": "before"}).status_code == 200
        limit_files(process, 4_096)
        for _ in range(3):
            refused = send(server, key, {**EVENT, "messageId": "full"})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert httpx.get(f"{server}/healthz").status_code == 200
        with Keys.open(tmp_path) as keys:
            waiting = keys.ledger.waiting()[0]
        assert waiting <= 1, "what was refused is not kept"
        limit_files(process, resource.RLIM_INFINITY)
        assert send(server, key, {**EVENT, "messageId": "after"}).status_code == 200
        assert process.poll() is None
    with Project.open(tmp_path) as project:
        stored = project.warehouse.read(Kind.EVENTS)["message_id"].to_list()
    assert sorted(stored) == ["after", "before"]


def test_a_warehouse_whose_disk_is_full_is_waited_for(database: Postgres, tmp_path, monkeypatch):
    monkeypatch.setenv("STORE", database.create("full_warehouse"))
    key = make(tmp_path, "ledger")
    with process_of(tmp_path, "--no-run") as (server, process):
        assert send(server, key, {**EVENT, "messageId": "m0"}).status_code == 200
        with Keys.open(tmp_path) as keys:
            waiting = keys.ledger.waiting
            wait_for(lambda: not waiting()[0], "the inbox is not drained")
            limit_files(process, 4_096)
            for number in range(1, 4):
                message = {**EVENT, "messageId": f"m{number}"}
                assert send(server, key, message).status_code == 200, "the ledger has room"
            wait_for(lambda: ready(server)["code"] == 503, "it seems to be well")
            assert "cannot be drained" in ready(server)["why"]
            assert waiting()[0] == 3
            assert "File too large" in (tmp_path / "server.log").read_text()
            limit_files(process, resource.RLIM_INFINITY)
            wait_for(lambda: not waiting()[0], "the inbox is not drained")
            wait_for(lambda: ready(server)["code"] == 200, "it seems to be ill")
        assert process.poll() is None
    check_stored(tmp_path, {f"m{number}" for number in range(4)})


class Jumping:
    """A clock that is set by hand, and goes on from there."""

    def __init__(self) -> None:
        self.offset = dt.timedelta()

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.offset


def test_a_clock_that_jumps_loses_nothing_and_counts_nothing_twice(tmp_path):
    clock = Jumping()
    hours = [0, 24, 23, -1, 0]
    with serving(tmp_path, clock=clock) as served:
        key = served.key("app", "segment")
        for number, offset in enumerate(hours):
            clock.offset = dt.timedelta(hours=offset)
            message = {k: v for k, v in EVENT.items() if k != "timestamp"}
            trait = {"type": "identify", "userId": "u1", "traits": {f"t{number}": number}}
            again = {**EVENT, "messageId": "again"}
            answer = send(served.url, key, {**message, "messageId": f"m{number}"}, {**trait}, again)
            assert answer.status_code == 200
            served.settle()
            lag = served.metric("groundswell_inbox_lag_seconds")
            assert lag >= 0
        with Keys.open(served.folder, clock=clock) as keys:
            keys.revoke("app")
        wait_for(
            lambda: send(served.url, key).status_code == 401,
            "a revoked key is taken",
            seconds=5,
        )
        events = {event["message_id"]: event for event in served.events()}
        now = dt.datetime.now(dt.UTC)
        for number, offset in enumerate(hours):
            event = events[f"m{number}"]
            assert abs(event["received_at"] - now - dt.timedelta(hours=offset)).total_seconds() < 60
            assert event["occurred_at"] == event["received_at"]
        assert len([name for name in events if name == "again"]) == 1
        assert len(served.events()) == len(hours) + 1
        known = max(served.users(), key=lambda row: row["valid_from"])["properties"]
        assert known == {f"t{number}": number for number in range(len(hours))}
        assert served.rejects() == []


def test_batches_that_come_again_and_out_of_order_count_once(served):
    key = served.key("app", "segment")
    at = [dt.datetime(2026, 6, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=n) for n in range(60)]
    sent = [
        batch(
            {**EVENT, "messageId": f"m{n}", "userId": f"u{n % 5}", "timestamp": at[n].isoformat()},
            {
                "type": "identify",
                "userId": f"u{n % 5}",
                "timestamp": at[n].isoformat(),
                "traits": {"title": f"title {n}", f"trait{n}": n},
            },
        )
        for n in range(60)
    ]
    chance = random.Random(11)
    posts = sent * 2 + chance.sample(sent, 20)
    chance.shuffle(posts)
    answers: list[int] = []

    def post(own: list[bytes]) -> None:
        with httpx.Client(auth=(key, ""), timeout=DEADLINE) as client:
            url = f"{served.url}/v1/batch"
            answers.extend(client.post(url, content=body).status_code for body in own)

    threads = [threading.Thread(target=post, args=(posts[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    served.settle()
    assert answers == [200] * len(posts)
    assert sorted(event["message_id"] for event in served.events()) == sorted(
        f"m{n}" for n in range(60)
    )
    for user in range(5):
        own = [row for row in served.users() if row["user_id"] == f"u{user}"]
        last = max(own, key=lambda row: row["valid_from"])
        assert last["title"] == f"title {55 + user}"
        assert last["properties"] == {f"trait{n}": n for n in range(user, 60, 5)}
    assert served.rejects() == []


def test_what_waits_is_not_older_than_nothing_after_the_clock_went_back():
    metrics = Metrics()
    noon = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
    metrics.note_waiting(1, noon, now=noon - dt.timedelta(hours=1))
    assert b"groundswell_inbox_lag_seconds 0.0" in metrics.text()
