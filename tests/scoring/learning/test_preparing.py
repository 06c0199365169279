"""From a plain table to examples, and every way in which it cannot be done."""

from __future__ import annotations

import polars as pl
import pytest

from groundswell.errors import UsageError
from groundswell.scoring.learning import Asked, prepare


def test_truths_numbers_texts_and_rows_without_an_outcome():
    table = pl.DataFrame(
        {
            "won": ["Won", "Lost", None, "Won"],
            "trial": ["TRUE", "false", "TRUE", None],
            "seats": [1, 2, 3, None],
            "rate": [0.5, float("nan"), float("inf"), 1.0],
            "plan": ["a", "b", "a", "b"],
            "tags": [["x"], [], [], []],
        }
    )
    made = prepare(table, Asked("won"))
    assert made.examples.label.tolist() == [True, False, True]
    assert made.unlabelled == 1
    assert made.examples.features.to_dict(as_series=False) == {
        "trial": [1.0, 0.0, None],
        "seats": [1.0, 2.0, None],
        "rate": [0.5, None, 1.0],
        "plan": ["a", "b", "b"],
    }
    assert "List" in made.left_out["tags"]


def test_rows_go_by_time_and_groups_by_their_column():
    table = pl.DataFrame(
        {"day": [3, 1, 2], "account": ["b", "a", "b"], "y": [1, 0, 1], "x": [30.0, 10.0, 20.0]}
    )
    examples = prepare(table, Asked("y", time="day", group="account")).examples
    assert examples.features.to_dict(as_series=False) == {"x": [10.0, 20.0, 30.0]}
    assert examples.group[0] != examples.group[1] == examples.group[2]


@pytest.mark.parametrize(
    "values", [["yes", "no"], [1, 0], [True, False], ["Won", "Lost"], ["1", "0"]]
)
def test_an_outcome_that_goes_without_saying(values):
    table = pl.DataFrame({"y": values, "x": [1.0, 2.0]})
    assert prepare(table, Asked("y")).examples.label.tolist() == [True, False]


def test_a_named_value_is_the_outcome_and_all_others_are_not():
    table = pl.DataFrame({"stage": ["Won", "Lost", "Stalled"], "x": [1.0, 2.0, 3.0]})
    label = prepare(table, Asked("stage", positive="Won")).examples.label
    assert label.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (Asked("wun"), "usage-column", "Did you mean `won`?"),
        (Asked("won", time="dya"), "usage-column", "Did you mean `day`?"),
        (Asked("won", drop=["plann"]), "usage-column", "Did you mean `plan`?"),
        (Asked("won", group="acc"), "usage-column", "Its columns: won, plan, day, state."),
        (Asked("won", time="plan"), "usage-time", "`--temporal`"),
        (Asked("plan"), "usage-label", "has 3 values (`a`, `b`, `c`)"),
        (Asked("day"), "usage-label", "has 3 values (`1`, `2`, `3`)"),
        (Asked("state"), "usage-label", "has 2 values (`1`, `2`)"),
        (Asked("won", positive="yess"), "usage-positive", "Did you mean `yes`?"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_way_out(asked, code, said):
    table = pl.DataFrame({"won": ["yes", "no", "no"], "plan": ["a", "b", "c"], "day": [1, 2, 3]})
    table = table.with_columns(state=pl.Series([1, 2, 2]))
    with pytest.raises(UsageError) as refused:
        prepare(table, asked)
    (problem,) = refused.value.problems
    assert problem.code == code
    assert said in f"{problem.what} {problem.fix}"


def test_all_wrong_columns_are_told_at_once():
    table = pl.DataFrame({"won": [1, 0], "x": [1.0, 2.0]})
    with pytest.raises(UsageError) as refused:
        prepare(table, Asked("wun", time="t", drop=["z"]))
    assert len(refused.value.problems) == 3


def test_numbers_that_nobody_measured_are_left_out():
    table = pl.DataFrame({"y": [1, 0], "x": [1e300, 2.0]})
    assert prepare(table, Asked("y")).left_out == {"x": "It holds numbers beyond 1e+100."}


def test_an_empty_table_has_no_examples():
    table = pl.DataFrame(schema={"y": pl.Boolean, "x": pl.Float64})
    assert len(prepare(table, Asked("y")).examples) == 0
