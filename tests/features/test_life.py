"""Age, health and likely value, worked by hand."""

from __future__ import annotations

import polars as pl
import pytest

from groundswell.features.health import tell_health

from .test_dimensions import bought, done, joined, read, stated, world
from .test_naive import computed
from .worlds import START, instant


def test_an_account_is_as_old_as_it_says_else_as_when_it_was_heard_of() -> None:
    heard = world()
    assert read(heard, "account_age_days", 0, 5) == [0, 5]
    made = world(versions=[stated(None, 3, created_at=instant(START - 30))])
    assert read(made, "account_age_days", 2, 3, 4) == [2, 33, 34]
    ahead = world(versions=[stated(None, 3, created_at=instant(START + 9))])
    assert read(ahead, "account_age_days", 8, 9, 10) == [8, 0, 1]


# --- likely value -------------------------------------------------------------------------------


def test_likely_seats_grow_as_they_grew_up_to_the_share_of_employees() -> None:
    """Free plan; the next tier is 12.50 a seat and month, so 150 a seat and year."""
    people = [*joined(1, 0), *joined(2, 50, first=1)]
    # Day 49: one person, who joined 49 days ago: 1 + 365/60 = 7.08 seats -> 7.
    # Day 60: two joined in 60 days: 3 + 2 x 365/60 = 15.17 -> 15. Day 110: none did: 3.
    big = world(members=people, versions=[stated(5_000, None)])
    assert read(big, "estimated_acv", 49, 60, 110) == [7 * 150, 15 * 150, 3 * 150]
    # 60 employees x 0.2 = 12 seats.
    small = world(members=people, versions=[stated(60, None)])
    assert read(small, "estimated_acv", 49, 60, 110) == [7 * 150, 12 * 150, 3 * 150]
    # Of an unknown size: no more than twice today's.
    unknown = world(members=people)
    assert read(unknown, "estimated_acv", 49, 60, 110) == [2 * 150, 6 * 150, 3 * 150]
    # Never fewer than today's, whatever the share of employees.
    tiny = world(members=people, versions=[stated(5, None)])
    assert read(tiny, "estimated_acv", 60) == [3 * 150]


def test_likely_value_is_the_current_one_where_that_is_more() -> None:
    """12 x the revenue; above `team` there is a flat 900 a month, and nothing above `business`."""
    told = world(
        members=joined(3, 0),
        subscriptions=[
            bought("team", 50, 5, 10),
            bought("team", 1_000, 10, 20),
            bought("business", 600, 20, 30),
            bought("business", 950, 30, 40),
            bought("enterprise", 2_000, 40, 50),
            bought("enterprise", 0, 50),
        ],
    )
    days = (5, 10, 20, 30, 40, 50)
    assert read(told, "estimated_acv", *days) == [10_800, 12_000, 10_800, 11_400, 24_000, None]


# --- health -------------------------------------------------------------------------------------


def test_an_account_that_was_never_active_has_no_health() -> None:
    told = world(events=done("other", 10), members=joined(2, 0))
    assert read(told, "health", 9, 10) == [
        None,
        pytest.approx(100 * (0.175 + 0.15) / 0.75, abs=0.01),
    ]


def test_health_weighs_adoption_breadth_trend_and_support() -> None:
    ticket = {"account_id": "a0", "user_id": "u0", "topic": "bug"}
    told = world(
        events=[
            *done("Board Made", 0, 1, 2, 3),
            *done("Board Made", 30),
            *done("Zap Run", 31, person=1),
        ],
        members=joined(4, 0),
        tickets=[{**ticket, "at": instant(START + 31)}, {**ticket, "at": instant(START + 32)}],
    )
    # Day 3: 1 of 4 people, 1 of 5 features, no four weeks before, no ticket.
    #   (.35 x 1/4 + .25 x 1/5 + .15 x 1) / .75
    # Day 32: 2 of 4 people, 2 of 5 features, 2 user-days after 4 before, two tickets:
    #   .35 x 2/4 + .25 x 2/5 + .25 x 2/4 + .15 x 0.6
    days = (3, 32)
    assert read(told, "features_used_28d", *days) == [1, 2]
    assert read(told, "health", *days) == [
        pytest.approx(100 * (0.0875 + 0.05 + 0.15) / 0.75, abs=0.01),
        pytest.approx(100 * (0.175 + 0.10 + 0.125 + 0.09), abs=0.01),
    ]


def test_health_never_leaves_0_to_100() -> None:
    ticket = {"account_id": "a0", "user_id": "u0", "topic": "bug"}
    many = world(
        events=[*done("other", 0), *done("other", *range(30, 50))],
        members=joined(1, 0),
        tickets=[{**ticket, "at": instant(START + 40, second)} for second in range(9)],
    )
    # Everyone active, no feature used, usage up twentyfold, nine tickets: .35 + .25.
    assert read(many, "health", 45) == [60]


def test_a_near_renewal_lowers_the_health_of_who_uses_little() -> None:
    """Half of the people, a fifth of the features: (.35 x .5 + .25 x .2) / .6 of the usage."""
    agreed = {"ended_at": instant(START + 48), "valid_from": instant(START)}
    paid = bought("enterprise", 900, 0, subscription_id="s") | agreed
    facts = {"events": done("Board Made", 0, 3), "members": joined(2, 0)}
    ticket = {"account_id": "a0", "user_id": "u0", "topic": "bug", "at": instant(START)}
    facts |= {"tickets": [ticket]}
    before = 100 * (0.175 + 0.05 + 0.12) / 0.75
    unused = 1 - 0.225 / 0.6
    assert read(world(**facts), "health", 3) == [pytest.approx(before, abs=0.01)]
    near = world(**facts, subscriptions=[paid])
    lowered = before - 20 * (1 - 45 / 90) * unused
    assert read(near, "health", 3) == [pytest.approx(lowered, abs=0.01)]
    far = world(**facts, subscriptions=[paid | {"ended_at": instant(START + 93)}])
    assert read(far, "health", 3) == read(world(**facts), "health", 3)


def test_the_parts_of_the_health_add_up_to_it() -> None:
    agreed = {"ended_at": instant(START + 48), "valid_from": instant(START)}
    paid = bought("enterprise", 900, 0, subscription_id="s") | agreed
    events = [*done("Board Made", 0, 3), *done("Board Made", 30)]
    told = world(events=events, members=joined(2, 0), subscriptions=[paid])
    for day in (3, 32):
        row = computed(told, [START + day]).filter(pl.col("account_id") == "a0").row(0, named=True)
        parts = {part.name: part for part in tell_health(row)}
        assert list(parts) == ["adoption", "breadth", "trend", "support", "renewal"]
        points = sum(part.points or 0 for part in parts.values())
        assert points == pytest.approx(row["health"], abs=0.03)
        assert parts["renewal"].points < 0
        assert (parts["trend"].points is None) == (day == 3)
    assert tell_health({"health": None}) == ()
