"""The price list beside sales: whether prices, motions, limits and accounts go together."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl

from groundswell.config.shipped_block import shipped_values
from groundswell.model import Motion
from groundswell.overlay.findings import Evidence, Finding, not_looked_for
from groundswell.overlay.ladder import Ladder, PriceTier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from groundswell.config.mistakes import Severity
    from groundswell.config.pricing import PricingTerms
    from groundswell.config.resolved import Plan

FEATURES = (
    *("account_id", "as_of", "plan", "mrr", "seats_used", "seat_ratio", "usage_ratio"),
    *("days_at_limit", "limit_hits_28d", "is_activated"),
)
"""The features that prices are checked by."""

_SOLD = {
    PriceTier.FREE: Motion.SELF_SERVE,
    PriceTier.SELF_SERVE: Motion.SELF_SERVE,
    PriceTier.SALES_ASSIST: Motion.SALES_ASSIST,
    PriceTier.ENTERPRISE: Motion.ENTERPRISE,
}
_TALK = {
    PriceTier.FREE: "absent",
    PriceTier.SELF_SERVE: "absent",
    PriceTier.SALES_ASSIST: "optional",
    PriceTier.ENTERPRISE: "only",
}
_TALK_SEVERITY: dict[tuple[PriceTier, str], Severity] = {
    (PriceTier.FREE, "optional"): "high",
    (PriceTier.FREE, "only"): "high",
    (PriceTier.SELF_SERVE, "optional"): "medium",
    (PriceTier.SELF_SERVE, "only"): "high",
    (PriceTier.SALES_ASSIST, "absent"): "medium",
    (PriceTier.SALES_ASSIST, "only"): "medium",
    (PriceTier.ENTERPRISE, "absent"): "high",
    (PriceTier.ENTERPRISE, "optional"): "low",
}


def check_pricing(
    plans: Mapping[str, Plan], features: pl.DataFrame, *, terms: PricingTerms, limit_at: float = 0.8
) -> list[Finding]:
    """Return what is wrong with the price list, and what could not be looked at.

    Args:
        plans: The price list, cheapest first.
        features: `FEATURES`; of each account the latest row counts.
        terms: What prices are checked by.
        limit_at: From which share of a limit on an account is near it (`limits.at`).
    """
    if not plans:
        return [not_looked_for("plans", "plans")]
    latest = features.select(FEATURES).sort("account_id", "as_of").unique("account_id", keep="last")
    ladder = Ladder(tuple(plans.values()), latest.sort("account_id"), terms, limit_at)
    free = [plan for plan in ladder.plans if ladder.is_free(plan)]
    return [
        *_motions(ladder),
        *_steps(ladder),
        *(one for plan in free for one in _free(ladder, plan)),
        *_talking(ladder),
        *(one for plan in ladder.plans for one in _piled(ladder, plan)),
    ]


def _motions(ladder: Ladder) -> Iterator[Finding]:
    """Yield where the ladder of prices and the ladder of motions part."""
    name = "boundary_without_motion"
    for plan in ladder.plans:
        tier = ladder.tier(plan)
        if tier is None or (plan.motion is None and tier is not PriceTier.FREE):
            yield not_looked_for(name, f"plans.{plan.name}.motion")
        elif plan.motion not in {None, _SOLD[tier]}:
            values = {
                "plan": plan.name,
                "month": float(ladder.typical(plan) or 0),
                "expected": _words(_SOLD[tier]),
                "sold": _words(plan.motion),
            }
            yield _finding(name, "medium", values, ladder.on(plan))
    alone = [plan.name for plan in ladder.plans if ladder.tier(plan) is PriceTier.SELF_SERVE]
    if len(alone) > (most := ladder.terms.self_serve_plans):
        values = {"count": len(alone), "plans": ", ".join(alone), "most": most}
        yield _finding("too_many_plans", "low", values)


def _steps(ladder: Ladder) -> Iterator[Finding]:
    """Yield where the next step costs so much more that it is not taken."""
    for plan, following in pairwise(ladder.plans):
        if ladder.is_free(plan):
            continue
        last, step = ladder.top(plan), ladder.step(plan, following)
        if not last or not step:
            costs = ((plan, last), (following, step))
            missing = [
                f"plans.{one.name}.price, or five who pay for it" for one, c in costs if not c
            ]
            yield not_looked_for("dead_zone", *missing)
        elif (times := float(step / last)) > ladder.terms.dead_zone:
            values = {
                "plan": plan.name,
                "last": float(last),
                "next": following.name,
                "step": float(step),
                "times": times,
                "between": float(last * step) ** 0.5,
            }
            stuck = ladder.on(plan).filter(ladder.near_limit())
            yield _finding("dead_zone", "high", values, stuck)


def _free(ladder: Ladder, plan: Plan) -> Iterator[Finding]:
    """Yield where free delivers no value, or success on it is no reason to pay."""
    on, terms = ladder.on(plan), ladder.terms
    has_limit = plan.seats is not None or plan.usage is not None
    if not has_limit:
        yield _finding("free_without_limits", "medium", {"plan": plan.name}, on)
    if on.height < terms.free_at_least:
        needed = f"{terms.free_at_least} accounts on `{plan.name}`"
        yield not_looked_for("free_without_value", needed)
        return
    is_activated = pl.col("is_activated").fill_null(value=False)
    limited = (pl.col("limit_hits_28d") > 0).fill_null(value=False) | ladder.near_limit()
    activated, early = on.filter(is_activated), on.filter(limited, ~is_activated)
    near = activated.filter(limited)
    values = {
        "plan": plan.name,
        "accounts": on.height,
        "activated": activated.height,
        "limited": early.height,
        "near": near.height,
        "share": activated.height / on.height,
    }
    if activated.height < terms.free_activated * on.height:
        yield _finding("free_without_value", "high", values, on.filter(~is_activated))
    elif has_limit and near.height < terms.near_limit * activated.height:
        yield _finding("limits_out_of_reach", "medium", values, activated)
    if early.height > terms.limited_before_value * on.height:
        yield _finding("limits_before_value", "high", values, early)


def _talking(ladder: Ladder) -> Iterator[Finding]:
    """Yield where `contact sales` stands in the way, or is missing."""
    for plan in ladder.plans:
        tier = ladder.tier(plan)
        if tier is None or plan.talk_to_sales is None:
            yield not_looked_for("talk_to_sales", f"plans.{plan.name}.talk_to_sales")
        elif severity := _TALK_SEVERITY.get((tier, plan.talk_to_sales)):
            low = tier in {PriceTier.FREE, PriceTier.SELF_SERVE}
            values = {
                "plan": plan.name,
                "talk": plan.talk_to_sales,
                "expected": _TALK[tier],
                "sold": _words(_SOLD[tier]),
            }
            name = "talk_to_sales_too_low" if low else "talk_to_sales_misplaced"
            yield _finding(name, severity, values)


def _piled(ladder: Ladder, plan: Plan) -> Iterator[Finding]:
    """Yield the caps of a plan that its accounts are piled up against."""
    on, terms = ladder.on(plan), ladder.terms
    caps = (("seats", plan.seats, "seat_ratio"), ("usage", plan.usage, "usage_ratio"))
    for what, cap, ratio in caps:
        near = on.filter((pl.col(ratio) >= ladder.limit_at).fill_null(value=False))
        enough = max(terms.piled_share * on.height, terms.piled_accounts)
        if cap is None or near.height < enough:
            continue
        stalled = near.filter(pl.col("days_at_limit") >= terms.stalled_days).height
        values = {
            "plan": plan.name,
            "what": what,
            "cap": cap,
            "at": ladder.limit_at,
            "accounts": on.height,
            "near": near.height,
            "stalled": stalled,
            "days": terms.stalled_days,
        }
        severity = "high" if stalled >= terms.piled_accounts else "medium"
        yield _finding("piled_up", severity, values, near)


def _finding(
    name: str,
    severity: Severity,
    values: dict[str, Any],
    accounts: pl.DataFrame | None = None,
) -> Finding:
    words = shipped_values("pricing_words")[name]
    ids = () if accounts is None else tuple(accounts["account_id"])
    said, mend = (words[line].format(**values) for line in ("say", "mend"))
    return Finding(name, severity, said, Evidence(values, ids), mend)


def _words(motion: Motion | None) -> str:
    words = {Motion.SELF_SERVE: "self-serve", Motion.SALES_ASSIST: "with a sales assist"}
    return "as enterprise" if motion is None else words.get(motion, "as enterprise")
