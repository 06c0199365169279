"""Turning raw batches into canonical ones: an in-memory DuckDB that judges a batch at a time."""

# ruff: noqa: S608 - names and texts of users come through quote_name and quote_text only

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# Arrow ships no types.

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from groundswell.config.columns import file_name
from groundswell.errors import LoadError, Place, Problem
from groundswell.model import Kind, Reject
from groundswell.store.ahead import read_ahead
from groundswell.store.arrays import to_arrow, to_numpy, to_scalar
from groundswell.store.prepared import Prepared
from groundswell.store.quiet import silence
from groundswell.store.reading_origin import LINE, ROW, LineOrigin, Native, TableOrigin
from groundswell.store.reading_reasons import (
    Case,
    Reason,
    flaw_reason,
    reason_for,
    time_yaml,
    told,
)
from groundswell.store.reading_resolving import line_keys, resolve_shape
from groundswell.store.reading_sql import NESTED_FINGERPRINT, Query, compile_query
from groundswell.store.reading_verbatim import add_verbatim
from groundswell.store.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from groundswell.config.shape import Shape
    from groundswell.store.reading_raw import RawBatch


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of one source, ready to be appended, and the rows that cannot be.

    Attributes:
        rows: Canonical columns of the kind, as in `store.tables.TABLES`.
        rejects: Rows for the quarantine.
        file: The file or table they come from.
        bytes_done: Bytes of all files of the load read so far.
        bytes_total: Bytes of all files; None where that is unknown.
        cursor: Greatest cursor value up to here, for tables that are read incrementally.
    """

    rows: pa.Table
    rejects: list[Reject] = field(default_factory=list[Reject])
    file: str = ""
    bytes_done: int = 0
    bytes_total: int | None = None
    cursor: str | None = None


def is_strict_json(text: str) -> bool:
    """Return whether a text is JSON as RFC 8259 has it.

    >>> is_strict_json('{"a": NaN}')
    False
    """
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _in_order(judged: pa.Table) -> pa.Table:
    """Return rows in the order of the source: DuckDB's threads now and then swap two pieces.

    Columns taken as they stand are laid beside these, and the first of two equal events stays.
    """
    rows = to_numpy(judged.column(ROW))
    if (rows[1:] > rows[:-1]).all():
        return judged
    return judged.take(to_arrow(np.argsort(rows)))


class BatchReader:
    """An in-memory DuckDB that reads batch after batch."""

    def __init__(self, *, source: str, received_at: datetime, threads: int | None) -> None:
        self.source = source
        self.received_at = received_at
        config: dict[str, str | bool | int | float | list[str]] = {}
        if threads:
            config["threads"] = threads
        self.duck = duckdb.connect(":memory:", config=config)
        self.duck.execute("SET TimeZone = 'UTC'")
        silence(self.duck)
        self._raw = Prepared(self.duck, "raw")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.duck.close()

    def read(self, shape: Shape, raws: Iterable[RawBatch], *, name: str) -> Iterator[Batch]:
        """Yield the batches of one file or table.

        Raises:
            LoadError: Its columns do not fit, or no time of a column can be understood.
        """
        plan: Plan | None = None
        for raw in read_ahead(raws, name="reading"):
            first = plan is None
            if plan is None:
                plan = self.plan(shape, raw, name)
            yield self.batch(plan, raw, first=first)

    def plan(self, shape: Shape, raw: RawBatch, name: str) -> Plan:
        """Return how to read everything that looks like this first batch."""
        if LINE in raw.table.column_names:
            self._raw.put(raw.table)
            keys = line_keys(self.duck)
            fitted = resolve_shape(shape, keys, place=name, lines=True)
            origin = LineOrigin(fitted.nulls, tuple(keys) if fitted.ignore_case else ())
        else:
            names = [column for column in raw.table.column_names if column != ROW]
            fitted = resolve_shape(shape, names, place=name, lines=False)
            origin = TableOrigin(raw.table.schema, fitted.nulls, fitted.ignore_case)
        query, careful = (
            compile_query(
                fitted,
                origin,
                source=self.source,
                received_at=self.received_at,
                look_for_nul=look,
            )
            for look in (False, True)
        )
        plan = Plan(fitted, query, careful, name, self.source)
        plan.check_typed_times()
        return plan

    def batch(self, plan: Plan, raw: RawBatch, *, first: bool) -> Batch:
        """Return one raw batch as canonical rows and rejects.

        In the first batch of a file, a column of times of which none can be read is an error.
        """
        self._raw.put(raw.table)
        query = plan.careful if raw.may_hold_nul else plan.plain
        judged = _in_order(self._raw.ask(query.rows))
        found = self._strict(plan, query, add_verbatim(judged, raw.table, query.verbatim))
        problems = found.column("__problem")
        rejects = [
            plan.reject(flaw_reason(record, fields=raw.fields), record.line, record.raw)
            for record in raw.flawed
        ]
        good = found
        if found.num_rows and pc.max(problems).as_py():
            none = to_scalar(0, problems.type)
            good = found.filter(pc.equal(problems, none))
            bad = found.select([ROW, "__problem"]).filter(pc.not_equal(problems, none))
            if first:
                self._check_times(plan, query, raw, bad, good)
            rejects += self._rejects(plan, query, raw, bad)
        rejects.sort(key=lambda reject: reject.line or 0)
        rows = self._settle_ids(plan, good)
        return Batch(rows=rows, rejects=rejects, file=plan.name, bytes_done=raw.bytes_done)

    def _strict(self, plan: Plan, query: Query, found: pa.Table) -> pa.Table:
        """Find fault with JSON that DuckDB takes for JSON and nobody else: NaN, `{"a": 1,}`.

        The query marks the few rows that may hold such; only those are looked at here.
        """
        if not found.num_rows or not pc.any(found.column("__suspect")).as_py():
            return found
        codes = ("bad-json", "bad-properties")
        fault = next(i for i, check in enumerate(query.checks, 1) if check.code in codes)
        suspects = np.flatnonzero(to_numpy(found.column("__suspect")))
        rows = found.column(ROW).take(to_arrow(suspects)).combine_chunks()
        texts = self._texts(plan, rows)
        problems = to_numpy(found.column("__problem")).copy()
        for at, row in zip(suspects, rows.to_pylist(), strict=True):
            held = [text for key in (LINE, "properties") if (text := texts[row].get(key))]
            if not problems[at] and not all(map(is_strict_json, held)):
                problems[at] = fault
        column = found.column_names.index("__problem")
        return found.set_column(column, "__problem", to_arrow(problems))

    def _settle_ids(self, plan: Plan, good: pa.Table) -> pa.Table:
        """Return the canonical columns, with an id for events whose properties nest."""
        schema = TABLES[plan.shape.kind]
        if plan.shape.kind is Kind.EVENTS and good.column("message_id").null_count:
            missing = pc.is_null(good.column("message_id"))
            self.duck.register("nested", good.filter(missing))
            ids = self.duck.sql(NESTED_FINGERPRINT).to_arrow_table().column("message_id")
            settled = pc.replace_with_mask(
                good.column("message_id").combine_chunks(),
                missing.combine_chunks(),
                ids.combine_chunks(),
            )
            good = good.set_column(good.column_names.index("message_id"), "message_id", settled)
        return good.select(schema.names).cast(schema)

    def _texts(self, plan: Plan, rows: pa.Array) -> dict[int, dict[str, Any]]:
        """Return, for some rows of `raw`, the text of each value as it stood."""
        self.duck.register("wanted", pa.table({ROW: rows}))
        found = self.duck.sql(plan.plain.texts).to_arrow_table().to_pylist()
        return {row[ROW]: row for row in found}

    def _rejects(self, plan: Plan, query: Query, raw: RawBatch, bad: pa.Table) -> list[Reject]:
        texts = self._texts(plan, bad.column(ROW).combine_chunks())
        stood = self.duck.sql(f"SELECT raw.* FROM raw SEMI JOIN wanted USING ({ROW})")
        rows = {row[ROW]: row for row in stood.to_arrow_table().to_pylist()}
        rejects: list[Reject] = []
        for entry in bad.to_pylist():
            row = entry[ROW]
            check = query.checks[entry["__problem"] - 1]
            case = Case(plan.shape, check.column, texts[row].get(check.column), self.received_at)
            reason = reason_for(check.code, case)
            rejects.append(plan.reject(reason, raw.line(row), raw.raw(rows[row])))
        return rejects

    def _check_times(
        self, plan: Plan, query: Query, raw: RawBatch, bad: pa.Table, good: pa.Table
    ) -> None:
        """Refuse the file when no time of a column can be understood: that is no matter of rows."""
        numbers = pc.value_counts(bad.column("__problem").combine_chunks()).to_pylist()
        for entry in numbers:
            check = query.checks[entry["values"] - 1]
            if check.code != "bad-time" or entry["counts"] < 2:
                continue
            if good.num_rows - good.column(check.column).null_count:
                continue
            which = bad.filter(pc.equal(bad.column("__problem"), entry["values"]))
            rows = which.column(ROW).combine_chunks()[:1]
            text = next(iter(self._texts(plan, rows).values())).get(check.column)
            case = Case(plan.shape, check.column, text, self.received_at)
            raise plan.time_error(
                check.column, reason_for("bad-time", case), raw.line(rows[0].as_py())
            )


@dataclass(frozen=True, slots=True)
class Plan:
    """What stays the same while one file or table is read."""

    shape: Shape
    plain: Query
    careful: Query
    name: str
    source: str

    def reject(self, reason: Reason, line: int | None, raw: str) -> Reject:
        """Return a row as a reject."""
        return Reject(
            source=self.source,
            kind=self.shape.kind,
            file=self.name,
            line=line,
            code=reason.code,
            reason=reason.what,
            fix=reason.fix,
            raw=raw,
        )

    def check_typed_times(self) -> None:
        """Refuse typed time columns that do not say enough: every value has the same lack."""
        for column, native in self.plain.times.items():
            written = self.shape.times.get(column)
            shown = file_name(self.shape.kind, column)
            if native in (Native.LOCAL_TIME, Native.DATE) and not (written and written.zone):
                what = f"Column `{shown}` holds times without a time zone ({native})."
                raise self.time_error(column, Reason("time-no-zone", what, ""), None)
            numeric = native in (Native.INTEGER, Native.FLOAT, Native.DECIMAL)
            if numeric and not (written and written.unit):
                what = f"Column `{shown}` holds numbers that do not say what they count."
                raise self.time_error(column, Reason("time-no-unit", what, ""), None)

    def time_error(self, column: str, reason: Reason, line: int | None) -> LoadError:
        """Return the error of a column whose times cannot be read, with the YAML that mends it."""
        yaml = time_yaml(self.source, self.shape, column, reason.code)
        what = reason.what if line is None else f"No time of the column can be read: {reason.what}"
        mend = "Mend" if told(self.shape.times.get(column)) else "Say"
        return LoadError(
            Problem(
                code=reason.code,
                what=what,
                fix=f"{mend} how it is written, in the mapping:\n{yaml}",
                where=Place(self.name, line),
            )
        )
