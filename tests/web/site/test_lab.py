"""The lab: its figures are the library's, and publishing from the page is publishing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from groundswell.api.client import Address, Client
from groundswell.errors import UsageError

from .conftest import ADMIN, ANALYST, MANAGER, REP

if TYPE_CHECKING:
    from .conftest import Office


PROVED = {"value": 0.8, "low": 0.7, "high": 0.9}
CHANCE = {"value": 0.5, "low": 0.4, "high": 0.6}


def drafted(office: Office, name: str, points: int, judged: dict[str, float] = PROVED) -> str:
    """Return a version that the registry keeps as a draft, judged by the past."""
    lab = office.project.lab
    card = office.project.root / f"{name}.yaml"
    text = lab.versions()[0].definition
    found = re.sub(r"(qualified:\s*\{?\s*at_least: )[\d.]+", rf"\g<1>{points}", text)
    assert found != text
    card.write_text(found, encoding="utf-8")
    version = lab.add(card, who="ann").version
    lab.models.note_backtest(version, backtest(judged), who="ann")
    return version


def backtest(figure: dict[str, float]) -> dict[str, object]:
    return {
        "roc_auc": figure,
        "first": "2026-01-05",
        "last": "2026-03-02",
        "outcome": "converted",
        "horizon": 30,
        "accounts": 9,
        "came": 4,
        "used": 0.5,
        "capacity": 40,
        "qualified": {"accounts": 5, "came": 3, "conversion": figure, "acv": None},
    }


def test_what_follows_from_a_threshold_is_what_the_scores_say(office: Office) -> None:
    project = office.project
    scores = project.looker.latest()["score"].to_list()
    for at in (0.0, min(scores), sorted(scores)[len(scores) // 2], max(scores)):
        found = project.lab.consequences(at)
        assert found.above == sum(score >= at for score in scores)
        assert found.more == found.above - project.lab.consequences().above
        page = office.browser(ANALYST).get(f"/lab?line={at}").text
        assert f"{found.above:,} of {found.accounts}" in page
        assert f"{found.capacity} accounts a week" in page


def test_programs_are_told_what_the_page_shows(office: Office) -> None:
    lab = office.project.lab
    told = Client(Address(office.served.url, office.served.token)).lab
    assert told.consequences(at=20.0) == lab.consequences(20.0)
    assert told.consequences() == lab.consequences()
    assert told.spread() == lab.spread()
    with pytest.raises(UsageError) as refused:
        told.consequences(at=101.0)
    assert refused.value.problems[0].code == "usage-threshold"


def test_the_picture_holds_every_account_once(office: Office) -> None:
    bars = office.project.lab.spread()
    assert sum(bar.accounts for bar in bars) == office.project.looker.latest().height
    for score in office.project.looker.latest()["score"]:
        holds = [
            bar
            for number, bar in enumerate(bars)
            if bar.low <= score and (score < bar.high or number == len(bars) - 1)
        ]
        assert len(holds) == 1
        assert holds[0].accounts > 0
    assert office.browser(MANAGER).get("/lab").text.count("gs-column") == len(bars)


def test_the_past_is_told_of_the_threshold_it_judged_and_of_no_other(office: Office) -> None:
    project, browser = office.project, office.browser(ANALYST)
    version = project.loaded.score.version
    assert f"run <code>groundswell backtest {version}</code>" in browser.get("/lab").text
    chance = {"value": 0.61, "low": 0.52, "high": 0.7}
    project.lab.models.note_backtest(version, backtest(chance), who="ann")
    page = browser.get("/lab").text
    assert "20.0 accounts a week in the latest backtest" in page
    assert "61%" in page
    assert "between 52% and 70%" in page
    other = browser.get("/lab?line=99").text
    assert "no backtest judged this threshold" in other
    assert "61%" not in other


def test_the_slider_is_answered_with_its_part_and_a_wrong_number_with_a_fix(
    office: Office,
) -> None:
    browser = office.browser(ANALYST)
    part = browser.get("/lab?line=20", **{"hx-request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.text
    for text in ("nan", "101", "-1", "inf", "x"):
        answer = browser.get(f"/lab?line={text}")
        assert answer.status_code == 422
        assert "Write a number from 0 to 100." in answer.text


def test_a_rep_finds_no_lab(office: Office) -> None:
    browser = office.browser(REP)
    assert browser.get("/lab").status_code == 404
    assert browser.get("/lab/models").status_code == 404
    assert 'href="/lab"' not in browser.get("/accounts").text


def test_publishing_from_the_page_is_publishing(office: Office) -> None:
    lab, browser = office.project.lab, office.browser(ADMIN)
    first, second = drafted(office, "first", 11), drafted(office, "second", 12)
    lab.publish(first, who=ADMIN, reason="better")
    by_library = lab.version(first)
    answer = browser.send("/lab/models/publish", version=second, reason="better")
    assert (answer.status_code, answer.headers["location"]) == (303, "/lab/models")
    by_page = lab.version(second)
    assert by_page.status == by_library.status == "published"
    assert lab.version(first).status == "retired"
    told = [(move.what, move.who, move.reason) for move in by_page.moves]
    assert told == [(move.what, move.who, move.reason) for move in by_library.moves]
    browser.send("/lab/models/roll-back", reason="worse after all")
    assert lab.version(first).status == "published"
    browser.send("/lab/models/retire", version=first, reason="by hand again")
    assert lab.version(first).status == "retired"
    noted = [entry.action for entry in office.project.ledger.audit(limit=5, who=ADMIN)]
    assert noted[:3] == ["model.retire", "model.roll_back", "model.publish"]
    assert "worse after all" in browser.get("/lab/models").text


def test_what_was_not_proved_is_refused_in_the_words_of_the_library(office: Office) -> None:
    lab, browser = office.project.lab, office.browser(ADMIN)
    version = drafted(office, "third", 13, CHANCE)
    before = lab.versions()
    with pytest.raises(UsageError) as refused:
        lab.publish(version, who=ADMIN, reason="why not")
    answer = browser.send("/lab/models/publish", version=version, reason="why not")
    assert answer.status_code == 422
    assert refused.value.problems[0].fix.split("`")[0] in answer.text
    nothing = browser.send("/lab/models/publish", version=version, reason=" ")
    assert "No reason is given." in nothing.text
    assert lab.versions() == before
