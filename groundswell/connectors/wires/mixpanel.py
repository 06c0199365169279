"""Mixpanel: events, profiles of users and of groups, and imports, one object or a list of them.

A body is JSON, or a form whose `data` is JSON or base64 of it; a GET has the same form in its
query. The write key is the token that every message carries, or the user name of Basic
authentication, where an import's secret stands.

Of a profile's operations `$set` and `$set_once` say what holds. The others (`$add`, `$append`,
`$union`, `$remove`, `$unset`, `$delete`) change what was there before, which a message does not
tell: they are taken, and leave no record.

Source: https://developer.mixpanel.com/reference/track-event
"""

from __future__ import annotations

import base64
import re
from typing import Any

import msgspec

from groundswell.connectors.wires.reading import (
    ACCOUNT_GROUPS,
    account_of,
    basic_user,
    decode,
    described,
    form_of,
    from_epoch,
    is_account,
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
    UnreadableError,
    Wire,
    to_json,
)
from groundswell.model import Kind

_ANONYMOUS = "$device:"
"""Begins the distinct id of someone whom Mixpanel cannot name yet; the device id follows."""

_LEAST_MILLISECONDS = 1e11
"""A time above this counts milliseconds: in seconds it would be the year 5138."""

_IDS = (("$user_id", "distinct_id"), ("$device_id", "distinct_id"))
_LINKING_IDS = {
    "$identify": (
        ("$identified_id", "$user_id", "distinct_id"),
        ("$anon_id", "$anon_distinct_id", "$device_id"),
    ),
    "$create_alias": (("alias",), ("distinct_id",)),
}
"""Where an event names the user, and the anonymous id."""

_RESERVED = {"$created": "created_at"}

_VERBOSE = re.compile(rb"(?:^|&)verbose=1(?:&|$)")


class _TokenProperty(msgspec.Struct):
    token: str | None = None


class _Keyed(msgspec.Struct, rename={"token": "$token"}):
    token: str | None = None
    properties: _TokenProperty | None = None


class _Event(msgspec.Struct):
    event: Any = None
    properties: dict[str, Any] | None = None


class _Profile(msgspec.Struct, rename=lambda name: f"${name}"):
    token: Any = None
    distinct_id: Any = None
    group_key: Any = None
    group_id: Any = None
    time: Any = None
    set: dict[str, Any] | None = None
    set_once: dict[str, Any] | None = None


_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_KEYED = msgspec.json.Decoder(_Keyed)
_EVENT = msgspec.json.Decoder(_Event)
_PROFILE = msgspec.json.Decoder(_Profile)


def _open(request: Request) -> Envelope:
    data = _data(request)
    messages: list[bytes | msgspec.Raw] = [data]
    if data.startswith(b"["):
        messages = [*decode(_LIST, data, what="body")]
    else:
        decode(_OBJECT, data, what="body")
    tokens = (_token(message) for message in messages)
    key = next((token for token in tokens if token), None)
    return Envelope(key=key or basic_user(request), messages=messages)


def _data(request: Request) -> bytes:
    """Return the JSON that a request carries."""
    if _is_json(request):
        return request.body.strip()
    text = (form_of(request.body) or request.query).get("data", "").strip()
    if text.startswith(("{", "[")):
        return text.encode()
    try:
        # The Node client does not escape the `+` of its base64, which in a form is a space.
        data = base64.b64decode(text.replace(" ", "+"), validate=True).strip()
    except ValueError:
        raise UnreadableError("`data` is neither JSON nor base64.") from None
    if not data:
        raise UnreadableError("There is no `data`.")
    return data


def _is_json(request: Request) -> bool:
    return request.body.lstrip()[:1] in (b"{", b"[")


def _token(raw: bytes | msgspec.Raw) -> str | None:
    try:
        message = decode(_KEYED, raw, what="message")
    except UnreadableError:
        return None
    return message.token or (message.properties.token if message.properties else None)


def _same_token(token: object, envelope: Envelope) -> None:
    if isinstance(token, str) and token != envelope.key:
        raise UnreadableError("Its token is another than that of the request.")


def _add_event(message: _Event, envelope: Envelope, context: Context, records: Records) -> None:
    properties = message.properties or {}
    _same_token(properties.pop("token", None), envelope)
    event = text_of(message.event)
    user, anonymous = _ids(event, properties)
    records.add(
        Kind.EVENTS,
        {
            "message_id": _first(properties, "$insert_id"),
            "user_id": user,
            "anonymous_id": anonymous,
            "account_id": _account(properties, context.group_type),
            "event": event,
            "occurred_at": _time(properties.get("time"), context),
            "properties": json_of(properties),
        },
    )


