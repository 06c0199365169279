"""What is said of the past equals plain loops over its rows; comparisons are on the same rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit

from groundswell.scoring.learning.backtest import (
    CAPACITIES,
    REST_WEEKS,
    Queue,
    Said,
    Weeks,
    borrowed_chances,
    judge,
)
from groundswell.scoring.learning.comparison import compare
from groundswell.scoring.learning.drawing import Draws
from groundswell.scoring.learning.measures import Ranked, average_precision, brier, roc_auc

FIRST = dt.date(2026, 1, 5)


class Row(NamedTuple):
    """An account in a week, and what was said of it."""

    account: int
    week: int
    score: float = 50.0
    lead: int = 0  # days until the outcome came; 0 where it did not
    acv: float = 0.0
    standing: int = 0  # 1 qualified, 2 newly so

    @property
    def label(self) -> bool:
        return self.lead > 0


SCORES = st.sampled_from([0.0, 4.99, 5.0, 37.5, 60.0, 100.0])
CAME = st.tuples(st.integers(1, 90), st.sampled_from([120.0, 1_000.0]))
COLUMNS = st.tuples(SCORES, st.just((0, 0.0)) | CAME, st.integers(0, 2))


@st.composite
def pasts(draw):
    """A few accounts in some of some weeks, at least one row with the outcome and one without."""
    keys = st.tuples(st.integers(0, 6), st.integers(0, 8))
    found = draw(st.dictionaries(keys, COLUMNS, min_size=2, max_size=30))
    present = sorted({account for account, _ in found})
    rows = [
        Row(present.index(account), week, score, lead, acv, standing)
        for (account, week), (score, (lead, acv), standing) in sorted(found.items())
    ]
    assume(len({row.label for row in rows}) == 2)
    return rows


def weeks_of(rows) -> Weeks:
    return Weeks(
        account=np.array([row.account for row in rows]),
        week=np.array([row.week for row in rows]),
        label=np.array([row.label for row in rows]),
        lead=np.array([row.lead for row in rows]),
        acv=np.array([row.acv for row in rows]),
        ids=tuple(f"a{k}" for k in range(1 + max(row.account for row in rows))),
        days=tuple(FIRST + dt.timedelta(weeks=k) for k in range(1 + max(row.week for row in rows))),
    )


def said_of(rows, chance=None) -> Said:
    scores = np.array([row.score for row in rows])
    return Said(
        scores=scores,
        chances=np.full(len(rows), np.nan) if chance is None else chance(scores),
        qualified=np.array([row.standing >= 1 for row in rows]),
        newly=np.array([row.standing == 2 for row in rows]),
    )


def by_score(scores):
    return 0.05 + scores / 200


def judged(rows, *, capacity=2, chance=by_score, seed=0):
    return judge(
        weeks_of(rows),
        said_of(rows, chance),
        version="hand-1",
        outcome="converted",
        horizon=90,
        capacity=capacity,
        left_out=3,
        seed=seed,
    )


def value(figure):
    return None if figure is None else figure.value


def ratio(a, b):
    return pytest.approx(a / b) if b else None


# --- the same in plain loops ----------------------------------------------------------------


def taken_by_hand(rows, capacity):
    rests_until: dict[int, int] = {}
    found = []
    for week in range(1 + max(row.week for row in rows)):
        free = [row for row in rows if row.week == week and rests_until.get(row.account, 0) <= week]
        free.sort(key=lambda row: (-row.score, row.account))
        for row in free[:capacity]:
            rests_until[row.account] = week + 4
            found.append(row)
    return found


def reached_by_hand(rows, chosen):
    came = {row.account for row in rows if row.label}
    return len(came & {row.account for row in chosen if row.label}) / len(came)


def rest_by_hand(rows):
    """Return conversion and ACV of accounts that never qualified, each counting as one."""
    ever = {row.account for row in rows if row.standing}
    by_account: dict[int, list[Row]] = {}
    for row in rows:
        if row.account not in ever:
            by_account.setdefault(row.account, []).append(row)
    shares = [sum(row.label for row in some) / len(some) for some in by_account.values()]
    worth = [
        float(np.mean([row.acv for row in some if row.label]))
        for some in by_account.values()
        if any(row.label for row in some)
    ]
    return by_account, shares, worth


def quantile_by_hand(values, share):
    values = sorted(values)
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


@given(pasts(), st.sampled_from([1, 2, 3, 10]))
def test_the_highest_are_taken_first_and_rest_four_weeks(rows, capacity):
    found = Queue.of(weeks_of(rows), said_of(rows).scores).taken(capacity)
    assert [rows[k] for k in found] == taken_by_hand(rows, capacity)


def test_who_was_taken_is_taken_again_four_weeks_later():
    rows = [Row(0, week, 90.0) for week in range(9)] + [Row(1, week, 10.0) for week in range(9)]
    found = Queue.of(weeks_of(rows), said_of(rows).scores).taken(1)
    taken = [(rows[k].account, rows[k].week) for k in found]
    assert taken == [(0, 0), (1, 1), (0, 4), (1, 5), (0, 8)]
    assert REST_WEEKS == 4


def test_of_equal_scores_the_first_account_is_taken():
    rows = [Row(account, 0, 50.0) for account in range(4)] + [Row(4, 0, 50.1)]
    found = Queue.of(weeks_of(rows), said_of(rows).scores).taken(3)
    assert found.tolist() == [4, 0, 1]


@settings(max_examples=20)
@given(pasts(), st.sampled_from([1, 2, 4]))
def test_what_comes_of_a_capacity_equals_plain_loops(rows, capacity):
    found = judged(rows, capacity=capacity)
    assert [one.capacity for one in found.by_capacity] == list(CAPACITIES)
    for one in (found.at_capacity, *found.by_capacity[:4]):
        taken = taken_by_hand(rows, one.capacity)
        assert one.taken == len(taken)
        assert value(one.precision) == ratio(sum(row.label for row in taken), len(taken))
        assert one.reached == pytest.approx(reached_by_hand(rows, taken))
    assert found.at_capacity.capacity == found.capacity == capacity


@settings(max_examples=20)
@given(pasts(), st.sampled_from([1, 2, 4]))
def test_who_qualified_and_the_rest_equal_plain_loops(rows, capacity):
    found = judged(rows, capacity=capacity)
    newly = [row for row in rows if row.standing == 2]
    won = [row for row in newly if row.label]
    mine = found.qualified
    assert mine.accounts == len({row.account for row in newly})
    assert mine.came == len({row.account for row in won})
    assert value(mine.conversion) == ratio(len(won), len(newly))
    assert value(mine.acv) == ratio(sum(row.acv for row in won), len(won))
    assert found.reached == pytest.approx(reached_by_hand(rows, newly))

    others, shares, worth = rest_by_hand(rows)
    rest = found.rest
    assert (rest.accounts, rest.came) == (len(others), len(worth))
    assert value(rest.conversion) == ratio(sum(shares), len(shares))
    assert value(rest.acv) == ratio(sum(worth), len(worth))
    both = newly and shares and sum(shares)
    times = ratio(len(won) / len(newly), sum(shares) / len(shares)) if both else None
    assert value(found.conversion_ratio) == times
    worthy = won and worth
    times = ratio(np.mean([row.acv for row in won]), np.mean(worth)) if worthy else None
    assert value(found.acv_ratio) == times

    counts = [sum(row.week == week for row in newly) for week in range(found.weeks)]
    assert found.used == pytest.approx(
        sum(min(count, capacity) for count in counts) / (capacity * found.weeks)
    )
    over = sum(max(count - capacity, 0) for count in counts)
    assert found.overflow == pytest.approx(over / max(len(newly), 1))
    lead = found.lead
    if won:
        days = [row.lead for row in won]
        assert lead.count == len(won)
        assert (lead.low, lead.median, lead.high) == pytest.approx(
            tuple(quantile_by_hand(days, share) for share in (0.25, 0.5, 0.75))
        )
    else:
        assert lead is None


@settings(max_examples=20)
@given(pasts())
def test_what_is_counted_equals_plain_loops(rows):
    found = judged(rows)
    assert (found.version, found.outcome, found.horizon) == ("hand-1", "converted", 90)
    assert (found.rows, found.left_out) == (len(rows), 3)
    assert found.accounts == len({row.account for row in rows})
    assert found.came == len({row.account for row in rows if row.label})
    last = max(row.week for row in rows)
    assert (found.weeks, found.first) == (last + 1, FIRST)
    assert found.last == FIRST + dt.timedelta(weeks=last)
    assert [(week.accounts, week.newly, week.came) for week in found.by_week] == [
        (
            sum(row.week == k for row in rows),
            sum(row.week == k and row.standing == 2 for row in rows),
            sum(row.week == k and row.standing == 2 and row.label for row in rows),
        )
        for k in range(last + 1)
    ]
    assert [week.day for week in found.by_week] == [
        FIRST + dt.timedelta(weeks=k) for k in range(last + 1)
    ]
    bars = {bar.low: (bar.rows, bar.came) for bar in found.distribution}
    assert list(bars) == [5.0 * k for k in range(20)]
    for low, counted in bars.items():
        within = [row for row in rows if low <= min(row.score, 99.0) < low + 5]
        assert counted == (len(within), sum(row.label for row in within))


@settings(max_examples=20)
@given(pasts(), st.booleans())
def test_the_ranking_is_that_of_all_rows_and_tenths_add_up(rows, has_chance):
    found = judged(rows, chance=by_score if has_chance else None)
    scores, label, even = said_of(rows).scores, weeks_of(rows).label, np.ones(len(rows))
    ranked = Ranked.of(scores, by_score(scores), label, even)
    assert found.roc_auc.value == pytest.approx(roc_auc(ranked, even))
    assert found.average_precision.value == pytest.approx(average_precision(ranked, even))
    assert found.borrowed_chance is not has_chance
    tenths = found.tenths
    assert sum(tenth.rows for tenth in tenths) == pytest.approx(len(rows))
    assert sum(tenth.rows * tenth.observed for tenth in tenths) == pytest.approx(label.sum())
    assert sum(tenth.rows * tenth.lift for tenth in tenths) == pytest.approx(len(rows))
    above = accumulate(tenth.rows * tenth.observed for tenth in tenths)
    gains = [caught / label.sum() for caught in above]
    assert [tenth.gain for tenth in tenths] == pytest.approx(gains)
    assert tenths[-1].gain == pytest.approx(1.0)
    if has_chance:
        assert found.brier.value == pytest.approx(brier(ranked, even))
        expected = sum(tenth.rows * tenth.expected for tenth in tenths)
        assert expected == pytest.approx(by_score(scores).sum())


def test_intervals_are_of_accounts_drawn_again():
    rng = np.random.default_rng(0)
    rows = [
        Row(account, week, 10.0 * rng.integers(0, 10), 30 * (rng.random() < 0.4), 5.0, 2)
        for account in range(12)
        for week in range(6)
    ]
    found = judged(rows, seed=5)
    drawn = np.concatenate(list(Draws(12, seed=5).batches()), axis=1)

    def interval(some):
        again = []
        for times in drawn.T:
            counted = sum(times[row.account] for row in some)
            came = sum(times[row.account] for row in some if row.label)
            again += [came / counted] if counted else []
        return pytest.approx(tuple(np.percentile(again, [2.5, 97.5])))

    precision, conversion = found.at_capacity.precision, found.qualified.conversion
    assert (precision.low, precision.high) == interval(taken_by_hand(rows, 2))
    assert (conversion.low, conversion.high) == interval(rows)
    assert judged(rows, seed=5) == found
    assert judged(rows, seed=6).at_capacity != found.at_capacity


# --- comparing ------------------------------------------------------------------------------


def compared(rows, other, *, capacity=2):
    """Compare with a definition that gives the rows other scores."""
    theirs = [row._replace(score=score) for row, score in zip(rows, other, strict=True)]
    weeks, said = weeks_of(rows), (said_of(rows, by_score), said_of(theirs, by_score))
    tests = judged(rows, capacity=capacity), judged(theirs, capacity=capacity)
    return theirs, compare(weeks, said, tests)


@settings(max_examples=20)
@given(pasts(), st.data(), st.sampled_from([1, 2]))
def test_what_is_won_and_lost_equals_plain_loops(rows, data, capacity):
    other = data.draw(st.lists(SCORES, min_size=len(rows), max_size=len(rows)))
    theirs, found = compared(rows, other, capacity=capacity)
    caught = [
        {row.account for row in taken_by_hand(some, capacity) if row.label}
        for some in (rows, theirs)
    ]
    worth: dict[int, float] = {}
    for row in rows:
        worth[row.account] = max(worth.get(row.account, 0.0), row.acv)
    for said, accounts in (
        (found.both, caught[0] & caught[1]),
        (found.won, caught[1] - caught[0]),
        (found.lost, caught[0] - caught[1]),
    ):
        assert said.accounts == len(accounts)
        assert said.acv == pytest.approx(sum(worth[account] for account in accounts))
    first, second = found.first, found.second
    assert found.auc_gain.value == pytest.approx(second.roc_auc.value - first.roc_auc.value)
    assert found.precision_gain.value == pytest.approx(
        second.at_capacity.precision.value - first.at_capacity.precision.value
    )


@settings(max_examples=20)
@given(pasts())
def test_two_equal_definitions_win_and_lose_nothing(rows):
    _, found = compared(rows, [row.score for row in rows])
    for gain in (found.auc_gain, found.precision_gain):
        assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)
    assert (found.won.accounts, found.won.acv) == (found.lost.accounts, found.lost.acv) == (0, 0.0)
    assert found.both.accounts == len({row.account for row in taken_by_hand(rows, 2) if row.label})


def test_the_gain_of_a_better_definition_is_surely_above_nothing():
    rng = np.random.default_rng(0)
    rows = [
        Row(account, week, float(rng.integers(0, 100)), 20 * (account % 4 == 0), 100.0)
        for account in range(80)
        for week in range(4)
    ]
    other = [row.score / 4 + (70 if row.label else 0) for row in rows]
    _, found = compared(rows, other, capacity=5)
    assert found.auc_gain.low > 0.3
    assert found.precision_gain.low > 0.3
    assert found.won.accounts > found.lost.accounts


# --- chances of a score that says none ------------------------------------------------------


def outcomes_of(seed, *, accounts=40, weeks=3, slope=0.05):
    """Rows of random scores, whose outcomes follow them."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 100, (accounts, weeks)).astype(float)
    came = rng.random((accounts, weeks)) < expit(slope * (scores - 50))
    return [
        Row(account, week, scores[account, week], 9 * int(came[account, week]))
        for account in range(accounts)
        for week in range(weeks)
    ]


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 39), st.lists(st.booleans(), min_size=3, max_size=3))
def test_a_row_has_no_say_in_its_own_chance(seed, account, labels):
    weeks, scores = weeks_of(rows := outcomes_of(seed)), said_of(rows).scores
    other = weeks.label.copy()
    other[weeks.account == account] = labels
    before = borrowed_chances(weeks, scores)
    after = borrowed_chances(replace(weeks, label=other), scores)
    half = weeks.account % 2 == account % 2
    assert after[half].tolist() == before[half].tolist()
    if other.sum() != weeks.label.sum():
        assert (after[~half] != before[~half]).all()


