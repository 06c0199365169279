"""The plugin surface of destinations: what a connector offers, and what it is given.

A package adds one with an entry point in the group `groundswell.destinations` that names a
`DestinationType`. `groundswell.testing` holds the suite that every destination passes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from groundswell.connectors.budget import Budget, DestinationError, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import msgspec
    import polars as pl

    from groundswell.clock import Clock
    from groundswell.connectors.deliveries import Change, Delivery, DeliveryKind, Outcome
    from groundswell.model import Kind, Scalar

__all__ = [
    "Budget",
    "Context",
    "Destination",
    "DestinationError",
    "DestinationType",
    "Finding",
    "Gathers",
    "Limits",
    "Memory",
    "Previews",
    "ReadsBack",
    "ReadsRecords",
    "Records",
    "SendsBulk",
]


class Memory(Protocol):
    """What a destination remembers from one run to the next; kept in the ledger."""

    def get(self, name: str) -> str | None:
        """Return what was kept under a name."""
        ...

    def put(self, name: str, value: str) -> None:
        """Keep a text under a name, in place of what was there."""
        ...

    def put_all(self, values: Mapping[str, str]) -> None:
        """Keep texts by name: all of them, or none where it breaks off."""
        ...


@dataclass
class Forgetful:
    """A memory of this process alone."""

    kept: dict[str, str] = field(default_factory=dict[str, str])

    def get(self, name: str) -> str | None:
        """Return what was kept under a name."""
        return self.kept.get(name)

    def put(self, name: str, value: str) -> None:
        """Keep a text under a name."""
        self.kept[name] = value

    def put_all(self, values: Mapping[str, str]) -> None:
        """Keep texts by name."""
        self.kept.update(values)


@dataclass(frozen=True)
class Context:
    """What a destination is given.

    Attributes:
        name: As in `destinations:`.
        clock: Tells the time.
        budget: To be spent once before every request.
        memory: For ids of theirs and what else costs a request to find out again.
        write: What the user wants written (`score`, `task`, ...); empty for the usual.
    """

    name: str
    clock: Clock
    budget: Budget
    memory: Memory = field(default_factory=Forgetful)
    write: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked before anything is sent.

    Attributes:
        name: What was checked, such as `credentials`, `scope crm.objects.deals.write` or `field
            Groundswell_Key__c of Account`.
        ok: Whether it is as it must be.
        said: What was found.
        fix: How to mend it, where it is not.
    """

    name: str
    ok: bool
    said: str
    fix: str = ""


class Destination(Protocol):
    """A system that is sent to."""

    def check(self) -> list[Finding]:
        """Check credentials, scopes and fields, without changing anything.

        Raises:
            DestinationError: It cannot be reached.
        """
        ...

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Bring about what deliveries ask for; one outcome each, in any order.

        A delivery that was sent before by the same key is brought about once all the same, where
        the system can tell; see `ReadsBack` for those that can only be asked.

        Args:
            deliveries: At most `DestinationType.batch`, all of one kind.

        Raises:
            DestinationError: None was sent, and all may be tried again.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class ReadsBack(Protocol):
    """A destination that can be asked which deliveries arrived."""

    def find(self, deliveries: Sequence[Delivery]) -> dict[str, str]:
        """Return key to their id of those that are there.

        Asked before a delivery is sent again whose outcome was never heard of.

        Raises:
            DestinationError: It cannot be reached.
        """
        ...


@runtime_checkable
class Gathers(Protocol):
    """A destination that lets some deliveries wait, and sends those that waited together."""

    def due_at(self, delivery: Delivery) -> datetime | None:
        """Return when a delivery is sent with others; None for at once, by itself.

        By what the delivery holds alone, so that whoever asks again is told the same. It waits in
        the outbox until then; where that is over already, it is sent with what else is due.

        Returns:
            An instant in UTC, later than `delivery.made_at`.
        """
        ...

    def send_gathered(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Send what waited for the time; one outcome for each delivery, in any order.

        Called instead of `send` for deliveries that have such a time, whatever their number. As
        with `send`, what was sent before by the same key is brought about once all the same.

        Args:
            deliveries: All of one kind; those that were tried as often were tried together.

        Raises:
            DestinationError: None was sent, and all may be tried again.
        """
        ...


@runtime_checkable
class SendsBulk(Protocol):
    """A destination that takes the values of many accounts as one load."""

    def send_bulk(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Write the values of any number of accounts; one outcome for each delivery, in any order.

        Called instead of `send` where at least `DestinationType.bulk` deliveries of accounts wait
        together. A load that broke off is done again, so writing values twice does no harm.

        Args:
            deliveries: All of accounts, each account once.

        Raises:
            DestinationError: The load failed as a whole, and may be tried again.
        """
        ...


@runtime_checkable
class Previews(Protocol):
    """A destination that can say what a delivery would change."""

    def preview(self, deliveries: Sequence[Delivery]) -> list[Change]:
        """Compare what is there with what would be; nothing is changed.

        Raises:
            DestinationError: It cannot be reached.
        """
        ...


@dataclass(frozen=True)
class Records:
    """What was read back.

    Attributes:
        frames: By kind of record, in the canonical columns of that kind.
        owners: Account id to the e-mail address of its owner there; None for nobody.
        do_not_contact: Account ids that may not be contacted.
        cursor: Where to go on the next time.
    """

    frames: Mapping[Kind, pl.DataFrame]
    owners: Mapping[str, str | None]
    do_not_contact: frozenset[str]
    cursor: str


@runtime_checkable
class ReadsRecords(Protocol):
    """A destination from which opportunities, touches and owners come back."""

    def read(self, cursor: str | None, *, until: datetime) -> Records:
        """Return what changed since the cursor; everything for None.

        Raises:
            DestinationError: It cannot be reached.
        """
        ...


@dataclass(frozen=True)
class DestinationType:
    """A kind of destination.

    Attributes:
        name: What a user writes as `type`, or calls the block.
        title: Its name in words.
        doc: What it does, in one line.
        settings: What its block of `destinations:` may say, beside `type`, `for`, `write`,
            `requests` and `daily_requests`; a `msgspec.Struct` that forbids unknown fields.
        open: Makes one of settings, whose secrets are filled in.
        kinds: What it can be sent.
        usual: What is written where the user does not say.
        limits: What the system allows, unless the user says otherwise.
        batch: Deliveries that one call of `send` takes at most.
        bulk: Deliveries of accounts from which on `send_bulk` costs less than `send`; None where
            its destinations are no `SendsBulk`.
        reads: Whether its destinations are `ReadsRecords`.
    """

    name: str
    title: str
    doc: str
    settings: type[msgspec.Struct]
    open: Callable[[Any, Context], Destination]
    kinds: frozenset[DeliveryKind]
    usual: frozenset[str]
    limits: Limits = field(default_factory=Limits)
    batch: int = 1
    bulk: int | None = None
    reads: bool = False


def plain_values(values: Mapping[str, Scalar]) -> dict[str, str]:
    """Return values as the texts that most systems take: numbers as they read, no value as "".

    >>> plain_values({"score": 82.0, "tier": "PQL-Convert", "paying": True, "owner": None})
    {'score': '82', 'tier': 'PQL-Convert', 'paying': 'true', 'owner': ''}
    """
    found: dict[str, str] = {}
    for name, value in values.items():
        if value is None:
            found[name] = ""
        elif isinstance(value, bool):
            found[name] = str(value).lower()
        elif isinstance(value, float):
            found[name] = f"{value:.10g}"
        else:
            found[name] = str(value)
    return found
