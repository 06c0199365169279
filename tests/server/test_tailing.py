"""`groundswell tail` and the feed it reads: told within a second, resumed, never in the way."""

from __future__ import annotations

import datetime as dt
import json
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn

from groundswell.api import feed_reader
from groundswell.api.client import find_server
from groundswell.api.feed_reader import Back, FeedReader, Gone
from groundswell.api.hosting import _Announcing
from groundswell.api.operations import FeedArguments
from groundswell.engine import Project, noticing
from groundswell.engine.keys import Keys
from groundswell.engine.reports import Notice
from groundswell.errors import StoreError
from groundswell.server import Server
from tests.cli.conftest import groundswell

from .conftest import DEADLINE
from .test_asking import CONFIG
from .test_intake import batch
from .test_killed_server import free_port, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["groundswell"]  # a fixture
pytestmark = pytest.mark.loopback


def event(name: str, message_id: str, account: str = "acme", **more: Any) -> dict[str, Any]:
    at = dt.datetime.now(dt.UTC).isoformat()
    told = {"type": "track", "messageId": message_id, "userId": f"of-{account}", "event": name}
    return {**told, "timestamp": at, "context": {"groupId": account}, **more}


@contextmanager
def announced(folder: Path, *, buffer: int | None = None) -> Iterator[Server]:
    """Run a server in this process, where commands find it; `buffer` is what its sockets hold."""
    with Project.open(folder) as project:
        server = Server(project)
        config = uvicorn.Config(
            server.app, host="127.0.0.1", port=0, lifespan="on", log_config=None
        )
        announcement = server._announcement
        running = _Announcing(config, announcement.make, server._loop.end_feed)
        listening = socket.socket()
        if buffer is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        deadline = time.monotonic() + DEADLINE
        while find_server(folder) is None:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        try:
            yield server
        finally:
            running.should_exit = True
            thread.join(DEADLINE)
            announcement.withdraw()
            assert not thread.is_alive(), "the server did not stop"


def send(folder: Path, key: str, *messages: dict[str, Any]) -> None:
    client = find_server(folder)
    assert client is not None
    answer = httpx.post(f"{client.address.url}/v1/batch", content=batch(*messages), auth=(key, ""))
    assert answer.is_success


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


@pytest.fixture
def key(folder: Path) -> str:
    with Keys.open(folder) as keys:
        return keys.create("app", "segment").key


class Ear:
    """A reader on a thread of its own."""

    def __init__(self, folder: Path, *, patience: float = 20.0, **asked: Any) -> None:
        self.heard: queue.Queue[Any] = queue.Queue()
        self.reader = FeedReader(folder, FeedArguments(**asked), patience=patience)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + DEADLINE
        while self.reader.asked.after is None and self.thread.is_alive():
            assert time.monotonic() < deadline, "it does not listen"
            time.sleep(0.01)

    def _run(self) -> None:
        try:
            for item in self.reader.listen():
                self.heard.put(item)
        except StoreError as error:
            self.heard.put(error)
        self.heard.put(None)

    def next(self, timeout: float = DEADLINE) -> Any:
        return self.heard.get(timeout=timeout)

    def events(self, count: int) -> list[str]:
        """Return the names of the next events, whatever else is heard between them."""
        found: list[str] = []
        while len(found) < count:
            item = self.next()
            assert item is not None, found
            if isinstance(item, Notice) and item.kind == "event":
                found.append(item.what)
        return found


def test_an_event_is_told_within_a_second_and_what_came_of_it_after(folder, key):
    with announced(folder):
        ear = Ear(folder, patience=0.0)
        send(folder, key, event("Board Viewed", "m0"))
        while ear.next().kind != "decision":  # everything is computed for the first time
            pass
        sent = time.monotonic()
        send(folder, key, event("Signed Up", "m1"))
        notice = ear.next()
        assert time.monotonic() - sent < 1.0
        assert (notice.kind, notice.what, notice.account) == ("event", "Signed Up", "acme")
        assert notice.source == "app"
        send(folder, key, event("Demo Requested", "m2"), {"type": "shout", "messageId": "m3"})
        kinds: dict[str, Notice] = {}
        while not {"event", "reject", "trigger", "decision"} <= set(kinds):
            item = ear.next()
            kinds[item.kind] = item
        assert kinds["decision"].account == kinds["trigger"].account == "acme"
    assert [type(ear.next()) for _ in range(2)] in ([Gone, type(None)], [Notice, Gone])


