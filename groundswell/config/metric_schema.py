"""The shape of `metrics:` and `funnels:`: what is measured, and the stages of each motion."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from groundswell.config.block import Block, Days, Name, ShareText, as_list

MotionName = Literal["self_serve", "sales_assist", "enterprise", "expansion"]
Motions = Annotated[
    list[MotionName],
    BeforeValidator(as_list, json_schema_input_type=MotionName | list[MotionName]),
]
Band = Annotated[list[float | None], Field(min_length=2, max_length=2)]


class MetricDef(Block):
    """One number: what of which table it counts, and what is usual.

    Exactly one of `count`, `share`, `sum`, `mean`, `median`, `p90`, `ratio` and `formula` says how.
    """

    title: str = Field(description="What it is called in a report.")
    owner: Literal["product", "sales", "shared"] = Field(description="Who answers for it.")
    doc: str = Field(default="", description="What it says, in one line.")
    of: Name | None = Field(default=None, description="The table that is read.")
    on: Name | None = Field(default=None, description="The day that puts a row into a period.")
    among: str | None = Field(default=None, description="A condition: only these rows.")
    count: str | bool | None = Field(
        default=None, description="How many rows meet a condition; `true` for all."
    )
    share: str | None = Field(default=None, description="The share of rows that meet a condition.")
    sum: str | None = Field(default=None, description="The sum of an expression.")
    mean: str | None = Field(default=None, description="The mean of an expression.")
    median: str | None = Field(default=None, description="The median of an expression.")
    p90: str | None = Field(default=None, description="The ninth decile of an expression.")
    ratio: Annotated[list[str], Field(min_length=2, max_length=2)] | None = Field(
        default=None, description="The sum of one expression over the sum of another."
    )
    formula: str | None = Field(default=None, description="An expression over other metrics.")
    by: Literal["motion"] | None = Field(
        default=None, description="`motion`: once for each motion, never over several."
    )
    motion: Motions | None = Field(default=None, description="Of one motion alone.")
    unit: Literal["number", "share", "money", "days", "hours", "months", "times"] = Field(
        default="number", description="What it is a number of; money is in cents in tables."
    )
    better: Literal["higher", "lower"] | None = Field(
        default=None, description="Which way is good news; neither, if left out."
    )
    usual: Band | None = Field(
        default=None, description="Between what it usually is, such as `[0.03, 0.08]`."
    )
    goal: float | None = Field(default=None, description="What it should be.")
    matures: Days | None = Field(
        default=None, description="Rows count once they are that old, so that all had their time."
    )
    at_end: bool = Field(
        default=False, description="Rows of the last day of the period, such as a balance."
    )


class CostDef(Block):
    """What a category of `costs` is for."""

    acquisition: bool = Field(default=True, description="It is spent to win customers.")
    motion: MotionName | None = Field(default=None, description="In this motion alone.")


class MeasuringBlock(Block):
    """What has to be known to measure."""

    costs: dict[str, CostDef] = Field(
        default_factory=lambda: {
            "marketing": CostDef(motion="self_serve"),
            "sales": CostDef(motion="sales_assist"),
        },
        description="By category of `costs`, what it is for; others win no customers.",
    )
    gross_margin: ShareText | None = Field(
        default=None, description="Of recurring revenue; without it there is no lifetime value."
    )


class StageDef(Block):
    """One stage of a funnel."""

    name: Name = Field(description="Its name.")
    title: str = Field(description="What it is called in a report.")
    on: Name = Field(description="The day of the journey on which it is reached.")


class FunnelDef(Block):
    """The way of one motion, from its first stage to its outcome."""

    title: str = Field(description="What it is called in a report.")
    among: str | None = Field(default=None, description="A condition: only these journeys.")
    stages: Annotated[list[StageDef], Field(min_length=2)] = Field(description="In their order.")
    within: Days = Field(
        default="90d", description="How long an account has, from the first stage on."
    )
