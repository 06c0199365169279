"""The commands of the lab on the demo company: what they print, and how they end."""

from __future__ import annotations

import json
import re
import threading
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest
import uvicorn
from starlette.applications import Starlette

from groundswell.api.client import Address, Client
from groundswell.api.local import operation_routes
from groundswell.clock import FixedClock
from groundswell.engine import Project
from tests.cli.conftest import groundswell  # noqa: F401 - a fixture
from tests.server.test_killed_server import free_port

from .conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AS_OF = ("--as-of", "2026-06-30")


@contextmanager
def served(project: Project) -> Iterator[Client]:
    """Offer the project's operations on loopback, as a server does; give a client of them."""
    routes = operation_routes(project, token="t", alone=nullcontext())
    port = free_port()
    config = uvicorn.Config(Starlette(routes=routes), port=port, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Client(Address(f"http://127.0.0.1:{port}", "t"))
    server.should_exit = True
    thread.join()


@pytest.fixture
def drafted(learned: Path, groundswell, tmp_path: Path):  # noqa: F811
    """The company with a draft, the draft's version, and the file of its scorecard."""
    models = groundswell("models", "list", "--project", learned, "--json").json()
    (version,) = (model["version"] for model in models if model["status"] == "draft")
    card = tmp_path / "card.yaml"
    shown = groundswell("models", "show", version, "--project", learned).out
    card.write_text(shown.rstrip("\n") + "\n", encoding="utf-8")
    return learned, version, card


def test_a_definition_goes_from_draft_to_the_score(folder, groundswell, tmp_path):  # noqa: F811
    card = tmp_path / "card.yaml"
    fitted = groundswell("fit", *AS_OF, "--by", "ann", "--scorecard", card, "--project", folder)
    assert fitted.code == 0, fitted.err
    (version,) = set(re.findall(r"fitted-[0-9a-f]{8}", fitted.out))
    assert fitted.out.startswith("ok The score tells the outcome: AUC 0.9")
    assert "is a new draft; nothing is scored by it yet" in fitted.out
    assert card.read_text(encoding="utf-8").startswith("name: fitted\ncombine: sum\n")
    at = ("--project", folder)

    refused = groundswell("models", "publish", version, "--reason", "now", *at)
    assert refused.code == 2
    assert f"groundswell backtest {version}" in refused.err

    judged = groundswell("backtest", version, *AS_OF, *at)
    assert judged.code == 0
    assert "weeks before are left out: the definition learned from them" in judged.err
    assert re.search(r"AUC +0\.9\d\d \[0\.\d{3}, 0\.\d{3}\]", judged.out)
    as_json = groundswell("backtest", version, *AS_OF, "--capacity", 5, *at, "--json").json()
    assert as_json["capacity"] == as_json["at_capacity"]["capacity"] == 5
    assert sum(bar["rows"] for bar in as_json["distribution"]) == as_json["rows"]

    compared = groundswell("compare", "current", version, *AS_OF, *at)
    assert compared.code == 0
    assert re.search(r"\d+ that both would have reached, \d+ won \([\d,]+ a year\)", compared.out)

    published = groundswell("models", "publish", version, "--reason", "better", *at, "--by", "bob")
    assert published.out.strip() == f"{version} is published"
    listed = groundswell("models", "list", *at, "--json").json()
    assert [(model["version"], model["status"]) for model in listed][-1] == (version, "published")
    assert listed[-1]["moves"][-1] | {"at": ""} == {
        "what": "published",
        "at": "",
        "who": "bob",
        "reason": "better",
    }
    shown = groundswell("models", "show", version[:10], *at)
    assert shown.out.strip() == card.read_text(encoding="utf-8").strip()
    assert "published by bob: better" in shown.err

    config = folder / "groundswell.yaml"
    text = config.read_text(encoding="utf-8").replace("preset: hybrid", "preset: fitted", 1)
    config.write_text(text, encoding="utf-8")
    assert groundswell("run", *AS_OF, *at).code == 0
    row = groundswell("accounts", "--limit", 1, *at, "--json").json()[0]
    story = groundswell("explain", row["account_id"], *at, "--json").json()
    assert (story["model_version"], story["score"]) == (version, row["score"])
    told = groundswell("explain", row["account_id"], *at).out
    assert "come to the outcome in time" in told
    assert "of every account" in told

    retired = groundswell("models", "retire", version, "--reason", "enough", *at)
    assert retired.out.strip() == f"{version} is retired"
    again = groundswell("run", *AS_OF, *at)
    assert "No learned definition is published" in again.err


def test_drift_and_challenge_say_how_it_stands(drafted, groundswell):  # noqa: F811
    folder, version, card = drafted
    at = ("--project", folder)
    drift = groundswell("drift", "hybrid", "--since", "2026-06-23", *AS_OF, *at)
    assert drift.code == 0
    assert "It holds." in drift.out
    watched = groundswell("drift", version, *AS_OF, *at, "--json").json()
    assert watched["version"] == version
    assert watched["features"] == sorted(watched["features"], key=lambda item: -item["psi"])
    challenged = groundswell("models", "challenge", *AS_OF, *at)
    assert "runs in shadow. 0 weeks of challengers are over" in challenged.out
    edited = card.with_name("edited.yaml")
    edited.write_text(card.read_text().replace("combine: sum", "combine: add"), encoding="utf-8")
    refused = groundswell("models", "add", edited, *at)
    assert refused.code == 2
    assert "edited.yaml:2:10" in refused.err


def test_reports_are_written_with_pictures(drafted, groundswell, tmp_path):  # noqa: F811
    folder, version, _ = drafted
    at = ("--project", folder)
    page = tmp_path / "backtest.html"
    done = groundswell("backtest", version, *AS_OF, *at, "--out", page, "--json")
    assert done.code == 0, done.err
    auc = json.loads(done.out)["roc_auc"]["value"]
    text = page.read_text(encoding="utf-8")
    assert f"{auc:.3f}" in text
    assert text.count("<svg") >= 3
    refused = groundswell("backtest", version, *AS_OF, *at, "--out", tmp_path / "backtest.docx")
    assert refused.code == 2
    assert ".html" in refused.err


def test_what_cannot_be_asked_of_the_lab(folder, groundswell):  # noqa: F811
    at = ("--project", folder)
    assert "Did you mean `hybrid`?" in groundswell("backtest", "hybird", *at).err
    assert "Did you mean `converted`?" in groundswell("fit", "--outcome", "convertd", *at).err
    assert "There is no file" in groundswell("backtest", "nowhere.yaml", *AS_OF, *at).err
    done = groundswell("models", "rollback", *at)
    assert done.code == 2
    assert "[model-first]" in done.err


@pytest.mark.loopback
def test_a_running_server_is_asked_and_takes_up_what_is_published(
    drafted,
    groundswell,  # noqa: F811
    monkeypatch,
):
    folder, version, card = drafted
    config = folder / "groundswell.yaml"
    text = config.read_text(encoding="utf-8").replace("preset: hybrid", "preset: fitted", 1)
    config.write_text(text, encoding="utf-8")
    at = ("--project", folder)
    with Project.open(folder, clock=FixedClock(NOW)) as project, served(project) as client:
        monkeypatch.setattr("groundswell.cli.opening.find_server", lambda _: client)
        judged = groundswell("backtest", version, *AS_OF, *at)
        assert judged.code == 0, judged.err
        assert "AUC" in judged.out
        again = groundswell("fit", *AS_OF, *at, "--json").json()
        assert (again["version"], again["new"]) == (version, False)
        compared = groundswell("compare", "hand-made", str(card), *AS_OF, *at, "--json").json()
        assert compared["second"]["version"] == version
        published = groundswell("models", "publish", version, "--reason", "better", *at)
        assert published.out.strip() == f"{version} is published"
        assert project.loaded.score.version == version
        shown = groundswell("models", "show", version, *at, "--json").json()
        assert shown["status"] == "published"
        assert groundswell("models", "rollback", *at).code == 2
        assert groundswell("drift", *AS_OF, *at).code == 0
        assert "runs in shadow" in groundswell("models", "challenge", *AS_OF, *at).out
        retired = groundswell("models", "retire", version, "--reason", "enough", *at)
        assert retired.out.strip() == f"{version} is retired"
        behaviours = groundswell("behaviours", "--near", 14, "--far", 60, *AS_OF, *at, "--json")
        assert behaviours.json()["came"] >= 20
