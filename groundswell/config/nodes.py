"""The tree of a parsed expression; every node has one meaning and two ways to compute it.

`evaluate` works on the values of one account, `to_polars` on a frame of accounts; they agree
on every input. The rules they keep:

- None (null) is unknown. Logic is three-valued, a comparison with unknown is unknown.
- A number is a 64-bit float. What is not finite (NaN, overflow, division by zero) is unknown.
- LEAST, GREATEST and COALESCE pass over unknowns and are unknown when all are.
- ROUND takes halves away from zero. LIKE and comparison of text are case-sensitive.

A Polars expression names each operand once where it can: one that is written out twice at every
step grows as 2 to the power of the depth. What needs a column twice is done on the column itself.
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from groundswell.config.vocabulary import ValueType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from groundswell.model import Scalar


POLARS = {
    ValueType.NUMBER: pl.Float64(),
    ValueType.TEXT: pl.String(),
    ValueType.BOOLEAN: pl.Boolean(),
}
"""How a value of each type stands in a frame."""


class Node(Protocol):
    """One step of an expression. `type` is None for the literal NULL alone."""

    @property
    def type(self) -> ValueType | None:
        """The type of the value."""
        ...

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Return the value for one account."""
        ...

    def to_polars(self) -> pl.Expr:
        """Return the same value as a Polars expression."""
        ...


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _finite_column(column: pl.Expr, *, checks: int) -> pl.Expr:
    """Make null of what is not finite; `checks` such steps are in the column already.

    The quick way writes the column out twice, so it is for the first few steps only.
    """
    if checks < _FEW:
        return pl.when(column.is_finite()).then(column)
    return column.replace([math.inf, -math.inf, math.nan], None)


_FEW = 3


def _checks(node: object) -> int:
    """Return how many steps deep results are checked for being finite."""
    if isinstance(node, tuple):
        return max(map(_checks, node), default=0)
    if not is_dataclass(node):
        return 0
    below = max((_checks(getattr(node, field.name)) for field in fields(node)), default=0)
    return below + isinstance(node, Arithmetic | Round)


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; numbers are floats."""

    value: Scalar
    type: ValueType | None

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:  # noqa: ARG002
        """Return the constant."""
        return self.value

    def to_polars(self) -> pl.Expr:
        """Return the constant as a literal."""
        return pl.lit(self.value)


@dataclass(frozen=True, slots=True)
class Name:
    """The value of a feature, brought to its type."""

    name: str
    type: ValueType

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Look the feature up."""
        value = values[self.name]
        if value is None:
            return None
        if self.type is ValueType.NUMBER:
            return _finite(float(value))
        return bool(value) if self.type is ValueType.BOOLEAN else str(value)

    def to_polars(self) -> pl.Expr:
        """Return the feature's column."""
        if self.type is ValueType.NUMBER:
            return _finite_column(pl.col(self.name).cast(pl.Float64), checks=0)
        return pl.col(self.name).cast(pl.Boolean if self.type is ValueType.BOOLEAN else pl.String)


@dataclass(frozen=True, slots=True)
class Not:
    """NOT: unknown stays unknown."""

    operand: Node
    type: ValueType = ValueType.BOOLEAN

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Negate."""
        value = self.operand.evaluate(values)
        return None if value is None else not value

    def to_polars(self) -> pl.Expr:
        """Negate."""
        return ~self.operand.to_polars().cast(pl.Boolean)


@dataclass(frozen=True, slots=True)
class Logic:
    """AND or OR of two or more conditions, three-valued.

    `deciding` is the value that settles the matter whatever the others are: False for AND,
    True for OR.
    """

    deciding: bool
    operands: tuple[Node, ...]
    type: ValueType = ValueType.BOOLEAN

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Return the deciding value if any operand has it, else None if any is unknown."""
        unknown = False
        for operand in self.operands:
            value = operand.evaluate(values)
            if value is None:
                unknown = True
            elif value is self.deciding:
                return self.deciding
        return None if unknown else not self.deciding

    def to_polars(self) -> pl.Expr:
        """Fold with Polars' own three-valued operators."""
        columns = [operand.to_polars().cast(pl.Boolean) for operand in self.operands]
        result = columns[0]
        for column in columns[1:]:
            result = (result | column) if self.deciding else (result & column)
        return result


