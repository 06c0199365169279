"""Metrics over tables: a number of a period, its interval, its change, and who is behind it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from groundswell.config.findings import Findings
from groundswell.config.measured import MEASURED
from groundswell.config.metric_schema import MetricDef
from groundswell.config.metrics import resolve_metrics
from groundswell.config.presets import shipped_metrics
from groundswell.config.vocabulary import ValueType
from groundswell.measure.estimates import Draws
from groundswell.measure.metrics import Measurer, Period, month_of, quarter_of
from groundswell.model import Motion

MARCH = Period(dt.date(2026, 3, 1), dt.date(2026, 3, 31))
_TYPES = {
    ValueType.NUMBER: pl.Float64,
    ValueType.TEXT: pl.String,
    ValueType.BOOLEAN: pl.Boolean,
    "day": pl.Date,
}


def table(name: str, **columns) -> pl.DataFrame:
    """Return a table with some columns filled in."""
    schema = {column: _TYPES[kind] for column, kind in MEASURED[name].items()}
    height = max((len(values) for values in columns.values()), default=0)
    rows = {column: columns.get(column, [None] * height) for column in schema}
    return pl.DataFrame(rows, schema=schema, strict=False)


def tables(**given: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {name: given.get(name, table(name)) for name in MEASURED}


def metrics(**told):
    findings = Findings({})
    found = resolve_metrics(
        {name: MetricDef(title=name, owner="shared", **one) for name, one in told.items()},
        findings=findings,
    )
    return found, [problem.code for problem in findings.problems]


def days(*march: int) -> list[dt.date]:
    return [dt.date(2026, 3, 1) + dt.timedelta(days=day - 1) for day in march]


def people(signed: list[dt.date], **more) -> pl.DataFrame:
    ids = [f"a{place}" for place in range(len(signed))]
    return table("accounts", account_id=ids, signed_up=signed, **more)


def test_a_count_and_a_share_are_of_the_rows_of_the_period():
    told, _ = metrics(
        n={"of": "accounts", "on": "signed_up", "count": True},
        on_it={"of": "accounts", "on": "signed_up", "share": "activated_in_14d"},
    )
    accounts = people(
        days(-5, 1, 15, 31, 32, 20), activated_in_14d=[True, True, False, True, True, None]
    )
    measurer = Measurer(told, tables(accounts=accounts))
    n, share = measurer.figures(MARCH)
    assert n.estimate.value == 4
    assert (share.estimate.value, share.estimate.n) == (2 / 3, 3)  # what is unknown is left out
    assert share.estimate.low == pytest.approx(0.2077, abs=1e-4)
    assert n.before.value == 1
    behind = measurer.behind("on_it", MARCH)
    assert behind["account_id"].to_list() == ["a1", "a2", "a3", "a5"]
    assert behind["counted"].to_list() == [True, False, True, None]


def test_rows_that_are_not_mature_wait_and_an_earlier_cohort_is_told():
    told, _ = metrics(
        paid={"of": "accounts", "on": "signed_up", "share": "paid_in_90d", "matures": "90d"}
    )
    accounts = people([dt.date(2025, 12, 10), *days(5)], paid_in_90d=[True, False])
    figure = Measurer(told, tables(accounts=accounts)).figure("paid", MARCH)
    assert (figure.first, figure.last) == (dt.date(2025, 12, 1), dt.date(2025, 12, 31))
    assert (figure.estimate.value, figure.estimate.n) == (1.0, 1)


def test_by_motion_is_told_once_for_each_and_never_over_several():
    told, _ = metrics(
        won={
            "of": "opportunities",
            "on": "closed_on",
            "share": "won",
            "by": "motion",
            "unit": "share",
        }
    )
    deals = table(
        "opportunities",
        account_id=list("abcd"),
        closed_on=days(1, 2, 3, 4),
        won=[True, False, True, True],
        motion=["enterprise", "enterprise", "expansion", "expansion"],
    )
    found = {
        f.motion: f.estimate.value
        for f in Measurer(told, tables(opportunities=deals)).figures(MARCH)
    }
    assert found == {
        Motion.SELF_SERVE: None,
        Motion.SALES_ASSIST: None,
        Motion.ENTERPRISE: 0.5,
        Motion.EXPANSION: 1.0,
    }


def test_a_metric_over_two_motions_is_refused():
    shared = {"of": "opportunities", "on": "closed_on", "share": "won"}
    _, codes = metrics(both={**shared, "motion": ["enterprise", "self_serve"]})
    assert codes == ["config-two-motions"]
    _, codes = metrics(
        one={**shared, "motion": "enterprise"},
        two={**shared, "motion": "expansion"},
        mixed={"formula": "one / two"},
    )
    assert codes == ["config-two-motions"]
    _, codes = metrics(each={**shared, "by": "motion"}, mixed={"formula": "each * 2"})
    assert codes == ["config-two-motions"]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"of": "accounts", "on": "signed_up"}, "config-metric"),
        (
            {"of": "accounts", "on": "signed_up", "count": True, "sum": "first_arr_cents"},
            "config-metric",
        ),
        ({"of": "acounts", "on": "signed_up", "count": True}, "config-unknown-table"),
        ({"of": "accounts", "on": "signed", "count": True}, "config-unknown-day"),
        ({"of": "desks", "on": "day", "sum": "open", "by": "motion"}, "config-metric"),
        ({"formula": "it * 2"}, "config-circle"),
    ],
)
def test_what_cannot_be_computed_is_told(told, code):
    assert metrics(it=told)[1] == [code]


def test_a_formula_has_an_interval_and_says_what_it_lacks():
    told, _ = metrics(
        a={"of": "accounts", "on": "signed_up", "sum": "first_arr_cents"},
        b={"of": "accounts", "on": "signed_up", "count": True},
        each={"formula": "a / b"},
        cost={"of": "costs", "on": "day", "sum": "amount_cents"},
        cac={"formula": "cost / b"},
    )
    rng = np.random.default_rng(0)
    users = rng.poisson(5, 400).astype(float)
    accounts = people(days(*([3] * 400)), first_arr_cents=users)
    measurer = Measurer(
        told,
        tables(accounts=accounts),
        missing={"costs": "Load `costs` (month, category, amount)."},
    )
    each = measurer.figure("each", MARCH).estimate
    assert each.value == pytest.approx(users.mean())
    half = 1.96 * users.std() / 20
    assert each.low == pytest.approx(users.mean() - half, abs=half / 2)
    cac = measurer.figure("cac", MARCH)
    assert (cac.estimate.value, cac.missing) == (None, "Load `costs` (month, category, amount).")
    costs = table("costs", day=days(1), amount_cents=[80_000])
    paid = Measurer(told, tables(accounts=accounts, costs=costs)).figure("cac", MARCH).estimate
    assert paid.value == 200.0


def test_a_change_is_told_from_the_same_draws():
    told, _ = metrics(arr={"of": "balances", "on": "day", "sum": "arr_cents", "at_end": True})
    # The same accounts pay a little more each: the sum is uncertain, the change is not.
    rng = np.random.default_rng(1)
    cents = (10 ** rng.uniform(3, 6, 200)).astype(np.int64)
    ids = [f"a{place}" for place in range(200)]
    balances = table(
        "balances",
        account_id=ids * 2,
        day=[dt.date(2026, 2, 28)] * 200 + [dt.date(2026, 3, 31)] * 200,
        arr_cents=[*cents, *(cents + 100)],
    )
    figure = Measurer(told, tables(balances=balances)).figure("arr", MARCH)
    assert figure.change.value == 20_000
    assert figure.change.low > 15_000
    assert figure.estimate.high - figure.estimate.low > 100 * (
        figure.change.high - figure.change.low
    )


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    told, _ = metrics(mean={"of": "accounts", "on": "signed_up", "mean": "first_arr_cents"})
    rng = np.random.default_rng(2)
    held = 0
    for seed in range(200):
        accounts = people(days(*([3] * 150)), first_arr_cents=rng.exponential(1.0, 150))
        estimate = (
            Measurer(told, tables(accounts=accounts), seed=seed).figure("mean", MARCH).estimate
        )
        held += estimate.low <= 1.0 <= estimate.high
    assert 178 <= held <= 199


def test_draws_of_an_account_do_not_depend_on_the_others():
    few = Draws.of(pl.Series(["a", "b"]), seed=3)
    many = Draws.of(pl.Series(["b", "c", "a", "d"]), seed=3)
    assert (few.weights[1] == many.weights[1]).all()
    assert (Draws.of(pl.Series(["a"]), seed=4).weights != few.weights[:1]).any()


def test_quantiles_are_those_of_the_rows():
    told, _ = metrics(
        median={"of": "accounts", "on": "signed_up", "median": "first_arr_cents"},
        p90={"of": "accounts", "on": "signed_up", "p90": "first_arr_cents"},
    )
    accounts = people(days(*([3] * 10)), first_arr_cents=[float(n) for n in range(10, 0, -1)])
    median, p90 = Measurer(told, tables(accounts=accounts)).figures(MARCH)
    assert (median.estimate.value, p90.estimate.value) == (5.0, 9.0)
    assert median.estimate.low < 5.0 < median.estimate.high


def test_the_shipped_metrics_are_computed_of_nothing_and_say_so():
    measurer = Measurer(shipped_metrics(), tables(), missing=dict.fromkeys(MEASURED, "Load it."))
    figures = measurer.figures(MARCH)
    assert len({figure.metric for figure in figures}) == len(shipped_metrics())
    assert all(figure.estimate.value is None and figure.missing for figure in figures)


def test_calendar_periods():
    assert quarter_of(dt.date(2026, 12, 31)) == Period(dt.date(2026, 10, 1), dt.date(2026, 12, 31))
    assert quarter_of(dt.date(2026, 1, 1)) == Period(dt.date(2026, 1, 1), dt.date(2026, 3, 31))
    assert month_of(dt.date(2024, 2, 10)).last == dt.date(2024, 2, 29)
