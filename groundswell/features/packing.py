"""The roll-up of events that are at hand: every event as one integer, sorted here.

What the roll-up groups by fits into 63 bits: the place of a person among the people of all
accounts, the days, and what the event counts in. DuckDB packs every event into such a number
while it scans, and numpy sorts them: runs of equal numbers are the rows, in the order the kernel
wants, at a fraction of what a GROUP BY and an ORDER BY over seven columns cost. The rows are those
of `compile.compile_rollup`, which every other engine runs, and which also serves here when the
numbers would not fit.
"""

# ruff: noqa: S608  (names and numbers in these texts are our own)
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl
from sqlglot import exp, parse_one

from groundswell.features.compile import (
    among,
    looked_into,
    looked_values,
    summed_values,
    timed_second,
)
from groundswell.features.plan import NEVER
from groundswell.features.properties import DAY_SECONDS
from groundswell.store.arrays import to_arrow, to_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from groundswell.features.meanings import Coding

    Ints = NDArray[np.int64]

BITS = 63
"""Bits of a signed 64-bit integer that may be used."""

_DAY = f"EPOCH_US(e.occurred_at) // {DAY_SECONDS * 1_000_000}"
_INSIDE = f"{_DAY} >= f.from_day AND {_DAY} < f.until_day"


class Asked(Protocol):
    """The part of a warehouse that packing needs."""

    def put(self, table: str, rows: pa.Table) -> None:
        """Keep a working table."""
        ...

    def query(self, select: exp.Query) -> pa.RecordBatchReader:
        """Run a SELECT."""
        ...


@dataclass(frozen=True)
class Layout:
    """What the bits of a place stand for, high to low: pair, visible, day, variant.

    A *pair* is a person of an account, a *variant* a workspace and the day from which rows are
    hidden. A place and a mark make the number of an event.

    Attributes:
        accounts, persons: By pair, ascending.
        workspaces, hidden: By variant.
        first_day: The day that is stored as 0.
        day_bits: Bits of a day.
    """

    accounts: NDArray[np.int32]
    persons: NDArray[np.int32]
    workspaces: NDArray[np.int32]
    hidden: NDArray[np.int32]
    first_day: int
    day_bits: int

    @property
    def variant_bits(self) -> int:
        """Bits of a variant."""
        return bits_for(len(self.hidden))

    @property
    def bits(self) -> int:
        """Bits of a whole place."""
        return bits_for(len(self.accounts)) + 2 * self.day_bits + self.variant_bits


@dataclass(frozen=True)
class Looked:
    """The events that are looked into.

    Attributes:
        place: Where each belongs.
        seen: Position among `kinds` of what was seen in it.
        kinds: Every (event id, bits, text of the key) that was seen.
        second: Second of the day; 0 where it does not matter.
        values: By summed property, the number read; NaN for none.
    """

    place: Ints
    seen: NDArray[np.int32]
    kinds: pl.DataFrame
    second: NDArray[np.int32]
    values: tuple[NDArray[np.float64], ...]


def lay_out(warehouse: Asked, filed: pl.DataFrame, actors: pl.DataFrame) -> Layout | None:
    """Number people and days, and put the working table `filing_packed`.

    Args:
        warehouse: Where the events are.
        filed: Filings with their workspaces.
        actors: Actors with the time of their first event.

    Returns:
        The layout; None when there is nothing to pack, or it would not fit.
    """
    days = _days(warehouse)
    if days is None or not len(filed):
        return None
    first, last = days
    visible = filed["visible"].clip(first)
    day_bits = bits_for(max(last, int(str(visible.max()))) - first + 1)
    pair = filed["account"].cast(pl.Int64) * (1 << 32) + filed["person"].cast(pl.Int64) + (1 << 31)
    variant = filed["hidden"].cast(pl.Int64) * (1 << 32) + filed["workspace"].cast(pl.Int64)
    pairs, pair_of = np.unique(pair.to_numpy(), return_inverse=True)
    variants, variant_of = np.unique(variant.to_numpy(), return_inverse=True)
    layout = Layout(
        accounts=(pairs >> 32).astype(np.int32),
        persons=((pairs & 0xFFFFFFFF) - (1 << 31)).astype(np.int32),
        workspaces=(variants & 0xFFFFFFFF).astype(np.int32),
        hidden=(variants >> 32).astype(np.int32),
        first_day=first,
        day_bits=day_bits,
    )
    if layout.bits > BITS:
        return None
    start = pair_of.astype(np.int64) << (2 * day_bits + layout.variant_bits)
    since = actors.select("actor", first=pl.col("first_at").dt.epoch("d"))
    packed = filed.with_columns(start=start + variant_of, visible=visible).join(
        since, on="actor", how="left"
    )
    # Nearly every actor has one filing for all its days, visible from the start: it is found by
    # the actor alone, and the day an event counts from is its own.
    begun = pl.max_horizontal("from_day", "visible") <= pl.col("first")
    whole = pl.col("actor").is_unique() & (pl.col("until_day") == NEVER) & begun
    columns = ("actor", "start", "visible", "from_day", "until_day")
    table = packed.select(*columns, whole.fill_null(value=False).alias("whole"))
    warehouse.put("filing_packed", table.to_arrow())
    return layout


