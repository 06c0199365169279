"""Decisions: triggers say why now, rules choose the motion, guardrails protect the user."""

from groundswell.routing.decisions import decide, route_frame
from groundswell.routing.guardrails import is_held_out
from groundswell.routing.state import NOTHING_KNOWN, AccountState
from groundswell.routing.triggers import (
    fire_triggers,
    needed_names,
    tell_triggers,
    trigger_runs,
)

__all__ = [
    "NOTHING_KNOWN",
    "AccountState",
    "decide",
    "fire_triggers",
    "is_held_out",
    "needed_names",
    "route_frame",
    "tell_triggers",
    "trigger_runs",
]