def test_a_row_has_no_say_even_where_the_other_half_has_one_outcome():
    rows = [Row(0, 0, lead=9), Row(1, 0), Row(2, 0), Row(3, 0)]
    scores = np.array([1.0, 2.0, 3.0, 4.0])
    came, did_not = weeks_of(rows), weeks_of([row._replace(lead=0) for row in rows])
    assert borrowed_chances(came, scores)[0] == borrowed_chances(did_not, scores)[0]


def test_borrowed_chances_rise_with_the_score_and_come_true():
    rows = outcomes_of(1, accounts=2_000)
    weeks, scores = weeks_of(rows), said_of(rows).scores
    chances = borrowed_chances(weeks, scores)
    for half in (weeks.account % 2 == 0, weeks.account % 2 == 1):
        order = np.argsort(scores[half], kind="stable")
        assert (np.diff(chances[half][order]) >= 0).all()
    for low in range(0, 100, 20):
        some = (scores >= low) & (scores < low + 20)
        assert chances[some].mean() == pytest.approx(weeks.label[some].mean(), abs=0.04)
    assert judged(rows, chance=None).brier.value == pytest.approx(
        np.mean((chances - weeks.label) ** 2), abs=1e-3
    )


def test_a_score_that_never_differs_borrows_the_share_of_the_other_half():
    rows = [row._replace(score=7.0) for row in outcomes_of(2)]
    weeks = weeks_of(rows)
    chances = borrowed_chances(weeks, said_of(rows).scores)
    for half in (0, 1):
        mine = weeks.account % 2 == half
        assert chances[mine] == pytest.approx(weeks.label[~mine].mean(), abs=1e-4)
    found = judged(rows, chance=None)
    assert found.roc_auc.value == 0.5
    assert found.top_decile_lift.value == pytest.approx(1.0)
