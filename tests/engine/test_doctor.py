"""`doctor` finds what is wrong, and says what to do."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING

import duckdb
import pytest

from groundswell.engine import Project
from groundswell.engine.doctor.examining import examine
from groundswell.engine.keys import Keys
from groundswell.store.inbox import InboxEntry
from groundswell.store.ledger import JournalEntry

from .test_live import NOON, TODAY, _known_world, opened, send, take

if TYPE_CHECKING:
    from pathlib import Path

    from groundswell.engine.reports import Check

DAY = dt.timedelta(days=1)
CONFIG = "company: Small Co\nevents:\n  signed_up: Signed Up\n"


def rows(project: Project, *, quick: bool = False) -> dict[str, Check]:
    return {row.name: row for row in project.doctor(quick=quick)}


def wrong(found: dict[str, Check]) -> dict[str, str]:
    """Return what is not sound; how the company sells is another matter."""
    sound = {name: row for name, row in found.items() if name != "mistakes"}
    return {name: row.status for name, row in sound.items() if row.status != "ok"}


@pytest.fixture(scope="module")
def followed():
    """A project with a history, followed by a live state that counted some events of today."""
    with opened() as (project, drain):
        live = project.follow()
        send(project, _known_world())
        while drain.step() is not None:
            pass
        live.rebase()
        at = (NOON - dt.timedelta(minutes=5)).isoformat()
        event = {"type": "track", "userId": "u0", "event": "Report Made", "timestamp": at}
        send(project, [{**event, "messageId": "t1", "properties": {"amount": 3}}])
        take(drain, live)
        yield project


def test_a_sound_project_is_said_to_be(followed):
    found = rows(followed)
    assert wrong(found) == {}
    assert "A free trial without instrumentation" in found["mistakes"].detail
    assert found["live = whole"].detail.startswith("3 accounts are the same")
    assert "of 3 accounts" in found["kernel = SQL"].detail
    assert all(row.detail.endswith(".") for row in found.values())
    quick = rows(followed, quick=True)
    assert set(quick) < set(found)
    assert not {"events once", "live = whole", "kernel = SQL", "ledger pages"} & set(quick)


def test_a_corrupted_counter_is_found_with_its_account_and_column_and_mended_by_a_run(followed):
    live = followed.live
    base = live.base
    steps = [step.name for step in followed.computer.plan.steps]
    number = base.account_ids.to_list().index("acme")
    base.counters._steps[number, steps.index("amount_28d")] += 7
    live._pending.touched.add(number)
    live.rescore()
    found = rows(followed)["live = whole"]
    assert found.status == "failed"
    assert "acme: amount_28d is " in found.detail
    assert "groundswell run" in found.fix
    followed.run()
    assert rows(followed)["live = whole"].status == "ok"


def test_a_kernel_that_counts_wrong_is_found(followed, monkeypatch):
    from groundswell.engine.doctor import checking_numbers

    compute = checking_numbers.compute_features

    def off_by_one(*arguments, kept=None, **named):
        yield from compute(*arguments, kept=kept, **named)
        if kept is not None:
            kept[0, 0] += 1

    monkeypatch.setattr(checking_numbers, "compute_features", off_by_one)
    assert wrong(rows(followed)) == {"kernel = SQL": "failed"}


def test_the_forms_of_a_computation_are_compared_on_a_sample_of_many(followed, monkeypatch):
    from groundswell.engine.doctor import checking_numbers

    monkeypatch.setattr(checking_numbers, "SAMPLE_ROWS", 16)
    monkeypatch.setattr(checking_numbers, "_BLOCKS", 1)
    found = rows(followed)
    assert wrong(found) == {}
    assert "of 3 accounts" in found["kernel = arrays"].detail
    assert "3 of 3" not in found["kernel = arrays"].detail
    assert os.environ.get("GROUNDSWELL_KERNEL") is None


@pytest.fixture
def project(tmp_path):
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    load(tmp_path, 3)
    with Project.open(tmp_path) as opened_:
        yield opened_


def load(folder: Path, days: int) -> None:
    lines = ["message_id,user_id,account_id,event,timestamp"]
    now = dt.datetime.now(dt.UTC)
    for day in range(days):
        at = (now - day * DAY - dt.timedelta(minutes=1)).isoformat()
        lines.append(f"m{day},u{day},acme,Signed Up,{at}")
    file = folder / "events.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    with Project.open(folder) as opened_:
        opened_.load("events", [file])


def behind_the_back(project: Project, sql: str) -> Path:
    """Close a project and change its warehouse as no append would."""
    root = project.root
    project.close()
    with duckdb.connect(root / ".groundswell" / "warehouse.duckdb") as connection:
        connection.execute(sql)
    return root


def test_an_event_stored_twice_is_found(project):
    project.run()
    root = behind_the_back(project, "INSERT INTO events SELECT * FROM events LIMIT 1")
    found = {row.name: row for row in examine(root)}
    assert wrong(found) == {"events once": "failed", "roll-up counts": "failed"}
    assert "files m" in found["events once"].detail
    behind_the_back(project, "DELETE FROM events WHERE rowid = (SELECT max(rowid) FROM events)")
    with Project.open(root) as again:
        again.run()
    assert wrong({row.name: row for row in examine(root)}) == {}


def test_an_event_of_nobody_is_found(project):
    root = behind_the_back(project, "UPDATE events SET actor = 99 WHERE message_id = 'm1'")
    found = {row.name: row for row in examine(root)}
    assert wrong(found) == {"events named": "failed"}
    assert "1 events whose actor is not known" in found["events named"].detail


def test_a_stale_roll_up_is_told_and_one_that_does_not_add_up_is_found(project):
    assert rows(project, quick=True)["roll-up"].detail.startswith("There is none yet")
    project.run()
    assert rows(project, quick=True)["roll-up"].status == "ok"
    root = project.root
    project.close()
    load(root, 5)
    with Project.open(root) as again:
        found = rows(again, quick=True)["roll-up"]
        assert (found.status, "older than the facts" in found.detail) == ("warning", True)
        assert "groundswell run" in found.fix
        again.run()
        assert wrong(rows(again)) == {}
        behind_the_back(again, "UPDATE activity SET n = n + 1")
    found = {row.name: row for row in examine(root)}
    assert found["roll-up counts"].status == "failed"
    assert {row.name: row.status for row in examine(root)}["roll-up counts"] == "ok"


@pytest.mark.parametrize("spot", [0, 5])
def test_a_broken_ledger_file_is_found(project, spot):
    root = project.root
    with project.ledger as ledger:
        ledger.append_journal(
            [
                JournalEntry(f"k{n}", f"a{n}", "note", NOON, TODAY, {"why": "x" * 100})
                for n in range(500)
            ]
        )
    project.close()
    file = root / ".groundswell" / "ledger.sqlite"
    whole = bytearray(file.read_bytes())
    pages = len(whole) // 4096
    start = spot * 4096 if not spot else (pages - 1 - spot) * 4096
    whole[start : start + 4000] = b"\xa5" * 4000
    file.write_bytes(whole)
    found = {row.name: row for row in examine(root)}
    broken = [name for name, row in found.items() if row.status == "failed"]
    assert set(broken) & {"ledger", "ledger pages"}
    assert found[broken[0]].fix
    assert found["configuration"].status == found["warehouse"].status == "ok"


def test_a_configuration_that_does_not_load_is_a_row_too(project):
    root = project.root
    (root / "groundswell.yaml").write_text("compny: Small Co\n", encoding="utf-8")
    found = rows(project, quick=True)["configuration"]
    assert (found.status, "compny" in found.detail) == ("failed", True)
    (root / "groundswell.yaml").write_text(CONFIG.replace("Small", "Other"), encoding="utf-8")
    assert rows(project, quick=True)["configuration"].status == "warning"
    (root / "groundswell.yaml").write_text("compny: Small Co\n", encoding="utf-8")
    project.close()
    assert [(row.name, row.status) for row in examine(root)] == [("configuration", "failed")]


def test_what_waits_and_what_is_refused_is_told(project):
    now = project.clock.now()
    entry = InboxEntry("app", "segment", "POST", "/v1/batch", {}, {}, b"{}", now - DAY)
    project.ledger.put_entries([entry])
    bad = project.root / "bad.csv"
    bad.write_text("message_id,user_id,event,timestamp\nb,u,E,never\n", encoding="utf-8")
    project.load("events", [bad])
    found = rows(project, quick=True)
    assert wrong(found) == {"inbox": "warning", "quarantine": "warning"}
    assert "1 requests wait" in found["inbox"].detail
    assert "1 wait: " in found["quarantine"].detail


def test_a_key_that_nobody_uses_and_a_source_that_is_silent_are_told(project):
    with Keys.open(project.root) as keys:
        keys.create("files", "segment")
        keys.create("web", "segment")
    found = rows(project, quick=True)
    assert wrong(found) == {"write keys": "warning"}
    assert "web" in found["write keys"].detail
    root = behind_the_back(project, "UPDATE events SET received_at = now() - INTERVAL 30 DAY")
    found = {row.name: row for row in examine(root, quick=True)}
    assert found["sources"].status == "warning"
    assert "files (last " in found["sources"].detail


def test_an_account_that_is_handed_over_twice_is_found(project):
    def decided(day: dt.date, kind: str = "decided") -> JournalEntry:
        body = {"rule": "r", "motion": "sales_assist", "hand_over": True, "as_of": str(day)}
        return JournalEntry(f"{kind}:{day}", "acme", kind, NOON, day, body)

    def append(*entries: JournalEntry) -> str:
        project.ledger.append_journal(entries)
        return rows(project)["journal"].status

    assert append(decided(TODAY), decided(TODAY - DAY)) == "ok"
    assert append(decided(TODAY + DAY, "released"), decided(TODAY + 2 * DAY)) == "ok"
    assert append(decided(TODAY + 3 * DAY)) == "failed"
    assert "acme on" in rows(project)["journal"].detail


def test_a_score_that_was_changed_since_accounts_were_scored_is_told(project):
    project.run()
    root = project.root
    project.close()
    (root / "groundswell.yaml").write_text(CONFIG + "score: {preset: points}\n", encoding="utf-8")
    found = {row.name: row for row in examine(root, quick=True)}
    assert found["score version"].status == "warning"
