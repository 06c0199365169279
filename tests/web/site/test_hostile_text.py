"""Whatever our customers, their tools and our colleagues are called is text wherever it shows.

Every text that comes from outside is a piece of markup that would leave a tag of a name of its own
in a page, a picture or a file, wherever it were not escaped.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import altair as alt
import httpx
import polars as pl
import pytest
import pytest_socket

from groundswell.api.gate import scope_of
from groundswell.api.operations import OPERATIONS
from groundswell.engine.colleagues import Scope
from groundswell.engine.keys import Keys
from groundswell.engine.reports import Notice
from groundswell.engine.sight import without_people
from groundswell.web.document import Picture, Report, Section
from groundswell.web.site import ROUTES
from groundswell.web.site.accounts import FILTERS
from groundswell.web.site.reports import KINDS, asked_of

from .conftest import ADMIN, ANALYST, CONFIG, MANAGER, OTHER_REP, REP, company_rows, open_office
from .test_authorisation import MAY, filled, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Office

EVIL = "\"'><gs-evil onevil=1></script></title></textarea></svg>`<gs-evil>`{{7*191}}${7*191}"
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1"]
NOON = dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC)
PAGES = [route for route in ROUTES if route.method == "GET" and "{picture}" not in route.path]


def evil(number: int) -> str:
    return f"{number} {EVIL}"


def hostile_facts() -> dict[str, list[dict[str, Any]]]:
    """Return the facts of the company, every free text of which is hostile."""
    found = company_rows()
    for number, account in enumerate(found["accounts"]):
        account |= {"name": evil(number), "industry": EVIL, "country": EVIL, "plan": EVIL}
    found["accounts"][5]["name"] = FORMULAS[0]
    for number, formula in enumerate(FORMULAS):
        found["accounts"][10 + number]["name"] = formula
    found["users"] = [
        {
            "user_id": f"u{number}",
            "name": evil(number),
            "email": f"u{number}@firm.example",
            "title": EVIL,
            "account_id": account["account_id"],
        }
        for number, account in enumerate(found["accounts"])
    ]
    found["events"] += [
        {
            "message_id": f"evil-{number}",
            "user_id": f"u{number}",
            "account_id": account["account_id"],
            "event": EVIL,
            "timestamp": "2026-06-28T09:00:00Z",
            "properties": {"plan": EVIL, EVIL: EVIL},
        }
        for number, account in enumerate(found["accounts"])
    ]
    for ticket in found["tickets"]:
        ticket["topic"] = EVIL
    for deal in found["opportunities"]:
        if deal.get("lost_reason"):
            deal["lost_reason"] = EVIL
    return found


def hostile_config() -> dict[str, Any]:
    teams = json.loads(json.dumps(CONFIG["teams"]))
    for team in teams.values():
        for member in team["members"]:
            member["name"] = EVIL
    return {**CONFIG, "company": EVIL, "teams": teams}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A company of which everything is called badly."""
    pytest_socket.enable_socket()
    folder = tmp_path_factory.mktemp("office")
    with open_office(folder, facts=hostile_facts(), config=hostile_config()) as opened:
        team = opened.served.server.site.colleagues
        team.add("evil@ours.example", role="rep", name=EVIL, password="correct horse battery")
        with Keys.open(folder, clock=opened.project.clock) as keys:
            keys.create(EVIL, "segment")
        admin = opened.browser(ADMIN)
        admin.send("/admin/keys/create", name=EVIL[:100], scope="read")
        for who in (ADMIN, REP, MANAGER, ANALYST):
            opened.browser(who).send("/views/keep", name=EVIL[:60], search=EVIL)
        rep, other = opened.browser(REP), opened.browser(OTHER_REP)
        note = {"reason": "other", "note": EVIL}
        rep.send(f"/handoffs/{opened.handoff_of(opened.mine)}/snooze", days="1", note=EVIL)
        other.send(f"/handoffs/{opened.handoff_of(opened.theirs)}/decline", **note)
        yield opened


