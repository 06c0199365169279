"""The OpenAPI document of a server, made of the tables by which it routes."""

from __future__ import annotations

import inspect
import re
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

import groundswell
from groundswell.api.browsers import KEY
from groundswell.api.gate import scope_of
from groundswell.api.manners import LONGEST_KEY, MOST_KEPT
from groundswell.api.operations import OPERATIONS, Failure, Lazily, Operation
from groundswell.api.pages import JSON, PAGES, Page
from groundswell.api.schemas import components, inlined, needing, parameters, schema_of
from groundswell.connectors.wires.catalogue import WIRES, routes
from groundswell.engine import Project
from groundswell.engine.colleagues import Scope
from groundswell.engine.desk import Desk
from groundswell.engine.handing.handoffs import Handoffs
from groundswell.engine.measuring.disputing import Disputes
from groundswell.engine.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.api.schemas import Schema
    from groundswell.connectors.wires.wire import Route, Takes

FORM = "application/x-www-form-urlencoded"
_ABOUT = """\
What `groundswell serve` answers. The operations are asked with the token that the server writes \
into `.groundswell/server.json`, or with an API key whose scope is at least the one that is told \
with each: `read` opens what only reads, unless it names a file, and leaves out who the people of \
accounts are; `people` tells them, `act` opens what a rep does, too, `admin` everything. Those \
that a page of the product asks are asked with a write key, too, which is told less. The intake \
endpoints take what the client libraries of other systems send, and answer in their terms. A body \
of intake may be compressed, and is told by its first bytes, not by its Content-Type; a browser's \
preflight is answered 204. Another path is answered 404, another method 405, with a `Failure`. A \
list that can be long is told page by page where `limit` is given: `after` takes the cursor that \
the answer before bore. What is read bears an `ETag`; what acts takes an `Idempotency-Key`.\
"""
_SECURITY: dict[str, Schema] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token in `.groundswell/server.json` of the project.",
    },
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key of `groundswell api-keys create`, or of the pages: `gsw_...`.",
    },
    "keyAsUser": {
        "type": "http",
        "scheme": "basic",
        "description": "A write key of `groundswell keys create`, as the user name.",
    },
    "keyAsBearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A write key of `groundswell keys create`.",
    },
    "keyInQuery": {
        "type": "apiKey",
        "in": "query",
        "name": KEY,
        "description": "A write key of `groundswell keys create`.",
    },
}
_BEARING = {"basic": "keyAsUser", "bearer": "keyAsBearer"}
_CHALLENGE: Schema = {
    "WWW-Authenticate": {
        "description": "How to say who asks.",
        "required": True,
        "schema": {"type": "string"},
    }
}
_IF_NONE_MATCH: Schema = {
    "name": "If-None-Match",
    "in": "header",
    "description": "Tags of answers that are there already; one of them is not sent again.",
    "schema": {"type": "string"},
}
_IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Names the act: the same key with the same body is answered as before, and not "
    f"done again, for a day and as long as the server lives, of the last {MOST_KEPT:,} that were.",
    "schema": {"type": "string", "pattern": f"^[!-~]{{1,{LONGEST_KEY}}}$"},
}
_AGAIN: Schema = {
    "Retry-After": {
        "description": "Seconds to wait before it is sent again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}


@cache
def openapi_document() -> Schema:
    """Return the document, which is the same as long as the process lives."""
    types = [said.type for page in PAGES for said in page.answers.values()]
    types += [operation.result for operation in OPERATIONS.values()]
    types += [item.shown for item in OPERATIONS.values() if item.shown is not None]
    types += [item.arguments for item in OPERATIONS.values() if item.method != "GET"]
    paths: dict[str, Schema] = {}
    for page in PAGES:
        paths.setdefault(page.path, {})["post" if page.posted else "get"] = _of_page(page)
    for operation in OPERATIONS.values():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _of_operation(operation)
    for (method, path), by_wire in routes().items():
        paths.setdefault(path, {})[method.lower()] = _of_intake(method, path, by_wire)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Groundswell",
            "version": groundswell.__version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components([*types, Failure]),
            "responses": {
                name: answer
                for shared in (_FAILED, _READ, _ACTED, _KEPT)
                for name, answer in shared.values()
            },
            "securitySchemes": {**_SECURITY, **_signatures()},
        },
    }


