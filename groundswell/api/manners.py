"""The manners of the operations over HTTP: pages, answers that have not changed, acting once.

A long list is told page by page: `after` takes the cursor that the page before gave. What is read
bears an `ETag`, and is not sent again to who has it. What acts takes an `Idempotency-Key`: asked
again with the same key and the same body, it is answered as before, and not done again.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import Response

from groundswell.api.operations import Operation, Told
from groundswell.errors import UsageError, page_gone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.datastructures import QueryParams
    from starlette.requests import Request

CURSOR = "x-next-cursor"
KEY = "idempotency-key"
REPLAYED = "idempotency-replayed"
LONGEST_KEY = 255
KEPT_SECONDS = 24 * 60 * 60
MOST_KEPT, MOST_BYTES = 1_000, 16 << 20
"""How many answers are remembered, and how long they may be together; the oldest go first."""

_FIT = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_KEY}}}")


# --- pages ------------------------------------------------------------------------------------


def write_cursor(operation: Operation, key: str) -> str:
    """Return what a list is gone on after by, which says nothing to who reads it."""
    told = f"{operation.name}\n{key}".encode()
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def read_cursor(operation: Operation, cursor: str) -> str:
    """Return the key of the item that a list goes on after.

    Raises:
        UsageError: It is no cursor of this list.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        told = base64.b64decode(padded.encode("ascii"), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        told = ""
    name, _, key = told.partition("\n")
    if name != operation.name or not key:
        raise UsageError(page_gone())
    return key


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its items as plain data, and the cursor of the next; None at the end."""

    items: list[Any]
    next: str | None

    def headers(self, path: str, query: QueryParams) -> dict[str, str]:
        """Return what says where the next page is."""
        if self.next is None:
            return {}
        asked = [(name, value) for name, value in query.multi_items() if name != "after"]
        link = f"{path}?{urlencode([*asked, ('after', self.next)])}"
        return {CURSOR: self.next, "link": f'<{link}>; rel="next"'}


def cut_page(operation: Operation, items: list[Any], limit: int | None) -> Page:
    """Return the page of a list that was asked for one item too many."""
    if not limit or len(items) <= limit:
        return Page(items, None)
    shown = items[:limit]
    assert operation.page is not None, "only a list is told by pages"
    return Page(shown, write_cursor(operation, str(shown[-1][operation.page])))


# --- what has not changed ---------------------------------------------------------------------


def tagged(request: Request, response: Response) -> Response:
    """Return a good answer with its tag; without its body to who has it already."""
    if response.status_code != HTTPStatus.OK:
        return response
    tag = f'"{hashlib.blake2b(response.body, digest_size=16).hexdigest()}"'
    kept = {"etag": tag, "cache-control": "private, no-cache"}
    response.headers.update(kept)
    asked = request.headers.get("if-none-match", "")
    known = {name.strip().removeprefix("W/") for name in asked.split(",")}
    if tag not in known and "*" not in known:
        return response
    links = {name: response.headers[name] for name in (CURSOR, "link") if name in response.headers}
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={**kept, **links})


# --- acting once ------------------------------------------------------------------------------


@dataclass(slots=True)
class _Act:
    """What was asked with a key, and what it was answered; nothing while it is being done."""

    asked: bytes
    at: float
    done: asyncio.Event = field(default_factory=asyncio.Event)
    answer: tuple[bytes, str | None] | None = None


@dataclass
class Acts:
    """The acts of the last day, by their keys: in memory, so that a server that starts knows none.

    Attributes:
        monotonic: Tells how time passes, in seconds.
    """

    monotonic: Callable[[], float] = time.monotonic
    _known: OrderedDict[str, _Act] = field(default_factory=OrderedDict[str, _Act], repr=False)
    _bytes: int = 0

    async def once(
        self,
        request: Request,
        body: bytes,
        act: Callable[[], Awaitable[Response]],
        *,
        who: str = "",
    ) -> Response | Told | None:
        """Act, or answer as before.

        An act that failed is not remembered: it changed nothing, and may be tried again.

        Args:
            request: Who bears no key acts each time.
            body: As it came.
            act: Does it.
            who: Who acts: a key of somebody else names another act.

        Returns:
            The answer; what is wrong with the key; or None where it was of another act.
        """
        key = request.headers.get(KEY)
        if key is None:
            return await act()
        if _FIT.fullmatch(key) is None:
            what = f"`Idempotency-Key` has 1 to {LONGEST_KEY} characters, without spaces."
            return Told("idempotency-key", what, "Send a random one, such as a UUID.")
        key = f"{who}\n{key}"
        asked = hashlib.blake2b(request.url.path.encode() + b"\n" + body).digest()
        self._let_go()
        while (known := self._known.get(key)) is not None:
            if known.asked != asked:
                return None
            if known.answer is not None:
                content, media_type = known.answer
                return Response(content, media_type=media_type, headers={REPLAYED: "true"})
            await known.done.wait()  # the same is being done: it is answered by what comes of it
        mine = self._known[key] = _Act(asked, self.monotonic())
        try:
            response = await act()
            if response.status_code == HTTPStatus.OK:
                self._keep(mine, response)
        finally:
            if mine.answer is None:
                self._known.pop(key, None)
            mine.done.set()
        return response

    def _keep(self, act: _Act, response: Response) -> None:
        act.answer = (bytes(response.body), response.media_type)
        self._bytes += len(response.body)
        self._let_go()

    def _let_go(self) -> None:
        """Forget what is old, and the oldest where there is too much."""
        until = self.monotonic() - KEPT_SECONDS
        for key, known in list(self._known.items()):
            if known.answer is None:
                continue  # it is being done
            enough = len(self._known) <= MOST_KEPT and self._bytes <= MOST_BYTES
            if known.at > until and enough:
                return
            self._bytes -= len(known.answer[0])
            del self._known[key]
