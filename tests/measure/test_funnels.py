"""Funnels are of one motion, of accounts that had their time, and stage by stage."""

from __future__ import annotations

import datetime as dt

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from groundswell.config.measured import JOURNEY, JOURNEY_DAYS
from groundswell.config.presets import shipped_funnels
from groundswell.measure.funnels import count_funnel
from groundswell.measure.metrics import Period
from groundswell.model import Motion

SPRING = Period(dt.date(2026, 4, 1), dt.date(2026, 6, 30))
BEGIN = dt.date(2026, 1, 1)


def journeys(rows: list[dict]) -> pl.DataFrame:
    """Return journeys whose days are counted from the first of January."""
    schema = {name: pl.Date if name in JOURNEY_DAYS else pl.String for name in JOURNEY}
    schema |= {"worked": pl.Boolean, "held_out": pl.Boolean}
    filled = [
        {
            name: BEGIN + dt.timedelta(days=value) if name in JOURNEY_DAYS else value
            for name, value in row.items()
        }
        for row in rows
    ]
    return pl.DataFrame(
        [{"account_id": f"a{place}", "worked": False, **row} for place, row in enumerate(filled)],
        schema=schema,
    )


def test_a_stage_counts_who_came_through_all_before_in_time():
    rows = [
        {"motion": "self_serve", "signed_up": 10, "activated": 12, "paid": 40},
        {"motion": "self_serve", "signed_up": 10, "activated": 16},
        {"motion": "self_serve", "signed_up": 20, "paid": 30},  # never activated
        {"motion": "self_serve", "signed_up": 20, "activated": 22, "paid": 140},  # too late
        {"motion": "self_serve", "signed_up": 20, "activated": 21, "paid": 60, "worked": True},
        {"motion": "self_serve", "signed_up": 95, "activated": 96, "paid": 97},  # had no time yet
        {"motion": "enterprise", "signed_up": 10, "activated": 12, "paid": 40},
    ]
    found = count_funnel(shipped_funnels()[Motion.SELF_SERVE], journeys(rows), SPRING)
    assert (found.first, found.last) == (dt.date(2026, 1, 1), dt.date(2026, 4, 1))
    assert [stage.reached for stage in found.stages] == [4, 3, 1]
    first, activated, paid = found.stages
    assert (first.of_before.value, first.median_days) == (None, None)
    assert (activated.of_before.value, activated.median_days) == (0.75, 2.0)
    assert (paid.of_before.value, paid.of_first.value, paid.median_days) == (1 / 3, 0.25, 28.0)
    assert paid.of_first.low < 0.25 < paid.of_first.high


@given(
    st.lists(
        st.fixed_dictionaries(
            {"motion": st.sampled_from([str(motion) for motion in Motion])},
            optional={name: st.integers(0, 300) for name in JOURNEY_DAYS},
        ),
        max_size=30,
    )
)
def test_a_funnel_is_the_same_whatever_other_motions_do(rows):
    period = Period(dt.date(2026, 7, 1), dt.date(2026, 12, 31))
    for motion, funnel in shipped_funnels().items():
        own = [row for row in rows if row["motion"] == str(motion)]
        mixed = count_funnel(funnel, journeys(rows), period)
        assert mixed == count_funnel(funnel, journeys(own), period)
        reached = [stage.reached for stage in mixed.stages]
        assert reached == sorted(reached, reverse=True)
