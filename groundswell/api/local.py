"""The operations over HTTP, for whoever holds the token in the project's folder."""

from __future__ import annotations

import hmac
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from groundswell.api.gate import Asker, Gate, scope_for, scope_of
from groundswell.api.manners import Acts, cut_page, read_cursor, tagged
from groundswell.api.operations import AUTH_HEADER, OPERATIONS, Failure, Operation, Told
from groundswell.api.pages import DOCUMENT, FEED, JSON, PRESENCE
from groundswell.errors import GroundswellError, StoreError
from groundswell.model import as_plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from starlette.datastructures import QueryParams
    from starlette.requests import Request

    from groundswell.engine import Project
    from groundswell.engine.colleagues import Colleagues

T = TypeVar("T", bound=msgspec.Struct)

MAX_BODY = 1 << 20  # bytes
AWAY = Told("away", "It cannot be answered now.", "Try again.")
log = structlog.get_logger()


def operation_routes(
    project: Project,
    *,
    token: str,
    alone: AbstractContextManager[object],
    colleagues: Colleagues | None = None,
) -> list[Route]:
    """Return the routes of every operation that asks for the token, or for an API key.

    Args:
        project: What they ask.
        token: What a request has to bear.
        alone: Held while an operation runs, so that one at a time does.
        colleagues: Have the API keys; None where the token alone opens anything.
    """
    acts, gate = Acts(), Gate(token, colleagues)

    async def here(request: Request) -> Response:
        try:
            known = await gate.who(request)
        except StoreError:
            return failed(409, AWAY)
        return stranger() if known is None else Response(status_code=204)

    return [
        Route(PRESENCE.path, here),
        *(
            Route(
                operation.path,
                _Endpoint(operation, project, gate, alone, acts).answer,
                methods=[operation.method],
                name=operation.name,
            )
            for operation in OPERATIONS.values()
            if operation.shown is None
        ),
    ]


def refusing_routes(why: Told, *, token: str) -> list[Route]:
    """Return the same routes for a server that has no project open: each says why it cannot.

    Args:
        why: What every operation is answered.
        token: What a request has to bear.
    """

    async def here(request: Request) -> Response:
        return Response(status_code=204) if may_ask(request, token) else stranger()

    async def refuse(request: Request) -> Response:
        return failed(409, why) if may_ask(request, token) else stranger()

    return [
        Route(PRESENCE.path, here),
        Route(FEED.path, refuse),
        *(
            Route(item.path, refuse, methods=[item.method])
            for item in OPERATIONS.values()
            if item.shown is None
        ),
    ]


