"""How much may be asked of a system: so many requests in so many seconds, and in a day."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from groundswell.errors import GroundswellError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundswell.clock import Clock


class DestinationError(GroundswellError):
    """A destination as a whole cannot be reached, or takes nothing now.

    Attributes:
        after: Seconds after which to try again; None for the usual backoff.
    """

    def __init__(self, problem: Problem, *, after: float | None = None) -> None:
        super().__init__(problem)
        self.after = after


@dataclass(frozen=True, slots=True)
class Limits:
    """What a system allows.

    Attributes:
        requests: In `seconds`.
        seconds: The window.
        daily: Requests in a UTC day; None for no limit.
    """

    requests: int = 100
    seconds: float = 10.0
    daily: int | None = None


@dataclass
class Budget:
    """Counts requests, waits within the window, and refuses beyond the day.

    Several threads may spend of one.

    Attributes:
        limits: What the system allows.
        clock: Tells the time.
        wait: Waits for so many seconds.
    """

    limits: Limits
    clock: Clock
    wait: Callable[[float], None] = time.sleep
    _recent: deque[datetime] = field(default_factory=deque["datetime"], repr=False)
    _day: str = field(default="", repr=False)
    _spent: int = field(default=0, repr=False)
    _alone: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def spend(self) -> None:
        """Count one request, after waiting until the window has room for it.

        Raises:
            DestinationError: The day's requests are used up; it says when the next day begins.
        """
        with self._alone:
            self._spend()

    def _spend(self) -> None:
        now = self.clock.now()
        self._turn(now)
        if self.limits.daily is not None and self._spent >= self.limits.daily:
            midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
            raise DestinationError(
                Problem(
                    code="destination-budget",
                    what=f"The {self.limits.daily:,} requests of this day are used up.",
                    fix="Nothing is lost: what waits is sent tomorrow. Raise `daily_requests` if "
                    "the system allows more.",
                ),
                after=(midnight - now).total_seconds(),
            )
        window = timedelta(seconds=self.limits.seconds)
        while self._recent and now - self._recent[0] >= window:
            self._recent.popleft()
        if len(self._recent) >= self.limits.requests:
            self.wait(max((self._recent[0] + window - now).total_seconds(), 0.0))
            self._recent.popleft()
            now = self.clock.now()
        self._recent.append(now)
        self._spent += 1

    def learn(self, *, used: int, allowed: int) -> None:
        """Take over what the system itself says of the day so far."""
        with self._alone:
            self._learn(used=used, allowed=allowed)

    def _learn(self, *, used: int, allowed: int) -> None:
        self._turn(self.clock.now())
        if self.limits.daily is not None:
            self._spent = max(self._spent, self.limits.daily - max(allowed - used, 0))

    @property
    def spent(self) -> int:
        """Requests of the present UTC day."""
        with self._alone:
            self._turn(self.clock.now())
            return self._spent

    def restore(self, day: str, spent: int) -> None:
        """Go on from what was counted before a restart."""
        self._turn(self.clock.now())
        if day == self._day:
            self._spent = max(self._spent, spent)

    def _turn(self, now: datetime) -> None:
        day = now.date().isoformat()
        if day != self._day:
            self._day, self._spent = day, 0
