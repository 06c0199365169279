"""The block `alerts:` of groundswell.yaml: the signs of expansion, and when they are told."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from groundswell.config.block import Block, Days, Name

Points = Annotated[float, Field(ge=0, le=100)]


class SignDef(Block):
    """One sign that a customer could take more: a condition, and its points."""

    family: Name | None = Field(
        default=None,
        description="Signs of one family count once, by the most points; its own when left out.",
    )
    when: str = Field(description="A condition over features.")
    points: Points = Field(description="What it adds to `expansion_potential`, of 100.")
    say: str | None = Field(
        default=None, description="Its part of the sentence, with `{features}` filled in."
    )


class AlertsBlock(Block):
    """Who is told daily that a customer could take more, and by which signs."""

    high: Points = Field(
        default=50.0, description="From which `expansion_potential` on somebody is told."
    )
    very_high: Points = Field(
        default=75.0, description="From where it is very high; reaching it is told again."
    )
    again_after: Days = Field(
        default="30d", description="How long the same news is not told again."
    )
    for_: str = Field(
        default="active_users_28d > 0",
        alias="for",
        description="A condition over features: which accounts are looked at.",
    )
    signs: dict[Name, SignDef | None] = Field(
        default_factory=dict[Name, SignDef | None],
        description="Signs, beside the shipped ones; null takes a shipped one away.",
    )
