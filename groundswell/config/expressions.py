"""Conditions and formulas in YAML: SQL expressions over features, checked when they are read.

    active_users_28d >= 10 AND (employees > 500 OR industry IN ('banking', 'insurance'))

sqlglot parses the text; this module keeps the small part of SQL that has one clear meaning for
one account as of one day, resolves names, checks types, and tells every mistake at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from groundswell.config import nodes
from groundswell.config.vocabulary import ValueType
from groundswell.errors import ConfigError, Place, Problem, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from groundswell.config.nodes import Node
    from groundswell.model import Scalar

_ALLOWED = (
    "AND, OR, NOT, = <> < <= > >=, IN, LIKE, BETWEEN, IS NULL, + - * /, CASE, COALESCE, LEAST, "
    "GREATEST, ABS, ROUND, numbers, 'text', TRUE, FALSE and the names of features"
)
_SIGNS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
}
_MAX_DIGITS = 10
_WINDOW = re.compile(r"_([1-9]\d*d)$")


@dataclass(frozen=True)
class Expression:
    """A checked expression over features.

    Attributes:
        text: As written.
        names: The features it reads.
        type: What it yields.
        root: The tree that computes it.
    """

    text: str
    names: frozenset[str]
    type: ValueType
    root: Node = field(repr=False, compare=False)

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        types: Mapping[str, ValueType],
        where: Place | None = None,
        path: str = "",
        expect: ValueType | None = None,
    ) -> Expression:
        """Parse and check `text`.

        Args:
            text: SQL expression.
            types: Every name it may use, with its type.
            where: Place to report mistakes at.
            path: Key path to report mistakes under.
            expect: The type it has to yield, when only one will do.

        Raises:
            ConfigError: With every mistake found: bad syntax, unknown names, wrong types.
        """
        compiler = _Compiler(types=types, where=where, path=path)
        root = compiler.compile(text)
        if root is not None and not compiler.problems and expect and root.type is not expect:
            compiler.tell(
                "config-type",
                f"`{text}` is {_of_type(root.type)}, but {expect.words} is needed here.",
                "Compare it with something, such as `> 0`."
                if expect is ValueType.BOOLEAN
                else f"Write an expression that yields {expect.words}.",
            )
        if root is None or compiler.problems:
            raise ConfigError(*compiler.problems)
        return cls(text, frozenset(compiler.names), root.type or ValueType.TEXT, root)

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """Return the value for one account; None is unknown.

        Raises:
            KeyError: A feature it names is missing from `values` altogether.
        """
        return self.root.evaluate(values)

    def to_polars(self) -> pl.Expr:
        """Return the same value as an expression over a frame with one column per feature."""
        return self._column

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made again."""
        return {name: value for name, value in self.__dict__.items() if name != "_column"}

    @cached_property
    def _column(self) -> pl.Expr:
        """Made once, as that takes longer than to use it on a few rows."""
        column = self.root.to_polars()
        # A choice between constants that is the same in every row comes as one value, and what is
        # computed of it too; Polars does not always know that it has to be repeated.
        unknown = pl.repeat(None, pl.len(), dtype=nodes.POLARS[self.type])
        return pl.coalesce([column, unknown])


@lru_cache(maxsize=4_096)
def _parsed(text: str) -> exp.Expr:
    """Parse a text; what ships is parsed once, however often a project is opened.

    In brackets no word can be taken for a statement (`show > 3`); the line break ends a trailing
    `--` comment.
    """
    return sqlglot.parse_one(f"({text}\n)")


