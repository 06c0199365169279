"""Every feature equals its recomputation from raw events, in plain Python, on any day."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.testing
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundswell.features import compile_plan, compute_features, prepare

from .naive import Naive
from .stores import Activity, Facts
from .worlds import SPAN, START, World, loaded, worlds

if TYPE_CHECKING:
    from collections.abc import Sequence

LOADED = loaded()
PLAN = compile_plan(LOADED)
RELAXED = settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
DAYS = st.lists(st.integers(START - 2, START + SPAN + 100), min_size=1, max_size=4, unique=True)


def dates(days: Sequence[int]) -> list[date]:
    return [date(1970, 1, 1) + timedelta(days=day) for day in days]


def computed(world: World, days: Sequence[int]) -> pl.DataFrame:
    facts = Facts(world)
    activity = Activity(facts)
    computation = prepare(PLAN, facts, activity, world.filing)
    frames = list(compute_features(computation, activity, dates(days), threads=1))
    return pl.concat(frames) if frames else pl.DataFrame()


def compare(world: World, days: Sequence[int], frame: pl.DataFrame) -> None:
    naive = Naive(world, LOADED)
    rows = {(row["account_id"], row["as_of"]): row for row in frame.to_dicts()}
    for account in range(world.accounts):
        for day, moment in zip(days, dates(days), strict=True):
            row = rows.pop((f"a{account}", moment), None)
            assert (row is not None) == naive.exists(account, day)
            if row is not None:
                wrong = differing(row, naive.features(account, day))
                assert not wrong, (account, day)
    assert not rows


def differing(row: dict[str, Any], expected: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the features that differ: what was computed, and what should have been."""
    return {
        name: (row[name], value)
        for name, value in expected.items()
        if not (row[name] == value or row[name] == pytest.approx(value, abs=1e-9))
    }


@RELAXED
@given(world=worlds(), days=DAYS)
def test_every_feature_equals_the_naive_recomputation(world: World, days: list[int]) -> None:
    compare(world, days, computed(world, days))


def test_the_frame_has_every_feature_in_declared_order(empty_world: Any) -> None:
    frame = computed(empty_world, [START + 100])
    assert frame.columns == ["account_id", "as_of", *LOADED.features]


@RELAXED
@given(world=worlds(), days=DAYS)
def test_the_kernel_equals_arithmetic_on_whole_arrays(world: World, days: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROUNDSWELL_KERNEL", "numba")
        kernel = computed(world, days)
        patch.setenv("GROUNDSWELL_KERNEL", "numpy")
        arrays = computed(world, days)
    pl.testing.assert_frame_equal(kernel, arrays, abs_tol=1e-9)


@RELAXED
@given(world=worlds(), more=worlds(), day=st.integers(START, START + SPAN))
def test_events_after_a_day_change_nothing_as_of_it(world: World, more: World, day: int) -> None:
    before = [event for event in world.events if event["day"] <= day]
    after = [event for event in [*world.events, *more.events] if event["day"] > day]
    known = computed(dataclasses.replace(world, events=before), [day - 9, day])
    later = computed(dataclasses.replace(world, events=[*before, *after]), [day - 9, day])
    pl.testing.assert_frame_equal(known, later)
