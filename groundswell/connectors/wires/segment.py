"""Segment and RudderStack: batches and single calls of track, identify, group, page, alias.

What a client library sends, and what Segment forwards as a webhook. The write key is the user name
of Basic authentication, or `writeKey` in the body; a webhook is signed instead. A call that names
both a user and an anonymous id says that they are one person: what would otherwise leave no event
is kept as an event `Identify` or `Alias`, so that the link has a moment.

Source: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
    https://segment.com/docs/connections/destinations/catalog/webhooks/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from groundswell.connectors.wires.reading import (
    basic_user,
    corrected,
    decode,
    described,
    reader,
    text_of,
    with_original,
)
from groundswell.connectors.wires.signing import Query, is_signed
from groundswell.connectors.wires.wire import (
    Answer,
    Context,
    Envelope,
    Records,
    Refusal,
    Request,
    Route,
    Signature,
    Takes,
    UnreadableError,
    UnsignedError,
    Wire,
    to_json,
)
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

_KEYS = ("writeKey",)
_CALLS = ("track", "identify", "group", "page", "screen", "alias")


class _Batch(msgspec.Struct, rename="camel"):
    batch: list[msgspec.Raw]
    sent_at: str | None = None
    write_key: str | None = None


class _Single(msgspec.Struct, rename="camel"):
    sent_at: str | None = None
    write_key: str | None = None


class _Context(msgspec.Struct, rename="camel"):
    group_id: Any = None
    traits: Any = None


class _Call(msgspec.Struct, rename="camel"):
    type: str | None = None
    message_id: Any = None
    user_id: Any = None
    anonymous_id: Any = None
    previous_id: Any = None
    group_id: Any = None
    event: Any = None
    name: Any = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: _Context | None = None


_BATCH = msgspec.json.Decoder(_Batch)
_SINGLE = msgspec.json.Decoder(_Single)
_CALL = msgspec.json.Decoder(_Call)
_CALLS_OF_A_HOOK = msgspec.json.Decoder(list[msgspec.Raw] | _Single)


def _open_batch(request: Request) -> Envelope:
    body = decode(_BATCH, request.body, what="body")
    key = basic_user(request) or body.write_key
    return Envelope(key=key, messages=body.batch, sent_at=body.sent_at)


def _open_single(request: Request) -> Envelope:
    body = decode(_SINGLE, request.body, what="body")
    key = basic_user(request) or body.write_key
    return Envelope(key=key, messages=[request.body], sent_at=body.sent_at)


def _open_webhook(request: Request) -> Envelope:
    """Open one call, or a list of them.

    What is signed is Segment's word: what cannot be read is kept, to be quarantined.
    """
    if not request.body.strip():
        raise UnreadableError("The body is empty.")
    try:
        opened = decode(_CALLS_OF_A_HOOK, request.body, what="body")
    except UnreadableError:
        return Envelope(key=None, messages=[request.body])
    if isinstance(opened, list):
        return Envelope(key=None, messages=opened)
    try:
        batch = decode(_BATCH, request.body, what="body")
    except UnreadableError:
        return Envelope(key=None, messages=[request.body], sent_at=opened.sent_at)
    return Envelope(key=None, messages=batch.batch, sent_at=batch.sent_at)


def _check_signature(request: Request, secrets: Sequence[str], _now: datetime) -> None:
    """Check `X-Signature`: hexadecimal HMAC-SHA1 of the body."""
    given = request.headers.get("x-signature", "").strip().lower()
    if not given:
        what = "There is no `X-Signature`; give the destination in Segment a shared secret."
        raise UnsignedError(what)
    if is_signed(request.body, [given], secrets, algorithm="sha1"):
        return
    if is_signed(_first(request.body), [given], secrets, algorithm="sha1"):
        what = "The signature covers the first message of the batch alone, so that the others "
        what += "could be anyone's: switch batching off in the settings of the destination."
        raise UnsignedError(what)
    raise UnsignedError(
        "`X-Signature` does not fit the body: another secret signed it, or it was changed."
    )


def _first(body: bytes) -> bytes:
    """Return the first message of a list, which is all that Segment signs of one."""
    try:
        opened = _CALLS_OF_A_HOOK.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b""
    return bytes(opened[0]) if isinstance(opened, list) and opened else b""


def _reader(of: str | None) -> Callable[[Envelope, Context, Records], None]:
    """Return how to read calls that are all `of` one type, or that say theirs."""

    def add(call: _Call, envelope: Envelope, context: Context, records: Records) -> None:
        kind = of or call.type
        if kind not in _CALLS:
            what = f"`type` is {kind!r}; it has to be one of {', '.join(_CALLS)}."
            raise UnreadableError(what)
        _add(kind, call, envelope.sent_at or call.sent_at, context, records)

    return reader(_CALL, add, keys=_KEYS)


def _add(kind: str, call: _Call, sent_at: str | None, context: Context, records: Records) -> None:
    said = call.timestamp or call.original_timestamp
    # Beside the time by the client's clock, `timestamp` is the program's word, or was put right.
    is_settled = call.timestamp is not None and call.original_timestamp is not None
    at = corrected(said, None if is_settled else sent_at, context.received_at)
    user = text_of(call.user_id)
    anonymous = text_of(call.previous_id if kind == "alias" else call.anonymous_id)
    around = call.context or _Context()

    def event(name: str | None, properties: dict[str, Any] | None) -> None:
        records.add(
            Kind.EVENTS,
            {
                "message_id": text_of(call.message_id),
                "user_id": user,
                "anonymous_id": anonymous,
                "account_id": text_of(call.group_id if kind == "group" else around.group_id),
                "event": name,
                "occurred_at": at,
                "properties": with_original(properties, at, said),
            },
        )

    if kind == "track":
        event(text_of(call.event), call.properties)
    elif kind in ("page", "screen"):
        named = {"name": call.name} if call.name is not None else {}
        event(kind.capitalize(), {**named, **(call.properties or {})})
    elif kind == "group":
        _group(call, user, anonymous, at, records)
    elif kind == "identify":
        traits = call.traits or (around.traits if isinstance(around.traits, dict) else None)
        if user:
            records.add(Kind.USERS, described(Kind.USERS, traits, user_id=user, valid_from=at))
        if anonymous or not user:  # of somebody nobody knows yet, there are only events
            event("Identify", None if user else traits)
    elif user and anonymous:
        event("Alias", None)
    else:
        raise UnreadableError("An alias needs a `userId` and a `previousId`.")


def _group(
    call: _Call, user: str | None, anonymous: str | None, at: str | None, records: Records
) -> None:
    account = text_of(call.group_id)
    traits = call.traits
    records.add(Kind.ACCOUNTS, described(Kind.ACCOUNTS, traits, account_id=account, valid_from=at))
    if user:
        member = {"user_id": user, "account_id": account, "since": at}
        records.add(Kind.MEMBERSHIPS, member)
    elif anonymous:
        records.add(
            Kind.EVENTS,
            {
                "message_id": text_of(call.message_id),
                "anonymous_id": anonymous,
                "account_id": account,
                "event": "Group",
                "occurred_at": at,
            },
        )


def _accept(_request: Request, _envelope: Envelope) -> Answer:
    return Answer(200, b'{"success":true}')


def _refuse(_request: Request, refusal: Refusal) -> Answer:
    # RudderStack's client takes an error without both of `code` and `message` for a broken line.
    said = {"success": False, "code": str(refusal.status), "message": refusal.what}
    return Answer(refusal.status, to_json(said))


def _routes() -> tuple[Route, ...]:
    many, one = (
        Takes(json=(form,), schemes=("basic",), key_in="writeKey") for form in (_Batch, _Single)
    )
    batches = [
        Route("POST", path, _open_batch, _reader(None), _accept, _refuse, many)
        for path in ("/v1/batch", "/v1/import")
    ]
    singles = [
        Route("POST", f"/v1/{call}", _open_single, _reader(call), _accept, _refuse, one)
        for call in _CALLS
    ]
    return (*batches, *singles)


_WEBHOOK = Route(
    "POST",
    "/v1/webhooks/segment",
    _open_webhook,
    _reader(None),
    _accept,
    _refuse,
    Takes(json=(dict[str, msgspec.Raw], list[msgspec.Raw]), query=Query),
    Signature("x-signature", 401, _check_signature),
)

WIRES = (
    Wire("segment", "Segment", (*_routes(), _WEBHOOK), _KEYS),
    Wire("rudderstack", "RudderStack", _routes(), _KEYS),
)
