"""Mixpanel: events, profiles of users and of groups, and imports, one object or a list of them.

A body is JSON, or a form whose `data` is JSON or base64 of it; a GET has the same form in its
query. The write key is the token that every message carries, or the user name of Basic
authentication, where an import's secret stands.

Of a profile's operations `$set`, `$set_once`, `$unset` and `$delete` say what holds. The others
(`$add`, `$append`, `$union`, `$remove`) change what was there before, which a message does not
tell, and would change it again when it is sent twice: they stay events of that person, of the
operation's name; of an account, where there is no person, they are faults.

Source: https://developer.mixpanel.com/reference/track-event
"""

from __future__ import annotations

import base64
import re
from typing import Annotated, Any

import msgspec

from groundswell.connectors.wires.reading import (
    ACCOUNT_GROUPS,
    EVERYTHING,
    account_of,
    basic_user,
    counted,
    decode,
    described,
    form_of,
    from_epoch,
    is_account,
    json_of,
    other_group,
    reader,
    text_of,
    to_iso,
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

_KEYS = ("token", "$token")
_RESERVED = {"$created": "created_at"}

_COUNTED = ("add", "append", "union", "remove")
"""Operations whose outcome depends on what was there before."""

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
    unset: list[str] | None = None
    delete: Any = msgspec.UNSET
    add: dict[str, Any] | None = None
    append: dict[str, Any] | None = None
    union: dict[str, Any] | None = None
    remove: dict[str, Any] | None = None

    @property
    def states(self) -> bool:
        """Whether an operation says what holds."""
        said = (self.set, self.set_once, self.unset)
        return self.delete is not msgspec.UNSET or any(part is not None for part in said)

    @property
    def counts(self) -> dict[str, dict[str, Any]]:
        """The operations, by name, that change what was there before."""
        found = {f"${name}": getattr(self, name) for name in _COUNTED}
        return {name: said for name, said in found.items() if said is not None}


class _Form(msgspec.Struct):
    data: Annotated[str, msgspec.Meta(extra_json_schema=JSON_TEXT)]
    verbose: str = "0"


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
    user, anonymous = _ids(None, {"distinct_id": profile.distinct_id})
    at = _time(profile.time, context)
    kept = profile.counts
    if user is None and anonymous:  # of somebody nobody knows yet, there are only events
        kept |= _stated(profile)
    elif profile.states:
        set_now, once = _named(_traits(profile.set)), _named(_traits(profile.set_once))
        row = described(
            Kind.USERS, set_now, once=once, unset=_gone(profile), user_id=user, valid_from=at
        )
        records.add(Kind.USERS, row)
    for name, said in kept.items():
        event = {"user_id": user, "anonymous_id": anonymous, "event": name, "occurred_at": at}
        records.add(Kind.EVENTS, {**event, "properties": json_of(said)})
    _check_operations(profile)


def _stated(profile: _Profile) -> dict[str, Any]:
    said = {"$set": profile.set, "$set_once": profile.set_once}
    gone = _gone(profile)
    return {
        **{name: part for name, part in said.items() if part is not None},
        **({"$unset": {"properties": gone}} if gone else {}),
    }


def _add_account(profile: _Profile, envelope: Envelope, context: Context, records: Records) -> None:
    _same_token(profile.token, envelope)
    _check_operations(profile)
    group_key = text_of(profile.group_key)
    if not is_account(group_key or "", context.group_type):
        records.faults += other_group(group_key, context.group_type)
        return
    account, at = text_of(profile.group_id), _time(profile.time, context)
    if profile.states:
        set_now, once = _traits(profile.set), _traits(profile.set_once)
        row = described(
            Kind.ACCOUNTS, set_now, once=once, unset=_gone(profile), account_id=account,
            valid_from=at,
        )  # fmt: skip
        records.add(Kind.ACCOUNTS, row)
    records.faults += counted(profile.counts)


def _check_operations(profile: _Profile) -> None:
    if not profile.states and not profile.counts:
        raise UnreadableError("It has no operation, such as `$set`.")


def _traits(said: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a profile says, by names without `$`."""
    return {_trait(name): value for name, value in (said or {}).items()}


def _trait(name: str) -> str:
    return _RESERVED.get(name, name.removeprefix("$"))


def _gone(profile: _Profile) -> list[str]:
    if profile.delete is not msgspec.UNSET:
        return [EVERYTHING]
    return [_trait(name) for name in profile.unset or ()]


def _named(traits: dict[str, Any]) -> dict[str, Any]:
    """Return a user's traits with the name that its parts come to."""
    names = (text_of(traits.get(name)) for name in ("first_name", "last_name"))
    if "name" not in traits and (name := " ".join(filter(None, names))):
        return {**traits, "name": name}
    return traits


def _blot(request: Request, key: str) -> Request:
    """Return a request whose body is the JSON that its form held: base64 hides a key."""
    if not _is_json(request):
        query = {name: value for name, value in request.query.items() if name != "data"}
        data = _data(request)
        request = Request(request.method, request.path, query, request.headers, data)
    return blotted(request, key)


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
    events = reader(_EVENT, _add_event, keys=_KEYS)
    readers = {
        "/track": events,
        "/engage": reader(_PROFILE, _add_user, keys=_KEYS),
        "/groups": reader(_PROFILE, _add_account, keys=_KEYS),
    }
    body = Takes((dict[str, msgspec.Raw], list[msgspec.Raw]), form=_Form, schemes=("basic",))
    takes = {"POST": body, "GET": Takes(query=_Form, schemes=("basic",))}
    return tuple(
        route
        for method in ("POST", "GET")
        for route in (
            *(
                Route(method, path, _open, read, _accept, _refuse, takes[method], blot=_blot)
                for path, read in readers.items()
            ),
            Route(
                method,
                "/import",
                _open,
                events,
                _accept_import,
                _refuse_import,
                takes[method],
                blot=_blot,
            ),
        )
    )


WIRES = (Wire("mixpanel", "Mixpanel", _routes(), _KEYS),)
