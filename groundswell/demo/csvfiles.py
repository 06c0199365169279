"""Write tables as CSV the way a careless export does: mostly right, with a few broken lines."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from groundswell.demo.arrays import DAY_US, NEVER, NEVER_US, Ints, Longs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


def write_csv(
    path: Path, columns: Mapping[str, Sequence[object]], *, broken: Iterable[str] = ()
) -> int:
    """Write columns of equal length; None is an empty field. Return the number of good rows.

    Args:
        path: The file.
        columns: Texts, numbers or None, by column name, in order.
        broken: Lines added as they stand, spread evenly through the file.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    rows = list(zip(*columns.values(), strict=True))
    lines = list(broken)
    every = max(1, len(rows) // (len(lines) + 1))
    for start in range(0, len(rows), every):
        writer.writerows(rows[start : start + every])
        if lines and start + every < len(rows) + every:
            buffer.write(lines.pop(0) + "\n")
    for line in lines:
        buffer.write(line + "\n")
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="")
    return len(rows)


def instants(values: Longs) -> list[str | None]:
    """Return microseconds since 1970 as ISO 8601 in UTC, to the second; None for NEVER_US."""
    never = values >= NEVER_US
    seconds = np.where(never, 0, values).astype("datetime64[us]").astype("datetime64[s]")
    texts = np.datetime_as_string(seconds).tolist()
    return [None if no else f"{text}Z" for text, no in zip(texts, never.tolist(), strict=True)]


def days(values: Ints, *, hour: int = 9) -> list[str | None]:
    """Return days since 1970 as an instant on that day, in UTC; None for NEVER."""
    moments = values.astype(np.int64) * DAY_US + hour * 3_600_000_000
    return instants(np.where(values >= NEVER, NEVER_US, moments))
