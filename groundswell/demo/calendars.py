"""When people work: countries with their weekends, hours, summers and Decembers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from groundswell.clock import day_from_number
from groundswell.demo.arrays import DAY_US, int32

if TYPE_CHECKING:
    from datetime import date

    from groundswell.demo.arrays import Floats, Ints, Longs

HOUR_US = 3_600_000_000
WEEKEND = 0.08
AUGUST = {"south": 0.6, "north": 0.78, "rest": 0.92}
HOLIDAYS = 0.2


@dataclass(frozen=True, slots=True)
class Country:
    """A country: hours ahead of UTC, its days of rest (0 = Monday), and how it takes August."""

    code: str
    share: float
    offset: float
    rest: tuple[int, int] = (5, 6)
    summer: str = "rest"


COUNTRIES = (
    Country("US", 0.34, -6),
    Country("GB", 0.12, 0, summer="north"),
    Country("DE", 0.11, 1, summer="north"),
    Country("FR", 0.08, 1, summer="south"),
    Country("ES", 0.05, 1, summer="south"),
    Country("NL", 0.05, 1, summer="north"),
    Country("CA", 0.06, -5),
    Country("BR", 0.04, -3),
    Country("IN", 0.06, 5.5),
    Country("AU", 0.04, 10),
    Country("SA", 0.03, 3, rest=(4, 5)),
    Country("JP", 0.02, 9),
)
_FAR = ("BR", "AU")  # below the equator: a summer in January


@dataclass(frozen=True, slots=True)
class Calendar:
    """How much is done on each day, by country: `factor[country, day - first]`, 1 = a usual day.

    One more row than countries, all ones, serves those who never rest: scripts.
    """

    first: int
    factor: Floats
    countries: tuple[Country, ...]

    @property
    def shares(self) -> Floats:
        """Share of accounts by country."""
        shares = np.asarray([item.share for item in self.countries])
        return shares / shares.sum()

    @property
    def restless(self) -> int:
        """Row of `factor` for scripts."""
        return len(self.countries)

    def next_working_day(self, day: Ints, country: Ints, rng: np.random.Generator) -> Ints:
        """Move most days that fall on a weekend or a holiday a few days on."""
        moved = day.copy()
        keep = rng.random(len(day))
        for _ in range(4):
            column = np.clip(moved - self.first, 0, self.factor.shape[1] - 1)
            quiet = self.factor[country, column] < keep
            moved = np.where(quiet, moved + 1, moved)
        return moved.astype(np.int32)

    def moments(
        self, rng: np.random.Generator, day: Ints, country: Ints, restless: Ints | None = None
    ) -> Longs:
        """Return one instant (us since 1970, UTC) per day, in the country's business hours.

        Work has a morning and an afternoon; local days keep their order. Entries whose
        `restless` is 1 fall anywhere in the UTC day.
        """
        count = len(day)
        morning = rng.random(count, dtype=np.float32) < 0.5  # half of it
        hours = rng.standard_normal(count, dtype=np.float32)
        hours = np.where(morning, 10.3 + 1.3 * hours, 14.9 + 1.7 * hours)
        np.clip(hours, 6.0, 22.5, out=hours)
        offsets = np.asarray([item.offset for item in self.countries], dtype=np.float32)
        hours -= offsets[country]
        if restless is not None:
            anywhere = rng.random(count, dtype=np.float32) * 23.99
            hours = np.where(restless == 1, anywhere, hours)
        jitter = rng.integers(0, 60_000, count)
        return (
            day.astype(np.int64) * DAY_US
            + (hours * 3600).astype(np.int64) * 1_000_000
            + (jitter * 1_000)
        )


def build_calendar(*, first: int, last: int) -> Calendar:
    """Return the calendar of all countries for the days first..last."""
    days = [day_from_number(number) for number in range(first, last + 1)]
    rows = [[_factor(country, day) for day in days] for country in COUNTRIES]
    factor = np.asarray([*rows, [1.0] * len(days)])
    return Calendar(first=first, factor=factor, countries=COUNTRIES)


def _factor(country: Country, day: date) -> float:
    factor = WEEKEND if day.weekday() in country.rest else 1.0
    if (day.month, day.day) >= (12, 21) or (day.month, day.day) <= (1, 2):
        return factor * HOLIDAYS
    if country.code in _FAR:
        return factor * (0.7 if day.month == 1 else 1.0)
    if day.month == 8:  # August
        return factor * AUGUST[country.summer]
    return factor


def months_of(first: int, last: int) -> list[tuple[int, int]]:
    """Return (first day, last day) of each calendar month that first..last touches."""
    numbers = np.arange(first, last + 1)
    months = numbers.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    starts = np.flatnonzero(np.diff(months, prepend=months[0] - 1))
    ends = np.append(starts[1:] - 1, len(numbers) - 1)
    pairs = zip(int32(numbers[starts]).tolist(), int32(numbers[ends]).tolist(), strict=True)
    return list(pairs)
