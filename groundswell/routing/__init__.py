"""Decisions: triggers say why now, rules choose the motion, guardrails protect the user."""

from groundswell.routing.alerts import (
    expansion_rules,
    high_accounts,
    is_held_back,
    news_since,
    tell_alert,
)
from groundswell.routing.decisions import decide, read_by_decisions, route_frame
from groundswell.routing.guardrails import is_held_out, may_offer_human
from groundswell.routing.offers import ChosenOffer, OfferCase, choose_offer
from groundswell.routing.state import NOTHING_KNOWN, AccountState, is_owned
from groundswell.routing.triggers import (
    fire_triggers,
    needed_names,
    newest_reason,
    tell_triggers,
    trigger_runs,
)

__all__ = [
    "NOTHING_KNOWN",
    "AccountState",
    "ChosenOffer",
    "OfferCase",
    "choose_offer",
    "decide",
    "expansion_rules",
    "fire_triggers",
    "high_accounts",
    "is_held_back",
    "is_held_out",
    "is_owned",
    "may_offer_human",
    "needed_names",
    "newest_reason",
    "news_since",
    "read_by_decisions",
    "route_frame",
    "tell_alert",
    "tell_triggers",
    "trigger_runs",
]
