"""The form that every wire has: routes, envelopes, records, answers.

A request is read twice. At the door its `Envelope` is opened, to find the write key and to see
that the body is what the clients send: no more than that stands between the bytes and the
inbox. When the inbox is drained, each message in it becomes records.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

BLOT = "********"
"""Stands where a write key stood."""

HAND_RAISE = "Hand Raised"
"""The event by which somebody asks for a person, where the configuration names none."""

Row = dict[str, str | None]
"""Our columns of a kind, as text; times in ISO 8601, `properties` as JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, its body decompressed.

    Attributes:
        method: `POST`, `GET`.
        path: As it was asked for, without the query.
        query: Each parameter's last value.
        headers: By lower-case name.
        body: As sent, without its Content-Encoding.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A body that was opened, its messages still unread.

    Attributes:
        key: The write key, from the body or the headers; None where there is none.
        messages: Each message as the bytes of its JSON.
        sent_at: When the client says that it sent them.
        ids: Each message's id, where the answer has to name it.
        message_id: What the sender calls the whole, where it may send it twice.
    """

    key: str | None
    messages: Sequence[bytes | msgspec.Raw]
    sent_at: str | None = None
    ids: tuple[str, ...] = ()
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client is told."""

    status: int
    body: bytes = b"{}"
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not taken.

    Attributes:
        status: 400, 401, 413, 429 or 503.
        what: In words, without anything secret.
        retry_after: Seconds, for 429 and 503.
    """

    status: int
    what: str
    retry_after: int | None = None


class UnreadableError(Exception):
    """A body that is not what the clients of a wire send; says in what."""


class UnsignedError(Exception):
    """A request that bears no good signature; says in what, without anything secret."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A message that cannot become records.

    Attributes:
        raw: The message, without its write key.
        code: The reason's short name.
        what: The reason in words.
        fix: How to mend it.
        kind: What it was most likely meant to be.
    """

    raw: str
    code: str
    what: str
    fix: str
    kind: Kind = Kind.EVENTS


@dataclass(slots=True)
class Records:
    """What the messages of some requests came to, by kind, in their order."""

    rows: dict[Kind, list[Row]] = field(default_factory=dict[Kind, list[Row]])
    faults: list[Fault] = field(default_factory=list[Fault])

    def add(self, kind: Kind, row: Row) -> None:
        """Add one record."""
        self.rows.setdefault(kind, []).append(row)

    def clear(self) -> None:
        """Forget them."""
        self.rows, self.faults = {}, []


@dataclass(frozen=True, slots=True)
class Context:
    """What reading a message needs to know beside it.

    Attributes:
        received_at: When the request came, aware UTC.
        group_type: Which kind of group is the account; None: the one that is there, or the first
            of the usual names.
        hand_raise: The event by which somebody asks for a person, as the configuration names it.
    """

    received_at: datetime
    group_type: str | None = None
    hand_raise: str = HAND_RAISE


@dataclass(frozen=True, slots=True)
class Takes:
    """What a route can open, told to those who write or generate requests.

    Attributes:
        json: What the JSON of a body may be, any of them, as types that msgspec knows.
        form: A struct of the fields of a form; None where none is read.
        query: A struct of the parameters of the query; None where none are read.
        needs: Members of a JSON object of which one at least is there and not null.
        schemes: The schemes of the Authorization header that may bear the write key.
        key_in: The member or field of the body that may bear it.
    """

    json: tuple[Any, ...] = ()
    form: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    needs: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    key_in: str | None = None


def blotted(request: Request, key: str) -> Request:
    """Return a request in which a write key that stands there as it is cannot be read."""
    return Request(
        request.method,
        request.path,
        {name: value.replace(key, BLOT) for name, value in request.query.items()},
        request.headers,
        request.body.replace(key.encode(), BLOT.encode()),
    )


JSON_TEXT = {"format": "json", "contentMediaType": "application/json"}
"""Says of a text that it is JSON, in the words of JSON Schema."""


@dataclass(frozen=True, slots=True)
class Signature:
    """How a sender proves who it is, where it does so without a write key.

    The URL names the source: `?source=billing`.

    Attributes:
        header: The header that bears it, by its lower-case name.
        status: The answer's status where it is not good.
        check: Checks a request against secrets, any of which may have signed it, and the time that
            it came; raises `UnsignedError`.
    """

    header: str
    status: int
    check: Callable[[Request, Sequence[str], datetime], None]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint.

    Attributes:
        method: `POST` or `GET`.
        path: The path, exactly.
        open: Opens a body; raises `UnreadableError`.
        read: Turns the messages of an envelope into records.
        accept: The answer once the body is kept.
        refuse: The answer when it is not.
        takes: What it can open.
        signature: How it is known who sends; None: by a write key.
        blot: Makes a request that the write key cannot be read in, and that opens to the same
            messages.
    """

    method: str
    path: str
    open: Callable[[Request], Envelope]
    read: Callable[[Envelope, Context, Records], None]
    accept: Callable[[Request, Envelope], Answer]
    refuse: Callable[[Request, Refusal], Answer]
    takes: Takes
    signature: Signature | None = None
    blot: Callable[[Request, str], Request] = blotted


@dataclass(frozen=True, slots=True)
class Wire:
    """A system that can send to Groundswell: what `keys create --source` or a `webhook` names.

    Attributes:
        name: Such as `segment`.
        title: In words.
        routes: Its endpoints.
        keys: Members of a message that hold a write key.
    """

    name: str
    title: str
    routes: tuple[Route, ...]
    keys: tuple[str, ...] = ()

    @property
    def keyed(self) -> bool:
        """Whether a write key is of use to it."""
        return any(route.signature is None for route in self.routes)


def to_json(value: Any) -> bytes:
    """Return a value as compact JSON."""
    return msgspec.json.encode(value)
