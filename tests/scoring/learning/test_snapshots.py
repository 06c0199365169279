"""Labels from what came later, by hand and against a naive look ahead; and what precedes them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.scoring.learning.behaviours import find_behaviours
from groundswell.scoring.learning.snapshots import label_snapshots

FIRST = dt.date(2026, 1, 5)


def weekly(mrr: dict[str, list[float | None]], **features: object) -> pl.DataFrame:
    rows = [
        {
            "account_id": account,
            "as_of": FIRST + dt.timedelta(weeks=week),
            "mrr": value,
            "is_paying": None if value is None else value > 0,
        }
        for account, values in mrr.items()
        for week, value in enumerate(values)
    ]
    return pl.DataFrame(rows, schema_overrides={"mrr": pl.Float64, "is_paying": pl.Boolean})


def labels(
    frame: pl.DataFrame, outcome: str, *, near: int, far: int
) -> dict[tuple[str, int], bool]:
    found = label_snapshots(frame, outcome, near=near, far=far)
    week = (found["as_of"] - FIRST).dt.total_days() // 7
    return dict(zip(zip(found["account_id"], week, strict=True), found["label"], strict=True))


def test_conversion_by_hand():
    frame = weekly({"a": [0, 0, 0, 10, 10, 10, 10], "b": [0] * 7, "c": [None] * 7})
    assert labels(frame, "converted", near=0, far=14) == {
        ("a", 0): False,
        ("a", 1): True,
        ("a", 2): True,
        **{(account, week): False for account in "bc" for week in range(5)},
    }
    far_off = labels(frame, "converted", near=7, far=21)
    assert far_off[("a", 0)] is True
    assert ("a", 2) not in far_off  # a week before it is too near to be before it


def test_expansion_by_hand():
    frame = weekly({"a": [100, 100, 119, 120, 120, 150], "b": [100, 90, 100, 100, 100, 100]})
    found = labels(frame, "expanded", near=0, far=14)
    assert [found["a", week] for week in range(4)] == [False, True, False, True]
    assert not any(found["b", week] for week in range(4))


@given(
    st.dictionaries(
        st.sampled_from("abcd"),
        st.lists(st.sampled_from([None, 0.0, 10.0, 11.0, 12.0, 15.0]), min_size=1, max_size=12),
        min_size=1,
    ),
    st.sampled_from(["converted", "expanded"]),
    st.sampled_from([0, 7, 14]),
    st.sampled_from([21, 28]),
)
def test_labels_equal_a_naive_look_ahead(mrr, outcome, near, far):
    frame = weekly(mrr)
    last = frame["as_of"].max()
    expected = {}
    for account, values in mrr.items():
        for week, value in enumerate(values):
            now = value or 0.0
            if (outcome == "converted") != (now == 0):
                continue
            if FIRST + dt.timedelta(weeks=week, days=far) > last:
                continue
            line = 1e-9 if outcome == "converted" else now * 1.2

            def came(days, values=values, week=week, line=line):
                later = values[week + 1 : week + 1 + days // 7]
                return any((item or 0.0) >= line for item in later)

            if near and came(near):
                continue
            expected[account, week] = came(far)
    assert labels(frame, outcome, near=near, far=far) == expected


@given(st.lists(st.sampled_from([0.0, 10.0]), min_size=9, max_size=9), st.integers(0, 8))
def test_what_comes_after_the_horizon_changes_no_label(values, week):
    frame = weekly({"a": values})
    other = weekly({"a": [*values[: week + 1], *(10.0 - value for value in values[week + 1 :])]})
    ours = labels(frame, "converted", near=0, far=21)
    theirs = labels(other, "converted", near=0, far=21)
    for key in ours.keys() & theirs.keys():
        if key[1] + 3 <= week:
            assert ours[key] == theirs[key]


@pytest.fixture
def company() -> pl.DataFrame:
    """Two hundred accounts; those that invite convert in their thirtieth week."""
    rng = np.random.default_rng(0)
    frame = weekly({f"a{k}": [0.0] * 30 + [10.0 * (k < 60)] * 30 for k in range(200)})
    converts = frame["account_id"].is_in([f"a{k}" for k in range(60)]).to_numpy()
    week = ((frame["as_of"] - FIRST).dt.total_days() // 7).to_numpy()
    return frame.with_columns(
        invites=pl.Series(rng.poisson(np.where(converts & (week > 15), 4.0, 1.0)).astype(float)),
        noise=pl.Series(rng.normal(size=len(week))),
        same=pl.lit(1.0),
        plan=pl.Series(np.where(converts, "trial", "free")),
        holes=pl.Series(rng.normal(size=len(week))).set(pl.Series(week % 3 == 0), None),
    )


def test_what_precedes_a_conversion_is_found_with_its_size(company):
    found = find_behaviours(company)
    assert (found.accounts, found.came) == (200, 60)
    rows = {row.feature: row for row in found.rows}
    assert set(rows) == {"invites", "noise", "plan = trial", "plan = free", "holes"}
    assert rows["invites"].tells
    assert rows["invites"].before == pytest.approx(4.0, abs=0.4)
    assert rows["invites"].otherwise == pytest.approx(1.0, abs=0.2)
    assert rows["invites"].effect.low > 0.85
    assert not rows["noise"].tells
    assert rows["plan = free"].effect.high < 0.5 < rows["plan = trial"].effect.low
    assert found.rows[-1].feature in {"noise", "holes"}
    assert rows["holes"].known < 1.0 == rows["noise"].known


def test_of_too_few_nothing_is_said(company):
    few = company.filter(~pl.col("account_id").is_in([f"a{k}" for k in range(45)]))
    found = find_behaviours(few)
    assert found.rows == ()
    assert found.came == 15
    assert find_behaviours(company.head(0)).rows == ()
