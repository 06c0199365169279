"""The whole comparison: who takes part, what came of it, and what is said of it."""

from __future__ import annotations

import dataclasses
import datetime as dt

import msgspec
import numpy as np
import polars as pl
import pytest
from scipy import stats

from groundswell.config.experiment_schema import ExperimentsBlock
from groundswell.config.experiments import resolve_experiments
from groundswell.config.findings import Findings
from groundswell.config.vocabulary import ValueType
from groundswell.measure.experiments.comparison import Looked, compare_conversion
from groundswell.measure.experiments.enrolment import enrol_accounts, observe_outcomes
from groundswell.measure.experiments.exposure import log_exposure, read_exposure
from groundswell.measure.experiments.uplift import (
    UpliftTables,
    UpliftVerdict,
    measure_uplift,
    observe_experiment,
)
from groundswell.model import as_plain

START = dt.date(2026, 1, 1)
TODAY = dt.date(2026, 12, 31)
FEATURES = {"active_users_28d": ValueType.NUMBER, "events_28d": ValueType.NUMBER}
TERMS = resolve_experiments(ExperimentsBlock.as_shipped(), types=FEATURES, findings=Findings({}))
EXPOSURES = {
    "account_id": pl.String,
    "exposed_on": pl.Date,
    "held_out": pl.Boolean,
    "motion": pl.String,
    "tier": pl.String,
}
ACCOUNTS = {
    "account_id": pl.String,
    "parent_id": pl.String,
    "hand_raised": pl.Date,
    "paid": pl.Date,
}
ARR = {"account_id": pl.String, "day": pl.Date, "arr_cents": pl.Int64}
DEALS = {
    "account_id": pl.String,
    "closed_at": pl.Datetime("us", "UTC"),
    "won": pl.Boolean,
    "amount_cents": pl.Int64,
}
TOUCHES = {"account_id": pl.String, "at": pl.Datetime("us", "UTC")}


def table(schema, *rows) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def day(number: int) -> dt.date:
    return START + dt.timedelta(days=number)


def noon(number: int) -> dt.datetime:
    return dt.datetime.combine(day(number), dt.time(12), dt.UTC)


def company(
    *,
    n: int = 3000,
    effect: float = 0.0,
    holdout: float = 0.2,
    seed: int = 0,
    usage: float = 0.0,
    days: int = 240,
) -> UpliftTables:
    """Return a company in which contact adds an effect to the share that converts.

    Enterprise accounts convert four times as often, and `usage` says how much usage matters.
    """
    rng = np.random.default_rng(seed)
    ids = [f"a{number:05}" for number in range(n)]
    parent = np.where(rng.random(n) < 0.2, np.maximum(np.arange(n) - 1, 0), np.arange(n))
    held = (rng.random(n) < holdout)[parent]
    enterprise = rng.random(n) < 0.3
    active = rng.normal(size=n)
    chance = np.where(enterprise, 0.4, 0.1) + np.where(held, 0, effect) + usage * active
    bought = rng.random(n) < chance
    qualified = np.sort(rng.integers(0, days, n))
    paid = [
        day(int(q) + 1 + int(wait))
        for q, wait in zip(qualified, rng.integers(0, 80, n), strict=True)
    ]
    cents = (rng.lognormal(0, 0.4, n) * 600_000).astype(int)
    dates = [day(int(q)) for q in qualified]
    return UpliftTables(
        exposures=pl.DataFrame(
            {
                "account_id": ids,
                "exposed_on": dates,
                "held_out": held,
                "motion": np.where(enterprise, "enterprise", "sales_assist"),
                "tier": np.where(enterprise, "PQL-Enterprise", "PQL-Convert"),
            },
            schema=EXPOSURES,
        ),
        accounts=pl.DataFrame(
            {
                "account_id": ids,
                "parent_id": [ids[one] for one in parent],
                "hand_raised": [None] * n,
                "paid": [on if yes else None for on, yes in zip(paid, bought, strict=True)],
            },
            schema=ACCOUNTS,
        ),
        arr=pl.DataFrame({"account_id": ids, "day": paid, "arr_cents": cents}, schema=ARR).filter(
            pl.Series(bought)
        ),
        opportunities=table(DEALS),
        touches=pl.DataFrame(
            {"account_id": ids, "at": [noon(int(q) + 1) for q in qualified]}, schema=TOUCHES
        ).filter(pl.Series(~held)),
        features=pl.DataFrame(
            {"account_id": ids, "as_of": dates, "active_users_28d": np.exp(active)}
        ),
    )


