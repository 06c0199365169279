"""The block `pricing:` of groundswell.yaml: what the price list is checked by."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from groundswell.config.block import ShareText  # noqa: TC001 - pydantic reads it
from groundswell.config.shipped_block import ShippedBlock, ShippedPart

Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class FreeDef(ShippedPart):
    """Whether free delivers value, and success makes people pay."""

    at_least: Count = Field(description="Accounts on it, before anything is said.")
    activated: ShareText = Field(description="Of them at least, for it to deliver value.")
    limited_before_value: ShareText = Field(
        description="Of them at most, that reach a limit before they are activated."
    )
    near_limit: ShareText = Field(description="Of those activated at least, near a limit.")


class PiledDef(ShippedPart):
    """Accounts piled up against a cap."""

    share: ShareText = Field(description="Of a plan's accounts.")
    accounts: Count = Field(description="So many of them at least.")
    days: Count = Field(description="Days near a limit from which on an account is stalled.")


class PricingBlock(ShippedBlock):
    """What the price list is checked by; amounts are a month."""

    shipped: ClassVar[str] = "pricing"

    self_serve_from: Amount = Field(description="Where self-serve begins.")
    sales_assist_from: Amount = Field(description="Where sales-assisted plans begin.")
    enterprise_from: Amount = Field(description="Where enterprise begins.")
    self_serve_plans: Count = Field(description="Self-serve plans at most.")
    dead_zone: Annotated[float, Field(gt=1)] = Field(
        description="A step of more than so many times the last is a dead zone."
    )
    free: FreeDef = Field(description="What a free plan is checked by.")
    piled: PiledDef = Field(description="From when on accounts are piled up against a cap.")
