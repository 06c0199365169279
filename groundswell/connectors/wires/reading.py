"""What reading messages of any wire needs: bodies, ids, times, groups, traits."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from groundswell.config.columns import COLUMNS
from groundswell.connectors.wires.blotting import without_key
from groundswell.connectors.wires.wire import Fault, Records, Row, UnreadableError
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from groundswell.connectors.wires.wire import Context, Envelope, Request

T = TypeVar("T")

ACCOUNT_GROUPS = (
    *("company", "account", "organization", "organisation", "workspace", "team"),
    *("company_id", "account_id", "organization_id", "organisation_id", "workspace_id", "team_id"),
)
"""Kinds of group that are an account, the likeliest first, where nobody says which is."""

CLOCK_SKEW = timedelta(seconds=1)
"""A client's clock that is off by less is taken at its word."""

ORIGINAL_TIMESTAMP = "original_timestamp"
"""The property that keeps a time which was corrected."""


def decode(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, *, what: str) -> T:
    """Return a body as the decoder's type.

    Raises:
        UnreadableError: It is no JSON, or not of that form.
    """
    try:
        try:
            return decoder.decode(body)
        except msgspec.DecodeError:
            finite = _without_nan(bytes(body))
            if finite is None:
                raise
            return decoder.decode(finite)
    except msgspec.ValidationError as error:
        raise UnreadableError(f"The {what} has another form: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableError(f"The {what} is no JSON: {error}.") from None
    except RecursionError:
        raise UnreadableError(f"The {what} is nested too deeply.") from None


def _without_nan(body: bytes) -> bytes | None:
    """Return a body whose numbers that are none became null; Python's clients write them so."""
    if b"NaN" not in body and b"Infinity" not in body:
        return None
    try:
        return msgspec.json.encode(json.loads(body, parse_constant=lambda _: None))
    except ValueError:
        return None


def basic_user(request: Request) -> str | None:
    """Return the user name of Basic authentication, which is where write keys stand."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(token, validate=True).decode().partition(":")[0] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


def bearer(request: Request) -> str | None:
    """Return the token of Bearer authentication."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def text_of(value: object) -> str | None:
    """Return an id or a trait as text; null for nothing, JSON for what nests.

    >>> text_of(7), text_of(" a "), text_of(""), text_of([1])
    ('7', 'a', None, '[1]')
    """
    if value is None:
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return msgspec.json.encode(value).decode()


def json_of(value: Mapping[str, Any] | None) -> str | None:
    """Return properties as JSON text; null for none."""
    return msgspec.json.encode(value).decode() if value else None


def account_of(groups: object, group_type: str | None) -> str | None:
    """Return the account among the groups of a message: `{"company": "acme"}` is acme.

    Of several ids of one kind the first counts. Where nobody says which kind is the account, it
    is the only one, or the first of `ACCOUNT_GROUPS`.
    """
    if not isinstance(groups, dict) or not groups:
        return None
    if group_type is not None:
        chosen = groups.get(group_type)
    elif len(groups) == 1:
        (chosen,) = groups.values()
    else:
        chosen = next((groups[name] for name in ACCOUNT_GROUPS if name in groups), None)
    if isinstance(chosen, list):
        chosen = chosen[0] if chosen else None
    return text_of(chosen)


def is_account(kind_of_group: str, group_type: str | None) -> bool:
    """Tell whether groups of this kind are accounts."""
    return kind_of_group == group_type if group_type else kind_of_group in ACCOUNT_GROUPS


def instant(text: object) -> datetime | None:
    """Return an ISO 8601 time with an offset as an aware instant; null if it is none.

    >>> instant("2026-01-05T08:00:00.5Z").isoformat()
    '2026-01-05T08:00:00.500000+00:00'
    """
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def from_epoch(value: object, *, per_second: int) -> str | None:
    """Return a number of seconds, milliseconds, ... since 1970 in ISO 8601; null if it is none."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return to_iso(_EPOCH + timedelta(microseconds=round(value * (1_000_000 // per_second))))
    except (OverflowError, ValueError):
        return None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_iso(moment: datetime) -> str:
    """Return an instant in ISO 8601, in UTC."""
    return moment.astimezone(UTC).isoformat()


# One time for all messages of a request.
_sent = lru_cache(maxsize=256)(instant)
_arrived = lru_cache(maxsize=256)(to_iso)


def corrected(timestamp: str | None, sent_at: str | None, received_at: datetime) -> str | None:
    """Return a client's time by our clock: it was sent at `sent_at` and came at `received_at`.

    A client whose clock runs ahead says so by the time it sent at. Without `sent_at`, or with a
    time that cannot be read, what stands there stands; without a time, it happened on arrival.

    Source: https://segment.com/docs/connections/spec/common/#timestamps
    """
    if timestamp is None:
        return _arrived(received_at)
    sent = _sent(sent_at)
    if sent is None or abs(skew := received_at - sent) < CLOCK_SKEW:
        return timestamp
    happened = instant(timestamp)
    if happened is None:
        return timestamp
    try:
        return to_iso(happened + skew)
    except OverflowError:
        return timestamp


def with_original(
    properties: dict[str, Any] | None, happened: str | None, said: str | None
) -> str | None:
    """Return properties as JSON, with the client's own time where it was corrected."""
    if said is None or happened == said:
        return json_of(properties)
    return json_of({**(properties or {}), ORIGINAL_TIMESTAMP: said})


SET_ONCE, UNSET, EVERYTHING = "$set_once", "$unset", "*"
"""Properties of a description that say which of its traits give way to what was known before, and
what is known no more; and the name of all there is."""

_TRAITS: dict[Kind, dict[str, str]] = {
    kind: {name.replace("_", ""): name for name in COLUMNS[kind]}
    for kind in (Kind.USERS, Kind.ACCOUNTS)
}
_TRAITS[Kind.ACCOUNTS] |= {"website": "domain"}
_NOT_TRAITS = frozenset({"user_id", "account_id", "properties", "valid_from"})


def described(
    kind: Kind,
    traits: Mapping[str, Any] | None,
    *,
    once: Mapping[str, Any] | None = None,
    unset: Iterable[str] = (),
    **columns: str | None,
) -> Row:
    """Return a user or an account: traits by our names, in any case; the rest as properties.

    What counts only once, and what is taken away, is named in the properties `$set_once` and
    `$unset`; `intake.stating` makes it so.

    Args:
        kind: Users or accounts.
        traits: As the client sent them, such as `{"createdAt": ..., "employees": "40"}`.
        once: Traits that count only where nothing was known before.
        unset: Traits of which nothing is known any more; `EVERYTHING` for all.
        columns: The id, and `valid_from`.
    """
    row: Row = dict(columns)
    rest: dict[str, Any] = {}
    for name, value in (traits or {}).items():
        column = _column(kind, name)
        if column is None or row.get(column) is not None:
            rest[name] = value
        else:
            row[column] = text_of(value)
    weak: list[str] = []
    for name, value in (once or {}).items():
        column = _column(kind, name)
        if column is None and name not in rest:
            rest[name] = value
            weak.append(name)
        elif column is not None and row.get(column) is None:
            row[column] = text_of(value)
            weak.append(column)
    if weak:
        rest[SET_ONCE] = weak
    if gone := [_column(kind, name) or name for name in unset]:
        rest[UNSET] = gone
    row["properties"] = json_of(rest)
    return row


def _column(kind: Kind, trait: str) -> str | None:
    column = _TRAITS[kind].get(trait.replace("_", "").replace(" ", "").lower())
    return None if column in _NOT_TRAITS else column


MEND = "Mend it where it is sent; its sender was told that it came."


def fault(what: str, *, code: str = "bad-message", fix: str = MEND) -> Fault:
    """Return why a message, or a part of it, makes no record; `reader` adds the message."""
    return Fault(raw="", code=code, what=what, fix=fix)


def other_group(kind_of_group: str | None, group_type: str | None) -> list[Fault]:
    """Return the fault of a description of a group that is no account.

    There is none where the configuration names the kind of group that is: the others are left
    out by its word.
    """
    if group_type is not None:
        return []
    shown = f"Groups of the kind `{kind_of_group}`" if kind_of_group else "Groups of no kind"
    name = kind_of_group or "KIND"
    return [
        fault(
            f"{shown} are not known to be accounts.",
            code="other-group",
            fix=f"If they are, say `group_type: {name}` under the source and replay it; else say "
            "which kind is, and what is said of others is left out.",
        )
    ]


def counted(operations: Iterable[str]) -> list[Fault]:
    """Return the fault of operations on an account that count on what was there before."""
    names = ", ".join(f"`{name}`" for name in operations)
    if not names:
        return []
    what = f"{names} of an account: what was there before is not in the message."
    return [fault(what, code="not-a-statement", fix="Send what holds then, by `$set`.")]


def reader(
    decoder: msgspec.json.Decoder[T],
    add: Callable[[T, Envelope, Context, Records], None],
    *,
    kind: Kind = Kind.EVENTS,
    keys: tuple[str, ...] = (),
) -> Callable[[Envelope, Context, Records], None]:
    """Return how to read messages one by one, where what `add` cannot use becomes a fault.

    Args:
        decoder: Of one message.
        add: Adds its records, and a fault for a part that makes none; raises `UnreadableError`
            for a message that makes none at all.
        kind: What a message that makes none was most likely meant to be.
        keys: Members of a message that hold a write key.
    """

    def read(envelope: Envelope, context: Context, records: Records) -> None:
        found = Records()
        for raw in envelope.messages:
            try:
                add(decode(decoder, raw, what="message"), envelope, context, found)
            except UnreadableError as error:
                faults = [fault(str(error))]
            except RecursionError:
                faults = [fault("The message is nested too deeply.")]
            except OverflowError:
                faults = [fault("The message has a time or a number out of range.")]
            else:
                for found_kind, rows in found.rows.items():
                    records.rows.setdefault(found_kind, []).extend(rows)
                faults = found.faults
            found.clear()
            if faults:
                text = without_key(raw, envelope.key, keys)
                records.faults += [replace(told, raw=text, kind=kind) for told in faults]

    return read


def form_of(body: bytes) -> dict[str, str]:
    """Return the fields of a form, each field's last value.

    >>> form_of(b"data=%7B%7D&verbose=1")
    {'data': '{}', 'verbose': '1'}
    """
    return dict(parse_qsl(body.decode("utf-8", "replace")))
