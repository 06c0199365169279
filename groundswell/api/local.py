"""The operations over HTTP, for whoever holds the token in the project's folder."""

from __future__ import annotations

import hmac
from contextlib import nullcontext
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from groundswell.api.operations import AUTH_HEADER, OPERATIONS, Failure, Operation, Told
from groundswell.api.pages import DOCUMENT, FEED, JSON, PRESENCE
from groundswell.errors import GroundswellError
from groundswell.model import as_plain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractContextManager

    from starlette.datastructures import QueryParams
    from starlette.requests import Request

    from groundswell.engine import Project

T = TypeVar("T", bound=msgspec.Struct)

log = structlog.get_logger()


def operation_routes(
    project: Project, *, token: str, alone: AbstractContextManager[object]
) -> list[Route]:
    """Return the routes of every operation that asks for the token.

    Args:
        project: What they ask.
        token: What a request has to bear.
        alone: Held while an operation runs, so that one at a time does.
    """

    async def here(request: Request) -> Response:
        return Response(status_code=204) if may_ask(request, token) else stranger()

    return [
        Route(PRESENCE.path, here),
        *(
            Route(
                operation.path,
                _endpoint(operation, project, token, alone),
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


def _endpoint(
    operation: Operation, project: Project, token: str, alone: AbstractContextManager[object]
) -> Callable[[Request], Awaitable[Response]]:
    def call(arguments: msgspec.Struct) -> Any:
        with alone if operation.alone else nullcontext():
            return attrgetter(operation.name)(project)(**msgspec.structs.asdict(arguments))

    async def answer(request: Request) -> Response:
        if not may_ask(request, token):
            return stranger()
        try:
            if operation.method == "GET":
                arguments = from_query(request.query_params, operation.arguments)
            else:
                arguments = from_body(await request.body(), operation.arguments)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            fix = f"See {DOCUMENT.path} for what it takes."
            return failed(400, Told("arguments", f"The arguments do not fit: {error}.", fix))
        try:
            result = await run_in_threadpool(call, arguments)
        except GroundswellError as error:
            told = [msgspec.convert(item.as_dict(), Told) for item in error.problems]
            return failed(409, *told, exit_code=error.exit_code)
        return Response(msgspec.json.encode(as_plain(result)), media_type=JSON)

    return answer


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
    fix = "Send `Authorization: Bearer` with the token of `.groundswell/server.json`."
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
