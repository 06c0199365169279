"""Heap: server-side calls that track, describe users and accounts, and identify.

`app_id` is the key. `identity` is the user and `user_id` is Heap's own number of a visitor. Heap
knows an account by a property, here `account_id` or the one that `group_type` names.

Source: https://developers.heap.io/reference/server-side-apis-overview
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from groundswell.connectors.wires.reading import (
    corrected,
    decode,
    described,
    from_epoch,
    json_of,
    reader,
    text_of,
    to_iso,
)
from groundswell.connectors.wires.wire import (
    Answer,
    Context,
    Envelope,
    Records,
    Refusal,
    Request,
    Route,
    Takes,
    UnreadableError,
    Wire,
    to_json,
)
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable


class _Body(msgspec.Struct):
    app_id: str | int | None = None
    events: list[msgspec.Raw] | None = None
    users: list[msgspec.Raw] | None = None
    accounts: list[msgspec.Raw] | None = None


class _Message(msgspec.Struct):
    identity: Any = None
    user_id: Any = None
    account_id: Any = None
    event: Any = None
    timestamp: Any = None
    idempotency_key: Any = None
    properties: dict[str, Any] | None = None


_BODY = msgspec.json.Decoder(_Body)
_MESSAGE = msgspec.json.Decoder(_Message)


def _open(request: Request) -> Envelope:
    body = decode(_BODY, request.body, what="body")
    many = next((m for m in (body.events, body.users, body.accounts) if m is not None), None)
    messages = [request.body] if many is None else many
    return Envelope(key=text_of(body.app_id), messages=messages)


def _track(message: _Message, _envelope: Envelope, context: Context, records: Records) -> None:
    said = from_epoch(message.timestamp, per_second=1000) or text_of(message.timestamp)
    _add_event(
        message,
        text_of(message.event),
        corrected(said, None, context.received_at),
        text_of((message.properties or {}).get(context.group_type or "account_id")),
        records,
    )


def _identify(message: _Message, _envelope: Envelope, context: Context, records: Records) -> None:
    if text_of(message.identity) is None or text_of(message.user_id) is None:
        raise UnreadableError("To identify takes an `identity` and a `user_id`.")
    _add_event(message, "Identify", to_iso(context.received_at), None, records)


def _add_event(
    message: _Message, name: str | None, at: str | None, account: str | None, records: Records
) -> None:
    records.add(
        Kind.EVENTS,
        {
            "message_id": text_of(message.idempotency_key),
            "user_id": text_of(message.identity),
            "anonymous_id": text_of(message.user_id),
            "account_id": account,
            "event": name,
            "occurred_at": at,
            "properties": json_of(message.properties),
        },
    )


def _describe_user(
    message: _Message, _envelope: Envelope, context: Context, records: Records
) -> None:
    user, at = text_of(message.identity), to_iso(context.received_at)
    traits = message.properties or {}
    account = text_of(traits.get(context.group_type or "account_id"))
    if user is None:  # of a visitor that nobody knows yet, there are only events
        _add_event(message, "Identify", at, account, records)
        return
    records.add(Kind.USERS, described(Kind.USERS, traits, user_id=user, valid_from=at))
    if account:
        records.add(Kind.MEMBERSHIPS, {"user_id": user, "account_id": account, "since": at})


def _describe_account(
    message: _Message, _envelope: Envelope, context: Context, records: Records
) -> None:
    account, at = text_of(message.account_id), to_iso(context.received_at)
    row = described(Kind.ACCOUNTS, message.properties, account_id=account, valid_from=at)
    records.add(Kind.ACCOUNTS, row)


def _accept(_request: Request, _envelope: Envelope) -> Answer:
    return Answer(200, b"{}")


def _refuse(_request: Request, refusal: Refusal) -> Answer:
    return Answer(refusal.status, to_json({"error": refusal.what}))


def _route(path: str, add: Callable[[_Message, Envelope, Context, Records], None]) -> Route:
    takes = Takes(json=(_Body,), key_in="app_id")
    return Route("POST", path, _open, reader(_MESSAGE, add), _accept, _refuse, takes)


WIRES = (
    Wire(
        "heap",
        "Heap",
        (
            _route("/api/track", _track),
            _route("/api/identify", _identify),
            _route("/api/add_user_properties", _describe_user),
            _route("/api/add_account_properties", _describe_account),
        ),
    ),
)
