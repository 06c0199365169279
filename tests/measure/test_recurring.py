"""Recurring revenue: steps, movements, and that they come to the cent to what is paid."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.measure.recurring import KINDS, arr_movements, arr_steps, reconcile

DATA = Path(__file__).parents[2].parent / "shared" / "data"
DAY = dt.date(2026, 1, 1)
LATER = dt.date(2027, 6, 30)
COLUMNS = {
    "subscription_id": pl.String,
    "account_id": pl.String,
    "plan": pl.String,
    "mrr": pl.Decimal(18, 2),
    "started_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "valid_from": pl.Datetime("us", "UTC"),
}


def at(day: int | None) -> dt.datetime | None:
    if day is None:
        return None
    return dt.datetime.combine(DAY + dt.timedelta(days=day), dt.time(9), dt.UTC)


def subscriptions(*rows) -> pl.DataFrame:
    """Return versions of (id, account, plan, mrr, started, ended, valid from), in days."""
    told = [
        (name, account, plan, Decimal(mrr), at(start), at(end), at(valid))
        for name, account, plan, mrr, start, end, valid in rows
    ]
    return pl.DataFrame(told, schema=COLUMNS, orient="row")


def moved(frame: pl.DataFrame) -> list[tuple[str, int, str, int]]:
    rows = frame.select("account_id", "day", "kind", "arr_cents").iter_rows()
    return [(account, (day - DAY).days, kind, cents) for account, day, kind, cents in rows]


def test_every_kind_of_movement():
    told = subscriptions(
        ("s1", "a", "team", "10.10", 0, 100, None),
        ("s1", "a", "business", "20.20", 0, 100, 30),
        ("s1", "a", "team", "15.00", 0, 100, 60),
        ("s2", "a", "team", "10.00", 200, None, None),
        ("s3", "b", "free", "0.00", 0, None, None),
    )
    assert moved(arr_movements(arr_steps(told, as_of=LATER))) == [
        ("a", 0, "new", 12_120),
        ("a", 30, "expansion", 12_120),
        ("a", 60, "contraction", -6_240),
        ("a", 100, "churn", -18_000),
        ("a", 200, "reactivation", 12_000),
    ]


def test_several_subscriptions_are_one_total_and_a_change_of_plan_is_no_churn():
    told = subscriptions(
        ("s1", "a", "team", "10", 0, 50, None),
        ("s2", "a", "business", "30", 50, None, None),
        ("s3", "a", "extra", "5", 20, None, None),
    )
    steps = arr_steps(told, as_of=LATER)
    assert steps["arr_cents"].to_list() == [12_000, 18_000, 42_000]
    assert steps["plan"].to_list() == ["team", "team", "business"]
    assert [kind for _, _, kind, _ in moved(arr_movements(steps))] == ["new", *["expansion"] * 2]


def test_what_was_not_known_by_a_day_is_left_out():
    told = subscriptions(
        ("s1", "a", "team", "10", 0, 100, None),
        ("s1", "a", "team", "20", 0, 100, 50),
        ("s2", "b", "team", "10", 60, None, None),
    )
    early = arr_steps(told, as_of=DAY + dt.timedelta(days=40))
    assert early["arr_cents"].to_list() == [12_000]
    until = DAY + dt.timedelta(days=99)
    assert moved(arr_movements(arr_steps(told, as_of=until)))[-1] == ("b", 60, "new", 12_000)


def test_within_a_period_an_account_moves_once():
    told = subscriptions(
        ("s1", "a", "team", "10", 0, 10, None), ("s2", "a", "team", "30", 12, None, None)
    )
    ends = [DAY + dt.timedelta(days=30), DAY + dt.timedelta(days=60)]
    assert moved(arr_movements(arr_steps(told, as_of=LATER), ends)) == [("a", 30, "new", 36_000)]


history = st.lists(
    st.tuples(
        st.sampled_from(["s1", "s2", "s3"]),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["team", "business"]),
        st.decimals(0, 500, places=2).map(str),
        st.integers(0, 200),
        st.none() | st.integers(200, 420),
        st.none() | st.integers(0, 400),
    ),
    max_size=8,
)


@given(history)
def test_movements_come_to_the_cent_to_what_is_paid_whatever_happened(rows):
    # One subscription is of one account.
    told = subscriptions(*((f"{name}{account}", account, *rest) for name, account, *rest in rows))
    firsts = [dt.date(2026 + month // 12, month % 12 + 1, 1) for month in range(18)]
    months = [
        (first, dt.date(2026 + (m + 1) // 12, (m + 1) % 12 + 1, 1) - dt.timedelta(days=1))
        for m, first in enumerate(firsts)
    ]
    for month in reconcile(told, months, as_of=LATER):
        assert month.difference == 0
    steps = arr_steps(told, as_of=LATER)
    assert (steps["arr_cents"] >= 0).all()
    assert set(arr_movements(steps)["kind"]) <= set(KINDS)


@pytest.mark.data
@pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not beside the project")
def test_movements_of_a_real_history_reconcile_for_every_month():
    table = pl.read_csv(DATA / "ravenstack" / "ravenstack_subscriptions.csv")
    day = lambda name: pl.col(name).str.to_datetime("%d-%m-%Y", time_unit="us", time_zone="UTC")  # noqa: E731
    told = table.select(
        "subscription_id",
        "account_id",
        pl.col("plan_tier").alias("plan"),
        pl.col("mrr_amount").cast(pl.Decimal(18, 2)).alias("mrr"),
        day("start_date").alias("started_at"),
        day("end_date").alias("ended_at"),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("valid_from"),
    )
    months = [
        (dt.date(year, month, 1), dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(1))
        for year in (2023, 2024)
        for month in range(1, 13)
    ]
    found = reconcile(told, months, as_of=dt.date(2024, 12, 31))
    assert [month.difference for month in found] == [0] * 24
    assert found[0].opening == 0
    # The same sum, by hand: what had started and had not ended by the last day.
    cents = sum(
        row["mrr_amount"] * 1200
        for row in table.iter_rows(named=True)
        if row["end_date"] is None or row["end_date"].endswith("2025")
    )
    assert found[-1].closing == cents
    assert all(found[-1].moved[kind] for kind in ("new", "expansion", "contraction"))
    assert pytest.approx(sum(sum(m.moved.values()) for m in found)) == cents
