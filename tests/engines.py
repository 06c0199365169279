"""Real engines for the tests: a PostgreSQL server and a Spark cluster, on loopback, in a folder.

Each is started when a test first asks for it and stopped at the end of the run; under
pytest-xdist every worker has its own. A missing program fails the test and names the command
that installs it: nothing is skipped.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INSTALL = "run scripts/test-requirements.sh as root, which installs it"
HOST = "127.0.0.1"
DEADLINE = 240.0  # a busy machine starts three Java machines slowly


class MissingEngineError(Exception):
    """A program that the tests start is not installed."""


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL server that trusts loopback."""

    port: int
    binaries: Path
    stop: Callable[[], None] = field(repr=False)
    """End it at once, as `pg_ctl stop -m immediate` does: nothing is finished or written down."""
    start: Callable[[], None] = field(repr=False)
    """Start it again after `stop`; it recovers from its log."""
    password = "groundswell-tests"

    def url(self, database: str) -> str:
        """Return the URL of a database, password and all."""
        return f"postgresql://tests:{quote(self.password)}@{HOST}:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Create a database and return its URL."""
        self.run(f"CREATE DATABASE {database}", "postgres")
        return self.url(database)

    def run(self, sql: str, database: str) -> str:
        """Run one statement through psql and return what it prints."""
        command = [self.binaries / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql]
        done = subprocess.run(
            [*command, self.url(database)], check=True, capture_output=True, text=True
        )
        return done.stdout


@dataclass(frozen=True)
class Spark:
    """A running Spark standalone master with two workers."""

    port: int
    workers: int

    @property
    def master(self) -> str:
        """Return where the master listens, as host:port."""
        return f"{HOST}:{self.port}"


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server in a fresh folder, as a user that is not root, and stop it at the end."""
    binaries = _postgres_binaries()
    with tempfile.TemporaryDirectory(prefix="gs-pg-", dir="/tmp") as folder:
        place = Path(folder)
        data, port = place / "data", free_port()
        secret = place / "password"
        secret.write_text(Postgres.password)
        as_user = _not_root(place, secret)
        initdb = [binaries / "initdb", "-D", data, "-U", "tests", "-E", "UTF8", "--locale=C"]
        auth = ["-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync"]
        _run([*initdb, *auth], as_user)
        settings = [
            *("-c", f"listen_addresses={HOST}", "-c", f"port={port}"),
            *("-c", f"unix_socket_directories={place}", "-c", "fsync=off"),
            *("-c", "full_page_writes=off", "-c", "shared_buffers=64MB"),
        ]
        log = (place / "log").open("w")
        started: list[subprocess.Popen[bytes]] = []

        def start() -> None:
            server = subprocess.Popen(
                [*_dying_with_us(), binaries / "postgres", "-D", data, *settings],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                **as_user,
            )
            started.append(server)
            ready = [binaries / "pg_isready", "-q", "-h", HOST, "-p", str(port)]
            _wait(lambda: subprocess.run(ready, check=False).returncode == 0, server, place / "log")

        try:
            start()
            yield Postgres(port, binaries, lambda: _stop(started[-1], signal.SIGQUIT), start)
        finally:
            _stop(started[-1], signal.SIGINT)
            log.close()


@contextmanager
def running_spark(*, workers: int = 2) -> Iterator[Spark]:
    """Start a standalone master and its workers, one core and 1 GB each; stop them at the end."""
    launcher = _spark_launcher()
    with tempfile.TemporaryDirectory(prefix="gs-spark-") as folder:
        place = Path(folder)
        port, pages = free_port(), free_port()
        environment = {
            **os.environ,
            "SPARK_LOCAL_IP": HOST,
            "SPARK_LOCAL_HOSTNAME": HOST,
            "SPARK_PUBLIC_DNS": HOST,
            "SPARK_DAEMON_MEMORY": "384m",
            "SPARK_WORKER_DIR": str(place / "work"),
            "SPARK_LOCAL_DIRS": str(place / "local"),
            "PYSPARK_PYTHON": sys.executable,
        }
        # Six Java machines on a few cores: compile little, collect with one thread. The driver
        # is started by this process, so it takes its options from here.
        os.environ["JDK_JAVA_OPTIONS"] = environment["JDK_JAVA_OPTIONS"] = _JAVA_OPTIONS
        log = (place / "log").open("w")
        place_at = ("--host", HOST)
        started: list[subprocess.Popen[bytes]] = []

        def start(daemon: str, *arguments: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [
                    *_dying_with_us(),
                    launcher,
                    f"org.apache.spark.deploy.{daemon}",
                    *place_at,
                    *arguments,
                ],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            started.append(process)
            return process

        try:
            master = start("master.Master", "--port", str(port), "--webui-port", str(pages))
            _wait(lambda: _alive_workers(pages) is not None, master, place / "log")
            for _ in range(workers):
                worker_pages = str(free_port())
                start(
                    "worker.Worker",
                    *("--cores", "1", "--memory", "1g", "--webui-port", worker_pages),
                    f"spark://{HOST}:{port}",
                )
            _wait(lambda: _alive_workers(pages) == workers, master, place / "log")
            yield Spark(port, workers)
        finally:
            for process in reversed(started):
                _stop(process, signal.SIGTERM, group=True)
            log.close()


_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_POSTGRES_USERS = ("postgres", "nobody")


def _dying_with_us() -> list[str]:
    """Return the prefix by which a killed run leaves no server behind, where there is one."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _not_root(*places: Path) -> dict[str, Any]:
    """Return how a process is started as a user PostgreSQL accepts; hand it the places."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = next((known[name] for name in _POSTGRES_USERS if name in known), None)
    if user is None:
        raise MissingEngineError(f"There is no user `{_POSTGRES_USERS[0]}`: {INSTALL}.")
    for place in places:
        os.chown(place, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _postgres_binaries() -> Path:
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    found = str(versions[-1]) if versions else shutil.which("initdb")
    if not found:
        raise MissingEngineError(f"PostgreSQL is not installed: {INSTALL}.")
    return Path(found).parent


def _spark_launcher() -> Path:
    if not shutil.which("java"):
        raise MissingEngineError(f"Java 17 is not installed: {INSTALL}.")
    import pyspark

    return Path(pyspark.__file__).parent / "bin" / "spark-class"


def _alive_workers(pages: int) -> int | None:
    """Return how many workers the master knows, None while it does not answer."""
    with suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{pages}/json/") as answer:
        return answer.read().count(b'"ALIVE"') - 1  # the master itself is one
    return None


def _run(command: list[str | Path], as_user: dict[str, Any]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", **as_user)
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout}\n{done.stderr}"


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + DEADLINE
    while not ready():
        assert process.poll() is None, f"the server ended:\n{log.read_text()}"
        assert time.monotonic() < end, f"the server did not start:\n{log.read_text()}"
        time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes], how: signal.Signals, *, group: bool = False) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, how) if group else process.send_signal(how)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL) if group else process.kill()
        process.wait(20)
