"""Stripe's webhooks: what becomes of subscriptions, signed.

Every event about a subscription carries the whole of it as it was then, so it is a version that
holds from the event's `created`. Stripe keeps no order, and its clock counts whole seconds: within
one, what comes later in a subscription's life is set microseconds later.

Source: https://docs.stripe.com/webhooks#verify-manually,
    https://docs.stripe.com/api/subscriptions/object
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from groundswell.connectors.wires.billing import Item, monthly
from groundswell.connectors.wires.reading import decode, from_epoch, json_of, reader, text_of
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
    from collections.abc import Sequence
    from datetime import datetime

TOLERANCE_SECONDS = 300
"""How old a signature may be when it comes."""

_ABOUT = "customer.subscription."
_USED = frozenset(
    _ABOUT + name
    for name in ("created", "updated", "paused", "resumed", "pending_update_applied", "deleted")
)
_PAYING = frozenset({"active", "past_due"})
_ENDED = frozenset({"canceled", "incomplete_expired"})
_LIFE = ("incomplete", "trialing", "active", "past_due", "unpaid", "paused")
_ACCOUNT = ("groundswell_account_id", "account_id")


class _Named(msgspec.Struct):
    id: str | None = None
    type: str | None = None


class _Customer(msgspec.Struct):
    id: str
    metadata: dict[str, Any] | None = None


class _Items(msgspec.Struct):
    data: list[Item]
    has_more: bool = False


class _Subscription(msgspec.Struct):
    id: str
    object: Literal["subscription"]
    status: str
    customer: str | _Customer
    items: _Items
    currency: str | None = None
    metadata: dict[str, Any] | None = None
    start_date: int | None = None
    created: int | None = None
    ended_at: int | None = None
    canceled_at: int | None = None
    cancel_at: int | None = None
    trial_end: int | None = None


class _Data(msgspec.Struct):
    object: _Subscription


class _Event(msgspec.Struct):
    id: str
    type: str
    created: int
    data: _Data


_NAMED = msgspec.json.Decoder(_Named)
_EVENT = msgspec.json.Decoder(_Event)


def _check_signature(request: Request, secrets: Sequence[str], now: datetime) -> None:
    """Check `Stripe-Signature`: `t=1700000000,v1=...`, HMAC-SHA256 of the time and the body.

    As Stripe's own libraries do: every `v1` counts, and a time ahead of ours is no fault.
    """
    header = request.headers.get("stripe-signature")
    if not header:
        raise UnsignedError("There is no `Stripe-Signature`.")
    members = [item.split("=", 2) for item in header.split(",")]
    try:
        times = [member[1] for member in members if member[0] == "t"]
        given = [member[1] for member in members if member[0] == "v1"]
        signed_at = int(times[0])
    except (IndexError, ValueError):
        raise UnsignedError("`Stripe-Signature` is not like `t=...,v1=...`.") from None
    if not given:
        raise UnsignedError("`Stripe-Signature` has no signature of the scheme `v1`.")
    message = b"%d.%b" % (signed_at, request.body)
    if not is_signed(message, given, secrets, algorithm="sha256"):
        what = "`Stripe-Signature` does not fit the body: another endpoint's secret signed it, or "
        raise UnsignedError(what + "it was changed.")
    if signed_at < now.timestamp() - TOLERANCE_SECONDS:
        what = f"The signature is more than {TOLERANCE_SECONDS} seconds old by our clock."
        raise UnsignedError(what)


def _open(request: Request) -> Envelope:
    """Open an event; of a type that is not used, there is nothing to keep.

    What is signed is Stripe's word: what cannot be read is kept, to be quarantined.
    """
    if not request.body.strip():
        raise UnreadableError("The body is empty.")
    try:
        named = decode(_NAMED, request.body, what="event")
    except UnreadableError:
        named = _Named()
    if named.type is not None and named.type not in _USED:
        return Envelope(key=None, messages=[])
    name = named.id if named.id and named.id.isprintable() else None
    return Envelope(key=None, messages=[request.body], message_id=name)


def _add(event: _Event, _envelope: Envelope, _context: Context, records: Records) -> None:
    told = event.data.object
    if told.items.has_more and told.status not in _ENDED:
        raise UnreadableError("The subscription has more items than the event tells of.")
    items = sorted(told.items.data, key=lambda item: item.created or 0)
    licensed = [item for item in items if not item.is_metered]
    if not items:
        raise UnreadableError("The subscription has no items.")
    customer = told.customer if isinstance(told.customer, str) else told.customer.id
    said = {
        "status": told.status,
        "customer": customer,
        "currency": told.currency,
        "cancels_at": from_epoch(told.cancel_at, per_second=1),
    }
    records.add(
        Kind.SUBSCRIPTIONS,
        {
            "subscription_id": told.id,
            "account_id": _account(told) or customer,
            "plan": (licensed or items)[0].plan_name,
            "mrr": monthly(items, told.currency) if _pays(told) else "0.00",
            "seats": str(max(item.count for item in licensed)) if licensed else None,
            "started_at": from_epoch(told.start_date or told.created, per_second=1),
            "ended_at": from_epoch(_ended_at(told, event), per_second=1),
            "properties": json_of({name: value for name, value in said.items() if value}),
            "valid_from": _valid_from(event),
        },
    )


def _account(told: _Subscription) -> str | None:
    """Return the account that the metadata names: the subscription's, else its customer's."""
    customer = None if isinstance(told.customer, str) else told.customer.metadata
    named = (
        text_of(metadata.get(key))
        for metadata in (told.metadata, customer)
        if metadata
        for key in _ACCOUNT
    )
    return next((account for account in named if account), None)


def _pays(told: _Subscription) -> bool:
    """Tell whether money recurs: not in a trial, nor where the first payment never came.

    One that was canceled keeps what it brought; that it is over is said by its end.
    """
    if told.status != "canceled":
        return told.status in _PAYING
    return told.trial_end is None or told.ended_at is None or told.ended_at > told.trial_end


def _ended_at(told: _Subscription, event: _Event) -> int | None:
    if told.status in _ENDED or event.type == _ABOUT + "deleted":
        return told.ended_at or told.canceled_at or event.created
    return told.ended_at


def _valid_from(event: _Event) -> str:
    status = event.data.object.status
    if event.type == _ABOUT + "created":
        rank = 0
    elif event.type == _ABOUT + "deleted" or status in _ENDED:
        rank = len(_LIFE) + 2
    else:
        rank = 1 + (_LIFE.index(status) if status in _LIFE else len(_LIFE))
    moment = from_epoch(event.created * 1_000_000 + rank, per_second=1_000_000)
    if moment is None:
        raise UnreadableError("`created` of the event is no time.")
    return moment


def _accept(_request: Request, _envelope: Envelope) -> Answer:
    return Answer(200, b'{"received":true}')


def _refuse(_request: Request, refusal: Refusal) -> Answer:
    return Answer(refusal.status, to_json({"error": {"message": refusal.what}}))


_ROUTE = Route(
    "POST",
    "/v1/webhooks/stripe",
    _open,
    reader(_EVENT, _add, kind=Kind.SUBSCRIPTIONS),
    _accept,
    _refuse,
    Takes(json=(_Named,), query=Query),
    Signature("stripe-signature", 400, _check_signature),
)
WIRES = (Wire("stripe", "Stripe", (_ROUTE,)),)
