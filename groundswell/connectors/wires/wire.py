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
    """

    key: str | None
    messages: Sequence[bytes | msgspec.Raw]
    sent_at: str | None = None
    ids: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Fault:
    """A message that cannot become records.

    Attributes:
        raw: The message, without its write key.
        code: The reason's short name.
        what: The reason in words.
        fix: How to mend it.
    """

    raw: str
    code: str
    what: str
    fix: str


@dataclass(slots=True)
class Records:
    """What the messages of some requests came to, by kind, in their order."""

    rows: dict[Kind, list[Row]] = field(default_factory=dict[Kind, list[Row]])
    faults: list[Fault] = field(default_factory=list[Fault])

    def add(self, kind: Kind, row: Row) -> None:
        """Add one record."""
        self.rows.setdefault(kind, []).append(row)


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
class Route:
    """One endpoint.

    Attributes:
        method: `POST` or `GET`.
        path: The path, exactly.
        open: Opens a body; raises `UnreadableError`.
        read: Turns the messages of an envelope into records.
        accept: The answer once the body is kept.
        refuse: The answer when it is not.
    """

    method: str
    path: str
    open: Callable[[Request], Envelope]
    read: Callable[[Envelope, Context, Records], None]
    accept: Callable[[Request, Envelope], Answer]
    refuse: Callable[[Request, Refusal], Answer]


@dataclass(frozen=True, slots=True)
class Wire:
    """A system whose client libraries can send to Groundswell: what `keys create --source` names.

    Attributes:
        name: Such as `segment`.
        title: In words.
        routes: Its endpoints.
    """

    name: str
    title: str
    routes: tuple[Route, ...]


def to_json(value: Any) -> bytes:
    """Return a value as compact JSON."""
    return msgspec.json.encode(value)
