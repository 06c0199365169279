"""Signals: what is shown is what there is; an edit is checked whole, and written where it may."""

from __future__ import annotations

import html
import json
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from groundswell.config.loading import CONFIG_FILE
from groundswell.engine.checking import check_project
from groundswell.errors import ConfigError
from tests.server.conftest import serving

from .conftest import ADMIN, ANALYST, CONFIG, MANAGER, NASTY, PASSWORD, REP, Browser

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    import httpx

    from tests.server.conftest import Served

    from .conftest import Office

OWN = """\
company: Own Co
# what we call things
events:
  signed_up: Joined  # since May
  used_feature:
    boards: [Board Opened, Board <Closed>]
triggers:
  busy:
    family: usage
    when: active_users_28d >= 2
    say: "{active_users_28d} people are active </textarea><b>"
web:
  write_config: WRITE
"""
DEADLINE = 30.0
pytestmark = pytest.mark.loopback
pytestmark = pytest.mark.loopback


@pytest.fixture(params=[True, False], ids=["writes", "only shows"])
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    """A server of a small project whose pages may write the configuration, or may not."""
    with small(tmp_path, writes=request.param) as running:
        yield running


@contextmanager
def small(folder: Path, *, writes: bool) -> Generator[Served]:
    text = OWN.replace("WRITE", str(writes).lower())
    with serving(folder, text, runs=False) as running:
        running.server.site.colleagues.add(ADMIN, role="admin", password=PASSWORD)
        running.server.site.colleagues.add(ANALYST, role="analyst", password=PASSWORD)
        yield running


@contextmanager
def signed_in(served: Served, who: str = ADMIN) -> Generator[Browser]:
    browser = Browser(served.url)
    browser.sign_in(who)
    try:
        yield browser
    finally:
        browser.client.close()


def fields(page: str) -> dict[str, str]:
    """Return the text and the digest that the editor holds."""
    text = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    digest = re.search(r'name="digest" value="(\w*)"', page)
    assert text is not None
    assert digest is not None
    return {"text": html.unescape(text[1]), "digest": digest[1]}


def counted(browser: Browser) -> str:
    """Return the page once all is counted."""
    until = time.monotonic() + DEADLINE
    while "They are being counted" in (page := browser.get("/signals").text):
        assert time.monotonic() < until, "it is counted no more"
        time.sleep(0.05)
    return page


