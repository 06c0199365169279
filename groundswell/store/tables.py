"""The canonical columns of every kind of record, as Arrow schemas, and how rows are made to fit.

These are the columns a file's mapping ends in, an `append` takes and a `read` gives back, on
every engine. How an engine keeps them is its own business (`facts.py` holds what they share).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from groundswell.errors import Problem, StoreError, did_you_mean
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTANT = pa.timestamp("us", tz="UTC")
MONEY = pa.decimal128(18, 2)


def _needed(name: str, of: pa.DataType) -> pa.Field:
    return pa.field(name, of, nullable=False)


TABLES: Mapping[Kind, pa.Schema] = {
    Kind.EVENTS: pa.schema(
        [
            _needed("source", pa.string()),
            _needed("message_id", pa.string()),
            pa.field("user_id", pa.string()),
            pa.field("anonymous_id", pa.string()),
            pa.field("account_id", pa.string()),
            _needed("event", pa.string()),
            _needed("occurred_at", INSTANT),
            _needed("received_at", INSTANT),
            pa.field("properties", pa.string()),
        ]
    ),
    Kind.USERS: pa.schema(
        [
            _needed("user_id", pa.string()),
            pa.field("email", pa.string()),
            pa.field("name", pa.string()),
            pa.field("title", pa.string()),
            pa.field("department", pa.string()),
            pa.field("created_at", INSTANT),
            pa.field("properties", pa.string()),
            pa.field("valid_from", INSTANT),
        ]
    ),
    Kind.MEMBERSHIPS: pa.schema(
        [
            _needed("user_id", pa.string()),
            _needed("account_id", pa.string()),
            pa.field("since", INSTANT),
            pa.field("until", INSTANT),
            pa.field("properties", pa.string()),
            pa.field("valid_from", INSTANT),
        ]
    ),
    Kind.ACCOUNTS: pa.schema(
        [
            _needed("account_id", pa.string()),
            pa.field("name", pa.string()),
            pa.field("domain", pa.string()),
            pa.field("parent_id", pa.string()),
            pa.field("employees", pa.int64()),
            pa.field("industry", pa.string()),
            pa.field("country", pa.string()),
            pa.field("tech_stack", pa.string()),
            pa.field("target", pa.bool_()),
            pa.field("created_at", INSTANT),
            pa.field("owner", pa.string()),
            pa.field("properties", pa.string()),
            pa.field("valid_from", INSTANT),
        ]
    ),
    Kind.SUBSCRIPTIONS: pa.schema(
        [
            pa.field("subscription_id", pa.string()),
            _needed("account_id", pa.string()),
            _needed("plan", pa.string()),
            _needed("mrr", MONEY),
            pa.field("seats", pa.int64()),
            pa.field("seat_limit", pa.int64()),
            pa.field("usage_limit", pa.int64()),
            _needed("started_at", INSTANT),
            pa.field("ended_at", INSTANT),
            pa.field("touched", pa.bool_()),
            pa.field("properties", pa.string()),
            pa.field("valid_from", INSTANT),
        ]
    ),
    Kind.OPPORTUNITIES: pa.schema(
        [
            _needed("opportunity_id", pa.string()),
            _needed("account_id", pa.string()),
            _needed("created_at", INSTANT),
            _needed("stage", pa.string()),
            pa.field("amount", MONEY),
            pa.field("closed_at", INSTANT),
            pa.field("won", pa.bool_()),
            pa.field("source", pa.string()),
            pa.field("owner", pa.string()),
            pa.field("lost_reason", pa.string()),
            pa.field("competitor", pa.string()),
            pa.field("properties", pa.string()),
            pa.field("valid_from", INSTANT),
        ]
    ),
    Kind.TOUCHES: pa.schema(
        [
            _needed("account_id", pa.string()),
            pa.field("user_id", pa.string()),
            _needed("rep", pa.string()),
            _needed("kind", pa.string()),
            _needed("at", INSTANT),
            pa.field("properties", pa.string()),
        ]
    ),
    Kind.TICKETS: pa.schema(
        [
            _needed("account_id", pa.string()),
            pa.field("user_id", pa.string()),
            _needed("topic", pa.string()),
            _needed("at", INSTANT),
            pa.field("resolved_at", INSTANT),
            pa.field("properties", pa.string()),
        ]
    ),
    Kind.COSTS: pa.schema(
        [
            _needed("month", pa.date32()),
            _needed("category", pa.string()),
            _needed("amount", MONEY),
            pa.field("properties", pa.string()),
        ]
    ),
}


def conform(rows: pa.Table, *, kind: Kind) -> pa.Table:
    """Return `rows` with exactly the columns, order and types of `kind`.

    A column that may be null and is missing is filled with nulls, and types are cast where no
    value is lost, so that callers may pass frames that come from Polars, DuckDB or a literal.

    Raises:
        StoreError: A column is unknown, a needed one is missing or holds nulls, or a value does
            not fit its type.
    """
    schema = TABLES[kind]
    problems = [
        Problem(
            code="store-unknown-column",
            what=f"`{kind}` has no column `{name}`.",
            fix=did_you_mean(name, schema.names),
        )
        for name in rows.column_names
        if name not in schema.names
    ]
    columns: list[pa.ChunkedArray] = []
    for field in schema:
        column = _conform_column(rows, field, kind)
        if isinstance(column, Problem):
            problems.append(column)
        else:
            columns.append(column)
    if problems:
        raise StoreError(*problems)
    return pa.Table.from_arrays(columns, schema=schema)


def _conform_column(rows: pa.Table, field: pa.Field, kind: Kind) -> pa.ChunkedArray | Problem:
    if field.name not in rows.column_names:
        column = pa.chunked_array([pa.nulls(rows.num_rows, field.type)])
    else:
        column = rows.column(field.name)
    if column.type != field.type:
        try:
            column = column.cast(field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            return Problem(
                code="store-column-type",
                what=f"`{kind}.{field.name}` cannot be kept as {field.type}: {error}.",
                fix=f"Give `{field.name}` as {field.type}.",
            )
    if not field.nullable and column.null_count:
        return Problem(
            code="store-column-missing",
            what=f"`{kind}.{field.name}` is empty in {column.null_count} rows.",
            fix=f"Every row of `{kind}` needs `{field.name}`.",
        )
    return column
