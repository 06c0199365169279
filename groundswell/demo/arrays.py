"""Array types of the generator, and the random streams that make it reproducible."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEVER = 2**30
NEVER_US = 2**62
DAY_US = 86_400_000_000


class Stream(IntEnum):
    """Independent random streams: adding draws to one never shifts another."""

    CAST = 1
    STORY = 2
    ACTIVITY = 3
    DIRT = 4
    RECORDS = 5
    LATE = 6


def generator(seed: int, stream: Stream, *path: int) -> np.random.Generator:
    """Return the PCG64 generator of one stream, and of one part of it named by `path`."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream, *path])))


def int32(values: npt.ArrayLike) -> Ints:
    """Return `values` as int32, rounded down."""
    return np.floor(np.asarray(values)).astype(np.int32)
