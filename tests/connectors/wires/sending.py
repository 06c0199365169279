"""Sends bodies through a wire's routes, as the server does, without the server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import strategies as st

from groundswell.connectors.wires.wire import (
    Context,
    Envelope,
    Records,
    Refusal,
    Request,
    Route,
    UnreadableError,
    Wire,
)

if TYPE_CHECKING:
    from groundswell.connectors.wires.wire import Row
    from groundswell.model import Kind

RECEIVED_AT = datetime(2026, 11, 22, 9, 9, 30, tzinfo=UTC)
ARRIVAL = "2026-11-22T09:09:30+00:00"
REFUSALS = (Refusal(401, "No such key."), Refusal(429, "Too much.", retry_after=2))


class Sender:
    """A client of one wire."""

    def __init__(self, wire: Wire) -> None:
        self.routes = {(route.method, route.path): route for route in wire.routes}

    def route(self, path: str, method: str = "POST") -> Route:
        return self.routes[method, path]

    def open(self, path: str, body: Any = b"", **request: Any) -> Envelope:
        asked = request_of(path, body, **request)
        return self.route(path, asked.method).open(asked)

    def read(
        self, path: str, body: Any = b"", group_type: str | None = None, **request: Any
    ) -> Records:
        """Return what a request comes to; a body that is no bytes is sent as JSON."""
        envelope = self.open(path, body, **request)
        return read(self.route(path, request.get("method", "POST")), envelope, group_type)

    def rows(self, kind: Kind, path: str, body: Any = b"", **request: Any) -> list[Row]:
        """Return the records of a kind, where there is no fault."""
        records = self.read(path, body, **request)
        assert records.faults == []
        return records.rows.get(kind, [])

    def accept(self, path: str, body: Any = b"", **request: Any) -> tuple[int, bytes]:
        asked = request_of(path, body, **request)
        route = self.route(path, asked.method)
        answer = route.accept(asked, route.open(asked))
        return answer.status, answer.body

    def refuse(
        self, refusal: Refusal, path: str, body: Any = b"", **request: Any
    ) -> tuple[int, bytes]:
        asked = request_of(path, body, **request)
        answer = self.route(path, asked.method).refuse(asked, refusal)
        return answer.status, answer.body


def request_of(
    path: str,
    body: Any = b"",
    *,
    method: str = "POST",
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Request:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Request(method, path, query or {}, headers or {}, data)


def read(route: Route, envelope: Envelope, group_type: str | None = None) -> Records:
    records = Records()
    route.read(envelope, Context(RECEIVED_AT, group_type), records)
    return records


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def objects(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Draw objects that have some of the names, each with any value at all."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, JSON))


def check_that_nothing_raises(wire: Wire, asked: Request) -> None:
    """Send a request to every route: it is unreadable, or comes to records of text and to faults.

    Every answer is made as well.
    """
    for route in wire.routes:
        for refusal in REFUSALS:
            assert route.refuse(asked, refusal).status == refusal.status
        try:
            envelope = route.open(asked)
        except UnreadableError:
            continue
        assert route.accept(asked, envelope).status == 200
        records = read(route, envelope)
        rows = [row for found in records.rows.values() for row in found]
        assert all(isinstance(value, str | None) for row in rows for value in row.values())
        assert all(fault.raw and fault.what and fault.fix for fault in records.faults)


def nested(depth: int) -> bytes:
    """Return JSON that nests so deep."""
    return b'{"a":' * depth + b"1" + b"}" * depth
