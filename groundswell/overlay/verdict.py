"""The verdict: whether people who sell are laid over self-serve now, and what would change it.

Readiness comes first: an engine that does not run is mended before anything is laid over it,
whatever the signals say. Then the rule of the signals, then what speaks against, then the lightest
layer that is spoken for and not in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from groundswell.overlay.audit import audit
from groundswell.overlay.checks import Check
from groundswell.overlay.counter_cases import read_counter_cases
from groundswell.overlay.hiring import FirstHire, advise_first_hire
from groundswell.overlay.layers import LAYERS, Layer, choose_layer, not_said, weigh_layers
from groundswell.overlay.maturity import Maturity, read_maturity
from groundswell.overlay.products import ProductMotion, choose_motion
from groundswell.overlay.quarters import quarters_until
from groundswell.overlay.readiness import FUNNEL, check_readiness
from groundswell.overlay.reasons import Case, say_changes, say_why
from groundswell.overlay.rule import QUARTERS, RuleOutcome, apply_rule
from groundswell.overlay.signals import Signal, read_signals
from groundswell.overlay.symptoms import read_symptoms
from groundswell.overlay.words import said, tell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundswell.config.overlay_schema import OverlayBlock
    from groundswell.overlay.facts import OverlayFacts


class Decision(StrEnum):
    """What to do."""

    FIX_FUNNEL_FIRST = "fix_funnel_first"
    BUILD_ENGINE_FIRST = "build_engine_first"
    STAY_PLG = "stay_plg"
    WATCH_LIST = "watch_list"
    TRIGGER = "trigger"
    KEEP = "keep"
    NOT_KNOWN = "not_known"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether self-serve needs sales beside it, as of a day.

    Attributes:
        as_of: What was known by the end of this day was used.
        decision, title: What to do.
        reason: By what it was decided: a check, `rule`, `layer`, `disputes`, `team` or `inputs`.
        why: The reasons, in sentences.
        would_change: What would change it.
        layer: The layer to add; None where none is.
        signals: The seven signals by quarter, the latest last.
        rule: What they come to.
        readiness: What has to hold before.
        symptoms: What a company that has outgrown self-serve shows.
        counter_cases: What speaks against.
        layers: Every layer, the lightest first.
        first_hire: Whether the first salesperson is due, and who that is.
        maturity: The stage, and the next steps.
        audit: The four questions.
        products: How new products are best sold.
        missing: What would have to be known, by name.
    """

    as_of: date
    decision: Decision
    title: str
    reason: str
    why: tuple[str, ...]
    would_change: tuple[str, ...]
    layer: Layer | None
    signals: dict[str, tuple[Signal, ...]]
    rule: RuleOutcome
    readiness: tuple[Check, ...]
    symptoms: tuple[Check, ...]
    counter_cases: tuple[Check, ...]
    layers: tuple[Layer, ...]
    first_hire: FirstHire
    maturity: Maturity
    audit: tuple[Check, ...]
    products: tuple[ProductMotion, ...]
    missing: tuple[str, ...]


_AGAINST = {
    "no_enterprise_head": Decision.STAY_PLG,
    "unit_economics": Decision.STAY_PLG,
    "no_pql_engine": Decision.BUILD_ENGINE_FIRST,
    "runway_left": Decision.WATCH_LIST,
}
"""What a counter-case makes of signals that ask for people, the weightiest first."""

_KNOWN = 4
"""Signals that have to be known in a quarter before few of them firing says anything."""