COMPARISONS: dict[str, Callable[..., bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values of one type, compared."""

    sign: str
    left: Node
    right: Node
    type: ValueType = ValueType.BOOLEAN

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Compare; unknown if either is."""
        left, right = self.left.evaluate(values), self.right.evaluate(values)
        if left is None or right is None:
            return None
        return COMPARISONS[self.sign](left, right)

    def to_polars(self) -> pl.Expr:
        """Compare; Polars' comparisons keep null."""
        compare: Callable[..., pl.Expr] = COMPARISONS[self.sign]  # pyright: ignore[reportAssignmentType]
        return compare(self.left.to_polars(), self.right.to_polars())


@dataclass(frozen=True, slots=True)
class In:
    """IN a list of constants of the operand's type."""

    operand: Node
    choices: tuple[Scalar, ...]
    type: ValueType = ValueType.BOOLEAN

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Look for an equal choice; unknown stays unknown."""
        value = self.operand.evaluate(values)
        return None if value is None else value in self.choices

    def to_polars(self) -> pl.Expr:
        """Look for an equal choice."""
        return self.operand.to_polars().is_in(self.choices)


@dataclass(frozen=True, slots=True)
class Between:
    """BETWEEN: at least `low` and at most `high`, as AND of the two comparisons."""

    operand: Node
    low: Node
    high: Node
    type: ValueType = ValueType.BOOLEAN

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Compare with both; false as soon as one is."""
        return Logic(
            deciding=False,
            operands=(
                Compare(">=", self.operand, self.low),
                Compare("<=", self.operand, self.high),
            ),
        ).evaluate(values)

    def to_polars(self) -> pl.Expr:
        """Compare with both."""
        return self.operand.to_polars().is_between(self.low.to_polars(), self.high.to_polars())


ARITHMETIC: dict[str, Callable[..., float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers added, subtracted, multiplied or divided."""

    sign: str
    left: Node
    right: Node
    type: ValueType = ValueType.NUMBER

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Compute; unknown if either is, or if the result is no finite number."""
        left, right = self.left.evaluate(values), self.right.evaluate(values)
        if left is None or right is None or (self.sign == "/" and right == 0):
            return None
        return _finite(ARITHMETIC[self.sign](left, right))

    def to_polars(self) -> pl.Expr:
        """Compute on columns; a division by zero is not finite, so it turns null."""
        return _finite_column(self.unchecked(), checks=_checks(self) - 1)

    def unchecked(self) -> pl.Expr:
        """Compute on columns, and leave what is not finite for whoever computes further.

        A sum or product with it is not finite either. Only as a divisor it could get lost.
        """
        compute: Callable[..., pl.Expr] = ARITHMETIC[self.sign]  # pyright: ignore[reportAssignmentType]
        right = self.right.to_polars() if self.sign == "/" else _unchecked(self.right)
        return compute(_unchecked(self.left), right)


def _unchecked(node: Node) -> pl.Expr:
    return node.unchecked() if isinstance(node, Arithmetic) else node.to_polars()


@dataclass(frozen=True, slots=True)
class Negate:
    """The number with its sign turned."""

    operand: Node
    type: ValueType = ValueType.NUMBER

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Negate."""
        value = self.operand.evaluate(values)
        return None if value is None else -float(value)

    def to_polars(self) -> pl.Expr:
        """Negate."""
        return -self.operand.to_polars().cast(pl.Float64)


@dataclass(frozen=True, slots=True)
class Absolute:
    """ABS."""

    operand: Node
    type: ValueType = ValueType.NUMBER

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Drop the sign."""
        value = self.operand.evaluate(values)
        return None if value is None else abs(float(value))

    def to_polars(self) -> pl.Expr:
        """Drop the sign."""
        return self.operand.to_polars().cast(pl.Float64).abs()


@dataclass(frozen=True, slots=True)
class Round:
    """ROUND to `digits` places, halves away from zero."""

    operand: Node
    digits: int
    type: ValueType = ValueType.NUMBER

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Round by the same float steps as on columns, so that both give the same bits."""
        value = self.operand.evaluate(values)
        if value is None:
            return None
        scaled = abs(float(value)) * 10.0**self.digits + 0.5
        if not math.isfinite(scaled):
            return None
        whole = float(math.floor(scaled)) / 10.0**self.digits
        return whole if float(value) >= 0 else -whole

    def to_polars(self) -> pl.Expr:
        """Round on columns."""
        value = self.operand.to_polars().cast(pl.Float64)
        rounded = value.map_batches(self._column, return_dtype=pl.Float64, is_elementwise=True)
        return _finite_column(rounded, checks=_checks(self) - 1)

    def _column(self, value: pl.Series) -> pl.Series:
        raw = value.to_numpy()  # not Polars: it divides by multiplying, to other last bits
        with np.errstate(over="ignore", invalid="ignore"):
            whole = np.floor(np.abs(raw) * 10.0**self.digits + 0.5) / 10.0**self.digits
        return pl.Series(value.name, np.where(raw >= 0, whole, -whole))


@dataclass(frozen=True, slots=True)
class Is:
    """IS NULL, IS TRUE, IS FALSE: never unknown."""

    operand: Node
    expected: bool | None
    type: ValueType = ValueType.BOOLEAN

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Test for exactly this value."""
        return self.operand.evaluate(values) is self.expected

    def to_polars(self) -> pl.Expr:
        """Test for exactly this value."""
        column = self.operand.to_polars()
        if self.expected is None:
            return column.is_null()
        return column.cast(pl.Boolean).eq_missing(pl.lit(self.expected))


_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def like_regex(pattern: str) -> str:
    r"""Return the regular expression of a LIKE pattern, valid in Python and in Polars.

    >>> like_regex("50_%")
    '(?s)^50..*$'
    """
    escaped = _SPECIAL.sub(lambda match: "\\" + match[0], pattern)
    return f"(?s)^{escaped.replace('%', '.*').replace('_', '.')}$"


@dataclass(frozen=True, slots=True)
class Like:
    """LIKE with a fixed pattern: `%` for any text, `_` for one character."""

    operand: Node
    pattern: str
    type: ValueType = ValueType.BOOLEAN

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Match the whole text."""
        value = self.operand.evaluate(values)
        if value is None:
            return None
        return re.fullmatch(like_regex(self.pattern), str(value)) is not None

    def to_polars(self) -> pl.Expr:
        """Match the whole text."""
        return self.operand.to_polars().cast(pl.String).str.contains(like_regex(self.pattern))


@dataclass(frozen=True, slots=True)
class Case:
    """CASE WHEN: the first branch whose condition is true; unknown conditions are passed over."""

    branches: tuple[tuple[Node, Node], ...]
    default: Node
    type: ValueType | None

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Return the value of the first true branch."""
        for condition, result in self.branches:
            if condition.evaluate(values) is True:
                return result.evaluate(values)
        return self.default.evaluate(values)

    def to_polars(self) -> pl.Expr:
        """Chain when and then, from the last branch inwards."""
        result = self.default.to_polars()
        for condition, value in reversed(self.branches):
            test = condition.to_polars().cast(pl.Boolean)
            result = pl.when(test).then(value.to_polars()).otherwise(result)
        return result


@dataclass(frozen=True, slots=True)
class Coalesce:
    """COALESCE: the first value that is known."""

    operands: tuple[Node, ...]
    type: ValueType | None

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Return the first known value."""
        for operand in self.operands:
            value = operand.evaluate(values)
            if value is not None:
                return value
        return None

    def to_polars(self) -> pl.Expr:
        """Return the first known value."""
        return pl.coalesce([operand.to_polars() for operand in self.operands])


@dataclass(frozen=True, slots=True)
class Extreme:
    """LEAST or GREATEST of the known values."""

    greatest: bool
    operands: tuple[Node, ...]
    type: ValueType = ValueType.NUMBER

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Return the least or greatest known value; None when there is none."""
        found = [float(v) for op in self.operands if (v := op.evaluate(values)) is not None]
        if not found:
            return None
        return max(found) if self.greatest else min(found)

    def to_polars(self) -> pl.Expr:
        """Return the least or greatest known value."""
        columns = [operand.to_polars().cast(pl.Float64) for operand in self.operands]
        return pl.max_horizontal(columns) if self.greatest else pl.min_horizontal(columns)
