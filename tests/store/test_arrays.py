"""Arrays go from NumPy to Arrow and back without a change, slices and chunks included."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from groundswell.store.arrays import text_buffers, to_arrow, to_numpy


@pytest.mark.parametrize("of", [np.int16, np.int32, np.int64, np.uint64, np.bool_])
def test_there_and_back(of: type[np.generic]) -> None:
    """Also every second value of an array, a slice that begins within a byte, and no value."""
    values = (np.arange(41) % 3).astype(of)
    for part in (values, values[::2], values[:0]):
        assert to_numpy(to_arrow(part)).tolist() == part.tolist()
    column = pa.chunked_array([to_arrow(values).slice(3, 9), to_arrow(values).slice(20)])
    assert to_numpy(column).tolist() == [*values[3:12], *values[20:]]
    assert to_arrow(values).to_pylist() == values.tolist()


def test_instants_are_integers() -> None:
    instants = pa.array([5, 7], pa.timestamp("us", tz="UTC"))
    assert to_numpy(pa.chunked_array([instants])).tolist() == [5, 7]


def test_nulls_are_refused() -> None:
    with pytest.raises(AssertionError, match="without nulls"):
        to_numpy(pa.array([1, None]))


def test_texts_of_a_slice() -> None:
    """The bytes stay where they are; offsets and validity are those of the slice."""
    texts = pa.array(["a", None, "bcd", "", None, "e", "f", "g", "h", "ij"]).slice(1)
    marks, content, valid = text_buffers(pa.chunked_array([texts]))
    held = [bytes(content[start:end]) for start, end in pairwise(marks)]
    assert held == [b"", b"bcd", b"", b"", b"e", b"f", b"g", b"h", b"ij"]
    assert valid.tolist() == [False, True, True, False, True, True, True, True, True]
