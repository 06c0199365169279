"""Dimensions worked by hand: on the day something starts, the day it ends, between, and unknown."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .test_naive import computed
from .worlds import NEVER, SPAN, START, World, day_of, instant, worlds

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]


def bought(plan: str, mrr: int, start: int, end: int | None = None, **more: Any) -> Row:
    """Write a subscription of a0, with days counted from START."""
    return {
        "subscription_id": f"{plan}-{start}",
        "account_id": "a0",
        "plan": plan,
        "mrr": Decimal(mrr),
        "started_at": instant(START + start, 36_000),
        "ended_at": None if end is None else instant(START + end, 36_000),
        **more,
    }


def joined(people: int, start: int, end: int | None = None, *, first: int = 0) -> list[Row]:
    """Write that people belong to a0 from a day until another."""
    until = NEVER if end is None else START + end
    return [
        {"account": 0, "person": first + person, "since": START + start, "until": until}
        for person in range(people)
    ]


def done(event: str, *days: int, person: int = 0, **properties: Any) -> list[Row]:
    """Write events of a person, who acts for a0 (see `world`)."""
    return [
        {
            "actor": person,
            "event": event,
            "day": START + day,
            "second": 40_000,
            "properties": properties,
        }
        for day in days
    ]


def world(**facts: Any) -> World:
    """Return a company of three accounts and six people, all of a0."""
    filings = [
        {
            "actor": person,
            "from_day": 0,
            "until_day": NEVER,
            "account": 0,
            "person": person,
            "visible": 0,
            "hidden": NEVER,
        }
        for person in range(6)
    ]
    told = {"events": [], "filings": filings, "accounts": 3, "people": 6, "members": []}
    return World(**{**told, "merges": [], **facts})


def read(world: World, name: str, *days: int, account: str = "a0") -> list[Any]:
    """Return a feature as of some days, in their order."""
    frame = computed(world, [START + day for day in days])
    own = frame.filter(pl.col("account_id") == account)
    assert len(own) == len(days)
    return own.sort("as_of")[name].to_list()


# --- plan and money -----------------------------------------------------------------------------


def test_a_subscription_holds_from_its_first_day_to_the_day_before_its_last() -> None:
    told = world(subscriptions=[bought("team", 50, 10, 20), bought("business", 900, 30)])
    days = (9, 10, 19, 20, 29, 30, 31)
    assert read(told, "plan", *days) == ["free", "team", "team", "free", "free", *["business"] * 2]
    assert read(told, "mrr", *days) == [None, 50, 50, 0, 0, 900, 900]
    assert read(told, "is_paying", *days) == [None, True, True, False, False, True, True]
    assert read(told, "months_on_plan", *days) == [None, 0, 0.3, None, None, 0, 1 / 30]
    assert read(told, "days_since_upgrade", *days) == [None, 0, 9, 10, 19, 0, 1]


def test_a_subscription_that_ends_on_its_first_day_never_held() -> None:
    told = world(subscriptions=[bought("team", 50, 10, 10)])
    assert read(told, "plan", 9, 10, 11) == ["free"] * 3
    assert read(told, "mrr", 9, 10, 11) == [None, 0, 0]
    assert read(told, "days_since_upgrade", 10, 11) == [None, None]


def test_active_subscriptions_add_up_and_the_latest_names_the_plan() -> None:
    told = world(subscriptions=[bought("team", 50, 10), bought("business", 900, 15, 25)])
    assert read(told, "mrr", 14, 15, 24, 25) == [50, 950, 950, 50]
    assert read(told, "plan", 14, 15, 24, 25) == ["team", "business", "business", "team"]
    assert read(told, "months_on_plan", 15, 25) == [0, 0.5]


def test_a_change_of_plan_under_the_same_subscription_leaves_the_past_as_it_was() -> None:
    first = bought("team", 50, 10, 40, subscription_id="s", seats=3)
    more = first | {"seats": 9, "valid_from": instant(START + 16)}
    higher = first | {"plan": "business", "mrr": Decimal(900), "valid_from": instant(START + 20)}
    told = world(subscriptions=[higher, first, more])
    days = (10, 15, 16, 19, 20, 39, 40)
    assert read(told, "plan", *days) == [*["team"] * 4, "business", "business", "free"]
    assert read(told, "mrr", *days) == [50, 50, 50, 50, 900, 900, 0]
    assert read(told, "seats_used", *days) == [3, 3, 9, 9, 3, 3, 0]
    assert read(told, "months_on_plan", *days) == [0, 5 / 30, 0.2, 0.3, 0, 19 / 30, None]
    assert read(told, "days_since_upgrade", *days) == [0, 5, 6, 9, 0, 19, 20]


def test_terms_that_begin_later_say_nothing_of_since_when_a_plan_holds() -> None:
    """Here another subscription comes back to the plan, a day after the one that counts began."""
    wavering = bought("team", 50, 10, subscription_id="s0", valid_from=instant(START + 11, 60))
    away = wavering | {"plan": "business", "valid_from": instant(START + 10, 60)}
    other = bought("team", 50, 10, subscription_id="s1")
    told = world(subscriptions=[wavering, away, other])
    assert read(told, "plan", 10, 11, 40) == ["team"] * 3
    assert read(told, "months_on_plan", 10, 11, 40) == [0, 1 / 30, 1]


def test_terms_said_from_the_first_day_are_a_correction() -> None:
    wrong = bought("team", 50, 10, subscription_id="s")
    right = wrong | {"mrr": Decimal(60), "valid_from": wrong["started_at"]}
    assert read(world(subscriptions=[wrong, right]), "mrr", 9, 10, 30) == [None, 60, 60]


def test_a_renewal_of_the_same_plan_carries_it_on_and_is_no_upgrade() -> None:
    told = world(
        subscriptions=[
            bought("team", 50, 0, 30),
            bought("team", 50, 30, 60),
            bought("team", 80, 60, 70),
            bought("team", 80, 75),
        ]
    )
    assert read(told, "months_on_plan", 45, 60, 75) == [1.5, 2, 0]
    assert read(told, "days_since_upgrade", 29, 30, 59, 60, 69) == [29, 30, 59, 0, 9]


def test_an_upgrade_is_a_rise_of_the_revenue_or_a_completed_upgrade() -> None:
    told = world(
        events=done("upgrade_completed", 40),
        subscriptions=[bought("business", 900, 0, 20), bought("team", 50, 20)],
    )
    assert read(told, "days_since_upgrade", 19, 20, 39, 40, 41) == [19, 20, 39, 0, 1]


def test_the_plan_of_a_merged_account_is_the_one_bought_last() -> None:
    merge = {"account": 0, "into": 1, "since": START + 40, "until": START + 50}
    own = bought("business", 900, 30) | {"account_id": "a1"}
    told = world(merges=[merge], subscriptions=[bought("team", 50, 10), own])
    days = (39, 40, 49, 50)
    assert read(told, "mrr", *days, account="a1") == [900, 950, 950, 900]
    assert read(told, "plan", *days, account="a1") == ["business"] * 4
    assert read(told, "days_since_upgrade", *days, account="a1") == [9, 10, 19, 20]
    assert read(told, "mrr", 39, 50) == [50, 50]
    assert read(told, "days_since_upgrade", 39, 50) == [29, 40]
    frame = computed(told, [START + 45])
    assert "a0" not in frame["account_id"]


# --- renewal and departures --------------------------------------------------------------------


def test_a_term_ends_when_a_dated_version_says_so_ahead() -> None:
    plain = bought("enterprise", 900, 10, subscription_id="s")
    agreed = plain | {"ended_at": instant(START + 60), "valid_from": instant(START + 20)}
    told = world(subscriptions=[plain, agreed])
    days = (9, 10, 19, 20, 59, 60)
    assert read(told, "days_to_renewal", *days) == [None, None, None, 40, 1, None]


def test_an_end_that_nobody_dated_is_not_known_before_it_comes() -> None:
    told = world(subscriptions=[bought("enterprise", 900, 10, 60)])
    assert read(told, "days_to_renewal", 10, 59, 60) == [None] * 3
    assert read(told, "is_paying", 59, 60) == [True, False]


def test_a_term_ends_on_the_next_anniversary_by_the_plan() -> None:
    """2024-11-30 renews on 12-30, 01-30, the last of February, 03-30; START is 2024-10-04."""
    first = 57  # 2024-11-30
    told = world(subscriptions=[bought("team", 50, first)])
    days = (first, first + 29, first + 30, first + 61, first + 89, first + 90)
    assert read(told, "days_to_renewal", *days) == [30, 1, 31, 29, 1, 30]
    yearly = world(subscriptions=[bought("business", 900, first)])
    assert read(yearly, "days_to_renewal", first, first + 364, first + 365) == [365, 1, 365]


def test_only_what_costs_something_renews() -> None:
    told = world(subscriptions=[bought("team", 50, 10), bought("business", 0, 20)])
    assert read(told, "plan", 25) == ["business"]
    assert read(told, "days_to_renewal", 9, 25) == [None, 16]


def test_an_admin_who_left_is_news_for_four_weeks_unless_they_come_back() -> None:
    titled = {"user_id": "u0", "title": "Admin", "valid_from": instant(START + 5)}
    members = [*joined(2, 0, 20), *joined(1, 60), *joined(1, 0, 3)]
    told = world(members=members, users=[titled])
    days = (19, 20, 47, 48, 60)
    assert read(told, "admins_left_28d", *days) == [0, 1, 1, 0, 0]
    soon = world(members=[*joined(2, 0, 20), *joined(1, 30)], users=[titled])
    assert read(soon, "admins_left_28d", 20, 29, 30, 40) == [1, 1, 0, 0]


# --- seats and limits ---------------------------------------------------------------------------


def test_seats_are_people_who_belong_else_those_of_the_subscription() -> None:
    told = world(
        members=[*joined(3, 10), *joined(1, 12, 20, first=3)],
        subscriptions=[bought("team", 50, 5, seats=9)],
    )
    days = (4, 5, 9, 10, 12, 19, 20)
    assert read(told, "seats_used", *days) == [0, 9, 9, 3, 4, 4, 3]
    assert read(told, "seat_ratio", *days) == [0, 1.8, 1.8, 0.6, 0.8, 0.8, 0.6]


def test_a_limit_is_the_subscriptions_else_the_plans_else_unknown() -> None:
    told = world(
        events=done("api", *[3] * 5, env="live"),
        members=joined(3, 0),
        subscriptions=[
            bought("team", 50, 10, 20),
            bought("team", 50, 20, 30, seat_limit=12, usage_limit=4),
            bought("business", 900, 30, 40),
            bought("team", 50, 40, seat_limit=0, usage_limit=0),
        ],
    )
    days = (9, 10, 20, 30, 40)
    assert read(told, "seat_limit", *days) == [2, 5, 12, None, 0]
    assert read(told, "seat_ratio", *days) == [1.5, 0.6, 0.25, None, None]
    assert read(told, "usage_limit", *days) == [None, 20, 4, None, 0]
    assert read(told, "usage_ratio", *days) == [None, 0.25, 1.25, None, None]
    assert read(told, "days_at_limit", *days) == [10, 0, 1, None, 0]


def test_days_at_a_limit_begin_at_exactly_the_share_and_end_when_someone_leaves() -> None:
    told = world(
        members=[*joined(3, 5), *joined(1, 15, 22, first=3)], subscriptions=[bought("team", 50, 5)]
    )
    assert read(told, "seat_ratio", 14, 15) == [0.6, 0.8]
    assert read(told, "days_at_limit", 14, 15, 16, 21, 22, 30) == [0, 1, 2, 7, 0, 0]


def test_an_upgrade_in_the_middle_starts_the_run_anew_and_a_raised_limit_ends_it() -> None:
    told = world(
        events=done("upgrade_completed", 18),
        members=joined(5, 10),
        subscriptions=[
            bought("team", 60, 10, 25),
            bought("team", 80, 25, 30),
            bought("team", 80, 30, seat_limit=10),
        ],
    )
    days = (9, 10, 11, 17, 18, 19, 24, 25, 26, 29, 30, 31)
    # Buying the plan on day 10 is a rise, so that day starts the count.
    assert read(told, "days_at_limit", *days) == [0, 0, 1, 7, 0, 1, 6, 0, 1, 4, 0, 0]


def test_a_run_is_the_same_whatever_days_are_asked_for() -> None:
    told = world(members=joined(5, 10), subscriptions=[bought("team", 0, 12)])
    assert [read(told, "days_at_limit", day) for day in (12, 20, 70)] == [[3], [11], [61]]
    assert read(told, "days_at_limit", 12, 20, 70) == [3, 11, 61]


def test_a_run_without_a_beginning_counts_from_the_first_date_of_its_own_account() -> None:
    """a0 is heard of on day 0, and its people have belonged to it for ever."""
    undated = [{**member, "since": 0} for member in joined(3, 0)]
    others = [{**member, "account": 1} for member in joined(3, 2, first=3)]
    for members in (undated, [*undated, *others]):
        told = world(members=members, events=done("api", 7, 9))
        assert read(told, "days_at_limit", 3, 6, 7, 9) == [4, 7, 8, 10]
        assert read(told, "days_at_limit", 9) == [10]


def test_usage_at_its_limit_counts_as_long_as_the_window_says() -> None:
    told = world(
        events=[*done("api", *[10] * 10, env="live"), *done("api", *[12] * 6, env="live")],
        members=joined(1, 0),
        subscriptions=[bought("team", 0, 5)],
    )
    assert read(told, "usage_ratio", 11, 12, 39, 40) == [0.5, 0.8, 0.8, 0.3]
    assert read(told, "days_at_limit", 11, 12, 39, 40) == [0, 1, 28, 0]


# --- what is known of the company ---------------------------------------------------------------


def stated(employees: int | None, day: int | None, second: int = 0, **more: Any) -> Row:
    """Write a version of a0."""
    moment = None if day is None else instant(START + day, second)
    return {"account_id": "a0", "employees": employees, "valid_from": moment, **more}


def test_a_version_holds_from_its_day_and_what_it_leaves_out_is_unknown() -> None:
    told = world(
        versions=[
            stated(40, 10, industry="software", country="DE", owner="rep@a.example"),
            stated(600, 20, industry="software", country="DE", target=True),
        ]
    )
    days = (9, 10, 19, 20)
    assert read(told, "employees", *days) == [None, 40, 40, 600]
    assert read(told, "industry", *days) == [None, *["software"] * 3]
    assert read(told, "country", *days) == [None, *["DE"] * 3]
    assert read(told, "owner", *days) == [None, "rep@a.example", "rep@a.example", None]
    assert read(told, "is_target", *days) == [None, False, False, True]


def test_an_undated_version_holds_since_the_account_was_made_or_always() -> None:
    assert read(world(versions=[stated(40, None)]), "employees", 0, 5) == [40, 40]
    later = [stated(90, 30), stated(40, None, created_at=instant(START + 4))]
    assert read(world(versions=later), "employees", 3, 4, 29, 30) == [None, 40, 40, 90]
    early = [stated(90, 2), stated(40, None, created_at=instant(START + 4))]
    assert read(world(versions=early), "employees", 1, 2, 4) == [None, 90, 90]


def test_of_two_versions_of_one_day_the_later_one_holds() -> None:
    """Whatever their other columns say, by which rows are ordered when they are read."""
    for sizes in ([40, 90], [90, 40]):
        rows = [stated(sizes[1], 10, 70_000, name="A"), stated(sizes[0], 10, 9, name="B")]
        assert read(world(versions=rows), "employees", 9, 10) == [None, sizes[1]]


def test_a_company_is_enterprise_sized_above_500_or_when_it_is_a_target() -> None:
    def told(account: int, employees: int | None, *, target: bool) -> bool | None:
        row = stated(employees, 0, target=target) | {"account_id": f"a{account}"}
        day = 30
        return read(world(versions=[row]), "is_enterprise_domain", day, account=f"a{account}")[0]

    # a2 has a domain; a1 is free mail; a0 has none.
    assert told(2, 500, target=False) is False
    assert told(2, 501, target=False) is True
    assert told(2, 3, target=True) is True
    assert told(2, None, target=True) is True
    assert told(2, None, target=False) is None
    assert told(1, 501, target=True) is False
    assert told(0, 501, target=True) is None


def test_tech_overlap_is_the_share_of_our_stack_they_are_known_to_use() -> None:
    stacks = [None, "aws", "AWS, OKTA", "snowflake,okta,jira"]
    rows = [stated(1, day, tech_stack=stack) for day, stack in enumerate(stacks, 10)]
    assert read(world(versions=rows), "tech_overlap", 10, 11, 12, 13) == [None, 0, 0.5, 1]


# --- opportunities ------------------------------------------------------------------------------


def deal(number: int, made: int, **more: Any) -> Row:
    """Write a version of an opportunity of a0."""
    return {
        "opportunity_id": f"o{number}",
        "account_id": "a0",
        "created_at": instant(START + made, 30_000),
        "stage": "new",
        **more,
    }


def test_an_opportunity_is_open_from_the_day_it_is_made_to_the_day_before_it_closes() -> None:
    won = {"stage": "closed", "won": True, "valid_from": instant(START + 20, 50_000)}
    told = world(opportunities=[deal(0, 10), deal(0, 10, **won), deal(1, 15)])
    days = (9, 10, 15, 19, 20)
    assert read(told, "open_opportunities", *days) == [None, 1, 2, 2, 1]


def test_an_opportunity_that_opens_and_closes_on_one_day_is_known_and_not_open() -> None:
    lost = {"stage": "a", "won": False, "valid_from": instant(START + 10, 50_000)}
    told = world(opportunities=[deal(0, 10, **lost), deal(0, 10)])
    assert read(told, "open_opportunities", 9, 10, 11) == [None, 0, 0]


def test_an_opportunity_reopens_and_moves_to_another_account() -> None:
    def then(day: int, **more: Any) -> Row:
        return deal(0, 10, valid_from=instant(START + day), **more)

    told = world(
        opportunities=[
            deal(0, 10),
            then(20, won=False, closed_at=instant(START + 20)),
            then(30, won=None),
            then(40, account_id="a1"),
        ]
    )
    assert read(told, "open_opportunities", 19, 20, 29, 30, 39, 40) == [1, 0, 0, 1, 1, 0]
    assert read(told, "open_opportunities", 39, 40, account="a1") == [0, 1]


# --- nothing after the day counts -----------------------------------------------------------------


def known_by(told: World, day: int) -> World:
    """Return the world as it was told by a day: rows that began later are not there yet."""

    def since(row: Row, *names: str) -> int:
        return max((day_of(row.get(name)) or -NEVER for name in names), default=-NEVER)

    def unended(row: Row) -> Row:
        ended, dated = day_of(row["ended_at"]), row.get("valid_from") is not None
        ahead = ended is not None and ended > day
        return {**row, "ended_at": None} if ahead and not dated else row

    return dataclasses.replace(
        told,
        members=[
            {**row, "until": NEVER if row["until"] > day else row["until"]}
            for row in told.members
            if row["since"] <= day
        ],
        roles=[row for row in told.roles if since(row, "since") <= day],
        users=[row for row in told.users if since(row, "valid_from") <= day],
        versions=[row for row in told.versions if since(row, "valid_from") <= day],
        subscriptions=[
            unended(row)
            for row in told.subscriptions
            if max(since(row, "started_at"), since(row, "valid_from")) <= day
        ],
        opportunities=[
            row for row in told.opportunities if since(row, "valid_from", "created_at") <= day
        ],
        tickets=[row for row in told.tickets if since(row, "at") <= day],
        merges=[
            {**row, "until": NEVER if row["until"] > day else row["until"]}
            for row in told.merges
            if row["since"] <= day
        ],
    )


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(told=worlds(events=12), day=st.integers(START, START + SPAN), ago=st.integers(1, 30))
def test_rows_after_a_day_change_nothing_as_of_it(told: World, day: int, ago: int) -> None:
    days: Sequence[int] = [day - ago, day]
    polars.testing.assert_frame_equal(computed(known_by(told, day), days), computed(told, days))