def measured(tables: UpliftTables, *, as_of: dt.date = TODAY, share: float = 0.2, **terms):
    told = dataclasses.replace(TERMS, **terms)
    return measure_uplift(tables, terms=told, share=share, as_of=as_of)


# --- who takes part -------------------------------------------------------------------------------


def enrolled(*exposures, accounts=(), since=START, as_of=TODAY) -> pl.DataFrame:
    known = accounts or [(name, None, None, None) for name in sorted({row[0] for row in exposures})]
    return enrol_accounts(
        table(EXPOSURES, *exposures), table(ACCOUNTS, *known), since=since, horizon=90, as_of=as_of
    )


def test_an_account_takes_part_with_its_first_exposure_in_the_arm_of_that_day():
    found = enrolled(
        ("a", day(5), True, "expansion", "PQL-Expansion"),
        ("a", day(50), False, "enterprise", None),
        ("b", day(1), False, None, None),
        ("b", day(9), True, "enterprise", None),
        since=day(2),
    )
    assert found.select("account_id", "assigned_on", "held_out", "motion").rows() == [
        ("a", day(5), True, "expansion"),
        ("b", day(9), True, "enterprise"),
    ]


def test_who_asked_for_a_person_before_takes_no_part_and_who_did_after_still_does():
    rows = [(name, day(5), False, "enterprise", None) for name in "abc"]
    accounts = [("a", "p", day(5), None), ("b", "p", day(6), None), ("c", None, None, None)]
    found = enrolled(*rows, accounts=accounts)
    assert found.select("account_id", "parent_id").rows() == [("b", "p"), ("c", "c")]


def test_an_account_has_had_its_time_when_its_horizon_has_ended():
    row = ("a", day(0), False, "enterprise", None)
    assert enrolled(row, as_of=day(90))["had_its_time"].to_list() == [True]
    assert enrolled(row, as_of=day(89))["had_its_time"].to_list() == [False]
    assert enrolled(row, as_of=START - dt.timedelta(1)).is_empty()


# --- what came of it ------------------------------------------------------------------------------


def outcome(*, paid=None, arr=(), deals=()) -> tuple:
    found = observe_outcomes(
        enrolled(("a", day(10), False, "enterprise", None)),
        table(ACCOUNTS, ("a", "a", None, paid)),
        table(ARR, *[("a", *step) for step in arr]),
        table(DEALS, *[("a", *deal) for deal in deals]),
    )
    return found.row(0)[-3:]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, (False, None, 0)),
        ({"paid": day(11), "arr": [(day(11), 500)]}, (True, 500, 500)),
        ({"paid": day(10), "arr": [(day(10), 500)]}, (False, None, 0)),  # paid that day already
        ({"paid": day(100), "arr": [(day(100), 500)]}, (True, 500, 500)),
        ({"paid": day(101), "arr": [(day(101), 500)]}, (False, None, 0)),  # after it was due
        ({"arr": [(day(0), 500), (day(20), 800)]}, (True, 300, 300)),  # expansion
        ({"arr": [(day(0), 500), (day(20), 300)]}, (False, None, -200)),
        ({"arr": [(day(0), 500), (day(20), 900), (day(60), 0)]}, (True, 400, -500)),
        ({"paid": day(30)}, (True, None, 0)),  # what it pays is not known
        ({"deals": [(noon(30), True, 700)]}, (True, 700, 700)),
        ({"deals": [(noon(30), True, None)]}, (True, None, 0)),
        ({"deals": [(noon(10), True, 700), (noon(101), True, 7)]}, (False, None, 0)),
        ({"deals": [(noon(30), False, 7), (noon(31), None, 7)]}, (False, None, 0)),
        ({"arr": [(day(40), 600)], "deals": [(noon(30), True, 700)]}, (True, 600, 600)),
    ],
)  # fmt: skip
def test_what_came_of_an_account_is_what_changed_within_its_horizon(told, expected):
    assert outcome(**told) == expected


