"""What a server does for those who ask it what came of it all; see `operations`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec

Days = Annotated[int, msgspec.Meta(ge=1, le=1_100)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
Note = Annotated[str, msgspec.Meta(max_length=10_000)]


class DayArguments(msgspec.Struct):
    """Of every report that asks for a day alone."""

    as_of: date | None = None


class FiguresArguments(msgspec.Struct):
    """Of `measuring.figures`."""

    as_of: date | None = None
    days: Days = 91


class AttributionArguments(msgspec.Struct):
    """Of `measuring.attribution`; a file by its absolute path."""

    quarter: Text | None = None
    what_if: Text | None = None
    receipts: bool = False
    as_of: date | None = None


class CommissionsArguments(msgspec.Struct):
    """Of `measuring.commissions`."""

    month: Text | None = None
    rep: Text | None = None
    as_of: date | None = None


class DisputesArguments(msgspec.Struct):
    """Of `disputes.kept`."""

    unanswered: bool = False


class DisputeArguments(msgspec.Struct):
    """Of `disputes.open`."""

    line: Text
    by: Text
    why: Note
    to: Text | None = None
    share: Text | None = None


class AnswerArguments(msgspec.Struct):
    """Of `disputes.answer`."""

    line: Text
    upheld: bool
    by: Text
    why: Note
    to: Text | None = None
    share: Text | None = None


class WhatIfArguments(msgspec.Struct):
    """Of `measuring.what_if`."""

    policy: Text | None = None
    settings: list[Text] = msgspec.field(default_factory=list)
    since: date | None = None
    as_of: date | None = None


class BehindArguments(msgspec.Struct):
    """Of `measuring.behind`."""

    metric: Text
    as_of: date | None = None
    days: Days = 91
    motion: Text | None = None
