"""Deciding again on what the journal keeps gives the same decisions, each with the same trace."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.engine import Project
from groundswell.model import as_plain
from tests.measuring.conftest import OPEN, at, clock, evening, load, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from groundswell.clock import FixedClock
    from groundswell.engine.handing.acting import Action

__all__ = ["clock"]

BLOCKS: dict[str, Any] = {**OPEN, "guardrails": {**OPEN["guardrails"], "holdout": "30%"}}
ANN = "ann@ours.example"
ACTS: tuple[tuple[Action | None, dict[str, Any]], ...] = (
    ("decline", {"reason": "too_early"}),
    (None, {}),
    ("lost", {"reason": "no budget"}),
    (None, {}),
    ("won", {}),
)
WRITTEN = {"decided_at", "score", "parts", "tier"}
"""What an entry keeps beside the decision, and when it was made."""


@pytest.fixture(scope="module")
def worked_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company decided on every four weeks, with a rep who does something between."""
    folder = tmp_path_factory.mktemp("worked") / "company"
    folder.mkdir()
    (folder / "groundswell.yaml").write_text(json.dumps(BLOCKS), encoding="utf-8")
    clock = evening()
    last = clock.at
    with Project.open(folder, clock=clock) as project:
        load(project, rows())
        for turn, back in enumerate(range(168, -1, -28)):
            clock.at = last - dt.timedelta(days=back)
            project.run()
            clock.at += dt.timedelta(hours=3)
            for place, row in enumerate(project.handoffs.queue()):
                action, more = ACTS[(turn + place) % len(ACTS)]
                if action is not None:
                    project.handoffs.step(row.handoff_id, action, who=ANN, **more)
    return folder


@pytest.fixture
def worked(worked_folder: Path, tmp_path: Path, clock: FixedClock) -> Iterator[Project]:
    """Open a copy of it, three hours after the last decisions."""
    shutil.copytree(worked_folder, tmp_path, dirs_exist_ok=True)
    clock.at += dt.timedelta(hours=3)
    with Project.open(tmp_path, clock=clock) as project:
        yield project


def decided(project: Project) -> list[Any]:
    return project.journal(kind="decided")


def decision_of(project: Project, entry: Any) -> Any:
    return project.looker.look(entry.account_id, entry.as_of).decision


def test_every_decision_comes_out_again_with_its_trace(worked: Project) -> None:
    entries = decided(worked)
    handed = [entry for entry in entries if entry.body["hand_over"]]
    assert len(entries) > 60
    assert len(handed) > 5
    assert any(entry.body["withheld"] for entry in entries)
    for entry in entries:
        again = json.loads(json.dumps(as_plain(decision_of(worked, entry)), default=str))
        kept = {name: value for name, value in entry.body.items() if name not in WRITTEN}
        assert {name: again[name] for name in kept} == kept, entry.key


def test_deciding_again_on_every_day_writes_no_other_decision(
    worked: Project, clock: FixedClock
) -> None:
    before = [entry.key for entry in decided(worked)]
    days = sorted({entry.as_of for entry in decided(worked)})
    for day in [*days, *reversed(days)]:
        worked.run(as_of=day)
    assert [entry.key for entry in decided(worked)] == before


def test_another_rule_would_be_seen(worked: Project) -> None:
    entry = next(entry for entry in decided(worked) if entry.body["hand_over"])
    event = {
        "message_id": "late",
        "user_id": "u3",
        "account_id": entry.account_id,
        "event": "Looked",
        "timestamp": at(0),
    }
    load(worked, {"events": [event]})
    assert decision_of(worked, entry).hand_over  # what came later changes nothing
    (worked.root / "groundswell.yaml").write_text(
        json.dumps({**BLOCKS, "guardrails": {**BLOCKS["guardrails"], "holdout": "100%"}}),
        encoding="utf-8",
    )
    root, clock_ = worked.root, worked.clock
    worked.close()
    with Project.open(root, clock=clock_) as other:
        assert not decision_of(other, entry).hand_over
