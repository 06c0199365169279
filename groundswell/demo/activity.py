"""Everyday use: who is active on which day, and what they do then.

The work is done in blocks of seats, a few days at a time, so memory is bounded whatever the size of
the company; each block has its own random stream, so the blocks do not depend on each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from groundswell.demo.arrays import Floats, Ints, Stream, generator
from groundswell.demo.catalogue import MIX
from groundswell.demo.rows import Rows, join, no_rows

if TYPE_CHECKING:
    from groundswell.demo.calendars import Calendar
    from groundswell.demo.cast import Cast

BLOCK = 32_768
RAMP = 45  # days before the moment over which people come more and more often
MOST = 0.97
SAMPLE = 20_000
USUAL = 0.8


@dataclass(slots=True)
class Activity:
    """Draws the everyday events of a cast, a span of days at a time.

    `scale` multiplies the events of an active day.
    """

    cast: Cast
    calendar: Calendar
    mixes: tuple[tuple[Ints, Floats], ...]
    seed: int
    scale: float = USUAL

    def expected(self, *, first: int, last: int) -> float:
        """Return how many events first..last should bring, from a sample of SAMPLE seats."""
        count = len(self.cast.seats)
        step = max(1, count // SAMPLE)
        seats = np.arange(0, count, step, dtype=np.int32)
        burst = np.maximum(self.cast.seats.burst[seats] * self.scale, 1.0)
        total = 0.0
        for start in range(first, last + 1, 31):
            days = np.arange(start, min(start + 31, last + 1), dtype=np.int32)
            total += float((self._presence(seats, days) * burst[:, None]).sum())
        return total * step

    def span(self, *, first: int, last: int) -> Rows:
        """Return the events of the days first..last, in no particular order."""
        seats = self.cast.seats
        alive = np.flatnonzero((seats.join < last) & (seats.until > first)).astype(np.int32)
        parts = [no_rows()]
        for block in range(0, len(alive), BLOCK):
            rng = generator(self.seed, Stream.ACTIVITY, first, block)
            parts.append(self._block(rng, alive[block : block + BLOCK], first=first, last=last))
        return join(parts)

    def _presence(self, chosen: Ints, days: Ints) -> Floats:
        """Return the chance of being active: one row per seat, one column per day."""
        seats, accounts = self.cast.seats, self.cast.accounts
        account = seats.account[chosen]
        row = np.where(accounts.bot[account], self.calendar.restless, accounts.country[account])
        chance = self.calendar.factor[row][:, days - self.calendar.first]
        chance *= seats.presence[chosen][:, None]
        age = (days[None, :] - seats.join[chosen][:, None]).astype(np.float32)
        fade = np.where(seats.fade[chosen] > 0, seats.fade[chosen], np.inf)[:, None]
        chance *= np.exp(-np.maximum(age, 0) / fade)
        lift = seats.lift[chosen][:, None]
        to_go = (days[None, :] - (accounts.moment[account] - RAMP)[:, None]) / RAMP
        chance *= 1 + lift * np.clip(to_go, 0, 1)
        chance[(age <= 0) | (days[None, :] >= seats.until[chosen][:, None])] = 0
        return np.minimum(chance, MOST)

    def _block(self, rng: np.random.Generator, chosen: Ints, *, first: int, last: int) -> Rows:
        seats = self.cast.seats
        days = np.arange(first, last + 1, dtype=np.int32)
        chance = self._presence(chosen, days)
        who, when = np.nonzero(rng.random(chance.shape, dtype=np.float32) < chance)
        seat = chosen[who].astype(np.int32)
        burst = np.maximum(seats.burst[seat] * self.scale, 1.0)
        # Skewed: most days are short, a few are long. A script works at a steady rate.
        repeats = np.where(
            seats.mix[seat] == MIX["bot"], rng.poisson(burst), rng.geometric(1.0 / burst)
        )
        seat = np.repeat(seat, repeats)
        day = np.repeat(days[when], repeats)
        country = self.cast.accounts.country[seats.account[seat]]
        restless = (seats.mix[seat] == MIX["bot"]).astype(np.int32)
        at = self.calendar.moments(rng, day, country, restless)
        return Rows.of(seat=seat, at=at, template=self._templates(rng, seats.mix[seat]))

    def _templates(self, rng: np.random.Generator, mix: Ints) -> Ints:
        drawn = rng.random(len(mix))
        template = np.empty(len(mix), dtype=np.int32)
        for number, (choices, chances) in enumerate(self.mixes):
            mine = np.flatnonzero(mix == number)
            template[mine] = choices[np.searchsorted(chances, drawn[mine], side="right")]
        return template
