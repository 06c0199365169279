"""The block `commissions:` of groundswell.yaml: what reps are paid for, and how it is checked."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from groundswell.config.block import Days, DayText, Email, ShareText
from groundswell.config.shipped_block import ShippedBlock, ShippedPart

Amount = Annotated[float, Field(ge=0)]
Sizes = Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=9)]
RateBand = Annotated[list[ShareText], Field(min_length=2, max_length=2)]


class RatesDef(ShippedPart):
    """What a commission is, as a share of annual recurring revenue."""

    pql_sourced: ShareText = Field(description="Of a PQL that a rep converted or expanded.")
    rep_sourced: ShareText = Field(description="Of an account that a rep opened.")
    untouched: ShareText = Field(description="Of what was self-served with nobody helping.")


class BaselineDef(ShippedPart):
    """What accounts pay with nobody helping: no commission up to there."""

    at_least: Annotated[int, Field(ge=1)] = Field(
        description="How many comparable accounts there have to be."
    )
    sizes: Sizes = Field(description="Employees from which on each next size begins.")


class QuotaDef(ShippedPart):
    """Quotas: what a rep is to sell in a year."""

    new_logo: Amount | None = Field(description="From accounts that did not pay before.")
    expansion: Amount | None = Field(description="From accounts that did.")
    ramp: list[ShareText] = Field(
        description="By month of tenure, the share of the quota; all of it in the months after."
    )


class RepDef(ShippedPart):
    """What holds for one rep."""

    started: DayText | None = Field(default=None, description="When tenure began.")
    new_logo: Amount | None = Field(default=None, description="In place of `quota.new_logo`.")
    expansion: Amount | None = Field(default=None, description="In place of `quota.expansion`.")


class WorkedDef(ShippedPart):
    """What working one kind of account takes and brings; null where data is to tell."""

    conversion: ShareText | None = Field(description="Share of accounts worked that buy.")
    acv: Amount | None = Field(description="What one pays a year that buys.")
    hours: Annotated[float, Field(gt=0)] | None = Field(
        description="Hours that an account takes, won or not."
    )


class UsualRates(ShippedPart):
    """Usual rates, each as a band."""

    pql_sourced: RateBand = Field(description="Of a PQL.")
    rep_sourced: RateBand = Field(description="Of an account that a rep opened.")


class PlanCheckDef(ShippedPart):
    """Whether an hour in the queue pays more than an hour of cold prospecting."""

    queue: WorkedDef = Field(description="Working PQLs.")
    cold: WorkedDef = Field(description="Cold prospecting.")
    at_least: Annotated[int, Field(ge=1)] = Field(
        description="Accounts worked before a conversion is told from data."
    )
    usual: UsualRates = Field(description="Between what rates usually are.")


class CommissionsBlock(ShippedBlock):
    """What reps are paid for."""

    shipped: ClassVar[str] = "commissions"

    rates: RatesDef = Field(description="Shares of annual recurring revenue.")
    partial_credit: ShareText = Field(
        description="Of the rate, where the user self-served after a rep helped."
    )
    enterprise_haircut: ShareText = Field(
        description="Off the commission, where an enterprise had a footprint already."
    )
    clawback: Days = Field(description="A churn this soon after a sale takes its commission back.")
    renewal_gate: bool = Field(
        description="No commission on an expansion whose base is gone at its renewal."
    )
    net_over: Days = Field(
        description="Revenue that was there within this time before is no expansion."
    )
    baseline: BaselineDef = Field(description="What accounts pay with nobody helping.")
    quota: QuotaDef = Field(description="What a rep is to sell in a year.")
    reps: dict[Email, RepDef] = Field(description="By address, what holds for one rep.")
    plan_check: PlanCheckDef = Field(description="Whether the queue pays more than cold calls.")
