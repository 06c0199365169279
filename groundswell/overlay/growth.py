"""How fast recurring revenue grows, quarter after quarter."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from groundswell.overlay.figures import Figure, recent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.overlay.quarters import Quarter

HALF, YEAR = 2, 4
"""Quarters."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth a quarter: over the last two, over the two a year before, and over the last year.

    Each is None where one of its quarters is not known.
    """

    now: Figure | None
    before: Figure | None
    year: Figure | None


def read_growth(by_quarter: Mapping[str, Figure], quarters: Sequence[Quarter]) -> Growth:
    """Return how fast something grew up to the last of some quarters.

    Args:
        by_quarter: How much there was at the end of each.
        quarters: Those looked at, the latest last.
    """
    needed = [quarters[-1].earlier(back) for back in range(HALF + YEAR, -1, -1)]
    steps = [_step(one, after) for one, after in pairwise(recent(by_quarter, needed))]
    source = next((one.source for one in by_quarter.values() if one.source), "")
    return Growth(
        _mean(steps[-HALF:], source),
        _mean(steps[-HALF - YEAR : -YEAR], source),
        _mean(steps[-YEAR:], source),
    )


def _step(before: Figure | None, after: Figure | None) -> float | None:
    if before is None or after is None or after.value is None or not before.value:
        return None
    return after.value / before.value - 1


def _mean(steps: Sequence[float | None], source: str) -> Figure | None:
    known = [step for step in steps if step is not None]
    if not known or len(known) < len(steps):
        return None
    return Figure(sum(known) / len(known), n=len(known), unit="share", source=source)
