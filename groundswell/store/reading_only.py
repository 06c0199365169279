"""The row filter of a shape, `only`: a condition over their columns, compiled safely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlglot
import sqlglot.errors
from sqlglot import exp

from groundswell.errors import Problem, UsageError
from groundswell.store.reading_origin import Native

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundswell.store.reading_origin import Value

_ALLOWED = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.Column, exp.Identifier, exp.Literal, exp.Boolean,
    exp.Null, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.In, exp.Between,
    exp.Like, exp.ILike, exp.Neg, exp.Lower, exp.Upper, exp.Dot,
)  # fmt: skip
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.In, exp.Between)


def _problem(what: str, fix: str) -> UsageError:
    return UsageError(Problem(code="only-invalid", what=what, fix=fix, path="only"))


def parse_only(text: str) -> exp.Expr:
    """Parse a condition and make sure it holds nothing but comparisons of columns.

    Raises:
        UsageError: It is no such condition.
    """
    try:
        parsed = sqlglot.parse_one(text, dialect="duckdb")
    except sqlglot.errors.ParseError as error:
        detail = error.errors[0].get("description", "") if error.errors else ""
        raise _problem(
            f"`only: {text}` is no condition: {detail or 'it cannot be parsed'}.",
            "Write for example `only: plan = 'pro' AND seats > 5`.",
        ) from None
    for node in parsed.walk():
        if not isinstance(node, _ALLOWED):
            raise _problem(
                f"`only: {text}` uses {node.key.upper()}, which a row filter does not take.",
                "Allowed: AND OR NOT = <> < <= > >= IN BETWEEN LIKE IS NULL, columns and literals.",
            )
    return parsed


def compile_only(text: str, find: Callable[[str], Value | None]) -> str:
    """Return a condition over their columns as SQL.

    A column compared with a number is read as a number: null, and so not fulfilled, where it
    is none.

    Raises:
        UsageError: It is no condition, or names a column that the source does not have.
    """
    found: dict[str, str] = {}
    sql = parse_only(text).transform(_resolver(text, find, found)).sql(dialect="duckdb")
    for mark, value in found.items():
        sql = sql.replace(mark, value)
    return sql


def _resolver(
    text: str, find: Callable[[str], Value | None], found: dict[str, str]
) -> Callable[[exp.Expr], exp.Expr]:
    """Return a step that puts a mark in the place of each column and notes what it stands for."""

    def resolve(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column):
            return node
        path = ".".join(part.name for part in node.parts)
        value = find(path)
        if value is None:
            raise _problem(
                f"`only: {text}` names `{path}`, which the source does not have.",
                'Name a column as the file spells it; quote names with spaces: "Plan type".',
            )
        sql = value.sql
        if value.native is Native.TEXT and _meets_number(node):
            sql = f"TRY_CAST({sql} AS DOUBLE)"
        mark = f"__only_{len(found)}__"
        found[mark] = sql
        return exp.column(mark)

    return resolve


def _meets_number(node: exp.Column) -> bool:
    parent = node.parent
    if not isinstance(parent, _COMPARISONS):
        return False
    return any(not literal.is_string for literal in parent.find_all(exp.Literal))
