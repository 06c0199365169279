"""What each role comes for, from signing in until it is done, in a real browser."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
from playwright.sync_api import expect

from groundswell.connectors.slack_actions import PREFIX
from groundswell.handoff.life import State
from tests.connectors.slack_double import signed_request

from .conftest import ADMIN, ANALYST, MANAGER, NARROW, NOW, OTHER_REP, REP, SIGNING, Desk

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from groundswell.handoff.life import Handoff


def row_of(page: Page, desk: Desk, handoff: Handoff) -> Locator:
    """Return the row of a handoff on a page that lists them."""
    return page.locator(f'[data-row][data-href="/accounts/{quote(handoff.account_id, safe="")}"]')


def state_of(desk: Desk, handoff: Handoff) -> State:
    return desk.project.handoffs.get(handoff.handoff_id).state


def pick(desk: Desk, owner: str) -> Handoff:
    """Return a handoff that a rep was given and did nothing with yet."""
    return next(one for one in desk.handoffs(owner) if one.state == State.ASSIGNED)


def test_a_rep_understands_an_account_and_works_it(desk: Desk) -> None:
    handoff = pick(desk, REP)
    with desk.tab() as tab:
        page = tab.sign_in(REP)
        expect(page.get_by_role("heading", name="My queue")).to_be_visible()
        row = row_of(page, desk, handoff)
        row.get_by_role("link").first.click()
        expect(page.locator("h1")).to_contain_text(desk.names[handoff.account_id])
        expect(page.get_by_role("heading", name="Why now")).to_be_visible()
        page.get_by_role("button", name="Copy the opening line").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        opening = page.locator("#opening").inner_text()
        assert page.evaluate("navigator.clipboard.readText()") == opening
        page.locator("[data-act=accept]").click()
        page.wait_for_url(re.compile("/accounts/|/$"))
        assert state_of(desk, handoff) == State.ACCEPTED
        tab.open("/")
        row = row_of(page, desk, handoff)
        expect(row).to_contain_text("accepted")
        row.locator("[data-act=touch]").click()
        expect(row).to_contain_text("working")
        expect(row.locator("[data-act=accept]")).to_have_count(0)  # it was
        row.get_by_text("Decline").first.click()
        row.get_by_role("combobox", name="Why").select_option("not_a_fit")
        row.get_by_label("In your words").fill("They build their own")
        row.get_by_role("button", name="Decline").click()
        expect(row).to_have_count(0)
    assert state_of(desk, handoff) == State.DECLINED
    (told, *_) = desk.project.journal(account=handoff.account_id, kind="declined")
    assert (told.body["who"], told.body["reason"]) == (REP, "not_a_fit")


def test_a_manager_sees_what_is_stuck_and_gives_it_to_somebody_else(desk: Desk) -> None:
    with desk.tab(MANAGER) as tab:
        page = tab.open("/team")
        expect(page.get_by_role("columnheader", name="Not answered in time")).to_be_visible()
        page.get_by_role("link", name="Rep Two").click()
        page.wait_for_url("**/team?rep=rep2*")
        work = page.get_by_role("region", name="Open work").locator("[data-row]")
        expect(work).to_have_count(len(desk.handoffs(OTHER_REP)))
        stuck = work.filter(has=page.get_by_role("combobox")).last
        account = stuck.get_by_role("link").inner_text()
        (to,) = stuck.get_by_role("combobox").select_option("rep3@acmeboards.example")
        stuck.get_by_role("button", name="Give").click()
        expect(page.locator("#team [data-row]", has_text=account)).to_contain_text(to)
    assert to == "rep3@acmeboards.example"
    assert account in {desk.names[one.account_id] for one in desk.handoffs(to)}


def test_an_analyst_searches_keeps_a_view_and_reads_a_report(desk: Desk) -> None:
    searched = next(name for name in desk.names.values() if name.isascii())
    with desk.tab(ANALYST) as tab:
        page = tab.open("/accounts")
        page.keyboard.press("/")
        page.keyboard.type(searched)
        expect(page.locator("#accounts [data-row]")).to_have_count(
            sum(searched.lower() in name.lower() for name in desk.names.values())
        )
        tab.open("/accounts?qualified=yes")
        page.get_by_text("Keep this view").click()
        page.get_by_label("Name", exact=True).fill("The qualified")
        page.get_by_role("button", name="Keep", exact=True).click()
        page.get_by_role("link", name="The qualified").click()
        expect(page.locator("select[name=qualified]")).to_have_value("yes")
        with page.expect_download() as download:
            page.get_by_role("link", name="Export").click()
        lines = download.value.path().read_text(encoding="utf-8").splitlines()
        assert len(lines) == 1 + sum(row.qualified for row in desk.project.accounts())
        tab.open("/reports/overlay")
        expect(page.locator(".gs-report")).to_be_visible()
        expect(page.locator(".gs-report table").first).to_be_visible()
        expect(page.get_by_role("link", name="Administration")).to_have_count(0)


def test_an_admin_adds_somebody_who_signs_in_until_they_are_locked_out(desk: Desk) -> None:
    fresh = "new@acmeboards.example"
    with desk.tab(ADMIN) as tab, desk.tab() as theirs:
        page = tab.open("/admin")
        page.get_by_label("E-mail address").fill(fresh)
        page.get_by_label("Name", exact=True).fill("New Rep")
        page.get_by_role("button", name="Add", exact=True).click()
        password = page.locator("#shown-once").inner_text()
        theirs.sign_in(fresh, password)
        expect(theirs.page.get_by_text("Nothing to work now")).to_be_visible()
        page.get_by_label("What it is for").fill("a notebook")
        page.get_by_role("button", name="Make a key").click()
        key = page.locator("#shown-once").inner_text()
        asked = {"authorization": f"Bearer {key}"}
        assert httpx.get(f"{tab.url}/v1/accounts", headers=asked).status_code == 200
        page.get_by_role("button", name=re.compile("Revoke.*a notebook")).click()
        expect(page.get_by_role("cell", name="revoked")).to_be_visible()
        page.get_by_role("button", name=re.compile(f"Lock out.*{re.escape(fresh)}")).click()
        expect(page.get_by_text("may not sign in")).to_be_visible()
        theirs.open("/accounts")
        expect(theirs.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_an_event_moves_the_page_that_is_open(desk: Desk) -> None:
    """A person asks in the product for somebody; the rep's page shows it by itself."""
    handed = {one.account_id for one in desk.handoffs()}
    members = desk.served.memberships()
    asking = next(
        one for one in reversed(members) if one["account_id"] not in handed and one["user_id"]
    )
    key = desk.served.key("app", "segment")
    with desk.tab(ADMIN) as tab:
        page = tab.open("/?every=yes")
        expect(page.locator(".gs-urgent", has_text=desk.names[asking["account_id"]])).to_have_count(
            0
        )
        page.evaluate("window.stays = true")
        raised = {
            "type": "track",
            "messageId": "asks-1",
            "userId": asking["user_id"],
            "event": "Demo Requested",
            "timestamp": NOW.isoformat(),
            "context": {"groupId": asking["account_id"]},
        }
        answer = httpx.post(
            f"{tab.url}/v1/batch", json={"batch": [raised]}, auth=(key, ""), timeout=30
        )
        assert answer.status_code == 200
        urgent = page.locator(".gs-urgent", has_text=desk.names[asking["account_id"]])
        expect(urgent).to_contain_text("asked for a person")
        assert page.evaluate("window.stays"), "the page was loaded again"


