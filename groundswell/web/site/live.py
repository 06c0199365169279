"""Live updates: a page is told that something moved, and asks for it itself, as who it is."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from groundswell.web.site.answering import COOKIE, with_headers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from starlette.requests import Request

    from groundswell.web.site.visit import Site

REST_SECONDS = 1.0
"""A page is told at most so often."""
HEARTBEAT_SECONDS = 15.0
AT_ONCE = 1_000
_MOVED = frozenset({"crossing", "decision"})


def live_endpoint(site: Site) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers a page that wants to be told.

    It is told that something moved and not what: what there is to see it asks for as a visit.
    """

    async def answer(request: Request) -> Response:
        secret = request.cookies.get(COOKIE, "")
        who = await run_in_threadpool(site.colleagues.whose, secret) if secret else None
        if who is None:
            return with_headers(Response(status_code=204))  # a browser asks no more
        stream = StreamingResponse(_told(site, secret), media_type="text/event-stream")
        return with_headers(stream)

    return answer


async def _told(site: Site, secret: str) -> AsyncGenerator[bytes]:
    loop, more = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(more.set)

    with site.feed.listen(wake) as listener:
        yield b"retry: 2000\n\n"
        while not site.feed.ended:
            more.clear()
            heard = listener.hear(AT_ONCE)
            if heard.lost or any(notice.kind in _MOVED for _, notice in heard.notices):
                yield b"event: moved\ndata: {}\n\n"
                await asyncio.sleep(REST_SECONDS)
            elif not heard.notices:
                try:
                    await asyncio.wait_for(more.wait(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    if await run_in_threadpool(site.colleagues.whose, secret) is None:
                        return
                    yield b": still here\n\n"
