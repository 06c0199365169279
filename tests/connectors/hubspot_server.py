"""HubSpot's CRM API on loopback: tokens, bodies by schema, and everything else by the account."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import jsonschema
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from .hubspot_account import Account
from .hubspot_answers import Row, WrongError, shown_of
from .hubspot_schemas import PIPELINES, SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Generator

    from starlette.requests import Request

    from groundswell.clock import FixedClock

TOKEN_INFO = "/oauth/v2/private-apps/get/access-token-info"


@contextmanager
def hubspot(clock: FixedClock) -> Generator[Account]:
    """Serve an account on loopback."""
    account = Account(clock)
    config = uvicorn.Config(
        _app(account), host="127.0.0.1", port=0, lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive(), "the server died while it started"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.005)
    account.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield account
    finally:
        for close in account.closing:
            close()
        server.should_exit = True
        thread.join()


def _app(account: Account) -> Starlette:
    async def serve(request: Request) -> JSONResponse:
        path = request.url.path
        account.requests.append((request.method, path))
        raw = await request.body()
        for place, (part, status, headers, answer) in enumerate(account.trouble):
            if part in path:
                account.trouble.pop(place)
                return JSONResponse(answer, status, headers)
        try:
            headers = account.admit(request, path)
            if path.endswith("/search") and len(raw) > 3_000:
                raise WrongError(400, "VALIDATION_ERROR", "A search has no more than 3,000 letters")
            body = json.loads(raw) if raw else {}
            if path == TOKEN_INFO and request.method == "POST":
                told = account.token_info(_checked("token", body)["tokenKey"])
                return JSONResponse(told, 200, headers)
            account.bodies.append(body)
            status, answer = _route(account, request, _parts(account, path), body)
        except WrongError as wrong:
            return JSONResponse(wrong.body, wrong.status, wrong.headers)
        for place, part in enumerate(account.lost):
            if part in path:
                account.lost.pop(place)
                return JSONResponse({"status": "error", "message": "Bad gateway"}, 502)
        return JSONResponse(answer, status, headers)

    return Starlette(routes=[Route("/{path:path}", serve, methods=["GET", "POST"])])


def _parts(account: Account, path: str) -> list[str]:
    """Return the parts of a path without its version, which stands in another place when dated."""
    crm, first, second, *rest = path.strip("/").split("/") + [""] * 2
    if crm == "crm" and second == account.dated:
        found = [first, *rest]
    elif crm == "crm" and first == ("v4" if second == "associations" else "v3"):
        found = [second, *rest]
    else:
        raise WrongError(404, "OBJECT_NOT_FOUND", f"No {path}")
    return [part for part in found if part]


def _route(account: Account, request: Request, parts: list[str], body: Row) -> tuple[int, Row]:
    reads = request.method == "GET"
    found = _got(account, request, parts) if reads else _posted(account, parts, body)
    if found is None:
        raise WrongError(404, "OBJECT_NOT_FOUND", f"No {request.method} {parts}")
    return found


def _got(account: Account, request: Request, parts: list[str]) -> tuple[int, Row] | None:
    match parts:
        case ["owners"]:
            return 200, _owners(account, request)
        case ["pipelines", "deals"]:
            account.allow("deals", right="read")
            return 200, {"results": PIPELINES}
        case ["objects", kind]:
            account.allow(kind, right="read")
            limit = int(request.query_params.get("limit", 10))
            rows = list(account.records[kind].values())[:limit]
            return 200, {"results": [shown_of(row, [], []) for row in rows]}
        case ["properties", kind]:
            account.allow(kind, right="read", areas=("objects", "schemas"))
            return 200, {"results": list(account.properties[kind].values())}
        case ["properties", kind, "groups", name]:
            if name not in account.groups[kind]:
                raise WrongError(404, "OBJECT_NOT_FOUND", f"No group {name}")
            return 200, {"name": name}
    return None


def _posted(account: Account, parts: list[str], body: Row) -> tuple[int, Row] | None:
    match parts:
        case ["properties", kind, "groups"]:
            return 201, account.group(kind, _checked("group", body))
        case ["properties", kind, "batch", "create"]:
            return account.define(kind, _checked("properties", body)["inputs"])
        case ["objects", kind, "search"]:
            return 200, account.search(kind, _checked("search", body))
        case ["objects", kind, "batch", "read"]:
            return account.read(kind, _checked("read", body))
        case ["objects", kind, "batch", ("upsert" | "update" | "create") as verb]:
            return account.write(kind, verb, _checked(verb, body)["inputs"])
        case ["associations", kind, to_kind, "batch", "create"]:
            return account.link(kind, to_kind, _checked("link", body)["inputs"])
        case ["associations", kind, to_kind, "batch", "read"]:
            return account.linked(kind, to_kind, _checked("linked", body)["inputs"])
    return None


def _owners(account: Account, request: Request) -> Row:
    account.need("crm.objects.owners.read")
    archived = request.query_params.get("archived", "false") == "true"
    rows = [one for one in account.owners if one["archived"] is archived]
    start = int(request.query_params.get("after", 0))
    limit = min(int(request.query_params.get("limit", 100)), 2)
    paging = {"paging": {"next": {"after": str(start + limit)}}}
    return {
        "results": rows[start : start + limit],
        **(paging if rows[start + limit :] else {}),
    }


def _checked(name: str, body: Row) -> Row:
    try:
        jsonschema.validate(body, SCHEMAS[name])
    except jsonschema.ValidationError as error:
        raise WrongError(400, "VALIDATION_ERROR", f"Invalid input JSON: {error.message}") from None
    return body
