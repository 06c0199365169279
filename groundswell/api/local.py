"""The operations over HTTP, for whoever holds the token in the project's folder."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from groundswell.api.operations import AUTH_HEADER, HERE, OPERATIONS, Failure, Operation, Told
from groundswell.errors import GroundswellError
from groundswell.model import as_plain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager

    from starlette.requests import Request

    from groundswell.engine import Project

log = structlog.get_logger()


def operation_routes(
    project: Project, *, token: str, alone: AbstractContextManager[object]
) -> list[Route]:
    """Return the routes of every operation.

    Args:
        project: What they ask.
        token: What a request has to bear.
        alone: Held while an operation runs, so that one at a time does.
    """

    async def here(request: Request) -> Response:
        return Response(status_code=204 if _may_ask(request, token) else 401)

    return [
        Route(HERE, here),
        *(
            Route(
                operation.path,
                _endpoint(operation, project, token, alone),
                methods=[operation.method],
                name=operation.name,
            )
            for operation in OPERATIONS.values()
        ),
    ]


def _may_ask(request: Request, token: str) -> bool:
    given = request.headers.get(AUTH_HEADER, "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


def _endpoint(
    operation: Operation, project: Project, token: str, alone: AbstractContextManager[object]
) -> Callable[[Request], Awaitable[Response]]:
    def call(arguments: msgspec.Struct) -> Any:
        with alone:
            return getattr(project, operation.name)(**msgspec.structs.asdict(arguments))

    async def answer(request: Request) -> Response:
        if not _may_ask(request, token):
            return _failed(401, Told("token", "The token is missing or wrong.", "See the docs."))
        try:
            if operation.method == "GET":
                asked = dict(request.query_params)
                arguments = msgspec.convert(asked, operation.arguments, strict=False)
            else:
                arguments = msgspec.json.decode(
                    await request.body() or b"{}", type=operation.arguments
                )
        except msgspec.MsgspecError as error:
            fix = "Read what it takes in the reference."
            return _failed(400, Told("arguments", f"The arguments do not fit: {error}.", fix))
        try:
            result = await run_in_threadpool(call, arguments)
        except GroundswellError as error:
            told = [msgspec.convert(item.as_dict(), Told) for item in error.problems]
            return _failed(409, *told, exit_code=error.exit_code)
        return Response(
            msgspec.json.encode(as_plain(result)), media_type="application/json", status_code=200
        )

    return answer


def _failed(status: int, *problems: Told, exit_code: int = 1) -> Response:
    failure = Failure(list(problems), exit_code)
    body = msgspec.json.encode(failure)
    return Response(body, media_type="application/json", status_code=status)
