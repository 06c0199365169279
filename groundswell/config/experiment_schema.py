"""The block `experiments:` of groundswell.yaml: how it is told whether a person helps."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from groundswell.config.block import Days, DayText, Name, ShareText
from groundswell.config.shipped_block import ShippedBlock, ShippedPart

Covariates = Annotated[list[Name], Field(max_length=5)]


class PlannedDef(ShippedPart):
    """The conversion that is expected of each arm: their difference is what can be seen."""

    held_out: ShareText = Field(description="Of accounts that are not contacted.")
    contacted: ShareText = Field(description="Of those that are.")


class ExperimentsBlock(ShippedBlock):
    """How accounts held out are compared with those that were handed over."""

    shipped: ClassVar[str] = "experiments"

    horizon: Days = Field(description="From qualification on, that every account is given.")
    since: DayText | None = Field(
        default=None,
        description="When the holdout was switched on or changed; else it is told from data.",
    )
    confidence: ShareText = Field(description="How often an interval holds the truth.")
    power: ShareText = Field(description="How often the planned effect is to be seen.")
    planned: PlannedDef = Field(description="The conversion that is expected of each arm.")
    imbalance: ShareText = Field(
        description="Arms whose sizes are chance less often than this raise an alarm."
    )
    recent: Days = Field(description="Back, that tell how many accounts come in.")
    covariates: Covariates = Field(
        description="Features at qualification that comparisons are adjusted by."
    )
