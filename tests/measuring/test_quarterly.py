"""The quarterly pack: what is agreed, what is off, and what to do, from a company's stores."""

from __future__ import annotations

import datetime as dt
from typing import Any

from groundswell.web.document import to_html, to_text
from groundswell.web.quarterly_report import report_quarterly
from tests.measuring.conftest import DAY, TEAMS


def test_it_says_what_is_agreed_and_what_to_agree_on(company: Any) -> None:
    project = company()
    found = project.measuring.quarterly()
    assert found.agreed.version == project.loaded.score.version
    assert found.agreed.edits == ()
    assert found.agreed.promises == {
        "sales_assist": TEAMS["sales_assist"]["first_touch_within"],
    }
    text = to_text(report_quarterly(found))
    assert "first touch, sales assist" in text
    assert "24 working hours" in text
    seen = [one for one in found.week.mistakes.findings if one.is_seen]
    assert seen
    for one in seen:
        assert f"{found.week.mistakes.titles[one.name]}: {one.mend}" in text


def test_an_edit_of_the_definition_is_told_with_its_day(company: Any) -> None:
    project = company()
    project.close()
    again = company(score={"preset": "hybrid", "qualified": {"at_least": 61}})
    assert again.measuring.quarterly().agreed.edits == (DAY,)
    assert "at least 61" in to_text(report_quarterly(again.measuring.quarterly()))
    before = again.measuring.quarterly(as_of=DAY - dt.timedelta(days=1))
    assert before.agreed.edits == ()


def test_it_agrees_with_the_reports_it_is_made_of(company: Any) -> None:
    project = company(measuring={"gross_margin": "80%"})
    found = project.measuring.quarterly()
    assert found.week == project.measuring.weekly()
    assert found.feedback == project.measuring.feedback()
    assert found.uplift == project.measuring.uplift()
    assert found.overlay == project.measuring.overlay()
    written = report_quarterly(found)
    assert "To agree on" in to_html(written, written.render_pictures())
