"""`web:` as it is written: what the pages may do beside showing."""

from __future__ import annotations

from pydantic import Field

from groundswell.config.block import Block


class WebBlock(Block):
    """What the pages may do beside showing."""

    write_config: bool = Field(
        default=False,
        description="Whether an admin may write this file from a page; else the page shows what "
        "to change, to copy.",
    )
