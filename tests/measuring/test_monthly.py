"""The monthly conversion analysis, from a company's stores."""

from __future__ import annotations

import datetime as dt
from typing import Any

from groundswell.web.document import to_html, to_text
from groundswell.web.monthly_report import report_monthly
from tests.measuring.conftest import ACCOUNTS, DAY


def test_every_account_is_in_its_month_and_every_customer_in_its_quarter(company: Any) -> None:
    found = company().measuring.monthly()
    assert [one.first for one in found.signups][-1] == dt.date(2026, 6, 1)
    assert len(found.signups) == 13
    assert sum(one.signups for one in found.signups) == ACCOUNTS
    paying = sum(1 for number in range(0, ACCOUNTS, 3) if 180 - number * 3 > 40)
    assert sum(one.customers for one in found.customers) == paying
    assert found.customers[-1].first == dt.date(2026, 4, 1)


def test_it_is_written_with_a_picture(company: Any) -> None:
    written = report_monthly(company().measuring.monthly())
    assert "Sign-ups by month" in to_text(written)
    assert to_html(written, written.render_pictures()).count("<svg") == 1


def test_a_past_month_stays_what_it_was(company: Any) -> None:
    project = company()
    past = DAY - dt.timedelta(days=45)
    then = project.measuring.monthly(as_of=past)
    project.run()
    assert project.measuring.monthly(as_of=past) == then
