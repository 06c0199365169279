"""The block `attribution:` of groundswell.yaml: which bucket a dollar is in, and whose it is."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from groundswell.config.block import Days, ShareText
from groundswell.config.shipped_block import ShippedBlock, ShippedPart

WorkedBy = Literal["owner", "touch", "handoff"]
Count = Annotated[int, Field(ge=1)]
Span = Annotated[Days, Field(examples=["90d", "4 weeks"])]


class AttributionWithin(ShippedPart):
    """How far two things may be apart and still belong together."""

    pql: Span = Field(description="From a PQL, or a handoff, to the opportunity.")
    opportunity: Span = Field(description="From the opening of an opportunity to the revenue.")
    won: Span = Field(description="Between the winning of an opportunity and the revenue.")
    touch: Span = Field(description="From a touch to the revenue.")


class WorkedOpportunity(ShippedPart):
    """Which opportunities a person worked."""

    by: Annotated[list[WorkedBy], Field(min_length=1)] = Field(
        description="Any of these: it has an owner, its account was touched, or a handoff was."
    )
    still_open: bool = Field(description="One that is open still counts, besides won ones.")
    not_from: list[str] = Field(description="Sources that open opportunities with nobody's work.")


class Footprint(ShippedPart):
    """From where on an account used the product in a way that mattered; all of it must hold."""

    people: Count | None = Field(description="Active people, at least; null asks for none.")
    days: Count | None = Field(description="Active days, at least; null asks for none.")
    within: Span = Field(description="Within this time; one of `windows`.")
    activated: bool = Field(description="Whether the account must have reached its aha.")


class AttributionBlock(ShippedBlock):
    """Which bucket a new or expanded dollar is in."""

    shipped: ClassVar[str] = "attribution"

    within: AttributionWithin = Field(description="How far apart things may be.")
    worked: WorkedOpportunity = Field(description="What makes an opportunity a person's work.")
    footprint: Footprint = Field(description="What a meaningful product footprint is.")
    product_share: ShareText = Field(
        description="Of shared revenue, what is credited to the product; the rest is to sales."
    )
