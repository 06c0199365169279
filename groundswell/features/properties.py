"""Reading one property of an event as text, and telling time, in each warehouse's SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from groundswell.features.meanings import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.features.meanings import Filter

DAY_SECONDS = 86_400

_SECONDS = {
    "duckdb": "EPOCH_US(e.occurred_at) // 1000000",
    "postgres": "CAST(FLOOR(EXTRACT(EPOCH FROM e.occurred_at)) AS BIGINT)",
    "spark": "UNIX_SECONDS(e.occurred_at)",
    "databricks": "UNIX_SECONDS(e.occurred_at)",
    "snowflake": "DATE_PART(EPOCH_SECOND, e.occurred_at)",
    "bigquery": "UNIX_SECONDS(e.occurred_at)",
    "clickhouse": "toUnixTimestamp(e.occurred_at)",
}
"""Whole seconds since 1970-01-01 UTC, rounded down; dialects differ too much to transpile it."""

DIALECTS = tuple(_SECONDS)
"""Every dialect the roll-up is written in."""


def day_of(dialect: str) -> exp.Expr:
    """Return the UTC day of event `e`, counted from 1970-01-01."""
    if dialect == "duckdb":
        micros = sqlglot.parse_one("EPOCH_US(e.occurred_at)", read="duckdb")
        return whole(exp.IntDiv(this=micros, expression=number(DAY_SECONDS * 1_000_000)))
    days = exp.Div(this=_seconds(dialect), expression=number(DAY_SECONDS), typed=False)
    return whole(exp.Floor(this=days))


def second_of(dialect: str) -> exp.Expr:
    """Return the second of its UTC day at which event `e` happened."""
    return whole(exp.Mod(this=exp.paren(_seconds(dialect)), expression=number(DAY_SECONDS)))


def _seconds(dialect: str) -> exp.Expr:
    return sqlglot.parse_one(_SECONDS[dialect], read=dialect)


def read_property(path: str, dialect: str) -> exp.Expr:
    """Return the property at `path` of event `e` as text; null when it is not there.

    Steps of the path are quoted, so that a property may be called what it likes.
    """
    column = exp.column("properties", "e")
    steps = path.split(".")
    quoted = [f'"{step}"' for step in steps]
    if dialect == "postgres":
        json = exp.Cast(this=column, to=exp.DataType.build("JSONB", dialect="postgres"))
        place = "{" + ",".join(quoted) + "}"
        return exp.JSONBExtractScalar(this=json, expression=exp.Literal.string(place))
    if dialect in ("spark", "databricks"):
        place = "$" + "".join(f"['{step}']" for step in steps)
        return _call("GET_JSON_OBJECT", column, place)
    if dialect == "clickhouse":
        return _call("JSONExtractString", column, *steps)
    if dialect == "snowflake":
        parsed = _call("TRY_PARSE_JSON", column)
        return as_text(_call("GET_PATH", parsed, ".".join(quoted)))
    place = "$" + "".join(f".{step}" for step in quoted)
    return _call("JSON_VALUE" if dialect == "bigquery" else "json_extract_string", column, place)


def read_number(path: str, dialect: str) -> exp.Expr:
    """Return the property at `path` of event `e` as a number; null when it is none."""
    text = read_property(path, dialect)
    double = exp.DataType.build("DOUBLE")
    if dialect == "postgres":
        shape = exp.RegexpLike(
            this=text.copy(),
            expression=exp.Literal.string(r"^\s*[-+]?[0-9]*[.]?[0-9]+([eE][-+]?[0-9]+)?\s*$"),
        )
        return exp.Case().when(shape, exp.Cast(this=text, to=double))
    return exp.TryCast(this=text, to=double)


def read_key(paths: Sequence[str], dialect: str) -> exp.Expr:
    """Return the values at several paths as one text; empty where nothing was read."""
    parts: list[exp.Expr] = []
    for position, path in enumerate(paths):
        if position:
            parts.append(exp.Literal.string(SEPARATOR))
        empty = exp.Literal.string("")
        parts.append(exp.Coalesce(this=read_property(path, dialect), expressions=[empty]))
    return parts[0] if len(parts) == 1 else exp.Concat(expressions=parts, safe=True)


def test_filter(test: Filter, dialect: str) -> exp.Expr:
    """Return the condition that event `e` passes a filter; unknown counts as not."""
    if test.pattern:
        page = exp.Coalesce(
            this=_nonempty(read_property("path", dialect)),
            expressions=[_nonempty(read_property("url", dialect))],
        )
        return exp.RegexpLike(this=page, expression=exp.Literal.string(test.pattern))
    value = read_property(test.path, dialect)
    if not test.texts:
        return exp.Is(this=_nonempty(value), expression=exp.null())
    return exp.In(this=value, expressions=[exp.Literal.string(text) for text in test.texts])


def number(value: int) -> exp.Expr:
    """Return a whole number as SQL."""
    return exp.Literal.number(value)


def whole(value: exp.Expr) -> exp.Expr:
    """Return `value` as a 32-bit integer."""
    return exp.Cast(this=value, to=exp.DataType.build("INT"))


def as_text(value: exp.Expr) -> exp.Expr:
    """Return `value` as text."""
    return exp.Cast(this=value, to=exp.DataType.build("TEXT"))


def _nonempty(value: exp.Expr) -> exp.Expr:
    return exp.Nullif(this=value, expression=exp.Literal.string(""))


def _call(name: str, *arguments: exp.Expr | str) -> exp.Expr:
    said = [exp.Literal.string(item) if isinstance(item, str) else item for item in arguments]
    return exp.Anonymous(this=name, expressions=said)
