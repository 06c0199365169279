"""Telling rows apart by a few text columns: fast by a 64-bit digest, exact by their bytes.

The digest is kept beside each event, so that a batch finds the few stored rows it might repeat;
it is defined here, not by an engine, so that it is the same on every engine and for ever. It
only proposes: rows are equal when their bytes are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from groundswell.store.arrays import text_buffers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    import pyarrow as pa

    Digests = npt.NDArray[np.uint64]

_SEED = np.uint64(0x243F6A8885A308D3)
_PRIME = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows put together by equality, groups numbered in order of first appearance.

    Attributes:
        codes: int32[rows], the group of each row.
        first: int64[groups], the first row of each group.
    """

    codes: npt.NDArray[np.int32]
    first: npt.NDArray[np.int64]


def digest_rows(rows: pa.Table, columns: Sequence[str]) -> Digests:
    """Return a 64-bit digest of each row over its text columns; null differs from empty.

    Returns:
        uint64[rows].
    """
    digests = np.full(rows.num_rows, _SEED, dtype=np.uint64)
    for name in columns:
        _fold(digests, *text_buffers(rows.column(name)))
    return digests


def group_rows(rows: pa.Table, columns: Sequence[str], *, digests: Digests) -> Groups:
    """Put rows that agree in all the text columns together; equality is of bytes, not digests.

    Args:
        rows: The rows, in the order that decides which is first.
        columns: Names of the text columns compared; null equals null.
        digests: `digest_rows` of the same rows and columns.
    """
    codes = np.zeros(rows.num_rows, dtype=np.int32)
    first = np.zeros(rows.num_rows, dtype=np.int64)
    count = _group(digests, codes, first)
    first = first[:count].copy()
    again = np.ones(rows.num_rows, dtype=np.bool_)
    again[first] = False
    if again.any() and any(
        _disagree(again, codes, first, *text_buffers(rows.column(name))) for name in columns
    ):
        return _group_by_value(rows, columns)
    return Groups(codes=codes, first=first)


def _group_by_value(rows: pa.Table, columns: Sequence[str]) -> Groups:
    """Group without digests: for the batch in which two different rows share one."""
    seen: dict[tuple[str | None, ...], int] = {}
    first: list[int] = []
    codes = np.zeros(rows.num_rows, dtype=np.int32)
    values = zip(*(rows.column(name).to_pylist() for name in columns), strict=True)
    for row, value in enumerate(values):
        codes[row] = seen.setdefault(value, len(seen))
        if len(seen) > len(first):
            first.append(row)
    return Groups(codes=codes, first=np.array(first, dtype=np.int64))


def earliest(groups: Groups, moments: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the smallest of each group's `moments`, int64[groups]."""
    least = moments[groups.first]
    _lower(least, groups.codes, moments)
    return least


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return numba.njit(cache=True, nogil=True)(function)


@_compiled
def _fold(digests: Any, offsets: Any, content: Any, valid: Any) -> None:
    for row in range(len(digests)):
        value = digests[row]
        if valid[row]:
            at, end = offsets[row], offsets[row + 1]
            value = (value ^ np.uint64(end - at + 1)) * _PRIME
            while at + 8 <= end:
                word = np.uint64(0)
                for byte in range(8):
                    word |= np.uint64(content[at + byte]) << np.uint64(8 * byte)
                value = (value ^ word) * _PRIME
                value ^= value >> np.uint64(29)
                at += 8
            while at < end:
                value = (value ^ np.uint64(content[at])) * _PRIME
                at += 1
            value ^= value >> np.uint64(32)
        value *= _PRIME
        digests[row] = value ^ (value >> np.uint64(31))


@_compiled
def _group(digests: Any, codes: Any, first: Any) -> int:
    size = 16
    while size < 2 * len(digests):
        size *= 2
    table = np.full(size, -1, dtype=np.int32)
    mask = np.uint64(size - 1)
    count = 0
    for row in range(len(digests)):
        slot = digests[row] & mask
        while True:
            group = table[slot]
            if group < 0:
                table[slot] = count
                first[count] = row
                codes[row] = count
                count += 1
                break
            if digests[first[group]] == digests[row]:
                codes[row] = group
                break
            slot = (slot + np.uint64(1)) & mask
    return count


@_compiled
def _disagree(again: Any, codes: Any, first: Any, offsets: Any, content: Any, valid: Any) -> bool:
    """Say whether any row that is not its group's first differs from that one in one column."""
    starts = np.zeros(len(first), dtype=np.int32)  # the firsts side by side: fewer cache misses
    sizes = np.zeros(len(first), dtype=np.int32)
    for group in range(len(first)):
        head = first[group]
        starts[group] = offsets[head]
        sizes[group] = offsets[head + 1] - offsets[head] if valid[head] else -1
    for row in range(len(codes)):
        if not again[row]:
            continue
        group = codes[row]
        start, other = starts[group], offsets[row]
        size = offsets[row + 1] - other if valid[row] else -1
        if size != sizes[group]:
            return True
        if start == other:
            continue
        for byte in range(size):
            if content[start + byte] != content[other + byte]:
                return True
    return False


@_compiled
def _lower(least: Any, codes: Any, moments: Any) -> None:
    for row in range(len(codes)):
        group = codes[row]
        least[group] = min(least[group], moments[row])
