"""The roll-up as SQL: the one query that every warehouse runs, written once in sqlglot.

It groups the events by account, person, day, code, key and the days as of which they count.
`events` meets two working tables: `filing` (for whom an event counts, and as of when) and
`event_marks` (what it counts in). Properties are looked into only for the events whose shape
asks for it; those are grouped apart from the rest.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlglot import exp

from groundswell.features.marks import WORKSPACE_SHIFT
from groundswell.features.properties import (
    as_text,
    day_of,
    number,
    read_key,
    read_number,
    second_of,
    test_filter,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.features.meanings import Coding, EventShape

_GROUPS = ("account", "person", "day", "event", "key", "visible", "hidden")
_SECOND = exp.column("second_of_day", "r")
_IDS = ("user_id", "anonymous_id", "account_id")


def looked_into(coding: Coding) -> dict[EventShape, list[int]]:
    """Return the event ids whose properties or times matter, by shape."""
    found: dict[EventShape, list[int]] = defaultdict(list)
    measured = coding.timed | coding.summed
    for event_id, shape in enumerate(coding.shapes):
        if shape.filters or shape.paths or event_id in measured:
            found[shape].append(event_id)
    return dict(found)


def looked_values(
    shapes: Mapping[EventShape, Sequence[int]], dialect: str
) -> tuple[exp.Expr, exp.Expr]:
    """Return the bits of event `e` and the text of its key, as expressions."""
    return _bits(shapes, dialect), _key(shapes, dialect)


def timed_second(coding: Coding, dialect: str) -> exp.Expr:
    """Return the second of the day of event `e`; 0 where no feature tells times apart."""
    if not coding.timed:
        return whole(number(0))
    return exp.Case().when(among(sorted(coding.timed)), second_of(dialect)).else_(number(0))


def summed_values(coding: Coding, sums: Sequence[str], dialect: str) -> list[exp.Expr]:
    """Return the numbers v0, v1, ... that event `e` adds to the sums."""
    adds = among(sorted(coding.summed))
    cases = [exp.Case().when(adds.copy(), read_number(path, dialect)) for path in sums]
    return [exp.alias_(case, f"v{i}") for i, case in enumerate(cases)]


def compile_marks(coding: Coding, *, dialect: str) -> exp.Query | None:
    """Write the query for every (event_id, bits, key_text) there is; None when none is looked into.

    `key_text` holds what is read from properties, empty where nothing was.
    """
    shapes = looked_into(coding)
    if not shapes:
        return None
    columns = [
        exp.column("event_id", "e"),
        exp.alias_(_bits(shapes, dialect), "bits"),
        exp.alias_(_key(shapes, dialect), "key_text"),
    ]
    return (
        exp.select(*columns)
        .distinct()
        .from_(exp.to_table("events").as_("e"))
        .where(among([event_id for ids in shapes.values() for event_id in ids]))
    )


def compile_rollup(
    coding: Coding,
    *,
    dialect: str,
    joins_on_actor: bool = True,
    sums: Sequence[str] = (),
) -> exp.Query:
    """Write the roll-up for a warehouse.

    The result has account, person, day, event (code and workspace, see `shard`), key, visible,
    hidden, n, first_at, last_at and s0.. for the sums. Rows come in no order.

    Args:
        coding: What must be looked at in which events.
        dialect: sqlglot's name of the warehouse's SQL.
        joins_on_actor: Whether events carry the actor's number, or its three ids.
        sums: Properties to add up.
    """
    shapes = looked_into(coding)
    inside = {event_id for ids in shapes.values() for event_id in ids}
    plain = [event_id for event_id in range(len(coding.shapes)) if event_id not in inside]
    groups = [(ids, own) for ids, own in ((plain, {}), (sorted(inside), shapes)) if ids]
    parts = [
        _grouped(coding, dialect, joins_on_actor=joins_on_actor, events=ids, shapes=own, sums=sums)
        for ids, own in groups or [([], {})]
    ]
    return parts[0] if len(parts) == 1 else exp.union(*parts, distinct=False)


def _grouped(
    coding: Coding,
    dialect: str,
    *,
    joins_on_actor: bool,
    events: Sequence[int],
    shapes: Mapping[EventShape, Sequence[int]],
    sums: Sequence[str],
) -> exp.Query:
    """Group some events; times and sums are left out where they are asked of none of them."""
    rows = _rows(dialect, joins_on_actor=joins_on_actor, shapes=shapes)
    timed = bool(shapes and coding.timed)
    if timed:
        rows = rows.select(exp.alias_(timed_second(coding, dialect), "second_of_day"))
    if shapes:
        rows = rows.select(*summed_values(coding, sums, dialect))
    rows = rows.where(among(events))
    nothing = exp.Cast(this=exp.null(), to=exp.DataType.build("DOUBLE"))
    measures = [exp.alias_(whole(exp.Count(this=exp.Star())), "n")]
    for name, extreme in (("first_at", exp.Min), ("last_at", exp.Max)):
        value = extreme(this=_SECOND.copy()) if timed else whole(number(0))
        measures.append(exp.alias_(value, name))
    for index in range(len(sums)):
        total = exp.Sum(this=exp.column(f"v{index}", "r")) if shapes else nothing.copy()
        measures.append(exp.alias_(total, f"s{index}"))
    return (
        exp.select(*(exp.column(name, "r") for name in _GROUPS), *measures)
        .from_(rows.subquery("r"))
        .group_by(*(exp.column(name, "r") for name in _GROUPS))
    )


def _rows(
    dialect: str,
    *,
    joins_on_actor: bool,
    shapes: Mapping[EventShape, Sequence[int]],
) -> exp.Select:
    """One row per event and filing: what it is grouped by."""
    day = day_of(dialect)
    shifted = exp.Mul(this=exp.column("workspace", "f"), expression=number(1 << WORKSPACE_SHIFT))
    code = exp.Add(this=exp.column("code", "m"), expression=shifted)
    visible = exp.column("visible", "f")
    late = exp.GT(this=visible, expression=day.copy())
    known = exp.Case().when(late, visible.copy()).else_(day.copy())
    select = exp.select(
        exp.column("account", "f"),
        exp.column("person", "f"),
        exp.alias_(day, "day"),
        exp.alias_(code, "event"),
        exp.column("key", "m"),
        exp.alias_(known, "visible"),
        exp.column("hidden", "f"),
    ).from_(exp.to_table("events").as_("e"))
    filed = [
        exp.GTE(this=day.copy(), expression=exp.column("from_day", "f")),
        exp.LT(this=day.copy(), expression=exp.column("until_day", "f")),
    ]
    if joins_on_actor:
        same: list[exp.Expr] = [_equal("actor", "f", exp.column("actor", "e"))]
    else:
        same = [
            exp.NullSafeEQ(this=exp.column(name, "f"), expression=exp.column(name, "e"))
            for name in _IDS
        ]
    marked = [_equal("event_id", "m", exp.column("event_id", "e"))]
    if shapes:
        marked.append(_equal("bits", "m", _bits(shapes, dialect)))
        marked.append(_equal("key_text", "m", _key(shapes, dialect)))
    return select.join(exp.to_table("filing").as_("f"), on=exp.and_(*same, *filed)).join(
        exp.to_table("event_marks").as_("m"), on=exp.and_(*marked)
    )


def _bits(shapes: Mapping[EventShape, Sequence[int]], dialect: str) -> exp.Expr:
    """Which filters hold, bit by bit; 0 where there are none."""
    case = exp.Case()
    for shape, ids in shapes.items():
        total: exp.Expr | None = None
        for position, test in enumerate(shape.filters):
            bit = exp.Case().when(test_filter(test, dialect), number(1 << position))
            bit = bit.else_(number(0))
            total = bit if total is None else exp.Add(this=total, expression=bit)
        if total is not None:
            case = case.when(among(ids), total)
    return case.else_(number(0)) if case.args.get("ifs") else number(0)


def _key(shapes: Mapping[EventShape, Sequence[int]], dialect: str) -> exp.Expr:
    """Return what is read from properties, as one text; empty where nothing is."""
    case = exp.Case()
    for shape, ids in shapes.items():
        if shape.paths:
            case = case.when(among(ids), read_key(shape.paths, dialect))
    empty = exp.Literal.string("")
    return case.else_(empty) if case.args.get("ifs") else as_text(empty)


def _equal(column: str, table: str, value: exp.Expr) -> exp.Expr:
    return exp.EQ(this=exp.column(column, table), expression=value)


def among(event_ids: Sequence[int]) -> exp.Expr:
    """Return the condition that event `e` is one of some."""
    numbers = [number(event_id) for event_id in event_ids] or [number(-1)]
    return exp.In(this=exp.column("event_id", "e"), expressions=numbers)
