"""`retention:` as it is written: for how long what came in is kept as it came."""

from __future__ import annotations

from pydantic import Field

from groundswell.config.block import Block, Days


class RetentionBlock(Block):
    """For how long what came in is kept as it came; `null` keeps it."""

    events: Days | None = Field(
        default=None,
        description="After so long events lose what nothing is counted by; their counts stay.",
    )
    quarantine: Days | None = Field(
        default=None, description="After so long rows in quarantine are dropped."
    )
    audit: Days | None = Field(
        default=None, description="After so long lines of the audit log are dropped."
    )
