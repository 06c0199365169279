"""A shard as an Arrow function, and a roll-up that is built once."""

from __future__ import annotations

import pickle

import numpy as np
import polars as pl
import polars.testing
import pyarrow as pa
import pyarrow.compute
from hypothesis import HealthCheck, given, settings

from groundswell.clock import day_from_number
from groundswell.features import build_activity, compile_plan, compute_features, prepare
from groundswell.features.sharding import ShardFunction

from .worlds import START, Activity, Facts, World, loaded, worlds

PLAN = compile_plan(loaded())
DAYS = [START + 30, START + 90]


@settings(deadline=None, max_examples=5, suppress_health_check=list(HealthCheck))
@given(world=worlds())
def test_a_shard_in_another_process_computes_the_same(world: World) -> None:
    facts = Facts(world)
    activity = Activity(facts)
    days = [day_from_number(day) for day in DAYS]
    whole = pl.concat(compute_features(PLAN, facts, activity, world.filing, days, threads=1))
    computation = prepare(PLAN, facts, activity, world.filing)
    function = pickle.loads(pickle.dumps(ShardFunction(computation, np.array(DAYS), 2)))
    table = activity.table
    assert table is not None
    shard = pa.array([row // 2 for row in table.column("account").to_pylist()], pa.int32())
    table = table.append_column("shard", shard)
    for number in set(shard.to_pylist()):
        part = pl.DataFrame(function(table.filter(pa.compute.equal(shard, number))))
        names = part["account_id"].unique().to_list()
        same = whole.filter(pl.col("account_id").is_in(names))
        pl.testing.assert_frame_equal(part, same)


def test_the_rollup_is_built_once(empty_world: World) -> None:
    facts = Facts(empty_world)
    activity = Activity(facts)
    assert build_activity(facts, activity, PLAN, empty_world.filing)
    assert not build_activity(facts, activity, PLAN, empty_world.filing)
    other = compile_plan(loaded({"exports": loaded().features["exports_28d"]}))
    assert build_activity(facts, activity, other, empty_world.filing)
    assert activity.builds == 2
