"""Rows that bear our columns already, judged like those of files: what live intake reads."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.config.columns import COLUMNS
from groundswell.store.reading_batches import Batch, BatchReader, Plan
from groundswell.store.reading_raw import lines_of, table_batch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.config.shape import Shape
    from groundswell.model import Kind

_GOOD_FOR = timedelta(hours=1)  # a plan knows the time it was made at, to find times in the future


class RowReader:
    """Reads rows of one source again and again; how to read a kind is worked out once an hour."""

    def __init__(self, source: str, shapes: Mapping[Kind, Shape]) -> None:
        """Read rows as records of `source`, by the shapes of our own columns."""
        self._source = source
        self._shapes = shapes
        self._plans: dict[Kind, Plan] = {}
        self._reader: BatchReader | None = None

    def read(
        self, kind: Kind, rows: Sequence[Mapping[str, str | None]], *, name: str, at: datetime
    ) -> Batch:
        """Return rows as a batch: canonical ones, and rejects whose line counts the rows from 1.

        Args:
            kind: What they are.
            rows: Our columns as text; a column may be left out.
            name: Where they come from, as rejects tell it.
            at: Now, which times must not lie far beyond.
        """
        table = pl.DataFrame(
            {column: [row.get(column) for row in rows] for column in COLUMNS[kind]},
            schema=dict.fromkeys(COLUMNS[kind], pl.String),
        ).to_arrow()
        raw = table_batch(table, first=1)
        reader = self._fresh(at)
        if kind not in self._plans:
            self._plans[kind] = reader.plan(self._shapes[kind], raw, name)
        return reader.batch(self._plans[kind], raw, first=False)

    def close(self) -> None:
        """Let go of what reads."""
        if self._reader is not None:
            self._reader.duck.close()
            self._reader = None

    def _fresh(self, at: datetime) -> BatchReader:
        if self._reader is None or abs(at - self._reader.received_at) > _GOOD_FOR:
            self.close()
            self._plans.clear()
            self._reader = BatchReader(source=self._source, received_at=at, threads=1)
        return self._reader


def read_again(
    rows: Sequence[Mapping[str, str | None]], shape: Shape, *, source: str, name: str, at: datetime
) -> Batch:
    """Read rows of our columns by a mapping of their own, which may look into their properties.

    Args:
        rows: Our columns as text.
        shape: The mapping.
        source: What the records are of.
        name: Where they come from, as rejects tell it; the line of one counts the rows from 1.
        at: Now, which times must not lie far beyond.

    Raises:
        LoadError: The mapping does not fit.
    """
    raw = lines_of([_line(row) for row in rows])
    with BatchReader(source=source, received_at=at, threads=1) as reader:
        return reader.batch(reader.plan(shape, raw, name), raw, first=False)


def _line(row: Mapping[str, str | None]) -> str:
    """Return a row as one line of JSON, its properties an object in it."""
    told = {name: value for name, value in row.items() if value is not None}
    properties = told.pop("properties", "{}")
    return f'{json.dumps(told)[:-1]}{", " if told else ""}"properties": {properties}}}'
