"""What goes wrong on the way: late, repeated and broken messages, at documented rates."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from groundswell.demo.arrays import DAY_US, int32
from groundswell.demo.rows import Rows, join

if TYPE_CHECKING:
    from groundswell.demo.arrays import Longs

LATE = 0.004
LATE_DAYS = (7, 35)
REPEATED = 0.001
BROKEN = 0.002
FUTURE_DAYS = (500, 5000)


class Dirt(IntEnum):
    """What is wrong with a message; REPEATED ones are whole, but not the first of their number."""

    NOTHING = 0
    NO_ID = 1
    NO_TIME = 2
    FUTURE = 3
    BAD_JSON = 4
    REPEATED = 5


def delay(rng: np.random.Generator, rows: Rows) -> Rows:
    """Give each message the time it was received: mostly seconds later, for some weeks."""
    count = len(rows)
    seconds = rng.integers(200_000, 30_000_000, count)
    weeks = rng.integers(LATE_DAYS[0] * DAY_US, LATE_DAYS[1] * DAY_US, count)
    late = rng.random(count) < LATE
    rows.received = rows.at + np.where(late, weeks, seconds)
    return rows


def soil(rng: np.random.Generator, rows: Rows, *, next_number: int, end: int) -> Rows:
    """Add broken messages (BROKEN of all) and repeated ones (REPEATED), with clean ones intact.

    A broken message is a copy of a good one under a number of its own, with something missing or
    wrong; a repeated one has the number of the first and arrives five minutes later.

    Args:
        rng: The stream to draw from.
        rows: Clean messages, numbered.
        next_number: First number that no message has.
        end: End of the history, microseconds since 1970: dates in the future are years after it.
    """
    count = len(rows)
    broken = rows.take(_some(rng, count, BROKEN / (1 - BROKEN)))
    kinds = rng.integers(Dirt.NO_ID, Dirt.BAD_JSON + 1, len(broken))
    broken.dirt = int32(kinds)
    broken.number = next_number + np.arange(len(broken), dtype=np.int64)
    ahead = end + rng.integers(FUTURE_DAYS[0] * DAY_US, FUTURE_DAYS[1] * DAY_US, len(broken))
    broken.at = np.where(broken.dirt == Dirt.FUTURE, ahead, broken.at)
    repeated = rows.take(_some(rng, count, REPEATED))
    repeated.received = repeated.received + 300_000_000
    repeated.dirt = np.full(len(repeated), Dirt.REPEATED, dtype=np.int32)
    return join([rows, broken, repeated])


def _some(rng: np.random.Generator, count: int, share: float) -> Longs:
    return np.sort(rng.choice(count, round(count * share), replace=False)).astype(np.int64)
