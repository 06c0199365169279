"""A real Tryton server for the tests, on the PostgreSQL that the run starts.

Its packages, in a virtual environment of their own, and a dump of its database as it is when it
is new are made once and kept under `~/.cache/groundswell-tests`.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.engines import DEADLINE, HOST, Postgres, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SERIES = "8.2"
CACHE = Path.home() / ".cache" / "groundswell-tests" / f"tryton-{SERIES}"
MODULES = ("sale_opportunity", "project")
PACKAGES = (
    *(f"{name}=={SERIES}.*" for name in ("trytond", "trytond-sale-opportunity", "trytond-project")),
    *("psycopg[binary]", "psycopg_pool"),
)
DATABASE, USER, PASSWORD = "crm", "admin", "tryton-Secret-of-tests"


@dataclass(frozen=True)
class TrytonServer:
    """A running server, looked into past the destination: by its own RPC, and in its tables."""

    url: str
    log: Path
    postgres: Postgres
    headers: dict[str, str]

    def call(self, method: str, *params: Any) -> Any:
        """Call a method as the administrator; every value is plain JSON."""
        question = json.dumps({"id": 1, "method": method, "params": params}).encode()
        address = f"{self.url}/{DATABASE}/rpc/"
        with urllib.request.urlopen(
            urllib.request.Request(address, question, self.headers), timeout=60
        ) as reply:
            answer = json.load(reply)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def rows(self, model: str, domain: list[Any], fields: list[str]) -> list[dict[str, Any]]:
        """Return what the server itself shows of records."""
        return self.call(f"model.{model}.search_read", domain, 0, None, None, fields, {})

    def sql(self, query: str) -> str:
        """Return what a query prints."""
        return self.postgres.run(query, DATABASE).strip()

    def requests(self) -> int:
        """Return how many requests the server wrote down."""
        return self.log.read_text(errors="replace").count(f'"POST /{DATABASE}/rpc/')


@contextmanager
def running_tryton(postgres: Postgres) -> Iterator[TrytonServer]:
    """Start a server on a database of its own, with a company, and stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="gs-tryton-") as folder:
        place, port = Path(folder), free_port()
        config = place / "trytond.conf"
        config.write_text(
            f"[database]\nuri = {postgres.url('')}\npath = {place / 'files'}\n"
            f"[web]\nlisten = {HOST}:{port}\n"
        )
        _prepare(postgres, config, place)
        log = place / "log"
        with log.open("w") as stream:
            server = subprocess.Popen(
                [CACHE / "bin" / "trytond", "-c", config, "-d", DATABASE],
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            url = f"http://{HOST}:{port}"
            _wait(url, server, log)
            plain = TrytonServer(url, log, postgres, {"Content-Type": "application/json"})
            yield _with_company(_logged_in(plain))
        finally:
            server.terminate()
            server.wait(20)


def _prepare(postgres: Postgres, config: Path, place: Path) -> None:
    """Create the database, from the dump where there is one."""
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    url = postgres.create(DATABASE)
    dump = CACHE / "new.sql"
    with (CACHE.parent / "tryton.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (CACHE / "installed").exists():
            _install()
        if dump.exists():
            _run(postgres.binaries / "psql", "-Xq1", "-v", "ON_ERROR_STOP=1", "-f", dump, url)
            return
        secret = place / "password"
        secret.write_text(PASSWORD)
        _run(
            *(CACHE / "bin" / "trytond-admin", "-c", config, "-d", DATABASE, "-u", *MODULES),
            *("--activate-dependencies", "--email", "admin@crm.example"),
            TRYTONPASSFILE=str(secret),
        )
        unfinished = CACHE / "new.sql.part"
        _run(postgres.binaries / "pg_dump", "--no-owner", "-f", unfinished, url)
        unfinished.rename(dump)


def _install() -> None:
    beside = Path(sys.executable).parent / "uv"
    uv = beside if beside.exists() else shutil.which("uv")
    assert uv, "uv is not installed: it comes with the development dependencies"
    shutil.rmtree(CACHE, ignore_errors=True)
    _run(uv, "venv", "-q", "--python", sys.executable, CACHE)
    _run(uv, "pip", "install", "-q", "--python", CACHE / "bin" / "python", *PACKAGES)
    (CACHE / "installed").touch()


def _run(*command: Any, **environment: str) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout}\n{done.stderr}"


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    question = json.dumps({"id": 1, "method": "common.server.version", "params": []}).encode()
    end = time.monotonic() + DEADLINE
    while True:
        assert server.poll() is None, f"the server ended:\n{log.read_text()}"
        assert time.monotonic() < end, f"the server did not start:\n{log.read_text()}"
        with suppress(OSError):
            request = urllib.request.Request(
                f"{url}/rpc/", question, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=5) as reply:
                assert json.load(reply)["result"] == SERIES
                return
        time.sleep(0.1)


def _logged_in(server: TrytonServer) -> TrytonServer:
    user_id, key, *_ = server.call("common.db.login", USER, {"password": PASSWORD})
    token = base64.b64encode(f"{USER}:{user_id}:{key}".encode()).decode()
    headers = {**server.headers, "Authorization": f"Session {token}"}
    return TrytonServer(server.url, server.log, server.postgres, headers)


def _with_company(server: TrytonServer) -> TrytonServer:
    """Give the server what its first user gives it: a currency, a company and a rep."""
    euro = {"name": "Euro", "symbol": "€", "code": "EUR", "digits": 2}
    currency = server.call("model.currency.currency.create", [euro], {})[0]
    us, rep = server.call(
        "model.party.party.create",
        [
            {"name": "Us", "code": "us"},
            {
                "name": "Rita Rep",
                "code": "rita",
                "contact_mechanisms": [
                    ["create", [{"type": "email", "value": "rita@us.example"}]],
                ],
            },
        ],
        {},
    )
    company = server.call("model.company.company.create", [{"party": us, "currency": currency}], {})
    server.call("model.company.employee.create", [{"party": rep, "company": company[0]}], {})
    user = server.rows("res.user", [["login", "=", USER]], ["id"])[0]["id"]
    belongs = {"companies": [["add", company]], "company": company[0]}
    server.call("model.res.user.write", [user], belongs, {})
    return server
