"""What is chosen: more from many outcomes, the hand-made score from few, and the simple form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from groundswell.scoring.learning.choosing import choose
from groundswell.scoring.learning.examples import (
    folds_by_chance,
    folds_by_time,
    split_by_chance,
    split_by_time,
)
from groundswell.scoring.learning.measures import rank_auc

RIGHT = {"strong": 1.0, "weak": 0.5, "plan = pro": 0.6, "flag": 0.3}
HALF_WRONG = {"strong": 1.0, "weak": -0.5, "plan = pro": -0.6, "flag": 0.3}


def auc_of(made, rows, prior, *, seed=0):
    examples = made(rows, seed=seed)
    unseen = made(5_000, seed=999)
    folds = folds_by_chance(examples, folds=5, seed=seed)
    fitted = choose(examples, folds, prior=prior)
    return rank_auc(fitted.model.log_odds(unseen.features), unseen.label, unseen.weight), fitted


def test_what_it_says_of_rows_was_not_learned_from_them(made):
    examples = made(400)
    folds = folds_by_chance(examples, folds=5, seed=0)
    fitted = choose(examples, folds)
    assert not np.isnan(fitted.log_odds).any()
    fold = folds[0]
    turned = np.where(np.isin(np.arange(400), fold.test), ~examples.label, examples.label)
    flipped = replace(examples, label=turned)
    again = choose(flipped, [fold])
    same = choose(examples, [fold])
    if again.way.penalty == same.way.penalty:
        assert again.log_odds[fold.test] == pytest.approx(same.log_odds[fold.test])


def test_with_few_outcomes_a_right_prior_does_better_and_a_half_wrong_one_little_worse(made):
    def mean(prior):
        return np.mean([auc_of(made, 70, prior, seed=k)[0] for k in range(12)])

    plain, right, half_wrong = mean(None), mean(RIGHT), mean(HALF_WRONG)
    assert right > plain + 0.01
    assert half_wrong > plain - 0.01


def test_many_outcomes_overrule_a_half_wrong_prior(made):
    with_prior, _ = auc_of(made, 4_000, HALF_WRONG)
    without, _ = auc_of(made, 4_000, None)
    assert with_prior == pytest.approx(without, abs=0.005)


def test_noise_is_shrunk_away(made):
    examples = made(600, strength=0.0)
    fitted = choose(examples, folds_by_chance(examples, folds=5, seed=0))
    assert np.abs(fitted.model.weights).max() < 0.05


def test_a_bent_truth_is_followed_where_there_is_enough_to_see_it(made):
    examples = made(
        6_000, strength=0.0, u=lambda rng, label: rng.normal(size=len(label)) * (1 + 2 * label)
    )
    fitted = choose(examples, folds_by_chance(examples, folds=5, seed=0))
    assert fitted.way.is_bent
    low, middle, high = (
        fitted.model.log_odds(examples.features.head(1).with_columns(u=value))[0]
        for value in map(float, (-4, 0, 4))
    )
    assert low > middle + 1 < high


def test_a_group_is_never_on_both_sides(made):
    examples = made(300)
    grouped = replace(examples, group=np.arange(300) // 7)
    splits = [
        *folds_by_chance(grouped, folds=5, seed=1),
        split_by_chance(grouped, test_fraction=0.3, seed=1),
    ]
    for split in splits:
        assert not set(grouped.group[split.train]) & set(grouped.group[split.test])
        assert len(split.test)
    assert sum(len(split.test) for split in splits[:5]) == 300


def test_by_time_rows_of_one_day_are_on_one_side_and_an_outcome_had_to_be_known(made):
    weekly = replace(made(300), time=np.repeat(np.arange(60) * 7.0, 5))
    splits = [
        split_by_time(weekly, test_fraction=0.3, embargo=30.0),
        *folds_by_time(weekly, folds=5, embargo=30.0),
    ]
    for split in splits:
        begin = weekly.time[split.test].min()
        assert weekly.time[split.train].max() + 30 <= begin
        assert weekly.time[split.train].max() + 30 > begin - 7  # and nothing more is left out
    together = split_by_time(weekly, test_fraction=0.3)
    assert len(together.train) + len(together.test) == 300
    assert weekly.time[together.train].max() < weekly.time[together.test].min()
    assert len(splits[0].test) == len(together.test) == 90


def test_by_time_nothing_is_judged_by_what_came_later(made):
    examples = made(300)
    for fold in folds_by_time(examples, folds=5):
        assert fold.train.max() < fold.test.min()


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5])
def test_both_sides_have_their_share_of_the_rarer_outcome(made, fraction):
    examples = made(2_000, base=-3.5)
    split = split_by_chance(examples, test_fraction=fraction, seed=0)
    assert len(split.test) == pytest.approx(2_000 * fraction, abs=12)
    assert examples.label[split.test].sum() == pytest.approx(examples.positives * fraction, abs=1)
