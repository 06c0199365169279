"""Signing in by an identity provider: a real one, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
import pytest_socket

from groundswell.web.site.answering import COOKIE
from groundswell.web.site.provider import BACK, BEGIN, WAY_COOKIE
from tests.server.conftest import serving
from tests.server.test_killed_server import free_port

from .conftest import PASSWORD, Browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.server.conftest import Served

pytestmark = pytest.mark.loopback
SECRET = "the-secret-of-the-client"
CONFIG = """\
company: Small Co
sign_in:
  password: {password}
  oidc:
    issuer: {issuer}
    client_id: groundswell
    client_secret: ${{OIDC_SECRET}}
    name: Example ID
    roles:
      map: {{sales-managers: manager, boss: admin}}
      default: {default}
    domains: [ours.example]
"""
DEADLINE = 60.0


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A real provider."""
    pytest_socket.enable_socket()
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--require-nonce", "true"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"},
    )
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            httpx.get(f"{address}/jwks")
            break
        except httpx.HTTPError:
            assert process.poll() is None, "the provider died while it started"
            assert time.monotonic() < deadline, "the provider did not start"
            time.sleep(0.1)
    yield address
    process.terminate()
    process.wait(30)


@dataclass
class Office:
    """A server whose colleagues sign in by a provider."""

    issuer: str
    served: Served
    opened: list[Browser] = field(default_factory=list)

    @property
    def colleagues(self) -> Any:
        return self.served.server.site.colleagues

    def browser(self) -> Browser:
        self.opened.append(Browser(self.served.url))
        return self.opened[-1]

    def know(self, subject: str, **claims: object) -> None:
        """Let the provider know somebody."""
        told = {"email_verified": True, **claims}
        httpx.put(f"{self.issuer}/users/{quote(subject)}", json=told).raise_for_status()

    def back_from(self, browser: Browser, subject: str, wanted: str = "/accounts") -> str:
        """Go to the provider, say who one is, and return where the browser is sent back to."""
        out = browser.client.get(BEGIN, params={"next": wanted})
        assert out.status_code == 303, out.text
        assert out.headers["location"].startswith(self.issuer)
        answer = httpx.post(out.headers["location"], data={"sub": subject})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def sign_in(self, browser: Browser, subject: str, wanted: str = "/accounts") -> httpx.Response:
        return browser.client.get(self.back_from(browser, subject, wanted))


@pytest.fixture(scope="module")
def office(issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    config = CONFIG.format(issuer=issuer, password="true", default="null")
    folder = tmp_path_factory.mktemp("office")
    with serving(folder, config, runs=False, environ={"OIDC_SECRET": SECRET}) as served:
        made = Office(issuer, served)
        made.colleagues.add("root@ours.example", role="admin", password=PASSWORD)
        yield made
        for browser in made.opened:
            browser.client.close()


def problem(answer: httpx.Response) -> str:
    found = re.search(r'id="problem"><div><p class="mb-1"><strong>(.+?)</strong>', answer.text)
    return found[1] if found else ""


def test_whoever_the_provider_knows_comes_in_as_their_claims_say(office: Office) -> None:
    office.know("m-1", email="Meg@ours.example", name="Meg Moss", groups=["all", "sales-managers"])
    browser = office.browser()
    page = browser.get("/sign-in?next=/team")
    assert "Sign in with Example ID" in page.text
    assert f'href="{BEGIN}?next=%2Fteam"' in page.text
    answer = office.sign_in(browser, "m-1", "/team")
    assert (answer.status_code, answer.headers["location"]) == (303, "/team")
    assert browser.get("/team").status_code == 200
    made = office.colleagues.get("meg@ours.example")
    assert (made.role, made.name, made.password) == ("manager", "Meg Moss", None)
    assert made.subject == f"{office.issuer} m-1"
    assert WAY_COOKIE not in browser.client.cookies
    told = [entry.action for entry in office.colleagues.audit(limit=2)]
    assert told == ["sign_in", "colleague.add"]


def test_what_goes_out_is_bound_to_the_browser(office: Office) -> None:
    """State, nonce and a challenge go out; what they were made of stays in a signed cookie."""
    out = office.browser().client.get(BEGIN)
    asked = {
        name: value[0] for name, value in parse_qs(urlsplit(out.headers["location"]).query).items()
    }
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 43
    assert len(asked["nonce"]) >= 43
    assert asked["redirect_uri"] == office.served.url + BACK
    (cookie,) = out.headers.get_list("set-cookie")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert f"Path={BEGIN}" in cookie
    assert "Max-Age=600" in cookie
    assert SECRET not in cookie + out.headers["location"]


@pytest.mark.parametrize("change", ["state", "no cookie", "cookie", "other browser", "issuer"])
def test_nobody_comes_back_who_did_not_go_out(office: Office, change: str) -> None:
    office.know("m-2", email="max@ours.example", groups=["sales-managers"])
    browser = office.browser()
    back = office.back_from(browser, "m-2")
    match change:
        case "state":
            back = re.sub(r"state=\w", "state=_", back)
        case "no cookie":
            browser.client.cookies.clear()
        case "cookie":
            sealed = browser.client.cookies[WAY_COOKIE]
            browser.client.cookies.clear()
            browser.client.cookies.set(WAY_COOKIE, "A" + sealed[1:])
        case "other browser":
            browser = office.browser()
            browser.client.get(BEGIN)
        case _:
            back += "&iss=https://evil.example"
    answer = browser.client.get(back)
    assert answer.status_code == 401
    assert problem(answer)
    assert COOKIE not in browser.client.cookies


def test_a_way_back_is_gone_once(office: Office) -> None:
    office.know("m-2", email="max@ours.example", groups=["sales-managers"])
    browser = office.browser()
    sealed = ""
    back = office.back_from(browser, "m-2")
    sealed = browser.client.cookies[WAY_COOKIE]
    assert browser.client.get(back).status_code == 303
    thief = office.browser()
    thief.client.cookies.set(WAY_COOKIE, sealed, path=BEGIN)
    assert thief.client.get(back).status_code == 401


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        (
            {"email": "x@ours.example", "email_verified": False, "groups": ["boss"]},
            "did not verify",
        ),
        (
            {"email": "x@ours.example", "email_verified": "true", "groups": ["boss"]},
            "did not verify",
        ),
        ({"groups": ["boss"]}, "did not verify"),
        ({"email": "x@evil.example", "groups": ["boss"]}, "did not verify"),
        ({"email": "x@ours.example.evil.example", "groups": ["boss"]}, "did not verify"),
        ({"email": "x@ours.example", "groups": ["nobody"]}, "Nobody who may sign in"),
        ({"email": "x@ours.example", "groups": "nothing"}, "Nobody who may sign in"),
        ({"email": "x@ours.example"}, "Nobody who may sign in"),
    ],
    ids=str,
)
def test_whoever_may_not_come_does_not(office: Office, claims: dict[str, Any], said: str) -> None:
    office.know("stranger", **claims)
    browser = office.browser()
    answer = office.sign_in(browser, "stranger")
    assert answer.status_code == 401
    assert said in problem(answer)
    assert COOKIE not in browser.client.cookies
    assert not any(one.email.startswith("x@") for one in office.colleagues.list())


