"""A shard as an Arrow function, and a roll-up that is built once."""

from __future__ import annotations

import pickle

import numpy as np
import polars as pl
import polars.testing
import pyarrow as pa
import pyarrow.compute
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundswell.clock import day_from_number
from groundswell.features import (
    build_activity,
    compile_plan,
    compute_features,
    computing,
    packing,
    prepare,
    sorting,
)
from groundswell.features.sharding import ShardFunction
from groundswell.features.source import in_order

from .stores import Activity, Facts
from .worlds import START, World, loaded, worlds

PLAN = compile_plan(loaded())
DAYS = [START + 30, START + 90]


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(world=worlds())
def test_a_shard_in_another_process_computes_the_same(world: World) -> None:
    facts = Facts(world)
    activity = Activity(facts)
    days = [day_from_number(day) for day in DAYS]
    computation = prepare(PLAN, facts, activity, world.filing)
    whole = pl.concat(compute_features(computation, activity, days, threads=1))
    function = pickle.loads(pickle.dumps(ShardFunction(computation, np.array(DAYS), 2)))
    table = activity.table
    shard = pa.array([row // 2 for row in table.column("account").to_pylist()], pa.int32())
    table = table.append_column("shard", shard)
    for number in set(shard.to_pylist()):
        part = pl.DataFrame(function(table.filter(pa.compute.equal(shard, number))))
        names = part["account_id"].unique().to_list()
        same = whole.filter(pl.col("account_id").is_in(names))
        pl.testing.assert_frame_equal(part, same)


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(world=worlds(), cells=st.integers(1, 8))
def test_pieces_and_shards_of_any_size_compute_the_same(world: World, cells: int) -> None:
    facts = Facts(world)
    activity = Activity(facts)
    days = [day_from_number(day) for day in DAYS]
    computation = prepare(PLAN, facts, activity, world.filing)
    whole = pl.concat(compute_features(computation, activity, days, threads=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(computing, "PIECE_ROWS", 2)
        patch.setattr(computing, "SHARD_CELLS", cells)
        cut = list(compute_features(computation, activity, days, threads=2))
    pl.testing.assert_frame_equal(pl.concat(cut), whole)
    names = whole["account_id"].unique(maintain_order=True).to_list()
    some = list(compute_features(computation, activity, days, accounts=names[-1:]))
    pl.testing.assert_frame_equal(pl.concat(some), whole.filter(account_id=names[-1]))


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(world=worlds(), bits=st.sampled_from([8, 30]))
def test_events_that_do_not_fit_into_one_number_are_grouped_by_the_query(
    world: World, bits: int
) -> None:
    """Eight bits are too few for the people and days, thirty for what is counted besides."""
    facts = Facts(world)
    packed = Activity(facts)
    build_activity(facts, packed, PLAN, world.filing)
    facts = Facts(world)
    grouped = Activity(facts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "BITS", bits)
        patch.setattr(sorting, "BITS", bits)
        build_activity(facts, grouped, PLAN, world.filing)
    names = grouped.table.column_names
    rows = [pl.DataFrame(one.table).select(names).sort(names) for one in (packed, grouped)]
    pl.testing.assert_frame_equal(*rows, check_dtypes=False)


def test_the_rollup_is_built_once(empty_world: World) -> None:
    facts = Facts(empty_world)
    activity = Activity(facts)
    assert build_activity(facts, activity, PLAN, empty_world.filing)
    assert not build_activity(facts, activity, PLAN, empty_world.filing)
    other = compile_plan(loaded({"exports": loaded().features["exports_28d"]}))
    assert build_activity(facts, activity, other, empty_world.filing)
    assert activity.builds == 2


def test_a_build_that_dies_leaves_no_rollup_to_be_taken_for_good(empty_world: World) -> None:
    """Its working tables are new already: with the old roll-up they would mean something else."""
    facts = Facts(empty_world)
    activity = Activity(facts)
    build_activity(facts, activity, PLAN, empty_world.filing)
    other = compile_plan(loaded({"exports": loaded().features["exports_28d"]}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(activity, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build_activity(facts, activity, other, empty_world.filing)
    assert build_activity(facts, activity, PLAN, empty_world.filing)


def interrupted(*_: object, **__: object) -> int:
    raise KeyboardInterrupt


def test_rows_that_come_back_out_of_order_are_put_in_order():
    columns = {
        "account": [1, 1, 2, 2],
        "person": [5, 6, 7, 7],
        "visible": [3, 3, 2, 4],
        "day": [3, 3, 1, 4],
        "n": [1, 2, 3, 4],
    }
    right = pa.table({name: pa.array(values, pa.int32()) for name, values in columns.items()})
    assert in_order(right) is right
    for swapped in ([2, 3, 0, 1], [1, 0, 2, 3], [0, 1, 3, 2]):
        assert in_order(right.take(swapped)).equals(right)
