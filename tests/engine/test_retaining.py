"""What is older than it is kept for goes, and every figure stays as it was."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest
from polars.testing import assert_frame_equal

from groundswell.cli.retaining import retain
from groundswell.clock import FixedClock
from groundswell.engine import Project
from groundswell.engine.colleagues import Colleagues
from groundswell.model import Kind
from groundswell.store.colleagues import AuditEntry, Session
from tests.engine.test_forgetting import CONFIG, facts, load
from tests.measuring.conftest import DAY, at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from polars import DataFrame

NOW = dt.datetime.combine(DAY, dt.time(9, 30), dt.UTC)
KEPT = 400
OLD, YOUNG = KEPT + 40, 3
SECRET = "10.66.77.88"
PAID = {"amount": 5.0, "card": SECRET}
SHORT = {"retention": {"events": f"{KEPT}d", "quarantine": "30d", "audit": "60d"}}


def company() -> dict[str, list[dict[str, object]]]:
    """Return facts in which somebody did the same long ago and lately."""
    found = facts()
    for days in (OLD, OLD - 7, KEPT + 1, KEPT, YOUNG):
        own = {"user_id": "u7", "account_id": "a07", "timestamp": at(days)}
        found["events"] += [
            {**own, "message_id": f"paid-{days}", "event": "Paid", "properties": PAID},
            {**own, "message_id": f"look-{days}", "event": "Looked", "properties": {"ip": SECRET}},
            {**own, "message_id": f"bare-{days}", "event": "Looked"},
        ]
    return found


@pytest.fixture
def opened(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    config, environ = {**CONFIG, **SHORT}, {}
    if getattr(request, "param", "duckdb") == "postgres":
        server = request.getfixturevalue("postgres")
        config |= {"warehouse": "${WAREHOUSE}", "ledger": "${LEDGER}"}
        name = tmp_path.name.replace("-", "_")[-40:]
        environ = {
            "WAREHOUSE": server.create(f"w{name}"),
            "LEDGER": server.create(f"l{name}"),
        }
    (tmp_path / "groundswell.yaml").write_text(json.dumps(config), encoding="utf-8")
    clock = FixedClock(NOW)
    with Project.open(tmp_path, clock=clock, environ=environ) as project:
        load(project, company())
        project.run()
        yield project


engines = pytest.mark.parametrize(
    "opened",
    ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)


def properties(project: Project) -> dict[str, object]:
    """Return what the events of the one person say, by message id."""
    told = project.warehouse.read(Kind.EVENTS).filter(user_id="u7")
    rows = told.select("message_id", "properties").iter_rows()
    return {name: json.loads(text) if text else None for name, text in rows}


def figures(project: Project) -> DataFrame:
    return project.features(DAY, weeks=70)


@engines
def test_old_events_lose_what_nothing_is_counted_by_and_every_figure_stays(opened: Project):
    before, said, row_count = figures(opened), properties(opened), opened.warehouse.version()
    promised = opened.retain(dry_run=True)
    assert promised.dry_run
    assert promised.before["events"] == DAY - dt.timedelta(days=KEPT)
    assert (properties(opened), opened.warehouse.version()) == (said, row_count)
    assert opened.journal(kind="retained") == []

    report = opened.retain()
    assert (report.events, report.before) == (promised.events, promised.before)
    assert report.events == 6
    now = properties(opened)
    assert now.keys() == said.keys()
    for days in (OLD, OLD - 7, KEPT + 1):
        assert (now[f"paid-{days}"], now[f"look-{days}"]) == ({"amount": 5.0}, None)
    changed = {name for name in now if now[name] != said[name]}
    assert changed == {f"{what}-{d}" for what in ("paid", "look") for d in (OLD, OLD - 7, KEPT + 1)}
    assert_frame_equal(figures(opened), before)
    opened.run()
    assert_frame_equal(figures(opened), before)
    assert not [check for check in opened.doctor() if str(check.status) == "error"]


@engines
def test_what_is_loaded_again_is_known_and_what_comes_late_is_looked_at(opened: Project):
    opened.retain()
    assert load(opened, {"events": company()["events"]}) == {"events": 0}
    assert opened.retain().events == 0
    assert isinstance(opened.clock, FixedClock)
    opened.clock.advance(dt.timedelta(hours=2))
    late = {"user_id": "u7", "account_id": "a07", "timestamp": at(OLD + 9), "event": "Paid"}
    load(opened, {"events": [{**late, "message_id": "late", "properties": PAID}]})
    assert opened.retain().events == 1
    assert properties(opened)["late"] == {"amount": 5.0}
    opened.clock.advance(dt.timedelta(days=1))
    assert opened.retain().events == 2  # those of the day that is too old since today
    assert properties(opened)[f"paid-{KEPT}"] == {"amount": 5.0}


@engines
def test_quarantine_the_audit_log_and_sessions_are_dropped_when_they_are_old(opened: Project):
    bad = opened.root / "bad.jsonl"
    bad.write_text(json.dumps({"user_id": "x", "timestamp": "no day"}) + "\n", encoding="utf-8")
    assert opened.load("events", [bad])[0].rejected == 1
    ledger, team = opened.ledger, Colleagues(opened.ledger, opened.clock)
    team.add("ann@ours.example", role="rep", password="correct horse battery")
    for days in (59, 60, 61):
        when = dt.datetime.combine(DAY - dt.timedelta(days=days), dt.time(12), dt.UTC)
        ledger.append_audit([AuditEntry(when, "ann@ours.example", f"of {days}")])
    for name, ends in (("old", NOW - dt.timedelta(hours=1)), ("good", NOW + dt.timedelta(hours=1))):
        ledger.open_session(Session(name, "ann@ours.example", NOW, NOW, ends))
    promised = opened.retain(dry_run=True).dropped
    assert promised == {"audit": 1, "sessions": 1}
    assert opened.retain().dropped == promised
    actions = [entry.action for entry in team.audit(limit=10)]
    assert ("of 60" in actions, "of 61" in actions) == (True, False)
    assert ledger.session("old") is None
    assert ledger.session("good") is not None
    with pytest.raises(Exception, match=r"append|audit|change"):  # the guard is set again
        _delete_audit(opened)
    assert isinstance(opened.clock, FixedClock)
    opened.clock.advance(dt.timedelta(days=31))
    decided = len(opened.journal(kind="decided", limit=None))
    assert opened.retain().dropped["rejects"] == 1
    assert opened.rejects() == []
    assert len(opened.journal(kind="decided", limit=None)) == decided > 0


def _delete_audit(project: Project) -> None:
    with project.ledger._engine.begin() as connection:  # pyright: ignore[reportAttributeAccessIssue]
        connection.exec_driver_sql("DELETE FROM audit")


def test_without_retention_everything_stays(tmp_path: Path):
    (tmp_path / "groundswell.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    with Project.open(tmp_path, clock=FixedClock(NOW)) as project:
        load(project, company())
        version = project.warehouse.version()
        report = project.retain()
        assert (report.before, report.events, report.dropped) == ({}, 0, {})
        assert project.warehouse.version() == version


def test_the_command_says_what_would_go_and_what_went(
    opened: Project, capsys: pytest.CaptureFixture[str]
):
    root = opened.root
    opened.close()
    retain(dry_run=True, project=root, json=True)
    would = json.loads(capsys.readouterr().out)
    assert (would["dry_run"], would["events"] > 0) == (True, True)
    retain(project=root)
    assert "said more than is counted by them" in capsys.readouterr().out
