"""What a server does for those who look after what is listened for; see `operations`."""

from __future__ import annotations

from typing import Annotated

import msgspec

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
BlockText = Annotated[str, msgspec.Meta(max_length=200_000)]


class BlockArguments(msgspec.Struct):
    """Of `signals.block`."""

    block: Name


class CheckBlockArguments(msgspec.Struct):
    """Of `signals.check`."""

    block: Name
    text: BlockText
    digest: Name | None = None


class WeighBlockArguments(msgspec.Struct):
    """Of `signals.weigh`."""

    block: Name
    text: BlockText


class ProposeScoreArguments(msgspec.Struct):
    """Of `signals.propose_score`."""

    weights: dict[str, float] | None = None
    times: dict[str, float] | None = None
    qualified: float | None = None


class WriteBlockArguments(msgspec.Struct):
    """Of `signals.write`."""

    block: Name
    text: BlockText
    digest: Name
