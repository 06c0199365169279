"""The shipped presets against worked examples, with the arithmetic written out."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from groundswell.model import Band, Part, Tier
from groundswell.scoring import explain_score, reasons, score_frame

DAY = dt.date(2026, 3, 1)

HYBRID_FULL = {
    "dau_7d": 25,
    "features_used_28d": 10,
    "usage_trend_28d": 2.0,
    "invites_sent_28d": 8,
    "employees": 1000,
    "industry": "software",
    "tech_overlap": 1.0,
    "pricing_views_28d": 5,
    "upgrades_started_28d": 3,
    "tickets_28d": 3,
}


def row(**values: object) -> dict[str, object]:
    return {"account_id": "acme", "as_of": DAY, **values}


def both(definition, **values):
    """Score one account both ways and insist that they agree."""
    score = explain_score(definition, row(**values))
    frame = score_frame(definition, pl.DataFrame([row(**values)]))
    assert frame["score"].item() == score.value
    assert frame["above_threshold"].item() == score.above_threshold
    assert frame["above_enterprise"].item() == score.above_enterprise
    assert frame["tier"].item() == score.tier
    return score


def points(score, name):
    return next(item.points for item in score.components if item.name == name)


# --- hybrid: 0.40 usage + 0.35 fit + 0.25 behaviour ------------------------------------------


def test_hybrid_gives_all_it_can(hybrid):
    score = both(hybrid, **HYBRID_FULL)
    assert score.parts == {Part.USAGE: 100, Part.FIT: 100, Part.BEHAVIOUR: 100}
    assert score.value == 100
    assert [item.max for item in score.components] == [30, 30, 20, 20, 40, 30, 30, 30, 40, 30]


def test_hybrid_reads_its_curves_between_the_corners(hybrid):
    score = both(
        hybrid,
        **{
            **HYBRID_FULL,
            "dau_7d": 2,  # from 5 at 1 to 12 at 3: 5 + 7 / 2 = 8.5
            "features_used_28d": 8,  # from 22 at 6 to 30 at 10: 22 + 8 x 2 / 4 = 26
            "usage_trend_28d": 1.25,  # from 8 at 1 to 16 at 1.5: 8 + 8 / 2 = 12
            "invites_sent_28d": 2,  # from 6 at 1 to 12 at 3: 9
            "employees": 500,  # from 34 at 200 to 40 at 1000: 34 + 6 x 300 / 800 = 36.25
            "industry": "Fishing",  # other: 10
            "tech_overlap": 0.25,  # half of 20: 10
            "pricing_views_28d": 3,  # from 20 at 2 to 30 at 5: 20 + 10 / 3
            "upgrades_started_28d": 1,  # 24
            "tickets_28d": 2,  # from 15 at 1 to 30 at 3: 22.5
        },
    )
    assert score.parts[Part.USAGE] == 8.5 + 26 + 12 + 9
    assert score.parts[Part.FIT] == 36.25 + 10 + 10
    assert score.parts[Part.BEHAVIOUR] == pytest.approx(20 + 10 / 3 + 24 + 22.5)
    # 0.40 x 55.5 + 0.35 x 56.25 + 0.25 x 69.8333.. = 22.2 + 19.6875 + 17.458333..
    assert score.value == pytest.approx(59.345833, abs=1e-6)
    assert score.bands == {
        Part.USAGE: Band.MEDIUM,
        Part.FIT: Band.MEDIUM,
        Part.BEHAVIOUR: Band.MEDIUM,
    }


def test_hybrid_at_seventy_is_not_qualified(hybrid):
    """0.40 x 80 + 0.35 x 80 + 0.25 x 40 = 32 + 28 + 10 = 70, and 70 is not above 70."""
    score = both(
        hybrid,
        dau_7d=25,  # 30
        features_used_28d=10,  # 30
        usage_trend_28d=2.0,  # 20
        invites_sent_28d=0,  # 0: usage 80
        employees=1000,  # 40
        industry="software",  # 30
        tech_overlap=0.25,  # 10: fit 80
        pricing_views_28d=0,  # 0
        upgrades_started_28d=3,  # 40
        tickets_28d=0,  # 0: behaviour 40
    )
    assert score.parts == {Part.USAGE: 80, Part.FIT: 80, Part.BEHAVIOUR: 40}
    assert score.value == 70
    assert not score.above_threshold


def test_hybrid_just_above_seventy_is_qualified(hybrid):
    """As above, with 0.4 points of behaviour more: 0.25 x 0.4 = 0.1."""
    score = both(
        hybrid,
        dau_7d=25,
        features_used_28d=10,
        usage_trend_28d=2.0,
        invites_sent_28d=0,
        employees=1000,
        industry="software",
        tech_overlap=0.25,
        pricing_views_28d=0.4 / 12,  # 12 points at the first view
        upgrades_started_28d=3,
        tickets_28d=0,
    )
    assert score.value == 70.1
    assert score.above_threshold


def test_hybrid_at_ninety_is_not_above_it(hybrid):
    """0.40 x 100 + 0.35 x 100 + 0.25 x 60 = 90: no pricing page, and support engagement 20.

    Tickets run from 15 points at 1 to 30 at 3: 15 + 15 x (2 / 3) / 2 = 20; and 40 + 20 = 60.
    """
    score = both(hybrid, **{**HYBRID_FULL, "pricing_views_28d": 0, "tickets_28d": 1 + 2 / 3})
    assert score.value == 90
    assert not score.above_enterprise


def test_hybrid_just_above_ninety(hybrid):
    """As above with 21 of support engagement (15 + 15 x 0.8 / 2): 90 + 0.25."""
    score = both(hybrid, **{**HYBRID_FULL, "pricing_views_28d": 0, "tickets_28d": 1.8})
    assert score.value == 90.25
    assert score.above_enterprise


def test_hybrid_says_what_is_unknown(hybrid):
    """Unknown fit gives 8 + 6 + 6 = 20 points, and an unknown trend none."""
    score = both(
        hybrid,
        **{
            **HYBRID_FULL,
            "employees": None,
            "industry": None,
            "tech_overlap": None,
            "usage_trend_28d": None,
        },
    )
    assert score.parts == {Part.USAGE: 80, Part.FIT: 20, Part.BEHAVIOUR: 100}
    assert score.value == 0.40 * 80 + 0.35 * 20 + 0.25 * 100  # 32 + 7 + 25 = 64
    unknown = {item.name: item for item in score.components if not item.known}
    assert unknown["company_size"].sentence == "Company size unknown"
    assert unknown["industry"].points == 6
    assert unknown["usage_trend"].sentence == "Usage trend unknown: nothing to compare with yet"
    assert set(unknown) == {"company_size", "industry", "tech_stack", "usage_trend"}


def test_hybrid_of_an_account_nothing_is_known_of(hybrid):
    score = explain_score(hybrid, row())
    assert score.value == 0.35 * 20
    assert not any(item.known for item in score.components)


def test_reasons_are_the_best_by_points_times_weight(hybrid):
    """Company size 0.35 x 40 = 14; daily active users and feature adoption 0.40 x 30 = 12."""
    score = explain_score(hybrid, row(**HYBRID_FULL))
    assert reasons(hybrid, score) == [
        "1,000 employees",
        "25 people active a day, on average over the last week",
        "10 features used in four weeks",
    ]


def test_what_gave_nothing_is_no_reason(hybrid):
    score = explain_score(hybrid, row(dau_7d=1, tickets_28d=0))
    assert reasons(hybrid, score) == ["1 person active a day, on average over the last week"]


# --- points: added up, capped at 100 ----------------------------------------------------------


def test_points_add_up(points_preset):
    """20 + 30 + 25 + 20 + 15 = 110, capped at 100."""
    score = both(
        points_preset,
        is_activated=True,
        users_total=5,
        features_used_28d=5,
        is_enterprise_domain=True,
        pricing_views_28d=1,
        active_days_28d=4,
    )
    assert [item.points for item in score.components] == [20, 30, 25, 20, 15]
    assert [item.max for item in score.components] == [20, 30, 25, 20, 15]
    assert score.value == 100


def test_points_at_fifty_qualify(points_preset):
    """Activated 20 + five people 30 = 50."""
    score = both(
        points_preset,
        is_activated=True,
        users_total=5,
        features_used_28d=4,
        is_enterprise_domain=False,
        pricing_views_28d=1,
        active_days_28d=3,
    )
    assert score.value == 50
    assert score.above_threshold
    assert score.parts == {Part.USAGE: 50, Part.FIT: 0, Part.BEHAVIOUR: 0}
    assert points(score, "pricing_while_active") == 0


def test_points_below_fifty_do_not(points_preset):
    """Activated 20 + high usage 25 = 45: four people are not five."""
    score = both(
        points_preset,
        is_activated=True,
        users_total=4,
        features_used_28d=5,
        is_enterprise_domain=False,
        pricing_views_28d=0,
        active_days_28d=20,
    )
    assert score.value == 45
    assert not score.above_threshold
    team = next(item for item in score.components if item.name == "team_members")
    assert team.sentence == "Not so: users_total >= 5 (users_total 4)"
    assert (team.value, team.max) == (4, 30)


@pytest.mark.parametrize(("given", "above"), [(29.9, False), (30, True)])
def test_points_at_the_line_exactly(edited, given, above):
    """20 + 29.9 = 49.9 is below 50; 20 + 30 is not."""
    definition = edited(
        "points", usage={"team_members": {"when": "users_total >= 5", "give": given}}
    )
    score = both(
        definition,
        is_activated=True,
        users_total=5,
        features_used_28d=0,
        is_enterprise_domain=False,
        pricing_views_28d=0,
        active_days_28d=0,
    )
    assert score.value == 20 + given
    assert score.above_threshold is above


def test_points_of_an_unknown_condition(points_preset):
    score = explain_score(points_preset, row(is_activated=True))
    assert score.value == 20
    domain = next(item for item in score.components if item.name == "enterprise_domain")
    assert (domain.known, domain.value, domain.sentence) == (
        False,
        None,
        "Enterprise domain unknown",
    )


# --- buckets: behaviour 0..100, times fit ------------------------------------------------------

BUCKETS = {
    "active_users_28d": 5,  # 4
    "new_users_28d": 3,  # 5
    "user_growth_60d": 2.0,  # 5: seats 14
    "features_used_28d": 5,  # 6
    "feature_depth_28d": 5,  # 3
    "paid_features_used_28d": 3,  # 9: depth 18
    "api_calls_28d": 1000,  # 4
    "api_growth_28d": 1.5,  # 2
    "api_endpoints_28d": 5,  # 4
    "has_production_key": True,  # 6: technical 16
    "invites_sent_28d": 5,  # 3
    "shares_28d": 1,  # 1
    "cross_team_invites_60d": 1,  # 3
    "senior_invites_60d": 0,  # 0: collaboration 7
    "integrations_total": 1,  # 2
    "has_crm_integration": True,  # 3
    "has_warehouse_integration": False,
    "has_sso": False,  # integrations 5
}  # 14 + 18 + 16 + 7 + 5 = 60


@pytest.mark.parametrize(
    ("employees", "factor", "value"),
    [
        (1, 0.6, 36),  # 60 x 0.6
        (200, 1.0, 60),
        (500, 1.1, 66),
        (1000, 1.3, 78),
        (5000, 1.5, 90),  # at 90, which is not above it
        (100_000, 1.5, 90),
        (None, 1.0, 60),  # unknown counts as mid-market, and is said
    ],
)
def test_buckets_multiply_by_fit(buckets, employees, factor, value):
    score = both(buckets, **BUCKETS, employees=employees, is_free_mail=False)
    assert score.parts[Part.USAGE] == 60
    assert score.parts[Part.FIT] == factor
    assert score.value == value
    assert not score.above_enterprise
    size = next(item for item in score.components if item.name == "company_size")
    assert size.known is (employees is not None)


def test_buckets_count_a_personal_address_as_one_person(buckets):
    """1.0 for the unknown size, less 0.4: 60 x 0.6."""
    score = both(buckets, **BUCKETS, employees=None, is_free_mail=True)
    assert score.value == pytest.approx(36)
    assert score.bands[Part.FIT] is Band.LOW


def test_buckets_are_capped_at_a_hundred(buckets):
    full = {
        "active_users_28d": 50,
        "new_users_28d": 10,
        "user_growth_60d": 4.0,
        "features_used_28d": 10,
        "feature_depth_28d": 20,
        "paid_features_used_28d": 5,
        "api_calls_28d": 10_000,
        "api_growth_28d": 3.0,
        "api_endpoints_28d": 5,
        "has_production_key": True,
        "invites_sent_28d": 10,
        "shares_28d": 10,
        "cross_team_invites_60d": 3,
        "senior_invites_60d": 2,
        "integrations_total": 3,
        "has_crm_integration": True,
        "has_warehouse_integration": True,
        "has_sso": True,
    }
    score = both(buckets, **full, employees=5000, is_free_mail=False)
    assert score.parts[Part.USAGE] == 100
    assert score.value == 100


def test_buckets_weigh_velocity_and_paid_features_more(buckets):
    most = {item.name: item.max for item in explain_score(buckets, row()).components}
    assert most["seats_added"] + most["seats_growth"] > most["seats_count"]
    assert most["depth_paid_features"] > max(most["depth_features"], most["depth_use"])
    assert (
        most["collaboration_across_teams"] + most["collaboration_upwards"]
        > most["collaboration_invites"] + most["collaboration_shares"]
    )
    assert sum(most.values()) == 100 + 1.5


# --- tiers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("indicators", "paying", "tier"),
    [
        (2, False, Tier.ENTERPRISE),
        (2, True, Tier.ENTERPRISE),
        (1, True, Tier.EXPANSION),
        (1, False, Tier.CONVERT),
        (None, None, Tier.CONVERT),
    ],
)
def test_tier(hybrid, indicators, paying, tier):
    score = both(hybrid, **HYBRID_FULL, enterprise_indicators=indicators, is_paying=paying)
    assert score.tier is tier


# --- edits ----------------------------------------------------------------------------------------


def test_an_added_component_scales_its_part_to_a_hundred(edited):
    """Usage could now give 110: everything in it counts 100 / 110."""
    definition = edited(
        "hybrid",
        usage={"exports": {"from": "events_28d", "at": [0, 5, 50], "give": [0, 5, 10]}},
    )
    score = both(definition, **HYBRID_FULL, events_28d=0)
    assert score.parts[Part.USAGE] == pytest.approx(100 * 100 / 110)
    assert sum(item.max for item in score.components if item.part is Part.USAGE) == pytest.approx(
        100
    )
    score = both(definition, **HYBRID_FULL, events_28d=50)
    assert score.value == 100


def test_a_part_that_lost_its_components_gives_its_weight_to_the_others(edited):
    """0.40 and 0.25 become 0.40 / 0.65 and 0.25 / 0.65."""
    definition = edited("hybrid", fit=dict.fromkeys(("company_size", "industry", "tech_stack")))
    score = both(definition, **{**HYBRID_FULL, "pricing_views_28d": 0})
    assert score.value == pytest.approx((0.40 * 100 + 0.25 * 70) / 0.65, abs=1e-6)


def test_a_replaced_lookup_is_read_without_regard_to_case(edited):
    definition = edited(
        "hybrid",
        fit={"industry": {"from": "industry", "give": {"Banking": 30, "other": 0}, "unknown": 5}},
    )
    for industry, given in (("banking", 30), (" BANKING ", 30), ("software", 0), (None, 5)):
        score = both(definition, **{**HYBRID_FULL, "industry": industry})
        assert points(score, "industry") == given
