"""Decisions: triggers say why now, rules choose the motion, guardrails protect the user."""

from groundswell.routing.alerts import (
    expansion_rules,
    high_accounts,
    is_held_back,
    news_since,
    tell_alert,
)
from groundswell.routing.customers import care_of
from groundswell.routing.decisions import decide, read_by_decisions, route_frame
from groundswell.routing.guardrails import (
    HOLDOUT,
    is_explored,
    is_held_out,
    may_offer_human,
)
from groundswell.routing.offers import ChosenOffer, OfferCase, choose_offer
from groundswell.routing.risks import (
    at_risk,
    read_signs,
    risk_news,
    tell_risk,
    watched_accounts,
)
from groundswell.routing.state import NOTHING_KNOWN, AccountState, is_owned
from groundswell.routing.triggers import (
    fire_triggers,
    needed_names,
    newest_reason,
    tell_triggers,
    trigger_runs,
)

__all__ = [
    "HOLDOUT",
    "NOTHING_KNOWN",
    "AccountState",
    "ChosenOffer",
    "OfferCase",
    "at_risk",
    "care_of",
    "choose_offer",
    "decide",
    "expansion_rules",
    "fire_triggers",
    "high_accounts",
    "is_explored",
    "is_held_back",
    "is_held_out",
    "is_owned",
    "may_offer_human",
    "needed_names",
    "newest_reason",
    "news_since",
    "read_by_decisions",
    "read_signs",
    "risk_news",
    "route_frame",
    "tell_alert",
    "tell_risk",
    "tell_triggers",
    "trigger_runs",
    "watched_accounts",
]
