"""Feedback: who is likely to buy, what comes before growth, who answers, what is asked for."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from groundswell.measure.feedback import (
    FEWEST,
    asked_before_buying,
    count_answers,
    count_recurring,
    find_predictors,
    likely_buyers,
    size_of,
)

TODAY = dt.date(2026, 6, 30)
THEN = TODAY - dt.timedelta(days=91)


def ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


def steps(*rows: tuple[str, dt.date, int]) -> pl.DataFrame:
    schema = {"account_id": pl.String, "day": pl.Date, "arr_cents": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


# --- who is likely to buy -------------------------------------------------------------------------


def known_accounts() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "account_id": ["a", "b", "c", "d", "e", "f"],
            "name": ["A", "B", None, "D", "E", "F"],
            "owner": [None, None, None, "rep@x.example", None, None],
            "score": [40.0, 90.0, 95.0, 99.0, 99.0, None],
            "tier": ["PQL-Convert", None, "PQL-Convert", None, None, None],
            "paid": [None, None, None, None, TODAY, None],
            "qualified": [True, False, False, True, True, False],
        },
        schema_overrides={"paid": pl.Date},
    )


def test_those_that_qualify_come_first_and_nobody_who_is_worked_or_pays():
    found = likely_buyers(known_accounts(), worked=pl.Series("account_id", ["b"], pl.String))
    assert [one.account_id for one in found] == ["a", "c"]
    assert [one.tier for one in found] == ["PQL-Convert", None]
    assert found[0].qualified
    assert not found[1].qualified
    assert len(likely_buyers(known_accounts(), worked=pl.Series([], dtype=pl.String), most=1)) == 1


# --- what comes before growth ---------------------------------------------------------------------


def customers(n: int, *, strength: float, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Customers of which those with many exports grow more often, by `strength`."""
    rng = np.random.default_rng(seed)
    ids = [f"c{number:04}" for number in range(n)]
    exports = rng.poisson(3, n).astype(float)
    grows = rng.random(n) < np.where(exports > 3, 0.1 + strength, 0.1)
    features = pl.DataFrame(
        {
            "account_id": ids,
            "is_paying": True,
            "exports_28d": exports,
            "noise_28d": rng.poisson(3, n).astype(float),
        }
    )
    rows = [(name, ago(200), 100) for name in ids]
    rows += [(name, ago(30), 200) for name, grew in zip(ids, grows, strict=True) if grew]
    return features, steps(*rows)


def predictors(features: pl.DataFrame, arr: pl.DataFrame):
    names = ["exports_28d", "noise_28d"]
    return find_predictors(features, features, arr, names, then=THEN, as_of=TODAY)


def test_usage_that_comes_before_growth_is_found_with_who_is_like_that_now():
    features, arr = customers(600, strength=0.4)
    (found,) = predictors(features, arr)
    assert found.feature == "exports_28d"
    assert found.above == 3
    assert found.difference.low is not None
    assert found.difference.low > 0
    grown = set(arr.filter(pl.col("arr_cents") == 200)["account_id"])
    high = set(features.filter(pl.col("exports_28d") > 3)["account_id"])
    assert set(found.accounts) == high - grown


def test_chance_is_seldom_taken_for_a_predictor():
    false = sum(bool(predictors(*customers(200, strength=0.0, seed=seed))) for seed in range(200))
    assert false <= 16  # 2.5% a side of 200, and some


def test_growth_that_came_before_or_after_does_not_count():
    features, _ = customers(600, strength=0.0)
    high = features.filter(pl.col("exports_28d") > 3)["account_id"].to_list()
    early = steps(*((name, THEN, 200) for name in high))
    late = steps(*((name, TODAY + dt.timedelta(days=1), 200) for name in high))
    assert predictors(features, early) == ()
    assert predictors(features, late) == ()


# --- who answers ----------------------------------------------------------------------------------


def of_days(*rows: tuple[str, dt.date]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"account_id": pl.String, "day": pl.Date}, orient="row")


def companies(n: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "account_id": [f"a{number}" for number in range(n)],
            "industry": ["software"] * n,
            "country": [None] * n,
            "employees": [10] * n,
            "tier": [None] * n,
        },
        schema_overrides={"country": pl.String, "tier": pl.String},
    )


