"""Steps beside the lines win where lines cannot follow, and take over by later rows only."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from groundswell.errors import MissingExtraError
from groundswell.scoring.learning import Plan, learn, study
from groundswell.scoring.learning.challenger import boost
from groundswell.scoring.learning.choosing import choose
from groundswell.scoring.learning.examples import folds_by_chance

if TYPE_CHECKING:
    from groundswell.scoring.learning.examples import Examples


def banded(made, rows: int) -> Examples:
    """Make rows in which the outcome comes where a number lies in one of two narrow bands."""
    examples = made(rows, strength=0.3)
    strong = examples.features["strong"].to_numpy()
    inside = (np.abs(strong) > 0.2) & (np.abs(strong) < 0.45)
    chance = np.where(inside, 0.8, 0.1)
    label = np.random.default_rng(1).random(rows) < chance
    return replace(examples, label=label)


def test_it_takes_over_where_it_wins_on_later_rows(made):
    examples = banded(made, 4_000)
    lesson = learn(examples, Plan(by_time=True, challenged=True))
    found = lesson.study.challenge
    assert found.promoted
    assert found.better_by.low > 0.05
    assert found.roc_auc == lesson.study.roc_auc
    assert lesson.study.learned.shape.endswith("and stepped")
    card = next(line for line in lesson.study.scorecard.lines if line.feature == "strong")
    given = dict(zip(card.at, card.give, strict=True))
    inside = [points for value, points in given.items() if 0.23 < abs(value) < 0.42]
    outside = [points for value, points in given.items() if abs(value) < 0.17]
    assert min(inside) > max(outside) + 40


def test_it_does_not_by_chance_nor_where_a_sum_is_the_truth(made):
    by_chance = study(banded(made, 4_000), Plan(challenged=True))
    assert by_chance.challenge.better_by.low > 0.05
    assert not by_chance.challenge.promoted
    assert by_chance.roc_auc.value < by_chance.challenge.roc_auc.value
    found = study(made(3_000), Plan(by_time=True, challenged=True)).challenge
    assert not found.promoted
    assert abs(found.better_by.value) < 0.01


def test_it_does_not_where_rows_are_judged_in_rounds(made):
    plan = Plan(by_time=True, challenged=True, rounds=1)
    found = study(banded(made, 4_000), plan).challenge
    assert found.better_by.low > 0.05
    assert not found.promoted


def test_it_is_not_tried_with_too_few_positive_rows_nor_unasked(made):
    assert study(made(500), Plan(challenged=True)).challenge is None
    assert study(made(3_000), Plan()).challenge is None


def test_what_it_adds_is_what_the_trees_say_by_feature(made):
    def sometimes(rng, label):
        return np.where(rng.random(len(label)) < 0.2, np.nan, rng.normal(size=len(label)))

    examples = banded(made, 2_000)
    gaps = pl.Series("gaps", sometimes(np.random.default_rng(3), examples.label)).fill_nan(None)
    examples = replace(examples, features=examples.features.with_columns(gaps))
    fitted = choose(examples, folds_by_chance(examples, folds=3, seed=0))
    stepped = boost(fitted.model, examples, seed=0)
    assert {steps.feature for steps in stepped.steps} <= {"strong", "weak", "noise", "gaps", "flag"}
    rows = examples.features
    added = stepped.contributions(rows).sum_horizontal().to_numpy()
    assert stepped.intercept + added == pytest.approx(stepped.log_odds(rows))
    each = [steps.of(rows[steps.feature]) for steps in stepped.steps]
    assert np.array(each).mean(axis=1) == pytest.approx(0.0, abs=1e-9)
    assert boost(fitted.model, examples, seed=0).log_odds(rows) == pytest.approx(
        stepped.log_odds(rows)
    )


def test_without_the_extra_the_command_that_installs_it_is_said(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingExtraError, match=r"groundswell\[lab\]"):
        study(made(3_000), Plan(challenged=True))