def test_only_what_is_asked_for_is_told(folder, key):
    with announced(folder):
        mine = Ear(folder, patience=0.0, account="acme", kind=["event"])
        send(folder, key, event("Signed Up", "m1", "globex"), event("Board Viewed", "m2"))
        notice = mine.next()
        assert (notice.what, notice.account) == ("Board Viewed", "acme")
        time.sleep(0.5)
        assert mine.heard.empty()
        late = Ear(folder, patience=0.0, since=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1))
        assert sorted(late.events(2)) == ["Board Viewed", "Signed Up"]


def test_a_reader_goes_on_over_a_restart_without_loss_or_repetition(folder, key, monkeypatch):
    monkeypatch.setattr(feed_reader, "LONGEST_REST_SECONDS", 0.3)
    with announced(folder):
        ear = Ear(folder)
        send(folder, key, event("one", "m1"), event("two", "m2"))
        assert ear.events(2) == ["one", "two"]
        send(folder, key, event("three", "m3"))
    with announced(folder):
        send(folder, key, event("four", "m4"))
        heard = ear.events(2)
        send(folder, key, event("five", "m5"))
        assert [*heard, *ear.events(1)] == ["three", "four", "five"]
    gone = [item for item in iter(ear.next, None) if isinstance(item, Gone | Back)]
    assert [type(item) for item in gone] == [Gone]


def test_a_connection_that_breaks_loses_nothing(folder, key):
    with announced(folder):
        ear = Ear(folder)
        send(folder, key, event("one", "m1"))
        assert ear.events(1) == ["one"]
        again = Ear(folder, patience=0.0, after=ear.reader.asked.after)
        send(folder, key, event("two", "m2"))
        assert (ear.events(1), again.events(1)) == (["two"], ["two"])
        name, _, _ = ear.reader.asked.after.partition(".")
        before = Ear(folder, patience=0.0, after=f"{name}.0")
        assert before.events(2) == ["one", "two"]
        ear.reader.patience = 0.0


def test_a_slow_reader_loses_the_oldest_and_holds_up_nobody(folder, key, monkeypatch):
    monkeypatch.setattr(noticing, "MOST", 10_000)
    with announced(folder, buffer=1 << 15) as server:
        server.feed.size = 50
        client = find_server(folder)
        port = int(client.address.url.rpartition(":")[2])
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 15)
            slow.connect(("127.0.0.1", port))
            head = (
                f"GET /v1/feed HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {client.address.token}"
            )
            slow.sendall(f"{head}\r\n\r\n".encode())
            assert slow.recv(1) == b"H"
            padding = "x" * 900
            for number in range(60):
                some = [event(f"n{number}-{n} {padding}", f"m{number}-{n}") for n in range(20)]
                send(folder, key, *some)
            deadline = time.monotonic() + DEADLINE
            while server.feed._last < 1_200:
                assert time.monotonic() < deadline, "intake is held up"
                time.sleep(0.05)
            assert len(server.feed._worded) <= 50
            slow.settimeout(DEADLINE)
            text = b""
            while b"n59-19" not in text:
                assert time.monotonic() < deadline + DEADLINE, text[-500:]
                text += slow.recv(1 << 20)
        assert b"event: lost" in text


def test_who_does_not_bear_the_token_or_asks_for_nonsense_is_refused(folder, key):
    with announced(folder):
        client = find_server(folder)
        url = f"{client.address.url}/v1/feed"
        assert httpx.get(url).status_code == 401
        headers = {"authorization": f"Bearer {client.address.token}"}
        for query in ("kind=nothing", "since=yesterday", "account=a&account=b"):
            answer = httpx.get(f"{url}?{query}", headers=headers)
            assert answer.status_code == 400, query
            assert answer.json()["problems"][0]["code"] == "arguments"


