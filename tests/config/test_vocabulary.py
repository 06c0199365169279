"""The fixed words, and the shipped files that are written in them."""

import pytest

from groundswell.config import presets
from groundswell.config.columns import ALIASES, COLUMNS
from groundswell.config.schema import FeatureDef, Matcher
from groundswell.config.vocabulary import (
    DIMENSIONS,
    FLAGS,
    MEANINGS,
    NAMED_MEANINGS,
    READERS,
    Aggregate,
    ValueType,
    feature_type,
    parse_aggregate,
)
from groundswell.model import Kind


@pytest.mark.parametrize(
    ("text", "aggregate"),
    [
        ("events", Aggregate("events")),
        ("user_days", Aggregate("user_days")),
        ("distinct name", Aggregate("distinct", "name")),
        ("distinct properties.geo.city", Aggregate("distinct", "properties.geo.city")),
    ],
)
def test_aggregates(text, aggregate):
    assert parse_aggregate(text) == aggregate


@pytest.mark.parametrize("text", ["", "event", "distinct", "distinct city", "events users"])
def test_what_is_no_aggregate(text):
    with pytest.raises(ValueError, match="is no aggregate"):
        parse_aggregate(text)


@pytest.mark.parametrize(
    ("feature", "kind"),
    [
        (FeatureDef(count="events"), ValueType.NUMBER),
        (FeatureDef(when="a > 1"), ValueType.BOOLEAN),
        (FeatureDef(read="industry"), ValueType.TEXT),
        (FeatureDef(read="is_target"), ValueType.BOOLEAN),
        (FeatureDef(read="mrr"), ValueType.NUMBER),
    ],
)
def test_feature_types(feature, kind):
    assert feature_type(feature) is kind


def test_readers_of_meanings_are_keys_of_a_matcher():
    assert {reader for readers in MEANINGS.values() for reader in readers} == set(READERS)
    assert set(READERS) <= Matcher.model_fields.keys()
    assert MEANINGS.keys() >= NAMED_MEANINGS
    assert all("name" in MEANINGS[name] for name in NAMED_MEANINGS)


def test_built_in_features_use_every_flag_and_read_known_dimensions():
    features = presets.shipped_features(presets.DEFAULT_WINDOWS).values()
    assert {f.read for f in features if f.read} <= DIMENSIONS.keys()
    assert {f.flag for f in features if f.flag} <= FLAGS.keys()


DOMAIN_FEATURES = [
    "active_users_7d",
    "dau_7d",
    "dau_28d",
    "stickiness_28d",
    "users_total",
    "new_users_28d",
    "new_users_60d",
    "user_growth_60d",
    "active_teams_28d",
    "active_workspaces_28d",
    "domain_signups_60d",
    "events_90d",
    "active_days_28d",
    "features_used_28d",
    "paid_features_used_28d",
    "feature_depth_28d",
    "usage_trend_28d",
    "api_calls_28d",
    "api_growth_28d",
    "api_endpoints_28d",
    "has_production_key",
    "integrations_total",
    "has_sso",
    "has_crm_integration",
    "has_warehouse_integration",
    "invites_sent_28d",
    "invites_accepted_28d",
    "invite_acceptance_90d",
    "cross_team_invites_60d",
    "senior_invites_60d",
    "shares_28d",
    "seats_used",
    "seat_limit",
    "seat_ratio",
    "usage_ratio",
    "limit_hits_28d",
    "days_since_limit_hit",
    "days_at_limit",
    "plan",
    "mrr",
    "months_on_plan",
    "days_since_upgrade",
    "estimated_acv",
    "pricing_views_7d",
    "pricing_views_28d",
    "pricing_viewers_28d",
    "admin_pricing_views_28d",
    "upgrades_started_28d",
    "upgrades_abandoned_28d",
    "hand_raises_28d",
    "security_asks_28d",
    "procurement_asks_28d",
    "enterprise_feature_views_28d",
    "tickets_28d",
    "presales_tickets_28d",
    "feature_requests_28d",
    "account_age_days",
    "days_to_activation",
    "is_activated",
    "days_since_active",
    "health",
    "employees",
    "industry",
    "country",
    "tech_overlap",
    "is_enterprise_domain",
    "is_target",
    "is_free_mail",
]


def test_every_feature_of_the_domain_is_built_in():
    assert set(DOMAIN_FEATURES) <= presets.shipped_features(presets.DEFAULT_WINDOWS).keys()


def test_columns_name_every_kind():
    assert set(COLUMNS) == set(Kind)
    assert all(name in COLUMNS[kind] for kind, names in ALIASES.items() for name in names.values())
