"""Figures of counted rows equal those of rows one by one, in every draw; accounts are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from groundswell.scoring.learning import drawing
from groundswell.scoring.learning.drawing import (
    DRAWS,
    DRAWS_OF_MANY,
    MANY,
    MOST_PLACES,
    Draws,
    Ranking,
    area,
    figure_of,
    lift,
    precision,
)
from groundswell.scoring.learning.measures import (
    Ranked,
    average_precision,
    brier,
    calibration_error,
    roc_auc,
    top_lift,
)

CLOSE = 1e-9
ROWS = st.lists(
    st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40
).filter(lambda rows: len({label for _, label, _ in rows}) == 2)


def columns(rows):
    """Return score, label and account; every account from 0 to 3 has a row."""
    rows = [*rows, *((4, k % 2 == 0, k) for k in range(4))]
    score, label, account = (np.array(column) for column in zip(*rows, strict=True))
    return score.astype(float), label.astype(bool), account


def chance_of(score):
    return 0.05 + score / 10


@given(ROWS)
def test_figures_are_those_of_rows_one_by_one(rows):
    score, label, account = columns(rows)
    ranking = Ranking.of(score, chance_of(score), label, account, 4)
    came, others = ranking.counts(np.ones((4, 1)))
    ranked, even = (
        Ranked.of(score, chance_of(score), label, np.ones(len(score))),
        np.ones(len(score)),
    )
    auc = metrics.roc_auc_score(label, score)
    ap = metrics.average_precision_score(label, score)
    assert area(came, others) == pytest.approx([auc], abs=CLOSE)
    assert precision(came, others) == pytest.approx([ap], abs=CLOSE)
    assert roc_auc(ranked, even) == pytest.approx(auc, abs=CLOSE)
    assert average_precision(ranked, even) == pytest.approx(ap, abs=CLOSE)
    assert lift(came, others) == pytest.approx([top_lift(ranked, even)], abs=CLOSE)
    assert ranking._brier(came, others) == pytest.approx([brier(ranked, even)], abs=CLOSE)


@given(ROWS, st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_a_draw_counts_each_account_as_often_as_it_was_drawn(rows, drawn):
    score, label, account = columns(rows)
    ranking = Ranking.of(score, chance_of(score), label, account, 4)
    came, others = ranking.counts(np.array(drawn, dtype=float)[:, None])
    weight = np.array(drawn, dtype=float)[account]
    ranked = Ranked.of(score, chance_of(score), label, np.ones(len(score)))
    sorted_ = weight[ranked.order]
    for ours, theirs in ((area, roc_auc), (precision, average_precision), (lift, top_lift)):
        if not weight[label].any() or (not weight[~label].any() and ours is area):
            assert np.isnan(ours(came, others)).all()
        else:
            assert ours(came, others) == pytest.approx([theirs(ranked, sorted_)], abs=CLOSE)
    if weight.any():
        assert ranking._brier(came, others) == pytest.approx([brier(ranked, sorted_)], abs=CLOSE)


@settings(max_examples=20)
@given(ROWS)
def test_with_one_account_every_draw_is_the_table_itself(rows):
    score, label, _ = columns(rows)
    ranking = Ranking.of(score, chance_of(score), label, np.zeros(len(score), dtype=int), 1)
    ranked, even = (
        Ranked.of(score, chance_of(score), label, np.ones(len(score))),
        np.ones(len(score)),
    )
    expected = {
        "roc_auc": roc_auc(ranked, even),
        "average_precision": average_precision(ranked, even),
        "brier": brier(ranked, even),
        "top_decile_lift": top_lift(ranked, even),
    }
    found = ranking.figures(Draws(1, seed=0))
    assert set(found) == {*expected, "ece"}
    for name, value in expected.items():
        figure = found[name]
        assert (figure.value, figure.low, figure.high) == pytest.approx((value,) * 3, abs=CLOSE)


@pytest.mark.parametrize("seed", range(5))
def test_the_calibration_error_is_that_of_tenths_by_score(seed):
    rng = np.random.default_rng(seed)
    score = rng.random(200)
    label = rng.random(200) < score
    ranking = Ranking.of(score, score, label, np.arange(200), 200)
    ranked = Ranked.of(score, score, label, np.ones(200))
    found = ranking.figures(Draws(200, seed=0))["ece"]
    assert found.value == pytest.approx(calibration_error(ranked, np.ones(200)), abs=CLOSE)
    assert 0 <= found.low <= found.value <= found.high  # noise makes a draw's larger: moved back


def test_tenths_by_hand():
    """Five rows of each of the scores 4, 3, 2, 1: a tenth is two rows, and shares a place."""
    score = np.repeat([1.0, 2.0, 3.0, 4.0], 5)
    label = np.array([False] * 10 + [True, False, False, False, False] + [True] * 5)
    tenths = Ranking.of(score, score / 4, label, np.arange(20), 20).tenths()
    assert [rows for rows, _, _ in tenths] == pytest.approx([2.0] * 10)
    came = [2.0, 2.0, 1.2, 0.4, 0.4, 0, 0, 0, 0, 0]
    assert [won for _, _, won in tenths] == pytest.approx(came)
    said = [2.0, 2.0, 1.75, 1.5, 1.5, 1.0, 1.0, 0.75, 0.5, 0.5]
    assert [expected for _, expected, _ in tenths] == pytest.approx(said)


def test_without_chances_there_is_a_ranking_only():
    score, label, account = columns([(1, True, 0), (2, False, 1)])
    unsaid = np.where(account == 0, np.nan, 0.5)  # one that is not said is none
    found = Ranking.of(score, unsaid, label, account, 4).figures(Draws(4, seed=0))
    assert (found["brier"], found["ece"]) == (None, None)
    assert found["roc_auc"].value == pytest.approx(metrics.roc_auc_score(label, score))


def test_accounts_are_drawn_not_rows():
    """Rows that repeat tell nothing new: the interval is as wide as that of the accounts."""
    rng = np.random.default_rng(1)
    label = rng.random(60) < 0.4
    score = rng.normal(size=60) + label
    chance = np.full(60, 0.4)
    once = Ranking.of(score, chance, label, np.arange(60), 60).figures(Draws(60, seed=3))
    copies = np.repeat(np.arange(60), 12)
    repeated = (score[copies], chance[copies], label[copies])
    by_account = Ranking.of(*repeated, copies, 60).figures(Draws(60, seed=3))
    by_row = Ranking.of(*repeated, np.arange(720), 720).figures(Draws(720, seed=3))
    for name in ("roc_auc", "average_precision", "brier"):
        ours, rows = by_account[name], by_row[name]
        assert ours.value == pytest.approx(once[name].value)
        assert (ours.low, ours.high) == pytest.approx((once[name].low, once[name].high))
        assert ours.high - ours.low > 2.5 * (rows.high - rows.low)


@pytest.mark.parametrize("repeats", [1, 3])
def test_of_very_many_scores_near_ones_are_one(repeats):
    rng = np.random.default_rng(0)
    count = 3 * MOST_PLACES
    label = np.repeat(rng.random(count) < 0.2, repeats)
    score = np.repeat(rng.normal(size=count), repeats) + label
    account = np.zeros(len(score), dtype=int)
    ranking = Ranking.of(score, np.full(len(score), np.nan), label, account, 1)
    came, others = ranking.counts(np.ones((1, 1)))
    assert MOST_PLACES / 2 < len(came) <= MOST_PLACES
    assert came.sum() == label.sum()
    assert others.sum() == (~label).sum()
    assert area(came, others)[0] == pytest.approx(metrics.roc_auc_score(label, score), abs=1e-3)
    assert area(came, others)[0] != metrics.roc_auc_score(label, score)


@pytest.mark.parametrize(
    "alone",
    [
        np.concatenate([np.zeros(9_950), 1 + np.random.default_rng(0).random(50)]),
        np.concatenate([np.random.default_rng(0).random(400), np.repeat([2.0, 2.1], 4_800)]),
    ],
    ids=["one", "two neighbours"],
)
def test_scores_that_most_rows_have_are_told_from_others(alone, monkeypatch):
    monkeypatch.setattr(drawing, "MOST_PLACES", 40)
    label = alone > (1.5 if alone.max() < 2 else 2.05)
    none, account = np.full(10_000, np.nan), np.zeros(10_000, dtype=int)
    (auc,) = area(*Ranking.of(alone, none, label, account, 1).counts(np.ones((1, 1))))
    assert auc == pytest.approx(metrics.roc_auc_score(label, alone), abs=1e-2)


def test_draws_take_as_many_accounts_as_there_are_and_the_same_for_a_seed():
    whole = [np.concatenate(list(Draws(7, seed=k).batches()), axis=1) for k in (1, 1, 2)]
    assert whole[0].shape == (7, DRAWS)
    assert (whole[0].sum(axis=0) == 7).all()
    assert (whole[0] == whole[1]).all()
    assert (whole[0] != whole[2]).any()
    assert whole[0].mean(axis=1) == pytest.approx(np.ones(7), abs=0.15)
    assert sum(drawn.shape[1] for drawn in Draws(MANY + 1, seed=0).batches()) == DRAWS_OF_MANY


def test_figures_of_sums_follow_the_draws():
    sums = np.array([[1.0, 4.0, 0.0], [3.0, 4.0, 0.0], [0.0, 4.0, 0.0]])

    def measure(totals):
        with np.errstate(invalid="ignore"):
            return np.stack([totals[:, 0] / totals[:, 1], totals[:, 2] / totals[:, 2]], axis=1)

    found, none = Draws(3, seed=0).figures(sums, measure)
    again = np.concatenate([sums[:, 0] @ drawn for drawn in Draws(3, seed=0).batches()]) / 12
    assert found.value == pytest.approx(4 / 12)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(again, [2.5, 97.5])))
    assert none is None


def test_several_rankings_are_measured_on_the_same_draws():
    rng = np.random.default_rng(0)
    label, account = rng.random(80) < 0.4, np.repeat(np.arange(20), 4)
    none = np.full(80, np.nan)
    score = rng.normal(size=80) + label
    rankings = [Ranking.of(some, none, label, account, 20) for some in (score, 2 * score + 1)]
    gain = Draws(20, seed=0).of_counts(rankings, lambda two: area(*two[1]) - area(*two[0]))
    assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)
    alone = Draws(20, seed=0).of_counts(rankings[:1], lambda one: area(*one[0]))
    assert alone == rankings[0].figures(Draws(20, seed=0))["roc_auc"]


def test_draws_without_a_value_are_passed_over_and_pulled_up_ones_moved_back():
    again = np.array([np.nan, *np.linspace(0.2, 0.4, 201)])
    plain, moved = figure_of(0.25, again), figure_of(0.25, again, pulled_up=True)
    assert (plain.low, plain.high) == pytest.approx((0.205, 0.395))
    assert (moved.low, moved.high) == pytest.approx((0.155, 0.345))
    assert figure_of(0.01, again, pulled_up=True).low == 0.0
    assert figure_of(np.nan, again) is None
    alone = figure_of(0.25, np.array([np.nan]))
    assert (alone.value, alone.low, alone.high) == (0.25, 0.25, 0.25)
