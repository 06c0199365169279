"""A configuration that was changed is taken up while clients send; a broken one is not."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from groundswell.engine import Project
from groundswell.engine.draining import Drain
from groundswell.engine.keys import Keys
from groundswell.errors import ConfigError
from groundswell.model import Kind

from .conftest import CONFIG, DEADLINE, serving
from .test_killed_server import Load, free_port, start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 4 * DEADLINE
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.loopback
def test_it_is_taken_up_under_load_and_a_broken_one_is_not(tmp_path: Path) -> None:
    file, log = tmp_path / "groundswell.yaml", tmp_path / "server.log"
    file.write_text(CONFIG, encoding="utf-8")
    with Keys.open(tmp_path) as keys:
        key = keys.create("app", "segment").key
    port = free_port()
    process = start(tmp_path, port)
    url = f"http://127.0.0.1:{port}"
    load = Load(url, key, pause=0.02)

    def company() -> str:
        try:
            return httpx.get(f"{url}/sign-in", timeout=DEADLINE, verify=False).text
        except httpx.TransportError:  # a client's own retry: one server ended, the next listens
            return ""

    try:
        wait(lambda: len(load.acknowledged) > 20)
        wait(lambda: "Small Co" in company())
        for name in ("First Co", "Second Co"):
            file.write_text(CONFIG.replace("Small Co", name), encoding="utf-8")
            process.send_signal(signal.SIGHUP)
            wait(lambda name=name: name in company())
            before = len(load.acknowledged)
            wait(lambda before=before: len(load.acknowledged) > before)
        file.write_text("company: Third Co\nnonsense: 1\n", encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        wait(lambda: "the configuration stays as it was" in log.read_text(encoding="utf-8"))
        assert "groundswell.yaml:2:1" in log.read_text(encoding="utf-8")
        wait(lambda: "Second Co" in company())
    finally:
        load.stop()
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
    file.write_text(CONFIG, encoding="utf-8")
    with Project.open(tmp_path) as project:
        assert Drain(project.warehouse, project.ledger, project.clock).step() is None
        ids = project.warehouse.read(Kind.EVENTS)["message_id"]
    assert ids.is_duplicated().sum() == 0
    assert load.acknowledged <= set(ids)


@pytest.mark.loopback
@pytest.mark.parametrize("key", ["ledger", "warehouse"])
def test_a_server_stays_with_its_stores(tmp_path: Path, key: str) -> None:
    """One that cannot be reached, as one that is empty, must not take the place of what it has."""
    with serving(tmp_path, runs=False) as served:
        file = tmp_path / "groundswell.yaml"
        file.write_text(f"{CONFIG}{key}: postgresql://nobody@127.0.0.1:1/x\n", encoding="utf-8")
        with pytest.raises(ConfigError) as failed:
            served.server.renew()
        (problem,) = failed.value.problems
        assert problem.code == "config-restart"
        assert problem.what.startswith(f"`{key}` was changed")
        assert not served.server.site.renewing()
        file.write_text(f"{CONFIG}currency: EUR\n", encoding="utf-8")
        served.server.renew()
        assert served.server.site.renewing()
