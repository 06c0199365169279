"""When a human is brought in; and that the fast way agrees with the full one."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.model import Band, Part, Score, Tier, Trigger
from groundswell.routing import AccountState, decide, read_by_decisions, route_frame

DAY = dt.date(2026, 3, 1)
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
PRICING = (Trigger("pricing_viewed_twice", "intent", DAY, "Pricing viewed 2 times"),)
QUALIFIED = AccountState(qualified=True)
RAISED = {"hand_raises_28d": 1, "days_since_hand_raised": 3}


def test_a_high_score_that_is_not_qualified_is_not_handed_over(decided, make_score):
    """It may be cooling down: the motion is chosen, and nobody is bothered."""
    decision = decided(make_score(80), AccountState(), PRICING)
    assert (decision.motion, decision.hand_over) == ("sales_assist", False)
    assert decision.reason.endswith("not handed over: not qualified.")


def test_an_open_handoff_is_not_opened_again(decided, make_score):
    state = AccountState(qualified=True, open_handoff=True)
    decision = decided(make_score(80), state, PRICING)
    assert not decision.hand_over
    assert decision.reason.endswith("a handoff is open already.")


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (
            {"owner": "rep@seller.example"},
            (
                "Rule `owned` matched; rep@seller.example owns the account: "
                "the signal goes there, no second handoff."
            ),
        ),
        (
            {"open_opportunities": 1},
            (
                "Rule `owned` matched; an opportunity is open: "
                "the signal goes there, no second handoff."
            ),
        ),
    ],
)
def test_what_somebody_works_is_not_handed_over_again(decided, make_score, work, reason):
    decision = decided(make_score(80), QUALIFIED, PRICING, **work, **RAISED)
    assert (decision.hand_over, decision.reason) == (False, reason)
    assert decision.owner == work.get("owner")


def test_a_users_rule_does_not_make_a_second_handoff_either(configured, decided, make_score):
    config = configured(motions=[{"name": "all", "when": "TRUE", "motion": "enterprise"}])
    decision = decided(make_score(80), QUALIFIED, PRICING, config, owner="rep@seller.example")
    assert (decision.rule, decision.hand_over) == ("all", False)


def test_self_serve_by_a_users_rule_keeps_people_away(configured, decided, make_score):
    config = configured(motions=[{"name": "none", "when": "TRUE", "motion": "self_serve"}])
    decision = decided(make_score(80), QUALIFIED, PRICING, config)
    assert (decision.hand_over, decision.reason) == (
        False,
        "Rule `none` matched: self-serve.",
    )


@pytest.mark.parametrize(
    ("handoff", "hand_over"),
    [(None, True), (DAY - dt.timedelta(days=4), True), (DAY - dt.timedelta(days=3), False)],
)
def test_a_hand_raise_that_was_answered_is_over(decided, handoff, hand_over):
    """Raised three days ago: a handoff of that day or later has answered it."""
    decision = decided(state=AccountState(last_handoff_on=handoff), **RAISED)
    assert decision.rule == "hand-raise"
    assert decision.hand_over is hand_over


def test_failed_guardrails_are_in_the_reason(decided, make_score):
    decision = decided(make_score(80), QUALIFIED, PRICING, account_age_days=2, is_activated=False)
    assert decision.reason == (
        "Rule `high score, small business` matched; held back by a guardrail: "
        "Too early: 2 days old, not more than 3. Too early: not activated yet."
    )


# --- the fast way ---------------------------------------------------------------------------------

NAMES = {
    "employees": [None, 20, 50, 499, 500, 501],
    "estimated_acv": [None, 1000.0, 5000.0, 25_000.0, 25_001.0],
    "seats_used": [None, 4, 5],
    "mrr": [0.0, 1000.0],
    "active_users_28d": [2, 3],
    "enterprise_indicators": [0, 2],
    "hand_raises_28d": [0, 0, 1, None],
    "days_since_hand_raised": [None, 0, 5],
    "procurement_asks_28d": [0, 0, 1],
    "security_asks_28d": [0, 1, None],
    "integration_tickets_28d": [0, 1],
    "presales_tickets_28d": [0, 1],
    "pricing_views_28d": [0, 2],
    "upgrades_abandoned_28d": [0, 1],
    "open_opportunities": [0, 0, 1, None],
    "account_age_days": [2, 60],
    "days_since_active": [0, 200],
}
FLAGS = [
    *("has_sso", "is_paying", "has_friction", "is_activated", "is_onboarding", "is_high_value"),
    "is_high_potential",
    "is_named_customer",
]
ROW = st.fixed_dictionaries(
    {name: st.sampled_from(values) for name, values in NAMES.items()}
    | {name: st.sampled_from([None, False, True]) for name in FLAGS}
    | {"owner": st.sampled_from([None, None, None, "rep@seller.example"])}
)
SCORE = st.fixed_dictionaries(
    {
        "value": st.sampled_from([30.0, 70.0, 70.1, 90.0, 90.1]),
        "tier": st.sampled_from(list(Tier)),
        "usage": st.sampled_from(list(Band)),
        "fit": st.sampled_from(list(Band)),
    }
)
STATE = st.builds(
    AccountState,
    qualified=st.booleans(),
    open_handoff=st.booleans(),
    last_handoff_on=st.sampled_from([None, DAY, DAY - dt.timedelta(days=5)]),
)
SCHEMA = (
    {"account_id": pl.String, "as_of": pl.Date, "owner": pl.String}
    | dict.fromkeys(NAMES, pl.Float64)
    | dict.fromkeys(FLAGS, pl.Boolean)
)


def build_score(account, drawn):
    bands = {Part.USAGE: drawn["usage"], Part.FIT: drawn["fit"], Part.BEHAVIOUR: Band.LOW}
    return Score(
        account_id=account,
        as_of=DAY,
        value=drawn["value"],
        parts=dict.fromkeys(Part, 0.0),
        bands=bands,
        components=(),
        tier=drawn["tier"],
        above_threshold=drawn["value"] > 70,
        model_version="test",
        above_enterprise=drawn["value"] > 90,
    )


def as_columns(scores):
    """Give the columns that scoring would."""
    return pl.DataFrame(
        {
            "score": [score.value for score in scores],
            **{f"{part}_score": [score.parts[part] for score in scores] for part in Part},
            **{f"{part}_band": [str(score.bands[part]) for score in scores] for part in Part},
            "tier": [str(score.tier) for score in scores],
            "enterprise_fit": [score.tier is Tier.ENTERPRISE for score in scores],
            "above_threshold": [score.above_threshold for score in scores],
            "above_enterprise": [score.above_enterprise for score in scores],
        }
    )


@settings(max_examples=40)
@given(drawn=st.lists(st.tuples(ROW, SCORE, STATE), min_size=1, max_size=6))
def test_routing_a_frame_agrees_with_deciding_each(shipped, drawn):
    accounts = [f"a{n}" for n in range(len(drawn))]
    rows = [
        {"account_id": account, "as_of": DAY, **row}
        for account, (row, _, _) in zip(accounts, drawn, strict=True)
    ]
    scores = [build_score(account, s) for account, (_, s, _) in zip(accounts, drawn, strict=True)]
    states = {account: state for account, (_, _, state) in zip(accounts, drawn, strict=True)}
    frame = pl.DataFrame(rows, schema=SCHEMA).hstack(as_columns(scores))
    routed = route_frame(frame, states, rules=shipped.motions)
    for fast, row, score in zip(routed.iter_rows(named=True), rows, scores, strict=True):
        full = decide(
            row,
            score,
            PRICING,
            states[score.account_id],
            rules=shipped.motions,
            guardrails=shipped.guardrails,
            now=NOW,
        )
        for name in ("rule", "motion", "team", "play", "quadrant", "watch"):
            assert fast[name] == getattr(full, name)
        assert full.hand_over == (
            fast["eligible"] and all(result.passed for result in full.guardrails)
        )
        read = {"account_id", "as_of", *read_by_decisions(shipped.motions)}
        assert full == decide(
            {name: value for name, value in row.items() if name in read},
            score,
            PRICING,
            states[score.account_id],
            rules=shipped.motions,
            guardrails=shipped.guardrails,
            now=NOW,
        )


def test_an_account_without_a_history_is_routed_too(shipped, calm, make_score):
    frame = pl.DataFrame([{"account_id": "acme", "as_of": DAY, **calm}], schema_overrides=SCHEMA)
    routed = route_frame(frame.hstack(as_columns([make_score(80)])), {}, rules=shipped.motions)
    assert routed.row(0, named=True) == {
        "account_id": "acme",
        "as_of": DAY,
        "rule": "high score, small business",
        "motion": "sales_assist",
        "team": "smb",
        "play": "convert_trial",
        "quadrant": "automated_reengagement",
        "watch": "self_serve_only",
        "qualified": False,
        "hand_raised": False,
        "owned": False,
        "open_handoff": False,
        "eligible": False,
    }


def test_no_accounts(shipped, make_score):
    empty = pl.DataFrame(schema=SCHEMA).hstack(as_columns([make_score(80)]).clear())
    assert route_frame(empty, {}, rules=shipped.motions).height == 0
