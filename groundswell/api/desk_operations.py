"""What a server does for the assistant of a colleague; see `operations`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
Note = Annotated[str, msgspec.Meta(max_length=10_000)]
Told = Annotated[int, msgspec.Meta(ge=1, le=50)]


class AdmitArguments(msgspec.Struct):
    """Of `desk.admit`."""

    who: Text | None = None


class DeskQueueArguments(msgspec.Struct):
    """Of `desk.queue`."""

    who: Text | None = None
    every: bool = False
    limit: Told = 10


class DeskFindArguments(msgspec.Struct):
    """Of `desk.find`."""

    search: str = ""
    who: Text | None = None
    tier: str = ""
    motion: str = ""
    owner: str = ""
    qualified: bool | None = None
    sort: str = "score"
    limit: Told = 10


class DeskAccountArguments(msgspec.Struct):
    """Of `desk.account` and `desk.explain`."""

    account: Text
    who: Text | None = None
    as_of: date | None = None


class DeskTimelineArguments(DeskAccountArguments):
    """Of `desk.timeline`."""

    limit: Told = 20


class DeskStepArguments(msgspec.Struct):
    """Of `desk.step`."""

    handoff: Text
    tool: Text
    who: Text
    reason: Text | None = None
    note: Note = ""
    days: Annotated[int, msgspec.Meta(ge=1, le=1_000)] | None = None
    engineer: bool = False
