"""What the product shows: the first offer that holds and that may be shown."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from groundswell.model import OfferKind
from groundswell.routing import (
    AccountState,
    OfferCase,
    choose_offer,
    decide,
    may_offer_human,
    route_frame,
)
from groundswell.routing.offers import fitting_plan

from .test_decisions import NOW, PRICING, ROW, SCHEMA, SCORE, STATE, as_columns, build_score

DECIDED = {
    "motion": "self_serve",
    "rule": "small and progressing",
    "team": None,
    "watch": "monitor",
    "quadrant": "self_serve_nurture",
    "hand_raised": False,
    "held_out": False,
    "worked": False,
}
SETTLED = {"is_onboarding": False, "has_friction": False, "is_activated": True}
AT_LIMIT = {"days_at_limit": 2, "seat_ratio": 0.9, "usage_ratio": None}
SEATS = {"seats_used": 9, "seat_limit": 10, "plan": "free", "is_paying": False}
SHARES = (0.0, 0.5, 1.0)
PLANS = {
    "free": {"seats": 10, "usage": 1000},
    "team": {"price": "12 per seat monthly", "seats": 50, "usage": 20_000, "motion": "self_serve"},
    "scale": {"price": "4800 yearly", "usage": 90_000},
    "business": {"price": "from 900 monthly", "motion": "sales_assist"},
    "enterprise": {"motion": "enterprise", "talk_to_sales": "only"},
}


@pytest.fixture(scope="session")
def priced(configured):
    return configured(plans=PLANS)


@pytest.fixture
def chosen(priced):
    """Choose for an account of which nothing else holds."""

    def choose(config=None, *, offer_human=False, dismissed=None, **values):
        used = config or priced
        case = OfferCase(
            values={**SETTLED, **DECIDED, **values},
            offer_human=offer_human,
            plans=used.plans,
            usage="api_calls_30d",
            dismissed=dismissed or {},
        )
        return choose_offer(used.offers.values(), case)

    return choose


def told(choice):
    return choice.offer and (choice.offer.name, str(choice.offer.kind))


def why(choice, name):
    (trace,) = (trace for trace in choice.tried if trace.name == name)
    return trace.why


def test_an_account_at_its_limit_is_shown_the_plan_that_fits_and_its_price(chosen):
    choice = chosen(**AT_LIMIT, **SEATS)
    assert told(choice) == ("seats_run_out", "upgrade")
    assert choice.sentence == (
        "9 of 10 seats are taken. The team plan has more, at $12 per seat a month"
    )
    assert (choice.plan.name, choice.price.amount, choice.price.per_seat) == ("team", 12.0, True)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"days_at_limit": 1, "usage_ratio": 0.8, "seat_ratio": 0.2}, "usage_runs_out"),
        ({"limit_hits_28d": 1, "days_since_limit_hit": 3, "days_since_upgrade": None},
         "limit_reached"),
        ({"upgrades_abandoned_28d": 1, "days_since_upgrade_started": 2, "days_since_upgrade": 9},
         "upgrade_given_up"),
    ],
)  # fmt: skip
def test_other_reasons_to_upgrade(chosen, values, name):
    assert told(chosen(**values, **SEATS)) == (name, "upgrade")


@pytest.mark.parametrize(
    "values",
    [
        {"limit_hits_28d": 1, "days_since_limit_hit": 3, "days_since_upgrade": 3},
        {"upgrades_abandoned_28d": 1, "days_since_upgrade_started": 5, "days_since_upgrade": 1},
    ],
)
def test_who_upgraded_since_is_left_alone(chosen, values):
    assert told(chosen(**values, **SEATS)) is None


@pytest.mark.parametrize(
    ("values", "plan"),
    [
        ({"plan": "free", "seats_used": 9, "api_calls_30d": 10}, "team"),
        ({"plan": "free", "seats_used": 50}, "scale"),
        ({"plan": "free", "seats_used": 9, "api_calls_30d": 20_000}, "scale"),
        ({"plan": "team", "seats_used": 9}, "scale"),
        ({"plan": "scale", "seats_used": 9}, ""),
        ({"plan": "free", "api_calls_30d": 90_000}, ""),
        ({"plan": None}, "team"),
        ({"plan": "old one", "is_paying": True}, ""),
        ({"plan": "old one", "is_paying": False}, "team"),
    ],
)
def test_the_plan_that_fits(priced, values, plan):
    assert fitting_plan(priced.plans, values, usage="api_calls_30d") == plan


def test_no_plan_no_upgrade(chosen, shipped):
    choice = chosen(shipped, **AT_LIMIT, **SEATS)
    assert told(choice) is None
    assert "No plan" in why(choice, "seats_run_out")


@pytest.mark.parametrize("kind", ["held_out", "self_serve"])
def test_the_held_out_are_answered_as_the_self_served(chosen, kind):
    if kind == "held_out":
        choice = chosen(motion="sales_assist", held_out=True, **AT_LIMIT, **SEATS)
    else:
        choice = chosen(**AT_LIMIT, **SEATS)
    assert told(choice) == ("seats_run_out", "upgrade")


def test_a_human_where_the_decision_allows_one_and_only_there(chosen):
    values = {"motion": "sales_assist", "new_users_28d": 4}
    assert told(chosen(offer_human=True, **values)) == ("growing_team", "human")
    choice = chosen(**values)
    assert told(choice) is None
    assert why(choice, "talk_about_a_plan").startswith("The decision brings nobody in")


def test_who_is_worked_already_gets_no_pitch_but_help(chosen):
    choice = chosen(worked=True, **AT_LIMIT, **SEATS)
    assert told(choice) is None
    assert why(choice, "seats_run_out") == "Somebody works the account: there is no second pitch."
    help_at_the_start = {"is_onboarding": True, "has_friction": True}
    assert told(chosen(worked=True, **help_at_the_start)) == ("stuck_at_the_start", "onboarding")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"is_onboarding": True, "has_friction": True}, "stuck_at_the_start"),
        ({"is_onboarding": True, "watch": "fast_track"}, "fast_track"),
        ({"is_activated": False, "account_age_days": 20}, "not_activated_yet"),
    ],
)
def test_help_with_getting_started(chosen, values, name):
    assert told(chosen(**values)) == (name, "onboarding")


def test_what_was_dismissed_gives_way_to_the_next_kind(chosen):
    values = {**AT_LIMIT, **SEATS, "is_onboarding": True, "has_friction": True}
    choice = chosen(dismissed={OfferKind.UPGRADE: "2026-05-30"}, **values)
    assert told(choice) == ("stuck_at_the_start", "onboarding")
    assert why(choice, "seats_run_out") == "Dismissed until 2026-05-30."


def test_a_sentence_with_something_unknown_is_not_shown(chosen, configured):
    config = configured(
        plans=PLANS,
        offers={"big": {"offer": "onboarding", "when": "TRUE", "say": "For {employees} people"}},
    )
    assert why(chosen(config), "big") == "The sentence names what is unknown: employees."
    assert chosen(config, employees=7).sentence == "For 7 people"


def test_ones_own_offers_come_first_and_can_show_nothing(chosen, configured):
    config = configured(
        plans=PLANS,
        offers={
            "quiet": {"offer": "none", "when": "seats_used > 8"},
            "limit_reached": None,
            "scale_up": {
                "offer": "upgrade",
                "when": "limit_hits_28d > 0",
                "plan": "scale",
                "say": "{offered_plan} for {offered_price}, {offered_usage} calls",
            },
        },
    )
    names = list(config.offers)
    assert names[:3] == ["quiet", "scale_up", "asked_for_a_person"]
    assert "limit_reached" not in names
    assert told(chosen(config, **AT_LIMIT, **SEATS)) == ("quiet", "none")
    seen = {"seats_used": 1, "limit_hits_28d": 1, "plan": "free"}
    assert chosen(config, **seen).sentence == "scale for $400 a month, 90,000 calls"
    already = chosen(config, **{**seen, "plan": "scale"})
    assert why(already, "scale_up") == "The account is on scale already."


def test_an_unknown_value_does_not_match(chosen):
    choice = chosen(is_activated=None, account_age_days=2)
    assert told(choice) is None
    assert why(choice, "not_activated_yet") == "The condition needs a value that is unknown."


@pytest.fixture(scope="session")
def holding_out(configured):
    """The configurations with some share held out."""
    return {
        share: configured(plans=PLANS, guardrails={"holdout": f"{share:.0%}"}) for share in SHARES
    }


@settings(max_examples=150)
@given(row=ROW, drawn=SCORE, state=STATE, share=st.sampled_from(SHARES))
@example(
    row={name: None for name in SCHEMA if name not in {"account_id", "as_of"}},
    drawn={"value": 30.0, "tier": "PQL-Convert", "usage": "low", "fit": "low"},
    state=AccountState(),
    share=0.0,
)
def test_who_would_be_handed_over_is_offered_a_human_and_the_self_served_never_are(
    holding_out, row, drawn, state, share
):
    config = holding_out[share]
    score = build_score("acme", drawn)
    known = {"account_id": "acme", "as_of": score.as_of, **row}
    decision = decide(
        known, score, PRICING, state, rules=config.motions, guardrails=config.guardrails, now=NOW
    )
    frame = pl.DataFrame([known], schema=SCHEMA).hstack(as_columns([score]))
    route = route_frame(frame, {"acme": state}, rules=config.motions).row(0, named=True)
    allowed = route["eligible"] and may_offer_human(decision.guardrails)
    case = OfferCase(
        values={**known, **route, "held_out": share > 0, "worked": route["owned"]},
        offer_human=allowed,
        plans=config.plans,
        usage="api_calls_30d",
    )
    choice = choose_offer(config.offers.values(), case)
    kind = choice.offer.kind if choice.offer else OfferKind.NONE
    if decision.hand_over:
        assert kind is OfferKind.HUMAN
    if decision.motion == "self_serve" or route["owned"] or state.open_handoff:
        assert kind is not OfferKind.HUMAN
    failed = {result.name for result in decision.guardrails if not result.passed}
    if failed - {"account_touch", "person_touch", "last_handoff"}:
        assert kind is not OfferKind.HUMAN
