"""The lab of a project: definitions learned, proved, compared, published and watched."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from groundswell.clock import FixedClock
from groundswell.config.definitions import write_definition
from groundswell.engine import Project
from groundswell.engine.lab.history import History, Question
from groundswell.errors import UsageError
from groundswell.scoring import explain_score, score_frame
from groundswell.scoring.learning import Figure

from .conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TODAY = NOW.date()


def draft_of(project: Project) -> str:
    return next(model.version for model in project.lab.versions() if model.status == "draft")


def test_what_is_paid_by_day_is_what_the_features_say(opened: Project) -> None:
    history = History.of(opened.computer, TODAY)
    features = opened.features(TODAY, weeks=40).select("account_id", "as_of", "mrr", "is_paying")
    steps = history.outcomes.revenue.sort("day")
    joined = features.sort("as_of").join_asof(
        steps, left_on="as_of", right_on="day", by="account_id", check_sortedness=False
    )
    paid = joined["mrr_right"].fill_null(0.0)
    assert (joined["mrr"].fill_null(0.0) - paid).abs().max() == pytest.approx(0.0, abs=1e-9)
    assert (joined["is_paying"].fill_null(value=False) == (paid > 0)).all()
    assert steps.height > 50


def test_deals_are_won_on_their_day_by_the_account_they_are_part_of(opened: Project) -> None:
    won = History.of(opened.computer, TODAY).outcomes.wins
    told = opened.warehouse.read("opportunities")
    deals = told.filter(pl.col("won") & pl.col("closed_at").is_not_null()).unique("opportunity_id")
    expected = sorted(zip(deals["account_id"], deals["closed_at"].dt.date(), strict=True))
    assert sorted(zip(won["account_id"], won["day"], strict=True)) == expected
    assert expected


def test_nothing_after_the_last_event_counts_as_known(opened: Project) -> None:
    far = History.of(opened.computer, TODAY + timedelta(days=200))
    assert far.until == TODAY
    assert History.of(opened.computer, date(2026, 1, 31)).until == date(2026, 1, 31)


def test_a_draft_is_learned_and_beats_the_score_it_began_with(learned: Path) -> None:
    with Project.open(learned, clock=FixedClock(NOW)) as project:
        version = draft_of(project)
        model = project.lab.version(version)
        assert model.facts["prior"] == project.loaded.score.version
        assert model.facts["learned_to"] < model.facts["judged_from"]
        gap = date.fromisoformat(model.facts["judged_from"]) - timedelta(days=60)
        assert date.fromisoformat(model.facts["learned_to"]) <= gap
        found = project.lab.compare("current", version)
        assert found.first.roc_auc is not None
        assert found.second.roc_auc is not None
        assert found.second.roc_auc.value > 0.85
        assert found.auc_gain is not None
        gain = found.second.roc_auc.value - found.first.roc_auc.value
        assert found.auc_gain.value == pytest.approx(gain, abs=1e-9)
        assert found.first.first >= date.fromisoformat(model.facts["judged_from"])
        assert found.first.left_out > 0
        assert {mover.account_id for mover in found.entering}.isdisjoint(
            mover.account_id for mover in found.leaving
        )


def test_learning_again_comes_to_the_same_version(learned: Path) -> None:
    with Project.open(learned, clock=FixedClock(NOW)) as project:
        again = project.lab.fit(who="bob")
        assert again.version == draft_of(project)
        assert not again.new
        other = project.lab.fit(horizon=30)
        assert other.version != again.version


def test_nothing_is_learned_from_too_few(opened: Project) -> None:
    found = opened.lab.fit(outcome="won", horizon=30)
    assert found.study.verdict == "too_few"
    assert found.version is None
    assert [model.status for model in opened.lab.versions()] == ["hand_made"]


def test_a_published_version_scores_alike_on_every_way(learned: Path, scored_by: Callable) -> None:
    with Project.open(learned, clock=FixedClock(NOW)) as project:
        version = draft_of(project)
        project.lab.publish(version, who="ann", reason="it is better")
    scored_by("score: {preset: fitted}")
    with Project.open(learned, clock=FixedClock(NOW)) as project:
        assert project.loaded.score.version == version
        project.run()
        rows = {row.account_id: row.score for row in project.accounts()}
        frame = project.features()
        batch = dict(score_frame(project.loaded.score, frame).select("account_id", "score").rows())
        assert rows == batch
        for row in frame.sample(40, seed=1).iter_rows(named=True):
            told = explain_score(project.loaded.score, row)
            assert told.value == batch[told.account_id]
            points = told.base + sum(item.points for item in told.components)
            assert min(max(points, 0.0), 100.0) == pytest.approx(told.value, abs=1e-6)
        best = max(rows, key=rows.__getitem__)
        story = project.explain(best)
        assert (story.score, story.model_version) == (rows[best], version)
        assert story.chance is not None
        assert 0 < story.chance < 1
        live = project.follow()
        live.rebase()
        assert {row.account_id: row.score for row in project.accounts()} == batch


def test_an_old_score_is_explained_by_the_version_that_gave_it(
    learned: Path, scored_by: Callable
) -> None:
    with Project.open(learned, clock=FixedClock(NOW)) as project:
        version, before = draft_of(project), project.loaded.score.version
        account = project.accounts(limit=1)[0].account_id
        old = project.explain(account)
        project.lab.publish(version, who="ann", reason="")
    scored_by("score: {preset: fitted}")
    with Project.open(learned, clock=FixedClock(NOW)) as project:
        assert project.explain(account).model_version == version
        again = project.explain(account, model=before)
        assert (again.score, again.components) == (old.score, old.components)
        assert again.model_version == before
        assert project.explain(account, model="points").model_version.startswith("points-")


def test_publishing_demands_a_backtest_and_rolls_back(learned: Path, scored_by: Callable) -> None:
    scored_by("score: {preset: fitted}")
    with Project.open(learned, clock=FixedClock(NOW)) as project:
        lab, hand_made = project.lab, project.loaded.score.version
        first = draft_of(project)
        second = lab.fit(horizon=45).version
        assert second is not None
        with pytest.raises(UsageError, match="never judged by the past"):
            lab.publish(second, who="ann", reason="")
        handing = project.handing
        lab.publish(first, who="ann", reason="proved")
        assert project.loaded.score.version == handing.loaded.score.version == first
        policy, since = learned / "groundswell.yaml", TODAY - timedelta(days=30)
        same = project.simulate(policy, since=since, until=TODAY)
        assert same.now
        assert (same.now, same.differing) == (same.then, ())
        lab.backtest(second, who="ann")
        lab.publish(second, who="bob", reason="newer")
        assert project.loaded.score.version == second
        status = {model.version: model.status for model in lab.versions()}
        assert (status[first], status[second]) == ("retired", "published")
        lab.roll_back(who="ann")
        assert project.loaded.score.version == first
        lab.retire(first, who="ann", reason="by hand again")
        assert project.loaded.score.version == hand_made
        moves = [(move.what, move.who) for move in lab.version(first).moves]
        assert moves[-4:] == [
            ("published", "ann"),
            ("retired", "bob"),
            ("published", "ann"),
            ("retired", "ann"),
        ]


def test_a_follower_takes_up_what_is_published(learned: Path, scored_by: Callable) -> None:
    scored_by("score: {preset: fitted}")
    with Project.open(learned, clock=FixedClock(NOW)) as project:
        live = project.follow()
        live.rebase()
        assert not live.is_due()
        before = {row.account_id: row.score for row in project.accounts()}
        project.lab.publish(draft_of(project), who="ann", reason="")
        assert live.is_due()
        live.rebase()
        after = {row.account_id: row.score for row in project.accounts()}
        assert after.keys() == before.keys()
        assert after != before
        assert not live.is_due()


def test_an_edited_card_is_another_version_that_remembers_what_it_learned_from(
    learned: Path, tmp_path: Path
) -> None:
    with Project.open(learned, clock=FixedClock(NOW)) as project:
        version = draft_of(project)
        text = project.lab.version(version).definition
        file = tmp_path / "card.yaml"
        file.write_text(text.replace("base: ", "base: 1"), encoding="utf-8")
        edited = project.lab.add(file, who="ann", reason="a little more for everybody")
        assert edited.version != version
        assert edited.status == "draft"
        found = project.lab.backtest(edited.version, who="ann")
        assert found.first >= project.lab.definition(version).learned_until
        file.write_text(text.replace("from: employees", "from: employes"), encoding="utf-8")
        with pytest.raises(Exception, match="Did you mean `employees`"):
            project.lab.add(file)


def test_a_definition_written_and_read_again_is_the_same(opened: Project, tmp_path: Path) -> None:
    for name in ("hybrid", "points", "buckets"):
        score = opened.lab.definition(name)
        file = tmp_path / f"{name}.yaml"
        file.write_text(write_definition(score), encoding="utf-8")
        assert opened.lab.definition(str(file)) == score
        assert opened.lab.definition(str(file)).version == score.version
    with pytest.raises(UsageError, match="versions of the score begin with `hybird`"):
        opened.lab.definition("hybird")


def test_events_after_a_day_change_no_feature_score_or_label_before_it(folder: Path) -> None:
    """What was loaded until a day comes to what everything comes to as of that day."""
    day = date(2026, 4, 30)
    question = Question("converted", 30)
    with Project.open(folder, clock=FixedClock(NOW)) as project:
        score = project.loaded.score
        whole = History.of(project.computer, TODAY)
        days = [day - timedelta(weeks=week) for week in range(12, 4, -1)]
        seen = whole.labelled_whole(days, question)
        before = History.of(project.computer, day).labelled_whole(days, question)
    keys = ["account_id", "as_of"]
    both = seen.join(before.select(*keys), on=keys, how="semi").sort(keys)
    assert both.height == before.height > 500
    ours, theirs = (frame.sort(keys) for frame in (both, before))
    assert ours.drop("came_on", "acv").equals(theirs.drop("came_on", "acv"))
    assert score_frame(score, ours).equals(score_frame(score, theirs))


@pytest.mark.parametrize("as_known", [False, True])
def test_the_week_that_is_judged_is_the_week_that_was(opened: Project, *, as_known: bool) -> None:
    """A backtest's rows are what `features` and `score_frame` say as of that very day."""
    from groundswell.engine.lab.backtesting import replay

    history = History.of(opened.computer, TODAY, as_known=as_known)
    days = history.days(6, far=30)
    weeks, (said,) = replay(history, Question("converted", 30), [opened.loaded.score], days)
    for number in (0, 3, 5):
        frame = opened.features(days[number], as_known=as_known)
        scores = dict(score_frame(opened.loaded.score, frame).select("account_id", "score").rows())
        rows = np.flatnonzero(weeks.week == number)
        assert len(rows) > 100
        for row in rows:
            assert said.scores[row] == scores[weeks.ids[weeks.account[row]]]
        free = frame.filter(~pl.col("is_paying").fill_null(value=False))
        assert {weeks.ids[weeks.account[row]] for row in rows} == set(free["account_id"])


