"""Commands while a server holds the project: the user sees no difference."""

from __future__ import annotations

import json
import signal
import stat
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from groundswell.api.client import find_server
from groundswell.engine import Project
from groundswell.engine.keys import Keys
from groundswell.errors import UsageError
from tests.cli.conftest import groundswell

from .test_intake import batch
from .test_killed_server import free_port, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["groundswell"]  # a fixture
CONFIG = """\
company: Small Co
events:
  signed_up: Signed Up
  activated: Board Created
  used_feature: {boards: Board Viewed}
  hand_raised: Demo Requested
"""


@pytest.fixture
def cli(groundswell):
    """Call the command line; return its exit code, and the JSON or the error it wrote."""

    def call(folder: Path, *arguments: str) -> tuple[int, Any]:
        done = groundswell(*arguments, "--json", "--project", folder)
        return done.code, done.json() if done.out else done.err

    return call


def history(day: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "track",
            "messageId": f"{day}-{user}-{name}",
            "userId": f"u{user}",
            "event": name,
            "timestamp": f"{day}T1{user}:00:00Z",
            "context": {"groupId": "acme"},
        }
        for user in range(4)
        for name in ("Signed Up", "Board Created", "Board Viewed")
    ]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[tuple[Path, str, str]]:
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    with Keys.open(tmp_path) as keys:
        key = keys.create("app", "segment").key
    port = free_port()
    process = start(tmp_path, port, "--no-run")  # the commands below say as of when
    yield tmp_path, f"http://127.0.0.1:{port}", key
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert find_server(tmp_path) is None


@pytest.mark.loopback
def test_every_command_answers_alike_with_a_server_and_without(project, cli, tmp_path_factory):
    folder, url, key = project
    sent = [*history("2026-06-01"), *history("2026-06-02")]
    wrong = {**sent[0], "messageId": "bad", "timestamp": "yesterday"}
    body = batch(*sent, wrong)
    assert httpx.post(f"{url}/v1/batch", content=body, auth=(key, "")).is_success
    deadline = time.monotonic() + 30
    while cli(folder, "sources")[1][0]["waiting"]:
        assert time.monotonic() < deadline
    more = folder / "more.csv"
    more.write_text(
        "message_id,user_id,account_id,event,timestamp\n"
        "f1,u9,acme,Demo Requested,2026-06-02T18:00:00Z\n"
    )
    commands = [
        ("load", "events", str(more)),
        ("run", "--as-of", "2026-06-02"),
        ("accounts",),
        ("accounts", "--qualified", "--limit", "1"),
        ("explain", "acme", "--as-of", "2026-06-02"),
        ("features", "--as-of", "2026-06-02", "--account", "acme"),
        ("alerts",),
        ("alerts", "--all"),
        ("journal",),
        ("offer", "acme", "--user", "u1"),
        ("quarantine", "list"),
        ("identity", "links", "u1", "--as-of", "2026-06-02"),
        ("explain", "nobody", "--as-of", "2026-06-02"),
        ("report", "weekly", "--as-of", "2026-06-02"),
        ("report", "metrics", "--as-of", "2026-06-02"),
        ("report", "metrics", "signups", "--as-of", "2026-06-02"),
        ("report", "metrics", "signup"),
    ]
    served = [cli(folder, *command) for command in commands]
    alone = tmp_path_factory.mktemp("alone")
    (alone / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    with Project.open(alone) as other:
        assert find_server(alone) is None
        lines = alone / "sent.jsonl"
        lines.write_text("\n".join(json.dumps(message) for message in [*sent, wrong]))
        other.load("events", [lines], format="segment")
    here = [cli(alone, *command) for command in commands]
    for command, ours, theirs in zip(commands, served, here, strict=True):
        assert _timeless(ours) == _timeless(theirs), command
    assert served[2][1][0]["account_id"] == "acme"
    assert served[4][1]["features"]["users_total"] == 5


def _timeless(outcome: tuple[int, Any]) -> Any:
    """Leave out what tells when and how an answer came about."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            gone = ("seconds", "decided_at", "at", "quarantined_at")
            gone += ("id", "source", "file", "sending", "due_at")
            left = {name: strip(item) for name, item in value.items() if name not in gone}
            return {k: v for k, v in left.items() if k not in ("line", "raw", "links", "key")}
        return [strip(item) for item in value] if isinstance(value, list) else value

    return outcome[0], strip(outcome[1])


@pytest.mark.loopback
def test_only_who_reads_the_project_may_ask(project):
    folder, url, _ = project
    address = folder / ".groundswell" / "server.json"
    assert stat.S_IMODE(address.stat().st_mode) == 0o600
    for headers in ({}, {"authorization": "Bearer nonsense"}):
        answer = httpx.get(f"{url}/v1/accounts", headers=headers)
        assert answer.status_code == 401
    assert httpx.get(f"{url}/v1/here").status_code == 401
    client = find_server(folder)
    assert client is not None
    with pytest.raises(UsageError, match="have not been scored"):
        client.accounts()
    token = json.loads(address.read_bytes())["token"]
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx.get(f"{url}/v1/accounts?limit=many", headers=headers)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (400, "arguments")
    assert token not in answer.text
    assert token not in (folder / "server.log").read_text()


@pytest.mark.loopback
@pytest.mark.parametrize("served", [True, False])
def test_what_was_sent_and_refused_is_shown_and_replayed(tmp_path, cli, groundswell, served):
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    with Keys.open(tmp_path) as keys:
        key = keys.create("app", "segment").key
    port = free_port()
    process = start(tmp_path, port, "--no-run")
    event = {**history("2026-06-01")[0], "userId": "null", "anonymousId": "x1", "note": f"by {key}"}
    wrong = {**event, "messageId": "m2", "type": "shout"}
    body = batch(event, wrong, writeKey=key)
    url = f"http://127.0.0.1:{port}/v1/batch"
    assert httpx.post(url, content=body, auth=(key, "")).is_success
    deadline = time.monotonic() + 30
    while len(cli(tmp_path, "quarantine", "list")[1]) < 2:
        assert time.monotonic() < deadline
    if not served:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert (find_server(tmp_path) is not None) == served

    kept = {item["reject"]["code"]: item for item in cli(tmp_path, "quarantine", "list")[1]}
    row = cli(tmp_path, "quarantine", "show", kept["junk-id"]["id"])[1]
    assert json.loads(row["reject"]["raw"]) == {**event, "note": "by ********"}
    assert row["reject"]["sending"]["wire"] == "segment"
    shown = groundswell("quarantine", "show", kept["bad-message"]["id"], "--project", tmp_path)
    assert "shout" in shown.out
    assert "came" in shown.out
    assert key not in shown.out + json.dumps(kept)

    assert _counts(cli(tmp_path, "quarantine", "replay")) == [("app", 0, 2)]
    mapping = tmp_path / "mended.yaml"
    mapping.write_text("sources: {app: {kind: events, null: ['', 'null']}}\n", encoding="utf-8")
    replay = ("quarantine", "replay", "--mapping", str(mapping))
    assert _counts(cli(tmp_path, *replay)) == [("app", 1, 1)]
    assert _counts(cli(tmp_path, *replay)) == [("app", 0, 1)]
    (state,) = cli(tmp_path, "sources")[1]
    assert (state["events"], state["rejected"]) == (1, 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def _counts(outcome: tuple[int, Any]) -> list[tuple[str, int, int]]:
    code, reports = outcome
    assert code == 0
    return [(report["source"], report["added"], report["rejected"]) for report in reports]
