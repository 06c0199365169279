"""Who may ask for what: every page times every role, by a table that is written here by hand.

A page that is not in the table fails, and so does a route of the server that is in no table at
all. What is forbidden is answered as what does not exist, to the letter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from groundswell.api.operations import OPERATIONS
from groundswell.api.pages import DOCUMENT, HEALTH, METRICS, PAGES, READY, SLACK
from groundswell.engine.colleagues import Role
from groundswell.web.site import ROUTES
from groundswell.web.site.proof import PROOF
from groundswell.web.site.proof import asked_of as asked_of_past
from groundswell.web.site.reports import KINDS, asked_of

from .conftest import ADMIN, ANALYST, MANAGER, OTHER_REP, REP, ROLES

if TYPE_CHECKING:
    import httpx

    from groundswell.web.site.route import SiteRoute

    from .conftest import Browser, Office

EVERYBODY = {"rep", "manager", "analyst", "admin"}
MAY: dict[str, set[str]] = {
    "GET /": EVERYBODY,
    "POST /handoffs/{handoff}/reassign-to": {"manager", "admin"},
    "POST /handoffs/{handoff}/{action}": {"rep", "manager", "admin"},
    "GET /accounts": EVERYBODY,
    "GET /accounts.csv": EVERYBODY,
    "GET /find": EVERYBODY,
    "POST /views/keep": EVERYBODY,
    "POST /views/drop": EVERYBODY,
    "GET /accounts/{account:path}": EVERYBODY,
    "GET /use/{account:path}": EVERYBODY,
    "GET /team": {"manager", "analyst", "admin"},
    "GET /reports/{report}": {"manager", "analyst", "admin"},
    "GET /reports/{report}/{picture}.svg": {"manager", "analyst", "admin"},
    "GET /lab": {"manager", "analyst", "admin"},
    "GET /lab/weights": {"manager", "analyst", "admin"},
    "GET /lab/proof": {"manager", "analyst", "admin"},
    "GET /lab/proof/{picture}.svg": {"manager", "analyst", "admin"},
    "POST /lab/proof/keep": {"admin"},
    "GET /lab/models": {"manager", "analyst", "admin"},
    "POST /lab/models/publish": {"admin"},
    "POST /lab/models/roll-back": {"admin"},
    "POST /lab/models/retire": {"admin"},
    "GET /commissions/mine": {"rep", "manager", "admin"},
    "GET /health": {"analyst", "admin"},
    "POST /health/replay": {"admin"},
    "POST /health/retry": {"admin"},
    "POST /health/pause": {"admin"},
    "POST /health/resume": {"admin"},
    "GET /signals": {"manager", "analyst", "admin"},
    "GET /signals/{block}": {"manager", "analyst", "admin"},
    "POST /signals/{block}/check": {"manager", "analyst", "admin"},
    "POST /signals/{block}/weigh": {"manager", "analyst", "admin"},
    "POST /signals/{block}/write": {"admin"},
    "GET /setup": {"admin"},
    "GET /setup/seen": {"admin"},
    "POST /setup/key": {"admin"},
    "POST /setup/events": {"admin"},
    "POST /setup/score": {"admin"},
    "GET /admin": {"admin"},
    "POST /admin/colleagues/add": {"admin"},
    "POST /admin/colleagues/change": {"admin"},
    "POST /admin/keys/create": {"admin"},
    "POST /admin/keys/revoke": {"admin"},
}
"""Which roles may ask for what. Whoever adds a page says here, too, who that is."""

SEES_MINE = {REP, MANAGER, ANALYST, ADMIN}
"""Who sees the account of the one rep, whom the manager leads, and its handoff."""
SEES_THEIRS = {OTHER_REP, ANALYST, ADMIN}

SAMPLES = {
    "block": "events",
    "action": "decline",
    "report": "payback",
    "account": "no-such-one",
    "handoff": "none",
}
"""What stands for each name in a path; an action without a reason does nothing."""

PUBLIC = {
    *(f"GET {page.path}" for page in (HEALTH, READY, METRICS, DOCUMENT)),
    *("GET /static/{name}", "GET /live", "POST /sign-out", f"POST {SLACK.path}"),
    *("GET /sign-in", "POST /sign-in", "GET /welcome", "POST /welcome"),
}
"""What asks for no session and no token; each says for itself what it does ask for."""


def key_of(route: SiteRoute) -> str:
    return f"{route.method} {route.path}"


def filled(route: SiteRoute, office: Office, account: str | None) -> str:
    """Return an address of a page, about an account of the company where it is about one."""
    known = dict(SAMPLES)
    if account is not None:
        known |= {"account": account, "handoff": office.handoff_of(account)}
    query = ""
    if "{picture}" in route.path:
        known["picture"], query = picture_of(office, route, known["report"])
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: known[found[1]], route.path) + query


def picture_of(office: Office, route: SiteRoute, report: str) -> tuple[str, str]:
    """Return the name of a picture, which is made for that, and the query that asks for it."""
    day = office.project.looker.latest_day()
    assert day is not None
    if route.path.startswith(PROOF):
        asked, query = asked_of_past(office.project, "backtest"), "?study=backtest"
    else:
        asked, query = asked_of(office.project, KINDS[report], day), f"?as_of={day}"
    made = office.served.server.site.reports.get(asked).result(120)
    return next(iter(made.svgs)), query


def ask(browser: Browser, route: SiteRoute, path: str, *, csrf: str = "") -> httpx.Response:
    if route.method == "GET":
        return browser.get(path)
    return browser.client.post(path, data={"csrf": csrf})


def text_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.text


def test_the_table_names_every_page_and_nothing_else() -> None:
    assert {key_of(route): {str(role) for role in route.roles} for route in ROUTES} == MAY


def test_a_route_that_changes_something_is_no_get() -> None:
    for route in ROUTES:
        assert (route.method == "GET") == route.handle.__name__.startswith(
            ("show_", "find_", "export_")
        ), key_of(route)


def test_a_path_that_names_an_account_or_a_handoff_is_about_it() -> None:
    for route in ROUTES:
        named = re.search(r"\{(account|handoff)[:}]", route.path)
        assert route.about == (named[1] if named else None), key_of(route)


def test_every_route_of_the_server_is_in_a_table(office: Office) -> None:
    known = {key_of(route) for route in ROUTES} | PUBLIC
    known |= {f"{item.method} {item.path}" for item in OPERATIONS.values()}
    known |= {f"GET {page.path}" for page in PAGES if page.guarded}
    there = {
        f"{method} {route.path}"  # pyright: ignore[reportAttributeAccessIssue]
        for route in office.served.server.app._pages.routes
        for method in route.methods - {"HEAD"}  # pyright: ignore[reportAttributeAccessIssue]
    }
    assert there == known


@pytest.mark.parametrize("route", ROUTES, ids=key_of)
def test_whoever_did_not_sign_in_is_asked_to(office: Office, route: SiteRoute) -> None:
    browser = office.browser()
    answer = ask(browser, route, filled(route, office, office.mine))
    assert answer.status_code == 303
    assert answer.headers["location"].partition("?")[0] == "/sign-in"
    assert answer.text == ""


@pytest.mark.parametrize("who", ROLES)
def test_each_role_is_answered_what_the_table_says(office: Office, who: str) -> None:
    browser = office.browser(who)
    csrf = browser.csrf()
    lost = text_of(browser.get("/no/such/page"))
    assert lost[0] == 404
    for route in ROUTES:
        if route.about is not None:
            continue
        answer = ask(browser, route, filled(route, office, None), csrf=csrf)
        if ROLES[who] in MAY[key_of(route)]:
            assert answer.status_code in {200, 422, 303}, key_of(route)
            assert answer.headers.get("location") != "/sign-in", key_of(route)
        else:
            assert text_of(answer) == lost, key_of(route)


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("part", [False, True], ids=["page", "part"])
def test_what_is_somebody_elses_is_answered_as_what_is_not_there(
    office: Office, who: str, part: bool
) -> None:
    browser = office.browser(who)
    csrf = browser.csrf()
    if part:
        browser.client.headers["hx-request"] = "true"
    lost = text_of(browser.get("/no/such/page"))
    for route in ROUTES:
        if route.about is None:
            continue
        unknown = ask(browser, route, filled(route, office, None), csrf=csrf)
        for account, seen_by in ((office.mine, SEES_MINE), (office.theirs, SEES_THEIRS)):
            answer = ask(browser, route, filled(route, office, account), csrf=csrf)
            where = (key_of(route), account)
            if ROLES[who] not in MAY[key_of(route)]:
                assert text_of(answer) == text_of(unknown) == lost, where
            elif who in seen_by:
                assert answer.status_code in {200, 422}, where
                assert "not-seen" not in answer.text, where
            else:
                assert text_of(answer) == text_of(unknown), where
                assert answer.status_code == 404, where


def test_a_rep_gives_no_handoff_to_somebody_else(office: Office) -> None:
    """The action `reassign` has a page of its own, for managers."""
    browser = office.browser(REP)
    handoff = office.handoff_of(office.mine)
    answer = browser.send(f"/handoffs/{handoff}/reassign", to=OTHER_REP)
    assert answer.status_code == 404
    assert office.project.handoffs.get(handoff).owner == REP


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda item: item.path)
def test_no_operation_is_done_for_whoever_bears_no_token(office: Office, operation) -> None:
    browser = office.browser(ADMIN)  # a session is none
    answer = browser.client.request(operation.method, operation.path)
    assert answer.status_code == 401


def test_the_roles_of_the_table_are_all_there_are() -> None:
    assert set(ROLES.values()) == EVERYBODY == {str(role) for role in Role}
