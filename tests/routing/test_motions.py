"""The routing table, branch by branch and at its boundaries."""

from __future__ import annotations

import pytest

from groundswell.model import Band, Motion, Part, Tier
from groundswell.routing import AccountState

SELF_SERVE = "small and progressing"


def routed(decision):
    return decision.rule, decision.motion, decision.team


# --- 1. somebody works it already ---------------------------------------------------------------


@pytest.mark.parametrize("work", [{"open_opportunities": 1}, {"owner": "rep@seller.example"}])
@pytest.mark.parametrize(
    ("values", "rule", "motion"),
    [
        ({"is_paying": True}, "owned, paying", Motion.EXPANSION),
        ({"employees": 501}, "owned, enterprise", Motion.ENTERPRISE),
        ({"employees": 500}, "owned", Motion.SALES_ASSIST),
        ({"estimated_acv": 25_000.01}, "owned, enterprise", Motion.ENTERPRISE),
        ({"estimated_acv": 25_000}, "owned", Motion.SALES_ASSIST),
    ],
)
def test_owned(decided, work, values, rule, motion):
    decision = decided(**work, **values)
    assert routed(decision) == (rule, motion, "owner")


# --- 2. hand-raise --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "motion"),
    [
        ({}, Motion.SALES_ASSIST),
        ({"employees": 500}, Motion.SALES_ASSIST),
        ({"employees": 501}, Motion.ENTERPRISE),
        ({"estimated_acv": 25_000}, Motion.SALES_ASSIST),
        ({"estimated_acv": 25_001}, Motion.ENTERPRISE),
        ({"procurement_asks_28d": 1}, Motion.ENTERPRISE),
        ({"employees": None, "estimated_acv": None}, Motion.SALES_ASSIST),
    ],
)
def test_hand_raise(decided, values, motion):
    decision = decided(hand_raises_28d=1, **values)
    assert decision.motion is motion
    assert decision.rule.startswith("hand-raise")


# --- 3. enterprise --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "tier", "rule"),
    [
        (90.25, Tier.ENTERPRISE, "enterprise score and fit"),
        (90.0, Tier.ENTERPRISE, "high score, small business"),
        (90.25, Tier.CONVERT, "high score, small business"),
    ],
)
def test_enterprise_by_score_and_fit(decided, make_score, score, tier, rule):
    assert decided(make_score(score, tier=tier)).rule == rule


NEEDS = ["procurement_asks_28d", "security_asks_28d", "integration_tickets_28d"]


@pytest.mark.parametrize("need", [*({name: 1} for name in NEEDS), {"has_sso": True}])
@pytest.mark.parametrize("size", [{"employees": 500}, {"estimated_acv": 25_001}])
def test_enterprise_by_size_and_needs(decided, need, size):
    rule = "enterprise size with complex needs"
    assert routed(decided(**need, **size)) == (rule, Motion.ENTERPRISE, "enterprise")


@pytest.mark.parametrize("values", [{"employees": 499}, {"estimated_acv": 25_000}])
def test_not_enterprise_just_below(decided, values):
    assert decided(has_sso=True, **values).motion is Motion.SELF_SERVE


def test_size_alone_is_not_enterprise(decided):
    assert decided(employees=5000, estimated_acv=90_000).rule == "nothing else matched"


# --- 4. sales-assist ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "qualified", "rule"),
    [
        (70.0, False, SELF_SERVE),
        (70.1, False, "high score, small business"),
        (65.0, True, "high score, small business"),
    ],
)
def test_sales_assist_by_score(decided, make_score, score, qualified, rule):
    state = AccountState(qualified=qualified)
    assert decided(make_score(score), state).rule == rule


@pytest.mark.parametrize(
    ("values", "team"),
    [
        ({"employees": 49}, "smb"),
        ({"employees": 50}, "sales_assist"),
        ({"estimated_acv": 4999.99}, "smb"),
        ({"estimated_acv": 5000}, "sales_assist"),
        ({"employees": None, "estimated_acv": None}, "smb"),
    ],
)
def test_high_scores_go_to_the_team_of_their_size(decided, make_score, values, team):
    assert routed(decided(make_score(80), **values))[1:] == (Motion.SALES_ASSIST, team)


BARRIERS = [
    {"pricing_views_28d": 2},
    {"presales_tickets_28d": 1},
    {"integration_tickets_28d": 1},
    {"security_asks_28d": 1},
    {"upgrades_abandoned_28d": 1},
]


@pytest.mark.parametrize("barrier", BARRIERS)
@pytest.mark.parametrize(
    "size",
    [
        {"employees": 50, "estimated_acv": 5000},
        {"employees": 499, "estimated_acv": 25_000},
    ],
)
def test_mid_market_with_a_barrier(decided, barrier, size):
    expected = ("mid-market with a barrier", Motion.SALES_ASSIST, "sales_assist")
    assert routed(decided(**barrier, **size)) == expected


@pytest.mark.parametrize(
    "values",
    [
        {"employees": 49, "estimated_acv": 5000},
        {"employees": 501, "estimated_acv": 5000},
        {"employees": 50, "estimated_acv": 4999.99},
        {"employees": 50, "estimated_acv": 25_000.01},
        {"employees": 50, "estimated_acv": None},
    ],
)
def test_a_barrier_outside_the_mid_market_is_none(decided, values):
    assert decided(pricing_views_28d=2, **values).motion is Motion.SELF_SERVE


