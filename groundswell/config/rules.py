"""`motions:`, `triggers:` and `guardrails:` resolved and type-checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.quantities import parse_days, parse_share
from groundswell.config.resolved import Guardrails, Rule, TriggerSpec
from groundswell.config.vocabulary import ValueType
from groundswell.errors import did_you_mean
from groundswell.model import Motion

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from groundswell.config.findings import Findings, Key
    from groundswell.config.schema import GuardrailsBlock, MotionRule, TriggerDef

OWNER = "owner"
"""The team of a rule that sends an account to the person who owns it."""


def resolve_rules(
    rules: Sequence[MotionRule],
    positions: Sequence[int],
    *,
    types: Mapping[str, ValueType],
    teams: Collection[str] | None,
    findings: Findings,
) -> tuple[Rule, ...]:
    """Return the rules that can be tried, in order.

    Args:
        rules: As written.
        positions: Where each of them stood in its list.
        types: What conditions may read.
        teams: The teams a rule may name; None for the shipped rules, whose teams are advice.
        findings: Told of everything that is wrong.
    """
    found: list[Rule] = []
    seen: dict[str, int] = {}
    for rule, position in zip(rules, positions, strict=True):
        key: Key = ("motions", position)
        if rule.name in seen:
            what = f"Two rules have the name `{rule.name}`."
            fix = "Give each rule its own name, so that a decision can say which one matched."
            findings.tell((*key, "name"), "config-duplicate-name", what, fix)
        seen[rule.name] = position
        if teams is not None and rule.team is not None and rule.team not in {*teams, OWNER}:
            what = f"Unknown team `{rule.team}`."
            fix = did_you_mean(rule.team, [*teams, OWNER], noun="Teams")
            findings.tell((*key, "team"), "config-unknown-team", what, fix)
        when = findings.expression((*key, "when"), rule.when, types=types, expect=ValueType.BOOLEAN)
        if when is not None:
            spot = findings.spot(key)
            place = spot.value if spot else None
            found.append(Rule(rule.name, when, Motion(rule.motion), rule.team, rule.play, place))
    return tuple(found)


def resolve_triggers(
    triggers: Mapping[str, TriggerDef | None],
    *,
    types: Mapping[str, ValueType],
    findings: Findings,
) -> dict[str, TriggerSpec]:
    """Return the triggers that can fire; those that are null were taken away."""
    found: dict[str, TriggerSpec] = {}
    for name, trigger in triggers.items():
        if trigger is None:
            continue
        key: Key = ("triggers", name)
        findings.template((*key, "say"), trigger.say, known=types)
        when = findings.expression(
            (*key, "when"), trigger.when, types=types, expect=ValueType.BOOLEAN
        )
        if when is not None:
            found[name] = TriggerSpec(name, trigger.family, when, trigger.say)
    return found


def resolve_guardrails(block: GuardrailsBlock) -> Guardrails:
    """Return the guardrails with their lengths in days and their shares of one."""
    return Guardrails(
        min_account_age_days=parse_days(block.min_account_age),
        needs_activation=block.needs_activation,
        max_silence_days=parse_days(block.max_silence),
        needs_signal=block.needs_signal,
        respect_onboarding=block.respect_onboarding,
        account_touch_days=parse_days(block.one_touch_per_account),
        person_touch_days=parse_days(block.one_touch_per_person),
        holdout_share=parse_share(block.holdout),
        do_not_contact=tuple(block.do_not_contact),
        dismissed_offer_days=parse_days(block.dismissed_offer),
        handoff_rest_days=parse_days(block.rest_after_handoff),
        explore_share=parse_share(block.explore),
        explore_from=block.explore_from,
    )
