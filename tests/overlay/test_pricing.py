"""The price list beside sales, on both sides of every line."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from groundswell.config.findings import Findings
from groundswell.config.pricing import resolve_pricing
from groundswell.config.pricing_schema import PricingBlock
from groundswell.config.schema import PlanDef
from groundswell.config.stores import resolve_plans
from groundswell.model import as_plain
from groundswell.overlay.pricing import FEATURES, check_pricing

TERMS = resolve_pricing(PricingBlock.as_shipped(), findings=Findings({}))
SCHEMA = {
    "account_id": pl.String,
    "as_of": pl.Date,
    "plan": pl.String,
    "mrr": pl.Float64,
    "seats_used": pl.Float64,
    "seat_ratio": pl.Float64,
    "usage_ratio": pl.Float64,
    "days_at_limit": pl.Float64,
    "limit_hits_28d": pl.Float64,
    "is_activated": pl.Boolean,
}
GOOD = {
    "free": {"seats": 5, "motion": "self_serve", "talk_to_sales": "absent"},
    "team": {
        "price": "12 per seat monthly",
        "seats": 25,
        "motion": "self_serve",
        "talk_to_sales": "absent",
    },
    "business": {"price": 800, "motion": "sales_assist", "talk_to_sales": "optional"},
    "enterprise": {"motion": "enterprise", "talk_to_sales": "only"},
}


def accounts(n: int, *, plan: str | None, name: str = "", **more) -> pl.DataFrame:
    """Return accounts on a plan; a list gives each its own value."""
    rows = {
        "account_id": [f"{name or plan}{place}" for place in range(n)],
        "as_of": [dt.date(2026, 6, 30)] * n,
        "plan": [plan] * n,
        "is_activated": [True] * n,
    }
    for key in SCHEMA.keys() - rows.keys() | more.keys():
        value = more.get(key)
        rows[key] = value if isinstance(value, list) else [value] * n
    return pl.DataFrame(rows, schema=SCHEMA)


PAYING = accounts(5, plan="enterprise", mrr=2_000.0)


def check(plans: dict, *frames: pl.DataFrame, **differs):
    told = resolve_plans({name: PlanDef(**plan) for name, plan in plans.items()})
    features = pl.concat([PAYING, *frames])
    return check_pricing(told, features, terms=replace(TERMS, **differs))


def seen(plans: dict, *frames: pl.DataFrame, **differs) -> dict:
    return {one.name: one for one in check(plans, *frames, **differs) if one.is_seen}


def missing(plans: dict, *frames: pl.DataFrame) -> set[str]:
    return {name for one in check(plans, *frames) for name in one.missing_inputs}


def changed(name: str, **more) -> dict:
    return GOOD | {name: {k: v for k, v in (GOOD[name] | more).items() if v is not None}}


def test_a_good_price_list_is_quiet():
    assert seen(GOOD) == {}
    assert missing(GOOD) == {"30 accounts on `free`"}


def test_without_plans_nothing_can_be_said():
    (one,) = check_pricing({}, pl.DataFrame(schema=SCHEMA), terms=TERMS)
    assert (one.is_seen, one.missing_inputs) == (False, ("plans",))


@pytest.mark.parametrize(
    ("plan", "found"),
    [
        ({"price": 499, "motion": "self_serve", "talk_to_sales": "absent"}, False),
        ({"price": 500, "motion": "self_serve", "talk_to_sales": "optional"}, True),
        ({"price": 500, "motion": "sales_assist", "talk_to_sales": "optional"}, False),
        ({"price": 499, "motion": "sales_assist", "talk_to_sales": "absent"}, True),
        ({"price": 4999, "motion": "sales_assist", "talk_to_sales": "optional"}, False),
        ({"price": 5000, "motion": "sales_assist", "talk_to_sales": "only"}, True),
        ({"price": 5000, "motion": "enterprise", "talk_to_sales": "only"}, False),
    ],
)
def test_each_boundary_of_prices_is_one_of_motions(plan, found):
    plans = {"free": GOOD["free"], "one": plan}
    assert ("boundary_without_motion" in seen(plans)) == found
    assert not {"talk_to_sales_too_low", "talk_to_sales_misplaced"} & seen(plans).keys()


def test_what_accounts_pay_says_more_than_what_a_seat_costs():
    big = accounts(5, plan="team", mrr=[100.0, 700.0, 800.0, 900.0, 1_000.0])
    found = seen(GOOD, big)["boundary_without_motion"]
    assert found.seen_as == (
        "`team` costs 800 a month, a price that is sold with a sales assist, and it is sold "
        "self-serve."
    )
    assert len(found.evidence.accounts) == 5
    assert "boundary_without_motion" not in seen(GOOD, big.head(4))


def test_a_motion_that_nobody_said_is_missing():
    assert "plans.business.motion" in missing(changed("business", motion=None))
    assert "plans.enterprise.motion" in missing(changed("enterprise", motion=None))
    assert "plans.free.motion" not in missing(changed("free", motion=None))


@pytest.mark.parametrize(("n", "found"), [(3, False), (4, True)])
def test_too_many_plans_to_choose_from(n, found):
    plans = {f"p{i}": {"price": 50 + i, "motion": "self_serve"} for i in range(n)}
    assert ("too_many_plans" in seen(plans)) == found


@pytest.mark.parametrize(
    ("price", "found"),
    [
        ("900 monthly", False),
        ("901 monthly", True),
        ("34 per seat monthly", False),
        ("35 per seat monthly", True),
    ],
)
def test_a_dead_zone_is_a_step_of_more_than_three_times(price, found):
    # 25 seats of 12 are 300; 26 seats of 35 are 910.
    told = seen(changed("business", price=price))
    assert ("dead_zone" in told) == found
    if found:
        assert told["dead_zone"].evidence.values["last"] == 300
        assert told["dead_zone"].severity == "high"


def test_a_dead_zone_names_who_stands_before_it_and_the_plan_between():
    stuck = accounts(3, plan="team", seat_ratio=[0.79, 0.8, 1.0])
    told = seen(changed("business", price=1_200), stuck)["dead_zone"]
    assert told.evidence.accounts == ("team1", "team2")
    assert told.mend == "Put a plan between, at about 600 a month."
    assert as_plain(told)["evidence"]["values"]["times"] == 4.0


def test_a_step_onto_a_plan_without_a_price_is_what_is_paid_there():
    rich = accounts(5, plan="enterprise", name="x", mrr=6_000.0)
    features = pl.concat([rich, accounts(0, plan=None)])
    plans = resolve_plans({name: PlanDef(**plan) for name, plan in GOOD.items()})
    found = [one for one in check_pricing(plans, features, terms=TERMS) if one.is_seen]
    assert [one.name for one in found] == ["dead_zone"]
    nobody = check_pricing(plans, features.head(4), terms=TERMS)
    lacking = [one for one in nobody if one.name == "dead_zone"]
    assert lacking[0].missing_inputs == ("plans.enterprise.price, or five who pay for it",)


def test_the_first_price_is_no_step():
    plans = {"free": GOOD["free"], "team": {"price": 400, "motion": "self_serve"}}
    assert "dead_zone" not in seen(plans)


@pytest.mark.parametrize(("activated", "found"), [(6, False), (5, True)])
def test_free_delivers_value(activated, found):
    free = accounts(30, plan="free", is_activated=[n < activated for n in range(30)])
    told = seen(changed("free", usage=100), free)
    assert ("free_without_value" in told) == found
    if found:
        assert len(told["free_without_value"].evidence.accounts) == 25


def test_accounts_without_a_subscription_are_on_the_free_plan():
    free = accounts(30, plan=None, name="n", is_activated=False)
    assert seen(GOOD, free)["free_without_value"].evidence.values["accounts"] == 30
    assert missing(GOOD, free.head(29)) == {"30 accounts on `free`"}


@pytest.mark.parametrize(("early", "found"), [(3, False), (4, True)])
def test_a_limit_comes_after_the_first_value(early, found):
    free = accounts(
        30,
        plan="free",
        is_activated=[n >= early for n in range(30)],
        limit_hits_28d=[1.0] * 5 + [0.0] * 25,
    )
    assert ("limits_before_value" in seen(GOOD, free)) == found


@pytest.mark.parametrize(("near", "found"), [(1, True), (2, False)])
def test_success_reaches_a_limit(near, found):
    free = accounts(100, plan="free", seat_ratio=[0.8] * near + [0.79] * (100 - near))
    assert ("limits_out_of_reach" in seen(GOOD, free)) == found


def test_a_free_plan_without_limits_is_no_reason_to_pay():
    free = accounts(100, plan="free")
    told = seen(changed("free", seats=None), free)
    assert set(told) == {"free_without_limits"}


@pytest.mark.parametrize(
    ("plan", "talk", "name", "severity"),
    [
        ("free", "absent", None, None),
        ("free", "optional", "talk_to_sales_too_low", "high"),
        ("team", "absent", None, None),
        ("team", "optional", "talk_to_sales_too_low", "medium"),
        ("team", "only", "talk_to_sales_too_low", "high"),
        ("business", "absent", "talk_to_sales_misplaced", "medium"),
        ("business", "optional", None, None),
        ("business", "only", "talk_to_sales_misplaced", "medium"),
        ("enterprise", "absent", "talk_to_sales_misplaced", "high"),
        ("enterprise", "optional", "talk_to_sales_misplaced", "low"),
        ("enterprise", "only", None, None),
    ],
)
def test_where_it_says_talk_to_sales(plan, talk, name, severity):
    told = seen(changed(plan, talk_to_sales=talk))
    assert list(told) == ([name] if name else [])
    if name:
        assert told[name].severity == severity


def test_a_placement_that_nobody_said_is_missing():
    assert "plans.team.talk_to_sales" in missing(changed("team", talk_to_sales=None))


@pytest.mark.parametrize(("near", "n", "found"), [(4, 20, False), (5, 33, True), (5, 34, False)])
def test_accounts_pile_up_against_a_cap(near, n, found):
    ratios = [0.8] * near + [0.79] * (n - near)
    told = seen(GOOD, accounts(n, plan="team", seat_ratio=ratios))
    assert ("piled_up" in told) == found


@pytest.mark.parametrize(("days", "severity"), [(59.0, "medium"), (60.0, "high"), (None, "medium")])
def test_a_pile_that_stalls_is_worse(days, severity):
    pile = accounts(6, plan="team", usage_ratio=1.0, days_at_limit=days)
    told = seen(changed("team", usage=1_000), pile)["piled_up"]
    assert told.severity == severity
    assert told.evidence.values["what"] == "usage"
    assert "its 1,000 usage" in told.seen_as
    assert len(told.evidence.accounts) == 6


def test_the_latest_row_of_an_account_counts():
    pile = accounts(6, plan="team", seat_ratio=1.0)
    after = pile.with_columns(as_of=dt.date(2026, 9, 30), seat_ratio=pl.lit(0.2))
    assert "piled_up" in seen(GOOD, pile)
    assert "piled_up" not in seen(GOOD, after, pile)


def test_the_order_of_rows_changes_nothing():
    frames = [
        accounts(40, plan="free", is_activated=False, limit_hits_28d=2.0),
        accounts(9, plan="team", seat_ratio=1.0, mrr=700.0),
    ]
    once = check(GOOD, *frames)
    assert check(GOOD, *[frame.reverse() for frame in reversed(frames)]) == once
    assert set(FEATURES) == set(SCHEMA)
