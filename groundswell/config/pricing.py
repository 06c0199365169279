"""`pricing:` resolved: what the price list is checked by, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from groundswell.config.quantities import parse_share

if TYPE_CHECKING:
    from groundswell.config.findings import Findings
    from groundswell.config.pricing_schema import PricingBlock


@dataclass(frozen=True, slots=True)
class PricingTerms:
    """What the price list is checked by.

    Attributes:
        self_serve_from, sales_assist_from, enterprise_from: A month, where each begins.
        self_serve_plans: At most so many.
        dead_zone: A step of more than so many times the last.
        free_at_least: Accounts on a free plan before anything is said.
        free_activated: Share of them at least that is activated.
        limited_before_value: Share of them at most that reaches a limit before.
        near_limit: Share of those activated at least that is near a limit.
        piled_share, piled_accounts: From when on accounts are piled up.
        stalled_days: Days near a limit from which on an account is stalled.
    """

    self_serve_from: Decimal
    sales_assist_from: Decimal
    enterprise_from: Decimal
    self_serve_plans: int
    dead_zone: float
    free_at_least: int
    free_activated: float
    limited_before_value: float
    near_limit: float
    piled_share: float
    piled_accounts: int
    stalled_days: int


def resolve_pricing(block: PricingBlock, *, findings: Findings) -> PricingTerms:
    """Return what prices are checked by; `findings` is told of everything that is wrong."""
    names = ("self_serve_from", "sales_assist_from", "enterprise_from")
    amounts = [Decimal(str(getattr(block, name))) for name in names]
    for lower, upper, name in zip(amounts, amounts[1:], names[1:], strict=False):
        if upper <= lower:
            what = f"`{name}` begins at {upper:f}, not above what comes before it."
            fix = "Let self-serve, sales-assisted plans and enterprise begin in this order."
            findings.tell(("pricing", name), "config-band-order", what, fix)
    return PricingTerms(
        *amounts,
        self_serve_plans=block.self_serve_plans,
        dead_zone=block.dead_zone,
        free_at_least=block.free.at_least,
        free_activated=parse_share(block.free.activated),
        limited_before_value=parse_share(block.free.limited_before_value),
        near_limit=parse_share(block.free.near_limit),
        piled_share=parse_share(block.piled.share),
        piled_accounts=block.piled.accounts,
        stalled_days=block.piled.days,
    )
