"""Batches keep their order and lose nothing on their way to the warehouse."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from groundswell.engine.batching import gather
from groundswell.errors import LoadError, Problem
from groundswell.model import Kind, Reject
from groundswell.store.ahead import read_ahead
from groundswell.store.reading import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator


def _batch(number: int, rows: int) -> Batch:
    reject = Reject(
        source="s", kind=Kind.EVENTS, file="f", line=number, code="c", reason="r", fix="f", raw=""
    )
    return Batch(
        rows=pa.table({"n": pa.array([number] * rows, pa.int64())}),
        rejects=[reject],
        bytes_done=number,
        cursor=str(number) if number % 2 else None,
    )


def _failing(batches: list[Batch]) -> Iterator[Batch]:
    yield from batches
    raise LoadError(Problem("file-damaged", "It is cut short.", "Get it again."))


def test_small_ones_are_put_together() -> None:
    """Up to the limit, never beyond it unless one batch alone is."""
    batches = [_batch(number, rows) for number, rows in enumerate([3, 4, 4, 12, 1, 2])]
    found = list(gather(batches, rows=10))
    assert [batch.rows.column("n").to_pylist() for batch in found] == [
        [0] * 3 + [1] * 4,
        [2] * 4,
        [3] * 12,
        [4] + [5] * 2,
    ]
    assert [[reject.line for reject in batch.rejects] for batch in found] == [
        [0, 1], [2], [3], [4, 5]
    ]  # fmt: skip
    assert [batch.cursor for batch in found] == ["1", None, "3", "5"]
    assert [batch.bytes_done for batch in found] == [1, 2, 3, 5]


def test_what_was_read_before_an_error_comes_first() -> None:
    found = read_ahead(gather(_failing([_batch(1, 2), _batch(2, 2)])), name="test")
    assert next(found).rows.num_rows == 4
    with pytest.raises(LoadError, match="cut short"):
        next(found)


def test_one_batch_is_read_ahead_and_no_more() -> None:
    read: list[int] = []
    second = threading.Event()

    def source() -> Iterator[Batch]:
        for number in range(5):
            read.append(number)
            if number == 1:
                second.set()
            yield _batch(number, 1)

    batches = read_ahead(source(), name="test")
    next(batches)
    assert second.wait(10)
    assert read == [0, 1]
    assert [batch.bytes_done for batch in batches] == [1, 2, 3, 4]
