"""Looking for every mistake that is watched for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.overlay.mistakes import archetypes, handing, selling
from groundswell.overlay.mistakes.known import Known, Sight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from groundswell.config.mistakes import MistakeSpec
    from groundswell.overlay.findings import Finding

DETECTORS: dict[str, tuple[Callable[[Sight], None], ...]] = {
    "sales_attacks_self_serve": (selling.early_touches, selling.touched_below_untouched),
    "no_handoff_criteria": (
        handing.declined_handoffs,
        handing.late_handoffs,
        handing.edited_definition,
    ),
    "wrong_pql_definition": (handing.weak_definition, handing.score_by_chance),
    "pricing_gap": (handing.gaps_in_prices,),
    "separate_stacks": (handing.accounts_without_record, handing.opportunities_without_usage),
    "forgetting_expansion": (selling.stalled_expansion,),
    "sales_too_early": (archetypes.cost_creep, selling.effort_under_the_line),
    "teams_in_friction": (handing.friction,),
    "no_instrumentation": (handing.meanings_never_seen,),
    "refusing_to_staff_sales": (
        selling.unanswered_raises,
        selling.unanswered_asks,
        selling.whales_without_owner,
    ),
    "commission_on_untouched": (handing.pay_on_untouched,),
    "premature_vp_of_sales": (archetypes.team_before_signals,),
    "free_tier_war": (archetypes.walls_in_free,),
    "pql_less_enterprise_team": (archetypes.pipeline_beside_footprint,),
    "attribution_civil_war": (archetypes.disputes_every_quarter,),
    "vanity_enterprise_pivot": (archetypes.few_large_deals,),
}
"""By mistake, the ways in which it is seen; any of them is enough."""


def detect_mistakes(known: Known, specs: Mapping[str, MistakeSpec]) -> list[Finding]:
    """Return the mistakes that are seen, and those that something is missing to look for.

    Args:
        known: What they are seen by.
        specs: What is watched for, with thresholds and words (`LoadedConfig.mistakes`).

    Returns:
        In the order of `specs`. A mistake that was looked for in every way and not seen is left
        out; one that could not be looked for in some way, and was not seen in the others, has no
        severity and says what is missing.
    """
    found: list[Finding] = []
    for name, spec in specs.items():
        sight = Sight(known, spec)
        for detect in DETECTORS[name]:
            detect(sight)
        finding = sight.finding()
        if finding is not None:
            found.append(finding)
    return found