def judge_overlay(facts: OverlayFacts, terms: OverlayBlock) -> Verdict:
    """Return whether self-serve needs sales beside it.

    Args:
        facts: What is known by the day.
        terms: What it is judged by, and what is declared.
    """
    signals = read_signals(facts, terms)
    rule = apply_rule(signals, terms.rule)
    symptoms = read_symptoms(facts, terms)
    layers = weigh_layers(facts, terms, lasting=rule.lasting, symptoms=symptoms)
    chosen = choose_layer(layers)
    counter_cases = read_counter_cases(
        facts, terms, rule=rule, layer=chosen.name if chosen else _next(layers)
    )
    readiness = check_readiness(facts, terms)
    last = quarters_until(facts.as_of, QUARTERS)
    case = Case(
        terms=terms,
        signals={quarter: signals[quarter] for quarter in rule.firing},
        rule=rule,
        readiness={one.name: one for one in readiness},
        counter_cases={one.name: one for one in counter_cases},
        layers=layers,
        layer=chosen,
        disputes=tuple(facts.disputes.get(str(quarter), 0) for quarter in last),
        people=sum(one.people for one in facts.teams),
    )
    decision, reason = decide(case)
    maturity = read_maturity(facts, terms)
    products = tuple(choose_motion(one, terms.new_product) for one in terms.new_products)
    first_hire = advise_first_hire(facts, terms, rule=rule)
    questions = audit(facts, maturity.pieces)
    looked = (*readiness, *symptoms, *counter_cases, *first_hire.conditions, *maturity.pieces)
    latest = signals[str(last[-1])]
    unsaid = list(not_said(terms)) if layers[-1].justified_by else []
    if case.people and terms.disputed is None and not facts.disputes:
        unsaid.append(tell("layers", "disputes_not_said"))
    return Verdict(
        as_of=facts.as_of,
        decision=decision,
        title=said("decisions", decision),
        reason=reason,
        why=say_why(case, decision, reason),
        would_change=say_changes(case, decision, reason),
        layer=chosen if decision is Decision.TRIGGER else None,
        signals=signals,
        rule=rule,
        readiness=readiness,
        symptoms=symptoms,
        counter_cases=counter_cases,
        layers=layers,
        first_hire=first_hire,
        maturity=maturity,
        audit=questions,
        products=products,
        missing=_missing((*latest, *looked, *questions, *products), *unsaid),
    )


def decide(case: Case) -> tuple[Decision, str]:
    """Return what to do, and by what that was decided."""
    broken = [name for name in FUNNEL if case.readiness[name].holds is False]
    if case.against("activation_problem"):
        broken.append("activation_problem")
    if broken:
        return Decision.FIX_FUNNEL_FIRST, broken[0]
    if case.people and case.against("no_pql_engine"):
        return Decision.BUILD_ENGINE_FIRST, "no_pql_engine"
    if case.rule.is_met:
        return _decide_trigger(case)
    if case.has_disputes:
        return Decision.KEEP, "disputes"
    if case.against("vanity"):
        return Decision.STAY_PLG, "vanity"
    if case.rule.is_watched:
        return Decision.WATCH_LIST, "rule"
    if case.people:
        return Decision.KEEP, "team"
    if min(len(told) - len(case.rule.unknown[q]) for q, told in case.signals.items()) < _KNOWN:
        return Decision.NOT_KNOWN, "inputs"
    return Decision.STAY_PLG, "rule"


def _decide_trigger(case: Case) -> tuple[Decision, str]:
    """Return what to do where the signals ask for people."""
    for name, decision in _AGAINST.items():
        if case.against(name):
            return decision, name
    if case.has_disputes:
        return Decision.KEEP, "disputes"
    unready = next((name for name, one in case.readiness.items() if not one.holds), None)
    if unready is not None:
        return Decision.WATCH_LIST, unready
    if case.layer is not None:
        return Decision.TRIGGER, "layer"
    return (Decision.KEEP, "layer") if case.people else (Decision.WATCH_LIST, "layer")


def _next(layers: Iterable[Layer]) -> str:
    """Return the lightest layer that is not in place; the heaviest where all are."""
    return next((one.name for one in layers if not one.in_place), LAYERS[-1])


def _missing(looked: Iterable[Signal | Check | ProductMotion], *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(name for one in looked for name in one.missing), *more]))
