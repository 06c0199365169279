"""Between Arrow and NumPy by their buffers.

`pa.array(values)`, `pa.scalar(value)` and `column.to_numpy()` look whether pandas is installed and,
if so, import it: half a second and 60 MB that nothing here needs.
"""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# Arrow ships no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from datetime import datetime

    import numpy.typing as npt

    Texts = tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8], npt.NDArray[np.bool_]]

_TYPES = {
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint64": pa.uint64(),
}


def to_arrow(values: npt.NDArray[Any]) -> pa.Array:
    """Return integers or booleans as an Arrow array; integers are not copied.

    >>> to_arrow(np.array([True, False, True])).to_pylist()
    [True, False, True]
    """
    if values.dtype == np.bool_:
        packed = np.packbits(values, bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(packed)])
    whole = np.ascontiguousarray(values)
    type_ = _TYPES[str(whole.dtype)]
    return pa.Array.from_buffers(type_, len(whole), [None, pa.py_buffer(whole)])


def to_scalar(value: str | float | datetime | None, type_: pa.DataType) -> pa.Scalar:
    """Return a value as an Arrow scalar.

    >>> to_scalar("a", pa.string()).as_py(), to_scalar(None, pa.string()).is_valid
    ('a', False)
    """
    return pl.Series([value]).to_arrow().cast(type_)[0]


def to_numpy(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[Any]:
    """Return a column without nulls (integers, instants, booleans) as NumPy sees it.

    Instants come as the integers they are. One chunk is not copied, and then not writable.

    >>> to_numpy(pa.chunked_array([[1, 2], [3]])).tolist()
    [1, 2, 3]
    """
    chunks: list[pa.Array] = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [_values(chunk) for chunk in chunks if len(chunk)]
    if not parts:
        return np.zeros(0, dtype=_dtype(column.type))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _values(chunk: pa.Array) -> npt.NDArray[Any]:
    assert not chunk.null_count, "a column without nulls"
    data = chunk.buffers()[1]
    end = chunk.offset + len(chunk)
    if pa.types.is_boolean(chunk.type):
        bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8), count=end, bitorder="little")
        return bits[chunk.offset :].view(np.bool_)
    return np.frombuffer(data, dtype=_dtype(chunk.type), count=end)[chunk.offset :]


def _dtype(of: pa.DataType) -> npt.DTypeLike:
    if pa.types.is_boolean(of):
        return np.bool_
    if pa.types.is_timestamp(of):
        return np.int64
    return str(of)


def text_buffers(column: pa.ChunkedArray) -> Texts:
    """Return a string column as offsets, bytes and validity; no value is copied if it is whole."""
    chunks: list[pa.Array] = column.chunks or [pa.array([], pa.string())]
    whole = chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)
    _, offsets, data = whole.buffers()
    start = whole.offset
    marks = np.frombuffer(offsets, dtype=np.int32)[start : start + len(whole) + 1]
    content = np.frombuffer(data, dtype=np.uint8) if data else np.zeros(0, dtype=np.uint8)
    return marks, content, _validity(whole)


def _validity(column: pa.Array) -> npt.NDArray[np.bool_]:
    bitmap = column.buffers()[0]
    if not column.null_count or bitmap is None:
        return np.ones(len(column), dtype=np.bool_)
    end = column.offset + len(column)
    bits = np.unpackbits(np.frombuffer(bitmap, dtype=np.uint8), count=end, bitorder="little")
    return bits[column.offset :].view(np.bool_)
