"""Signals: what is told of them is what there is; a change is weighed as a run would decide."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from groundswell.config.editing import check_block, find_block
from groundswell.config.loading import CONFIG_FILE
from groundswell.engine import Project
from groundswell.engine.checking import check_project
from groundswell.errors import ConfigError, UsageError
from groundswell.model import Kind, Part
from tests.measuring.conftest import DAY, OPEN, evening, load, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOT_TOLD = "Odd <b>One</b>"
"""An event that means nothing, and is called like markup."""

BLOCKS: dict[str, Any] = {
    **OPEN,
    "motions": [
        {"name": "big", "when": "qualified AND employees >= 800", "motion": "enterprise"},
        {"name": "all", "when": "qualified", "motion": "sales_assist", "play": "ours"},
    ],
    "triggers": {"busy": {"family": "usage", "when": "score > 20", "say": "Busy"}},
    "plays": {"ours": {"title": "Ours", "opening": "Hello."}},
    "guardrails": {**OPEN["guardrails"], "holdout": "30%"},
}


def write(folder: Path, blocks: dict[str, Any]) -> None:
    """Write a configuration with a line for each block, as an editor would change it."""
    lines = (f"{name}: {json.dumps(block)}\n" for name, block in blocks.items())
    (folder / CONFIG_FILE).write_text("".join(lines), encoding="utf-8")


def open_project(folder: Path) -> Project:
    return Project.open(folder, clock=evening(), environ={})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("signals")
    write(made, BLOCKS)
    with open_project(made) as project:
        facts = rows()
        facts["events"] += [
            {
                "message_id": f"odd-{days}",
                "user_id": "u1",
                "account_id": "a01",
                "event": NOT_TOLD,
                "timestamp": f"{DAY - dt.timedelta(days=days)}T{hour}:00Z",
            }
            for days, hour in (
                (0, "23:59"),
                (27, "00:00"),
                (28, "23:59"),
                (55, "00:00"),
                (56, "23:59"),
            )
        ]
        load(project, facts)
        project.run()
    return made


@pytest.fixture
def project(folder: Path) -> Iterator[Project]:
    write(folder, BLOCKS)
    with open_project(folder) as opened:
        yield opened


def test_events_are_counted_by_the_day_on_which_they_happened(project: Project) -> None:
    told = {one.name: one for one in project.signals.read().events}
    odd = told[NOT_TOLD]
    assert (odd.lately, odd.before, odd.ever) == (2, 2, 5)
    assert (odd.meanings, odd.suggested) == ((), None)
    events = project.warehouse.read(Kind.EVENTS)
    lately, before = Counter[str](), Counter[str]()
    for name, at in events.select("event", "occurred_at").iter_rows():
        ago = (DAY - at.date()).days
        (lately if ago < 28 else before if ago < 56 else Counter[str]())[name] += 1
    assert {name: one.lately for name, one in told.items()} == {n: lately[n] for n in told}
    assert {name: one.before for name, one in told.items()} == {n: before[n] for n in told}
    assert {name: one.ever for name, one in told.items()} == project.warehouse.event_counts()
    assert told["Signed Up"].meanings == ("signed_up",)


def test_meanings_hold_the_events_that_carry_them(project: Project) -> None:
    signs = project.signals.read()
    told = {one.name: one for one in signs.meanings}
    asked = next(one for one in signs.events if one.name == "Asked")
    assert told["hand_raised"].events == ("Asked",)
    assert (told["hand_raised"].lately, told["hand_raised"].before) == (asked.lately, asked.before)
    assert asked.lately > 0
    assert "api_called" in signs.unmapped
    assert "hand_raised" not in signs.unmapped


def test_triggers_and_rules_hold_for_as_many_accounts_as_the_latest_run_says(
    project: Project,
) -> None:
    signs = project.signals.read()
    latest = project.looker.latest()
    assert signs.accounts == latest.height
    rules = Counter(latest["rule"].to_list())
    assert {one.name: one.accounts for one in signs.rules if one.accounts} == rules
    held, lately = Counter[str](), Counter[str]()
    for holding in latest["holding"]:
        for one in holding if holding is not None else ():
            held[one["trigger"]] += 1
            lately[one["trigger"]] += (DAY - one["since"]).days < 28
    assert held
    assert {one.name: one.holds for one in signs.triggers if one.holds} == held
    assert {one.name: one.lately for one in signs.triggers if one.lately} == +lately
    (busy,) = (one for one in signs.triggers if one.name == "busy")
    assert busy.origin.startswith(CONFIG_FILE)
    assert busy.when == "score > 20"


def test_guardrails_hold_back_whom_explanations_say(project: Project) -> None:
    signs = project.signals.read()
    held, alone = Counter[str](), Counter[str]()
    for account in project.looker.latest()["account_id"]:
        decision = project.explain(account).decision
        failed = [one.name for one in decision.guardrails if not one.passed]
        if "held back by a guardrail" in decision.reason:
            held.update(failed)
            alone.update(failed if len(failed) == 1 else ())
    assert held["holdout"] > 0
    assert {one.name: one.held for one in signs.guardrails if one.held} == held
    assert {one.name: one.alone for one in signs.guardrails if one.alone} == alone
    (holdout,) = (one for one in signs.guardrails if one.name == "holdout")
    assert (holdout.key, holdout.setting) == ("holdout", "30%")


def test_plays_were_used_as_the_journal_says(project: Project) -> None:
    handoffs = project.handing.book.refresh().all()
    for play in project.signals.read().plays:
        mine = [one for one in handoffs if one.play == play.name]
        assert play.used == len(mine)
        assert play.open == sum(one.is_open for one in mine)
        assert sum(play.outcomes.values()) == play.used - play.open
    (ours,) = (one for one in project.signals.read().plays if one.name == "ours")
    assert ours.used > 0
    assert ours.lines["opening"] == ("Hello.",)
    rules = {one.play: one.accounts for one in project.signals.read().rules}
    assert ours.accounts == rules["ours"]


@pytest.mark.parametrize(
    ("block", "changed"),
    [
        ("guardrails", {**OPEN["guardrails"], "holdout": "0%"}),
        ("guardrails", {**OPEN["guardrails"], "holdout": "60%", "min_account_age": "100d"}),
        ("motions", [{"name": "few", "when": "qualified AND score > 20", "motion": "enterprise"}]),
    ],
)
def test_a_change_is_weighed_as_a_run_decides(
    folder: Path, project: Project, block: str, changed: Any
) -> None:
    text = f"{block}: {json.dumps(changed)}\n"
    weighed = project.signals.weigh(block, text)
    before = project.looker.latest()
    rules_before, handed_before = Counter(before["rule"]), int(before["hand_over"].sum())
    project.close()
    write(folder, {**BLOCKS, block: changed})
    with open_project(folder) as other:
        explained = {name: other.explain(name).decision for name in before["account_id"]}
    handed = sum(one.hand_over for one in explained.values())
    rules = Counter(one.rule for one in explained.values())
    told = {one.name: (one.before, one.after) for one in weighed.tallies.get("rules", ())}
    names = {*rules_before, *rules}
    assert told == {
        name: (rules_before[name], rules[name])
        for name in names
        if rules_before[name] != rules[name]
    }
    handed_over = weighed.tallies.get("handed_over", ())
    assert [(one.before, one.after) for one in handed_over] == (
        [(handed_before, handed)] if handed != handed_before else []
    )
    assert weighed.decides
    assert weighed.differ > 0
    assert weighed.accounts == before.height


SCORE = {"preset": "hybrid", "qualified": {"at_least": 5}}


@pytest.mark.parametrize(
    "changed",
    [
        {**SCORE, "qualified": {"at_least": 22}},
        {**SCORE, "weights": {"usage": 0.1, "fit": 0.8, "behaviour": 0.1}},
        {"preset": "points", "qualified": {"above": 30}},
    ],
    ids=["threshold", "weights", "preset"],
)
def test_another_score_moves_whom_a_run_by_it_moves(
    folder: Path, project: Project, changed: dict[str, Any], tmp_path: Path
) -> None:
    text = f"score: {json.dumps(changed)}\n"
    weighed = project.signals.weigh("score", text)
    moves = weighed.scores
    assert moves is not None
    before = {row["account_id"]: row for row in project.looker.latest().iter_rows(named=True)}
    capacity = project.lab.capacity()
    project.close()
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    write(copy, {**BLOCKS, "score": changed})
    with open_project(copy) as other:
        other.run()
        after = {row["account_id"]: row for row in other.looker.latest().iter_rows(named=True)}
    passed = {name for name, row in before.items() if row["above_threshold"]}
    passes = {name for name, row in after.items() if row["above_threshold"]}
    assert (moves.above_before, moves.above_after) == (len(passed), len(passes))
    assert (moves.rise, moves.fall) == (len(passes - passed), len(passed - passes))
    far = {name: abs(after[name]["score"] - row["score"]) for name, row in before.items()}
    moved = {name for name in before if far[name] >= 0.1 or (name in passed) != (name in passes)}
    assert moves.moved == len(moved) > 0
    first = [one.account_id for one in moves.first]
    wanted = sorted(moved, key=lambda n: ((n in passed) == (n in passes), -round(far[n], 9), n))
    assert first == wanted[: len(first)]
    crosses = {(True, False): "below", (False, True): "above"}
    for one in moves.first:
        name = one.account_id
        assert one.before == pytest.approx(before[name]["score"])
        assert one.after == pytest.approx(after[name]["score"])
        assert one.crosses == crosses.get((name in passed, name in passes), "")
        higher = (row["score"] > after[name]["score"] for row in after.values())
        assert one.rank_after == 1 + sum(higher)
    best = [
        sorted(rows, key=lambda n, rows=rows: (-rows[n]["score"], n))[:capacity]
        for rows in (before, after)
    ]
    assert moves.kept == len({*best[0]} & {*best[1]})


def test_who_does_not_pass_any_more_is_decided_on_as_let_go(project: Project) -> None:
    latest = project.looker.latest()
    line = float(latest["score"].sort()[latest.height // 2])
    text = f'score: {{"preset": "hybrid", "qualified": {{"at_least": {line}}}}}\n'
    rules = {one.name: one for one in project.signals.weigh("score", text).tallies["rules"]}
    passing = latest.filter(pl.col("score") >= line)
    big = pl.col("employees") >= 800
    assert rules["big"].before == latest.filter(pl.col("qualified") & big).height
    assert rules["big"].after == passing.filter(big).height
    assert rules["all"].after == passing.filter(~big).height


def test_numbers_are_proposed_as_the_text_that_says_them(project: Project) -> None:
    signals, score = project.signals, project.loaded.score
    name = score.parts[Part.USAGE].components[0].name
    told = signals.propose_score(weights={"fit": 0.9}, times={f"usage.{name}": 2.0}, qualified=33.0)
    change = signals.check("score", told.text, digest=told.digest)
    assert not change.problems
    assert "33" in change.diff
    weights = check_block(find_block(project.root, "score"), told.text).score.parts
    before = {part: one.weight for part, one in score.parts.items()} | {Part.FIT: 0.9}
    whole = sum(before.values())
    for part, weight in before.items():
        assert weights[part].weight == pytest.approx(weight / whole, abs=2e-4)
    assert sum(one.weight for one in weights.values()) == pytest.approx(1, abs=1e-9)
    same = signals.propose_score(
        weights={"fit": score.parts[Part.FIT].weight}, times={f"usage.{name}": 1.0}, qualified=5.0
    )
    assert same.text == signals.block("score").text


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ({"weights": {"fitt": 1.0}}, "score-part"),
        ({"weights": {"fit": -1.0}}, "score-number"),
        ({"weights": {"fit": float("nan")}}, "score-number"),
        ({"times": {"usage.nothing": 2.0}}, "score-component"),
        ({"times": {"usage.daily_active_users": 11.0}}, "score-number"),
        ({"qualified": 100.5}, "score-number"),
    ],
)
def test_numbers_that_are_none_are_refused(
    project: Project, numbers: dict[str, Any], code: str
) -> None:
    with pytest.raises(UsageError) as refused:
        project.signals.propose_score(**numbers)
    assert refused.value.problems[0].code == code


def test_a_learned_score_is_not_turned_by_hand(folder: Path, project: Project) -> None:
    learned = {**BLOCKS, "score": {"preset": "fitted", "prior": "hybrid"}}
    assert project.signals.weigh("score", 'score: {"preset": "fitted"}\n').scores is None
    project.close()
    write(folder, learned)
    with open_project(folder) as other:
        with pytest.raises(UsageError) as refused:
            other.signals.propose_score(qualified=20.0)
        assert refused.value.problems[0].code == "score-learned"
        assert not other.signals.weigh("score", 'score: {"preset": "hybrid"}\n').decides


def test_what_changes_features_is_counted_in_events_and_decides_nothing(project: Project) -> None:
    events = {**OPEN["events"], "invited": NOT_TOLD}
    weighed = project.signals.weigh("events", f"events: {json.dumps(events)}\n")
    assert not weighed.decides
    (told,) = weighed.tallies["meanings"]
    assert (told.name, told.before, told.after) == ("invited", 0, 2)
    assert weighed.notes


def test_a_new_trigger_is_told_for_whom_it_would_hold(project: Project) -> None:
    text = 'triggers: {"high": {"family": "usage", "when": "score > 15", "say": "High"}}\n'
    told = {one.name: one for one in project.signals.weigh("triggers", text).tallies["triggers"]}
    latest = project.looker.latest()
    assert told["high"].after == latest.filter(pl.col("score") > 15).height > 0
    assert told["busy"].before == latest.filter(pl.col("score") > 20).height
    assert told["busy"].after == 0


WRONG = [
    ("triggers", "triggers:\n  busy: {family: usge, when: scor > 1, say: '{nothing}'}\n"),
    ("events", "events:\n  signd_up: Joined\n"),
    ("plays", "plays: [1, 2"),
    ("guardrails", "guardrails:\n  holdout: many\n  max_silenc: 3d\n"),
    ("motions", "motions:\n  - {name: a, when: 'qualified AND', motion: enterprise}\n"),
    ("teams", "teams:\n  a:\n    members: [{name: A}]\n"),
]


@pytest.mark.parametrize(("block", "text"), WRONG)
def test_mistakes_are_those_that_check_tells_of(
    folder: Path, project: Project, block: str, text: str
) -> None:
    file = folder / CONFIG_FILE
    before = file.read_text("utf-8")
    change = project.signals.check(block, text)
    assert change.problems
    assert file.read_text("utf-8") == before
    lines = before.splitlines(keepends=True)
    changed = "".join(text if line.startswith(f"{block}:") else line for line in lines)
    file.write_text(changed, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        check_project(folder, {})
    file.write_text(before, encoding="utf-8")
    assert change.problems == refused.value.problems
    with pytest.raises(ConfigError):
        project.signals.weigh(block, text)


def test_what_may_not_be_written_is_not(folder: Path, project: Project) -> None:
    told = project.signals.block("triggers")
    before = (folder / CONFIG_FILE).read_bytes()
    assert not told.may_write
    with pytest.raises(UsageError) as refused:
        project.signals.write("triggers", "triggers: {}\n", digest=told.digest)
    assert refused.value.problems[0].code == "edit-off"
    for block in ("warehouse", "web", "destinations", ""):
        with pytest.raises(UsageError):
            project.signals.check(block, f"{block}: x\n")
    assert (folder / CONFIG_FILE).read_bytes() == before


def test_a_change_is_written_where_it_was_made_of_the_file_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, {"company": "Ours", "web": {"write_config": True}})
    file = tmp_path / CONFIG_FILE
    taken: list[str] = []
    with open_project(tmp_path) as project:
        project.signals.take_up = lambda: taken.append("up")
        told = project.signals.block("guardrails")
        text = "guardrails:\n  holdout: 20%  # agreed\n"
        assert told.text == ""
        before = file.read_bytes()
        for wrong in ("guardrails: [", "guardrails:\n  x: 1\n", "company: Others\n"):
            with pytest.raises(ConfigError):
                project.signals.write("guardrails", wrong, digest=told.digest)
            assert file.read_bytes() == before
        assert taken == []
        change = project.signals.check("guardrails", text, digest=told.digest)
        assert not change.problems
        written = project.signals.write("guardrails", text, digest=told.digest)
        assert written.taken_up
        assert taken == ["up"]
        assert file.read_text("utf-8").endswith(text)
        line = file.read_text("utf-8").splitlines().index("guardrails:") + 1
        assert line == change.line
        after = file.read_bytes()
        for refuse in (
            lambda: project.signals.write("guardrails", text, digest=told.digest),
            lambda: project.signals.check("guardrails", text, digest=told.digest),
        ):
            with pytest.raises(UsageError) as refused:
                refuse()
            assert refused.value.problems[0].code == "edit-stale"
        assert file.read_bytes() == after
        assert project.signals.block("guardrails").digest == written.digest


def test_a_project_without_accounts_says_so(tmp_path: Path) -> None:
    write(tmp_path, {"company": "Ours"})
    with open_project(tmp_path) as project:
        signs = project.signals.read()
        assert (signs.accounts, signs.as_of, signs.events) == (0, None, ())
        weighed = project.signals.weigh("guardrails", "guardrails:\n  holdout: 20%\n")
        assert (weighed.accounts, weighed.decides) == (0, False)
