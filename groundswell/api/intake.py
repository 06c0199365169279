"""The intake endpoints: a request is answered 200 once its body is durable, and not before.

Bare ASGI: the path of a request is looked up, its body read, decompressed and opened, its key
found, the body put into the inbox. What is in it is read later.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import structlog

from groundswell.api.cors import CORS
from groundswell.connectors.wires.bodies import MAX_BODY, TooLargeError, decompress
from groundswell.connectors.wires.catalogue import routes
from groundswell.connectors.wires.reading import bearer
from groundswell.connectors.wires.wire import (
    BLOT,
    Answer,
    Refusal,
    Request,
    UnreadableError,
    UnsignedError,
)
from groundswell.errors import StoreError
from groundswell.intake.committing import GroupCommit, OverloadedError
from groundswell.store.inbox import InboxEntry
from groundswell.tracing import span

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from groundswell.api.keys import KeyRing
    from groundswell.api.metrics import Metrics
    from groundswell.clock import Clock
    from groundswell.config.webhooks import Webhook
    from groundswell.connectors.wires.wire import Envelope, Route, Signature
    from groundswell.store.inbox import WriteKey
    from groundswell.tracing import Span

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_SENT = 16 << 20
"""Bytes that a body may have as it is sent."""

RETRY_SECONDS = 2
_KEPT_HEADERS = ("content-type", "posthog-request-timestamp")
"""Headers that say how a body is to be read; none that says who sends it."""

_CORS = tuple((name.encode(), value.encode()) for name, value in CORS)

log = structlog.get_logger()


class _RefusedError(Exception):
    def __init__(
        self, status: int, what: str, retry_after: int | None = None, *, wire: str | None = None
    ) -> None:
        super().__init__(what)
        self.refusal = Refusal(status, what, retry_after)
        self.wire = wire


class _GoneError(Exception):
    """The client went away before its request was whole."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A request whose sender is known.

    Attributes:
        request: As it came.
        route: That it came by.
        envelope: What is in it.
        source: The name of the source that sent it.
        wire: The form that it is in.
    """

    request: Request
    route: Route
    envelope: Envelope
    source: str
    wire: str


@dataclass
class Intake:
    """Takes what client libraries send."""

    commit: GroupCommit
    keys: KeyRing
    clock: Clock
    metrics: Metrics
    webhooks: Mapping[str, Webhook] = field(default_factory=dict[str, "Webhook"])

    @staticmethod
    def takes(method: str, path: str) -> bool:
        """Tell whether a request is for intake: of a wire's route, or the browser's question."""
        if method == "OPTIONS":
            return bool(Intake.methods(path))
        return (method, path) in routes()

    @staticmethod
    def methods(path: str) -> tuple[str, ...]:
        """Return the methods that intake answers at a path; none where it has nothing to do."""
        found = tuple(method for method in ("GET", "POST") if (method, path) in routes())
        return (*found, "OPTIONS") if found else ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method, path = scope["method"], scope["path"]
        if method == "OPTIONS":
            allowed = ", ".join(self.methods(path))
            await _send(send, Answer(204, b"", headers=(("allow", allowed),)))
            return
        with span("intake", headers=scope["headers"]) as told:
            answer = await self._answer(scope, receive, told)
            if answer is not None:
                await _send(send, answer)

    async def _answer(self, scope: Scope, receive: Receive, told: Span) -> Answer | None:
        """Return what the client is told; None when it went away before its request was whole."""
        began = time.perf_counter()
        method, path = scope["method"], scope["path"]
        candidates = routes()[method, path]
        wire, messages = next(iter(candidates)), 0
        request = _request(scope, b"")
        try:
            request = await _read(scope, receive)
            opened = self._open(request, candidates)
            wire = opened.wire
            if opened.envelope.messages:
                await self._keep(opened)
            answer = opened.route.accept(request, opened.envelope)
            messages = len(opened.envelope.messages)
            self.metrics.messages.labels(wire).inc(messages)
            self.metrics.commit_seconds.observe(time.perf_counter() - began)
        except _RefusedError as error:
            wire = error.wire or wire
            answer = _refuse(candidates[wire], request, error.refusal)
            log.info("refused", path=path, status=answer.status, what=error.refusal.what)
        except _GoneError:
            return None
        self.metrics.requests.labels(wire, str(answer.status)).inc()
        told.tell(
            {
                "http.request.method": method,
                "http.route": path,
                "http.response.status_code": answer.status,
                "groundswell.wire": wire,
                "groundswell.messages": messages,
            },
            name=f"intake {wire}",
        )
        return answer

    def _open(self, request: Request, candidates: Mapping[str, Route]) -> Opened:
        problem: _RefusedError | None = None
        for wire, route in candidates.items():
            if route.signature is not None:
                return self._open_signed(request, wire, route, route.signature)
            try:
                envelope = route.open(request)
            except UnreadableError as error:
                problem = problem or _RefusedError(400, str(error), wire=wire)
                continue
            found = self._find(envelope.key) if envelope.key is not None else None
            if found is not None and found.wire == wire:
                return Opened(request, route, envelope, found.name, wire)
            what = "The write key is missing, unknown, revoked or of another system."
            problem = _RefusedError(401, what, wire=wire)
        assert problem is not None, "a path that is taken has a route"
        raise problem

    def _open_signed(
        self, request: Request, wire: str, route: Route, signature: Signature
    ) -> Opened:
        told = self.webhooks.get(request.query.get("source", ""))
        if told is None or told.wire != wire:
            what = "The address has to end in `?source=NAME`, where NAME is a source whose "
            what += f"`webhook` in groundswell.yaml is of `{wire}`."
            raise _RefusedError(signature.status, what, wire=wire)
        try:
            signature.check(request, told.secrets, self.clock.now())
        except UnsignedError as error:
            raise _RefusedError(signature.status, str(error), wire=wire) from None
        try:
            envelope = route.open(request)
        except UnreadableError as error:
            raise _RefusedError(400, str(error), wire=wire) from None
        return Opened(request, route, envelope, told.source, wire)

    def _find(self, key: str) -> WriteKey | None:
        try:
            return self.keys.find(key)
        except StoreError:
            log.exception("the write keys cannot be read")
            raise _RefusedError(503, "Try again.", RETRY_SECONDS) from None

    async def _keep(self, opened: Opened) -> None:
        request, key = opened.request, opened.envelope.key
        headers = {k: v for k in _KEPT_HEADERS if (v := request.headers.get(k))}
        if key and bearer(request) == key:  # so that the drain takes no other for it
            headers["authorization"] = f"Bearer {BLOT}"
        if key:
            request = opened.route.blot(request, key)
        entry = InboxEntry(
            source=opened.source,
            wire=opened.wire,
            method=request.method,
            path=request.path,
            query=request.query,
            headers=headers,
            body=request.body,
            received_at=self.clock.now(),
            message_id=opened.envelope.message_id,
        )
        try:
            await self.commit.put(entry)
        except OverloadedError:
            raise _RefusedError(429, "Too much at once; try again.", RETRY_SECONDS) from None
        except StoreError:
            log.exception("the inbox cannot be written")
            raise _RefusedError(503, "Try again.", RETRY_SECONDS) from None


def _request(scope: Scope, body: bytes) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    return Request(scope["method"], scope["path"], query, headers, body)


async def _read(scope: Scope, receive: Receive) -> Request:
    request = _request(scope, b"")
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_SENT:
            raise _RefusedError(413, f"The body has more than {MAX_SENT >> 20} MB.")
        chunks.append(chunk)
        if not message.get("more_body", False):
            break
    try:
        body = decompress(b"".join(chunks), request.headers.get("content-encoding", ""))
    except TooLargeError:
        what = f"The body has more than {MAX_BODY >> 20} MB when it is decompressed."
        raise _RefusedError(413, what) from None
    except UnreadableError as error:
        raise _RefusedError(400, str(error)) from None
    return Request(request.method, request.path, request.query, request.headers, body)


def _refuse(route: Route, request: Request, refusal: Refusal) -> Answer:
    answer = route.refuse(request, refusal)
    if refusal.retry_after is None:
        return answer
    again = ("retry-after", str(refusal.retry_after))
    return Answer(answer.status, answer.body, answer.content_type, (*answer.headers, again))


async def _send(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *((name.encode(), value.encode()) for name, value in answer.headers),
        *_CORS,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
