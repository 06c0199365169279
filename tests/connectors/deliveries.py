"""Deliveries for the tests of destinations that write messages and files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from groundswell.connectors.deliveries import Company, Delivery, DeliveryKind, Message
from groundswell.connectors.destination import Budget, Context, Forgetful, Limits

if TYPE_CHECKING:
    from groundswell.clock import FixedClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACME = Company("ac-1", "Acme", "acme.example", employees=120)


def message(key: str = "k-1", *, handoff: str | None = "h-1", **body: Any) -> Delivery:
    """Return a message to a rep."""
    whole = Message(
        company=ACME,
        news="assigned",
        subject="Acme hit its seat limit",
        text="Acme hit its seat limit three days ago.",
        html="<p>Acme hit its seat limit three days ago.</p>",
        blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": "*Acme* hit its limit"}}],
        to="ann@acme.example",
        brief={"score": 82},
        happened_at=NOON,
    )
    return Delivery(
        key, "there", DeliveryKind.MESSAGE, "ac-1", handoff, replace(whole, **body), NOON
    )


def context(clock: FixedClock, limits: Limits | None = None) -> Context:
    """Return what a destination is given; the clock moves on where it would wait."""

    def wait(seconds: float) -> None:
        clock.advance(timedelta(seconds=seconds))

    budget = Budget(limits or Limits(requests=1, seconds=1.0), clock, wait=wait)
    return Context("there", clock, budget, Forgetful())