@cache
def openapi_json() -> bytes:
    """Return the document as text, in lines that a person can read and compare."""
    return msgspec.json.format(msgspec.json.encode(openapi_document()), indent=1) + b"\n"


def _answer(
    what: str,
    media_type: str | None = JSON,
    schema: Schema | None = None,
    headers: Schema | None = None,
) -> Schema:
    answer: Schema = {"description": what}
    if headers:
        answer["headers"] = headers
    if media_type is not None:
        answer["content"] = {media_type: {"schema": schema} if schema else {}}
    return answer


_FAILURE = schema_of(Failure)
_FAILED: dict[str, tuple[str, Schema]] = {
    "400": ("Unfit", _answer("The arguments do not fit.", schema=_FAILURE)),
    "401": ("Unasked", _answer("The token is missing or wrong.", JSON, _FAILURE, _CHALLENGE)),
    "403": ("Unscoped", _answer("The scope of the API key is too small.", schema=_FAILURE)),
    "409": ("Undone", _answer("It cannot be done, or not now; says why.", schema=_FAILURE)),
}
_READ: dict[str, tuple[str, Schema]] = {
    "304": ("Unchanged", _answer("It is as `If-None-Match` says.", None)),
}
_ACTED: dict[str, tuple[str, Schema]] = {
    "422": ("Reused", _answer("The key came with another request before.", schema=_FAILURE)),
}
_KEPT: dict[str, tuple[str, Schema]] = {
    "200": ("Kept", _answer("It is durable.")),
    "400": ("Unreadable", _answer("It is not what these clients send, or is broken.")),
    "401": (
        "Unknown",
        _answer("The write key is missing, unknown, revoked, or of another system."),
    ),
    "413": ("TooLarge", _answer("It has more than 16 MB as sent, or 32 MB decompressed.")),
    "429": ("Overloaded", _answer("More waits for the disk than may wait.", headers=_AGAIN)),
    "503": ("Away", _answer("The ledger is locked, full or away.", headers=_AGAIN)),
}


def _shared(answers: dict[str, tuple[str, Schema]]) -> Schema:
    return {
        status: {"$ref": f"#/components/responses/{name}"} for status, (name, _) in answers.items()
    }


def _of_page(page: Page) -> Schema:
    asked: Schema = {"description": page.description} if page.description else {}
    if page.arguments is not None:
        asked["parameters"] = parameters(page.arguments)
    if page.posted is not None:
        form: Schema = {"type": "object", "properties": {"payload": {"type": "string"}}}
        asked["requestBody"] = {"required": True, "content": {page.posted: {"schema": form}}}
    return {
        "operationId": page.name,
        "tags": ["server"],
        "summary": page.summary,
        **asked,
        "security": [{"token": []}, {"apiKey": [Scope.READ.value]}] if page.guarded else [],
        "responses": {
            str(status): _answer(
                said.what,
                said.media_type,
                schema_of(said.type),
                _CHALLENGE if status == HTTPStatus.UNAUTHORIZED else None,
            )
            for status, said in page.answers.items()
        },
    }


def _method(name: str) -> object:
    """Return the method that an operation calls."""
    where, _, own = name.rpartition(".")
    owners: dict[str, object] = {
        "": Project,
        "administration": Lazily("administering", "Administration").get(),
        "desk": Desk,
        "disputes": Disputes,
        "handoffs": Handoffs,
        "measuring": Lazily("measuring.measuring", "Measuring").get(),
        "signals": Signals,
    }
    return getattr(owners.get(where) or Lazily("lab", "Lab").get(), own)


