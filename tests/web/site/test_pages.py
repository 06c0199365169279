"""What each role finds on its pages, and what they can do there."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from groundswell.config.loading import CONFIG_FILE
from groundswell.errors import ConfigError
from groundswell.handoff.life import State
from groundswell.web.site.reports import KINDS, asked_of
from tests.measuring.conftest import DAY

from .conftest import ADMIN, ANALYST, MANAGER, NASTY, OTHER_REP, PASSWORD, REP

if TYPE_CHECKING:
    from .conftest import Office


def names_on(page: str) -> set[str]:
    return set(re.findall(r'data-href="/accounts/(\w+)"', page))


def test_whoever_is_not_known_is_asked_to_sign_in_and_brought_back(office: Office) -> None:
    browser = office.browser()
    answer = browser.get("/accounts?tier=x")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Faccounts%3Ftier%3Dx"
    page = browser.get(answer.headers["location"])
    assert 'name="next" value="/accounts?tier=x"' in page.text
    wrong = browser.sign_in(REP, "wrong horse battery")
    assert wrong.status_code == 401
    assert "The address or the password is wrong." in wrong.text
    assert PASSWORD not in wrong.text
    right = browser.client.post(
        "/sign-in", data={"email": REP, "password": PASSWORD, "next": "/accounts?tier=x"}
    )
    assert (right.status_code, right.headers["location"]) == (303, "/accounts?tier=x")


def test_a_rep_finds_their_own_queue_with_the_reasons(office: Office) -> None:
    page = office.browser(REP).get("/").text
    mine = {row.account_id for row in office.project.handoffs.queue() if row.owner == REP}
    assert names_on(page) == set(sorted(mine)[:50]) or len(mine) > 50
    assert office.theirs not in names_on(page)
    assert "active" in page or "Asked for a person" in page
    assert "answer in" in page or "late" in page


def test_a_queue_is_worked_and_the_journal_says_by_whom(office: Office) -> None:
    browser = office.browser(REP)
    handoff = office.handoff_of(office.mine)
    answer = browser.send(f"/handoffs/{handoff}/accept")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    found = office.project.handoffs.get(handoff)
    assert (found.state, found.owner) == (State.ACCEPTED, REP)
    part = browser.client.post(
        f"/handoffs/{handoff}/snooze",
        data={"csrf": browser.csrf(), "days": "3"},
        headers={"hx-request": "true"},
    )
    assert part.status_code == 200
    assert "<html" not in part.text
    assert office.mine not in names_on(part.text)
    assert office.project.handoffs.get(handoff).state == State.SNOOZED
    told = office.project.ledger.audit(limit=5, who=REP)
    assert [entry.action for entry in told[:2]] == ["handoff.snooze", "handoff.accept"]


def test_what_cannot_be_done_is_said_and_nothing_is_changed(office: Office) -> None:
    browser = office.browser(OTHER_REP)
    handoff = office.handoff_of(office.theirs)
    answer = browser.send(f"/handoffs/{handoff}/decline", reason="no such reason")
    assert answer.status_code == 422
    assert "no such reason" in answer.text
    assert office.project.handoffs.get(handoff).state == State.ASSIGNED


def test_an_account_is_told_as_explain_and_brief_tell_it(office: Office) -> None:
    page = office.browser(ADMIN).get(f"/accounts/{office.mine}").text
    story = office.project.explain(office.mine)
    brief = office.project.brief(office.mine)
    assert f'<span class="gs-score">{story.score:.0f}</span>' in page
    assert brief.sentence.split(".")[0] in page
    for item in story.components:
        assert f"{item.points:.1f} of {item.max:.0f}" in page
    assert page.count("<svg") >= 1


def test_the_page_of_a_past_day_says_what_was_known_then(office: Office) -> None:
    day = DAY - dt.timedelta(days=15)
    page = office.browser(ADMIN).get(f"/accounts/{office.mine}?as_of={day}").text
    story = office.project.explain(office.mine, as_of=day)
    assert f'<span class="gs-score">{story.score:.0f}</span>' in page
    assert f"as of {day:%-d %b %Y}" in page
    assert 'data-act="accept"' not in page
    assert "routed" not in page  # it was handed over later


def test_what_people_did_is_told_by_day(office: Office) -> None:
    browser = office.browser(ADMIN)
    page = browser.get(f"/use/{office.mine}").text
    assert "Looked 1" in page
    assert f"{DAY - dt.timedelta(days=1):%-d %b %Y}" in page
    before = browser.get(f"/use/{office.mine}?as_of={DAY - dt.timedelta(days=2)}").text
    assert f"{DAY - dt.timedelta(days=1):%-d %b %Y}" not in before


def test_accounts_are_found_sorted_paged_and_written_to_a_file(office: Office) -> None:
    browser = office.browser(ANALYST)
    everything = browser.get("/accounts").text
    assert "60 accounts, 1 to 50." in everything
    second = browser.get("/accounts?first=50")
    assert "60 accounts, 51 to 60." in second.text
    assert not names_on(second.text) & names_on(everything)
    found = browser.get("/accounts?search=firm+1&sort=name").text
    assert [*re.findall(r">(Firm 1\d*)</a>", found)] == [
        "Firm 1",
        *(f"Firm 1{n}" for n in range(10)),
    ]
    written = browser.get("/accounts.csv?search=firm+1")
    assert written.headers["content-disposition"] == "attachment; filename*=UTF-8''accounts.csv"
    assert len(written.text.splitlines()) == 12


def test_a_rep_finds_no_account_of_somebody_else(office: Office) -> None:
    browser = office.browser(REP)
    seen = browser.get("/accounts.csv").text
    assert office.mine in seen
    assert office.theirs not in seen
    assert office.theirs not in browser.get("/find?search=" + office.theirs).text
    assert browser.get(f"/accounts/{office.theirs}").status_code == 404
    assert browser.get("/accounts/no-such-account").status_code == 404


def test_views_are_kept_by_who_made_them(office: Office) -> None:
    browser = office.browser(ANALYST)
    kept = browser.send("/views/keep", name="Big ones", sort="employees", search="Firm")
    assert kept.headers["location"] == "/accounts?search=Firm&sort=employees"
    assert "Big ones" in browser.get("/accounts").text
    assert "Big ones" not in office.browser(ADMIN).get("/accounts").text
    browser.send("/views/drop", name="Big ones")
    assert "Big ones" not in browser.get("/accounts").text
    assert browser.send("/views/keep", name=" ").status_code == 422


def test_a_manager_finds_their_team_and_gives_work_to_others(office: Office) -> None:
    browser = office.browser(MANAGER)
    page = browser.get("/team").text
    assert "Ann Ash" in page
    assert "Ben Birch" not in page
    handoff = next(
        item.handoff_id
        for item in office.project.handing.book.refresh().open()
        if item.owner == REP and item.account_id != office.mine
    )
    answer = browser.send(f"/handoffs/{handoff}/reassign-to", to="nobody@ours.example")
    assert answer.status_code == 422


def test_health_shows_what_the_server_does_by_itself_and_no_text_of_an_error(
    office: Office,
) -> None:
    jobs = office.project.jobs
    jobs.know("sweeping", "Sweeps.", next_at=office.project.clock.now() + dt.timedelta(hours=2))
    with suppress(ValueError), jobs.watch("sweeping"):
        raise ValueError("ann@firm.example")
    page = office.browser(ANALYST).get("/health").text
    row = page.partition("<td>sweeping")[2].partition("</tr>")[0]
    assert "failed" in row
    assert "<code>ValueError</code>" in row
    assert "1 of 1" in row
    assert "in 2 h" in row
    assert "ann@firm.example" not in page
    told = office.browser().client.get(
        "/v1/jobs", headers={"authorization": f"Bearer {office.served.token}"}
    )
    (state,) = (one for one in told.json() if one["name"] == "sweeping")
    assert (state["ended"], state["error"], state["runs"]) == ("failed", "ValueError", 1)
    assert {"inbox", "reports"} <= {one["name"] for one in told.json()}


def test_health_shows_what_came_and_what_could_not_be_used(office: Office) -> None:
    page = office.browser(ANALYST).get("/health").text
    assert "Everything that came could be used." in page
    assert "scored as of 30 Jun 2026" in page
    assert "Take them in again" not in page


def test_health_says_what_keeps_a_configuration_from_being_taken_up(office: Office) -> None:
    browser, file = office.browser(ANALYST), office.project.root / CONFIG_FILE
    before = file.read_bytes()
    assert "could not be taken up" not in browser.get("/health").text
    file.write_bytes(before + b"<nonsense>: 1\n")
    try:
        with pytest.raises(ConfigError):
            office.served.server.renew()
        page = browser.get("/health").text
        assert "could not be taken up" in page
        line = len(before.splitlines()) + 1
        assert f"<code>{CONFIG_FILE}:{line}:1</code>" in page
        assert "<nonsense>" not in page
    finally:
        file.write_bytes(before)


def test_a_report_is_made_beside_and_shown(office: Office) -> None:
    browser = office.browser(MANAGER)
    promised = office.served.server.site.reports
    browser.get("/reports/mistakes")
    for kept in promised._kept.values():
        kept.promise.result(120)
    page = browser.get("/reports/mistakes").text
    assert "It is being made" not in page
    assert 'class="gs-report"' in page
    assert browser.get("/reports/nothing").status_code == 404


def test_an_admin_adds_somebody_who_signs_in_and_is_locked_out(office: Office) -> None:
    browser = office.browser(ADMIN)
    page = browser.send("/admin/colleagues/add", email="new@ours.example", role="analyst").text
    found = re.search(r'id="shown-once">([^<]+)<', page)
    assert found is not None
    other = office.browser()
    assert other.sign_in("new@ours.example", found[1]).status_code == 303
    assert other.get("/health").status_code == 200
    browser.send("/admin/colleagues/change", email="new@ours.example", change="disable")
    assert other.get("/health").status_code == 303
    assert found[1] not in browser.get("/admin").text


@pytest.mark.parametrize("path", ["/", "/accounts", "/accounts/a03", "/team", "/health", "/admin"])
def test_a_nasty_name_is_only_ever_text(office: Office, path: str) -> None:
    page = office.browser(ADMIN).get(path).text
    assert "<script>alert" not in page
    assert "49" not in re.findall(r"&#39;&amp;(\d+)", page)
    if "a03" in names_on(page) or path.endswith("a03"):
        assert "&lt;script&gt;alert" in page


def test_the_company_has_a_nasty_name_at_all(office: Office) -> None:
    accounts = office.project.looker.latest()
    assert NASTY in accounts["name"].to_list()


def test_an_analyst_sees_what_people_do_and_not_who_they_are(office: Office) -> None:
    shown = office.browser(ADMIN).get("/accounts/a03").text
    assert "u3@firm.example" in shown
    hidden = office.browser(ANALYST).get("/accounts/a03").text
    assert "u3@firm.example" not in hidden
    assert "person 1" in hidden


def test_a_rep_is_shown_their_own_commissions_and_nobody_elses(office: Office) -> None:
    day = office.project.looker.latest_day()
    assert day is not None
    shelf = office.served.server.site.reports
    made = shelf.get(asked_of(office.project, KINDS["commissions"], day)).result(120)
    text = office.browser(ADMIN).get("/reports/commissions").text
    assert "Does the plan work?" in text
    for who, other in ((REP, OTHER_REP), (OTHER_REP, REP)):
        page = office.browser(who).get("/commissions/mine").text
        own = [one for one in made.found.statements if one.rep == who]
        paid = own and (own[0].entries or own[0].disputes)
        assert ("Nothing of this month is credited to you yet." in page) == (not paid)
        main = page.partition("<main")[2].partition("</main>")[0]
        assert "It is being made" not in main
        assert other not in main
        assert "Does the plan work?" not in main
    part = office.browser(REP).get("/commissions/mine", **{"hx-request": "true"}).text
    assert part.lstrip().startswith("<article")
    assert office.browser(ANALYST).get("/commissions/mine").status_code == 404
