"""Write events as Parquet: one file a month of receipt, in slices, so memory stays bounded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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
_BROKEN_JSON = '{"board": "Spr'


@dataclass(slots=True)
class Labels:
    """The texts that numbers stand for.

    `account` gives the account id of each seat, null where its events carry none; `user` the
    user id of each seat.
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
        properties=pa.array(templates.properties, pa.string()),
    )


def write_events(
    folder: Path, *, activity: Activity, story: Rows, labels: Labels, first: int, last: int
) -> Written:
    """Write every event received in first..last, and say what was written.

    A message that is received after the last day is not in any file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = Written()
    story = story.take(np.argsort(story.at, kind="stable"))
    carried = no_rows()
    for month, (start, stop) in enumerate(months_of(first, last)):
        low, high = np.searchsorted(story.at, [start * DAY_US, (stop + 1) * DAY_US])
        if month == 0:
            low = 0
        fresh = join([story.take(slice(int(low), int(high))), activity.month(first=start, last=stop)])
        fresh = _inside(fresh, first=first, last=last)
        rng = generator(activity.seed, Stream.DIRT, month)
        fresh = dirt.delay(rng, fresh)
        base = month << 40
        fresh.number = base + np.arange(len(fresh), dtype=np.int64)
        fresh = dirt.soil(rng, fresh, next_number=base + len(fresh))
        waiting = join([carried, fresh])
        due = waiting.received < (stop + 1) * DAY_US
        carried = waiting.take(~due)
        path = folder / f"events-{day_from_number(start):%Y-%m}.parquet"
        _write_month(path, waiting.take(due), labels, seed=activity.seed)
        _count(written, path, waiting.take(due))
    return written


def _inside(rows: Rows, *, first: int, last: int) -> Rows:
    """Leave out what the hours of a far country moved past the ends of the history."""
    return rows.take((rows.at >= first * DAY_US) & (rows.at < (last + 1) * DAY_US))


def _count(written: Written, path: Path, rows: Rows) -> None:
    written.files.append(path)
    written.rows += len(rows)
    clean = rows.dirt == dirt.Dirt.NOTHING
    written.broken += int((~clean).sum())
    written.late += int((clean & (rows.received - rows.at > dirt.LATE_DAYS[0] * DAY_US)).sum())
    written.repeated += len(rows) - len(np.unique(rows.number))


def _write_month(path: Path, rows: Rows, labels: Labels, *, seed: int) -> None:
    order = np.argsort(rows.received, kind="stable")
    with pq.ParquetWriter(
        path, SCHEMA, compression="zstd", use_dictionary=DICTIONARIES, write_statistics=True
    ) as writer:
        for start in range(0, len(rows), SLICE):
            part = rows.take(order[start : start + SLICE].astype(np.int64))
            writer.write_table(as_table(part, labels, seed=seed))


DICTIONARIES = ["user_id", "anonymous_id", "account_id", "event", "properties"]


def as_table(rows: Rows, labels: Labels, *, seed: int) -> pa.Table:
    """Return the rows with their texts, as files hold them."""
    no_id = rows.dirt == dirt.Dirt.NO_ID
    nobody = (rows.seat < 0) | no_id
    seat = pa.array(rows.seat, mask=nobody)
    visitor = pa.array(rows.visitor, mask=(rows.visitor < 0) | no_id)
    properties = labels.properties.take(pa.array(rows.template))
    bad_json = rows.dirt == dirt.Dirt.BAD_JSON
    if bad_json.any():
        properties = pc.if_else(pa.array(bad_json), _BROKEN_JSON, properties)
    instant = pa.timestamp("us", tz="UTC")
    return pa.table(
        [
            hex_ids("m-", _mixed(rows.number + (seed << 48))),
            labels.user.take(seat),
            labels.visitor.take(visitor),
            labels.account.take(seat),
            labels.event.take(pa.array(rows.template)),
            pa.array(rows.at, mask=rows.dirt == dirt.Dirt.NO_TIME).cast(instant),
            pa.array(rows.received).cast(instant),
            properties,
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
