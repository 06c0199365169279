"""The same steps in SQL over the roll-up, one day at a time: what the kernel is checked against.

Each measure is aggregated at its own grain (a person, a day, a value) by the last day it was seen,
and the grains are counted per account; it answers for every row, hidden ones too. Many days are as
many of these, in one UNION ALL: plain enough to be trusted. The fastest SQL that we could write
for many days is what the kernel is measured against (`benchmarks/peer.py`).

Tests of rows that need more than the row (`plan.DYNAMIC_FLAGS`) and teams are not in it: they
are checked against the recomputation from raw events.
"""

# ruff: noqa: S608  (names and numbers in these texts are our own; users' texts come in as tables)
from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp, parse_one

from groundswell.features.marks import WORKSPACE_SHIFT, summed_properties
from groundswell.features.plan import DYNAMIC_FLAGS, LIFETIME, FeaturePlan, Measure, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.features.marks import Marks

_GRAINS = {
    Measure.USERS: "person",
    Measure.ACTIVE_DAYS: "day",
    Measure.USER_DAYS: "person, day",
    Measure.WORKSPACES: "workspace",
}


def oracle_steps(plan: FeaturePlan) -> list[Step]:
    """Return the steps that the oracle answers for."""
    return [
        step
        for step in plan.steps
        if plan.channels[step.channel].rows.flag not in DYNAMIC_FLAGS
        and plan.channels[step.channel].measure is not Measure.TEAMS
    ]


def oracle_marks(plan: FeaturePlan, marks: Marks, keys: Sequence[tuple[int, str]]) -> pa.Table:
    """Return what every mark counts in, as a table: code, key, and a column per channel.

    `c<i>` is true where a mark counts in channel i; `v<i>` lists its values for `distinct`.
    """
    count = len(marks.ptr) - 1
    codes = [*range(marks.codes), *(code for code, _ in keys)]
    columns: dict[str, pa.Array] = {
        "code": pa.array(codes, pa.int32()),
        "key": pa.array([0] * marks.codes + list(range(1, len(keys) + 1)), pa.int32()),
    }
    for index, channel in enumerate(plan.channels):
        held: list[list[int]] = [[] for _ in range(count)]
        for mark in range(count):
            for place in range(int(marks.ptr[mark]), int(marks.ptr[mark + 1])):
                if marks.channel[place] == index:
                    held[mark].append(int(marks.slot[place]))
        every = index in marks.common
        columns[f"c{index}"] = pa.array([every or bool(slots) for slots in held])
        if channel.measure is Measure.DISTINCT:
            columns[f"v{index}"] = pa.array(held, pa.list_(pa.int32()))
    return pa.table(columns)


def compile_oracle(plan: FeaturePlan, days: Sequence[int]) -> exp.Query:
    """Write the query: account, as_of and a column per step of `oracle_steps`.

    It reads `activity` and `oracle_marks`. Accounts without a row as of a day are left out.

    Args:
        plan: What is measured.
        days: Days since 1970-01-01.
    """
    parts = [_one_day(plan, int(day)) for day in days]
    whole: exp.Query = parts[0]
    for part in parts[1:]:
        whole = exp.union(whole, part, distinct=False)
    return whole