def test_a_button_in_slack_moves_the_page_that_is_open(desk: Desk) -> None:
    handoff = pick(desk, OTHER_REP)
    with desk.tab(OTHER_REP) as tab:
        page = tab.open("/")
        row = row_of(page, desk, handoff)
        expect(row).to_contain_text("assigned")
        page.evaluate("window.stays = true")
        answer = press_in_slack(desk, "accept", handoff)
        assert answer.status_code == 200, answer.text
        expect(row).to_contain_text("accepted")
        assert page.evaluate("window.stays"), "the page was loaded again"


def press_in_slack(desk: Desk, action: str, handoff: Handoff) -> httpx.Response:
    """Send what Slack sends when a button is pressed."""
    element = {"action_id": f"{PREFIX}{action}", "type": "button", "value": handoff.handoff_id}
    payload: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": "U0000001", "profile": {"email": handoff.owner}},
        "actions": [element],
        "message": {"blocks": []},
    }
    body, headers = signed_request(payload, SIGNING, at=NOW.timestamp())
    return httpx.post(f"{desk.served.url}/v1/slack/actions", content=body, headers=headers)


def test_the_slider_shows_the_account_as_it_was(desk: Desk) -> None:
    account = desk.handoffs()[0].account_id
    with desk.tab(ADMIN) as tab:
        page = tab.open(f"/accounts/{account}")
        now = page.locator("h1 .gs-score").inner_text()
        slider = page.get_by_role("slider", name="Day")
        expect(slider).to_be_visible()
        slider.focus()
        page.keyboard.press("Home")  # the first day that it was known
        page.wait_for_url(re.compile("as_of="))
        expect(slider).to_have_value("0")
        expect(page.get_by_text("assigned", exact=True)).to_have_count(0)
        latest = int(slider.get_attribute("max") or 0)
        slider.evaluate(
            "(one, day) => { one.value = day; one.dispatchEvent(new Event('change')); }",
            latest - 20,
        )
        day = NOW.date() - dt.timedelta(days=20)
        page.wait_for_url(f"**as_of={day}")
        expect(page.locator("h1 .gs-score")).to_be_visible()
        told = desk.project.explain(account, as_of=day)
        assert page.locator("h1 .gs-score").inner_text() == f"{told.score:.0f}"
        page.get_by_role("link", name="Now", exact=True).click()
        expect(page.locator("h1 .gs-score")).to_have_text(now)


