"""Gradient boosting wins where a sum cannot follow, and is promoted by later rows only."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from groundswell.errors import MissingExtraError
from groundswell.scoring.learning import Plan, study

if TYPE_CHECKING:
    from groundswell.scoring.learning.examples import Examples


def crossed(made, rows: int) -> Examples:
    """Make rows in which only two features together tell the outcome."""
    examples = made(rows, strength=0.3)
    strong, weak = (examples.features[name].to_numpy() for name in ("strong", "weak"))
    chance = np.where(strong * weak > 0, 0.7, 0.1)
    label = np.random.default_rng(1).random(rows) < chance
    return replace(examples, label=label)


def test_it_is_promoted_where_it_wins_on_later_rows(made):
    found = study(crossed(made, 3_000), Plan(by_time=True, challenged=True)).challenge
    assert found.promoted
    assert found.better_by.low > 0.1
    assert found.roc_auc.value > 0.75


def test_it_is_not_by_chance_nor_where_a_sum_is_the_truth(made):
    assert not study(crossed(made, 3_000), Plan(challenged=True)).challenge.promoted
    found = study(made(3_000), Plan(by_time=True, challenged=True)).challenge
    assert not found.promoted
    assert found.better_by.value < 0.01


def test_it_is_not_tried_with_too_few_positive_rows_nor_unasked(made):
    assert study(made(500), Plan(challenged=True)).challenge is None
    assert study(made(3_000), Plan()).challenge is None


def test_without_the_extra_the_command_that_installs_it_is_said(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingExtraError, match=r"groundswell\[lab\]"):
        study(made(3_000), Plan(challenged=True))
