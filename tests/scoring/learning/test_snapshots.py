"""Labels from what came later, by hand and against a naive look ahead; and what precedes them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.scoring.learning.behaviours import find_behaviours
from groundswell.scoring.learning.snapshots import Outcomes, label_snapshots

FIRST = dt.date(2026, 1, 5)
LAST = 60  # the last day of which anything is known
ALL = ("converted", "expanded", "won", "any")
_REVENUE = {"account_id": pl.String, "day": pl.Date, "mrr": pl.Float64}
_WINS = {"account_id": pl.String, "day": pl.Date, "amount": pl.Float64}


def on(day: int) -> dt.date:
    return FIRST + dt.timedelta(days=day)


def outcomes(revenue=(), wins=(), *, until=LAST) -> Outcomes:
    """Make outcomes of (account, day, amount)."""
    frames = [
        pl.DataFrame([(a, on(day), x) for a, day, x in rows], schema=schema, orient="row")
        for rows, schema in ((revenue, _REVENUE), (wins, _WINS))
    ]
    return Outcomes(
        frames[0].sort("account_id", "day"), frames[1].sort("account_id", "day"), on(until)
    )


def snapshots(*rows: tuple[str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [(account, on(day)) for account, day in rows],
        schema={"account_id": pl.String, "as_of": pl.Date},
        orient="row",
    )


def told(frame, known, outcome, *, near=0, far):
    """Return label, day it came on, and ACV, by account and day of the snapshot."""
    found = label_snapshots(frame, known, outcome, near=near, far=far)
    return {
        (account, (as_of - FIRST).days): (label, came and (came - FIRST).days, acv)
        for account, as_of, label, came, acv in found.select(
            "account_id", "as_of", "label", "came_on", "acv"
        ).iter_rows()
    }


NO = (False, None, None)


def test_an_account_that_does_not_pay_converts_when_it_first_pays():
    frame = snapshots(("a", 0), ("a", 10), ("a", 20), ("a", 21), ("b", 20))
    known = outcomes([("a", 0, 0.0), ("a", 20, 10.0), ("a", 25, 15.0)])
    assert told(frame, known, "converted", far=10) == {
        ("a", 0): NO,
        ("a", 10): (True, 20, 120.0),
        ("b", 20): NO,  # nobody knows what it pays: nothing
    }  # from the day on which it pays, a is asked no more


def test_a_paying_account_expands_when_it_pays_a_fifth_more():
    frame = snapshots(*(("a", day) for day in (0, 10, 20, 30)), ("b", 5), ("c", 5), ("d", 0))
    known = outcomes(
        [
            *[("a", 0, 10.0), ("a", 15, 11.0), ("a", 25, 12.0), ("a", 35, 13.2)],
            *[("b", 0, 10.0), ("b", 6, 9.0), ("b", 7, 11.0)],  # of what it pays now, not of least
            *[("c", 0, 10.0), ("c", 6, 0.0), ("c", 7, 12.5)],
            *[("d", 0, 1.36), ("d", 1, 1.632)],  # 1.36 x 1.2 is a little more in binary
        ]
    )
    assert told(frame, known, "expanded", far=20) == {
        ("a", 0): NO,
        ("a", 10): (True, 25, 24.0),
        ("a", 20): (True, 35, pytest.approx(26.4)),
        ("a", 30): NO,
        ("b", 5): NO,
        ("c", 5): (True, 7, 30.0),
        ("d", 0): (True, 1, pytest.approx(12 * 0.272)),
    }


def test_a_deal_is_won_by_paying_accounts_and_others():
    frame = snapshots(("a", 0), ("a", 10), ("a", 12), ("b", 0))
    known = outcomes(
        [("a", 0, 10.0), ("a", 11, 100.0)], [("a", 12, 700.0), ("a", 13, 5.0), ("b", 31, 1.0)]
    )
    assert told(frame, known, "won", far=30) == {
        ("a", 0): (True, 12, 700.0),
        ("a", 10): (True, 12, 700.0),
        ("a", 12): (True, 13, 5.0),
        ("b", 0): NO,
    }


def test_of_any_outcome_the_first_counts():
    frame = snapshots(("a", 0), ("b", 0), ("c", 0), ("d", 0))
    known = outcomes(
        [("a", 9, 10.0), ("b", 0, 10.0), ("b", 9, 20.0), ("c", 9, 10.0), ("d", 0, 1.0)],
        [("a", 8, 77.0), ("b", 10, 77.0), ("c", 9, 77.0)],
    )
    assert told(frame, known, "any", far=30) == {
        ("a", 0): (True, 8, 77.0),
        ("b", 0): (True, 9, 120.0),
        ("c", 0): (True, 9, 120.0),  # of one day, what it pays
        ("d", 0): NO,
    }


def test_what_comes_too_soon_is_left_out_and_the_edges_count():
    frame = snapshots(("a", 12), ("a", 13), ("a", 9), ("a", 10))
    known = outcomes([("a", 20, 10.0)])
    assert told(frame, known, "converted", near=7, far=10) == {
        ("a", 12): (True, 20, 120.0),  # eight days before; seven are too near
        ("a", 9): NO,  # eleven days before
        ("a", 10): (True, 20, 120.0),
    }


def test_a_horizon_that_is_not_over_is_left_out_even_if_the_outcome_came():
    frame = snapshots(("a", 30), ("a", 31))
    known = outcomes([("a", 35, 10.0)], until=60)
    assert told(frame, known, "converted", far=30) == {("a", 30): (True, 35, 120.0)}


def test_order_and_other_columns_stay():
    frame = snapshots(("b", 9), ("a", 50), ("b", 0), ("a", 9)).with_columns(
        plan=pl.Series(["x", "y", "z", None]), row=pl.Series([4, 3, 2, 1]), mrr=pl.Series([1.0] * 4)
    )
    found = label_snapshots(frame, outcomes(), "any", far=30)
    assert found.drop("label", "came_on", "acv").equals(frame[[0, 2, 3]])
    assert found.columns[-3:] == ["label", "came_on", "acv"]


@pytest.mark.parametrize("outcome", ALL)
def test_no_snapshots_are_no_rows(outcome):
    known = outcomes([("a", 3, 1.0)], [("a", 3, 1.0)])
    found = label_snapshots(snapshots(), known, outcome, far=7)
    assert found.schema == {
        "account_id": pl.String,
        "as_of": pl.Date,
        "label": pl.Boolean,
        "came_on": pl.Date,
        "acv": pl.Float64,
    }
    assert found.is_empty()


# --- against a look at every day ------------------------------------------------------------

ACCOUNTS = st.sampled_from("abc")
DAYS = st.integers(0, LAST)
AMOUNTS = st.sampled_from([0.0, 10.0, 11.0, 12.0, 14.4, 30.0])
STEPS = st.dictionaries(st.tuples(ACCOUNTS, DAYS), AMOUNTS, max_size=12)
WINS = st.dictionaries(st.tuples(ACCOUNTS, DAYS), st.sampled_from([1.0, 500.0]), max_size=5)
SHOTS = st.lists(st.tuples(ACCOUNTS, st.integers(0, 50)), unique=True, max_size=12)
ASKED = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(ALL),
        "near": st.sampled_from([0, 1, 7]),
        "far": st.sampled_from([8, 14, 30]),
    }
)


def table(found) -> list[tuple[str, int, float]]:
    return [(account, day, amount) for (account, day), amount in found.items()]


def look_ahead(steps, wins, shots, *, outcome, near, far):
    """Walk through the days after each snapshot, one by one."""

    def paid(account, day):
        known = [on for (name, on) in steps if name == account and on <= day]
        return steps[account, max(known)] if known else 0.0

    found = {}
    for account, as_of in shots:
        now = paid(account, as_of)
        asked = {"converted": not now, "expanded": now > 0}.get(outcome, True)
        if as_of + far > LAST or not asked:
            continue
        came = NO
        for day in range(as_of + 1, as_of + far + 1):
            pays = paid(account, day)
            if outcome != "won" and (pays >= 1.2 * now - 1e-6 if now else pays > 0):
                came = (True, day, pytest.approx((pays - now) * 12))
                break
            if outcome in {"won", "any"} and (account, day) in wins:
                came = (True, day, wins[account, day])
                break
        if came == NO or came[1] > as_of + near:
            found[account, as_of] = came
    return found


@given(STEPS, WINS, SHOTS, ASKED)
def test_labels_equal_a_naive_look_ahead(steps, wins, shots, asked):
    known = outcomes(table(steps), table(wins))
    found = told(snapshots(*shots), known, **asked)
    assert found == look_ahead(steps, wins, shots, **asked)
    assert list(found) == [shot for shot in shots if shot in found]


@given(STEPS, WINS, STEPS, WINS, st.integers(0, LAST - 30), ASKED)
def test_what_comes_after_the_horizon_changes_no_label(steps, wins, later, more, day, asked):
    end = day + asked["far"]
    frame = snapshots(("a", day), ("b", day), ("c", day))
    before = [{key: x for key, x in some.items() if key[1] <= end} for some in (steps, wins)]
    after = [{key: x for key, x in some.items() if key[1] > end} for some in (later, more)]
    ours = outcomes(table(before[0]), table(before[1]))
    theirs = outcomes(table(before[0] | after[0]), table(before[1] | after[1]))
    assert told(frame, ours, **asked) == told(frame, theirs, **asked)
    assert told(frame, ours, **asked) == told(frame, replace(ours, until=on(end)), **asked)


# --- what precedes an outcome ---------------------------------------------------------------


@pytest.fixture(scope="module")
def company() -> pl.DataFrame:
    """Two hundred accounts; those that invite convert in their thirtieth week."""
    rng = np.random.default_rng(0)
    ids = [f"a{k}" for k in range(200)]
    frame = snapshots(*((name, 7 * week) for name in ids for week in range(2, 60, 4)))
    converts = frame["account_id"].is_in(ids[:60]).to_numpy()
    week = ((frame["as_of"] - FIRST).dt.total_days() // 7).to_numpy()
    frame = frame.with_columns(
        invites=pl.Series(rng.poisson(np.where(converts & (week > 15), 4.0, 1.0)).astype(float)),
        noise=pl.Series(rng.normal(size=len(week))),
        same=pl.lit(1.0),
        plan=pl.Series(np.where(converts, "trial", "free")),
        holes=pl.Series(rng.normal(size=len(week))).set(pl.Series(week % 3 == 0), None),
        is_paying=pl.Series(converts & (week >= 30)),
    )
    known = outcomes([(name, 210, 10.0) for name in ids[:60]], until=420)
    return label_snapshots(frame, known, "converted", near=30, far=90)


def test_what_precedes_a_conversion_is_found_with_its_size(company):
    found = find_behaviours(company)
    assert (found.outcome, found.accounts, found.came) == ("converted", 200, 60)
    assert found.snapshots == company.height
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
    found = find_behaviours(few, "expanded")
    assert (found.outcome, found.rows, found.came) == ("expanded", (), 15)
    assert find_behaviours(company.head(0)).rows == ()


def test_of_outcomes_that_came_to_all_but_a_few_nothing_is_said(company):
    most = company.filter(pl.col("account_id").is_in([f"a{k}" for k in range(79)]))
    found = find_behaviours(most)
    assert (found.accounts, found.came, found.rows) == (79, 60, ())


def test_an_account_counts_as_one_however_many_snapshots_it_has():
    known = outcomes([(f"a{k}", 200, 10.0) for k in range(25)], until=300)
    many = snapshots(
        *((f"a{k}", 200 - day) for k in range(25) for day in range(1, 2 + 9 * (not k)))
    )
    frame = pl.concat([many, snapshots(*((f"b{k}", 100) for k in range(25)))]).with_columns(
        invites=pl.when(pl.col("account_id") == "a0").then(26.0).otherwise(1.0)
    )
    found = find_behaviours(label_snapshots(frame, known, "converted", far=30))
    (invites,) = found.rows
    assert (found.accounts, found.came, found.snapshots) == (50, 25, 59)
    assert invites.before == pytest.approx(2.0)  # one of 25 has 25 more
    assert invites.otherwise == pytest.approx(1.0)
    assert invites.effect.value == pytest.approx(0.5 + 1 / 50)
