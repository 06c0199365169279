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


class Dirt(IntEnum):
    """What is wrong with a message."""

    NOTHING = 0
    NO_ID = 1
    NO_TIME = 2
    FUTURE = 3
    BAD_JSON = 4


def delay(rng: np.random.Generator, rows: Rows) -> Rows:
    """Give each message the time it was received: mostly seconds later, for some weeks."""
    count = len(rows)
    seconds = rng.integers(200_000, 30_000_000, count)
    weeks = rng.integers(LATE_DAYS[0] * DAY_US, LATE_DAYS[1] * DAY_US, count)
    late = rng.random(count) < LATE
    rows.received = rows.at + np.where(late, weeks, seconds)
    return rows


def soil(rng: np.random.Generator, rows: Rows, *, next_number: int) -> Rows:
    """Add broken messages (BROKEN of all) and repeated ones (REPEATED), with clean ones intact.

    A broken message is a copy of a good one under a number of its own, with something missing or
    wrong; a repeated one has the number of the first and arrives five minutes later.
    """
    count = len(rows)
    broken = rows.take(_some(rng, count, BROKEN / (1 - BROKEN)))
    kinds = rng.integers(Dirt.NO_ID, Dirt.BAD_JSON + 1, len(broken))
    broken.dirt = int32(kinds)
    broken.number = next_number + np.arange(len(broken), dtype=np.int64)
    # Dated up to five years after it was received.
    ahead = broken.received + rng.integers(60 * DAY_US, 1800 * DAY_US, len(broken))
    broken.at = np.where(broken.dirt == Dirt.FUTURE, ahead, broken.at)
    repeated = rows.take(_some(rng, count, REPEATED))
    repeated.received = repeated.received + 300_000_000
    return join([rows, broken, repeated])


def _some(rng: np.random.Generator, count: int, share: float) -> Longs:
    return np.sort(rng.choice(count, round(count * share), replace=False)).astype(np.int64)
