"""The kernel equals the SQL over the roll-up."""

from __future__ import annotations

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundswell.clock import day_from_number
from groundswell.features import compile_plan, prepare
from groundswell.features.computing import compute_features
from groundswell.features.oracle import compile_oracle, oracle_marks, oracle_steps
from groundswell.features.rollup import read_coded

from .stores import Activity, Facts
from .worlds import SPAN, START, World, loaded, worlds

PLAN = compile_plan(loaded())


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(world=worlds(), days=st.lists(st.integers(START, START + SPAN), min_size=1, max_size=3))
def test_steps_equal_the_oracle(world: World, days: list[int]) -> None:
    facts = Facts(world)
    activity = Activity(facts)
    computation = prepare(PLAN, facts, activity, world.filing)
    keys = read_coded(facts, PLAN).keys
    facts.put("oracle_marks", oracle_marks(PLAN, computation.setting.marks, keys))
    days = sorted(set(days))
    told = facts.query(compile_oracle(PLAN, days)).read_all()
    oracle = pl.DataFrame(pl.from_arrow(told)).with_columns(
        pl.col("account").cast(pl.Int64), as_of=pl.col("as_of").cast(pl.Int64)
    )
    frames = compute_features(
        computation, activity, [day_from_number(day) for day in days], threads=1
    )
    known = {(row["account_id"], row["as_of"]): row for frame in frames for row in frame.to_dicts()}
    unmapped = [
        step.name
        for step in oracle_steps(PLAN)
        if PLAN.is_unmapped(
            PLAN.channels[step.channel].rows, {meaning.name for meaning in PLAN.meanings}
        )
    ]
    tickets = [s.name for s in PLAN.steps if "support_ticket" in PLAN.channels[s.channel].rows.of]
    names = [
        step.name
        for step in oracle_steps(PLAN)
        if step.name in PLAN.names and step.name not in (*unmapped, *tickets)
    ]
    assert len(names) > 60
    for row in oracle.iter_rows(named=True):
        place = (f"a{row['account']}", day_from_number(row["as_of"]))
        if place in known:
            actual = {name: known[place][name] for name in names}
            wrong = {
                name: (actual[name], row[name])
                for name in names
                if actual[name] != row[name] and abs((actual[name] or 0) - (row[name] or 0)) > 1e-9
            }
            assert not wrong, place