def test_what_had_not_arrived_does_not_speak_for_a_definition(opened: Project) -> None:
    late, known = (
        opened.lab.backtest("hybrid", weeks=8, as_of=TODAY, as_known=as_known).brier.value
        for as_known in (False, True)
    )
    assert late != known
    assert late == pytest.approx(known, abs=0.01)


def test_what_moved_is_told_and_what_did_not_is_not(learned: Path) -> None:
    with Project.open(learned, clock=FixedClock(NOW)) as project:
        found = project.lab.drift("hybrid", since=TODAY - timedelta(days=7))
        assert not any(item.warns for item in found.features)
        assert not found.score.warns
        assert found.refit_due is None
        assert found.warnings == ()
        version = draft_of(project)
        assert project.lab.drift(version).since == project.lab.definition(version).learned_until
    later = FixedClock(NOW + timedelta(days=200))
    with Project.open(learned, clock=later) as project:
        definition = project.lab.definition(version)
        from groundswell.engine.registry import refit_due

        due = refit_due(definition, later.now().date())
        assert due == definition.learned_until + timedelta(days=182)


def test_a_challenger_runs_in_shadow_once_a_week(learned: Path, scored_by: Callable) -> None:
    scored_by("score: {preset: fitted}")
    clock = FixedClock(NOW)
    with Project.open(learned, clock=clock) as project:
        found = project.lab.challenge_if_due()
        assert found is not None
        assert found.version is not None
        assert (found.weeks, found.came, found.offered) == (0, 0, False)
        assert project.lab.challenge_if_due() is None
    with Project.open(learned, clock=clock) as project:  # it is remembered, too
        assert project.lab.challenge_if_due() is None
        clock.advance(timedelta(days=7))
        assert project.lab.challenge_if_due() is not None


