"""Triggers: when each fires, since when, and what it says."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from groundswell.config.vocabulary import SCORE_OUTPUTS, ValueType
from groundswell.routing import fire_triggers, needed_names, trigger_runs

START = dt.date(2026, 3, 1)
DTYPES = {ValueType.NUMBER: pl.Float64, ValueType.TEXT: pl.String, ValueType.BOOLEAN: pl.Boolean}

CASES = {
    "limit_hit": (
        {"limit_hits_28d": 1, "days_since_limit_hit": 3},
        {"limit_hits_28d": 0},
        "Hit a limit of the plan 1 time in four weeks, last 3 days ago",
    ),
    "seats_full": (
        {"seat_ratio": 1, "seats_used": 50, "seat_limit": 50},
        {"seat_ratio": 0.98},
        "50 seats used, 50 allowed (100%)",
    ),
    "usage_over_limit": (
        {"usage_ratio": 1.12},
        {"usage_ratio": 0.99},
        "Usage at 112% of the plan",
    ),
    "stalled_at_limit": (
        {"days_at_limit": 60},
        {"days_at_limit": 59},
        "At the limit of the plan for 60 days without an upgrade",
    ),
    "ten_active_users": (
        {"active_users_28d": 10},
        {"active_users_28d": 9},
        "10 active users in four weeks",
    ),
    "engagement_velocity_high": (
        {"usage_trend_28d": 1.5, "active_days_28d": 8},
        {"usage_trend_28d": 1.5, "active_days_28d": 7},
        "Usage at 1.5x the four weeks before",
    ),
    "team_growth_accelerating": (
        {"user_growth_60d": 4.0, "new_users_28d": 5, "new_users_60d": 9},
        {"user_growth_60d": 4.0, "new_users_28d": 5, "new_users_60d": 10},
        "5 users added in four weeks, active users 4x those of 60 days before",
    ),
    "enterprise_feature_used": (
        {"enterprise_feature_uses_28d": 2},
        {"enterprise_feature_uses_28d": 0},
        "2 uses of enterprise features in four weeks",
    ),
    "invite_burst": (
        {"invites_sent_28d": 10},
        {"invites_sent_28d": 9},
        "10 invitations sent in four weeks",
    ),
    "senior_invited": (
        {"senior_invites_60d": 1},
        {"senior_invites_60d": 0},
        "1 invitation to a director or above in 60 days",
    ),
    "sso_connected": ({"has_sso": True}, {"has_sso": False}, "Single sign-on connected"),
    "heavy_api_use": (
        {"api_calls_28d": 12_345, "api_growth_28d": 0.8},
        {"api_calls_28d": 12_345, "api_growth_28d": 0.7},
        "12,345 API calls in four weeks, kept up from the four before",
    ),
    "pricing_viewed_twice": (
        {"pricing_views_28d": 2},
        {"pricing_views_28d": 1},
        "Pricing viewed 2 times in four weeks",
    ),
    "upgrade_abandoned": (
        {"upgrades_abandoned_28d": 1},
        {"upgrades_abandoned_28d": 0},
        "1 upgrade started and not completed in four weeks",
    ),
    "enterprise_features_asked": (
        {"enterprise_feature_views_28d": 1},
        {"enterprise_feature_views_28d": 0},
        "1 look at enterprise features in four weeks",
    ),
    "invoice_requested": (
        {"invoice_requests_28d": 1},
        {"invoice_requests_28d": 0},
        "1 request for an invoice in four weeks",
    ),
    "procurement_asked": (
        {"procurement_asks_28d": 2},
        {"procurement_asks_28d": 0},
        "2 questions from procurement or legal in four weeks",
    ),
    "security_asked": (
        {"security_asks_28d": 1},
        {"security_asks_28d": 0},
        "1 question on security in four weeks",
    ),
    "enterprise_domain": (
        {"is_enterprise_domain": True},
        {"is_enterprise_domain": False},
        "Enterprise domain",
    ),
    "target_account": (
        {"is_target": True},
        {"is_target": False},
        "On the list of target accounts",
    ),
    "independent_signups": (
        {"domain_signups_60d": 3},
        {"domain_signups_60d": 2},
        "3 people of the company signed up on their own in 60 days",
    ),
    "industry_fit": (
        {"industry": "fintech"},
        {"industry": "fishing"},
        "Industry that fits: fintech",
    ),
    "hand_raised": (
        {"hand_raises_28d": 1, "days_since_hand_raised": 0},
        {"hand_raises_28d": 0},
        "Asked for a person 1 time in four weeks, last 0 days ago",
    ),
}


@pytest.fixture(scope="session")
def days(shipped):
    """Daily rows of one account from dicts of values; everything else is unknown."""

    def build(*rows, account="acme", begin=0):
        kinds = {
            name: DTYPES[kind] for name, kind in shipped.types.items() if name not in SCORE_OUTPUTS
        }
        return pl.DataFrame(
            [
                {
                    "account_id": account,
                    "as_of": START + dt.timedelta(days=begin + n),
                    **{name: row.get(name) for name in kinds},
                }
                for n, row in enumerate(rows)
            ],
            schema={"account_id": pl.String, "as_of": pl.Date, **kinds},
        )

    return build


def test_every_shipped_trigger_has_a_case(shipped):
    assert set(shipped.triggers) == set(CASES)


@pytest.mark.parametrize("name", sorted(CASES))
def test_trigger(shipped, days, name):
    holds, not_yet, sentence = CASES[name]
    spec = {name: shipped.triggers[name]}
    fired = fire_triggers(spec, days(not_yet, holds, holds))
    (trigger,) = fired["acme"]
    assert (trigger.name, trigger.family) == (name, shipped.triggers[name].family)
    assert trigger.since == START + dt.timedelta(days=1)
    assert trigger.sentence == sentence
    assert fire_triggers(spec, days(holds, not_yet)) == {}
    assert fire_triggers(spec, days({})) == {}


def since_of(shipped, frame):
    spec = shipped.triggers["ten_active_users"]
    return dict(trigger_runs([spec], frame).select("account_id", "since").iter_rows())


def test_since_is_the_first_day_of_the_present_run(shipped, days):
    many, few = {"active_users_28d": 12}, {"active_users_28d": 3}
    frame = days(many, many, few, many, many)
    assert since_of(shipped, frame) == {"acme": START + dt.timedelta(days=3)}


def test_an_unknown_value_ends_a_run(shipped, days):
    many = {"active_users_28d": 12}
    assert since_of(shipped, days(many, {}, many)) == {"acme": START + dt.timedelta(days=2)}


def test_a_run_older_than_the_frame_begins_with_it(shipped, days):
    assert since_of(shipped, days(*[{"active_users_28d": 12}] * 3)) == {"acme": START}


def test_accounts_and_the_order_of_rows_do_not_matter(shipped, days):
    many, few = {"active_users_28d": 12}, {"active_users_28d": 3}
    frame = pl.concat(
        [days(few, many, account="a"), days(many, few, account="b"), days(many, account="c")]
    )
    found = since_of(shipped, frame.reverse())
    assert found == {"a": START + dt.timedelta(days=1), "c": START}
    only = fire_triggers(shipped.triggers, frame, accounts=["c"])
    assert list(only) == ["c"]


def test_no_days_no_triggers(shipped, days):
    assert fire_triggers(shipped.triggers, days()) == {}
    assert trigger_runs([], days({})).height == 0


def test_what_the_conditions_read(shipped):
    assert needed_names([shipped.triggers["seats_full"]]) == {"seat_ratio"}