@dataclass(slots=True)
class _Compiler:
    """One pass over one expression; collects what is wrong instead of stopping at the first."""

    types: Mapping[str, ValueType]
    where: Place | None
    path: str
    problems: list[Problem] = field(default_factory=list[Problem])
    names: set[str] = field(default_factory=set[str])

    def tell(self, code: str, what: str, fix: str) -> None:
        problem = Problem(code=code, what=what, fix=fix, where=self.where, path=self.path)
        if problem not in self.problems:
            self.problems.append(problem)

    def compile(self, text: str) -> Node | None:
        """Return the tree, or None after telling what is wrong."""
        try:
            tree = _parsed(text)
        except (ParseError, TokenError) as error:
            self._tell_syntax(text, error)
            return None
        except RecursionError:
            self._tell_depth()
            return None
        if not isinstance(tree, exp.Paren):
            self._tell_syntax(text, None)
            return None
        try:
            return self.node(tree.this)
        except RecursionError:
            self._tell_depth()
            return None

    def _tell_depth(self) -> None:
        self.tell(
            "config-expression-syntax",
            "The expression is nested too deeply.",
            "Split it into features of their own.",
        )

    def _tell_syntax(self, text: str, error: ParseError | TokenError | None) -> None:
        if not text.strip():
            self.tell("config-expression-syntax", "The expression is empty.", f"Use {_ALLOWED}.")
            return
        if isinstance(error, TokenError) or text.count("'") % 2:
            why = "a quotation mark is not closed"
        else:
            found = error.errors[0].get("highlight") if error and error.errors else None
            ended = found is None or found == ")"
            why = "it ends too soon" if ended else f"`{found}` does not fit there"
        self.tell(
            "config-expression-syntax",
            f"`{text}` is no SQL expression: {why}.",
            "Write it like `active_users_28d >= 10 AND employees > 500`; text stands in single "
            "quotes.",
        )

    def node(self, tree: exp.Expr) -> Node | None:
        """Compile one node; None once something below it is wrong."""
        for kind, build in _BUILDERS.items():
            if isinstance(tree, kind):
                built = build(self, tree)
                return None if built is None else _folded(built)
        self.tell(
            "config-expression-syntax",
            f"`{tree.sql()}` is not part of what a condition can say.",
            f"Use {_ALLOWED}.",
        )
        return None

    def all_of(self, trees: Iterable[exp.Expr]) -> list[Node] | None:
        """Compile several nodes; None if any is wrong, after telling about all of them."""
        built = [self.node(tree) for tree in trees]
        known = [node for node in built if node is not None]
        return known if len(known) == len(built) else None

    def typed(self, tree: exp.Expr, expected: ValueType) -> Node | None:
        """Compile a node that must yield `expected`."""
        node = self.node(tree)
        if node is None:
            return None
        if node.type is not expected:
            self.tell(
                "config-type",
                f"`{tree.sql()}` is {_of_type(node.type)}, but {expected.words} is needed there.",
                f"Use {expected.words} in its place.",
            )
            return None
        return node

    def same_type(self, trees: list[exp.Expr], whole: exp.Expr) -> list[Node] | None:
        """Compile nodes that must share one type; NULL goes with any."""
        built = self.all_of(trees)
        if built is None:
            return None
        kinds = {node.type for node in built if node.type is not None}
        if len(kinds) > 1:
            said = ", ".join(
                f"`{tree.sql()}` is {_of_type(node.type)}"
                for tree, node in zip(trees, built, strict=True)
            )
            self.tell(
                "config-type",
                f"`{whole.sql()}` mixes types: {said}.",
                "Use values of one type; numbers stand without quotes, text in single quotes.",
            )
            return None
        return built


def _folded(node: Node) -> Node:
    """Return the constant that a node comes to whatever the features are, or the node itself.

    Polars does not always know that what it makes of constants is one value and no column.
    """
    try:
        value = node.evaluate({})
    except KeyError:  # it asked for a feature
        return node
    return node if value is None else nodes.Literal(value, node.type)


def _of_type(kind: ValueType | None) -> str:
    return "NULL" if kind is None else kind.words


def _common_type(built: Iterable[Node]) -> ValueType | None:
    return next((node.type for node in built if node.type is not None), None)


