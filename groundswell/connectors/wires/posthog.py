"""PostHog: batches and single events, the browser's and the servers', and the v1 protocol.

The project's key is `api_key` or `token` in the body, `token` in the properties, or a Bearer
token. A distinct id is a user unless it is the browser's own device id or PostHog makes no person
of it. `$identify` and `$create_alias` say that two ids are one person and stay as events, so that
the link has a moment; `$set`, `$set_once` and `$unset` only describe, and stay events where nobody
knows yet whom. `$groupidentify` describes an account.

Source: https://posthog.com/docs/api/capture
"""

from __future__ import annotations

import base64
import binascii
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from groundswell.connectors.wires.reading import (
    account_of,
    bearer,
    corrected,
    decode,
    described,
    form_of,
    from_epoch,
    is_account,
    other_group,
    reader,
    text_of,
    to_iso,
    with_original,
)
from groundswell.connectors.wires.wire import (
    JSON_TEXT,
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
    blotted,
    to_json,
)
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

_T = TypeVar("_T")

_PATHS = (
    *("/batch/", "/batch", "/capture/", "/capture", "/e/", "/e"),
    *("/i/v0/e/", "/i/v0/e", "/i/v0/ai/batch/"),
)
_V1 = "/i/v1/analytics/events"
_LINKS = ("$identify", "$create_alias", "$merge_dangerously")
_DESCRIPTIONS = ("$set", "$set_once", "$unset")
_KEYS = ("api_key", "token")
_TAKEN = ("token", "distinct_id", *_DESCRIPTIONS)


class _Properties(msgspec.Struct):
    token: str | None = None


class _Keyed(msgspec.Struct):
    api_key: str | None = None
    token: str | None = None
    properties: _Properties | None = None


class _Body(_Keyed):
    batch: list[msgspec.Raw] | None = None
    event: Any = None
    sent_at: str | None = None


class _FormBody(msgspec.Struct):
    data: Annotated[str, msgspec.Meta(extra_json_schema=JSON_TEXT)]


class _V1Body(msgspec.Struct):
    batch: list[msgspec.Raw]


class _Identified(msgspec.Struct):
    uuid: str


class _Options(msgspec.Struct):
    process_person_profile: Any = None
    disable_skew_correction: Any = None


class _Event(
    msgspec.Struct, rename={"traits": "$set", "first_traits": "$set_once", "gone": "$unset"}
):
    event: Any = None
    distinct_id: Any = None
    uuid: Any = None
    timestamp: str | None = None
    offset: float | None = None
    properties: dict[str, Any] | None = None
    options: _Options | None = None
    traits: dict[str, Any] | None = None
    first_traits: dict[str, Any] | None = None
    gone: list[str] | None = None


_BODY = msgspec.json.Decoder(_Body)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_KEYED = msgspec.json.Decoder(_Keyed)
_V1_BODY = msgspec.json.Decoder(_V1Body)
_IDENTIFIED = msgspec.json.Decoder(_Identified)
_EVENT = msgspec.json.Decoder(_Event)


def _open(request: Request) -> Envelope:
    body = _unwrapped(request.body)
    sent_at = from_epoch(request.query.get("_"), per_second=1000)
    if body.lstrip()[:1] == b"[":
        messages = decode(_LIST, body, what="body")
        key = bearer(request) or _shared_key(messages)
        return Envelope(key=key, messages=messages, sent_at=sent_at)
    found = decode(_BODY, body, what="body")
    if found.batch is None and found.event is None:
        raise UnreadableError("The body has neither a `batch` nor an `event`.")
    key = _key_of(found) or bearer(request) or _shared_key(found.batch or [])
    messages = [body] if found.batch is None else found.batch
    return Envelope(key=key, messages=messages, sent_at=found.sent_at or sent_at)


def _open_v1(request: Request) -> Envelope:
    body = decode(_V1_BODY, request.body, what="body")
    return Envelope(
        key=bearer(request),
        messages=body.batch,
        sent_at=request.headers.get("posthog-request-timestamp"),
        ids=tuple(found.uuid for found in _decodable(_IDENTIFIED, body.batch)),
    )


