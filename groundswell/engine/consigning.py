"""How what waits is sent: by which call, how much at once, and what waits for a time of its own."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from groundswell.connectors.deliveries import Change, Delivery, DeliveryKind, body_of
from groundswell.connectors.destination import Gathers, SendsBulk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from groundswell.connectors.deliveries import Outcome
    from groundswell.engine.destinations import Opened
    from groundswell.store.outbox import KeptDelivery

    Send = Callable[[Sequence[Delivery]], list[Outcome]]


def batches(items: Sequence[KeptDelivery], size: int) -> Iterator[Sequence[KeptDelivery]]:
    """Yield batches of one kind each."""
    by_kind: dict[str, list[KeptDelivery]] = defaultdict(list)
    for item in items:
        by_kind[item.kind].append(item)
    for of_kind in by_kind.values():
        for start in range(0, len(of_kind), size):
            yield of_kind[start : start + size]


def consignments(
    opened: Opened, kind: DeliveryKind, items: Sequence[KeptDelivery]
) -> Iterator[tuple[Send, Sequence[KeptDelivery]]]:
    """Yield what is sent by one call each, and by which; what could not wait comes first.

    Args:
        opened: Where to.
        kind: What all of the deliveries bring about.
        items: What may be sent now.
    """
    destination = opened.destination
    waited: set[str] = set()
    if isinstance(destination, Gathers):
        waited = {item.key for item in items if destination.due_at(delivery_of(item)) is not None}
    alone = [item for item in items if item.key not in waited]
    send, size = _way(opened, kind, len(alone))
    yield from ((send, batch) for batch in batches(alone, size))
    if waited and isinstance(destination, Gathers):
        yield destination.send_gathered, [item for item in items if item.key in waited]


def due_later(
    opened: Opened, items: Sequence[KeptDelivery], *, now: datetime
) -> dict[str, datetime]:
    """Return by key when deliveries are sent with others, of those whose time is yet to come."""
    destination = opened.destination
    if not isinstance(destination, Gathers):
        return {}
    told = ((item.key, destination.due_at(delivery_of(item))) for item in items)
    return {key: due for key, due in told if due is not None and due > now}


def delivery_of(item: KeptDelivery) -> Delivery:
    """Return a delivery as destinations take it."""
    kind = DeliveryKind(item.kind)
    # One that was being sent before was tried, whatever came of it.
    tried = item.attempts + (item.status == "sending")
    return Delivery(
        item.key,
        item.destination,
        kind,
        item.account_id,
        item.handoff_id,
        body_of(kind, item.body),
        item.made_at,
        tried,
    )


def plain_change(delivery: Delivery) -> Change:
    """Return what a delivery would do, by what it holds alone."""
    company = delivery.body.company
    subject = company.domain or company.name
    return Change(delivery.key, f"send {delivery.kind}", f"{delivery.kind} of {subject}")


def _way(opened: Opened, kind: DeliveryKind, count: int) -> tuple[Send, int]:
    """Return how so many deliveries of a kind are sent, and how many at once."""
    destination, bulk = opened.destination, opened.type.bulk
    many = kind is DeliveryKind.ACCOUNT and bulk is not None and count >= bulk
    if many and isinstance(destination, SendsBulk):
        return destination.send_bulk, count
    return destination.send, opened.type.batch