def test_usage_is_read_as_it_was_at_qualification():
    tables = dataclasses.replace(
        company(n=60),
        features=pl.DataFrame(
            {
                "account_id": ["a00059"] * 3,
                "as_of": [day(0), day(1), TODAY],
                "active_users_28d": [1, 2, 3],
            }
        ),
    )
    found = observe_experiment(tables, terms=TERMS, as_of=TODAY)
    told = dict(found.select("account_id", "active_users_28d").iter_rows())
    assert told["a00059"] == 2
    assert told["a00058"] is None


# --- who was contacted ----------------------------------------------------------------------------


def test_contact_that_was_not_meant_is_told_and_changes_no_arm():
    rows = [(name, day(5), name in "cd", "enterprise", None) for name in "abcd"]
    touches = [("a", noon(5)), ("a", noon(5)), ("b", noon(4)), ("c", noon(40)), ("d", noon(96))]
    log = log_exposure(enrolled(*rows), table(TOUCHES, *touches))
    assert log.rows() == [
        ("a", day(5), "contacted", True),
        ("b", day(5), "contacted", False),  # the day before it qualified
        ("c", day(5), "held_out", False),
        ("c", day(40), "held_out", True),
        ("d", day(5), "held_out", False),  # after it was due
    ]
    found = read_exposure(log)
    assert (found.reached.value, found.contaminated.value) == (0.5, 0.5)
    assert (found.never_contacted, found.touched_held_out) == (("b",), ("c",))


# --- what is said of it ---------------------------------------------------------------------------


def test_a_real_effect_is_found_and_said():
    found = measured(company(effect=0.15))
    overall = found.overall
    assert overall.verdict is UpliftVerdict.HELPS
    assert overall.sentence.startswith("Contact helps: conversion of ")
    assert overall.conversion.difference.low < 0.15 < overall.conversion.difference.high
    assert overall.revenue_cents.difference.low > 0
    assert overall.acv_cents.difference.low < 0 < overall.acv_cents.difference.high
    assert not overall.balance.alarm
    assert overall.contacted + overall.held_out == overall.conversion.difference.n
    assert [(group.cut, group.name) for group in found.groups] == [
        ("motion", "enterprise"),
        ("motion", "sales_assist"),
        ("tier", "PQL-Convert"),
        ("tier", "PQL-Enterprise"),
    ]
    assert found.exposure.reached.value == 1.0
    assert found.exposure.touched_held_out == ()


def test_harm_is_said_too_and_nothing_is_made_of_nothing():
    hurt = measured(company(effect=-0.09)).overall
    assert hurt.verdict is UpliftVerdict.HURTS
    none = measured(company()).overall
    assert none.verdict is UpliftVerdict.NO_DIFFERENCE_YET
    assert none.sentence.startswith("No difference seen yet: ")


def test_accounts_that_have_not_had_their_time_are_waited_for():
    tables = company(effect=0.15)
    early = measured(tables, as_of=day(150)).overall
    known = tables.exposures.filter(pl.col("exposed_on") <= day(150)).height
    assert 0 < early.waiting < known
    ready = tables.exposures.filter(pl.col("exposed_on") <= day(60)).height
    assert early.contacted + early.held_out == pytest.approx(ready, abs=40)
    assert early.smallest > measured(tables).overall.smallest


def test_what_comes_later_changes_nothing():
    tables = company(effect=0.1)
    then = day(200)
    cut = dataclasses.replace(
        tables,
        exposures=tables.exposures.filter(pl.col("exposed_on") <= then),
        arr=tables.arr.filter(pl.col("day") <= then),
        features=tables.features.filter(pl.col("as_of") <= then),
    )
    assert measured(tables, as_of=then).overall == measured(cut, as_of=then).overall


def test_arms_that_chance_did_not_make_are_not_believed():
    tables = company(effect=0.15)
    lost = tables.exposures.filter(~pl.col("held_out") | (pl.col("exposed_on").dt.day() > 15))
    found = measured(dataclasses.replace(tables, exposures=lost)).overall
    assert found.balance.alarm
    assert found.verdict is UpliftVerdict.NO_DIFFERENCE_YET
    assert found.sentence.startswith("Not to be believed yet: ")