def _of_operation(operation: Operation) -> Schema:
    told = inspect.getdoc(_method(operation.name)) or ""
    summary, _, more = told.partition("\n")
    described: Schema = {"operationId": operation.name, "tags": ["operations"], "summary": summary}
    if more.strip():
        described["description"] = more.strip()
    manners = operation.shown is None
    if operation.method == "GET":
        described["parameters"] = [*parameters(operation.arguments), *[_IF_NONE_MATCH] * manners]
    else:
        if manners:
            described["parameters"] = [_IDEMPOTENCY_KEY]
        described["requestBody"] = {
            "required": bool(inlined(operation.arguments)["required"]),
            "content": {JSON: {"schema": schema_of(operation.arguments)}},
        }
    described["security"] = [{"token": []}, {"apiKey": [scope_of(operation).value]}]
    answers = [schema_of(operation.result)]
    if operation.shown is not None:
        described["security"] += [{name: []} for name in ("keyInQuery", *_BEARING.values())]
        answers += [shown] if (shown := schema_of(operation.shown)) not in answers else []
    schema = answers[0] if len(answers) == 1 else {"anyOf": answers}
    good = _answer("What came of it.", schema=schema, headers=_told_beside(operation))
    described["responses"] = {"200": good, **_shared(_FAILED)}
    if manners:
        described["responses"] |= _shared(_READ if operation.method == "GET" else _ACTED)
    return described


def _told_beside(operation: Operation) -> Schema:
    """Return the headers of a good answer."""
    if operation.shown is not None:
        return {}
    if operation.method != "GET":
        return {"Idempotency-Replayed": _header("`true` where it was done before.")}
    found = {"ETag": _header("Names what is answered: `If-None-Match` takes it.")}
    if operation.page is not None:
        found |= {
            "X-Next-Cursor": _header("What `after` takes for the next page; not with the last."),
            "Link": _header('The next page, as `rel="next"`; not with the last.'),
        }
    return found


def _header(what: str) -> Schema:
    return {"description": what, "schema": {"type": "string"}}


def _of_intake(method: str, path: str, by_wire: Mapping[str, Route]) -> Schema:
    titles = [WIRES[name].title for name in by_wire]
    takes = list(dict.fromkeys(route.takes for route in by_wire.values()))
    described: Schema = {
        "operationId": method.lower() + re.sub(r"[^a-zA-Z0-9]", "_", path),
        "tags": ["intake"],
        "summary": f"Take in what clients of {' or '.join(titles)} send.",
    }
    if names := dict.fromkeys(item.key_in for item in takes if item.key_in is not None):
        places = " or ".join(f"`{name}`" for name in names)
        described["description"] = f"The write key may also be {places} of the body."
    if asked := [p for item in takes if item.query for p in parameters(item.query)]:
        described["parameters"] = asked
    if method != "GET":
        described["requestBody"] = {"required": True, "content": _bodies(takes)}
    signed = [_signed(name) for name, route in by_wire.items() if route.signature is not None]
    bearing = dict.fromkeys(_BEARING[scheme] for item in takes for scheme in item.schemes)
    described["security"] = [{name: []} for name in (*signed, *bearing)] + [{}] * (not signed)
    described["responses"] = _shared(_KEPT)
    return described


def _signed(wire: str) -> str:
    return f"signatureOf{wire.title()}"


def _signatures() -> Schema:
    return {
        _signed(wire.name): {
            "type": "apiKey",
            "in": "header",
            "name": route.signature.header,
            "description": f"The signature by {wire.title}, with the secret of the source.",
        }
        for wire in WIRES.values()
        for route in wire.routes
        if route.signature is not None
    }


def _bodies(takes: list[Takes]) -> Schema:
    as_json = [needing(inlined(of), item.needs) for item in takes for of in item.json]
    as_form = [inlined(item.form) for item in takes if item.form is not None]
    return {
        media_type: {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
        for media_type, schemas in ((JSON, as_json), (FORM, as_form))
        if schemas
    }
