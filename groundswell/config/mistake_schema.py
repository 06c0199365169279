"""The block `mistakes:` of groundswell.yaml: what differs from the shipped detectors."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from groundswell.config.block import Block


class MistakeDef(Block):
    """What differs from a shipped mistake."""

    severity: Literal["low", "medium", "high"] | None = Field(
        default=None, description="How bad it is."
    )
    at: dict[str, float] = Field(
        default_factory=dict[str, float], description="Thresholds, by their names."
    )
    mend: str | None = Field(default=None, description="What to do about it.")
