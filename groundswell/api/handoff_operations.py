"""What a server does for those who ask it about handoffs and deliveries; see `operations`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec

from groundswell.connectors.deliveries import Message
from groundswell.engine.handing.acting import Action
from groundswell.store.outbox import DeliveryStatus

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
Note = Annotated[str, msgspec.Meta(max_length=10_000)]
Cursor = Annotated[str, msgspec.Meta(min_length=1)]
"""What the page before said is gone on after."""

Most = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class QueueArguments(msgspec.Struct):
    """Of `handoffs.queue`."""

    rep: Text | None = None
    team: Text | None = None
    every: bool = False
    limit: Most | None = None
    after: Cursor | None = None


class HandoffArguments(msgspec.Struct):
    """Of `handoffs.get`: a handoff's id, or an account."""

    name: Text


class BriefArguments(msgspec.Struct):
    """Of `brief`."""

    account: Text
    as_of: date | None = None


class StepArguments(msgspec.Struct):
    """Of `handoffs.step`."""

    name: Text
    action: Action
    who: Text
    reason: Text | None = None
    note: Note = ""
    days: Annotated[int, msgspec.Meta(ge=1, le=1_000)] | None = None
    to: Text | None = None
    competitor: Text | None = None
    engineer: bool = False


class DeliveriesArguments(msgspec.Struct):
    """Of `handoffs.deliveries`."""

    destination: Text | None = None
    status: DeliveryStatus | None = None
    account: Text | None = None
    limit: Most | None = 50
    after: Cursor | None = None


class RetryArguments(msgspec.Struct):
    """Of `handoffs.retry`."""

    destination: Text | None = None
    key: Text | None = None


class PostArguments(msgspec.Struct):
    """Of `handoffs.post`."""

    key: Text
    to: list[Text]
    message: Message


class PauseArguments(msgspec.Struct):
    """Of `handoffs.pause`."""

    destination: Text
    who: Text
    reason: Note = ""


class DestinationArguments(msgspec.Struct):
    """Of `handoffs.resume` and `handoffs.check`."""

    destination: Text


class BackfillArguments(msgspec.Struct):
    """Of `handoffs.backfill`."""

    destination: Text
    every: bool = False
    dry_run: bool = False


class SimulateArguments(msgspec.Struct):
    """Of `simulate`; the policy by its absolute path."""

    policy: Text
    since: date
    until: date | None = None


class PreviewArguments(msgspec.Struct):
    """Of `handoffs.preview`."""

    destination: Text
    limit: Most = 50