def _unwrapped(body: bytes) -> bytes:
    """Return the JSON of a body; `data=` of a form holds it as it is or in Base64."""
    if body.lstrip()[:1] in (b"{", b"["):
        return body
    data = form_of(body).get("data")
    if data is None:
        return body
    if data[:1] in ("{", "["):
        return data.encode()
    try:
        return base64.b64decode(data.replace(" ", "+"), validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableError("The form's `data` is neither JSON nor Base64.") from None


def _key_of(found: _Keyed) -> str | None:
    inner = found.properties.token if found.properties else None
    return found.api_key or found.token or inner


def _shared_key(messages: Iterable[bytes | msgspec.Raw]) -> str | None:
    keys = {_key_of(found) for found in _decodable(_KEYED, messages)} - {None}
    if len(keys) > 1:
        raise UnreadableError("The events name different keys.")
    return keys.pop() if keys else None


def _decodable(
    decoder: msgspec.json.Decoder[_T], messages: Iterable[bytes | msgspec.Raw]
) -> Iterator[_T]:
    """Yield the messages that can be decoded; reading makes faults of the others."""
    for message in messages:
        try:
            yield decode(decoder, message, what="message")
        except UnreadableError:
            continue


def _add(message: _Event, envelope: Envelope, context: Context, records: Records) -> None:
    properties = message.properties or {}
    name = text_of(message.event)
    said, at = _times(message, properties, envelope, context.received_at)
    user, anonymous = _who(name, message, properties)
    if name == "$groupidentify":
        _add_account(user, properties, at, context, records)
        return
    told = _descriptions(message, properties)
    describes = user is not None and (
        any(told.values()) or name == "$identify" or name in _DESCRIPTIONS
    )
    if describes:
        row = described(
            Kind.USERS,
            told["$set"],
            once=told["$set_once"],
            unset=told["$unset"],
            user_id=user,
            valid_from=at,
        )
        records.add(Kind.USERS, row)
    if name in _LINKS and not (user and anonymous):
        if not describes:
            raise UnreadableError(f"`{name}` needs two ids that differ.")
        return
    if name in _DESCRIPTIONS and describes:
        return
    rest = {key: value for key, value in properties.items() if key not in _TAKEN}
    if not describes:  # what is said of somebody nobody knows yet stays with the event
        rest |= {key: value for key, value in told.items() if value}
    records.add(
        Kind.EVENTS,
        {
            "message_id": text_of(message.uuid),
            "user_id": user,
            "anonymous_id": anonymous,
            "account_id": account_of(properties.get("$groups"), context.group_type),
            "event": name,
            "occurred_at": at,
            "properties": with_original(rest, at, said),
        },
    )


def _descriptions(message: _Event, properties: dict[str, Any]) -> dict[str, Any]:
    """Return what the message says of the person, by `$set`, `$set_once` and `$unset`."""
    gone = properties.get("$unset")
    names = [name for name in gone if isinstance(name, str)] if isinstance(gone, list) else []
    return {
        "$set": {**_object(properties.get("$set")), **(message.traits or {})},
        "$set_once": {**_object(properties.get("$set_once")), **(message.first_traits or {})},
        "$unset": [*names, *(message.gone or ())],
    }


def _times(
    message: _Event, properties: dict[str, Any], envelope: Envelope, received_at: datetime
) -> tuple[str | None, str | None]:
    """Return when it happened, as its sender says and as we take it."""
    options = message.options or _Options()
    said, sent_at = message.timestamp, envelope.sent_at
    if said is None and message.offset is not None:
        happened = to_iso(received_at - timedelta(milliseconds=message.offset))
        return None, happened
    if properties.get("$ignore_sent_at") is True or options.disable_skew_correction is True:
        sent_at = None
    return said, corrected(said, sent_at, received_at)


def _who(
    name: str | None, message: _Event, properties: dict[str, Any]
) -> tuple[str | None, str | None]:
    """Return the user and the anonymous id."""
    distinct = text_of(message.distinct_id) or text_of(properties.get("distinct_id"))
    device = text_of(properties.get("$device_id"))
    if name in _LINKS:
        other = text_of(properties.get("$anon_distinct_id" if name == "$identify" else "alias"))
        anonymous = other or device
        return distinct, None if anonymous == distinct else anonymous
    options = message.options or _Options()
    no_person = (
        options.process_person_profile is False
        or properties.get("$process_person_profile") is False
        or properties.get("$is_identified") is False
    )
    if no_person or distinct is None or distinct == device:
        return None, distinct or device
    return distinct, device


def _add_account(
    user: str | None,
    properties: dict[str, Any],
    at: str | None,
    context: Context,
    records: Records,
) -> None:
    kind = text_of(properties.get("$group_type"))
    account = text_of(properties.get("$group_key"))
    if kind is None or account is None:
        raise UnreadableError("A `$groupidentify` needs `$group_type` and `$group_key`.")
    if not is_account(kind, context.group_type):
        records.faults += other_group(kind, context.group_type)
        return
    traits = _object(properties.get("$group_set"))
    records.add(Kind.ACCOUNTS, described(Kind.ACCOUNTS, traits, account_id=account, valid_from=at))
    if user and not _made_up(user, properties):
        records.add(Kind.MEMBERSHIPS, {"user_id": user, "account_id": account, "since": at})


def _made_up(user: str, properties: dict[str, Any]) -> bool:
    """Tell whether a server's library, told of no user, sent a distinct id of its own making."""
    if "$device_id" in properties:
        return False
    if user.startswith("$"):
        return True
    try:
        return uuid.UUID(user).version == 4
    except ValueError:
        return False


def _blot(request: Request, key: str) -> Request:
    """Return a request whose body is the JSON that its form held: base64 hides a key."""
    body = _unwrapped(request.body)
    return blotted(Request(request.method, request.path, request.query, request.headers, body), key)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _accept(_request: Request, _envelope: Envelope) -> Answer:
    return Answer(200, b'{"status":1}')


def _accept_v1(_request: Request, envelope: Envelope) -> Answer:
    return Answer(200, to_json({"results": {name: {"result": "ok"} for name in envelope.ids}}))


def _refuse(_request: Request, refusal: Refusal) -> Answer:
    return Answer(refusal.status, to_json({"code": refusal.status, "detail": refusal.what}))


_READ = reader(_EVENT, _add, keys=_KEYS)
_TAKES = Takes(
    json=(_Body, list[msgspec.Raw]),
    form=_FormBody,
    needs=("batch", "event"),
    schemes=("bearer",),
    key_in="api_key",
)
_TAKES_V1 = Takes(json=(_V1Body,), schemes=("bearer",))

WIRES = (
    Wire(
        "posthog",
        "PostHog",
        (
            *(
                Route("POST", path, _open, _READ, _accept, _refuse, _TAKES, blot=_blot)
                for path in _PATHS
            ),
            Route("POST", _V1, _open_v1, _READ, _accept_v1, _refuse, _TAKES_V1),
        ),
        _KEYS,
    ),
)