def test_challengers_are_judged_by_weeks_that_came_after(learned: Path) -> None:
    from groundswell.engine.lab.challenging import judge_shadows

    with Project.open(learned, clock=FixedClock(NOW)) as project:
        history = History.of(project.computer, TODAY)
        good = replace(project.lab.definition(draft_of(project)), learned_until=None)
        hand_made = project.loaded.score
        question = Question("converted", 60)
        days = [TODAY - timedelta(weeks=week) for week in (16, 14, 12, 10, 4, 2)]
        weeks, came, gain = judge_shadows(history, question, hand_made, [(d, good) for d in days])
        assert weeks == 4  # of six the horizon of four is over
        assert came >= 20
        assert gain is not None
        _, _, same = judge_shadows(history, question, good, [(day, good) for day in days])
        assert same is not None
        assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
        _, _, loss = judge_shadows(history, question, good, [(day, hand_made) for day in days])
        assert loss is not None
        assert loss.value == pytest.approx(-gain.value)


def test_behaviours_of_the_company_are_those_of_its_snapshots(opened: Project) -> None:
    found = opened.lab.behaviours("converted", near=14, far=60)
    assert found.came >= 20
    rows = {row.feature: row for row in found.rows}
    assert rows["features_used_28d"].effect.low > 0.5
    with pytest.raises(UsageError, match="is not nearer"):
        opened.lab.behaviours("converted", near=60, far=30)


