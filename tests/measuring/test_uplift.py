"""Whether contact helps: accounts handed over beside those that only the holdout kept back."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from groundswell.cli.app import main
from groundswell.engine import Project
from groundswell.web.document import to_html, to_text
from groundswell.web.uplift_report import report_uplift
from tests.measuring.conftest import DAY, OPEN, evening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from groundswell.clock import FixedClock

BLOCKS: dict[str, Any] = {
    **OPEN,
    "guardrails": {**OPEN["guardrails"], "holdout": "50%"},
    "experiments": {"horizon": "21d"},
}


@pytest.fixture(scope="module")
def decided_folder(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company, of which half is held out, decided on every two weeks of half a year."""
    folder = tmp_path_factory.mktemp("decided") / "company"
    shutil.copytree(loaded, folder)
    (folder / "groundswell.yaml").write_text(json.dumps(BLOCKS), encoding="utf-8")
    clock = evening()
    last = clock.at
    with Project.open(folder, clock=clock) as project:
        for back in range(168, -1, -14):
            clock.at = last - dt.timedelta(days=back)
            project.run()
    return folder


@pytest.fixture
def held_out(decided_folder: Path, tmp_path: Path, clock: FixedClock) -> Iterator[Project]:
    """Open a copy of it."""
    shutil.copytree(decided_folder, tmp_path, dirs_exist_ok=True)
    with Project.open(tmp_path, clock=clock) as project:
        yield project


def test_an_account_takes_part_when_only_the_holdout_keeps_it_back(held_out: Project) -> None:
    found = held_out.measuring.uplift().uplift
    decided = held_out.journal(kind="decided")
    exposed = {
        entry.account_id for entry in decided if entry.body["hand_over"] or entry.body["withheld"]
    }
    withheld = [entry for entry in decided if entry.body["withheld"]]
    assert withheld
    for entry in withheld:
        failed = [one["name"] for one in entry.body["guardrails"] if not one["passed"]]
        assert failed == ["holdout"]
        assert not entry.body["hand_over"]
    assert found.overall is not None
    arms = found.overall.contacted + found.overall.held_out + found.overall.waiting
    log = held_out.measuring.exposure()
    assert arms == len({row["account_id"] for row in log})
    assert {row["account_id"] for row in log} < exposed  # not who raised a hand before
    assert not found.overall.balance.alarm
    text = to_text(report_uplift(held_out.measuring.uplift()))
    assert f"{found.overall.contacted} accounts contacted and {found.overall.held_out}" in text


def test_lower_scores_are_explored_and_take_no_part(
    loaded: Path, tmp_path: Path, clock: FixedClock
) -> None:
    high = {"preset": "hybrid", "qualified": {"at_least": 99}}
    more = {**BLOCKS["guardrails"], "holdout": "20%", "explore": "100%", "explore_from": 5}
    blocks = {**BLOCKS, "score": high, "guardrails": more}
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    (tmp_path / "groundswell.yaml").write_text(json.dumps(blocks), encoding="utf-8")
    last = clock.at
    with Project.open(tmp_path, clock=clock) as project:
        for back in range(84, -1, -7):
            clock.at = last - dt.timedelta(days=back)
            project.run()
        decided = project.journal(kind="decided")
        explored = [entry for entry in decided if entry.body["explored"]]
        handed = [entry.account_id for entry in explored if entry.body["hand_over"]]
        asked = {entry.account_id for entry in decided if not entry.body["explored"]}
        assert len(handed) > 10
        assert len(handed) == len(set(handed))  # each once
        assert all(5 <= entry.body["score"] < 99 for entry in explored)
        assert not project.journal(kind="qualified")
        log = {row["account_id"] for row in project.measuring.exposure()}
        assert not log & (set(handed) - asked)


def test_contact_that_is_late_is_in_the_log_and_of_its_arm(held_out: Project) -> None:
    log = held_out.measuring.exposure()
    arms: dict[Any, set[Any]] = {}
    for row in log:
        arms.setdefault(row["account_id"], set()).add(row["arm"])
    assert all(len(arm) == 1 for arm in arms.values())
    reached = {row["account_id"] for row in log if row["contacted"]}
    exposure = held_out.measuring.uplift().uplift.exposure
    assert exposure is not None
    contacted = {name for name, arm in arms.items() if arm == {"contacted"}}
    assert set(exposure.never_contacted) == contacted - reached
    held = {name for name, arm in arms.items() if arm == {"held_out"}}
    assert set(exposure.touched_held_out) == held & reached


def test_a_day_of_the_past_is_told_as_it_was(held_out: Project) -> None:
    past = DAY - dt.timedelta(days=56)
    then = held_out.measuring.uplift(as_of=past)
    log = held_out.measuring.exposure(as_of=past)
    assert 0 < len(log) < len(held_out.measuring.exposure())
    held_out.run()
    assert held_out.measuring.uplift(as_of=past) == then


def test_without_a_holdout_it_is_said_what_to_do(company: Any) -> None:
    found = company().measuring.uplift()
    assert found.uplift.overall is None
    assert "guardrails.holdout" in to_text(report_uplift(found))


def test_it_is_written_as_a_page_and_listed(
    held_out: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    written = report_uplift(held_out.measuring.uplift())
    assert to_html(written, written.render_pictures()).count("<svg") <= 1
    count = len(held_out.measuring.exposure(as_of=DAY))
    held_out.close()
    page = tmp_path / "uplift.html"
    at = ["--project", str(tmp_path), "--as-of", str(DAY)]
    for asked in (["--out", str(page)], ["--exposure", "--json"]):
        monkeypatch.setattr("sys.argv", ["groundswell", "report", "uplift", *asked, *at])
        with pytest.raises(SystemExit, match="0"):
            main()
    assert "Does contact help?" in page.read_text(encoding="utf-8")
    assert len(json.loads(capsys.readouterr().out)) == count