def _ids(event: str | None, properties: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the user and the anonymous id, by the rules by which an export is read."""
    of_user, of_anonymous = _LINKING_IDS.get(event or "", _IDS)
    user, anonymous = _first(properties, *of_user), _first(properties, *of_anonymous)
    if user and (user.startswith(_ANONYMOUS) or user == _first(properties, "$device_id")):
        user = None
    return user, anonymous.removeprefix(_ANONYMOUS) if anonymous else None


def _first(properties: dict[str, Any], *names: str) -> str | None:
    texts = (text_of(properties.get(name)) for name in names)
    return next((text for text in texts if text is not None), None)


def _account(properties: dict[str, Any], group_type: str | None) -> str | None:
    """Return the account that a property names: groups are properties of the event."""
    if group_type is not None:
        return account_of(properties, group_type)
    groups = {name: properties[name] for name in ACCOUNT_GROUPS if properties.get(name)}
    return account_of(groups, None)


def _time(value: Any, context: Context) -> str | None:
    """Return seconds or milliseconds since 1970 in ISO 8601; what is no such number stands."""
    if value is None:
        return to_iso(context.received_at)
    try:
        per_second = 1000 if float(value) > _LEAST_MILLISECONDS else 1
    except (TypeError, ValueError, OverflowError):
        return text_of(value)
    return from_epoch(value, per_second=per_second) or text_of(value)


def _add_user(profile: _Profile, envelope: Envelope, context: Context, records: Records) -> None:
    _same_token(profile.token, envelope)
    traits = _traits(profile)
    if traits is None:
        return
    names = (text_of(traits.get(name)) for name in ("first_name", "last_name"))
    if "name" not in traits and (name := " ".join(filter(None, names))):
        traits["name"] = name
    user = _ids(None, {"distinct_id": profile.distinct_id})[0]
    at = _time(profile.time, context)
    records.add(Kind.USERS, described(Kind.USERS, traits, user_id=user, valid_from=at))


def _add_account(profile: _Profile, envelope: Envelope, context: Context, records: Records) -> None:
    _same_token(profile.token, envelope)
    traits = _traits(profile)
    if traits is None or not is_account(text_of(profile.group_key) or "", context.group_type):
        return
    account, at = text_of(profile.group_id), _time(profile.time, context)
    records.add(Kind.ACCOUNTS, described(Kind.ACCOUNTS, traits, account_id=account, valid_from=at))


def _traits(profile: _Profile) -> dict[str, Any] | None:
    """Return what a profile says, by names without `$`; null where it says nothing."""
    if profile.set is None and profile.set_once is None:
        return None
    said = {**(profile.set_once or {}), **(profile.set or {})}
    return {_RESERVED.get(name, name.removeprefix("$")): value for name, value in said.items()}


def _accept(request: Request, _envelope: Envelope) -> Answer:
    return Answer(200, b'{"status":1,"error":null}' if _is_verbose(request) else b"1")


def _refuse(request: Request, refusal: Refusal) -> Answer:
    said = to_json({"status": 0, "error": refusal.what})
    return Answer(refusal.status, said if _is_verbose(request) else b"0")


def _is_verbose(request: Request) -> bool:
    if request.query.get("verbose") == "1":
        return True
    return not _is_json(request) and _VERBOSE.search(request.body) is not None


def _accept_import(request: Request, envelope: Envelope) -> Answer:
    # The clients send forms, also to import, and ask of the answer what they ask of `/track`.
    if not _is_json(request):
        return _accept(request, envelope)
    said = {"code": 200, "num_records_imported": len(envelope.messages), "status": "OK"}
    return Answer(200, to_json(said))


def _refuse_import(request: Request, refusal: Refusal) -> Answer:
    if not _is_json(request):
        return _refuse(request, refusal)
    said = {"code": refusal.status, "error": refusal.what, "status": 0}
    return Answer(refusal.status, to_json(said))


def _routes() -> tuple[Route, ...]:
    events = reader(_EVENT, _add_event)
    readers = {
        "/track": events,
        "/engage": reader(_PROFILE, _add_user),
        "/groups": reader(_PROFILE, _add_account),
    }
    return tuple(
        route
        for method in ("POST", "GET")
        for route in (
            *(Route(method, path, _open, read, _accept, _refuse) for path, read in readers.items()),
            Route(method, "/import", _open, events, _accept_import, _refuse_import),
        )
    )


WIRES = (Wire("mixpanel", "Mixpanel", _routes()),)
