"""Learning a definition from a company's own outcomes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.clock import day_from_number
from groundswell.config.definitions import write_definition
from groundswell.engine.lab.wording import FILLED_IN, LEFT_OUT, Words
from groundswell.scoring import score_frame
from groundswell.scoring.combination import passes
from groundswell.scoring.learning import (
    Gathering,
    Lesson,
    Outcome,
    Plan,
    Prior,
    Study,
    define,
    examples_of,
    find_naive_gaps,
    finish,
    learn,
)

if TYPE_CHECKING:
    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import ScoreDef
    from groundswell.config.schema import Threshold
    from groundswell.engine.lab.history import History, Question
    from groundswell.scoring.learning import Alarm
    from groundswell.scoring.learning.examples import Examples

MOST_FEATURES = 12
"""Features that a scorecard has at most, beside those of the hand-made score."""

TEST_FRACTION = 0.3
GOAL = 0.2
"""The share of qualified accounts that should convert. Source: MODELS section 4."""


@dataclass(frozen=True)
class Learnt:
    """What came of learning.

    Attributes:
        study: What was found.
        outcome: What was asked.
        horizon: Days in which the outcome had to come.
        first: The first snapshot learned from.
        last: The last one.
        judged_from: The first snapshot judged by.
        judged_until: The last one.
        accounts: That were learned from.
        definition: The scorecard; none where there is no signal.
        prior: The version of the hand-made score that learning began with.
    """

    study: Study
    outcome: Outcome
    horizon: int
    first: date | None = None
    last: date | None = None
    judged_from: date | None = None
    judged_until: date | None = None
    accounts: int = 0
    definition: ScoreDef | None = None
    prior: str = ""


@dataclass(frozen=True)
class FitReport:
    """What came of learning a definition.

    Attributes:
        version: Of the draft; none where there is no signal, or too little to learn from.
        new: Whether it was not there before.
        outcome: What was asked.
        horizon: Days in which it had to come.
        prior: The hand-made definition that learning began with.
        accounts: That were learned from.
        learned_from, learned_to: The first and the last snapshot learned from.
        judged_from, judged_to: Those judged by.
        study: What was found.
        definition: The draft, as YAML.
    """

    version: str | None
    new: bool
    outcome: Outcome
    horizon: int
    prior: str
    accounts: int
    learned_from: date | None
    learned_to: date | None
    judged_from: date | None
    judged_to: date | None
    study: Study
    definition: str | None = None


def fit(
    loaded: LoadedConfig,
    prior: ScoreDef,
    history: History,
    question: Question,
    *,
    weeks: int,
    seed: int = 0,
    challenged: bool = False,
) -> Learnt:
    """Learn a definition near a hand-made one, from weekly snapshots and what came after them.

    Args:
        loaded: The configuration.
        prior: The hand-made score.
        history: The company's past.
        question: Which outcome, and how soon.
        weeks: Weekly snapshots that are looked at.
        seed: Of what goes by chance.
        challenged: Whether gradient boosting is tried beside.

    Raises:
        MissingExtraError: Gradient boosting is asked for and not installed.
    """
    days = history.days(weeks, far=question.far)
    gathering = Gathering.of(accounts=history.accounts, weeks=weeks, seed=seed)
    for frame in history.labelled(days, question):
        gathering.add(frame)
    snapshots = gathering.frame()
    if snapshots.is_empty():
        said = "No snapshot's horizon is over yet. Keep the hand-made score."
        none = Study("too_few", said, 0, 0)
        return Learnt(none, question.outcome, question.far, prior=prior.version)
    taken = Prior.of(prior, snapshots)
    examples, left_out = examples_of(snapshots, taken, left_out=LEFT_OUT)
    plan = Plan(
        test_fraction=TEST_FRACTION,
        seed=seed,
        by_time=True,
        embargo=float(question.far),
        prior=taken.weights,
        challenged=challenged,
        most=MOST_FEATURES,
        filled_in=FILLED_IN,
    )
    lesson = learn(examples, plan, left_out=left_out)
    learned, judged = (_span(part) for part in (lesson.learned, lesson.judged))
    found = Learnt(
        lesson.study,
        question.outcome,
        question.far,
        *learned,
        *judged,
        accounts=len(np.unique(lesson.learned.group)),
        prior=prior.version,
    )
    if lesson.points is None:
        return found
    gaps = _naive_gaps(history, snapshots, taken, lesson)
    found = replace(found, study=replace(found.study, alarms=(*found.study.alarms, *gaps)))
    if lesson.study.verdict != "ok":
        return found
    begun, until = judged
    assert begun is not None, "rows were judged"
    assert until is not None, "rows were judged"
    defined = define(lesson, taken, Words(loaded), snapshots)
    latest = snapshots.filter(pl.col("as_of") >= until - timedelta(days=question.far))
    return replace(found, definition=_with_lines(defined, prior, latest, begun))


def _span(examples: Examples) -> tuple[date | None, date | None]:
    if not len(examples):
        return None, None
    first, last = (day_from_number(int(day)) for day in examples.time[[0, -1]])
    return first, last


def _naive_gaps(
    history: History, snapshots: pl.DataFrame, prior: Prior, lesson: Lesson
) -> list[Alarm]:
    """Look for features that only tell since they are looked at today."""
    names = [name for name in lesson.learned.features.columns if name not in prior.specs]
    if not names:
        return []
    now = history.on(history.until).select("account_id", *names)
    today = snapshots.drop(names).join(now, on="account_id", how="left", maintain_order="left")
    naive, _ = examples_of(today.select(snapshots.columns), prior, left_out={})
    some = [name for name in names if name in naive.features.columns]
    place = {
        "past": np.searchsorted(naive.time, lesson.judged.time[0]),
        "end": len(lesson.learned),
    }
    naive = naive.keep(some)
    todays = (
        naive.take(np.arange(place["end"])),
        naive.take(np.arange(place["past"], place["past"] + len(lesson.judged))),
    )
    return find_naive_gaps((lesson.learned.keep(some), lesson.judged.keep(some)), todays)


def _with_lines(
    found: ScoreDef, prior: ScoreDef, latest: pl.DataFrame, learned_until: date
) -> ScoreDef:
    """Let as many of the latest snapshots pass as pass the hand-made score's own lines.

    Where none does, an account qualifies from a chance of one in five on.
    """
    ours = np.sort(score_frame(found, latest)["score"].to_numpy())
    theirs = score_frame(prior, latest)["score"].to_numpy()

    def line(threshold: Threshold | None) -> float | None:
        if threshold is None:
            return None
        share = float(np.mean([passes(threshold, score) for score in theirs]))
        if share == 0.0:
            return None
        passing = float(np.quantile(ours, 1 - share, method="higher"))
        return math.floor(passing * 10 - 1) / 10

    qualified = line(prior.qualified)
    if qualified is None:
        assert found.chance is not None, "it was learned"
        qualified = round(float(np.interp(GOAL, found.chance.give, found.chance.at)), 1)
    return finish(
        found,
        qualified=qualified,
        enterprise=line(prior.enterprise),
        learned_until=learned_until,
    )


def report_fit(found: Learnt, *, new: bool) -> FitReport:
    """Return what is told of what was learned.

    Args:
        found: That.
        new: Whether its draft was not there before.
    """
    definition = found.definition
    return FitReport(
        version=definition.version if definition is not None else None,
        new=new,
        outcome=found.outcome,
        horizon=found.horizon,
        prior=found.prior,
        accounts=found.accounts,
        learned_from=found.first,
        learned_to=found.last,
        judged_from=found.judged_from,
        judged_to=found.judged_until,
        study=replace(found.study, scorecard=None),
        definition=write_definition(definition) if definition is not None else None,
    )
