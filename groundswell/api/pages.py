"""What a server answers beside intake and operations, one row each: shared by routes and document.

A page is read with GET, unless it says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from groundswell.api.operations import FEED as FEED_PATH
from groundswell.api.operations import HERE, Failure, FeedArguments

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json"


class Alive(msgspec.Struct):
    """That the process lives."""

    status: Literal["ok"]


class Readiness(msgspec.Struct):
    """Whether the server can take requests in, and whether it is the one that drains them."""

    status: Literal["ok", "unready"]
    leads: bool
    why: str | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Said:
    """One answer of a page.

    Attributes:
        what: In words.
        media_type: Of its body; None where it has none.
        type: What the body is, as a type that msgspec knows.
    """

    what: str
    media_type: str | None = None
    type: Any = Any


@dataclass(frozen=True, slots=True)
class Page:
    """One endpoint.

    Attributes:
        path: Where it is.
        name: What it is called.
        summary: What it is for.
        answers: What it says, by status.
        guarded: Whether it asks for the token.
        arguments: What its query may say; None for nothing.
        description: More than the summary says.
        posted: The media type of what is posted to it; None for a page that is read.
    """

    path: str
    name: str
    summary: str
    answers: Mapping[int, Said] = field(repr=False)
    guarded: bool = False
    arguments: type[msgspec.Struct] | None = None
    description: str = ""
    posted: str | None = None


HEALTH = Page(
    "/healthz", "health", "Say that the process lives.", {200: Said("It does.", JSON, Alive)}
)
READY = Page(
    "/readyz",
    "ready",
    "Say whether the server can take requests and drain them.",
    {200: Said("It can.", JSON, Readiness), 503: Said("It cannot; says why.", JSON, Readiness)},
)
METRICS = Page(
    "/metrics",
    "metrics",
    "Count, for Prometheus.",
    {200: Said("The counts, in Prometheus' text format.", "text/plain")},
)
DOCUMENT = Page(
    "/openapi.json",
    "openapi",
    "Describe every endpoint, as OpenAPI.",
    {200: Said("This document.", JSON, dict[str, Any])},
)
PRESENCE = Page(
    HERE,
    "here",
    "Say at once that the server is there and knows the token, whatever it is doing.",
    {204: Said("It does."), 401: Said("The token is missing or wrong.", JSON, Failure)},
    guarded=True,
)
FEED = Page(
    FEED_PATH,
    "feed",
    "Tell what happens, as it does, without end.",
    {
        200: Said("Server-sent events.", "text/event-stream"),
        400: Said("The arguments do not fit.", JSON, Failure),
        401: Said("The token is missing or wrong.", JSON, Failure),
        409: Said("This server only takes requests in.", JSON, Failure),
    },
    guarded=True,
    arguments=FeedArguments,
    description="""\
The data of an event `notice` is a JSON object: kind, at, what, sentence, source, who, account, \
happened_at, count. An event `lost` says how many notices came that the server holds no more, an \
event `end` that the server stops. The id of an event is what `after` takes, and `Last-Event-ID`, \
which goes before it, to go on from there; without either, and without `since`, it begins now. An \
event without data comes every few seconds and says that the server is there.\
""",
)
SLACK = Page(
    "/v1/slack/actions",
    "slack_actions",
    "Take in the press of a button in Slack.",
    {
        200: Said("It was done, or why not was said in Slack."),
        400: Said("It is no press of a button of ours.", JSON, Failure),
        401: Said("It is not signed by the app of a destination.", JSON, Failure),
        413: Said("It is too long.", JSON, Failure),
    },
    posted="application/x-www-form-urlencoded",
)
PAGES = (HEALTH, READY, METRICS, DOCUMENT, PRESENCE, FEED, SLACK)
