"""Studies of made tables: verdicts, what they refuse, and a card that adds up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.scoring.learning import Asked, Plan, prepare, study
from groundswell.scoring.learning.calibrating import calibrate
from groundswell.scoring.learning.choosing import choose
from groundswell.scoring.learning.examples import folds_by_chance
from groundswell.scoring.learning.scorecard import DOUBLES, Points


def test_a_signal_is_found_and_measured(made):
    found = study(made(3_000), Plan())
    assert found.verdict == "ok"
    assert found.roc_auc.low > 0.65
    assert found.roc_auc.low < found.roc_auc.value < found.roc_auc.high
    assert found.learned.rows + found.learned.judged_rows == found.rows == 3_000
    assert sum(tenth.rows for tenth in found.tenths) == found.learned.judged_rows
    assert found.tenths[-1].gain == pytest.approx(1.0)
    assert found.scorecard.lines[0].feature == "strong"
    assert found.drift[0].psi >= found.drift[-1].psi


def test_the_same_seed_says_the_same(made):
    examples = made(800)
    assert study(examples, Plan()) == study(examples, Plan())
    assert study(examples, Plan(seed=1)).roc_auc != study(examples, Plan()).roc_auc


def test_noise_is_no_signal_hardly_ever_called_one(made):
    verdicts = [study(made(500, seed=seed, strength=0.0), Plan()).verdict for seed in range(40)]
    assert verdicts.count("no_signal") >= 39


def test_no_signal_keeps_the_hand_made_score_and_shows_no_card(made):
    found = study(made(500, strength=0.0), Plan())
    assert "hand-made score" in found.message
    assert found.scorecard is None
    assert found.roc_auc.low <= 0.5


def test_too_few_outcomes_teach_nothing(made):
    found = study(made(400, base=-5.0), Plan())
    assert found.verdict == "too_few"
    assert (found.roc_auc, found.learned, found.scorecard) == (None, None, None)
    judged = study(made(400, base=-5.0), Plan(prior={"strong": 1.0}))
    assert judged.verdict == "too_few"
    assert judged.roc_auc.value > 0.6
    assert judged.brier is None


def test_by_time_the_last_rows_are_judged_and_what_moved_is_named(made):
    examples = made(2_000)
    later = np.where(np.arange(2_000) < 1_400, 0.0, 3.0)
    moved = examples.features.with_columns(noise=pl.col("noise") + later)
    found = study(replace(examples, features=moved), Plan(by_time=True))
    assert [(a.code, a.feature) for a in found.alarms] == [("drift", "noise")]
    assert found.learned.judged_rows == 600


def test_rows_that_are_judged_teach_nothing(made):
    """Whatever the outcomes of the last rows are, the model and its card are the same."""
    examples = made(1_000)
    other = examples.label.copy()
    other[700:] = np.random.default_rng(5).permutation(other[700:])
    ours = study(examples, Plan(by_time=True))
    theirs = study(
        replace(examples, label=other),
        Plan(by_time=True),
    )
    assert ours.learned.inner_auc == theirs.learned.inner_auc
    assert ours.learned.penalty == theirs.learned.penalty
    assert ours.roc_auc != theirs.roc_auc


def test_in_rounds_every_row_is_judged(made):
    found = study(made(300), Plan(rounds=2))
    assert found.learned.judged_rows == 300
    assert found.verdict == "ok"


def test_columns_that_tell_nothing_are_left_out_with_a_reason(made):
    examples = made(
        400,
        same=lambda rng, label: np.ones(len(label)),
        name=lambda rng, label: [f"n{k}" for k in range(len(label))],
        empty=lambda rng, label: pl.Series([None] * len(label), dtype=pl.Float64),
    )
    found = study(examples, Plan())
    assert set(found.left_out) == {"same", "name", "empty"}
    assert "279 different" in found.left_out["name"]


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([150, 600]))
def test_points_add_up_to_the_score_and_the_card_says_them(seed, rows):
    rng = np.random.default_rng(seed)
    seats = pl.Series(rng.lognormal(1, 1, rows).round()).set(
        pl.Series(rng.random(rows) < 0.1), None
    )
    table = pl.DataFrame(
        {
            "seats": seats,
            "plan": rng.choice(["free", "team"], rows),
            "won": rng.random(rows) < 0.4,
        }
    )
    examples = prepare(table, Asked("won")).examples
    fitted = choose(examples, folds_by_chance(examples, folds=5, seed=0))
    calibration = calibrate(fitted.log_odds, examples.label, examples.weight, rarer=examples.rarer)
    points = Points.of(fitted.model, calibration, examples)
    given_ = points.contributions(examples.features)
    total = points.base + given_.sum_horizontal().to_numpy()
    said = calibration.log_odds(fitted.model.log_odds(examples.features))
    assert total == pytest.approx(100 + DOUBLES / np.log(2) * (said - points.full))
    assert points.scores(examples.features) == pytest.approx(np.clip(total, 0, 100))
    for line in points.card(examples).lines:
        asked = pl.DataFrame(
            {line.feature: pl.Series([*line.at, None], dtype=examples.features[line.feature].dtype)}
        )
        others = {c: [None] * asked.height for c in examples.features.columns if c != line.feature}
        full = asked.with_columns(
            **{c: pl.Series(v, dtype=examples.features[c].dtype) for c, v in others.items()}
        )
        assert points.contributions(full)[line.feature].to_list() == pytest.approx(
            [*line.give, line.unknown]
        )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: e.keep([]), "No column tells one row from another"),
        (lambda e: replace(e, group=np.zeros(len(e), dtype=int)), "Too few outcomes: 0 rows"),
        (lambda e: replace(e, group=np.arange(len(e)) % 9), "Too few groups: "),
        (lambda e: replace(e, label=np.ones(len(e), dtype=bool)), "Too few outcomes: 0 rows"),
        (lambda e: e.take(np.arange(0)), "Too few outcomes: 0 rows"),
        (lambda e: e.take(np.arange(1)), "Too few outcomes: 0 rows"),
    ],
)
def test_what_there_is_too_little_of_is_said(made, change, said):
    found = study(change(made(400)), Plan())
    assert found.verdict == "too_few"
    assert said in found.message


def test_rows_of_which_the_last_know_one_outcome_cannot_be_judged_by_time(made):
    examples = made(400)
    order = np.argsort(~examples.label, kind="stable")
    examples = replace(examples.take(order), time=examples.time)
    found = study(examples, Plan(by_time=True))
    assert found.verdict == "too_few"
    assert "only one of the two is among the 120 rows judged by" in found.message
