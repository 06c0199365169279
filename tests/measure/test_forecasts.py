"""Forecasts: told from what was known, and as often right as they say."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from groundswell.measure.forecasts import (
    LEVEL,
    check_forecasts,
    forecast_pipeline,
    forecast_self_serve,
    paid_between,
    won_between,
)
from groundswell.model import Motion

FIRST = dt.date(2024, 1, 1)
AS_OF = dt.date(2025, 9, 28)
DAYS = 91


def signups(seed: int, weeks: int = 104, a_week: int = 60) -> pl.DataFrame:
    """Return accounts that sign up as many a week, a tenth of whom pay after weeks."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(a_week, weeks)
    week = np.repeat(np.arange(weeks), count)
    day = week * 7 + rng.integers(0, 7, len(week))
    pays = rng.random(len(week)) < 0.1
    after = np.ceil(rng.exponential(25, len(week))).astype(int)
    epoch = (FIRST - dt.date(1970, 1, 1)).days
    return pl.DataFrame(
        {
            "account_id": [f"a{place}" for place in range(len(week))],
            "signed_up": pl.Series(day + epoch).cast(pl.Int32).cast(pl.Date),
            "paid": pl.Series(day + after + epoch).cast(pl.Int32).cast(pl.Date),
            "worked_before_paying": rng.random(len(week)) < 0.1,
            "first_arr_cents": rng.integers(10_000, 500_000, len(week)),
        }
    ).with_columns(pl.when(pl.Series(pays)).then("paid"))


def pipeline(seed: int, weeks: int = 104, a_week: int = 6) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return opportunities that go from demo to offer, and are won or lost."""
    rng = np.random.default_rng(seed)
    n = a_week * weeks
    created = np.sort(rng.integers(0, weeks * 7, n))
    offer = rng.random(n) < 0.5
    won = offer & (rng.random(n) < 0.5)
    to_offer = np.ceil(rng.exponential(20, n)).astype(int)
    closed = created + to_offer + np.ceil(rng.exponential(30, n)).astype(int)
    start = np.datetime64(FIRST)
    ids = [f"o{place}" for place in range(n)]
    deals = pl.DataFrame(
        {
            "opportunity_id": ids,
            "motion": ["enterprise"] * n,
            "created_on": start + created,
            "closed_on": start + closed,
            "won": won,
            "amount_cents": rng.integers(1_000_000, 9_000_000, n),
        }
    ).with_columns(pl.col("created_on", "closed_on").cast(pl.Date))
    stages = pl.DataFrame(
        {
            "opportunity_id": ids
            + [one for one, is_there in zip(ids, offer, strict=True) if is_there],
            "stage": ["demo"] * n + ["offer"] * int(offer.sum()),
            "since": np.concatenate([start + created, (start + created + to_offer)[offer]]),
        }
    ).with_columns(pl.col("since").cast(pl.Datetime("us", "UTC")))
    return deals, stages


def origins(last: dt.date, count: int) -> list[dt.date]:
    return [last - dt.timedelta(days=28 * back) for back in range(count)]


def test_what_comes_later_changes_no_forecast():
    accounts = signups(1)
    later = (pl.col("signed_up") > AS_OF) | (pl.col("paid") > AS_OF)
    changed = accounts.with_columns(
        pl.when(later).then(pl.lit(AS_OF + dt.timedelta(days=400))).otherwise("paid").alias("paid"),
        pl.when(later).then(1).otherwise("first_arr_cents").alias("first_arr_cents"),
    )
    told = [forecast_self_serve(one, as_of=AS_OF, days=DAYS) for one in (accounts, changed)]
    assert told[0] == told[1]
    deals, stages = pipeline(1)
    after = pl.col("closed_on") > AS_OF
    other = deals.with_columns(
        pl.when(after).then(~pl.col("won")).otherwise("won").alias("won"),
        pl.when(after).then(pl.lit(dt.date(2030, 1, 1))).otherwise("closed_on").alias("closed_on"),
    )
    both = [
        forecast_pipeline(Motion.ENTERPRISE, one, stages, as_of=AS_OF, days=DAYS)
        for one in (deals, other)
    ]
    assert both[0] == both[1]


def test_the_interval_of_self_serve_holds_what_comes_as_often_as_it_says():
    held = made = 0
    error = []
    for seed in range(12):
        accounts = signups(seed)
        checked = check_forecasts(
            Motion.SELF_SERVE,
            lambda day, accounts=accounts: forecast_self_serve(accounts, as_of=day, days=DAYS),
            lambda after, until, accounts=accounts: paid_between(accounts, after, until),
            origins(AS_OF, 4),
        )
        held += round(checked.held.value * checked.origins)
        made += checked.origins
        error.append(checked.error)
    assert made == 48
    assert 0.68 <= held / made <= 0.95
    assert abs(np.mean(error)) < 0.05


def test_the_interval_of_a_pipeline_holds_what_comes_as_often_as_it_says():
    held = made = 0
    error = []
    for seed in range(12):
        deals, stages = pipeline(seed)
        checked = check_forecasts(
            Motion.ENTERPRISE,
            lambda day, deals=deals, stages=stages: forecast_pipeline(
                Motion.ENTERPRISE, deals, stages, as_of=day, days=DAYS
            ),
            lambda after, until, deals=deals: won_between(Motion.ENTERPRISE, deals, after, until),
            origins(AS_OF, 4),
        )
        held += round(checked.held.value * checked.origins)
        made += checked.origins
        error.append(checked.error)
    assert made == 48
    assert 0.68 <= held / made <= 0.97
    assert abs(np.mean(error)) < 0.08


def test_money_goes_with_the_customers_and_other_motions_are_left_out():
    deals, stages = pipeline(3)
    mixed = pl.concat(
        [
            deals,
            deals.with_columns(
                motion=pl.lit("expansion"), opportunity_id="x" + pl.col("opportunity_id")
            ),
        ]
    )
    alone = forecast_pipeline(Motion.ENTERPRISE, deals, stages, as_of=AS_OF, days=DAYS)
    assert forecast_pipeline(Motion.ENTERPRISE, mixed, stages, as_of=AS_OF, days=DAYS) == alone
    assert alone.cents.value / alone.customers.value == pytest.approx(5_000_000, rel=0.15)


def test_too_little_is_said_and_not_guessed():
    few = forecast_self_serve(signups(1, weeks=3, a_week=20), as_of=AS_OF, days=DAYS)
    assert few.customers.value is None
    assert "20 are needed" in few.missing
    deals, stages = pipeline(1, weeks=2)
    told = forecast_pipeline(Motion.ENTERPRISE, deals, stages, as_of=FIRST, days=DAYS)
    assert told.cents.value is None
    assert told.missing
    assert LEVEL == 0.8
