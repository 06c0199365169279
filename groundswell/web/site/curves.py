"""Small pictures that a page draws itself: lines over days, and the curve of a component.

They are coordinates in a box; the template writes them as SVG, which follows the page's colours in
light and dark and needs neither script nor inline style.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from groundswell.config.resolved import ComponentSpec
    from groundswell.model import Scalar

WIDTH, HEIGHT, EDGE = 600.0, 140.0, 6.0
SMALL_WIDTH, SMALL_HEIGHT = 120.0, 36.0
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a line, with what it says."""

    x: float
    y: float
    said: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line over days.

    Attributes:
        points: As SVG has them: `x,y x,y ...`.
        dots: The same, each with its day and value in words.
        marks: Where something began, with the day.
        level: How high the threshold is; None where there is none.
        first, last: The days at its ends.
        most: What the top of the box stands for.
    """

    points: str
    dots: tuple[Dot, ...]
    marks: tuple[Dot, ...]
    level: float | None
    first: date
    last: date
    most: float
    width: float = WIDTH
    height: float = HEIGHT


@dataclass(frozen=True, slots=True)
class Curve:
    """How points follow a number, and where the account stands.

    Attributes:
        points: As SVG has them.
        here: Where the account stands; None where its value is unknown.
        said: The curve in words, for who cannot see it.
    """

    points: str
    here: Dot | None
    said: str
    width: float = SMALL_WIDTH
    height: float = SMALL_HEIGHT


def draw_line(
    found: Sequence[tuple[date, float]],
    *,
    marks: Sequence[date] = (),
    most: float | None = None,
    line: float | None = None,
) -> Line | None:
    """Return a line over days; None where there are too few to draw one.

    Args:
        found: Days, ascending, and their values.
        marks: Days that are marked, where they lie between the first and the last.
        most: What the top of the box stands for; the largest value by default.
        line: A threshold.
    """
    if len(found) < _FEWEST:
        return None
    first, last = found[0][0], found[-1][0]
    top = most or max(*(value for _, value in found), line or 0.0) or 1.0
    span = max((last - first).days, 1)

    def place(day: date, value: float) -> tuple[float, float]:
        x = EDGE + (WIDTH - 2 * EDGE) * (day - first).days / span
        return round(x, 1), _height(value / top, HEIGHT)

    dots = tuple(Dot(*place(day, value), f"{day:%-d %b %Y}: {value:,.4g}") for day, value in found)
    return Line(
        points=" ".join(f"{dot.x},{dot.y}" for dot in dots),
        dots=dots,
        marks=tuple(
            Dot(*place(day, top), f"crossed the line on {day:%-d %b %Y}")
            for day in marks
            if first <= day <= last
        ),
        level=None if line is None else _height(line / top, HEIGHT),
        first=first,
        last=last,
        most=top,
    )


def draw_curve(spec: ComponentSpec, value: Scalar) -> Curve | None:
    """Return the curve of a component; None where its points follow no number."""
    if spec.at is None or spec.give is None or len(spec.at) < _FEWEST:
        return None
    low, high = spec.at[0], spec.at[-1]
    known = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    top = max(spec.give) or 1.0
    span = high - low or 1.0

    def place(at: float, give: float) -> tuple[float, float]:
        x = EDGE + (SMALL_WIDTH - 2 * EDGE) * (min(max(at, low), high) - low) / span
        return round(x, 1), _height(give / top, SMALL_HEIGHT)

    pairs = list(zip(spec.at, spec.give, strict=True))
    said = ", ".join(f"{give:g} at {at:g}" for at, give in pairs)
    here = None
    if known is not None:
        here = Dot(*place(known, _between(pairs, known)), f"{known:,.4g}")
    points = " ".join("{},{}".format(*place(at, give)) for at, give in pairs)
    return Curve(points, here, f"Points by {spec.feature}: {said}")


def _height(share: float, height: float) -> float:
    return round(height - EDGE - (height - 2 * EDGE) * min(max(share, 0.0), 1.0), 1)


def _between(pairs: Sequence[tuple[float, float]], value: float) -> float:
    """Return the points at a value: straight between the knots, level beyond them."""
    if value <= pairs[0][0]:
        return pairs[0][1]
    for (low, below), (high, above) in pairwise(pairs):
        if value <= high:
            return below + (above - below) * (value - low) / ((high - low) or 1.0)
    return pairs[-1][1]
