"""Mistakes in the company's own data: what the stores tell of, and what is asked for by name."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from groundswell.engine.measuring.accuracy import score_accuracy
from groundswell.engine.measuring.gathering import gather
from groundswell.engine.measuring.mistakes import know, quarter_ends
from groundswell.engine.measuring.tables import build_tables
from groundswell.web.advice_report import write_mistakes
from groundswell.web.document import to_text
from groundswell.web.weekly_report import report_weekly
from tests.measuring.conftest import DAY

TWO = {
    "sales_assist": {
        "manager": "mo@ours.example",
        "members": [
            {"name": "Ann Ash", "email": "ann@ours.example"},
            {"name": "Bo Birch", "email": "bo@ours.example"},
        ],
    },
    "customer_success": {
        "manager": "mo@ours.example",
        "members": [{"name": "Cy", "email": "cy@ours.example"}],
    },
}


def known_of(project: Any, as_of: dt.date = DAY) -> Any:
    ends = [*quarter_ends(as_of), as_of - dt.timedelta(days=90)]
    known = gather(project.loaded, project.computer, as_of=as_of, ends=ends)
    return know(project.loaded, project.computer, known, build_tables(known))


def test_people_who_sell_and_who_lead_are_counted(company: Any) -> None:
    known = known_of(company(teams=TWO))
    assert (known.sellers, known.leaders) == (2, 1)


def test_a_definition_is_edited_when_another_version_is_used(company: Any) -> None:
    project = company()
    assert known_of(project).edits.height == 0
    project.close()
    project = company(score={"preset": "hybrid", "qualified": {"at_least": 61}})
    assert known_of(project).edits.get_column("what").to_list() == ["definition"]
    assert known_of(project, DAY - dt.timedelta(days=1)).edits.height == 0


def test_rules_of_attribution_that_are_edited_inside_a_quarter_are_friction(company: Any) -> None:
    company().close()
    project = company(attribution={"product_share": "40%"})
    assert known_of(project).edits.get_column("what").to_list() == ["attribution"]
    (friction,) = [
        one for one in project.measuring.mistakes().findings if one.name == "teams_in_friction"
    ]
    assert friction.is_seen
    assert "edited 1 times inside the quarter" in friction.seen_as
    assert known_of(project, DAY - dt.timedelta(days=1)).edits.height == 0


def test_a_plan_that_pays_more_for_cold_calls_is_seen(company: Any) -> None:
    known = known_of(company()).commission
    assert (known.untouched_rate, known.paid_untouched_cents) == (0, 0)
    assert known.queue_per_hour_cents is None
    sides = {
        "queue": {"hours": 6, "conversion": "10%", "acv": 10_000},
        "cold": {"hours": 4, "conversion": "4%", "acv": 24_000},
    }
    known = known_of(
        company(commissions={"rates": {"untouched": "1%"}, "plan_check": sides})
    ).commission
    assert (known.untouched_rate, known.paid_untouched_cents) == (0.01, 0)
    assert known.queue_per_hour_cents < known.cold_per_hour_cents


def test_the_crm_is_known_by_its_deals_and_touches(company: Any) -> None:
    known = known_of(company())
    assert known.crm is not None
    assert set(known.crm.get_column("account_id")) == {"a06", "a18", "a30", "a42", "a54"}
    project = company()
    early = known_of(project, DAY - dt.timedelta(days=100))
    assert early.crm is None


def test_meanings_are_seen_by_what_accounts_did(company: Any) -> None:
    assert known_of(company()).meanings_seen == {"activated"}


def test_quarters_are_those_that_are_over(company: Any) -> None:
    quarters = known_of(company()).quarters
    assert quarters.get_column("quarter").to_list() == [
        dt.date(2025, 7, 1),
        dt.date(2025, 10, 1),
        dt.date(2026, 1, 1),
        dt.date(2026, 4, 1),
    ]
    customers = quarters.get_column("self_serve_customers").to_list()
    assert customers[0] == 0
    assert sum(customers) > 10


@pytest.mark.parametrize(
    ("day", "last"),
    [
        (dt.date(2026, 6, 30), dt.date(2026, 6, 30)),
        (dt.date(2026, 7, 1), dt.date(2026, 6, 30)),
        (dt.date(2026, 6, 29), dt.date(2026, 3, 31)),
        (dt.date(2026, 1, 1), dt.date(2025, 12, 31)),
        (dt.date(2025, 12, 31), dt.date(2025, 12, 31)),
    ],
)
def test_the_last_quarter_that_is_over(day: dt.date, last: dt.date) -> None:
    assert quarter_ends(day)[-1] == last


def test_accuracy_is_of_the_score_of_then_and_what_came_since(company: Any) -> None:
    project = company()
    then = DAY - dt.timedelta(days=90)
    known = gather(project.loaded, project.computer, as_of=DAY, ends=[then])
    found = score_accuracy(project.loaded, known, then=then)
    scored = known.features.filter(pl.col("as_of") == then).height
    assert found.n == scored
    steps = known.arr.filter(pl.col("day") > then).get_column("account_id").n_unique()
    assert (found.value is None) == (min(steps, scored - steps) < 10)


def test_what_is_seen_is_in_the_report_the_week_and_the_doctor(company: Any) -> None:
    project = company()
    found = project.measuring.mistakes()
    seen = {one.name for one in found.findings if one.is_seen}
    assert "no_instrumentation" in seen
    text = to_text(write_mistakes(found))
    assert "A free trial without instrumentation (high)" in text
    assert "no event says that somebody hits a limit, or looks at prices" in text.lower()
    week = to_text(report_weekly(project.measuring.weekly(), title="Week"))
    assert "A free trial without instrumentation (high)" in week
    (check,) = [row for row in project.doctor() if row.name == "mistakes"]
    assert check.status == "warning"
    assert "A free trial without instrumentation" in check.detail


def test_mistakes_of_a_past_day_stay_what_they_were(company: Any) -> None:
    project = company()
    past = DAY - dt.timedelta(days=30)
    then = project.measuring.mistakes(as_of=past)
    project.run()
    assert project.measuring.mistakes(as_of=past) == then
