"""`GET /v1/feed`: the feed as server-sent events, for whoever holds the token."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from starlette.datastructures import QueryParams
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from groundswell.api.gate import Gate
from groundswell.api.local import AWAY, failed, from_query, stranger
from groundswell.api.operations import FeedArguments, Told
from groundswell.api.pages import FEED
from groundswell.engine.reports import NoticeKind
from groundswell.errors import StoreError
from groundswell.model import as_plain

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from groundswell.api.gate import Asker
    from groundswell.engine.colleagues import Colleagues
    from groundswell.engine.feed import Feed, Heard, Listener

HEARTBEAT_SECONDS = 5.0
"""A feed that says nothing for so long says that it is there."""

AT_ONCE = 200
"""Notices that are sent together; the next are fetched when these are with the reader."""

RESUMED_BY = "last-event-id"
"""The header by which a browser goes on where it was, in lower case."""


def feed_route(feed: Feed, *, token: str, colleagues: Colleagues | None = None) -> Route:
    """Return the route of the feed.

    Args:
        feed: What is told.
        token: What a request has to bear.
        colleagues: Have the API keys, any of which opens it, too, and says who people are where
            its scope does; None for no such.
    """
    gate = Gate(token, colleagues)

    async def listen(request: Request) -> Response:
        try:
            asker = await gate.who(request)
        except StoreError:
            return failed(409, AWAY)
        if asker is None:
            return stranger()
        try:
            asked = _arguments(request.query_params)
        except msgspec.MsgspecError as error:
            fix = "Read what it takes in the reference."
            return failed(400, Told("arguments", f"The arguments do not fit: {error}.", fix))
        asked.after = request.headers.get(RESUMED_BY) or asked.after
        return _Stream(feed, asked, asker)

    return Route(FEED.path, listen, name=FEED.name)


def _arguments(given: QueryParams) -> FeedArguments:
    """Return what a query says; only `kind` may be said several times.

    Raises:
        ValidationError: It does not fit.
    """
    once = [(name, value) for name, value in given.multi_items() if name != "kind"]
    asked = from_query(QueryParams(once), FeedArguments)
    asked.kind = msgspec.convert(given.getlist("kind"), list[NoticeKind])
    return asked


class _Stream(StreamingResponse):
    """An answer without end; it listens from its first byte until the reader is gone."""

    def __init__(self, feed: Feed, asked: FeedArguments, asker: Asker) -> None:
        super().__init__((), media_type="text/event-stream", headers={"cache-control": "no-store"})
        self._feed, self._asked, self._asker = feed, asked, asker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop, more = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(more.set)

        asked = self._asked
        listening = self._feed.listen(
            wake, after=asked.after, since=asked.since, account=asked.account
        )
        with listening as listener:
            self.body_iterator = self._chunks(listener, more)
            await super().__call__(scope, receive, send)

    async def _chunks(self, listener: Listener, more: asyncio.Event) -> AsyncGenerator[bytes]:
        yield self._beat(listener)
        while True:
            more.clear()
            heard = listener.hear(AT_ONCE)
            if text := self._told(heard):
                yield text
            if heard.notices or heard.lost:
                continue
            if self._feed.ended:
                yield b"event: end\ndata: {}\n\n"
                return
            try:
                await asyncio.wait_for(more.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                yield self._beat(listener)

    def _beat(self, listener: Listener) -> bytes:
        """Return an event that says nothing but how far the reader is."""
        return f"id: {self._feed.mark(listener.place)}\n\n".encode()

    def _told(self, heard: Heard) -> bytes:
        asked = self._asked
        parts: list[bytes] = []
        if heard.lost:
            parts.append(b'event: lost\ndata: {"lost": %d}\n\n' % heard.lost)
        for number, notice in heard.notices:
            if asked.kind and notice.kind not in asked.kind:
                continue
            if asked.account is not None and notice.account != asked.account:
                continue
            head = f"id: {self._feed.mark(number)}\nevent: notice\ndata: ".encode()
            parts.append(head + msgspec.json.encode(as_plain(self._asker.told(notice))) + b"\n\n")
        return b"".join(parts)