def _days(warehouse: Asked) -> tuple[int, int] | None:
    """Return the days of the first and the last event."""
    ends = ("MIN", "MAX")
    days = ", ".join(f"EPOCH_US({end}(occurred_at)) // {DAY_SECONDS * 1_000_000}" for end in ends)
    with warehouse.query(_select(f"SELECT {days} FROM events")) as reader:
        first, last = (column[0].as_py() for column in reader.read_all().columns)
    return None if first is None else (first, last)


def look_into(warehouse: Asked, layout: Layout, coding: Coding, sums: Sequence[str]) -> Looked:
    """Read the events whose properties or times matter, each once."""
    shapes = looked_into(coding)
    inside = [event_id for ids in shapes.values() for event_id in ids]
    bits, key = looked_values(shapes, "duckdb")
    filed = (
        f"SELECT {_place(layout)} AS place FROM events AS e "
        f"JOIN filing_packed AS f ON f.actor = e.actor AND {_INSIDE}"
    )
    select = _select(filed).select(
        exp.column("event_id", "e"),
        exp.alias_(bits, "bits"),
        exp.alias_(key, "key_text"),
        exp.alias_(timed_second(coding, "duckdb"), "second"),
        *summed_values(coding, sums, "duckdb"),
    )
    found = _Kinds()
    places, seen = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
    seconds = [np.zeros(0, np.int32)]
    read: list[list[NDArray[np.float64]]] = [[np.zeros(0)] for _ in sums]
    with warehouse.query(select.where(among(inside))) as reader:
        for batch in reader:
            places.append(to_numpy(batch.column("place")))
            seen.append(found.number(batch))
            seconds.append(to_numpy(batch.column("second")).astype(np.int32))
            for index, numbers in enumerate(read):
                column = pl.Series(batch.column(f"v{index}"))
                numbers.append(column.cast(pl.Float64).to_numpy())
    return Looked(
        place=np.concatenate(places),
        seen=np.concatenate(seen),
        kinds=found.frame(),
        second=np.concatenate(seconds),
        values=tuple(np.concatenate(numbers) for numbers in read),
    )


class _Kinds:
    """Numbers for what is seen in events, as it comes by."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, str], int] = {}

    def number(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        """Return the number of each row's (event id, bits, text)."""
        texts = batch.column("key_text").dictionary_encode()
        count = max(len(texts.dictionary), 1)
        event = to_numpy(batch.column("event_id")).astype(np.int64)
        mixed = (event * (1 << 16) + to_numpy(batch.column("bits"))) * count
        told = to_arrow(mixed + to_numpy(texts.indices)).dictionary_encode()
        numbers = np.empty(len(told.dictionary), np.int32)
        for place, value in enumerate(told.dictionary.to_pylist()):
            shape, text = divmod(value, count)
            kind = (shape >> 16, shape & 0xFFFF, texts.dictionary[text].as_py())
            numbers[place] = self._known.setdefault(kind, len(self._known))
        return numbers[to_numpy(told.indices)]

    def frame(self) -> pl.DataFrame:
        """Return event_id, bits, key_text; the position is the number."""
        schema = {"event_id": pl.Int32, "bits": pl.Int32, "key_text": pl.String}
        return pl.DataFrame(list(self._known), schema=schema, orient="row")


def pack_plain(warehouse: Asked, layout: Layout, mark_bits: int) -> Iterator[Ints]:
    """Yield the numbers of all events that are not looked into.

    It reads the working tables `filing_packed` and `plain_marks`.
    """
    own_day = ((1 << layout.day_bits) + 1) << layout.variant_bits
    early = f"f.start + ({_DAY} - {layout.first_day}) * {own_day}"
    branches = [
        f"SELECT ({place}) * {1 << mark_bits} + m.mark AS number FROM events AS e "
        f"JOIN filing_packed AS f ON f.actor = e.actor AND {condition} "
        "JOIN plain_marks AS m ON m.event_id = e.event_id"
        for place, condition in ((early, "f.whole"), (_place(layout), f"NOT f.whole AND {_INSIDE}"))
    ]
    with warehouse.query(_select(" UNION ALL ".join(branches))) as reader:
        for batch in reader:
            yield to_numpy(batch.column("number"))


def _place(layout: Layout) -> str:
    """Return the place of event `e` by filing `f`, which may become visible after its day."""
    weight = 1 << layout.variant_bits
    known = f"CASE WHEN {_DAY} < f.visible THEN CAST(f.visible AS BIGINT) ELSE {_DAY} END"
    return (
        f"f.start + ({known} - {layout.first_day}) * {weight << layout.day_bits} "
        f"+ ({_DAY} - {layout.first_day}) * {weight}"
    )


def _select(text: str) -> exp.Select | exp.Union:
    """Parse SQL made of our own names and numbers."""
    query = parse_one(text, read="duckdb")
    assert isinstance(query, exp.Select | exp.Union)
    return query


def bits_for(count: int) -> int:
    """Return the bits that tell `count` things apart.

    >>> bits_for(1), bits_for(2), bits_for(5)
    (0, 1, 3)
    """
    return max(count - 1, 0).bit_length()