def test_who_was_added_comes_in_as_what_they_are_and_the_first_subject_is_theirs(
    office: Office,
) -> None:
    office.colleagues.add("ann@ours.example", role="analyst", password=PASSWORD)
    office.know("a-1", email="ann@ours.example", groups=["boss"])
    assert office.sign_in(office.browser(), "a-1").status_code == 303
    assert office.colleagues.get("ann@ours.example").role == "analyst"
    assert office.colleagues.get("ann@ours.example").subject == f"{office.issuer} a-1"
    office.know("a-2", email="ann@ours.example", groups=["boss"])
    assert office.sign_in(office.browser(), "a-2").status_code == 401
    office.know("a-1", email="ann.ash@ours.example", groups=["boss"])
    browser = office.browser()
    assert office.sign_in(browser, "a-1").status_code == 303
    assert "ann@ours.example" in repr(office.colleagues.whose(browser.client.cookies[COOKIE]))


def test_who_is_locked_out_stays_out(office: Office) -> None:
    office.know("l-1", email="lea@ours.example", groups=["sales-managers"])
    browser = office.browser()
    assert office.sign_in(browser, "l-1").status_code == 303
    office.colleagues.disable("lea@ours.example", by="root@ours.example")
    assert browser.get("/").status_code == 303
    assert office.sign_in(office.browser(), "l-1").status_code == 401


def test_nobody_is_led_elsewhere_by_the_provider(office: Office) -> None:
    office.know("m-2", email="max@ours.example", groups=["sales-managers"])
    answer = office.sign_in(office.browser(), "m-2", "//evil.example")
    assert answer.headers["location"] == "/"


def test_passwords_can_be_switched_off(issuer: str, tmp_path) -> None:
    config = CONFIG.format(issuer=issuer, password="false", default="rep")
    with serving(tmp_path, config, runs=False, environ={"OIDC_SECRET": SECRET}) as served:
        office = Office(issuer, served)
        token = served.server.site.first_run
        browser = office.browser()
        assert served.server.way_in(served.url) == served.url
        assert browser.get(f"/welcome?token={token}").status_code == 404
        assert 'type="password"' not in browser.get("/sign-in").text
        office.know("b-1", email="bo@ours.example", groups=["boss"])
        office.know("r-1", email="rex@ours.example")
        assert office.sign_in(browser, "b-1").status_code == 303
        assert browser.get("/admin").status_code == 200
        assert office.sign_in(office.browser(), "r-1").status_code == 303
        assert office.colleagues.get("rex@ours.example").role == "rep"
        office.colleagues.change_password("bo@ours.example", PASSWORD, by="")
        answer = office.browser().sign_in("bo@ours.example")
        assert (answer.status_code, COOKIE in answer.cookies) == (403, False)
        for one in office.opened:
            one.client.close()


def test_a_provider_that_is_away_is_told(tmp_path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    config = CONFIG.format(issuer=address, password="true", default="null")
    with serving(tmp_path, config, runs=False, environ={"OIDC_SECRET": SECRET}) as served:
        answer = httpx.get(f"{served.url}{BEGIN}")
        assert answer.status_code == 502
        assert "does not answer" in problem(answer)
        assert SECRET not in answer.text
        assert httpx.get(f"{served.url}/sign-in").status_code == 200