def may_ask(request: Request, token: str) -> bool:
    """Tell whether a request bears the token."""
    given = request.headers.get(AUTH_HEADER, "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


@dataclass(frozen=True)
class _Endpoint:
    """Answers one operation.

    Attributes:
        operation: Which.
        project: Is asked.
        gate: Tells who asks.
        alone: Held while it runs.
        acts: What was done lately, by the keys of the requests.
    """

    operation: Operation
    project: Project
    gate: Gate
    alone: AbstractContextManager[object]
    acts: Acts

    async def answer(self, request: Request) -> Response:
        """Answer whoever may ask."""
        try:
            asker = await self.gate.who(request)
        except StoreError:
            return failed(409, AWAY)
        if asker is None:
            return stranger()
        if (refused := asker.refused(scope_of(self.operation))) is not None:
            return failed(403, refused)
        reads, body = self.operation.method == "GET", b""
        try:
            if reads:
                arguments = from_query(request.query_params, self.operation.arguments)
            else:
                body = await read_body(request, most=MAX_BODY)
                arguments = from_body(body, self.operation.arguments)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            fix = f"See {DOCUMENT.path} for what it takes."
            return failed(400, Told("arguments", f"The arguments do not fit: {error}.", fix))
        if (refused := asker.refused(scope_for(self.operation, arguments))) is not None:
            return failed(403, refused)
        if reads:
            return tagged(request, await self._ask(request, asker, arguments))
        done = await self.acts.once(
            request, body, lambda: self._act(request, asker, arguments), who=asker.called
        )
        if isinstance(done, Told):
            return failed(400, done)
        return failed(422, _REUSED) if done is None else done

    async def _act(self, request: Request, asker: Asker, arguments: msgspec.Struct) -> Response:
        done = await self._ask(request, asker, arguments)
        await self.gate.note(asker, request, self.operation, arguments, done.status_code)
        return done

    async def _ask(self, request: Request, asker: Asker, arguments: msgspec.Struct) -> Response:
        told = msgspec.structs.asdict(arguments)
        pages = self.operation.page is not None
        limit = told["limit"] if pages else None
        try:
            if pages and told["after"] is not None:
                told["after"] = read_cursor(self.operation, told["after"])
            if limit:
                told["limit"] = limit + 1  # so as to know whether there are more
            result = as_plain(asker.told(await run_in_threadpool(self._call, told)))
        except GroundswellError as error:
            problems = [msgspec.convert(item.as_dict(), Told) for item in error.problems]
            return failed(409, *problems, exit_code=error.exit_code)
        if not pages:
            return Response(msgspec.json.encode(result), media_type=JSON)
        page = cut_page(self.operation, result, limit)
        headers = page.headers(self.operation.path, request.query_params)
        return Response(msgspec.json.encode(page.items), media_type=JSON, headers=headers)

    def _call(self, arguments: dict[str, Any]) -> Any:
        with self.alone if self.operation.alone else nullcontext():
            return attrgetter(self.operation.name)(self.project)(**arguments)


_REUSED = Told(
    "idempotency-reused",
    "This `Idempotency-Key` came with something else before.",
    "Send a new one with each new request, and the same one only with the same body.",
)


async def read_body(request: Request, *, most: int) -> bytes:
    """Return the body of a request.

    Raises:
        ValidationError: It has more than so many bytes.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise msgspec.ValidationError(f"The body has more than {most >> 10} KB")
    return bytes(body)


def from_query(given: QueryParams, to: type[T]) -> T:
    """Return the parameters of a query as arguments; each is said once, and null by its absence.

    Raises:
        ValidationError: They do not fit.
    """
    pairs = given.multi_items()
    asked = dict(pairs)
    if len(asked) < len(pairs):
        raise msgspec.ValidationError("A parameter is given twice")
    arguments = msgspec.convert(asked, to, strict=False)
    for name, said in asked.items():
        value = getattr(arguments, name, "")
        if value is None:
            raise msgspec.ValidationError(f"`{said}` is nothing that `{name}` can be")
        if isinstance(value, datetime):
            msgspec.convert(said, datetime)  # in a query, a number would pass for seconds
    return arguments


def from_body(body: bytes, to: type[T]) -> T:
    """Return a JSON body as arguments; `3.0` is a whole number, as JSON has but one kind.

    Raises:
        DecodeError: It is no JSON.
        ValidationError: It does not fit.
    """
    return msgspec.convert(_DECODER.decode(body or b"{}"), to)


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


_DECODER = msgspec.json.Decoder(float_hook=_number)


def stranger() -> Response:
    """Return the answer to a request that does not."""
    fix = (
        "Send `Authorization: Bearer` with the token of `.groundswell/server.json`, or an API key."
    )
    told = Told("token", "The token is missing or wrong.", fix)
    return failed(401, told, headers={"www-authenticate": "Bearer"})


def failed(
    status: int, *problems: Told, exit_code: int = 1, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer that says what is wrong.

    Args:
        status: Of HTTP.
        problems: What is wrong, and how to mend it.
        exit_code: What a command ends with that asked.
        headers: What else the answer bears.
    """
    body = msgspec.json.encode(Failure(list(problems), exit_code))
    return Response(body, media_type=JSON, status_code=status, headers=headers)
