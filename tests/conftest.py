"""What every test may ask for: real engines, and no network otherwise.

Sockets are refused in a test, except to loopback in one that uses an engine or is marked
`postgres` or `spark`. Servers start when first asked for and stop with the run; run in one
process, or under pytest-xdist with `--dist loadgroup`, which keeps all that ask for an engine on
one worker: their servers then start once, and so does what they are compared with.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import TYPE_CHECKING

import pytest
import pytest_socket
from httpx._transports import default as httpx_transport
from hypothesis import settings

from groundswell.store.spark_session import release_session, take_session
from groundswell.store.warehouse import open_warehouse

from .engines import Postgres, Spark, running_postgres, running_spark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from groundswell.store.warehouse import Warehouse

ENGINES = ("postgres", "spark")
SHARED = {"loaded_folder": "lab"}
"""Fixtures of the whole run that take long to make, and what those who ask for one are called."""
_NUMBERS = itertools.count()

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")

# No test speaks TLS, and reading the authorities takes 60 ms for every request by `httpx.get`.
httpx_transport.create_ssl_context = cache(httpx_transport.create_ssl_context)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the engines it uses, and keep tests that share a fixture on one worker.

    What takes long comes first, so that no worker waits for the other at the end.
    """
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    for item in items:
        used = set(getattr(item, "fixturenames", ()))
        engine = getattr(getattr(item, "callspec", None), "params", {}).get("engine")
        for name in ENGINES:
            if name in used or engine == name:
                item.add_marker(name)
        if (group := _group(item, used)) is not None:
            item.add_marker(pytest.mark.xdist_group(group))


def _group(item: pytest.Item, used: set[str]) -> str | None:
    """Name those who share what is made once, so that not every worker makes it."""
    if used & {*ENGINES, "engine"}:
        return "engines"
    for name, group in SHARED.items():
        if name in used:
            return group
    fixtures = getattr(item, "_fixtureinfo", None)
    known = fixtures.name2fixturedefs.values() if fixtures else ()
    shared = any(found[-1].scope == "module" for found in known)
    return item.path.name if shared else None


@pytest.fixture(autouse=True)
def _network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Refuse sockets; let a test of an engine reach loopback."""
    if any(request.node.get_closest_marker(name) for name in (*ENGINES, "loopback")):
        pytest_socket.socket_allow_hosts(["127.0.0.1", "localhost"], allow_unix_socket=True)
    else:
        pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()
    pytest_socket._remove_restrictions()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def spark() -> Iterator[Spark]:
    """A real Spark master with two workers, and a session on it that lasts for the run."""
    with running_spark() as cluster:
        take_session(f"spark://{cluster.master}", {})
        yield cluster
        release_session()


@pytest.fixture(params=["duckdb", *ENGINES])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    return request.param


@pytest.fixture
def warehouse_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty place for a warehouse on the engine."""
    if engine == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        return server.create(f"warehouse_{next(_NUMBERS)}")
    if engine == "spark":
        cluster: Spark = request.getfixturevalue("spark")
        return f"spark://{cluster.master}?path={tmp_path / 'lake'}"
    return "duckdb"


@pytest.fixture
def warehouse(warehouse_url: str, tmp_path: Path) -> Iterator[Warehouse]:
    """A new, empty warehouse on each engine in turn: one suite, equal results."""
    with open_warehouse(warehouse_url, tmp_path) as opened:
        yield opened
