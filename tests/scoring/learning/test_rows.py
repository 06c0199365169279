"""What is learned from: every fourth week, every account counted once, no feature twice."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.scoring.learning.definition import Prior
from groundswell.scoring.learning.rows import EVERY, MOST_ROWS, SAME, Gathering, examples_of

FIRST = dt.date(2026, 1, 5)


def labelled(accounts, *, came=(), weeks=24, **columns) -> pl.DataFrame:
    """Weekly snapshots of accounts; to some the outcome comes within ten weeks of the last."""
    rows = [
        (f"a{k:04}", FIRST + dt.timedelta(weeks=week), k in came and week >= weeks - 10)
        for k in accounts
        for week in range(weeks)
    ]
    frame = pl.DataFrame(rows, schema=["account_id", "as_of", "label"], orient="row")
    day = pl.lit(FIRST + dt.timedelta(weeks=weeks))
    return frame.with_columns(
        came_on=pl.when("label").then(day),
        acv=pl.when("label").then(pl.lit(120.0)),
        **columns,
    )


def gathered(frames, *, share=1.0, seed=0) -> pl.DataFrame:
    gathering = Gathering(share, seed)
    for frame in frames:
        gathering.add(frame)
    return gathering.frame()


def weights(frame) -> dict[str, float]:
    return dict(frame.group_by("account_id").agg(pl.col("weight").sum()).iter_rows())


# --- gathering ------------------------------------------------------------------------------


def test_every_fourth_week_of_an_account_is_kept_and_accounts_take_turns():
    found = gathered([labelled(range(8), came=(1, 2))])
    week = (pl.col("as_of") - FIRST).dt.total_days() // 7
    kept = found.group_by("account_id").agg(week.sort()).sort("account_id")["as_of"].to_list()
    for weeks in kept:
        assert weeks == list(range(weeks[0], 24, EVERY))
        assert weeks[0] < EVERY
    assert sorted(weeks[0] for weeks in kept) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_where_nothing_was_gathered_there_are_no_rows():
    assert gathered([]).is_empty()
    assert gathered([labelled(range(2)).head(0)]).is_empty()


def test_rows_are_by_time_and_as_they_were():
    frame = labelled(range(5), came=(2,), plan=pl.lit("pro"))
    found = gathered([frame[::-1]])
    assert found.columns == [*frame.columns, "weight"]
    assert found.select("as_of", "account_id").equals(
        found.select("as_of", "account_id").sort("as_of", "account_id")
    )
    assert found.drop("weight").join(frame, on=frame.columns, nulls_equal=True).height == len(found)


@given(
    st.dictionaries(st.integers(0, 30), st.integers(1, 20), min_size=1, max_size=12),
    st.sets(st.integers(0, 30)),
    st.integers(1, 4),
)
def test_every_account_counts_one(spans, came, pieces):
    """Whatever their number of weeks, and however they come in pieces."""
    frames = [labelled([k], came=came, weeks=weeks) for k, weeks in sorted(spans.items())]
    parts = [pl.concat(frames[k::pieces]) for k in range(pieces) if frames[k::pieces]]
    found = weights(gathered(parts))
    assert set(found) == {f"a{k:04}" for k in spans}
    assert list(found.values()) == pytest.approx([1.0] * len(spans))


def test_accounts_that_are_taken_by_chance_count_for_those_that_were_not():
    came = range(0, 2_000, 20)
    share = 0.25
    frames = [labelled(range(k, k + 500), came=came, weeks=12) for k in range(0, 2_000, 500)]
    found = gathered(frames, share=share)
    counted = weights(found)
    with_outcome = {f"a{k:04}" for k in came}
    assert with_outcome <= set(counted)
    assert [counted[name] for name in with_outcome] == pytest.approx([1.0] * 100)
    others = [weight for name, weight in counted.items() if name not in with_outcome]
    assert others == pytest.approx([1 / share] * len(others))
    assert sum(others) == pytest.approx(1_900, rel=0.15)  # four standard deviations
    rate = found.filter("label")["weight"].sum() / found["weight"].sum()
    whole = gathered(frames)
    assert rate == pytest.approx(
        whole.filter("label")["weight"].sum() / whole["weight"].sum(), rel=0.2
    )


def test_an_account_counts_one_even_where_the_outcome_came_in_a_week_that_is_not_kept():
    frame = labelled(range(40), weeks=8)
    soon = frame.with_columns(label=pl.col("as_of") == FIRST + dt.timedelta(weeks=7))
    found = weights(gathered([soon], share=0.25))
    assert len(found) == 40
    assert list(found.values()) == pytest.approx([1.0] * 40)


def test_the_choice_is_by_the_seed_and_other_in_every_piece():
    frames = [labelled(range(k, k + 100), weeks=4) for k in (0, 100)]
    once, again, other = (gathered(frames, share=0.5, seed=seed) for seed in (0, 0, 1))
    assert once.equals(again)
    assert set(weights(once)) != set(weights(other))
    pieces = [{int(name[1:]) % 100 for name in weights(gathered([f], share=0.5))} for f in frames]
    both = {int(name[1:]) for name in weights(once)}
    assert {k for k in both if k < 100} == pieces[0]
    assert {k - 100 for k in both if k >= 100} != pieces[0]


@pytest.mark.parametrize(
    ("accounts", "weeks", "share"),
    [(10, 52, 1.0), (MOST_ROWS, EVERY, 1.0), (MOST_ROWS, 8 * EVERY, 1 / 8), (0, 0, 1.0)],
)
def test_as_large_a_share_is_taken_as_there_is_room_for(accounts, weeks, share):
    assert Gathering.of(accounts=accounts, weeks=weeks, seed=0).share == pytest.approx(share)


# --- examples -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """What the `hybrid` score reads, and more, of three hundred accounts."""
    rng = np.random.default_rng(0)
    size = 300
    names = ("dau_7d", "features_used_28d", "usage_trend_28d", "invites_sent_28d", "employees")
    more = ("tech_overlap", "pricing_views_28d", "upgrades_started_28d", "tickets_28d")
    numbers = {name: rng.lognormal(1, 1, size) for name in (*names, *more)}
    frame = pl.DataFrame(
        {
            "account_id": [f"a{k % 100:03}" for k in range(size)],
            "as_of": [FIRST + dt.timedelta(weeks=k // 100) for k in range(size)],
            "label": rng.random(size) < 0.3,
            "came_on": pl.Series([None] * size, dtype=pl.Date),
            "acv": pl.Series([None] * size, dtype=pl.Float64),
            "weight": rng.uniform(0.5, 2.0, size),
            "dau_before": numbers["dau_7d"] * 2.0,  # stands before the one that is read
            "plan": rng.choice(["True", "false"], size),
            "industry": rng.choice([" Software", "fishing ", "MEDIA", None], size).tolist(),
            **numbers,
            "noise": rng.normal(size=size),
        }
    )
    known = pl.Series(rng.random(size) < 0.8)
    return frame.with_columns(
        tickets_28d=pl.when(known).then("tickets_28d"),
        twin=pl.col("noise") * -3 + 1,
        near=pl.col("noise") + pl.Series(rng.normal(scale=0.4, size=size)),
        same=pl.lit(7.0),
        is_big=pl.Series(rng.random(size) < 0.5),
        first_seen=pl.col("as_of"),
    )


@pytest.fixture
def made(rows, hybrid):
    prior = Prior.of(hybrid, rows)
    return prior, *examples_of(rows, prior, left_out={"same": "Why not.", "other": "It is none."})


def test_rows_become_examples(rows, made):
    _, examples, _ = made
    assert examples.label.tolist() == rows["label"].to_list()
    assert examples.weight.mean() == pytest.approx(1.0)
    assert examples.weight / rows["weight"].to_numpy() == pytest.approx(
        np.full(300, 1 / rows["weight"].mean())
    )
    ids = rows["account_id"].to_numpy()
    for number in np.unique(examples.group):
        assert len(set(ids[examples.group == number])) == 1
    assert len(np.unique(examples.group)) == 100
    assert np.diff(examples.time).min() >= 0
    assert examples.time[-1] - examples.time[0] == 14


def test_the_hand_made_components_are_features_that_are_points(rows, made):
    prior, examples, _ = made
    assert examples.points == set(prior.specs)
    assert examples.features.columns[: len(prior.specs)] == list(prior.specs)
    daily = examples.features["usage.daily_active_users"].to_numpy()
    expected = np.interp(rows["dau_7d"].to_numpy(), [0, 1, 3, 10, 25], [0, 5, 12, 24, 30])
    assert daily == pytest.approx(expected)
    tickets = examples.features["behaviour.support_engagement"].to_numpy()
    assert (tickets[rows["tickets_28d"].is_null().to_numpy()] == 0.0).all()
    assert not np.isnan(tickets).any()


def test_texts_are_made_small_and_truths_numbers(made):
    _, examples, _ = made
    assert set(examples.features["industry"].unique()) == {"software", "fishing", "media", None}
    assert set(examples.features["plan"].unique()) == {"true", "false"}
    assert set(examples.features["is_big"].unique()) == {0.0, 1.0}


def test_features_are_left_out_with_the_reason(made):
    _, examples, out = made
    assert set(out) == {"same", "first_seen", "dau_before", "twin"}
    assert out["same"] == "Why not."
    assert out["first_seen"] == "It holds Date, which is no number and no text."
    assert not set(out) & set(examples.features.columns)
    assert not {"account_id", "as_of", "label", "came_on", "acv", "weight"} & set(
        examples.features.columns
    )


def test_of_features_that_go_together_the_one_of_the_hand_made_score_stays(made):
    _, examples, out = made
    assert out["dau_before"] == "It says what `dau_7d` says (correlation 1.00)."
    assert out["twin"] == "It says what `noise` says (correlation 1.00)."
    assert {"dau_7d", "noise", "near"} <= set(examples.features.columns)


@pytest.mark.parametrize(("spread", "same"), [(0.15, True), (0.4, False)])
def test_only_what_goes_together_closely_is_one(rows, hybrid, spread, same):
    rng = np.random.default_rng(1)
    beside = rows["noise"].to_numpy() + rng.normal(scale=spread, size=len(rows))
    together = np.corrcoef(beside, rows["noise"])[0, 1]
    assert bool(together >= SAME) is same
    frame = rows.with_columns(near=pl.Series(beside))
    _, out = examples_of(frame, Prior.of(hybrid, rows), left_out={})
    assert out.get("near") == (
        f"It says what `noise` says (correlation {together:.2f})." if same else None
    )


def test_a_chain_of_neighbours_keeps_what_is_far_from_what_stays(rows, hybrid):
    """The first stays; the third goes with the second only, which is gone."""
    rng = np.random.default_rng(2)
    step = rng.normal(size=len(rows))
    noise = rows["noise"].to_numpy()
    frame = rows.with_columns(
        second=pl.Series(noise + 0.2 * step), third=pl.Series(noise + 0.42 * step)
    )
    _, out = examples_of(frame, Prior.of(hybrid, rows), left_out={})
    assert "second" in out
    assert "third" not in out
