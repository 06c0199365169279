"""The operations that a page of the product asks, with a write key that anyone can read there.

Whoever bears a write key is told what is to be shown, and nothing of what it was decided by; the
token is told all of it. Nobody waits for what is being computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from groundswell.api.cors import CORS
from groundswell.api.gate import Asker, Gate, scope_of
from groundswell.api.local import AWAY, failed, from_body, from_query, read_body
from groundswell.api.operations import AUTH_HEADER, OPERATIONS, Told
from groundswell.api.pages import DOCUMENT, JSON
from groundswell.connectors.wires import wire
from groundswell.connectors.wires.reading import basic_user, bearer
from groundswell.errors import GroundswellError, StoreError, UsageError
from groundswell.model import as_plain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from groundswell.api.keys import KeyRing
    from groundswell.api.operations import Operation
    from groundswell.engine import Project
    from groundswell.engine.colleagues import Colleagues
    from groundswell.engine.replica import Replica

KEY = "key"
"""The parameter of the query that may bear the write key."""

MAX_BODY = 64 << 10  # bytes
_HEADERS = {**dict(CORS), "cache-control": "no-store"}
_ASKED = {item.path: item.method for item in OPERATIONS.values() if item.shown is not None}


def browser_routes(
    asked: Project | Replica | None,
    *,
    token: str,
    keys: KeyRing | None,
    colleagues: Colleagues | None = None,
) -> list[Route]:
    """Return the routes of the operations that a page may ask.

    Args:
        asked: What they ask.
        token: What a request bears that is to be told everything.
        keys: The good write keys.
        colleagues: Have the API keys, which are told everything, too; None for no such.
    """
    gate = Gate(token, colleagues)
    return [
        Route(
            operation.path,
            _endpoint(operation, asked, gate, keys),
            methods=[operation.method],
            name=operation.name,
        )
        for operation in OPERATIONS.values()
        if operation.shown is not None
    ]


def preflight(method: str, path: str) -> Response | None:
    """Return what a browser is told that asks beforehand; None where that is not for us."""
    if method != "OPTIONS" or path not in _ASKED:
        return None
    return Response(status_code=204, headers={"allow": f"{_ASKED[path]}, OPTIONS", **_HEADERS})


def _endpoint(
    operation: Operation, asked: Project | Replica | None, gate: Gate, keys: KeyRing | None
) -> Callable[[Request], Awaitable[Response]]:
    def call(arguments: msgspec.Struct) -> Any:
        return getattr(asked, operation.name)(**msgspec.structs.asdict(arguments))

    async def answer(request: Request) -> Response:
        try:
            asker = await gate.who(request)
            known = asker is not None or await run_in_threadpool(_bears_key, request, keys)
        except StoreError:
            return failed(409, AWAY)
        if not known:
            return _stranger()
        if asker is not None and (refused := asker.refused(scope_of(operation))) is not None:
            return failed(403, refused)
        try:
            arguments = await _arguments(request, operation)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            fix = f"See {DOCUMENT.path} for what it takes."
            return failed(400, Told("arguments", f"The arguments do not fit: {error}.", fix))
        done = await told(asker, arguments)
        if asker is not None and operation.method != "GET":
            await gate.note(asker, request, operation, arguments, done.status_code)
        return done

    async def told(asker: Asker | None, arguments: msgspec.Struct) -> Response:
        try:
            found = await run_in_threadpool(call, arguments)
            result = as_plain(found if asker is None else asker.told(found))
        except GroundswellError as error:
            if asker is None and not isinstance(error, UsageError):
                return failed(409, AWAY)
            problems = [msgspec.convert(item.as_dict(), Told) for item in error.problems]
            return failed(409, *problems, exit_code=error.exit_code)
        shown = result if asker is not None else msgspec.convert(result, operation.shown)
        return Response(msgspec.json.encode(shown), media_type=JSON)

    async def to_any_origin(request: Request) -> Response:
        response = await answer(request)
        response.headers.update(_HEADERS)
        return response

    return to_any_origin


async def _arguments(request: Request, operation: Operation) -> msgspec.Struct:
    """Return what is asked.

    Raises:
        MsgspecError: It does not fit.
    """
    if operation.method == "GET":
        return from_query(request.query_params, operation.arguments)
    return from_body(await read_body(request, most=MAX_BODY), operation.arguments)


def _bears_key(request: Request, keys: KeyRing | None) -> bool:
    """Tell whether a request bears a good write key, of whatever source.

    Raises:
        StoreError: The keys cannot be read.
    """
    headers = {AUTH_HEADER: request.headers.get(AUTH_HEADER, "")}
    told = wire.Request(request.method, request.url.path, {}, headers, b"")
    given = (request.query_params.get(KEY), bearer(told), basic_user(told))
    return keys is not None and any(key and keys.find(key) is not None for key in given)


def _stranger() -> Response:
    what = "The write key is missing, unknown or revoked."
    fix = "Send it as `key` of the query, or as `Authorization: Bearer`."
    told = Told("write-key", what, fix)
    return failed(401, told, headers={"www-authenticate": "Bearer"})