def test_everything_is_at_the_keys(desk: Desk) -> None:
    with desk.tab(ADMIN) as tab:
        page = tab.open("/?every=yes")
        rows = page.locator("[data-row]")
        for key, at in (("j", 0), ("j", 1), ("k", 0)):
            page.keyboard.press(key)
            expect(rows.nth(at)).to_be_focused()
        wanted = rows.first.get_attribute("data-href")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{wanted}")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        page.keyboard.press("Escape")
        for key, path in (("a", "/accounts"), ("t", "/team"), ("h", "/health"), ("q", "/")):
            page.keyboard.press("g")
            page.keyboard.press(key)
            page.wait_for_url(f"{tab.url}{path}")
        name = next(name for name in desk.names.values() if name.isascii())
        page.keyboard.press("Control+k")
        expect(page.get_by_role("dialog", name="Go to")).to_be_visible()
        page.keyboard.type(name)
        expect(page.locator("#palette-found a").first).to_contain_text(name)
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_contain_text(name)


def test_the_key_e_accepts_the_row(desk: Desk) -> None:
    handoff = pick(desk, OTHER_REP)
    with desk.tab(OTHER_REP) as tab:
        page = tab.open("/")
        row_of(page, desk, handoff).focus()
        page.keyboard.press("e")
        expect(row_of(page, desk, handoff)).to_contain_text("accepted")
    assert state_of(desk, handoff) == State.ACCEPTED


def test_dark_is_kept(desk: Desk) -> None:
    with desk.tab(ADMIN) as tab:
        page = tab.open("/accounts")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
        page.get_by_role("button", name="Light or dark").click()
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        tab.open("/team")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_a_phone_has_every_page_behind_its_menu(desk: Desk) -> None:
    with desk.tab(MANAGER, size=NARROW) as tab:
        page = tab.open("/")
        expect(page.get_by_role("link", name="Team")).to_be_hidden()
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("link", name="Team").click()
        page.wait_for_url(f"{tab.url}/team")
