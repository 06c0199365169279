"""The blocks `risks:` and `customer_success:`: who may leave, and who looks after whom."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from groundswell.config.block import Block, Days, Email, Name


class RiskDef(Block):
    """One sign that a customer is at risk, and its part of the sentence."""

    when: str = Field(description="A condition over features, and `champion_silent_days`.")
    say: str = Field(description="Its part of the sentence, with `{features}` filled in.")


class RisksBlock(Block):
    """Who is told daily that a customer is at risk, and by which signs."""

    again_after: Days = Field(
        default="30d", description="How long the same news is not told again."
    )
    for_: str = Field(
        default="is_paying",
        alias="for",
        description="A condition over features: which accounts are looked at, of those that pay.",
    )
    signs: dict[Name, RiskDef | None] = Field(
        default_factory=dict[Name, RiskDef | None],
        description="Signs, beside the shipped ones; null takes a shipped one away.",
    )


class CustomerSuccessBlock(Block):
    """Which customers have a person of their own, which share one, and which the product serves."""

    named_from_arr: Annotated[float, Field(ge=0)] = Field(
        default=12_000, description="From which yearly revenue on somebody is named for an account."
    )
    named_above_employees: Annotated[int, Field(ge=0)] = Field(
        default=500, description="Of a company with more employees, somebody is named too."
    )
    enterprise_plans: list[str] = Field(
        default_factory=lambda: ["enterprise"],
        description="And on these plans, beside those sold by `motion: enterprise`.",
    )
    pooled_from_users: Annotated[int, Field(ge=1)] = Field(
        default=2, description="From so many people on the other customers share the team."
    )
    inbox: Email | None = Field(
        default=None,
        description="Who is told of the customers that share the team; the channel if left out.",
    )
