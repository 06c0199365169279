"""Cutting a block of CSV into records and fields, compiled.

One pass over the bytes finds every record, its physical line and its fields, and writes the fields
as Arrow string views into the block itself: nothing is copied but fields with escaped quotes.
Spaces around a field without quotes are not part of it. A
record whose shape is wrong is set aside with its line and the pass goes on behind it, which no
CSV reader that we know does with the right line numbers.
"""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
# numba types the kernels where they are called.

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LF, _CR, _SPACE = 10, 13, 32
# A quote still open after so many bytes is taken for a mistake, not for a long field.
MAX_QUOTED = 4 << 20


class Flaw(IntEnum):
    """What is wrong with the shape of a record."""

    TOO_FEW = 1
    TOO_MANY = 2
    OPEN_QUOTE = 3
    AFTER_QUOTE = 4
    BAD_ENCODING = 5
    NUL = 6


class Cut(NamedTuple):
    """What one pass over a block found.

    Attributes:
        views: int32 (columns, records, 4): Arrow string views; buffer 0 is the block, 1 `side`.
        side: uint8: the unescaped bytes.
        good: int64 (records, 3): first byte, byte after the last, physical line.
        bad: int64 (flawed, 5): the same three, `Flaw`, number of fields.
        consumed: Bytes of the block that were used up.
        line: The physical line that follows.
    """

    views: NDArray[np.int32]
    side: NDArray[np.uint8]
    good: NDArray[np.int64]
    bad: NDArray[np.int64]
    consumed: int
    line: int


@numba.njit(nogil=True, cache=True)  # pragma: no cover - compiled
def _put_view(view, source, at, length, buffer):
    """Write one 16-byte Arrow string view."""
    view[0] = length
    if length <= 12:
        for word in range(3):
            packed = np.uint32(0)
            for byte in range(4):
                i = word * 4 + byte
                if i < length:
                    packed |= np.uint32(source[at + i]) << np.uint32(8 * byte)
            view[1 + word] = np.int32(packed)
    else:
        packed = np.uint32(0)
        for byte in range(4):
            packed |= np.uint32(source[at + byte]) << np.uint32(8 * byte)
        view[1] = np.int32(packed)
        view[2] = buffer
        view[3] = at


@numba.njit(nogil=True, cache=True)  # pragma: no cover - compiled
def _end_of_line(data, pos, stop):
    while pos < stop and data[pos] != _LF and data[pos] != _CR:
        pos += 1
    return pos


@numba.njit(nogil=True, cache=True)  # pragma: no cover - compiled
def _quoted(data, pos, stop, quote, escape, side, side_at):
    """Read a quoted field whose content begins at `pos`.

    Returns (position after the closing quote or -1 when it stays open, end of the content,
    whether the content went to `side`, its end in `side`, line ends inside).
    """
    begin = pos
    lines = 0
    copied = False
    while pos < stop:
        byte = data[pos]
        doubled = byte == quote and escape == quote and pos + 1 < stop and data[pos + 1] == quote
        escaped = byte == escape and escape != quote and pos + 1 < stop
        if doubled or escaped:
            if not copied:
                copied = True
                for i in range(begin, pos):
                    side[side_at] = data[i]
                    side_at += 1
            side[side_at] = data[pos + 1]
            side_at += 1
            if data[pos + 1] == _LF:
                lines += 1
            pos += 2
            continue
        if byte == quote:
            return pos + 1, pos, copied, side_at, lines
        if byte == _LF or (byte == _CR and not (pos + 1 < stop and data[pos + 1] == _LF)):
            lines += 1
        if copied:
            side[side_at] = byte
            side_at += 1
        pos += 1
    return -1, pos, copied, side_at, lines


