"""Numbers as the overlay tells them: with their interval, their unit and where they come from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import bdtrik, gammaincinv, ndtri

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from groundswell.overlay.quarters import Quarter

Unit = Literal["number", "share", "money", "days", "months", "times", "per_week"]
LEVEL, BEYOND_CHANCE = 0.95, 0.99


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with the interval that holds the true one, and what told it.

    Attributes:
        value: The number; None where nothing tells it. Money is in cents.
        low, high: The interval; None where none can be told.
        n: How many things it was told from.
        unit: How it is read.
        source: What told it, in words.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    unit: Unit = "number"
    source: str = ""

    def __str__(self) -> str:
        return worded(self.value, self.unit)


def share_of(hits: int, n: int, *, source: str = "") -> Figure:
    """Return a share with the interval of Wilson's score.

    >>> figure = share_of(8, 10)
    >>> str(figure), round(figure.low, 2), round(figure.high, 2)
    ('80%', 0.49, 0.94)
    """
    if n == 0:
        return Figure(None, unit="share", source=source)
    z = float(ndtri(0.5 + LEVEL / 2))
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Figure(share, max(middle - half, 0.0), min(middle + half, 1.0), n, "share", source)


def rate_of(count: int, per: float, *, unit: Unit, source: str = "") -> Figure:
    """Return how often something came, with the exact interval of a Poisson count.

    Source: Garwood, Fiducial limits for the Poisson distribution, Biometrika 1936.
    """
    tail = (1 - LEVEL) / 2
    low = float(gammaincinv(count, tail)) if count else 0.0
    high = float(gammaincinv(count + 1, 1 - tail))
    return Figure(count / per, low / per, high / per, count, unit, source)


def median_of(values: Iterable[float], *, unit: Unit, source: str = "") -> Figure:
    """Return a median with the interval between the two values that a sign test puts it."""
    known = np.sort(np.array(list(values), dtype=np.float64))
    n = len(known)
    if n == 0:
        return Figure(None, unit=unit, source=source)
    value = float(np.median(known))
    place = math.ceil(bdtrik((1 - LEVEL) / 2, n, 0.5))
    if place < 1:
        return Figure(value, n=n, unit=unit, source=source)
    return Figure(value, float(known[place - 1]), float(known[n - place]), n, unit, source)


def pooled(figures: Iterable[Figure | None]) -> Figure | None:
    """Return the mean of what is known, each weighed by what it was told from; None of nothing."""
    known = [(one, one.value) for one in figures if one is not None and one.value is not None]
    if not known:
        return None
    weights = [max(one.n, 1) for one, _ in known]
    total = sum(weights)
    value = sum(weight * value for weight, (_, value) in zip(weights, known, strict=True)) / total
    first = known[0][0]
    return Figure(value, n=sum(one.n for one, _ in known), unit=first.unit, source=first.source)


def recent(
    by_quarter: Mapping[str, Figure], quarters: Iterable[Quarter]
) -> tuple[Figure | None, ...]:
    """Return the figures of quarters; None for those that there are none of."""
    found = [by_quarter.get(str(quarter)) for quarter in quarters]
    return tuple(None if one is None or one.value is None else one for one in found)


def fell(now: Figure | None, before: Figure | None, by: float) -> bool:
    """Return whether a share is smaller by such a part of what it was, beyond chance.

    Beyond chance is one in a hundred: it is asked every quarter, and a wrong yes stops everything.
    """
    if now is None or before is None or now.value is None or not before.value:
        return False
    if now.value > before.value * (1 - by):
        return False
    if now.n < 1 or before.n < 1:
        return True
    both = (now.value * now.n + before.value * before.n) / (now.n + before.n)
    error = math.sqrt(max(both * (1 - both), 0.0) * (1 / now.n + 1 / before.n))
    return before.value - now.value > float(ndtri(BEYOND_CHANCE)) * error


def spread(figure: Figure) -> str:
    """Return a figure with its interval, as it is read.

    >>> spread(share_of(8, 10)), spread(Figure(1.5, 1.0, 2.0, 9, "per_week"))
    ('80% [49%, 94.3%]', '1.5 a week [1, 2]')
    """
    ends = between(figure).replace(" and ", ", ")
    return f"{figure} [{ends}]" if ends else str(figure)


def between(figure: Figure) -> str:
    """Return the interval of a figure as it is read; nothing where there is none.

    >>> between(share_of(8, 10))
    '49% and 94.3%'
    """
    if figure.low is None or figure.high is None:
        return ""
    unit: Unit = figure.unit if figure.unit in {"share", "money"} else "number"
    return f"{worded(figure.low, unit)} and {worded(figure.high, unit)}"


def worded(value: float | None, unit: Unit) -> str:
    """Return a number as it is read.

    >>> worded(12_345_678, "money"), worded(0.053, "share"), worded(1.2, "per_week")
    ('123k', '5.3%', '1.2 a week')
    """
    if value is None:
        return "unknown"
    if unit == "money":
        return _money(value / 100)
    if unit == "share":
        return f"{_short(value * 100)}%"
    ends = {"days": " days", "months": " months", "times": " times", "per_week": " a week"}
    return f"{_short(value)}{ends.get(unit, '')}"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if abs(value) < 100 else f"{value:,.0f}"


def _money(amount: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(amount) >= size:
            return f"{amount / size:.3g}{letter}"
    return f"{amount:,.0f}"
