"""The gate: each kind of leak is planted, found and named; a clean table is silent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from groundswell.scoring.learning import Asked, Plan, find_naive_gaps, prepare, study
from groundswell.scoring.learning.leakage import strength


def alarms(examples, **plan) -> set[tuple[str, str]]:
    return {(alarm.code, alarm.feature) for alarm in study(examples, Plan(**plan)).alarms}


def test_a_clean_table_is_silent(made):
    for seed in range(3):
        assert alarms(made(1_500, seed=seed)) == set()


def test_a_feature_that_is_the_outcome_is_found_alone_and_by_leaving_it_out(made):
    leak = made(1_500, leak=lambda rng, label: label + rng.normal(0, 0.3, len(label)))
    assert alarms(leak) == {("single_feature", "leak"), ("removal", "leak")}


def test_a_level_that_is_the_outcome_is_found(made):
    leak = made(
        1_500,
        stage=lambda rng, label: np.where(label, "closed", rng.choice(["a", "b"], len(label))),
    )
    assert ("single_feature", "stage") in alarms(leak)


def test_a_feature_that_only_costs_much_to_leave_out_is_found(made):
    leak = made(
        3_000,
        strength=0.6,
        leak=lambda rng, label: 1.3 * label + rng.normal(size=len(label)),
    )
    assert alarms(leak) == {("removal", "leak")}


def test_a_feature_that_is_filled_in_for_winners_only_is_found(made):
    def amount(rng, label):
        filled = rng.random(len(label)) < np.where(label, 0.9, 0.4)
        return pl.Series(rng.normal(size=len(label))).set(pl.Series(~filled), None)

    found = study(made(1_500, amount=amount), Plan()).alarms
    (alarm,) = (item for item in found if item.code == "missingness")
    assert alarm.feature == "amount"
    assert "unknown in 9% of rows with the outcome and in 58%" in alarm.message
    assert "leave it out" in alarm.message


def test_many_levels_of_few_rows_each_are_not_strong(made):
    examples = made(
        1_000, city=lambda rng, label: rng.choice([f"c{k}" for k in range(190)], len(label))
    )
    assert strength(examples, "city") == pytest.approx(0.5, abs=0.06)


def test_a_date_after_the_rows_time_is_found():
    rows = 200
    day = pl.date_range(pl.date(2026, 1, 1), pl.date(2026, 7, 19), eager=True)[:rows]
    table = pl.DataFrame(
        {
            "seen": day,
            "signed_up": day.dt.offset_by("-30d"),
            "closed": day.dt.offset_by("20d"),
            "won": [True, False] * (rows // 2),
        }
    )
    made = prepare(table, Asked("won", time="seen"))
    assert [(alarm.code, alarm.feature) for alarm in made.alarms] == [("after_outcome", "closed")]
    assert made.examples.features["signed_up"].to_list() == [30.0] * rows
    assert made.examples.features["closed"].to_list() == [-20.0] * rows


def test_only_what_somebody_fills_in_can_be_filled_in_because_of_the_outcome(made):
    def amount(rng, label):
        filled = rng.random(len(label)) < np.where(label, 0.9, 0.4)
        return pl.Series(rng.normal(size=len(label))).set(pl.Series(~filled), None)

    examples = made(1_500, amount=amount)
    told = ("missingness", "amount")
    assert told in alarms(examples, filled_in=frozenset({"amount"}))
    assert told not in alarms(examples, filled_in=frozenset({"plan"}))


def test_a_feature_that_only_tells_as_it_is_today_is_named(made):
    """Usage that grows once an account has converted tells nothing before it."""
    past = made(2_000, usage=lambda rng, label: rng.normal(size=len(label)))
    rng = np.random.default_rng(1)
    grown = past.features["usage"] + pl.Series(past.label * rng.normal(3.0, 1.0, len(past)))
    today = replace(past, features=past.features.with_columns(grown.alias("usage")))
    halves = np.arange(1_000), np.arange(1_000, 2_000)

    def split(rows):
        return rows.take(halves[0]), rows.take(halves[1])

    (alarm,) = find_naive_gaps(split(past), split(today))
    assert (alarm.code, alarm.feature) == ("naive_gap", "usage")
    assert "valid_from" in alarm.message
    assert find_naive_gaps(split(past), split(past)) == []
