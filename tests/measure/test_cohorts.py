"""Cohorts: shares wait until everybody had the time, revenue is read at the same age."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from groundswell.measure.cohorts import (
    compare_segments,
    revenue_cohorts,
    signup_cohorts,
)

TODAY = dt.date(2026, 6, 30)
JANUARY = (dt.date(2026, 1, 1), dt.date(2026, 1, 31))


def signups(days: list[dt.date], **flags: list[bool]) -> pl.DataFrame:
    told = {"activated_in_14d": False, "qualified_in_30d": False, "paid_in_90d": False, **flags}
    return pl.DataFrame(
        {"account_id": [f"a{n}" for n in range(len(days))], "signed_up": days}
    ).with_columns(
        pl.Series(name, value if isinstance(value, list) else [value] * len(days))
        for name, value in told.items()
    )


def test_sign_ups_count_in_their_month_and_shares_are_of_them():
    days = [dt.date(2025, 12, 31), JANUARY[0], JANUARY[1], dt.date(2026, 2, 1)]
    accounts = signups(days, paid_in_90d=[True, True, False, True])
    (found,) = signup_cohorts(accounts, [JANUARY], as_of=TODAY)
    assert found.signups == 2
    assert found.reached["paid_in_90d"].value == 0.5
    assert found.reached["activated_in_14d"].value == 0.0


@pytest.mark.parametrize(
    ("as_of", "known"),
    [
        (dt.date(2026, 2, 13), set()),
        (dt.date(2026, 2, 14), {"activated_in_14d"}),
        (dt.date(2026, 3, 1), {"activated_in_14d"}),
        (dt.date(2026, 3, 2), {"activated_in_14d", "qualified_in_30d"}),
        (dt.date(2026, 4, 30), {"activated_in_14d", "qualified_in_30d"}),
        (dt.date(2026, 5, 1), {"activated_in_14d", "qualified_in_30d", "paid_in_90d"}),
    ],
)
def test_a_share_is_told_once_the_last_of_the_month_had_the_time(as_of, known):
    (found,) = signup_cohorts(signups([JANUARY[1]]), [JANUARY], as_of=as_of)
    assert {name for name, told in found.reached.items() if told.value is not None} == known


def world(n: int, *, lift: float, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    industry = rng.choice(["software", "media"], n)
    paid = rng.random(n) < np.where(industry == "software", 0.1 + lift, 0.1)
    return pl.DataFrame(
        {
            "signed_up": [TODAY - dt.timedelta(days=100)] * n,
            "industry": industry,
            "country": rng.choice(["US", "DE", "FR"], n),
            "employees": [10] * n,
            "is_free_mail": [False] * n,
            "paid_in_90d": paid,
        }
    )


def test_a_segment_that_pays_more_often_comes_first():
    since = TODAY - dt.timedelta(days=365)
    found = compare_segments(world(800, lift=0.2), since=since, as_of=TODAY)
    assert {one.segment for one in found} == {"industry", "country"}  # one size is no comparison
    assert {found[0].value, found[1].value} == {"software", "media"}
    clear = [one for one in found if (one.difference.low or 0) > 0]
    assert [one.value for one in clear] == ["software"]
    assert sum(one.paid.n for one in found if one.segment == "country") == 800


def test_chance_is_seldom_taken_for_a_segment():
    since = TODAY - dt.timedelta(days=365)
    false = 0
    for seed in range(200):
        found = compare_segments(world(300, lift=0.0, seed=seed), since=since, as_of=TODAY)
        false += any(
            one.difference.low is not None
            and one.difference.high is not None
            and (one.difference.low > 0 or one.difference.high < 0)
            for one in found
        )
    assert false <= 18  # 5% of 200, and some


def test_sign_ups_without_their_ninety_days_are_left_out():
    since = TODAY - dt.timedelta(days=365)
    late = world(100, lift=0.5).with_columns(signed_up=TODAY - dt.timedelta(days=89))
    assert compare_segments(late, since=since, as_of=TODAY) == ()


# --- revenue --------------------------------------------------------------------------------------

QUARTER = (dt.date(2025, 1, 1), dt.date(2025, 3, 31))


def steps(*rows: tuple[str, dt.date, int]) -> pl.DataFrame:
    schema = {"account_id": pl.String, "day": pl.Date, "arr_cents": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def day(after: int) -> dt.date:
    return QUARTER[0] + dt.timedelta(days=after)


def test_revenue_is_read_at_the_age_of_each_customer():
    arr = steps(
        ("a", day(0), 1_000),
        ("a", day(91), 3_000),  # on the very day
        ("b", day(80), 1_000),
        ("b", day(80 + 92), 0),  # a day too late to count after a quarter
        ("c", day(200), 9_000),  # of another cohort
    )
    (found,) = revenue_cohorts(arr, [QUARTER], as_of=TODAY)
    assert (found.customers, found.arr_cents) == (2, 2_000)
    assert [found.nrr[age].value for age in (91, 182, 365)] == [2.0, 1.5, 1.5]
    assert [found.grr[age].value for age in (91, 182, 365)] == [1.0, 0.5, 0.5]


def test_retention_waits_until_the_youngest_is_old_enough():
    arr = steps(("a", day(0), 1_000))
    then = QUARTER[1] + dt.timedelta(days=182)
    (early,) = revenue_cohorts(arr, [QUARTER], as_of=then - dt.timedelta(days=1))
    (now,) = revenue_cohorts(arr, [QUARTER], as_of=then)
    assert early.nrr[91].value == 1.0
    assert early.nrr[182].value is None
    assert now.nrr[182].value == 1.0
    assert now.nrr[365].value is None


def test_what_was_paid_counts_by_the_day():
    arr = steps(("a", day(0), 36_500), ("a", day(10), 73_000), ("a", day(20), 0))
    (found,) = revenue_cohorts(arr, [QUARTER], as_of=day(100))
    assert found.paid_cents.value == pytest.approx(10 * 100 + 10 * 200)
    (first,) = revenue_cohorts(arr, [QUARTER], as_of=day(0))
    assert first.paid_cents.value == pytest.approx(100)


def test_what_comes_later_changes_nothing_before():
    arr = steps(("a", day(0), 1_000), ("a", day(300), 5_000), ("b", day(50), 700))
    then = day(250)
    known = arr.filter(pl.col("day") <= then)
    assert revenue_cohorts(arr, [QUARTER], as_of=then) == revenue_cohorts(
        known, [QUARTER], as_of=then
    )


def test_a_quarter_without_customers_is_told_as_such():
    (found,) = revenue_cohorts(steps(), [QUARTER], as_of=TODAY)
    assert (found.customers, found.arr_cents, found.paid_cents.value) == (0, 0, None)
