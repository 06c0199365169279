"""Signing in over HTTP: what is guessed, planted, left open or taken away lets nobody in."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest
import pytest_socket
from starlette.responses import Response

from groundswell.engine import colleagues as signing
from groundswell.engine.colleagues import (
    MOST_FAILURES_FROM,
    MOST_FAILURES_HERE,
    SESSION_LASTS,
    SESSION_RESTS,
)
from groundswell.store.colleagues import REFUSED
from groundswell.web.site.answering import COOKIE
from groundswell.web.site.signing_in import local_path, set_cookie
from tests.server.conftest import serving

from .conftest import ADMIN, ANALYST, MANAGER, OTHER_REP, PASSWORD, REP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.server.conftest import Served

    from .conftest import Browser, Office

WRONG = "wrong horse battery"
NOWHERE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "evil.example",
    "/\t/evil.example",
    "/\r\nset-cookie: a=b",
    "\\\\evil.example",
    "/" + "a" * 5_000,
    "",
]


def refused(office: Office) -> int:
    return sum(entry.action == REFUSED for entry in office.project.ledger.audit(limit=10_000))


def sign_in_from(office: Office, address: str, who: str, password: str) -> httpx.Response:
    """Sign in through a proxy on this machine, which says where a request comes from."""
    return httpx.post(
        f"{office.served.url}/sign-in",
        data={"email": who, "password": password},
        headers={"x-forwarded-for": address},
    )


# --- guessing -------------------------------------------------------------------------------------


def test_guesses_at_one_colleague_from_one_address_come_to_an_end(office: Office) -> None:
    for _ in range(MOST_FAILURES_HERE):
        assert sign_in_from(office, "192.0.2.1", REP, WRONG).status_code == 401
    right = sign_in_from(office, "192.0.2.1", REP, PASSWORD)
    assert "too often" in right.text
    assert COOKIE not in right.cookies
    assert sign_in_from(office, "192.0.2.2", REP, PASSWORD).status_code == 303


def test_guesses_from_one_address_come_to_an_end_whoever_they_are_at(office: Office) -> None:
    for number in range(MOST_FAILURES_FROM):
        sign_in_from(office, "192.0.2.3", f"u{number}@ours.example", WRONG)
    assert "too often" in sign_in_from(office, "192.0.2.3", MANAGER, PASSWORD).text


def test_guesses_that_come_together_are_counted_one_by_one(office: Office) -> None:
    before = refused(office)
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda _: sign_in_from(office, "192.0.2.4", ANALYST, WRONG).text,
                range(3 * MOST_FAILURES_HERE),
            )
        )
    assert sum("is wrong" in text for text in answers) == MOST_FAILURES_HERE
    assert refused(office) - before == MOST_FAILURES_HERE


@pytest.mark.parametrize("who", ["x" * 100_000, "a\0b@ours.example", "\u202eann@ours.example", ""])
def test_what_is_no_address_is_refused_and_written_down_in_short(office: Office, who: str) -> None:
    address = f"198.51.100.{secrets.randbelow(200)}"
    assert sign_in_from(office, address, who, WRONG).status_code == 401
    (entry,) = office.project.ledger.audit(limit=1)
    assert entry.action == REFUSED
    assert len(entry.who) <= 254
    assert entry.who.isprintable()


@pytest.mark.parametrize("who", [ADMIN, "nobody@ours.example", "locked@ours.example"])
def test_a_refusal_is_the_same_work_and_the_same_words(
    office: Office, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """As much is hashed for nobody as for somebody, so that the time does not tell either."""
    team = office.served.server.site.colleagues
    if not any(one.email == "locked@ours.example" for one in team.list()):
        team.add("locked@ours.example", role="rep", password=PASSWORD)
        team.disable("locked@ours.example", by=ADMIN)
    hashed: list[str] = []
    check = signing._is_password

    def counted(known: str, password: str) -> bool:
        hashed.append(known.rpartition("$")[0].rpartition("$")[0])
        return check(known, password)

    monkeypatch.setattr(signing, "_is_password", counted)
    password = PASSWORD if who.startswith("locked") else WRONG
    answer = sign_in_from(office, f"203.0.113.{len(who)}", who, password)
    assert hashed == ["$argon2id$v=19$m=65536,t=3,p=4"]
    assert answer.status_code == 401
    assert "The address or the password is wrong." in answer.text


# --- the cookie -----------------------------------------------------------------------------------


def cookie_of(answer: httpx.Response) -> set[str]:
    (cookie,) = answer.headers.get_list("set-cookie")
    return {part.strip().lower() for part in cookie.split(";")[1:]}


def test_no_script_and_no_other_site_is_given_the_cookie(office: Office) -> None:
    answer = office.browser().sign_in(REP)
    lasts = f"max-age={int(SESSION_LASTS.total_seconds())}"
    assert cookie_of(answer) == {"httponly", "samesite=lax", "path=/", lasts}


def test_behind_tls_the_cookie_is_sent_over_nothing_else(office: Office) -> None:
    answer = httpx.post(
        f"{office.served.url}/sign-in",
        data={"email": REP, "password": PASSWORD},
        headers={"x-forwarded-proto": "https", "origin": office.served.url},
    )
    assert "secure" in cookie_of(answer)
    response = Response()
    set_cookie(response, "s", secure=True)
    assert "Secure" in response.headers["set-cookie"]


def test_a_planted_session_is_not_taken_over(office: Office) -> None:
    browser = office.browser()
    planted = "planted-by-somebody-else"
    browser.client.cookies.set(COOKIE, planted)
    assert browser.get("/").status_code == 303
    answer = browser.sign_in(REP)
    assert answer.cookies[COOKIE] != planted
    thief = office.browser()
    thief.client.cookies.set(COOKIE, planted)
    assert thief.get("/").status_code == 303


def test_signing_in_again_ends_the_session_before(office: Office) -> None:
    browser = office.browser(REP)
    before = browser.client.cookies[COOKIE]
    browser.sign_in(OTHER_REP)
    old = office.browser()
    old.client.cookies.set(COOKIE, before)
    assert old.get("/").status_code == 303


# --- sessions end ---------------------------------------------------------------------------------


def is_in(browser: Browser) -> bool:
    return browser.get("/find").status_code == 200


def test_a_session_ends_with_signing_out(office: Office) -> None:
    browser = office.browser(REP)
    secret = browser.client.cookies[COOKIE]
    foreign = browser.client.post("/sign-out", data={"csrf": "0" * 64})
    assert foreign.status_code == 303
    assert is_in(browser)
    browser.send("/sign-out")
    other = office.browser()
    other.client.cookies.set(COOKIE, secret)
    assert not is_in(other)


@pytest.mark.parametrize(
    "change",
    [{"change": "role", "role": "analyst"}, {"change": "password"}, {"change": "disable"}],
    ids=lambda change: change["change"],
)
def test_a_session_ends_with_a_change_of_who_holds_it(office: Office, change) -> None:
    team = office.served.server.site.colleagues
    who = f"{change['change']}@ours.example"
    team.add(who, role="rep", password=PASSWORD)
    browser = office.browser(who)
    assert is_in(browser)
    office.browser(ADMIN).send("/admin/colleagues/change", email=who, **change)
    assert not is_in(browser)


def test_a_session_ends_when_nobody_asks_and_after_its_time(office: Office) -> None:
    clock = office.project.clock
    used, left, open_page = (office.browser(ANALYST) for _ in range(3))
    for _ in range(SESSION_LASTS // (SESSION_RESTS / 2) - 1):
        clock.advance(SESSION_RESTS / 2)  # pyright: ignore[reportAttributeAccessIssue]
        assert is_in(used)
        # A page that stays open asks by itself, which is nobody's doing.
        open_page.get("/find", **{"x-refresh": "yes"})
        open_page.client.head("/live")
    assert not is_in(left)
    assert not is_in(open_page)
    clock.advance(SESSION_RESTS / 2)  # pyright: ignore[reportAttributeAccessIssue]
    assert not is_in(used)


# --- where to -------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", NOWHERE, ids=range(len(NOWHERE)))
def test_nobody_is_led_elsewhere_by_signing_in(office: Office, wanted: str) -> None:
    browser = office.browser()
    answer = browser.client.post(
        "/sign-in", data={"email": OTHER_REP, "password": PASSWORD, "next": wanted}
    )
    assert answer.headers["location"] == "/"
    page = browser.client.get("/sign-in", params={"next": wanted})
    assert 'name="next" value="/"' in page.text


def test_a_page_of_ours_is_led_to_whatever_it_is_called(office: Office) -> None:
    answer = office.browser().client.post(
        "/sign-in", data={"email": OTHER_REP, "password": PASSWORD, "next": "/accounts/€ & ü?a=%2F"}
    )
    assert answer.headers["location"] == "/accounts/%E2%82%AC%20&%20%C3%BC?a=%2F"
    assert local_path("/a?b=c&d=e") == "/a?b=c&d=e"


# --- the first admin ------------------------------------------------------------------------------


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    """A server that nobody can sign in to yet."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "localhost"], allow_unix_socket=True)
    with serving(tmp_path, runs=False) as served:
        yield served


@pytest.mark.loopback
def test_the_address_that_makes_the_first_admin_makes_one(fresh: Served) -> None:
    token = fresh.server.site.first_run
    assert httpx.get(f"{fresh.url}/welcome").status_code == 404
    assert httpx.get(f"{fresh.url}/welcome?token={token}x").status_code == 404
    assert httpx.get(f"{fresh.url}/welcome?token={token}").status_code == 200

    def begin(number: int, token: str = token) -> int:
        form = {"token": token, "email": f"a{number}@ours.example", "password": PASSWORD}
        return httpx.post(f"{fresh.url}/welcome", data=form).status_code

    assert begin(0, token="guessed") == 404
    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(begin, range(8)))
    assert answers == [303] + [404] * 7
    assert len(fresh.server.site.colleagues.list()) == 1
    assert httpx.get(f"{fresh.url}/welcome?token={token}").status_code == 404
    assert fresh.server.way_in(fresh.url) == fresh.url