@numba.njit(nogil=True, cache=True)  # pragma: no cover - compiled
def _cut(  # noqa: C901 - one pass, compiled
    data, stop, final, marks, columns, views, side, good, bad, line
):
    """The pass itself; `marks` is (delimiter, quote, escape, longest quoted field)."""
    delimiter, quote, escape, longest = marks
    pos = 0
    n_good = 0
    n_bad = 0
    side_at = 0
    while pos < stop:
        if data[pos] == _LF:
            pos += 1
            line += 1
            continue
        if data[pos] == _CR:
            if pos + 1 == stop and not final:
                break
            pos += 2 if pos + 1 < stop and data[pos + 1] == _LF else 1
            line += 1
            continue
        begin = pos
        side_mark = side_at
        flaw = 0
        field = 0
        lines = 0
        complete = False
        while True:
            source_side = False
            if pos < stop and data[pos] == quote:
                at = pos + 1
                side_from = side_at
                after, end, source_side, side_at, inside = _quoted(
                    data, at, stop, quote, escape, side, side_at
                )
                lines += inside
                if after < 0:
                    if final or stop - begin > longest:
                        flaw = 3
                    break
                if after == stop and not final:
                    break
                if (
                    after < stop
                    and data[after] != delimiter
                    and data[after] != _LF
                    and data[after] != _CR
                ):
                    flaw = 4
                    break
                pos = after
                if source_side:
                    at = side_from
                    end = side_at
            else:
                at = pos
                while (
                    pos < stop and data[pos] != delimiter and data[pos] != _LF and data[pos] != _CR
                ):
                    pos += 1
                end = pos
                while at < end and data[at] == _SPACE:
                    at += 1
                while end > at and data[end - 1] == _SPACE:
                    end -= 1
            if field < columns:
                if source_side:
                    _put_view(views[field, n_good], side, at, end - at, 1)
                else:
                    _put_view(views[field, n_good], data, at, end - at, 0)
            field += 1
            if pos >= stop:
                complete = final
                break
            if data[pos] == delimiter:
                pos += 1
                continue
            complete = True
            break
        if flaw:
            # Only the first physical line is given up: what follows may be whole again.
            pos = _end_of_line(data, begin, stop)
            if pos >= stop and not final:
                pos = begin
                side_at = side_mark
                break
            side_at = side_mark
            bad[n_bad, 0] = begin
            bad[n_bad, 1] = pos
            bad[n_bad, 2] = line
            bad[n_bad, 3] = flaw
            bad[n_bad, 4] = field
            n_bad += 1
        else:
            if not complete:
                pos = begin
                side_at = side_mark
                break
            if pos < stop and data[pos] == _CR and pos + 1 == stop and not final:
                pos = begin
                side_at = side_mark
                break
            if field == columns:
                good[n_good, 0] = begin
                good[n_good, 1] = pos
                good[n_good, 2] = line
                n_good += 1
            else:
                bad[n_bad, 0] = begin
                bad[n_bad, 1] = pos
                bad[n_bad, 2] = line
                bad[n_bad, 3] = 1 if field < columns else 2
                bad[n_bad, 4] = field
                n_bad += 1
                side_at = side_mark
            line += lines
        if pos < stop:
            pos += 2 if data[pos] == _CR and pos + 1 < stop and data[pos + 1] == _LF else 1
            line += 1
    return n_good, n_bad, side_at, pos, line


def cut_records(
    data: NDArray[np.uint8],
    *,
    columns: int,
    delimiter: str,
    quote: str,
    escape: str | None,
    line: int,
    final: bool,
    max_quoted: int = MAX_QUOTED,
) -> Cut:
    """Cut a block of UTF-8 CSV into records.

    Args:
        data: The block; begins at a record.
        columns: How many fields a record must have.
        delimiter: One ASCII character between fields.
        quote: One ASCII character around fields, or "" when nothing is quoted.
        escape: One ASCII character before a quote inside a field; None: the quote, doubled.
        line: Physical line the block begins on, from 1.
        final: True when nothing follows; otherwise the last, incomplete record is left over.
        max_quoted: Longest record, in bytes, in which a quote may stay open.

    Returns:
        The records, the flawed ones, and how much of the block was used up.
    """
    ends = int(np.count_nonzero(data == _LF)) + int(np.count_nonzero(data == _CR)) + 1
    views = np.empty((columns, ends, 4), dtype=np.int32)
    side = np.empty(len(data) if quote else 0, dtype=np.uint8)
    good = np.empty((ends, 3), dtype=np.int64)
    bad = np.empty((ends, 5), dtype=np.int64)
    quote_byte = ord(quote) if quote else -1
    escape_byte = ord(escape) if escape else quote_byte
    marks = (ord(delimiter), quote_byte, escape_byte, max_quoted)
    n_good, n_bad, side_at, consumed, next_line = _cut(
        data, len(data), final, marks, columns, views, side, good, bad, line
    )
    return Cut(
        views=views[:, :n_good],
        side=side[:side_at],
        good=good[:n_good],
        bad=bad[:n_bad],
        consumed=int(consumed),
        line=int(next_line),
    )