def table(page: str, label: str) -> list[list[str]]:
    """Return the cells of a table as text, row by row."""
    found = re.search(rf'aria-label="{label}"><table.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    assert found is not None, label
    rows = re.findall(r"<tr>(.*?)</tr>", found[1], re.DOTALL)
    return [
        [
            html.unescape(re.sub(r"<[^>]+>", " ", cell)).strip()
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        ]
        for row in rows
    ]


def number(count: int) -> str:
    return f"{count:,}"


def test_what_is_shown_is_what_the_project_says(office: Office) -> None:
    """That the project says what the warehouse and the journal hold is seen where it is made."""
    page = counted(office.browser(MANAGER))
    signs = office.project.signals.read()
    assert {one.ever for one in signs.events} == set(
        office.project.warehouse.event_counts().values()
    )
    unknown = [one for one in signs.events if not one.meanings]
    assert [row[:4] for row in table(page, "Events that mean nothing yet")] == [
        [one.name, number(one.lately), number(one.before), number(one.ever)] for one in unknown
    ]
    assert [row[-2:] for row in table(page, "Meanings")] == [
        [number(one.lately), number(one.before)] for one in signs.meanings
    ]
    assert [row[-2:] for row in table(page, "Triggers")] == [
        [number(one.holds), number(one.lately)] for one in signs.triggers
    ]
    assert [row[-2:] for row in table(page, "Guardrails")] == [
        [number(one.held), number(one.alone)] for one in signs.guardrails
    ]
    assert [row[-1] for row in table(page, "Rules")] == [
        number(one.accounts) for one in signs.rules
    ]
    used = [[number(one.used), number(one.lately), number(one.open)] for one in signs.plays]
    assert [
        re.findall(r'<td class="gs-n">(?:<span[^>]*>)?([\d,]+)', row)[1:] for row in plays(page)
    ] == used
    assert any(one.accounts for one in signs.rules)


def plays(page: str) -> list[str]:
    return page.partition('aria-label="Plays"')[2].partition("</tbody>")[0].split("<tr>")[2:]


def test_a_part_of_the_page_is_told_to_the_page(office: Office) -> None:
    browser = office.browser(ANALYST)
    counted(browser)
    part = browser.get("/signals", **{"hx-request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.text
    assert "Reasons to act now" in part.text


def test_an_edit_is_shown_as_it_changes_the_file(served: Served) -> None:
    file = served.folder / CONFIG_FILE
    before = file.read_bytes()
    may = served.project.loaded.config.web.write_config
    with signed_in(served) as browser:
        held = fields(browser.get("/signals/events").text)
        assert held["text"].startswith("events:\n  signed_up: Joined  # since May\n")
        held["text"] = held["text"].replace("Joined", "Came").replace("\n", "\r\n")
        answer = browser.send("/signals/events/check", **held)
        assert answer.status_code == 200
        shown = html.unescape(re.sub(r"</?span[^>]*>", "", answer.text))
        assert "-  signed_up: Joined  # since May\n+  signed_up: Came  # since May\n" in shown
        assert file.read_bytes() == before
        assert ("Write it" in answer.text) == may
        written = browser.send("/signals/events/write", **held)
        if not may:
            assert written.status_code == 422
            assert "edit-off" in written.text or "may not be written" in written.text
            assert file.read_bytes() == before
            assert not served.server.site.renewing()
            return
        assert written.status_code == 200
        assert file.read_text("utf-8") == before.decode().replace("Joined", "Came")
        assert served.server.site.renewing()
        (told,) = served.project.ledger.audit(limit=1, who=ADMIN)
        assert (told.action, told.about) == ("config.write", "events")


def test_what_was_changed_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    with small(tmp_path, writes=True) as served, signed_in(served) as browser:
        file = served.folder / CONFIG_FILE
        held = fields(browser.get("/signals/triggers").text)
        held["text"] = held["text"].replace(">= 2", ">= 3")
        changed = file.read_text("utf-8").replace("Own Co", "Another Co")
        file.write_text(changed, encoding="utf-8")
        for act in ("check", "weigh", "write"):
            answer = browser.send(f"/signals/triggers/{act}", **held)
            assert answer.status_code == 422
            assert "was changed since" in html.unescape(answer.text)
            assert fields(answer.text)["text"] == held["text"], "what was typed is not lost"
            assert "Write it" not in answer.text
            assert file.read_text("utf-8") == changed
        assert not served.server.site.renewing()


WRONG = [
    ("events", "events:\n  signd_up: Joined\n  used_feature: 3\n"),
    ("events", "events:\n  signed_up: Joined\ncompany: Other\n"),
    ("triggers", "triggers:\n  busy: {family: usge, when: nonsense > 1, say: x}\n"),
    ("plays", "plays: [1, 2"),
    ("guardrails", "guardrails:\n  holdout: many\n  max_silenc: 3d\n"),
    ("motions", "motions:\n  - {name: a, when: 'qualified AND', motion: enterprise}\n"),
    ("teams", "teams:\n  a: {members: [{name: <i>A</i>}]}\n"),
]


@pytest.mark.parametrize(("block", "text"), WRONG)
def test_what_is_wrong_is_told_as_check_tells_it(tmp_path: Path, block: str, text: str) -> None:
    with small(tmp_path, writes=True) as served, signed_in(served) as browser:
        file = served.folder / CONFIG_FILE
        before = file.read_text("utf-8")
        held = fields(browser.get(f"/signals/{block}").text)
        there = held["text"]
        held["text"] = text
        answers: dict[str, httpx.Response] = {
            act: browser.send(f"/signals/{block}/{act}", **held)
            for act in ("check", "weigh", "write")
        }
        assert file.read_text("utf-8") == before
        changed = before.replace(there, text) if there else f"{before}\n{text}"
        file.write_text(changed, encoding="utf-8")
        if "company" not in text:
            with pytest.raises(ConfigError) as refused:
                check_project(served.folder, {})
            expected = [problem for problem in refused.value.problems if problem.where]
            assert expected
        else:
            expected = []
        for answer in answers.values():
            assert answer.status_code == 422
            assert fields(answer.text)["text"] == text, "what was typed is not lost"
            said = html.unescape(re.sub(r"<[^>]+>", "", answer.text))
            assert len(re.findall(r"<ol class=\"mb-0\">(.*?)</ol>", answer.text, re.DOTALL)) == 1
            for problem in expected:
                assert f"{problem.where}" in said
                line = changed.splitlines().index(text.splitlines()[0]) + 1
                assert problem.where is not None
                assert problem.where.line is not None
                here = f'data-goto="{problem.where.line - line + 1}:{problem.where.column}"'
                assert here in answer.text
        assert "<i>A</i>" not in answers["check"].text


def test_a_file_whose_blocks_have_no_lines_of_their_own_is_left_to_an_editor(
    office: Office,
) -> None:
    file = office.project.root / CONFIG_FILE
    before = file.read_bytes()
    file.write_text(json.dumps(CONFIG), encoding="utf-8")
    try:
        answer = office.browser(ADMIN).get("/signals/guardrails")
        assert answer.status_code == 200
        assert "Change it in an editor" in answer.text
    finally:
        file.write_bytes(before)


def test_what_a_change_does_today_is_what_the_project_says(office: Office) -> None:
    browser = office.browser(ANALYST)
    held = fields(browser.get("/signals/guardrails").text)
    text = "guardrails:\n  min_account_age: 150d\n  holdout: 50%\n"
    weighed = office.project.signals.weigh("guardrails", text)
    assert weighed.differ > 0
    held["text"] = text
    page = browser.send("/signals/guardrails/weigh", **held)
    assert page.status_code == 200
    assert f"another decision would be made on {weighed.differ}." in page.text
    assert table(page.text, "guardrails") == [
        [one.name.replace("_", " "), str(one.before), str(one.after)]
        for one in weighed.tallies["guardrails"]
    ]
    shown = table(page.text, "Accounts")
    assert [row[0] for row in shown] == [one.name for one in weighed.differing]
    assert NASTY not in page.text
    csrf = browser.csrf()
    part = browser.client.post(
        "/signals/guardrails/weigh",
        data={**held, "csrf": csrf},
        headers={"hx-request": "true"},
    )
    assert "<html" not in part.text
    assert table(part.text, "guardrails") == table(page.text, "guardrails")


def test_whoever_only_reads_checks_and_writes_nothing(tmp_path: Path) -> None:
    with small(tmp_path, writes=True) as served, signed_in(served, ANALYST) as browser:
        file = served.folder / CONFIG_FILE
        before = file.read_bytes()
        held = fields(browser.get("/signals/events").text)
        held["text"] = held["text"].replace("Joined", "Came")
        answer = browser.send("/signals/events/check", **held)
        assert answer.status_code == 200
        assert "Write it" not in answer.text
        assert browser.send("/signals/events/write", **held).status_code == 404
        assert file.read_bytes() == before


def test_what_is_written_there_is_text(tmp_path: Path) -> None:
    with small(tmp_path, writes=False) as served, signed_in(served) as browser:
        page = browser.get("/signals/triggers")
        assert page.text.count("</textarea>") == 1
        assert "</textarea><b>" in fields(page.text)["text"]
        assert "<b>" not in counted(browser)
        hostile = {**fields(page.text), "text": f"triggers: {NASTY}"}
        answer = browser.send("/signals/triggers/check", **hostile)
        assert "<script>alert" not in answer.text


def test_there_are_no_other_blocks(office: Office) -> None:
    browser = office.browser(ADMIN)
    for block in ("warehouse", "sign_in", "web", "..%2Fx"):
        assert browser.get(f"/signals/{block}").status_code == 404
        for act in ("check", "weigh", "write"):
            assert browser.send(f"/signals/{block}/{act}", text="x").status_code == 404


def test_a_rep_finds_no_signals(office: Office) -> None:
    browser = office.browser(REP)
    assert browser.get("/signals").status_code == 404
    assert browser.get("/signals/events").status_code == 404
    for act in ("check", "weigh", "write"):
        assert browser.send(f"/signals/events/{act}", text="x").status_code == 404
    assert 'href="/signals"' not in browser.get("/accounts").text