def test_an_answer_comes_within_sixty_days_of_the_first_contact():
    contacts = of_days(*((f"a{number}", ago(100)) for number in range(6)), ("a0", ago(61)))
    answers = of_days(
        ("a0", ago(100)),  # on the day
        ("a1", ago(40)),  # the last day
        ("a2", ago(39)),  # too late
        ("a3", ago(101)),  # before
    )
    found = {
        one.segment: one for one in count_answers(contacts, companies(6), answers, as_of=TODAY)
    }
    assert set(found) == {"industry", "size"}
    assert found["industry"].accounts == ("a0", "a1")
    assert found["industry"].answered.value == pytest.approx(2 / 6)
    assert found["size"].value == "under 50"


def test_who_was_contacted_lately_had_no_time_and_few_are_not_told_of():
    recent = of_days(*((f"a{number}", ago(59)) for number in range(6)))
    assert count_answers(recent, companies(6), of_days(), as_of=TODAY) == ()
    few = of_days(*((f"a{number}", ago(60)) for number in range(FEWEST - 1)))
    assert count_answers(few, companies(6), of_days(), as_of=TODAY) == ()


@pytest.mark.parametrize(
    ("employees", "size"),
    [
        (None, None),
        (1, "under 50"),
        (49, "under 50"),
        (50, "50 to 249"),
        (249, "50 to 249"),
        (250, "250 to 999"),
        (999, "250 to 999"),
        (1_000, "1,000 or more"),
    ],
)
def test_sizes(employees: int | None, size: str | None):
    frame = pl.DataFrame({"employees": [employees]}, schema={"employees": pl.Int64})
    assert frame.select(size_of("employees")).item() == size


# --- what is asked for ----------------------------------------------------------------------------


def test_buyers_are_looked_at_before_they_bought_and_others_a_quarter_ago():
    buyers, others = [f"b{n}" for n in range(6)], [f"o{n}" for n in range(6)]
    rows = [(name, ago(8), 1.0) for name in buyers]
    rows += [(name, ago(7), 0.0) for name in buyers]  # the day of the purchase tells nothing
    rows += [(name, ago(91), 0.0) for name in others]
    rows += [(name, ago(8), 1.0) for name in others]  # nor do later days of the others
    features = pl.DataFrame(
        rows,
        schema={"account_id": pl.String, "as_of": pl.Date, "asks_28d": pl.Float64},
        orient="row",
    )
    movements = steps(*((name, ago(7), 1_000) for name in buyers)).with_columns(kind=pl.lit("new"))
    (found,) = asked_before_buying(features, movements, ["asks_28d"], as_of=TODAY)
    assert (found.buyers.value, found.others.value) == (1.0, 0.0)
    assert found.arr_cents == 6_000
    assert set(found.accounts) == set(buyers)
    churned = movements.with_columns(kind=pl.lit("churn"))
    assert asked_before_buying(features, churned, ["asks_28d"], as_of=TODAY) == ()


def test_what_recurs_is_counted_beside_the_quarter_before():
    said = pl.DataFrame(
        [
            ("lost", "price", "a", ago(0), 500),
            ("lost", "price", "b", ago(90), 700),
            ("lost", "price", "c", ago(91), 900),
            ("lost", "price", "d", ago(181), 900),
            ("lost", "price", "e", ago(182), 900),
            ("lost", None, "f", ago(1), 900),
            ("ticket", "how to", "a", ago(1), 0),
            ("ticket", "how to", "a", ago(2), 0),
        ],
        schema={
            "kind": pl.String,
            "what": pl.String,
            "account_id": pl.String,
            "day": pl.Date,
            "amount_cents": pl.Int64,
        },
        orient="row",
    )
    lost, ticket = count_recurring(said, as_of=TODAY)
    assert (lost.what, lost.count, lost.before, lost.amount_cents) == ("price", 2, 2, 1_200)
    assert lost.accounts == ("a", "b")
    assert (ticket.count, ticket.accounts) == (2, ("a",))
