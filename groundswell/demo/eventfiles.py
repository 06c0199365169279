"""Write events as Parquet: one file a month of receipt, in slices, so memory stays bounded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from groundswell.clock import day_from_number
from groundswell.demo import dirt
from groundswell.demo.arrays import DAY_US, Longs, Stream, generator
from groundswell.demo.calendars import months_of
from groundswell.demo.rows import Rows, join, no_rows

if TYPE_CHECKING:
    from pathlib import Path

    from groundswell.demo.activity import Activity
    from groundswell.demo.catalogue import Templates

SLICE = 131_072
STEP = 1_000_000  # events, or so
PEAK = 3  # events of the busiest days, to those of a mean day
SCHEMA = pa.schema(
    [
        pa.field("message_id", pa.string()),
        pa.field("user_id", pa.string()),
        pa.field("anonymous_id", pa.string()),
        pa.field("account_id", pa.string()),
        pa.field("event", pa.string()),
        pa.field("timestamp", pa.timestamp("us", tz="UTC")),
        pa.field("received_at", pa.timestamp("us", tz="UTC")),
        pa.field("properties", pa.string()),
    ]
)
BROKEN_JSON = '{"board": "Spr'
# Repetitive texts as dictionaries; a message id is never the same twice.
WRITING: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": ["user_id", "anonymous_id", "account_id", "event", "properties"],
}


@dataclass(slots=True)
class Labels:
    """The texts that numbers stand for.

    `account` gives the account id of each seat, null where its events carry none; `user` the
    user id of each seat. The last of `properties` is the broken text.
    """

    user: pa.StringArray
    account: pa.StringArray
    visitor: pa.StringArray
    event: pa.StringArray
    properties: pa.StringArray


@dataclass(slots=True)
class Written:
    """What was written: files, rows, and how many of them are late, broken or repeated."""

    files: list[Path] = field(default_factory=list["Path"])
    rows: int = 0
    late: int = 0
    broken: int = 0
    repeated: int = 0


def labels_of(
    *, users: list[str], accounts: list[str | None], visitors: int, templates: Templates
) -> Labels:
    """Return the texts of all the numbers."""
    return Labels(
        user=pa.array(users, pa.string()),
        account=pa.array(accounts, pa.string()),
        visitor=hex_ids("a-", _mixed(np.arange(visitors, dtype=np.int64) + 2**61)),
        event=pa.array(templates.events, pa.string()),
        properties=pa.array([*templates.properties, BROKEN_JSON], pa.string()),
    )


def write_events(
    folder: Path, *, activity: Activity, story: Rows, labels: Labels, first: int, last: int
) -> Written:
    """Write every event received in first..last, and say what was written.

    The history is gone through in steps of a month, or fewer days where a month has more than
    STEP events or so: at most a step's events, and those still to be received, are held at once.
    A message that is received after the last day is not in any file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("events-*.parquet"):
        old.unlink()
    written = Written()
    story = story.take(np.argsort(story.at, kind="stable"))
    story = _inside(story, first=first, last=last)
    a_day = activity.expected(first=first, last=last) / (last - first + 1)
    length = max(1, int(STEP / (PEAK * a_day)))
    carried = no_rows()
    for start, stop in months_of(first, last):
        path = folder / f"events-{day_from_number(start):%Y-%m}.parquet"
        with pq.ParquetWriter(path, SCHEMA, **WRITING) as writer:
            for day in range(start, stop + 1, length):
                end = min(day + length - 1, stop)
                low, high = np.searchsorted(story.at, [day * DAY_US, (end + 1) * DAY_US])
                fresh = join(
                    [story.take(slice(int(low), int(high))), activity.span(first=day, last=end)]
                )
                fresh = _inside(fresh, first=first, last=last)
                fresh = _sent(fresh, day, seed=activity.seed, last=last)
                waiting = join([carried, fresh])
                due = waiting.received < (end + 1) * DAY_US
                carried = waiting.take(~due)
                _write(writer, waiting.take(due), labels, seed=activity.seed)
                _count(written, waiting.take(due))
        written.files.append(path)
    return written


def _sent(rows: Rows, day: int, *, seed: int, last: int) -> Rows:
    """Number the messages of a step, let them arrive, and break and repeat a few."""
    rng = generator(seed, Stream.DIRT, day)
    rows = dirt.delay(rng, rows)
    base = day << 40
    rows.number = base + np.arange(len(rows), dtype=np.int64)
    return dirt.soil(rng, rows, next_number=base + len(rows), end=(last + 1) * DAY_US)


def _inside(rows: Rows, *, first: int, last: int) -> Rows:
    """Leave out what the hours of a far country moved past the ends of the history."""
    return rows.take((rows.at >= first * DAY_US) & (rows.at < (last + 1) * DAY_US))


def _count(written: Written, rows: Rows) -> None:
    written.rows += len(rows)
    counts = np.bincount(rows.dirt, minlength=len(dirt.Dirt))
    written.repeated += int(counts[dirt.Dirt.REPEATED])
    written.broken += len(rows) - int(counts[dirt.Dirt.NOTHING] + counts[dirt.Dirt.REPEATED])
    clean = rows.dirt == dirt.Dirt.NOTHING
    written.late += int((clean & (rows.received - rows.at > dirt.LATE_DAYS[0] * DAY_US)).sum())


def _write(writer: pq.ParquetWriter, rows: Rows, labels: Labels, *, seed: int) -> None:
    order = np.argsort(rows.received, kind="stable")
    for start in range(0, len(rows), SLICE):
        part = rows.take(order[start : start + SLICE].astype(np.int64))
        writer.write_table(as_table(part, labels, seed=seed))


def as_table(rows: Rows, labels: Labels, *, seed: int) -> pa.Table:
    """Return the rows with their texts, as files hold them."""
    no_id = rows.dirt == dirt.Dirt.NO_ID
    nobody = (rows.seat < 0) | no_id
    seat = pa.array(rows.seat, mask=nobody)
    visitor = pa.array(rows.visitor, mask=(rows.visitor < 0) | no_id)
    broken_json = len(labels.properties) - 1
    text = np.where(rows.dirt == dirt.Dirt.BAD_JSON, broken_json, rows.template)
    instant = pa.timestamp("us", tz="UTC")
    return pa.table(
        [
            hex_ids("m-", _mixed(rows.number ^ (seed << 56))),
            labels.user.take(seat),
            labels.visitor.take(visitor),
            labels.account.take(seat),
            labels.event.take(pa.array(rows.template)),
            pa.array(rows.at, mask=rows.dirt == dirt.Dirt.NO_TIME).cast(instant),
            pa.array(rows.received).cast(instant),
            labels.properties.take(pa.array(text)),
        ],
        schema=SCHEMA,
    )


_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def _mixed(numbers: Longs) -> Longs:
    """Return a one-to-one scramble of 64-bit numbers (splitmix64): unique stays unique.

    Source: Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014.
    """
    z = numbers.astype(np.uint64)
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))).view(np.int64)


def hex_ids(prefix: str, numbers: Longs) -> pa.StringArray:
    """Return `prefix` and 16 hexadecimal digits for each number.

    >>> hex_ids("m-", np.array([255], dtype=np.int64))[0].as_py()
    'm-00000000000000ff'
    """
    count = len(numbers)
    octets = numbers.astype(">i8").view(np.uint8).reshape(count, 8)
    width = len(prefix) + 16
    text = np.empty((count, width), dtype=np.uint8)
    text[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype=np.uint8)
    text[:, len(prefix) :: 2] = _HEX[octets >> 4]
    text[:, len(prefix) + 1 :: 2] = _HEX[octets & 15]
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))
