"""From packed events to the rows of the roll-up: one sort, then runs of equal numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from groundswell.features.compile import looked_into
from groundswell.features.marks import WORKSPACE_SHIFT
from groundswell.features.packing import BITS, bits_for, pack_plain
from groundswell.store.arrays import to_arrow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from groundswell.features.meanings import Coding
    from groundswell.features.packing import Asked, Layout, Looked

    Ints = NDArray[np.int64]

BATCH_ROWS = 500_000
"""Rows of the roll-up that are unpacked at a time."""

ORDERED = {b"ordered": b"account, person, visible, day"}
"""Metadata of a stream that comes in the order of the roll-up, so that nobody sorts it again."""


def roll_up(
    warehouse: Asked, layout: Layout, looked: Looked, marks: pl.DataFrame, coding: Coding
) -> pa.RecordBatchReader | None:
    """Pack every event, sort, and return the roll-up in its order; None when it does not fit.

    Args:
        warehouse: Where the events are, with the working table of `lay_out`.
        layout: What the bits of a place stand for.
        looked: What was seen in the events that are looked into.
        marks: event_id, bits, key_text, code, key of all that can be seen.
        coding: Which events count by time, or are summed.
    """
    kinds = marks.select("code", "key").unique().sort("code", "key").with_row_index("mark")
    mark_bits = bits_for(len(kinds))
    if layout.bits + mark_bits > BITS:
        return None
    numbered = marks.join(kinds, on=["code", "key"]).with_columns(pl.col("mark").cast(pl.Int64))
    inside = [event_id for ids in looked_into(coding).values() for event_id in ids]
    plain = numbered.filter(~pl.col("event_id").is_in(inside))
    warehouse.put("plain_marks", plain.select("event_id", "mark").to_arrow())
    told = looked.kinds.join(
        numbered, on=["event_id", "bits", "key_text"], how="left", maintain_order="left"
    )
    own = (looked.place << mark_bits) + told["mark"].to_numpy()[looked.seen]
    keys = [own]
    keys += pack_plain(warehouse, layout, mark_bits)
    packed = np.concatenate(keys)
    keys.clear()
    packed.sort()
    begins = np.flatnonzero(np.append(True, packed[1:] != packed[:-1])[: len(packed)])
    rows = _Rows(packed[begins], np.diff(begins, append=len(packed)), layout, mark_bits)
    exact = np.isin(looked.kinds["event_id"].to_numpy(), sorted(coding.timed | coding.summed))
    exact_rows = np.flatnonzero(exact[looked.seen])
    measured = _measure(own[exact_rows], looked, exact_rows)
    return _stream(rows, kinds, measured)


@dataclass(frozen=True)
class _Rows:
    """The rows of the roll-up, still packed."""

    number: Ints
    count: Ints
    layout: Layout
    mark_bits: int

    def unpack(
        self, first: int, end: int, kinds: Mapping[str, NDArray[np.int32]]
    ) -> dict[str, NDArray[np.int32]]:
        """Return the columns of some rows, times left out."""
        layout, number = self.layout, self.number[first:end]
        day_mask = (1 << layout.day_bits) - 1
        mark = number & ((1 << self.mark_bits) - 1)
        place = number >> self.mark_bits
        variant = place & ((1 << layout.variant_bits) - 1)
        place >>= layout.variant_bits
        pair = place >> (2 * layout.day_bits)
        shift = np.int32(1 << WORKSPACE_SHIFT)
        return {
            "account": layout.accounts[pair],
            "person": layout.persons[pair],
            "day": (place & day_mask).astype(np.int32) + np.int32(layout.first_day),
            "event": kinds["code"][mark] + layout.workspaces[variant] * shift,
            "key": kinds["key"][mark],
            "n": self.count[first:end].astype(np.int32),
            "visible": ((place >> layout.day_bits) & day_mask).astype(np.int32)
            + np.int32(layout.first_day),
            "hidden": layout.hidden[variant],
        }


@dataclass(frozen=True)
class _Measured:
    """Times and sums of the rows that have them, by packed number, ascending."""

    number: Ints
    first_at: NDArray[np.int32]
    last_at: NDArray[np.int32]
    sums: tuple[NDArray[np.float64], ...]


def _measure(number: Ints, looked: Looked, rows: Ints) -> _Measured:
    order = np.argsort(number, kind="stable")
    rows, number = rows[order], number[order]
    begins = np.flatnonzero(np.append(True, number[1:] != number[:-1])[: len(number)])
    if not len(begins):
        none = np.zeros(0, np.int32)
        return _Measured(number, none, none, tuple(np.zeros(0) for _ in looked.values))
    second = looked.second[rows]
    sums: list[NDArray[np.float64]] = []
    for values in looked.values:
        mine = values[rows]
        known = np.add.reduceat(~np.isnan(mine), begins, dtype=np.int64)
        total = np.add.reduceat(np.nan_to_num(mine), begins)
        sums.append(np.where(known > 0, total, np.nan))
    return _Measured(
        number[begins],
        np.minimum.reduceat(second, begins),
        np.maximum.reduceat(second, begins),
        tuple(sums),
    )


def _stream(rows: _Rows, kinds: pl.DataFrame, measured: _Measured) -> pa.RecordBatchReader:
    """Unpack the rows as they are asked for."""
    lookup = {name: kinds[name].to_numpy().astype(np.int32) for name in ("code", "key")}
    names = ["account", "person", "day", "event", "key", "n", "first_at", "last_at"]
    fields = [(name, pa.int32()) for name in [*names, "visible", "hidden"]]
    fields += [(f"s{i}", pa.float64()) for i in range(len(measured.sums))]
    schema = pa.schema(fields, metadata=ORDERED)
    at = np.searchsorted(rows.number, measured.number)

    def batches() -> Iterator[pa.RecordBatch]:
        for first in range(0, len(rows.number), BATCH_ROWS):
            end = min(first + BATCH_ROWS, len(rows.number))
            whole = rows.unpack(first, end, lookup)
            low, high = np.searchsorted(at, [first, end])
            mine = at[low:high] - first
            for name in ("first_at", "last_at"):
                whole[name] = np.zeros(end - first, np.int32)
                whole[name][mine] = getattr(measured, name)[low:high]
            columns = {name: to_arrow(values) for name, values in whole.items()}
            for index, total in enumerate(measured.sums):
                filled = np.full(end - first, np.nan)
                filled[mine] = total[low:high]
                columns[f"s{index}"] = pl.Series(filled, nan_to_null=True).to_arrow()
            yield pa.record_batch([columns[name] for name in schema.names], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
