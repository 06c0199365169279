"""Stripe's events, as its API has them, and its own library to sign them."""

from __future__ import annotations

import json
import time
from typing import Any

import stripe

CREATED = 1_780_000_000  # 2026-05-28T20:26:40Z


def price(amount: Any = 2_000, interval: str = "month", **more: Any) -> dict[str, Any]:
    """Return a price as `items.data[].price` has it."""
    recurring = {"interval": interval, "interval_count": 1, "usage_type": "licensed"}
    return {
        "id": "price_1",
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "currency": "usd",
        "custom_unit_amount": None,
        "livemode": True,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": "prod_1",
        "recurring": {**recurring, **more.pop("recurring", {})},
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring",
        "unit_amount": amount,
        "unit_amount_decimal": None if amount is None else str(amount),
        **more,
    }


def item(quantity: Any = 1, of: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return an item of a subscription."""
    told = {"id": "si_1", "object": "subscription_item", "created": CREATED, "metadata": {}}
    charged = {"price": of or price(), "subscription": "sub_1", "tax_rates": []}
    return told | charged | ({} if quantity is None else {"quantity": quantity}) | more


def subscription(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a subscription."""
    listed = {"object": "list", "data": list(items) or [item()], "has_more": False}
    return {
        "id": "sub_1",
        "object": "subscription",
        "cancel_at": None,
        "canceled_at": None,
        "collection_method": "charge_automatically",
        "created": CREATED,
        "currency": "usd",
        "customer": "cus_1",
        "discounts": [],
        "ended_at": None,
        "items": listed,
        "livemode": True,
        "metadata": {"account_id": "acme"},
        "pause_collection": None,
        "start_date": CREATED,
        "status": "active",
        "trial_end": None,
        "trial_start": None,
        **more,
    }


def event(
    told: Any = None, *, name: str = "evt_1", kind: str = "updated", created: int = CREATED
) -> dict[str, Any]:
    """Return an event of `customer.subscription.<kind>`, or of another type by its whole name."""
    return {
        "id": name,
        "object": "event",
        "api_version": "2026-03-25",
        "created": created,
        "data": {"object": subscription() if told is None else told},
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind if "." in kind else f"customer.subscription.{kind}",
    }


def signed(
    body: dict[str, Any] | bytes, *secrets: str, at: float | None = None
) -> tuple[bytes, dict[str, str]]:
    """Return a body and its headers, signed by Stripe's library with each of the secrets."""
    data = body if isinstance(body, bytes) else json.dumps(body, indent=2).encode()
    moment = int(time.time() if at is None else at)
    headers = [
        stripe.WebhookSignature.generate_signature_header(data.decode(), secret, moment)
        for secret in secrets
    ]
    marks = [header.partition(",")[2] for header in headers]
    return data, {"stripe-signature": ",".join([f"t={moment}", *marks])}
