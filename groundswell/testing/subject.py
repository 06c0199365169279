"""What the suite has to be told about a destination and the system it is tested against."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from groundswell.clock import FixedClock
from groundswell.connectors.destination import Budget, Context, Forgetful, Limits
from groundswell.testing.samples import NOON

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import msgspec

    from groundswell.clock import Clock
    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.destination import Destination, DestinationType, Memory


class NotOffered(Exception):  # noqa: N818 - it is no error: what is not offered cannot be checked
    """The destination, or the test of it, does not offer what a check needs."""


@dataclass(frozen=True)
class Subject:
    """A destination, and how the system it is tested against is looked into.

    What is looked up must not go through the destination: it would believe itself.

    Attributes:
        type: The type of destination.
        settings: What leads to the system, secrets and all.
        arrived: How many things a delivery brought about in the system.
        state: Everything in the system that a destination could change, to be compared.
        secrets: What may never be shown, such as the token in the settings.
        unreachable: Settings that lead to a port where nothing listens.
        shown: What a person reads there of a delivery; None where nobody can look.
        spoil: Makes of a good delivery one that the system refuses; None where it refuses none.
        requests: How many requests the system has had so far; None where nobody counts.
        spends: Whether sending needs requests at all; a file needs none.
        tells_repeats: Whether the system, or the destination by its own reading, can tell a
            repeated key. A chat channel cannot.
        clock: Tells the time; a standing clock where the system does not compare it with its own.
    """

    type: DestinationType
    settings: msgspec.Struct
    arrived: Callable[[Delivery], int]
    state: Callable[[], object]
    secrets: tuple[str, ...] = ()
    unreachable: msgspec.Struct | None = None
    shown: Callable[[Delivery], str] | None = None
    spoil: Callable[[Delivery], Delivery] | None = None
    requests: Callable[[], int] | None = None
    spends: bool = True
    tells_repeats: bool = True
    clock: Clock = field(default_factory=lambda: FixedClock(NOON))

    def budget(self, limits: Limits | None = None) -> Budget:
        """Return a new budget; a standing clock is moved on where it would wait."""
        return Budget(limits or self.type.limits, self.clock, wait=self._wait)

    @contextmanager
    def opened(
        self,
        *,
        settings: msgspec.Struct | None = None,
        budget: Budget | None = None,
        memory: Memory | None = None,
    ) -> Generator[Destination]:
        """Open the destination as a new process would, and close it at the end."""
        context = Context("suite", self.clock, budget or self.budget(), memory or Forgetful())
        destination = self.type.open(settings or self.settings, context)
        try:
            yield destination
        finally:
            destination.close()

    def _wait(self, seconds: float) -> None:
        if isinstance(self.clock, FixedClock):
            self.clock.advance(timedelta(seconds=seconds))
        else:
            time.sleep(seconds)
