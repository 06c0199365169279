"""Payback and prices: by what the company knows, and by what is configured where it does not."""

from __future__ import annotations

import datetime as dt

import pytest

from groundswell.engine.measuring.advising import known_terms
from groundswell.engine.measuring.weekly import Figures
from groundswell.measure.estimates import NOTHING, Estimate
from groundswell.measure.metrics import Figure
from groundswell.web.advice_report import write_payback, write_pricing
from groundswell.web.document import to_html, to_text
from tests.measuring.conftest import DAY


def figures(**known: Estimate) -> Figures:
    told = [
        Figure(name, None, DAY, DAY, estimate, NOTHING, NOTHING) for name, estimate in known.items()
    ]
    return Figures(DAY - dt.timedelta(days=90), DAY, {}, tuple(told))


def test_what_the_company_knows_takes_the_place_of_a_range(company):
    terms = company().loaded.payback
    found = known_terms(
        terms,
        figures(
            pqls=Estimate(30.0, 20.0, 40.0, 30),
            pql_conversion=Estimate(0.2, 0.1, 0.3, 25),
            first_arr=Estimate(1_250_000.0, 1_000_000.0, 1_500_000.0, 40),
            gross_margin=Estimate(0.7),
        ),
    )
    sales = found.with_engine
    assert (sales.accounts.low, sales.accounts.likely) == (pytest.approx(20 / 3), 10.0)
    assert (sales.conversion.low, sales.conversion.high) == (0.1, 0.3)
    assert sales.acv.likely == 12_500
    assert found.without_engine.acv.likely == 10_000
    assert (found.margin.low, found.margin.source) == (0.7, "metric gross_margin")
    assert sales.capacity == terms.with_engine.capacity


def test_what_few_tell_of_stays_as_configured(company):
    terms = company().loaded.payback
    assert known_terms(terms, figures(first_arr=Estimate(1.0, n=4), pqls=NOTHING)) == terms


def test_payback_is_told_with_where_each_number_is_from(company):
    project = company(measuring={"gross_margin": "80%"})
    found = project.measuring.payback(as_of=DAY)
    sources = dict(found.payback.sources)
    assert sources["margin"] == "metric gross_margin"
    assert sources["base"] == "configuration"
    written = write_payback(found)
    assert "metric gross_margin" in to_text(written)
    assert to_html(written, written.render_pictures()).count("<svg") == 1


def test_prices_are_checked_beside_the_accounts_that_pay_them(company):
    plans = {
        "team": {"price": "10 per seat monthly", "seats": 5, "motion": "self_serve"},
        "business": {"price": 2000, "motion": "sales_assist", "talk_to_sales": "optional"},
    }
    found = company(plans=plans).measuring.pricing(as_of=DAY)
    names = {one.name for one in found.findings if one.is_seen}
    assert "dead_zone" in names
    text = to_text(write_pricing(found))
    assert "Dead zone (high)" in text
    nothing = company().measuring.pricing(as_of=DAY)
    assert "plans" in {name for one in nothing.findings for name in one.missing_inputs}
