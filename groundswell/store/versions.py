"""What the rows of a dimension mean, as SQL that is the same on every engine.

A kind other than events is kept as a log of statements: its canonical columns, `stated_at` (the
load's `received_at`) and `seq` (the order of arrival). What holds is read from the log:

- *versioned* (users, accounts, subscriptions, opportunities): one load is one statement about a
  key, so its last row stands. A statement holds from its `valid_from`, or from when it was
  stated; the first one of a key, if it gives no `valid_from`, always held. So did an undated one
  that comes in one load with dated ones of its key: it is what held before them. Repeats add
  nothing.
- *latest* (memberships): the last row of a key stands.
- *distinct* (touches, tickets, costs): the whole row is the key.

Statements that change nothing are dropped before they reach the log (`news`), and reading
(`current`) drops what is left of them, so pieces and repeats of a load come to the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from sqlglot import exp

from groundswell.model import Kind
from groundswell.store.arrays import to_arrow, to_scalar
from groundswell.store.tables import INSTANT, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime


class Keeping(StrEnum):
    """How the rows of one key come to what holds."""

    VERSIONED = "versioned"
    LATEST = "latest"
    DISTINCT = "distinct"


@dataclass(frozen=True, slots=True)
class Dimension:
    """How a kind is kept.

    Attributes:
        keeping: How rows of one key come to what holds.
        key: The columns that name a thing.
        instead: Columns that name it where `key` is null.
    """

    keeping: Keeping
    key: tuple[str, ...]
    instead: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """A column that is never null and equal within a key; it narrows what is compared."""
        return self.instead[0] if self.instead else self.key[0]


DIMENSIONS: Mapping[Kind, Dimension] = {
    Kind.USERS: Dimension(Keeping.VERSIONED, ("user_id",)),
    Kind.ACCOUNTS: Dimension(Keeping.VERSIONED, ("account_id",)),
    Kind.OPPORTUNITIES: Dimension(Keeping.VERSIONED, ("opportunity_id",)),
    Kind.MEMBERSHIPS: Dimension(Keeping.LATEST, ("user_id", "account_id", "since")),
    Kind.SUBSCRIPTIONS: Dimension(
        Keeping.VERSIONED, ("subscription_id",), ("account_id", "plan", "started_at")
    ),
    Kind.TOUCHES: Dimension(Keeping.DISTINCT, tuple(TABLES[Kind.TOUCHES].names)),
    Kind.TICKETS: Dimension(Keeping.DISTINCT, tuple(TABLES[Kind.TICKETS].names)),
    Kind.COSTS: Dimension(Keeping.DISTINCT, tuple(TABLES[Kind.COSTS].names)),
}
INCOMING = "incoming"
BASE = "1900-01-01 00:00:00+00:00"
"""The `valid_from` that the log gives a statement that always held; it is read as null."""


def log_of(kind: Kind) -> str:
    """Return the name of the table that keeps a kind's statements."""
    return f"{kind}_log"


def current(kind: Kind) -> exp.Select:
    """Return the SELECT of what holds, from the log, in the canonical columns."""
    dimension = DIMENSIONS[kind]
    names = TABLES[kind].names
    if dimension.keeping is Keeping.DISTINCT:
        return _columns(names).from_(log_of(kind)).distinct()
    if dimension.keeping is Keeping.LATEST:
        last = _last(exp.select("*").from_(log_of(kind)), _key(dimension))
        return _columns(names).from_(last.subquery("statements"))
    values = _values(kind)
    at = _partition(_key(dimension), "held_from", "seq")
    placed = _placed(kind, exp.select("*").from_(log_of(kind)))
    compared = placed.select(
        exp.alias_(_lagged("seq", at).is_(exp.null()), "is_first"),
        exp.alias_(_unchanged(values, at), "is_repeat"),
    )
    always = exp.column("is_first").and_(exp.column("is_undated"))
    valid_from = exp.case().when(always, exp.null()).else_(exp.column("held_from"))
    return (
        _columns([name for name in names if name != "valid_from"])
        .select(exp.alias_(valid_from, "valid_from"))
        .from_(compared.subquery("compared"))
        .where(exp.not_(exp.column("is_repeat")))
    )


def news(kind: Kind) -> exp.Select:
    """Return the SELECT of the rows of `incoming` that belong in the log.

    `incoming` has the columns of the log; its `seq` is above every one in the log.
    """
    dimension = DIMENSIONS[kind]
    stored = _from(kind, log_of(kind), origin=0).where(
        exp.column(dimension.anchor).isin(
            query=exp.select(dimension.anchor).from_(INCOMING),
        )
    )
    rows = exp.union(stored, _from(kind, INCOMING, origin=1), distinct=False)
    both = exp.select("*").from_(rows.subquery("both_origins"))
    if dimension.keeping is Keeping.VERSIONED:
        base = exp.case().when("is_base", _base()).else_(exp.column("valid_from"))
        return (
            _columns([name for name in TABLES[kind].names if name != "valid_from"])
            .select(exp.alias_(base, "valid_from"), "stated_at", "seq")
            .from_(_versioned_news(kind, both))
            .where("is_news")
        )
    key = _key(dimension)
    last = _last(both, [*key, exp.column("origin")])
    at = _partition(key, "origin")
    compared = (
        exp.select("*")
        .select(exp.alias_(_unchanged(_values(kind), at), "is_repeat"))
        .from_(last.subquery("statements"))
    )
    fresh = exp.not_(exp.column("is_repeat"))
    return (
        _log_columns(kind)
        .from_(compared.subquery("compared"))
        .where(exp.column("origin").eq(1).and_(fresh))
    )


