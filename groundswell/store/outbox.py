"""What is to be delivered to other systems, and what became of it; part of the ledger.

A delivery is written in the transaction of the decision that asks for it. Before it is sent it is
marked as being sent; so one whose sender died says so, and is asked for before it is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from groundswell.store.ledger import JournalEntry

DeliveryStatus = Literal["waiting", "sending", "sent", "unchanged", "superseded", "dead"]
UNSETTLED: tuple[DeliveryStatus, ...] = ("waiting", "sending")


@dataclass(frozen=True, slots=True)
class KeptDelivery:
    """A delivery as the outbox keeps it.

    Attributes:
        key: Names it once and for all; a second one of the same key is dropped.
        destination: Name of the destination.
        kind: What it brings about.
        account_id: Of whom.
        handoff_id: Of which handoff, if any.
        body: JSON-ready content.
        made_at: When it was decided.
        status: `waiting`, `sending`, `sent`, `unchanged` (nothing in it was new), `superseded` (a
            later one says it all), or `dead` (it cannot be sent as it is).
        attempts: How often it was tried.
        due_at: From when on it may be tried.
        settled_at: When it came to rest.
        their_id: What the other system calls it.
        reason: Why not yet, or not at all.
        fix: How to mend that.
        urgent: Whether it goes before what is not.
    """

    key: str
    destination: str
    kind: str
    account_id: str
    handoff_id: str | None
    body: dict[str, Any]
    made_at: datetime
    status: DeliveryStatus = "waiting"
    attempts: int = 0
    due_at: datetime | None = None
    settled_at: datetime | None = None
    their_id: str | None = None
    reason: str = ""
    fix: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a delivery that was tried.

    Attributes:
        key: Of the delivery.
        status: Where it stands now.
        due_at: From when on it may be tried again, where it waits.
        their_id: What the other system calls it.
        reason: Why not.
        fix: How to mend that.
        tried: Whether that counts as an attempt.
    """

    key: str
    status: DeliveryStatus
    due_at: datetime | None = None
    their_id: str | None = None
    reason: str = ""
    fix: str = ""
    tried: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of the journal that stand together, and what is delivered because of them."""

    entries: tuple[JournalEntry, ...]
    deliveries: tuple[KeptDelivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Pause:
    """A destination that nothing is sent to."""

    destination: str
    at: datetime
    who: str
    reason: str


class Outbox(Protocol):
    """Keeps what is to be delivered."""

    def append_groups(self, groups: Sequence[Group]) -> list[bool]:
        """Add groups in one transaction, each whole or not at all; tell which were added.

        A group is left out when the journal has an entry of the key of one of its own already.
        """
        ...

    def add_deliveries(self, deliveries: Sequence[KeptDelivery]) -> int:
        """Add deliveries whose key is new; return how many were."""
        ...

    def due_deliveries(self, destination: str, *, at: datetime, limit: int) -> list[KeptDelivery]:
        """Return what may be sent now: what is urgent, then the rest, the oldest first.

        What is being sent is among it.
        """
        ...

    def deliveries(
        self,
        *,
        destination: str | None = None,
        statuses: Collection[DeliveryStatus] | None = None,
        account_id: str | None = None,
        key: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> list[KeptDelivery]:
        """Return deliveries, the newest first; `key` may be the beginning of one.

        With `after`, those older than the one of that key.

        Raises:
            StoreError: There is no such delivery.
        """
        ...

    def delivery_counts(self) -> dict[tuple[str, DeliveryStatus], int]:
        """Return how many there are by destination and status."""
        ...

    def begin_deliveries(self, keys: Sequence[str]) -> None:
        """Mark deliveries as being sent."""
        ...

    def settle_deliveries(self, settlements: Sequence[Settlement]) -> None:
        """Record what became of deliveries."""
        ...

    def supersede_deliveries(
        self, bodies: Mapping[str, dict[str, Any]], settlements: Sequence[Settlement]
    ) -> None:
        """Let deliveries say, by key, what others said that come to rest by it; all or nothing."""
        ...

    def revive_deliveries(self, keys: Sequence[str]) -> int:
        """Let dead deliveries be tried again, from now on; return how many there were."""
        ...

    def pause_destination(self, pause: Pause) -> None:
        """Send nothing there until it is resumed."""
        ...

    def resume_destination(self, destination: str) -> bool:
        """Send again; tell whether it was paused."""
        ...

    def paused_destinations(self) -> dict[str, Pause]:
        """Return the destinations that nothing is sent to."""
        ...

    def remembered(self, destination: str, name: str) -> str | None:
        """Return what a destination remembers under a name."""
        ...

    def remembered_among(self, destination: str, names: Sequence[str]) -> dict[str, str]:
        """Return what a destination remembers under some names, of those it knows."""
        ...

    def remember(self, destination: str, values: dict[str, str]) -> None:
        """Let a destination remember texts by name."""
        ...

    def all_remembered(self, destination: str, *, prefix: str) -> dict[str, str]:
        """Return all that a destination remembers under names that begin so."""
        ...
