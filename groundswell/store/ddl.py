"""CREATE TABLE for an Arrow schema, in any dialect."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

from groundswell.store.tables import INSTANT, MONEY, TABLES
from groundswell.store.versions import DIMENSIONS, log_of

if TYPE_CHECKING:
    from collections.abc import Collection

STATEMENT = (
    pa.field("stated_at", INSTANT, nullable=False),
    pa.field("seq", pa.int64(), nullable=False),
)
_TYPES = {
    pa.string(): "TEXT",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    INSTANT: "TIMESTAMPTZ",
    MONEY: "DECIMAL(18, 2)",
}


def log_schemas() -> dict[str, pa.Schema]:
    """Return the log of statements of every dimension, by table name."""
    return {log_of(kind): pa.schema([*TABLES[kind], *STATEMENT]) for kind in DIMENSIONS}


def open_table(name: str, schema: pa.Schema, *, dialect: str) -> str:
    """Return the statement that makes a table if it is not there, each column of which takes null.

    So one that is there already can be given another column.
    """
    free = pa.schema([field.with_nullable(nullable=True) for field in schema])
    return create_table(name, free, dialect=dialect)


def add_columns(name: str, schema: pa.Schema, *, known: Collection[str], dialect: str) -> list[str]:
    """Return the statements that give a table the columns of `schema` that it lacks."""
    lacking = [field for field in schema if field.name not in known]
    columns = [
        exp.ColumnDef(
            this=exp.to_identifier(field.name), kind=exp.DataType.build(_TYPES[field.type])
        )
        for field in lacking
    ]
    table = exp.to_table(name).sql(dialect)
    return [f"ALTER TABLE {table} ADD COLUMN {column.sql(dialect)}" for column in columns]


@cache
def create_table(name: str, schema: pa.Schema, *, dialect: str) -> str:
    """Return the statement that creates a table of `schema` if it is not there."""
    columns = [
        exp.ColumnDef(
            this=exp.to_identifier(field.name),
            kind=exp.DataType.build(_TYPES[field.type]),
            constraints=[]
            if field.nullable
            else [exp.ColumnConstraint(kind=exp.NotNullColumnConstraint())],
        )
        for field in schema
    ]
    table = exp.Schema(this=exp.to_table(name), expressions=columns)
    return exp.Create(this=table, kind="TABLE", exists=True).sql(dialect)