def _one_day(plan: FeaturePlan, day: int) -> exp.Query:
    steps = oracle_steps(plan)
    grains = [_sums(plan, steps, day)]
    for measure, grain in _GRAINS.items():
        chosen = [s for s in steps if plan.channels[s.channel].measure is measure]
        if chosen:
            grains.append(_counted(chosen, grain, day))
    for index, channel in enumerate(plan.channels):
        chosen = [s for s in steps if s.channel == index]
        if channel.measure is Measure.DISTINCT and chosen:
            grains.append(_distinct(index, chosen, day))
    names = [f"g{i}" for i in range(len(grains))]
    columns = ["g0.account", f"{day} AS as_of"]
    for step in steps:
        dated = plan.channels[step.channel].measure in (Measure.FIRST, Measure.LAST)
        columns.append(step.name if dated else f"coalesce({step.name}, 0) AS {step.name}")
    select = exp.select(*(parse_one(column, read="duckdb") for column in columns)).from_("g0")
    for name in names[1:]:
        select = select.join(exp.to_table(name), using="account", join_type="left")
    bits = (1 << WORKSPACE_SHIFT) - 1
    seen = (  # integers and names of our own making only
        "SELECT a.account, a.person, a.day, a.n, "
        f"a.event >> {WORKSPACE_SHIFT} AS workspace, a.* EXCLUDE (account, person, day, n), m.* "
        "EXCLUDE (code, key) FROM activity AS a JOIN oracle_marks AS m "
        f"ON m.code = a.event & {bits} AND m.key = a.key "
        f"WHERE a.visible <= {day} AND a.hidden > {day}"
    )
    select = select.with_("seen", as_=parse_one(seen, read="duckdb"))
    for name, grain in zip(names, grains, strict=True):
        select = select.with_(name, as_=parse_one(grain, read="duckdb"))
    # Each day's names are its own, so that days can stand in one query.
    return exp.select("*").from_(select.subquery(f"d{day}"))


def _inside(step: Step, day: int) -> str:
    upper = f" AND day <= {day - step.ago}" if step.ago else ""
    lower = f" AND day > {day - step.ago - step.window}" if step.window < LIFETIME else ""
    return f"c{step.channel}{lower}{upper}"


def _sums(plan: FeaturePlan, steps: Sequence[Step], day: int) -> str:
    summed = summed_properties(plan)
    columns: list[str] = []
    for step in steps:
        channel = plan.channels[step.channel]
        where = f"FILTER (WHERE {_inside(step, day)})"
        if channel.measure is Measure.EVENTS:
            columns.append(f"sum(n) {where} AS {step.name}")
        elif channel.measure is Measure.SUM and channel.property:
            columns.append(f"sum(s{summed.index(channel.property)}) {where} AS {step.name}")
        elif channel.measure is Measure.FIRST:
            columns.append(f"{day} - min(day) {where} AS {step.name}")
        elif channel.measure is Measure.LAST:
            columns.append(f"{day} - max(day) {where} AS {step.name}")
    return f"SELECT account, {', '.join(columns)} FROM seen GROUP BY account"


def _counted(steps: Sequence[Step], grain: str, day: int) -> str:
    """Count people (or days) by whether they were last seen inside the window."""
    lasts: dict[tuple[int, int], str] = {}
    outer: list[str] = []
    for step in steps:
        name = lasts.setdefault((step.channel, step.ago), f"l{len(lasts)}")
        inside = f"{name} > {day - step.ago - step.window}"
        outer.append(f"count(*) FILTER (WHERE {inside}) AS {step.name}")
    inner = [
        f"max(day) FILTER (WHERE c{channel} AND day <= {day - ago}) AS {name}"
        for (channel, ago), name in lasts.items()
    ]
    nobody = "person >= 0" if "person" in grain else "workspace > 0" if grain == "workspace" else ""
    where = f" WHERE {nobody}" if nobody else ""
    return (
        f"SELECT account, {', '.join(outer)} FROM (SELECT account, {grain}, {', '.join(inner)} "
        f"FROM seen{where} GROUP BY account, {grain}) GROUP BY account"
    )


def _distinct(index: int, steps: Sequence[Step], day: int) -> str:
    columns = [
        f"count(DISTINCT v) FILTER (WHERE {_inside(step, day).removeprefix(f'c{index} AND ')})"
        if step.window < LIFETIME or step.ago
        else "count(DISTINCT v)"
        for step in steps
    ]
    named = ", ".join(f"{text} AS {step.name}" for text, step in zip(columns, steps, strict=True))
    return (
        f"SELECT account, {named} FROM (SELECT account, day, unnest(v{index}) AS v FROM seen "
        f"WHERE c{index}) GROUP BY account"
    )
