"""A server that is killed under load, again and again: what it acknowledged is there, once."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from groundswell.cli import main
from groundswell.engine import Project
from groundswell.engine.draining import Drain
from groundswell.engine.keys import Keys
from groundswell.model import Kind

from .conftest import CONFIG, DEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

ROUNDS = 50 if os.environ.get("CI") else 6
SENDERS = 3
STARTED_SECONDS = 120  # a busy machine imports slowly
SEED = 7


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class Load:
    """Senders that send numbered events without end, and note what was acknowledged.

    They rest `pause` seconds after each request.
    """

    def __init__(self, url: str, key: str, *, pause: float = 0.0) -> None:
        self.url, self.key, self.pause = url, key, pause
        self.acknowledged: set[str] = set()
        self.sent = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with httpx.Client(timeout=DEADLINE, verify=False) as client:
            while not self._stop.is_set():
                with self._lock:
                    first = self.sent
                    self.sent += 20
                ids = [f"m{number}" for number in range(first, first + 20)]
                while not self._stop.is_set() and not self._send(client, ids):
                    time.sleep(0.02)  # as a client's own retry: the same batch once more
                time.sleep(self.pause)

    def _send(self, client: httpx.Client, ids: list[str]) -> bool:
        messages = [
            {
                "type": "track",
                "messageId": message_id,
                "userId": f"u{int(message_id[1:]) % 50}",
                "event": "Signed Up",
                "timestamp": "2026-06-01T10:00:00Z",
            }
            for message_id in ids
        ]
        body = json.dumps({"batch": messages}).encode()
        try:
            answer = client.post(f"{self.url}/v1/batch", content=body, auth=(self.key, ""))
        except httpx.HTTPError:
            return False
        if answer.status_code == 200:
            with self._lock:
                self.acknowledged.update(ids)
        return answer.status_code == 200


def start(folder: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "groundswell", "serve", "--port", str(port), *options]
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen([*command, "--project", str(folder)], stderr=log)
    try:
        _wait_until_up(lambda: process.poll() is None, folder, port)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def fork(folder: Path, port: int) -> ForkServerProcess:
    """Start a server as `start` does, from a process that has imported all of it already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "groundswell.cli.serving"])
    process = context.Process(target=_serve, args=(folder, port))
    process.start()
    try:
        _wait_until_up(process.is_alive, folder, port)
    except BaseException:
        process.kill()
        process.join()
        raise
    return process


def _serve(folder: Path, port: int) -> None:
    with (folder / "server.log").open("ab") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    sys.argv = ["groundswell", "serve", "--port", str(port), "--project", str(folder)]
    main()


def _wait_until_up(is_there: Callable[[], bool], folder: Path, port: int) -> None:
    deadline = time.monotonic() + STARTED_SECONDS
    with httpx.Client(verify=False) as client:  # one, as making one takes as long as an import
        while True:
            assert is_there(), (folder / "server.log").read_text()
            assert time.monotonic() < deadline, "the server did not start"
            try:
                if client.get(f"http://127.0.0.1:{port}/healthz").status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.loopback
def test_acknowledged_is_stored_and_nothing_twice(tmp_path):
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    with Keys.open(tmp_path) as keys:
        key = keys.create("app", "segment").key
    port = free_port()
    chance = random.Random(SEED)
    process = fork(tmp_path, port)
    load = Load(f"http://127.0.0.1:{port}", key)
    try:
        for _ in range(ROUNDS):
            before = len(load.acknowledged)
            deadline = time.monotonic() + DEADLINE
            while len(load.acknowledged) == before:
                assert time.monotonic() < deadline, "nothing is acknowledged"
                time.sleep(0.01)
            time.sleep(chance.uniform(0.0, 0.6))
            process.kill()
            process.join()
            process = fork(tmp_path, port)
        time.sleep(0.5)
    finally:
        load.stop()
        process.terminate()
        process.join(DEADLINE)
        assert process.exitcode == 0
    with Project.open(tmp_path) as project:
        drain = Drain(project.warehouse, project.ledger, project.clock)
        assert drain.step() is None, "a server that is stopped leaves nothing behind"
        ids = project.warehouse.read(Kind.EVENTS)["message_id"]
        assert project.rejects() == []
    assert ids.is_duplicated().sum() == 0
    assert load.acknowledged <= set(ids)
    assert len(load.acknowledged) > ROUNDS * 20
