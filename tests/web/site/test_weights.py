"""The numbers of the score on a page: what is tried is what the library says."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from groundswell.api.client import Address, Client
from groundswell.config.loading import CONFIG_FILE
from groundswell.engine.sight import Sight

from .conftest import ADMIN, ANALYST, MANAGER, NASTY, REP

if TYPE_CHECKING:
    from .conftest import Office


def test_who_moves_is_what_the_library_says(office: Office) -> None:
    signals = office.project.signals
    told = signals.propose_score(weights={"usage": 0.1}, qualified=30.0)
    moves = signals.weigh("score", told.text).scores
    assert moves is not None
    before = (office.project.root / CONFIG_FILE).read_bytes()
    page = html.unescape(office.browser(ANALYST).get("/lab/weights?weight.usage=0.1&line=30").text)
    assert f"{moves.above_after} instead of {moves.above_before}" in page
    assert f"{moves.kept} stay among them" in page
    assert moves.moved > 0
    for one in moves.first:
        assert f"{one.before:.1f}" in page
        assert f'href="/accounts/{one.account_id}"' in page
    assert NASTY in page
    assert f"<script>alert({NASTY}" not in page
    assert (office.project.root / CONFIG_FILE).read_bytes() == before


def test_a_manager_is_named_no_account_of_another_team(office: Office) -> None:
    signals = office.project.signals
    text = signals.propose_score(qualified=60.0, weights={"usage": 0.9}).text
    weighed = signals.weigh("score", text)
    assert weighed.scores is not None
    sight = Sight(office.project, office.served.server.site.colleagues.get(MANAGER))
    named = {one.account_id for one in (*weighed.scores.first, *weighed.differing)}
    hidden = {name for name in named if not sight.sees_account(name)}
    assert hidden
    assert named - hidden
    browser = office.browser(MANAGER)
    tried = browser.get("/lab/weights?line=60&weight.usage=0.9").text
    digest = signals.block("score").digest
    weighing = browser.send("/signals/score/weigh", text=text, digest=digest).text
    for page in (tried, weighing):
        shown = set(re.findall(r'<td><a href="/accounts/(\w+)"', page))
        assert shown
        assert not shown & hidden
        assert f"{weighed.scores.above_after} instead of" in page


def test_programs_propose_what_the_page_proposes(office: Office) -> None:
    told = Client(Address(office.served.url, office.served.token)).signals
    mine = office.project.signals.propose_score(times={"fit.company_size": 2.0}, qualified=30.0)
    assert told.propose_score(times={"fit.company_size": 2.0}, qualified=30.0) == mine
    assert told.weigh("score", mine.text) == office.project.signals.weigh("score", mine.text)


def test_nothing_is_said_before_a_number_changes(office: Office) -> None:
    page = office.browser(ANALYST).get("/lab/weights")
    assert page.status_code == 200
    assert "Change a number" in page.text
    again = office.browser(ANALYST).get("/lab/weights?line=5&weight.fit=").text
    assert "Change a number" in again


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("line=101", "Write a number from 0 to 100."),
        ("line=nan", "cannot be"),
        ("line=x", "cannot be"),
        ("weight.fitt=1", "no part"),
        ("weight.fit=-1", "Write a number from 0"),
        ("times.fit.nothing=2", "no component"),
        ("times.fit.%3Cscript%3E=2", "no component"),
    ],
)
def test_a_number_that_is_none_is_told_with_its_fix(office: Office, query: str, says: str) -> None:
    answer = office.browser(ANALYST).get(f"/lab/weights?{query}")
    assert answer.status_code == 422
    assert says in html.unescape(answer.text)
    assert "<script>" not in answer.text.partition("<main")[2]


def test_the_change_goes_on_in_the_editor(office: Office) -> None:
    browser = office.browser(ADMIN)
    page = browser.get("/lab/weights?line=30", **{"hx-request": "true"}).text
    assert "<html" not in page
    assert 'action="/signals/score/check"' in page
    text = re.search(r"<textarea[^>]*hidden>\n(.*?)</textarea>", page, re.DOTALL)
    digest = re.search(r'name="digest" value="(\w+)"', page)
    assert text is not None
    assert digest is not None
    shown = browser.send("/signals/score/check", text=html.unescape(text[1]), digest=digest[1]).text
    told = {"text": html.unescape(text[1]), "digest": digest[1], "csrf": browser.csrf()}
    weighed = browser.client.post(
        "/signals/score/weigh", data=told, headers={"hx-request": "true"}
    ).text
    assert "another decision would be made on" in weighed
    assert "<html" not in weighed
    assert "How the file changes" in shown
    assert "Nothing was changed" not in shown


def test_a_rep_does_not_turn_numbers(office: Office) -> None:
    assert office.browser(REP).get("/lab/weights").status_code == 404