class Seen(HTMLParser):
    """What a browser would make of a page: tags, attributes, and text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def check(html: str, where: object) -> int:
    """See that nothing hostile is more than text; return how often it shows."""
    seen = Seen(html)
    assert "gs-evil" not in seen.tags, where
    names = {name for name, _ in seen.attributes}
    assert not [name for name in names if name.startswith("on")], where
    assert "style" not in names, where
    assert str(7 * 191) not in html, where  # no template was run
    for name, value in seen.attributes:
        if name in {"href", "src", "action", "hx-get", "hx-post", "data-href", "data-live"}:
            assert (value or "").startswith(("/", "#", "data:image/svg+xml")), (where, name, value)
            assert "<" not in (value or ""), (where, name, value)
    assert seen.tags.count("script") == html.count('<script src="/static/'), where
    return sum("gs-evil" in text for text in seen.texts)


@pytest.mark.parametrize("who", [REP, MANAGER, ANALYST, ADMIN])
def test_nothing_is_more_than_text_on_any_page(office: Office, who: str) -> None:
    browser = office.browser(who)
    role = {REP: "rep", MANAGER: "manager", ANALYST: "analyst", ADMIN: "admin"}[who]
    shown: dict[str, int] = {}
    for route in PAGES:
        if role not in MAY[key_of(route)] or route.path.endswith(".csv"):
            continue
        for part in ({}, {"hx-request": "true"}):
            path = filled(route, office, office.mine)
            answer = browser.get(path, **part)
            assert answer.status_code == 200, path
            shown[route.path] = max(check(answer.text, path), shown.get(route.path, 0))
    for path in ("/", "/accounts", "/accounts/{account:path}", "/use/{account:path}"):
        assert shown[path] > 0, f"{path} shows nothing hostile, so that this proves nothing"


def test_no_page_tells_an_analyst_who_the_people_of_an_account_are(office: Office) -> None:
    told: dict[str, int] = {}
    for who in (ANALYST, ADMIN):
        browser = office.browser(who)
        for account in (office.mine, office.theirs):
            pages = [browser.get(filled(route, office, account)).text for route in PAGES]
            told[who] = told.get(who, 0) + sum(page.count("@firm.example") for page in pages)
    assert told[ADMIN] > 0
    assert told[ANALYST] == 0


@pytest.mark.parametrize("scope", ["read", "people"])
def test_a_key_is_told_who_the_people_of_an_account_are_by_its_scope(
    office: Office, scope: str
) -> None:
    """Every operation that a key of scope `read` opens is asked for all that it could be about."""
    team = office.served.server.site.colleagues
    key = team.create_api_key(f"Told {scope}", scope=scope, by=ADMIN).key
    bearing = {"authorization": f"Bearer {key}"}
    told: dict[str, int] = {}
    with httpx.Client(base_url=office.served.url, headers=bearing, timeout=120) as program:
        for operation in OPERATIONS.values():
            if scope_of(operation) != Scope.READ or operation.name == "doctor":
                continue
            takes = operation.arguments.__struct_fields__
            for account in (office.mine, office.theirs):
                asked = {"account": account, "account_id": account, "name": account, "who": ADMIN}
                if operation.name == "handoffs.get":
                    asked["name"] = office.handoff_of(account)
                asked = {name: value for name, value in asked.items() if name in takes}
                answer = program.get(operation.path, params=asked)
                assert answer.status_code != 403, answer.text
                found = answer.text.count("@firm.example") + _ids(answer)
                told[operation.name] = told.get(operation.name, 0) + found
    shown = {name for name, count in told.items() if count}
    hidden = {"brief", "desk.account", "explain"}
    assert shown == (hidden if scope == "people" else set())


def _ids(answer: httpx.Response) -> int:
    """Return how many users' ids are told in an answer."""
    return len(re.findall(r'"user_id":"u\d+"', answer.text))