def test_a_feed_that_is_silent_says_that_it_is_there(folder, key, monkeypatch):
    monkeypatch.setattr("groundswell.api.feed.HEARTBEAT_SECONDS", 0.05)
    with announced(folder) as server:
        client = find_server(folder)
        headers = {"authorization": f"Bearer {client.address.token}"}
        with httpx.stream("GET", f"{client.address.url}/v1/feed", headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            beats = (line for line in answer.iter_lines() if line.startswith("id: "))
            assert [next(beats) for _ in range(3)] == [f"id: {server.feed.mark(0)}"] * 3


def test_a_server_that_does_not_come_back_ends_it(folder, key):
    with announced(folder):
        ear = Ear(folder, patience=0.2)
    assert [type(item) for item in iter(ear.next, None)] == [Gone]


@pytest.fixture
def served(folder: Path, key: str) -> Iterator[tuple[Path, str, str, Any]]:
    port = free_port()
    process = start(folder, port)
    yield folder, f"http://127.0.0.1:{port}", key, process
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def tail(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "groundswell", "tail", "--project", str(folder), *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )


def line_of(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints; where none comes in time it is stopped."""
    late = threading.Timer(DEADLINE, process.kill)
    late.start()
    line = process.stdout.readline()
    late.cancel()
    assert line, "it printed nothing"
    return line


def test_the_command_prints_lines_until_it_is_told_to_stop(served):
    folder, url, key, _ = served
    as_text = tail(folder, "--since", "1h")
    as_json = tail(folder, "--since", "1h", "--json", "--kind", "event")
    body = batch(event("Signed Up", "m1"), event("Bad \x1b[31m", "m2"))
    assert httpx.post(f"{url}/v1/batch", content=body, auth=(key, "")).is_success
    line = json.loads(line_of(as_json))
    assert (line["kind"], line["what"], line["account"]) == ("event", "Signed Up", "acme")
    assert {"at", "source", "who", "sentence"} <= set(line)
    shown = line_of(as_text)
    for word in ("event", "app", "Signed Up", "of-acme", "acme", "Means signed_up."):
        assert word in shown
    assert "\x1b" not in line_of(as_text)
    for process in (as_text, as_json):
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")


def test_without_a_server_the_command_says_how_to_start_one(folder, groundswell):
    done = groundswell("tail", "--project", folder)
    assert done.code == 1
    assert "[no-server]" in done.err
    assert "groundswell serve" in done.err
    assert groundswell("tail", "--since", "soon", "--project", folder).code == 2
    assert groundswell("tail", "--kind", "noise", "--project", folder).code == 2


def test_doctor_asks_the_server_that_runs(served, groundswell):
    folder, url, key, _ = served
    body = batch(event("Signed Up", "m1"))
    assert httpx.post(f"{url}/v1/batch", content=body, auth=(key, "")).is_success
    deadline = time.monotonic() + DEADLINE
    while groundswell("accounts", "--json", "--project", folder).code:
        assert time.monotonic() < deadline
    done = groundswell("doctor", "--json", "--project", folder)
    rows = {row["name"]: row for row in done.json()}
    assert done.code == 0, rows
    assert set(rows["ledger"]) == {"name", "status", "detail", "fix", "seconds"}
    assert "same in every column" in rows["live = whole"]["detail"]
    quick = groundswell("doctor", "--quick", "--project", folder)
    assert quick.code == 0
    assert "left out" in quick.err


def test_doctor_finds_a_live_counter_of_a_server_that_is_wrong(folder, key, groundswell):
    with announced(folder) as server:
        send(folder, key, event("Signed Up", "m1"))
        deadline = time.monotonic() + DEADLINE
        project = server._project
        while project.live.base is None or project.live.is_due():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with server._alone:
            live = project.live
            steps = [step.name for step in project.computer.plan.steps]
            column = next(name for name in steps if name == "events_28d")
            live.base.counters._steps[0, steps.index(column)] += 5
            live._pending.touched.add(0)
            live.rescore()
        assert groundswell("doctor", "--project", folder).code == 1
        client = find_server(folder)
        (row,) = (row for row in client.doctor() if row.status == "failed")
        assert row.name == "live = whole"
        assert f"acme: {column} is 6.0, and should be 1.0" in row.detail
        assert groundswell("run", "--project", folder).code == 0
        assert groundswell("doctor", "--project", folder).code == 0
