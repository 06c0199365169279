"""Live updates: a page is told that something moved, and asks for it itself, as who it is."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from groundswell.errors import StoreError
from groundswell.web.site.answering import COOKIE, with_headers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from starlette.requests import Request

    from groundswell.web.site.visit import Site

REST_SECONDS = 1.0
"""A page is told at most so often."""
LOOK_SECONDS = 1.0
"""How often it is looked for steps that were taken elsewhere, however many pages are open."""
HEARTBEAT_SECONDS = 15.0
AT_ONCE = 1_000
_MOVED = frozenset({"crossing", "decision"})


@dataclass
class _Steps:
    """The steps of handoffs, by whom and wherever they were taken: Slack, a command, a CRM."""

    site: Site
    _looked_at: float | None = None
    _position: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def position(self) -> int:
        """Return a number that is another one once a step was taken."""
        with self._lock:
            now = time.monotonic()
            if self._looked_at is None or now - self._looked_at >= LOOK_SECONDS:
                with suppress(StoreError):  # it is looked for again
                    self._position = self.site.project.handing.book.refresh().position
                self._looked_at = now
            return self._position


def live_endpoint(site: Site) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers a page that wants to be told.

    It is told that something moved and not what: what there is to see it asks for as a visit.
    """
    steps = _Steps(site)

    async def answer(request: Request) -> Response:
        secret = request.cookies.get(COOKIE, "")
        if not secret or not await _holds(site, secret):
            return with_headers(Response(status_code=204))  # a browser asks no more
        stream = StreamingResponse(_told(site, steps, secret), media_type="text/event-stream")
        return with_headers(stream)

    return answer


async def _holds(site: Site, secret: str) -> bool:
    """Tell whether a session lasts, which a page that is only open does not prolong."""
    return await run_in_threadpool(partial(site.colleagues.whose, secret, awake=False)) is not None


async def _told(site: Site, steps: _Steps, secret: str) -> AsyncGenerator[bytes]:
    loop, more = asyncio.get_running_loop(), asyncio.Event()
    known_at = time.monotonic()
    position = await run_in_threadpool(steps.position)

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(more.set)

    with site.feed.listen(wake) as listener:
        yield b"retry: 2000\n\n"
        while not site.feed.ended:
            more.clear()
            if time.monotonic() - known_at >= HEARTBEAT_SECONDS:
                if not await _holds(site, secret):
                    return
                known_at = time.monotonic()
                yield b": still here\n\n"
            heard = listener.hear(AT_ONCE)
            before, position = position, await run_in_threadpool(steps.position)
            if (
                position != before
                or heard.lost
                or any(notice.kind in _MOVED for _, notice in heard.notices)
            ):
                yield b"event: moved\ndata: {}\n\n"
                await asyncio.sleep(REST_SECONDS)
            elif not heard.notices:
                with suppress(TimeoutError):
                    await asyncio.wait_for(more.wait(), LOOK_SECONDS)
