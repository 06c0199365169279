"""Amplitude: the HTTP API, the batch API, and the forms of the Identify and Group Identify APIs.

The key is `api_key` in the body. `$identify` describes a user, and stays as an event only where
it links a device to a user or an account, where nobody knows yet whom it describes, or where an
operation (`$add`, `$append`, ...) counts on what was there before, which no message tells. An
`$identify` with groups puts the user in them. `$groupidentify` describes accounts.

Source: https://amplitude.com/docs/apis/analytics/http-v2
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from groundswell.clock import SystemClock
from groundswell.connectors.wires.reading import (
    EVERYTHING,
    account_of,
    corrected,
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
    to_json,
)
from groundswell.model import Kind

_COUNTED = ("$add", "$append", "$prepend", "$preInsert", "$postInsert", "$remove")
"""Operations on properties whose outcome depends on what was there before."""

_KEPT = ("platform", "country", "version_name", "user_properties")
"""What stays with an event beside its properties, as in what Amplitude exports."""


class _Body(msgspec.Struct):
    events: list[msgspec.Raw]
    api_key: str | None = None
    client_upload_time: str | None = None


class _Form(msgspec.Struct):
    identification: Annotated[str, msgspec.Meta(extra_json_schema=JSON_TEXT)]
    api_key: str | None = None


class _Event(msgspec.Struct):
    user_id: Any = None
    device_id: Any = None
    event_type: Any = None
    time: Any = None
    insert_id: Any = None
    groups: dict[str, Any] | None = None
    event_properties: dict[str, Any] | None = None
    user_properties: dict[str, Any] | None = None
    group_properties: dict[str, Any] | None = None
    platform: Any = None
    country: Any = None
    version_name: Any = None


class _Group(msgspec.Struct):
    group_type: str
    group_value: Any
    group_properties: dict[str, Any] | None = None


_BODY = msgspec.json.Decoder(_Body)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_EVENT = msgspec.json.Decoder(_Event)
_GROUP = msgspec.json.Decoder(_Group)


def _open(request: Request) -> Envelope:
    body = decode(_BODY, request.body, what="body")
    return Envelope(key=body.api_key, messages=body.events, sent_at=body.client_upload_time)


def _open_form(request: Request) -> Envelope:
    form = form_of(request.body)
    if "identification" not in form:
        raise UnreadableError("The body is no form with an `identification`.")
    said = form["identification"].strip().encode()
    many = said if said.startswith(b"[") else b"[" + said + b"]"
    messages = decode(_LIST, many, what="identification")
    if not messages:
        raise UnreadableError("The `identification` is empty.")
    return Envelope(key=form.get("api_key"), messages=messages)


def _add(message: _Event, envelope: Envelope, context: Context, records: Records) -> None:
    said = _time(message.time)
    at = corrected(said, envelope.sent_at, context.received_at)
    kind = text_of(message.event_type)
    if kind == "$groupidentify":
        if not message.groups:
            raise UnreadableError("A `$groupidentify` needs `groups`.")
        ours = {name for name in message.groups if is_account(name, context.group_type)}
        for name in ours or {next(iter(message.groups))}:
            group = _Group(name, message.groups[name], message.group_properties)
            _add_account(group, at, context, records)
    elif kind == "$identify":
        _add_user(message, at, context, records)
    else:
        _add_event(message, kind, at, said, context, records)
        if message.user_properties:
            _describe(message, at, records)


def _add_identity(message: _Event, _envelope: Envelope, context: Context, records: Records) -> None:
    _add_user(message, to_iso(context.received_at), context, records)


def _add_group(message: _Group, _envelope: Envelope, context: Context, records: Records) -> None:
    _add_account(message, to_iso(context.received_at), context, records)


def _time(value: object) -> str | None:
    return from_epoch(value, per_second=1000) or text_of(value)


def _add_event(
    message: _Event,
    name: str | None,
    at: str | None,
    said: str | None,
    context: Context,
    records: Records,
) -> None:
    kept = {key: value for key in _KEPT if (value := getattr(message, key)) is not None}
    records.add(
        Kind.EVENTS,
        {
            "message_id": text_of(message.insert_id),
            "user_id": text_of(message.user_id),
            "anonymous_id": text_of(message.device_id),
            "account_id": account_of(message.groups, context.group_type),
            "event": name,
            "occurred_at": at,
            "properties": with_original({**kept, **(message.event_properties or {})}, at, said),
        },
    )


def _add_user(message: _Event, at: str | None, context: Context, records: Records) -> None:
    """Add what an `$identify` says: a description, a membership, and who the device is.

    What a description cannot say, and what is said of somebody nobody knows yet, stays an event.
    """
    user, device = text_of(message.user_id), text_of(message.device_id)
    groups = message.groups or {}
    ours = {name: groups[name] for name in groups if is_account(name, context.group_type)}
    account = account_of(ours, context.group_type)
    said = message.user_properties or {}
    kept = {name: said[name] for name in _COUNTED if name in said} if user else said
    if (device and (user or account)) or kept or not user:
        link = {
            "message_id": text_of(message.insert_id),
            "user_id": user,
            "anonymous_id": device,
            "account_id": account,
            "event": "$identify",
            "occurred_at": at,
            "properties": json_of({"user_properties": kept}) if kept else None,
        }
        records.add(Kind.EVENTS, link)
    if user:
        _describe(message, at, records)
        if account:
            records.add(Kind.MEMBERSHIPS, {"user_id": user, "account_id": account, "since": at})


def _describe(message: _Event, at: str | None, records: Records) -> None:
    user = text_of(message.user_id)
    if user:
        said = message.user_properties or {}
        traits, once, gone = _traits(said), _object(said.get("$setOnce")), _gone(said)
        row = described(Kind.USERS, traits, once=once, unset=gone, user_id=user, valid_from=at)
        records.add(Kind.USERS, row)


def _add_account(group: _Group, at: str | None, context: Context, records: Records) -> None:
    if not is_account(group.group_type, context.group_type):
        records.faults += other_group(group.group_type, context.group_type)
        return
    said = group.group_properties or {}
    traits, once, gone = _traits(said), _object(said.get("$setOnce")), _gone(said)
    values = group.group_value if isinstance(group.group_value, list) else [group.group_value]
    if not values:
        raise UnreadableError("It names no group.")
    for value in values:
        account = text_of(value)
        row = described(
            Kind.ACCOUNTS, traits, once=once, unset=gone, account_id=account, valid_from=at
        )
        records.add(Kind.ACCOUNTS, row)
    records.faults += counted(name for name in _COUNTED if name in said)


def _traits(properties: dict[str, Any]) -> dict[str, Any]:
    """Return what is set, whether by an operation or plainly."""
    plain = {name: value for name, value in properties.items() if not name.startswith("$")}
    return {**plain, **_object(properties.get("$set"))}


def _gone(properties: dict[str, Any]) -> list[str]:
    if "$clearAll" in properties:
        return [EVERYTHING]
    return list(_object(properties.get("$unset")))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _accept(request: Request, envelope: Envelope) -> Answer:
    said = {
        "code": 200,
        "events_ingested": len(envelope.messages),
        "payload_size_bytes": len(request.body),
        "server_upload_time": round(SystemClock().now().timestamp() * 1000),
    }
    return Answer(200, to_json(said))


def _refuse(_request: Request, refusal: Refusal) -> Answer:
    said: dict[str, Any] = {"code": refusal.status, "error": refusal.what}
    if refusal.status == 401:
        # The clients try again after any other words.
        said["error"] = f"Invalid API key: {refusal.what}"
    elif refusal.status == 429:
        said["error"] = "Too many requests for some devices and users"
        said["eps_threshold"] = 0
    return Answer(refusal.status, to_json(said))


def _routes() -> tuple[Route, ...]:
    many = Takes(json=(_Body,), key_in="api_key")
    form = Takes(form=_Form, key_in="api_key")
    events = reader(_EVENT, _add)
    users, groups = reader(_EVENT, _add_identity), reader(_GROUP, _add_group)
    return (
        *(
            Route("POST", path, _open, events, _accept, _refuse, many)
            for path in ("/2/httpapi", "/batch")
        ),
        Route("POST", "/identify", _open_form, users, _accept, _refuse, form),
        Route("POST", "/groupidentify", _open_form, groups, _accept, _refuse, form),
    )


WIRES = (Wire("amplitude", "Amplitude", _routes()),)
