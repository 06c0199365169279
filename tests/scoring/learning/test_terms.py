"""What features become: numbers, bends, levels, flags, and what is unknown."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from groundswell.scoring.learning.examples import Examples
from groundswell.scoring.learning.terms import LEAST_BEARERS, MOST_LEVELS, Terms


def examples(features: pl.DataFrame) -> Examples:
    rows = features.height
    return Examples(
        features, np.zeros(rows, dtype=bool), np.arange(rows), np.ones(rows), np.zeros(rows)
    )


def labels(features: dict, *, bends: int = 0) -> list[str]:
    frame = pl.DataFrame(features)
    return [term.label for term in Terms.of(examples(frame), bends=bends).terms]


def test_numbers_and_common_levels_have_terms_and_rare_ones_share_one():
    plans = ["free"] * 60 + ["team"] * 30 + ["x"] * 5 + ["y"] * 5
    assert labels({"seats": np.arange(100.0), "plan": plans}) == [
        "seats",
        "plan = free",
        "plan = team",
        "plan = any other",
    ]


def test_what_is_unknown_is_a_flag_and_stands_at_the_mean():
    seats = pl.Series([1.0, 2.0, 3.0, None] * 25)
    terms = Terms.of(examples(pl.DataFrame({"seats": seats})), bends=0)
    assert [term.label for term in terms.terms] == ["seats", "seats unknown"]
    design = terms.design(pl.DataFrame({"seats": pl.Series([None, 2.0], dtype=pl.Float64)}))
    assert design[0, 0] == pytest.approx(design[1, 0]) == pytest.approx(0.0)
    assert design[0, 1] > 0 > design[1, 1]


def test_a_skewed_count_is_read_by_its_logarithm_and_a_bent_one_has_knots():
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"even": rng.normal(size=500), "skewed": rng.lognormal(2, 1.5, 500)})
    terms = Terms.of(examples(frame), bends=3)
    assert not terms.scales["even"].logged
    assert terms.scales["skewed"].logged
    assert [term.kind for term in terms.terms] == ["number", "bend", "bend", "bend"] * 2


def test_every_column_is_centred_and_scaled_by_what_is_learned_from(made):
    learned = made(2_000)
    design = Terms.of(learned, bends=3).design(learned.features)
    assert design.mean(axis=0) == pytest.approx(0.0, abs=1e-9)
    assert design.std(axis=0) == pytest.approx(1.0, abs=1e-9)


def test_a_flag_of_few_bearers_is_not_scaled_up_to_the_full():
    rows, few = 10_000, 3
    flag = np.zeros(rows)
    flag[:few] = 1.0
    (term,) = Terms.of(examples(pl.DataFrame({"flag": flag})), bends=0).terms
    rate = LEAST_BEARERS / rows
    assert term.scale == pytest.approx(np.sqrt(rate * (1 - rate)))
    assert term.scale > 2 * flag.std()


def test_what_never_differs_and_texts_that_are_names_have_no_terms():
    rows = MOST_LEVELS + 1
    assert labels({"same": [1.0] * rows, "name": [f"n{k}" for k in range(rows)]}) == []


def test_values_beyond_those_learned_from_count_as_the_last():
    learned = pl.DataFrame({"seats": np.linspace(0, 10, 101)})
    terms = Terms.of(examples(learned), bends=0)
    design = terms.design(pl.DataFrame({"seats": [-50.0, 0.0, 10.0, 1e9]}))
    assert design[0] == design[1]
    assert design[2] == pytest.approx(design[3], abs=0.02)


def test_a_level_that_was_never_seen_is_any_other():
    learned = pl.DataFrame({"plan": ["free"] * 60 + ["team"] * 35 + ["x"] * 5})
    terms = Terms.of(examples(learned), bends=0)
    design = terms.design(pl.DataFrame({"plan": ["x", "new"]}))
    assert (design[0] == design[1]).all()