def test_the_feed_tells_of_what_is_done_without_who_did_it() -> None:
    notice = Notice("event", NOON, "Signed Up", "Means signed_up.", who="u1", account="a1")
    assert without_people([notice]) == [replace(notice, who=None)]
    assert without_people(replace(notice, who=None)) == replace(notice, who=None)


@pytest.mark.parametrize(
    ("path", "least"),
    [("/team", 3), ("/health", 1), ("/admin", 2), ("/?every=yes", 2), ("/find?search=gs-evil", 1)],
)
def test_hostile_names_show_where_they_belong(office: Office, path: str, least: int) -> None:
    assert check(office.browser(ADMIN).get(path).text, path) >= least


def test_what_is_asked_is_shown_as_text(office: Office) -> None:
    browser = office.browser(ADMIN)
    for name in (*FILTERS, "first", "as_of", "next"):
        for page in ("/accounts", f"/accounts/{office.mine}", "/reports/payback", "/sign-in"):
            check(browser.client.get(page, params={name: EVIL}).text, (page, name))
    wrong = browser.client.post("/sign-in", data={"email": EVIL, "password": EVIL, "next": EVIL})
    check(wrong.text, "sign-in")
    check(browser.send("/admin/colleagues/add", email=EVIL, name=EVIL, role=EVIL).text, "add")
    check(browser.send("/admin/keys/revoke", name=EVIL).text, "revoke")
    handoff = office.handoff_of(office.mine)
    check(browser.send(f"/handoffs/{handoff}/decline", reason=EVIL, note=EVIL).text, "decline")
    check(browser.send(f"/handoffs/{handoff}/reassign-to", to=EVIL).text, "reassign")
    for page in ("/accounts/", "/use/", "/reports/", "/no/such/"):
        check(browser.get(page + "%3Cgs-evil%20onevil=1%3E").text, page)


@pytest.mark.parametrize("kind", KINDS)
def test_reports_and_their_pictures_hold_text_alone(office: Office, kind: str) -> None:
    shelf = office.served.server.site.reports
    day = office.project.looker.latest_day()
    assert day is not None
    made = shelf.get(asked_of(office.project, KINDS[kind], day)).result(180)
    browser = office.browser(ADMIN)
    page = browser.get(f"/reports/{kind}")
    assert "It is being made" not in page.text
    check(page.text, kind)
    for name in made.svgs:
        answer = browser.get(f"/reports/{kind}/{name}.svg?as_of={day}")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        root = ET.fromstring(answer.text)
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert tags <= {"svg", "g", "path", "rect", "line", "text", "tspan", "title", "circle"} | {
            *("defs", "clipPath", "style", "image", "linearGradient", "stop")
        }, name
        for element in root.iter():
            for attribute, value in element.attrib.items():
                assert not attribute.lower().startswith("on"), (name, attribute)
                assert "javascript:" not in value.lower(), (name, attribute)


def test_a_picture_of_hostile_names_shows_them_as_text() -> None:
    """The same path from a label to SVG as every report takes, with a label that is hostile."""
    chart = (
        alt.Chart(pl.DataFrame({"who": [EVIL], "count": [3]}))
        .mark_bar()
        .encode(x="count", y="who")
        .properties(title=EVIL)
    )
    picture = Picture(name="p", title=EVIL, caption=EVIL, chart=chart)
    report = Report(EVIL, EVIL, verdict=(), sections=(Section(EVIL, pictures=(picture,)),))
    (svg,) = report.render_pictures().values()
    root = ET.fromstring(svg)
    assert not [one for one in root.iter() if one.tag.endswith("gs-evil")]
    assert any("gs-evil" in (one.text or "") for one in root.iter())


def test_no_cell_of_a_file_is_a_formula(office: Office) -> None:
    answer = office.browser(ADMIN).get("/accounts.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    cells = [cell for row in csv.reader(io.StringIO(answer.text, newline="")) for cell in row]
    assert [cell for cell in cells if cell.lstrip(" ")[:1] in set("=+-@\t\r\n\uff1d")] == []
    for formula in FORMULAS:
        assert any(formula.strip() in cell for cell in cells if cell.startswith("'")), formula
