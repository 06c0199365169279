"""The block `payback:` of groundswell.yaml: what salespeople cost and bring, in ranges."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from groundswell.config.block import ShareText
from groundswell.config.shipped_block import ShippedBlock, ShippedPart

_Size = Field(min_length=2, max_length=3)
Amounts = Annotated[list[Annotated[float, Field(ge=0)]], _Size]
Shares = Annotated[list[ShareText], _Size]
Months = Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2, max_length=2)]


class CostRanges(ShippedPart):
    """Costs, in ranges."""

    base: Amounts = Field(description="A rep's base pay a year; variable pay is as much again.")
    loaded: Amounts = Field(description="Everything that a rep costs in the first year.")
    tooling: Amounts = Field(description="Tools, a year.")
    pql_infrastructure: Amounts = Field(description="What finding PQLs costs, once.")


class SaleRanges(ShippedPart):
    """What there is to work, and what comes of it."""

    accounts: Amounts = Field(description="Accounts to work that there are a month.")
    capacity: Amounts = Field(description="Accounts that a rep can work a month.")
    conversion: Shares = Field(description="Share of accounts worked that buy.")
    acv: Amounts = Field(description="What one pays a year that buys.")
    cycle: Amounts = Field(description="Months from first touch to signature.")


class UsualMonths(ShippedPart):
    """How long it usually takes until all that was spent is back."""

    with_engine: Months = Field(description="Months, where PQLs are found.")
    without_engine: Months = Field(description="Months, where they are not; often never.")
    pure_plg: Months = Field(description="Months, of self-serve alone.")
    sales_led: Months = Field(description="Months, of selling alone.")
    negative_quarters: Months = Field(description="Quarters that cost more than they bring.")


class PaybackBlock(ShippedBlock):
    """What salespeople beside self-serve cost, and when they have paid for themselves."""

    shipped: ClassVar[str] = "payback"

    reps: Annotated[int, Field(ge=1)] = Field(description="How many reps.")
    horizon: Annotated[int, Field(ge=12, le=120)] = Field(description="Months looked ahead.")
    trials: Annotated[int, Field(ge=100, le=100_000)] = Field(description="Futures drawn.")
    seed: Annotated[int, Field(ge=0)] = Field(description="Of the draws.")
    cost: CostRanges = Field(description="What salespeople cost.")
    ramp: Amounts = Field(description="Months until a rep works at capacity.")
    margin: Shares = Field(description="Gross, of recurring revenue.")
    churn: Shares = Field(description="Of what was sold, a year.")
    prepaid: Shares = Field(description="Of what was sold, paid a year ahead.")
    with_engine: SaleRanges = Field(description="Where PQLs are found.")
    without_engine: SaleRanges = Field(description="Where they are not.")
    benchmarks: UsualMonths = Field(description="How long it usually takes.")