def _paren(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    return compiler.node(tree.this)


def _literal(_compiler: _Compiler, tree: exp.Expr) -> Node | None:
    if tree.args.get("is_string"):
        return nodes.Literal(str(tree.this), ValueType.TEXT)
    return nodes.Literal(float(tree.this), ValueType.NUMBER)


def _boolean(_compiler: _Compiler, tree: exp.Expr) -> Node | None:
    return nodes.Literal(bool(tree.this), ValueType.BOOLEAN)


def _null(_compiler: _Compiler, _tree: exp.Expr) -> Node | None:
    return nodes.Literal(None, None)


def _name(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    name = tree.sql() if tree.args.get("table") else str(tree.name)
    kind = compiler.types.get(name)
    if kind is not None:
        compiler.names.add(name)
        return nodes.Name(name, kind)
    if isinstance(tree.this, exp.Identifier) and tree.this.args.get("quoted"):
        compiler.tell(
            "config-expression-syntax",
            f'"{name}" stands in double quotes, which SQL keeps for names.',
            f"Write text in single quotes: '{name}'.",
        )
        return None
    near = nearest(name, compiler.types)
    fix = f"Did you mean `{near}`?" if near else "Declare it under `features`, or use a built-in."
    window = _WINDOW.search(name)
    if window and f"{name[: window.start()]}_lifetime" in compiler.types:
        fix = f"{fix} For another window, add `{window[1]}` to `windows`."
    compiler.tell("config-unknown-feature", f"Unknown feature `{name}`.", fix)
    return None


def _logic(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    kind = type(tree)
    operands: list[exp.Expr] = list(tree.flatten(unnest=False))  # pyright: ignore[reportArgumentType]
    built = [compiler.typed(operand, ValueType.BOOLEAN) for operand in operands]
    known = tuple(node for node in built if node is not None)
    if len(known) < len(built):
        return None
    return nodes.Logic(kind is exp.Or, known)


def _not(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    operand = compiler.typed(tree.this, ValueType.BOOLEAN)
    return nodes.Not(operand) if operand else None


def _compare(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    left, right = tree.this, tree.expression
    sign = _SIGNS[type(tree)]
    if isinstance(left, exp.Null) or isinstance(right, exp.Null):
        compiler.tell(
            "config-type",
            f"`{tree.sql()}` is always unknown: NULL equals nothing.",
            "Write `IS NULL` or `IS NOT NULL`.",
        )
        return None
    built = compiler.same_type([left, right], tree)
    if built is None:
        return None
    if built[0].type is ValueType.BOOLEAN and sign not in {"=", "<>"}:
        compiler.tell(
            "config-type",
            f"`{tree.sql()}` puts true and false in order.",
            "A yes/no value can be tested by itself, with NOT, or with `=`.",
        )
        return None
    return nodes.Compare(sign, built[0], built[1])


def _in(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    choices: list[exp.Expr] = tree.args.get("expressions") or []
    if not choices or any(not isinstance(item, exp.Literal | exp.Neg) for item in choices):
        compiler.tell(
            "config-expression-syntax",
            f"`{tree.sql()}` needs a list of values after IN.",
            "Write it like `industry IN ('banking', 'insurance')`.",
        )
        return None
    built = compiler.same_type([tree.this, *choices], tree)
    if built is None:
        return None
    return nodes.In(built[0], tuple(choice.evaluate({}) for choice in built[1:]))


def _between(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    built = compiler.same_type([tree.this, tree.args["low"], tree.args["high"]], tree)
    if built is None:
        return None
    value, low, high = built
    return nodes.Between(value, low, high)


def _is(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    if isinstance(tree.expression, exp.Boolean):
        operand = compiler.typed(tree.this, ValueType.BOOLEAN)
        return nodes.Is(operand, bool(tree.expression.this)) if operand else None
    if not isinstance(tree.expression, exp.Null):
        compiler.tell(
            "config-expression-syntax",
            f"`{tree.sql()}`: IS goes with NULL, TRUE and FALSE only.",
            "Compare other values with `=`.",
        )
        return None
    operand = compiler.node(tree.this)
    return nodes.Is(operand, None) if operand else None


def _like(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    pattern = tree.expression
    operand = compiler.typed(tree.this, ValueType.TEXT)
    if not (isinstance(pattern, exp.Literal) and pattern.args.get("is_string")):
        compiler.tell(
            "config-expression-syntax",
            f"`{tree.sql()}` needs a pattern in single quotes after LIKE.",
            "Write it like `country LIKE 'U%'`.",
        )
        return None
    if operand is None:
        return None
    like = nodes.Like(operand, str(pattern.this))
    return nodes.Not(like) if tree.args.get("negate") else like


def _arithmetic(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    left = compiler.typed(tree.this, ValueType.NUMBER)
    right = compiler.typed(tree.expression, ValueType.NUMBER)
    if left is None or right is None:
        return None
    return nodes.Arithmetic(_SIGNS[type(tree)], left, right)


def _neg(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    operand = compiler.typed(tree.this, ValueType.NUMBER)
    if isinstance(operand, nodes.Literal) and isinstance(operand.value, float):
        return nodes.Literal(-operand.value, ValueType.NUMBER)
    return nodes.Negate(operand) if operand else None


def _abs(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    operand = compiler.typed(tree.this, ValueType.NUMBER)
    return nodes.Absolute(operand) if operand else None


def _round(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    operand = compiler.typed(tree.this, ValueType.NUMBER)
    digits = tree.args.get("decimals")
    places = 0
    if digits is not None:
        text = str(digits.this)
        if not (isinstance(digits, exp.Literal) and text.isdigit() and int(text) <= _MAX_DIGITS):
            compiler.tell(
                "config-expression-syntax",
                f"`{tree.sql()}` rounds to `{digits.sql()}` places.",
                f"Give a whole number from 0 to {_MAX_DIGITS}.",
            )
            return None
        places = int(text)
    return nodes.Round(operand, places) if operand else None


def _case(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    subject = tree.args.get("this")
    branches: list[exp.Expr] = tree.args["ifs"]
    tests = [
        exp.EQ(this=subject.copy(), expression=branch.this) if subject else branch.this
        for branch in branches
    ]
    conditions = [compiler.typed(test, ValueType.BOOLEAN) for test in tests]
    default = tree.args.get("default") or exp.null()
    results = compiler.same_type([*(b.args["true"] for b in branches), default], tree)
    known = [condition for condition in conditions if condition is not None]
    if results is None or len(known) < len(conditions):
        return None
    pairs = tuple(zip(known, results[:-1], strict=True))
    return nodes.Case(pairs, results[-1], _common_type(results))


def _coalesce(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    built = compiler.same_type([tree.this, *tree.expressions], tree)
    return nodes.Coalesce(tuple(built), _common_type(built)) if built else None


def _extreme(compiler: _Compiler, tree: exp.Expr) -> Node | None:
    operands = [tree.this, *tree.expressions]
    built = [compiler.typed(operand, ValueType.NUMBER) for operand in operands]
    known = tuple(node for node in built if node is not None)
    if len(known) < len(built):
        return None
    return nodes.Extreme(isinstance(tree, exp.Greatest), known)


_BUILDERS: dict[
    type[exp.Expr] | tuple[type[exp.Expr], ...], Callable[[_Compiler, exp.Expr], Node | None]
] = {
    exp.Paren: _paren,
    exp.Literal: _literal,
    exp.Boolean: _boolean,
    exp.Null: _null,
    exp.Column: _name,
    (exp.And, exp.Or): _logic,
    exp.Not: _not,
    (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE): _compare,
    exp.In: _in,
    exp.Between: _between,
    exp.Is: _is,
    exp.Like: _like,
    (exp.Add, exp.Sub, exp.Mul, exp.Div): _arithmetic,
    exp.Neg: _neg,
    exp.Abs: _abs,
    exp.Round: _round,
    exp.Case: _case,
    exp.Coalesce: _coalesce,
    (exp.Least, exp.Greatest): _extreme,
}
