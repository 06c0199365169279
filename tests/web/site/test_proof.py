"""What the past says of a definition, on a page: as the library says it, and kept when asked to."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from groundswell.web.site.proof import asked_of, choices_of

from .conftest import ADMIN, ANALYST, MANAGER, REP

if TYPE_CHECKING:
    from .conftest import Office


def ready(office: Office, study: str, of: str = "current", beside: str = "hand-made") -> None:
    """Wait until what is asked is made."""
    asked = asked_of(office.project, study, of, beside)
    office.served.server.site.reports.get(asked).result(120)


def test_a_backtest_is_shown_and_kept_once_an_admin_says_so(office: Office) -> None:
    lab, version = office.project.lab, office.project.loaded.score.version
    before = lab.version(version).backtests
    ready(office, "backtest")
    reader = office.browser(ANALYST).get("/lab/proof?study=backtest&of=current").text
    found = lab.backtest(keep=False)
    assert lab.version(version).backtests == before
    assert version in reader
    pictures = re.findall(r'<img loading="lazy" src="([^"]+)"', reader)
    assert pictures
    for picture in pictures:
        drawn = office.browser(ANALYST).get(html.unescape(picture))
        assert drawn.headers["content-type"] == "image/svg+xml"
    assert "Keep it with" not in reader
    browser = office.browser(ADMIN)
    assert "Keep it with" in browser.get("/lab/proof?study=backtest").text
    answer = browser.send("/lab/proof/keep", of="current")
    assert answer.status_code == 303
    assert "is kept with" in browser.get(answer.headers["location"]).text
    kept = lab.version(version).backtests
    assert len(kept) == len(before) + 1
    assert kept[-1]["qualified"]["accounts"] == found.qualified.accounts
    browser.send("/lab/proof/keep", of="current")
    assert lab.version(version).backtests == kept
    assert office.project.ledger.audit(limit=1, who=ADMIN)[0].action == "model.backtest"


def test_a_comparison_is_shown(office: Office) -> None:
    ready(office, "compare", "current", "points")
    page = office.browser(MANAGER).get("/lab/proof?study=compare&of=current&beside=points").text
    assert "At the same capacity" in page
    assert "Keep it with" not in page


def test_what_the_past_does_not_tell_is_said(office: Office) -> None:
    asked = asked_of(office.project, "drift")
    assert office.served.server.site.reports.get(asked).exception(120) is not None
    page = office.browser(MANAGER).get("/lab/proof?study=drift")
    assert page.status_code == 200
    assert "No account was known by 2025-12-29." in page.text


def test_it_says_that_it_is_being_made_and_where_to_look_again(office: Office) -> None:
    browser = office.browser(MANAGER)
    with office.served.server.site.alone:
        page = browser.get("/lab/proof?study=backtest&of=buckets").text
        assert "It is being made" in page
        assert 'hx-get="/lab/proof?study=backtest&amp;of=buckets' in page
        refused = office.browser(ADMIN).send("/lab/proof/keep", of="buckets")
        assert "The backtest is not made yet." in html.unescape(refused.text)
    ready(office, "backtest", "buckets")
    part = browser.get("/lab/proof?study=backtest&of=buckets", **{"hx-request": "true"}).text
    assert "<html" not in part
    assert 'class="gs-report"' in part
    # A preset is no version that is kept.
    refused = office.browser(ADMIN).send("/lab/proof/keep", of="buckets")
    assert refused.status_code == 422


def test_another_threshold_is_asked_about_and_never_kept(office: Office) -> None:
    asked = asked_of(office.project, "backtest", "current", line="30")
    found = office.served.server.site.reports.get(asked).result(120).found
    told = office.project.lab.backtest(at=30.0, keep=False)
    own = office.project.lab.backtest(keep=False)
    assert found.version == told.version != own.version
    assert found.qualified.accounts == told.qualified.accounts < own.qualified.accounts
    assert found.roc_auc == own.roc_auc
    page = office.browser(ADMIN).get("/lab/proof?study=backtest&of=current&line=30").text
    assert told.version in page
    assert "Keep it with" not in page
    link = office.browser(ADMIN).get("/lab?line=30").text
    assert 'href="/lab/proof?study=backtest&amp;of=current&amp;line=30"' in link
    assert 'href="/lab/proof?study=revenue&amp;line=30"' in link


def test_what_another_threshold_would_bring_is_what_whatif_says(office: Office) -> None:
    asked = asked_of(office.project, "revenue", line="30")
    found = office.served.server.site.reports.get(asked).result(120).found
    told = office.project.measuring.what_if(settings=["score.qualified.at_least=30"])
    assert (found.enter, found.leave) == (told.enter, told.leave)
    page = office.browser(MANAGER).get("/lab/proof?study=revenue&line=30").text
    assert "new ARR a quarter" in page
    assert f"{told.leave:,} of those that were would not." in page


def test_nothing_is_made_before_something_is_asked(office: Office) -> None:
    page = office.browser(ANALYST).get("/lab/proof").text
    assert "Nothing is asked yet" in page
    for name in choices_of(office.project.lab):
        assert f'value="{name}"' in page


@pytest.mark.parametrize(
    "query",
    [
        "study=backtest&of=/etc/passwd",
        "study=backtest&of=../groundswell.yaml",
        "study=compare&of=current&beside=x.yaml",
        "study=%3Cscript%3E",
        "study=revenue",
        "study=backtest&line=nan",
        "study=backtest&line=%3Cscript%3E",
    ],
)
def test_a_file_is_no_definition_here(office: Office, query: str) -> None:
    answer = office.browser(ADMIN).get(f"/lab/proof?{query}")
    assert answer.status_code == 422
    assert "<script>" not in answer.text.partition("<main")[2]
    assert "root:" not in answer.text


def test_a_rep_finds_no_proof(office: Office) -> None:
    assert office.browser(REP).get("/lab/proof").status_code == 404