@cache
def write_current(kind: Kind, dialect: str) -> str:
    """Return `current` written out, once for all warehouses of a dialect."""
    return current(kind).sql(dialect)


@cache
def write_news(kind: Kind, dialect: str) -> str:
    """Return `news` written out, once for all warehouses of a dialect."""
    return news(kind).sql(dialect)


def _versioned_news(kind: Kind, both: exp.Select) -> exp.Subquery:
    """Compare a dated statement with its own date's, an undated one with what held by then."""
    key, values = _key(DIMENSIONS[kind]), _values(kind)
    in_time = _partition(key, "held_from", "origin", "seq")
    same_date = _partition([*key, exp.column("held_from"), exp.column("is_undated")], "origin")
    compared = _placed(kind, both, origin=True).select(
        exp.alias_(_unchanged(values, in_time), "is_repeat"),
        exp.alias_(_unchanged(values, same_date), "is_repeat_dated"),
    )
    repeat = exp.case().when("is_undated", exp.column("is_repeat"))
    is_news = exp.column("origin").eq(1).and_(exp.not_(repeat.else_(exp.column("is_repeat_dated"))))
    return (
        exp.select("*", exp.alias_(is_news, "is_news"))
        .from_(compared.subquery("compared"))
        .subquery("judged")
    )


def _placed(kind: Kind, rows: exp.Select, *, origin: bool = False) -> exp.Select:
    """Give each statement the moment it holds from, keeping the last of each moment."""
    key = _key(DIMENSIONS[kind])
    given = exp.column("valid_from")
    undated = exp.or_(given.is_(exp.null()), given.copy().eq(_base()))
    told = (
        exp.select("*").select(exp.alias_(undated, "is_undated")).from_(rows.subquery("statements"))
    )
    dated = exp.case().when(exp.not_(exp.column("is_undated")), exp.Literal.number(1))
    load = exp.Window(
        this=exp.Max(this=dated),
        partition_by=[*(part.copy() for part in key), exp.column("stated_at")],
    )
    before_them = exp.column("is_undated").and_(load.is_(exp.null()).not_())
    is_base = exp.func("COALESCE", given.copy().eq(_base()), exp.false()).or_(before_them)
    beside = exp.select("*").select(exp.alias_(is_base, "is_base")).from_(told.subquery("told"))
    since = exp.func("COALESCE", "valid_from", "stated_at")
    held_from = exp.case().when("is_base", _base()).else_(since)
    placed = (
        exp.select("*").select(exp.alias_(held_from, "held_from")).from_(beside.subquery("beside"))
    )
    moment = [*key, exp.column("held_from"), exp.column("is_undated")]
    last = _last(placed, [*moment, exp.column("origin")] if origin else moment)
    return exp.select("*").from_(last.subquery("placed"))


def _base() -> exp.Cast:
    return exp.cast(exp.Literal.string(BASE), exp.DataType.Type.TIMESTAMPTZ)


def _last(rows: exp.Select, key: Sequence[exp.Expr]) -> exp.Select:
    """Keep the row of each key that arrived last."""
    latest = exp.Window(
        this=exp.RowNumber(),
        partition_by=[part.copy() for part in key],
        order=exp.Order(expressions=[exp.Ordered(this=exp.column("seq"), desc=True)]),
    )
    numbered = exp.select("*", exp.alias_(latest, "nth_last")).from_(rows.subquery("arrived"))
    return exp.select("*").from_(numbered.subquery("numbered")).where("nth_last = 1")


def _key(dimension: Dimension) -> list[exp.Expr]:
    key: list[exp.Expr] = [exp.column(name) for name in dimension.key]
    missing = exp.column(dimension.key[0]).is_(exp.null())
    key += [exp.case().when(missing.copy(), exp.column(name)) for name in dimension.instead]
    return key


def _values(kind: Kind) -> list[str]:
    keeping = DIMENSIONS[kind].keeping
    return [
        name
        for name in TABLES[kind].names
        if not (keeping is Keeping.VERSIONED and name == "valid_from")
    ]


def _partition(key: Iterable[exp.Expr], *order: str) -> exp.Window:
    return exp.Window(
        partition_by=[part.copy() for part in key],
        order=exp.Order(expressions=[exp.Ordered(this=exp.column(name)) for name in order]),
    )


def _lagged(name: str, over: exp.Window) -> exp.Window:
    window = over.copy()
    window.set("this", exp.Lag(this=exp.column(name)))
    return window


def _unchanged(names: Iterable[str], over: exp.Window) -> exp.Expr:
    """Say that no column differs from the row before; null equals null.

    The first row of a partition differs from nothing by its anchor, which is never null.
    """
    return exp.and_(
        *(exp.NullSafeEQ(this=exp.column(name), expression=_lagged(name, over)) for name in names)
    )


def _columns(names: Iterable[str]) -> exp.Select:
    return exp.select(*(exp.column(name) for name in names))


def _log_columns(kind: Kind) -> exp.Select:
    return _columns([*TABLES[kind].names, "stated_at", "seq"])


def _from(kind: Kind, table: str, *, origin: int) -> exp.Select:
    marked = exp.alias_(exp.Literal.number(origin), "origin")
    return _log_columns(kind).select(marked).from_(table)


def stated(rows: pa.Table, *, received_at: datetime, after: int) -> pa.Table:
    """Return canonical rows as statements: with `stated_at`, and `seq` counting on from `after`."""
    count = rows.num_rows
    moments = pa.nulls(count, INSTANT).fill_null(to_scalar(received_at, INSTANT))
    order = to_arrow(np.arange(after + 1, after + 1 + count, dtype=np.int64))
    return rows.append_column("stated_at", moments).append_column("seq", order)