def test_five_hundred_with_a_pricing_question_is_mid_market(decided):
    decision = decided(employees=500, estimated_acv=25_000, pricing_views_28d=2)
    assert decision.rule == "mid-market with a barrier"


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"active_users_28d": 3}, "mid-market, several people in trial"),
        ({"active_users_28d": 3, "is_paying": None}, "mid-market, several people in trial"),
        ({"active_users_28d": 2}, "nothing else matched"),
        ({"active_users_28d": 3, "is_paying": True}, "nothing else matched"),
    ],
)
def test_several_people_in_trial(decided, values, rule):
    assert decided(employees=50, estimated_acv=5000, **values).rule == rule


# --- 5. expansion ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "rule", "team"),
    [
        ({"is_high_potential": True, "mrr": 1000}, "expansion, account executive", "expansion"),
        (
            {"is_high_potential": True, "mrr": 999.99},
            "expansion, customer success",
            "customer_success",
        ),
        ({"is_high_potential": False, "mrr": 1000}, SELF_SERVE, None),
    ],
)
def test_expansion(decided, values, rule, team):
    decision = decided(is_paying=True, **values)
    assert (decision.rule, decision.team) == (rule, team)


def test_potential_without_paying_is_no_expansion(decided):
    assert decided(is_high_potential=True, mrr=5000).rule == SELF_SERVE


# --- 6. self-serve --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({}, SELF_SERVE),
        ({"seats_used": 4, "estimated_acv": 4999.99}, SELF_SERVE),
        ({"seats_used": 5}, "nothing else matched"),
        ({"estimated_acv": 5000}, "nothing else matched"),
        ({"has_friction": True}, "nothing else matched"),
        ({"enterprise_indicators": 1}, "nothing else matched"),
        ({"estimated_acv": None}, "nothing else matched"),
    ],
)
def test_self_serve(decided, values, rule):
    decision = decided(**values)
    assert (decision.rule, decision.motion) == (rule, Motion.SELF_SERVE)
    assert not decision.hand_over


# --- the trace ------------------------------------------------------------------------------------


def test_the_trace_ends_with_the_match_and_keeps_the_values(decided, shipped):
    decision = decided(employees=50, estimated_acv=5000, pricing_views_28d=2)
    names = [trace.name for trace in decision.rules]
    assert names == [rule.name for rule in shipped.motions][: len(names)]
    assert [trace.matched for trace in decision.rules] == [False] * (len(names) - 1) + [True]
    assert decision.rules[-1].values["employees"] == 50
    assert decision.rules[-1].condition == shipped.motions[len(names) - 1].when.text


def test_a_rule_that_needs_an_unknown_value_does_not_match(decided):
    decision = decided(employees=None, estimated_acv=None, has_sso=True)
    by_name = {trace.name: trace for trace in decision.rules}
    trace = by_name["enterprise size with complex needs"]
    assert trace.matched is None
    assert trace.values["employees"] is None
    assert decision.motion is Motion.SELF_SERVE


def test_nothing_matched_leaves_every_rule_in_the_trace(decided, shipped):
    decision = decided(seats_used=50)
    assert len(decision.rules) == len(shipped.motions)
    assert decision.rule == "nothing else matched"


def test_rules_of_the_user_come_before_the_defaults(configured, decided):
    config = configured(
        motions=[
            {
                "name": "regulated industries need a human",
                "when": "industry IN ('banking', 'insurance') AND security_asks_28d > 0",
                "motion": "enterprise",
            }
        ]
    )
    values = {"industry": "banking", "security_asks_28d": 1}
    for work in ({}, {"hand_raises_28d": 1}, {"owner": "rep@seller.example"}):
        decision = decided(config=config, **values, **work)
        assert decision.rule == "regulated industries need a human"
        assert decision.motion is Motion.ENTERPRISE
    assert decided(config=config, industry="banking").rule == SELF_SERVE


# --- place and watch ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usage", "valued", "place"),
    [
        (Band.HIGH, False, "self_serve_nurture"),
        (Band.MEDIUM, True, "sales_assist_outbound"),
        (Band.LOW, False, "automated_reengagement"),
        (Band.LOW, True, "sales_led_inbound"),
        (Band.LOW, None, "automated_reengagement"),
    ],
)
def test_quadrant(decided, make_score, usage, valued, place):
    bands = {Part.USAGE: usage, Part.FIT: Band.LOW, Part.BEHAVIOUR: Band.HIGH}
    assert decided(make_score(bands=bands), is_high_value=valued).quadrant == place


@pytest.mark.parametrize(
    ("fit", "watch"),
    [(Band.LOW, "self_serve_only"), (Band.MEDIUM, "monitor"), (Band.HIGH, "fast_track")],
)
def test_watch_goes_by_fit_alone(decided, make_score, fit, watch):
    bands = {Part.USAGE: Band.HIGH, Part.FIT: fit, Part.BEHAVIOUR: Band.HIGH}
    assert decided(make_score(bands=bands)).watch == watch
