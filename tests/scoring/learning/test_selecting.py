"""Features that matter are found among noise; those that are points already stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from groundswell.scoring.learning.examples import Examples, folds_by_chance, folds_by_time
from groundswell.scoring.learning.selecting import select_features

MATTER = ("strong", "steps", "plan")
NOISE = tuple(f"noise{k}" for k in range(30))
MOST = 12


def make(seed, *, rows=2_000, strength=1.0, points=()) -> Examples:
    """Rows of three features that tell the outcome - a number, a bend, a text - and of noise."""
    rng = np.random.default_rng(seed)
    strong, steps = rng.normal(size=rows), rng.uniform(0, 10, rows)
    plan = rng.choice(["free", "team", "pro"], rows)
    truth = -1.5 + strength * (0.8 * strong + 1.2 * (steps > 5) + 1.2 * (plan == "pro"))
    noise = {name: rng.normal(size=rows) for name in NOISE[2:]}
    noise["noise0"] = rng.choice(["a", "b", "c", "d"], rows)
    noise["noise1"] = (rng.random(rows) < 0.1).astype(float)
    features = {"strong": strong, "steps": steps, "plan": plan, **noise}
    shuffled = {name: features[name] for name in rng.permutation(list(features))}
    label = rng.random(rows) < expit(truth)
    time = np.arange(rows) * 1.0
    return Examples(
        pl.DataFrame(shuffled), label, np.arange(rows), np.ones(rows), time, frozenset(points)
    )


def taken(examples, *, most=MOST, folds=folds_by_chance) -> list[str]:
    dealt = {"seed": 0} if folds is folds_by_chance else {}
    return select_features(examples, folds(examples, folds=5, **dealt), most=most)


@pytest.mark.parametrize(("folds", "others"), [(folds_by_chance, 4), (folds_by_time, 1)])
def test_what_matters_is_found_first_and_little_else(folds, others):
    found = [taken(make(seed), folds=folds) for seed in range(4)]
    assert [set(names[:3]) for names in found] == [set(MATTER)] * 4
    assert sum(len(names) - 3 for names in found) <= others  # in all, of thirty in each


def test_where_nothing_tells_little_or_nothing_is_taken():
    assert sum(len(taken(make(seed, strength=0.0))) for seed in range(3)) <= 3


def test_at_most_so_many_are_taken_the_strongest_first():
    examples = make(0)
    everything = taken(examples)
    assert taken(examples, most=2) == everything[:2]
    assert taken(examples, most=0) == []
    few = examples.keep(["noise3", "strong"])
    assert taken(few) == ["strong"]


def test_features_that_are_points_always_stay_and_count_for_nothing():
    points = ("noise5", "noise4")
    found = taken(make(1, points=points))
    assert set(found[:2]) == set(points)
    assert set(found[2:5]) == set(MATTER)
    most_one = taken(make(1, points=points), most=1)
    assert set(most_one[:2]) == set(points)
    assert len(most_one) == 3
    nothing = taken(make(1, points=points, strength=0.0))
    assert set(points) <= set(nothing)


def test_what_points_say_already_is_not_taken_again():
    examples = make(2)
    copied = examples.features.with_columns(known=pl.col("strong"))
    found = taken(replace(examples, features=copied, points=frozenset({"known"})))
    assert found[0] == "known"
    assert "strong" not in found
    assert set(MATTER) - {"strong"} <= set(found)


def test_a_feature_that_never_differs_is_never_taken():
    examples = make(3, rows=600)
    same = examples.features.with_columns(same=pl.lit(1.0), fixed=pl.lit(2.0))
    found = taken(replace(examples, features=same, points=frozenset({"fixed"})), most=MOST)
    assert "same" not in found
    assert found[0] == "fixed"  # points stay, whatever they say


def test_the_same_rows_give_the_same_features():
    assert taken(make(4, rows=600)) == taken(make(4, rows=600))


def test_rows_that_count_for_nothing_say_nothing():
    """Though in them a feature that is noise elsewhere tells everything."""
    examples = make(5, rows=1_500)
    weight = np.repeat([1.0, 0.0], [1_000, 500])
    misled = (examples.features["noise7"] > 0).to_numpy()
    turned = np.where(weight > 0, examples.label, misled)
    folds = folds_by_chance(examples, folds=5, seed=0)
    ours, theirs = (
        select_features(replace(examples, label=label, weight=weight), folds, most=MOST)
        for label in (examples.label, turned)
    )
    assert ours == theirs


def test_of_copies_that_add_nothing_one_is_taken():
    examples = make(6)
    rng = np.random.default_rng(0)
    copies = {
        f"copy{k}": pl.col("strong") + pl.Series(rng.normal(scale=0.01, size=len(examples)))
        for k in range(6)
    }
    found = taken(replace(examples, features=examples.features.with_columns(**copies)))
    assert len({"strong", *copies} & set(found)) == 1


def test_points_are_not_taken_a_second_time():
    examples = make(7, rows=300, points=("strong",)).keep(["strong"])
    assert taken(examples) == ["strong"]
