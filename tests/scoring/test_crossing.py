"""The debounced crossing against a slow machine that takes one account and one day at a time."""

from __future__ import annotations

import datetime as dt
import itertools

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.scoring import State, follow_crossings

START = dt.date(2026, 1, 1)


def day(number: int) -> dt.date:
    return START + dt.timedelta(days=number)


def frame(scores, *, account="acme", begin=0, raises=()):
    """Daily rows of one account; None is a day without a row."""
    rows = []
    for number, score in enumerate(scores, start=begin):
        if score is None:
            continue
        past = [number - raised for raised in raises if raised <= number]
        rows.append(
            {
                "account_id": account,
                "as_of": day(number),
                "score": float(score),
                "days_since_hand_raised": min(past) if past else None,
            }
        )
    schema = {
        "account_id": pl.String,
        "as_of": pl.Date,
        "score": pl.Float64,
        "days_since_hand_raised": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema)


def changes(crossings):
    return [
        ((row["day"] - START).days, row["from_state"], row["to_state"])
        for row in crossings.transitions.iter_rows(named=True)
    ]


def state_of(crossings):
    return crossings.states.row(0, named=True)


def test_seventy_does_not_cross_and_a_little_more_does(hybrid):
    crossings = follow_crossings(hybrid, frame([69, 70, 70.1, 70]))
    assert changes(crossings) == [(2, "monitored", "qualified")]
    state = state_of(crossings)
    assert (state["state"], state["qualified_since"]) == ("qualified", day(2))
    assert state["crossed_on"] == day(2)


def test_at_least_fifty_crosses_at_fifty(points_preset):
    crossings = follow_crossings(points_preset, frame([49.9, 50]))
    assert changes(crossings) == [(1, "monitored", "qualified")]


def test_released_on_the_seventh_day_below_sixty(hybrid):
    assert changes(follow_crossings(hybrid, frame([80] + [59.9] * 6))) == [
        (0, "monitored", "qualified")
    ]
    released = follow_crossings(hybrid, frame([80] + [59.9] * 7))
    assert changes(released)[1:] == [(7, "qualified", "released")]
    state = state_of(released)
    assert (state["released_on"], state["cooldown_until"]) == (day(7), day(37))
    assert state["qualified_since"] is None
    assert state["crossed_on"] == day(0)


def test_sixty_itself_is_not_below_and_begins_the_count_anew(hybrid):
    assert len(changes(follow_crossings(hybrid, frame([80] + [59] * 6 + [60] + [59] * 6)))) == 1
    assert len(changes(follow_crossings(hybrid, frame([80] + [60] * 30)))) == 1


def test_days_below_seventy_before_the_crossing_do_not_count(hybrid):
    """Ten low days, a crossing, and six low days: not seven in a row."""
    assert len(changes(follow_crossings(hybrid, frame([10] * 10 + [80] + [10] * 6)))) == 1


def test_cool_down_keeps_an_account_out_for_thirty_days(hybrid):
    scores = [80] + [50] * 7 + [90] * 40
    assert changes(follow_crossings(hybrid, frame(scores)))[1:] == [
        (7, "qualified", "released"),
        (37, "released", "qualified"),
    ]


def test_a_hand_raise_waives_the_cool_down_but_not_the_threshold(hybrid):
    scores = [80] + [50] * 9 + [90] * 5
    crossings = follow_crossings(hybrid, frame(scores, raises=[8]))
    assert changes(crossings)[2:] == [(10, "released", "qualified")]


def test_a_hand_raise_before_the_release_waives_nothing(hybrid):
    scores = [80] + [50] * 9 + [90] * 5
    assert len(changes(follow_crossings(hybrid, frame(scores, raises=[6])))) == 2


def test_history_can_be_asked_for_any_day(hybrid):
    crossings = follow_crossings(hybrid, frame([10, 80] + [50] * 7))
    states = [crossings.as_of(day(n))["state"].item() for n in (0, 1, 7, 8)]
    assert states == ["monitored", "qualified", "qualified", "released"]


def test_nothing_to_follow(hybrid):
    crossings = follow_crossings(hybrid, frame([]))
    assert crossings.states.height == 0
    assert crossings.transitions.height == 0


# --- properties -----------------------------------------------------------------------------------

LEVELS = st.sampled_from([20.0, 59.0, 60.0, 65.0, 70.0, 71.0, 95.0])
RUNS = st.lists(st.tuples(LEVELS | st.none(), st.integers(1, 12)), min_size=1, max_size=14)
SERIES = RUNS.map(lambda runs: [score for score, length in runs for _ in range(length)])
RAISES = st.lists(st.integers(0, 120), max_size=2)


def slow_machine(scores, raises):
    """Take one day at a time, as the rules are written; a day without a score changes nothing."""
    state, released, low_from, found = "monitored", None, None, []
    for number, score in enumerate(scores):
        if score is None:
            continue
        if score >= 60:
            low_from = None
        elif low_from is None:
            low_from = number
        before = state
        if state == "qualified":
            if low_from is not None and number - low_from + 1 >= 7:
                state, released = "released", number
        elif score > 70:
            cooling = state == "released" and number < released + 30
            asked = released is not None and any(released <= r <= number for r in raises)
            if not cooling or asked:
                state = "qualified"
        if state != before:
            found.append((number, before, state))
    return found


@settings(max_examples=60)
@given(scores=SERIES, raises=RAISES)
def test_it_equals_the_slow_machine(hybrid, scores, raises):
    assert changes(follow_crossings(hybrid, frame(scores, raises=raises))) == slow_machine(
        scores, raises
    )


@settings(max_examples=40)
@given(scores=SERIES)
def test_it_never_flips_inside_the_debounce(hybrid, scores):
    found = changes(follow_crossings(hybrid, frame(scores)))
    for (first, _, _), (then, _, after) in itertools.pairwise(found):
        least = 7 if after == "released" else 30
        assert then - first >= least


@settings(max_examples=40)
@given(scores=SERIES, raises=RAISES, cut=st.integers(0, 60), overlap=st.integers(0, 5))
def test_going_on_from_a_state_equals_one_go(hybrid, scores, raises, cut, overlap):
    whole = follow_crossings(hybrid, frame(scores, raises=raises))
    days = frame(scores, raises=raises)
    first = follow_crossings(hybrid, days.filter(pl.col("as_of") < day(cut)))
    again = days.filter(pl.col("as_of") >= day(cut - overlap))
    rest = follow_crossings(hybrid, again, previous=first.states)
    assert rest.states.equals(whole.states)
    assert changes(first) + changes(rest) == changes(whole)


@settings(max_examples=15)
@given(series=st.lists(SERIES, min_size=2, max_size=4), seed=st.randoms(use_true_random=False))
def test_accounts_do_not_touch_each_other(hybrid, series, seed):
    frames = [frame(scores, account=f"a{n}") for n, scores in enumerate(series)]
    mixed = pl.concat(frames)
    order = list(range(mixed.height))
    seed.shuffle(order)
    together = follow_crossings(hybrid, mixed[order])
    alone = [follow_crossings(hybrid, one) for one in frames]
    assert together.states.equals(pl.concat([one.states for one in alone]))
    assert together.transitions.equals(pl.concat([one.transitions for one in alone]))


def test_states_are_named():
    assert [str(state) for state in State] == ["monitored", "qualified", "released"]
