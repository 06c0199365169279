"""The weekly report: from the facts and the journal, as of any day, in every form."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from groundswell.errors import UsageError
from groundswell.measure.estimates import Estimate
from groundswell.model import as_plain
from groundswell.web.document import to_html, to_markdown, to_text
from groundswell.web.weekly_report import report_weekly, write_change, write_value
from tests.measuring.conftest import ACCOUNTS, DAY, at, load


def figure(found, name: str):
    return next(one for one in found.figures if one.metric == name).estimate.value


def test_every_number_is_that_of_the_facts(company):
    project = company(measuring={"gross_margin": "80%"})
    found = project.measuring.figures(as_of=DAY, days=180)
    assert figure(found, "signups") == ACCOUNTS - 1  # the first came a day earlier
    paying = [number for number in range(0, ACCOUNTS, 3) if 180 - number * 3 > 40]
    assert figure(found, "new_customers") == len(paying)
    assert figure(found, "arr") == len(paying) * 4_990 * 12
    assert figure(found, "acquisition_cost") == 6 * 100_010 - (100_010 // 31 + 1)
    worked = {6, 18, 30, 42, 54}
    mine = [number for number in paying if number in worked and 180 - number * 3 - 30 <= 60]
    assert figure(found, "assisted_customers") == len(mine)
    month = project.measuring.figures(as_of=DAY, days=91)
    assert figure(month, "cac") is not None
    assert figure(month, "ltv") is None  # nobody has paid for a year
    behind = project.measuring.behind("new_customers", as_of=DAY, days=180)
    assert {row["account_id"] for row in behind} == {f"a{number:02}" for number in paying}


def test_the_report_has_the_week_the_funnels_the_months_and_what_was_said(company):
    found = company().measuring.weekly(as_of=DAY)
    assert [line.figure.metric for line in found.flow][:3] == ["signups", "activations", "pqls"]
    assert found.flow[0].figure.estimate.value == 2
    own = next(one for one in found.funnels if one.motion == "self_serve")
    assert [stage.name for stage in own.stages] == ["signed_up", "activated", "paid"]
    assert own.stages[0].reached >= own.stages[1].reached > 0
    assert all(month.difference == 0 for month in found.months)
    assert found.months[-1].closing > found.months[0].closing
    said = {(one.kind, one.what): one.count for one in found.said}
    assert said[("lost", "no budget")] == 2
    assert said[("ticket", "how to")] == ACCOUNTS
    assert any("costs" in one or "gross_margin" in one for one in found.missing)


def test_what_comes_later_changes_no_report_of_a_day(company, clock):
    project = company()
    before = project.measuring.weekly(as_of=DAY)
    clock.advance(dt.timedelta(days=20))
    load(
        project,
        {
            "events": [
                {
                    "message_id": "late",
                    "user_id": "new",
                    "account_id": "later",
                    "event": "Signed Up",
                    "timestamp": at(-10),
                }
            ],
            "subscriptions": [
                {
                    "subscription_id": "later",
                    "account_id": "a01",
                    "plan": "team",
                    "mrr": "10",
                    "started_at": at(-3),
                    "valid_from": at(-3),
                }
            ],
            "touches": [{"account_id": "a01", "rep": "x", "kind": "call", "at": at(-2)}],
            "tickets": [{"account_id": "a01", "topic": "bug", "at": at(-2)}],
        },
    )
    project.run()
    row = project.handoffs.queue()[0]
    project.handoffs.step(row.account_id, "decline", who="ann", reason="no_budget")
    after = project.measuring.weekly(as_of=DAY)
    assert as_plain(after) == as_plain(before)
    now = project.measuring.weekly()
    assert ("declined", "No budget") in {(one.kind, one.what) for one in now.said}


def test_the_report_is_written_in_every_form(company):
    found = company().measuring.weekly(as_of=DAY)
    written = report_weekly(found, title="The week")
    svgs = written.render_pictures()
    page = to_html(written, svgs)
    assert page.count("<svg") == len(svgs) == 2
    text = to_text(written)
    marked = to_markdown(written, {name: f"{name}.svg" for name in svgs})
    for said in ("Signups", "ARR by month", "Opening, movements and closing agree to the cent"):
        assert said in page
        assert said in text
        assert said in marked
    assert json.loads(json.dumps(as_plain(found)))["definitions"]["cac"]["formula"]


def test_a_metric_that_is_not_there_is_refused(company):
    project = company()
    with pytest.raises(UsageError, match="Did you mean `pql_rate`"):
        project.measuring.behind("pql_ratee")
    with pytest.raises(UsageError, match="There is no motion"):
        project.measuring.behind("pql_rate", motion="selfserve")


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.5, "share", "50%"),
        (-0.25, "share", "-25%"),
        (123456, "money", "1,235"),
        (2.5, "hours", "2.5 hours"),
        (None, "money", "not known"),
    ],
)
def test_numbers_are_written_by_their_unit(value, unit, said):
    assert write_value(value, unit) == said


def test_changes_have_their_sign():
    assert write_change(Estimate(-0.05), "share") == "-5.0 points"
    assert write_change(Estimate(1200.0), "money") == "+12"
    assert write_change(Estimate(0.0), "number") == "0"
    assert write_change(Estimate(None), "number") == ""
