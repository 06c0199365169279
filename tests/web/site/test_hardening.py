"""What comes from elsewhere changes nothing, and what is asked in bad faith is answered plainly."""

from __future__ import annotations

import http.client
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import pytest_socket

from groundswell.api.headers import GUARDING
from groundswell.web.site import ROUTES
from groundswell.web.site.answering import COOKIE, MAX_BODY, SECURITY_HEADERS

from .conftest import ADMIN, CONFIG, OTHER_REP, PASSWORD, REP, open_office
from .test_authorisation import filled, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from .conftest import Office

POSTS = [route for route in ROUTES if route.method == "POST"]
GETS = [route for route in ROUTES if route.method == "GET"]
SECRET = "s3cr3t-of-the-environment"
INJECTIONS = [
    "' OR '1'='1",
    "'; DROP TABLE colleagues; --",
    '" OR 1=1 --',
    "%' AND 1=(SELECT COUNT(*) FROM sessions) --",
    "a03') UNION SELECT password FROM colleagues --",
    "{{7*7}} ${7*7} %s %(who)s \\",
    "\x00",
    "\ud7ff\uffff",
    "(a+)+$" * 20,
]
OUTSIDE = [
    *("..", "../..", "../../etc/passwd", "....//....//etc/passwd", "/etc/passwd", "C:\\boot.ini"),
    *(".", "a03/..", "../accounts/a03", "groundswell.yaml", "../groundswell.yaml", "a\0b"),
    *("mark.svg/../../templates/base.html", "LICENSES.txt", "templates/base.html", "__init__.py"),
]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A company that sends somewhere, with a secret."""
    told = {"type": "webhook", "url": "${HOOK}", "secret": "${HOOK_SECRET}"}
    environ = {
        "HOOK": f"https://hooks.example/{SECRET}",
        "HOOK_SECRET": f"whsec_{'c2VjcmV0' * 5}",
    }
    config = {**CONFIG, "destinations": {"hook": told}}
    folder = tmp_path_factory.mktemp("office")
    pytest_socket.enable_socket()
    with open_office(folder, config=config, environ=environ) as opened:
        yield opened


def state_of(office: Office) -> list[object]:
    """Return all that a page could change."""
    ledger = office.project.ledger
    keys = [(key.name, key.revoked_at) for key in ledger.api_keys()]
    views = [ledger.views(one.email) for one in ledger.colleagues()]
    handed = sorted(office.project.handing.book.refresh().all(), key=lambda one: one.handoff_id)
    states = [(one.name, one.paused, one.waiting) for one in office.project.handoffs.states()]
    rules = (office.served.folder / "groundswell.yaml").read_text(encoding="utf-8")
    return [ledger.colleagues(), keys, views, handed, states, rules]


# --- what comes from elsewhere --------------------------------------------------------------------


FORGERIES: dict[str, tuple[dict[str, str], str]] = {
    "no token": ({}, ""),
    "a wrong token": ({}, "0" * 64),
    "the token of another session": ({}, "theirs"),
    "another origin": ({"origin": "https://evil.example"}, "mine"),
    "an origin without a name": ({"origin": "null"}, "mine"),
    "another site": ({"sec-fetch-site": "cross-site"}, "mine"),
    "a sister site": ({"sec-fetch-site": "same-site"}, "mine"),
    "another kind of body": ({"content-type": "text/plain"}, "mine"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_comes_from_elsewhere_changes_nothing(office: Office, forgery: str) -> None:
    browser, other = office.browser(ADMIN), office.browser(ADMIN)
    headers, token = FORGERIES[forgery]
    known = {"mine": browser.csrf(), "theirs": other.csrf()}
    form = {"csrf": known.get(token, token), "name": "x", "email": "x@ours.example"}
    form |= {"role": "admin", "scope": "admin", "destination": "hook", "reason": "too small"}
    before = state_of(office)
    for route in POSTS:
        path = filled(route, office, office.mine)
        if "content-type" in headers:
            body = "&".join(f"{name}={quote(value)}" for name, value in form.items())
            answer = browser.client.post(path, content=body, headers=headers)
        else:
            answer = browser.client.post(path, data=form, headers=headers)
        assert answer.status_code == 403, key_of(route)
        assert "page-foreign" in answer.text, key_of(route)
    assert state_of(office) == before


@pytest.mark.parametrize("path", ["/sign-in", "/welcome"])
@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
    ids=str,
)
def test_nobody_is_signed_in_by_another_site(office: Office, path: str, headers) -> None:
    form = {"email": REP, "password": PASSWORD, "token": office.served.server.site.first_run}
    answer = office.browser().client.post(path, data=form, headers=headers)
    assert answer.status_code == 403
    assert COOKIE not in answer.cookies


def test_the_pages_own_forms_are_taken(office: Office) -> None:
    browser = office.browser(ADMIN)
    headers = {"origin": office.served.url, "sec-fetch-site": "same-origin"}
    form = {"csrf": browser.csrf(), "name": "Mine", "sort": "name"}
    assert browser.client.post("/views/keep", data=form, headers=headers).status_code == 303
    by_header = {**headers, "x-csrf-token": form.pop("csrf")}
    assert browser.client.post("/views/drop", data=form, headers=by_header).status_code == 303


def test_looking_changes_nothing(office: Office) -> None:
    browser = office.browser(ADMIN)
    before = state_of(office)
    told = {"change": "disable", "email": REP, "name": "x", "scope": "admin", "role": "admin"}
    told |= {"destination": "hook", "csrf": browser.csrf(), "to": OTHER_REP}
    for route in GETS:
        browser.client.get(filled(route, office, office.mine), params=told)
    for route in POSTS:
        path = filled(route, office, office.mine)
        assert browser.client.get(path, params=told).status_code in {404, 405}, key_of(route)
        override = {"x-http-method-override": "POST"}
        browser.client.get(path, params={**told, "_method": "POST"}, headers=override)
    assert state_of(office) == before


# --- what every answer bears ----------------------------------------------------------------------


def test_every_answer_keeps_to_itself(office: Office) -> None:
    browser, stranger = office.browser(ADMIN), office.browser()
    asked: list[httpx.Response] = [
        browser.get("/"),
        browser.get("/no/such/page"),
        browser.get("/accounts/no-such-account"),
        browser.get("/accounts?first=x"),
        browser.get("/accounts/a03?as_of=never"),
        browser.get("/accounts.csv"),
        browser.client.post("/admin/keys/create"),
        browser.client.put("/admin"),
        browser.client.head("/team"),
        stranger.get("/"),
        stranger.get("/no/such/page"),
        stranger.get("/sign-in"),
        stranger.get("/welcome"),
        stranger.sign_in(REP, "wrong horse battery"),
        stranger.get("/static/none.css"),
        stranger.get("/static/theme.js"),
        stranger.get("/static/mark.svg"),
        stranger.get("/live"),
        stranger.get("/healthz"),
        stranger.get("/metrics"),
        stranger.get("/openapi.json"),
        stranger.get("/v1/accounts"),
        stranger.get("/v1/no/such/operation"),
        stranger.client.post("/v1/slack/actions", content=b"x"),
        stranger.client.request("OPTIONS", "/v1/offer"),
    ]
    for answer in asked:
        where = (str(answer.request.url), answer.status_code)
        for name, _ in GUARDING:
            assert name.decode() in answer.headers, where
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, where
        assert "frame-ancestors 'none'" in policy, where
        assert "unsafe" not in policy, where
        assert answer.headers["x-content-type-options"] == "nosniff", where
        assert "server" not in answer.headers or answer.headers["server"] == "uvicorn", where
        if "/static/" not in str(answer.request.url) or answer.status_code == 404:
            assert "no-store" in answer.headers["cache-control"], where
    page = asked[0].headers
    assert {name: page[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_a_failure_of_the_server_says_nothing_of_it_and_is_guarded(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(type(office.project.handoffs), "queue", broken)
    with caplog.at_level(logging.CRITICAL):
        answer = office.browser(ADMIN).get("/")
    assert answer.status_code == 500
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


# --- what is asked in bad faith -------------------------------------------------------------------


@pytest.mark.parametrize("text", INJECTIONS, ids=range(len(INJECTIONS)))
def test_what_is_typed_is_looked_for_and_never_run(office: Office, text: str) -> None:
    browser = office.browser(ADMIN)
    before = state_of(office)
    for name in ("search", "tier", "motion", "owner"):
        for page in ("/accounts", "/accounts.csv"):
            answer = browser.client.get(page, params={name: text})
            assert answer.status_code == 200, (name, page)
            found = answer.text.count("\n") - 1 if page.endswith("csv") else answer.text
            assert found == 0 or "No account is so" in str(found), (name, page)
    for name in ("sort", "qualified"):  # what is no choice is none
        assert "60 accounts" in browser.client.get("/accounts", params={name: text}).text
    for name, page in (("as_of", f"/accounts/{office.mine}"), ("first", "/accounts")):
        assert browser.client.get(page, params={name: text}).status_code == 422
    for page in (f"/use/{office.mine}", "/reports/payback", "/reports/payback/x.svg"):
        assert browser.client.get(page, params={"as_of": text}).status_code == 422, page
    for page in ("/accounts/", "/reports/"):
        assert browser.get(page + quote(text, safe="")).status_code in {404, 422}, page
    assert "Nothing in 14 days" in browser.get("/use/" + quote(text, safe="")).text
    assert "No account" not in browser.client.get("/find", params={"search": text}).text
    kept = browser.send("/views/keep", name=text[:60], search=text)
    assert kept.status_code in {303, 422}
    browser.send("/views/drop", name=text[:60])
    assert state_of(office) == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("as_of", day) for day in ("0001-01-01", "9999-12-31", "20260630", "2026-W27-2")),
        *(("first", number) for number in ("0", "999999999", "٣")),
    ],
)
def test_an_odd_day_or_number_breaks_nothing(office: Office, name: str, text: str) -> None:
    browser = office.browser(ADMIN)
    for page in ("/accounts", f"/accounts/{office.mine}", f"/use/{office.mine}"):
        assert browser.client.get(page, params={name: text}).status_code in {200, 422}, page


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_path_leads_out_of_what_is_served(office: Office, name: str) -> None:
    browser = office.browser(ADMIN)
    made = quote(name, safe=""), quote(name, safe="/.\\").replace("\0", "%00")
    for place in ("/static/{}", "/reports/{}", "/reports/payback/{}.svg?as_of=2026-06-30"):
        for written in made:
            # By hand, as a client would take the dots out.
            answer = raw(office, place.format(written), browser.client.cookies[COOKIE])
            assert answer in {303, 404, 422}, (place, written)
    for written in made:
        assert raw(office, f"/static/{written}", "") in {303, 404}


def raw(office: Office, target: str, secret: str) -> int:
    """Return the status of a request whose path is sent as it is written."""
    host = office.served.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=60)
    try:
        connection.putrequest("GET", target, skip_host=False)
        connection.putheader("cookie", f"{COOKIE}={secret}")
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        assert b"{% " not in body
        assert b"root:" not in body
        return answer.status
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/sign-in", "/welcome", "/sign-out", "/views/keep", "/admin"])
def test_no_form_is_read_that_is_longer_than_ours(office: Office, path: str) -> None:
    browser = office.browser(ADMIN)
    if path == "/admin":
        path = "/admin/keys/create"
    body = b"name=" + b"a" * (MAX_BODY + 1)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = browser.client.post(path, content=body, headers=headers)
    assert answer.status_code == (303 if path == "/sign-out" else 413)
    fields = b"&".join(b"f%d=1" % number for number in range(201))
    answer = browser.client.post(path, content=fields, headers=headers)
    assert answer.status_code == (303 if path == "/sign-out" else 403)


def test_nothing_is_read_of_whoever_did_not_sign_in(office: Office) -> None:
    def endless() -> Iterator[bytes]:
        yield b"name="
        for _ in range(64):
            yield b"a" * MAX_BODY

    answer = office.browser().client.post("/views/keep", content=endless())
    assert answer.status_code == 303


# --- secrets --------------------------------------------------------------------------------------


def test_no_secret_is_on_a_page_in_the_log_or_in_an_error(
    office: Office, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = office.browser(ADMIN)
    team = office.served.server.site.colleagues
    key = team.create_api_key("Assistant", scope="read", by=ADMIN).key
    hashed = [one.password for one in team.list() if one.password]
    secrets = [SECRET, "c2VjcmV0c2VjcmV0", key, PASSWORD, browser.client.cookies[COOKIE]]
    secrets += [*hashed, office.served.token, office.served.server.site.first_run]
    answers = [browser.get(filled(route, office, office.mine)) for route in GETS]
    answers += [browser.send(filled(route, office, office.mine)) for route in POSTS]
    answers += [
        office.browser().sign_in(ADMIN, PASSWORD + "!"),
        browser.send("/health/pause", destination="hook", reason="to be tested"),
        browser.get("/health"),
        browser.send("/admin/keys/create", name="Assistant", scope="read"),
        office.browser().client.get("/v1/accounts", headers={"authorization": f"Bearer {key}x"}),
        office.browser().get("/openapi.json"),
        office.browser().get("/metrics"),
    ]
    browser.send("/health/resume", destination="hook")
    told = [answer.text for answer in answers]
    told += [
        record.getMessage()
        for record in caplog.records
        if not record.name.startswith(("httpx", "httpcore"))  # the test's own client
    ]
    told += [*capfd.readouterr(), repr(team.list()), repr(office.served.server.site)]
    told += [repr(entry) for entry in team.audit(limit=10_000)]
    for text in told:
        assert [secret for secret in secrets if secret in text] == []


def test_a_key_is_shown_once_and_a_first_password_too(office: Office) -> None:
    browser = office.browser(ADMIN)
    made = browser.send("/admin/keys/create", name="Once", scope="act").text
    (key,) = (word for word in made.replace("<", " ").replace(">", " ").split() if "gsw_" in word)
    assert key not in browser.get("/admin").text
    assert browser.send("/admin/keys/create", name="Once", scope="act").status_code == 422