def test_what_cannot_be_asked_is_said(opened: Project) -> None:
    with pytest.raises(UsageError, match="out of range"):
        opened.lab.fit(horizon=900)
    with pytest.raises(UsageError, match="No other version was ever published"):
        opened.lab.roll_back()
    with pytest.raises(UsageError, match=r"no later week|came to no account"):
        opened.lab.backtest("hybrid", as_of=date(2025, 6, 1), weeks=2)


def test_no_challenger_is_judged_by_what_the_published_one_learned_from(learned: Path) -> None:
    from groundswell.engine.lab.challenging import judge_shadows

    with Project.open(learned, clock=FixedClock(NOW)) as project:
        history = History.of(project.computer, TODAY)
        champion, hand_made = project.lab.definition(draft_of(project)), project.loaded.score
        assert champion.learned_until is not None
        seen = [champion.learned_until - timedelta(days=day) for day in (1, 30, 60)]
        shadows = [(day, hand_made) for day in (*seen, champion.learned_until)]
        weeks, _, _ = judge_shadows(history, Question("converted", 60), champion, shadows)
        assert weeks == 1


def test_a_challenger_that_did_better_is_proved_and_published_where_that_is_allowed(
    learned: Path, scored_by: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundswell.engine.lab import lab

    scored_by("score: {preset: fitted}\nlearning: {publish: when_better}")
    won = Figure(0.05, 0.02, 0.08)
    monkeypatch.setattr(lab, "judge_shadows", lambda *_: (12, 40, won))
    with Project.open(learned, clock=FixedClock(NOW)) as project:
        found = project.lab.challenge(who="ann")
        assert (found.offered, found.published) == (True, True)
        model = project.lab.models.published()
        assert model is not None
        assert model.version == found.version == project.loaded.score.version
        assert model.backtests[-1]["roc_auc"]["low"] > 0.5
        assert [move.what for move in model.moves][-2:] == ["backtested", "published"]
