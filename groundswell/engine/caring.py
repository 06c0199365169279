"""What a brief says of how a customer is looked after: its health, by whom, and its risks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from groundswell.engine.customers import present_care
from groundswell.engine.risks import present_risks, risks_told
from groundswell.features.health import tell_health
from groundswell.handoff.brief import Fact
from groundswell.model import CareTier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from groundswell.config.loading import LoadedConfig
    from groundswell.handoff.brief import Brief
    from groundswell.model import Care, HealthPart, Scalar
    from groundswell.store.ledger import Ledger

_TIERS = {
    CareTier.NAMED: "named",
    CareTier.POOLED: "pooled",
    CareTier.PRODUCT_LED: "product-led",
}


def with_care(
    brief: Brief, loaded: LoadedConfig, ledger: Ledger, values: Mapping[str, Scalar]
) -> Brief:
    """Return the brief with how a customer is looked after; that of one who pays nothing as it is.

    Args:
        brief: Of an account.
        loaded: The thresholds and the team.
        ledger: Says who is named, and what was told of risks.
        values: The account's features.
    """
    day = brief.as_of
    care = present_care(loaded, ledger, brief.account_id, values, as_of=day)
    if care is None:
        return brief
    facts = [Fact("Customer success", say_care(care))]
    health = values.get("health")
    if isinstance(health, int | float):
        facts.insert(0, Fact("Health", f"{health:.0f} of 100: {say_health(tell_health(values))}"))
    told = risks_told(ledger, before=day + timedelta(days=1), account_id=brief.account_id)
    facts += [
        Fact("At risk", f"{risk.sentence} Told on {risk.as_of}.")
        for risk in present_risks(loaded, told, as_of=day)
    ]
    return replace(brief, account=(*brief.account, *facts))


def say_care(care: Care) -> str:
    """Return who looks after a customer, and why."""
    who = f", {care.csm}" if care.csm else ""
    return f"{_TIERS[care.tier]}{who}. {care.reason}"


def say_health(parts: Sequence[HealthPart]) -> str:
    """Return what a health is made of, in a line."""
    return ", ".join(_said(parts))


def _said(parts: Sequence[HealthPart]) -> Iterator[str]:
    for part in parts:
        if part.points is None:
            yield f"{part.name} unknown"
        elif part.max:
            yield f"{part.name} {part.points:.0f} of {part.max:.0f}"
        elif part.points:
            yield f"{part.name} {part.points:.0f}"
