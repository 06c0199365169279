"""Columns that need no reading: they stand in the source as they will stand with us.

DuckDB judges every row, but a text or an instant that is already what it should be is not sent
through it: the column is taken from the source, with the spellings of "no value" made null.
"""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyright: reportMissingParameterType=false
# Arrow ships no types; numba types the kernel where it is called.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from groundswell.store.arrays import text_buffers, to_arrow, to_scalar
from groundswell.store.tables import INSTANT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from numpy.typing import NDArray

MESSAGE_ID, PROPERTIES, SUSPECT = "message_id", "properties", "__suspect"


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A column of ours that is one of theirs.

    Attributes:
        source: Name of their column.
        nulls: Texts that mean "no value".
        missing: What stands in for an instant that is missing.
    """

    source: str
    nulls: tuple[str, ...] = ()
    missing: datetime | None = None


def may_stand(type_: pa.DataType, *, time: bool) -> bool:
    """Return whether values of an Arrow type can be ours as they are."""
    if time:
        return pa.types.is_timestamp(type_) and type_.unit == "us" and type_.tz is not None
    return pa.types.is_string(type_) or pa.types.is_string_view(type_)


def add_verbatim(found: pa.Table, raw: pa.Table, columns: Mapping[str, Verbatim]) -> pa.Table:
    """Return what the query found, and the columns that it left to be taken as they are.

    Args:
        found: Result of `Query.rows`, one row for each of `raw` and in their order. Where the
            message's id is taken as it is, `message_id` holds those of rows without one.
        raw: The rows as they came.
        columns: Our columns, with where they come from.
    """
    assert not columns or found.num_rows == raw.num_rows, "every row is judged"
    for name, verbatim in columns.items():
        column = _taken(raw.column(verbatim.source), verbatim)
        if name == MESSAGE_ID:
            if column.null_count:
                column = pc.coalesce(column, found.column(MESSAGE_ID))
            found = found.set_column(found.column_names.index(MESSAGE_ID), MESSAGE_ID, column)
        else:
            found = found.append_column(name, column)
        if name == PROPERTIES:
            found = found.append_column(SUSPECT, to_arrow(loose_json(column)))
    return found


def _taken(column: pa.ChunkedArray, verbatim: Verbatim) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        column = column.cast(INSTANT)
        if verbatim.missing is not None and column.null_count:
            column = column.fill_null(to_scalar(verbatim.missing, INSTANT))
        return column
    column = column.cast(pa.string())
    for text in verbatim.nulls:
        same = pc.equal(column, to_scalar(text, pa.string()))
        if pc.any(same).as_py():
            column = pc.if_else(same, to_scalar(None, pa.string()), column)
    return column


def loose_json(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return which texts may hold a trailing comma, a NaN or an infinity.

    >>> loose_json(pa.chunked_array([['{"a": 1}', '{"a": 1 , }', '{"a": -inf}']])).tolist()
    [False, True, True]
    """
    found = np.zeros(len(column), dtype=np.bool_)
    _mark_loose(*text_buffers(column), found)
    return found


@numba.njit(nogil=True, cache=True)  # pragma: no cover - compiled
def _mark_loose(offsets, content, valid, found):
    for row in range(len(found)):
        if not valid[row]:
            continue
        end = offsets[row + 1]
        for at in range(offsets[row], end):
            byte = content[at]
            if byte == 44 or byte == 58 or byte == 91:  # , : [
                after = at + 1
                while after < end and (content[after] == 32 or 9 <= content[after] <= 13):
                    after += 1
                if after == end:
                    break
                next_byte = content[after]
                if byte == 44 and (next_byte == 125 or next_byte == 93):  # } ]
                    found[row] = True
                    break
                if next_byte == 45:  # -
                    after += 1
                if after + 2 < end:
                    one = content[after] | 32
                    two = content[after + 1] | 32
                    three = content[after + 2] | 32
                    nan = one == 110 and two == 97 and three == 110
                    inf = one == 105 and two == 110 and three == 102
                    if nan or inf:
                        found[row] = True
                        break