def test_the_sizes_of_the_arms_are_counted_in_parents():
    tables = company()
    balance = measured(tables, since=START).overall.balance
    assert balance.contacted + balance.held_out == tables.accounts["parent_id"].n_unique() < 3000


def test_where_nobody_is_held_out_it_says_what_to_switch_on():
    tables = company(holdout=0.0)
    found = measured(tables)
    assert found.overall is None
    assert "guardrails.holdout" in found.missing
    assert measured(company(), share=0.0).overall is None


def test_it_begins_after_the_first_was_held_out_or_when_it_is_said_to():
    tables = company()
    held = tables.exposures.filter(pl.col("held_out"))["exposed_on"]
    assert measured(tables).since == held.min() + dt.timedelta(days=1)
    assert measured(tables, since=day(100)).since == day(100)
    assert measured(tables, since=day(100)).overall.contacted < measured(tables).overall.contacted


def test_a_few_accounts_are_said_to_be_too_few():
    found = measured(company(n=120), as_of=day(300)).overall
    assert found.conversion.always_valid.low is None
    needed = f"{found.wait.needed:,}"
    assert f"too few to tell; {needed} accounts are needed, and none come in." in found.sentence
    sooner = measured(company(n=120), as_of=day(230)).overall
    assert sooner.wait.weeks > 52
    assert f"about {sooner.wait.weeks:,} more weeks" in sooner.sentence


def test_without_subscriptions_money_is_unknown_and_says_so():
    tables = company(effect=0.15)
    found = measured(dataclasses.replace(tables, arr=tables.arr.clear())).overall
    assert found.conversion.difference.value is not None  # known from the first payment
    assert (found.revenue_cents.difference.value, found.revenue_cents.missing) == (
        None,
        "subscriptions",
    )
    assert found.smallest_revenue_cents is None


def test_what_was_planned_for_is_what_was_said():
    assert measured(company()).planned == 4072


def test_usage_before_makes_it_narrower():
    tables = company(effect=0.05, usage=0.12, n=4000)
    told = measured(tables).overall.conversion
    plain = measured(tables, covariates=()).overall.conversion
    assert told.reduction > 0.05
    width = lambda one: one.high - one.low  # noqa: E731
    assert width(told.adjusted) < width(told.difference)
    assert width(told.always_valid) < width(plain.always_valid)
    assert told.difference == plain.difference
    assert plain.adjusted.value is None


def test_many_groups_beside_each_other_are_judged_more_carefully():
    tables = company(n=3000)
    whole = measured(tables)
    group = whole.groups[0]
    alone = measured(
        dataclasses.replace(
            tables, exposures=tables.exposures.filter(pl.col("motion") == group.name)
        ),
        since=whole.since,
    ).overall
    assert group.conversion.difference == alone.conversion.difference
    assert group.conversion.always_valid.low < alone.conversion.always_valid.low


def test_it_can_be_written_as_json():
    told = msgspec.json.decode(msgspec.json.encode(as_plain(measured(company(n=600)))))
    assert told["overall"]["conversion"]["difference"]["n"] > 0
    assert told["overall"]["verdict"] in {"helps", "hurts", "no_difference_yet"}


def test_intervals_of_the_whole_hold_the_truth_as_often_as_they_say():
    """Through enrolment, outcomes, motions, parents and usage: plain, adjusted, and on any day."""
    seeds = 200
    held = np.zeros(3)
    for seed in range(seeds):
        tables = company(effect=0.08, n=600, seed=seed, usage=0.05)
        observed = observe_experiment(tables, terms=TERMS, as_of=TODAY)
        found = compare_conversion(observed, Looked(TERMS, share=0.2))
        for place, one in enumerate((found.difference, found.adjusted, found.always_valid)):
            held[place] += one.low <= 0.08 <= one.high
    least, most = stats.binom.ppf([0.001, 0.999], seeds, 0.95)
    assert least <= held[0] <= most
    assert least <= held[1] <= most
    assert held[2] >= least
