"""Offers as a page asks for them: which, to whom, until it is dismissed, and nothing else told."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from groundswell.api.intake_only import IntakeServer
from groundswell.clock import FixedClock
from groundswell.engine import Project
from groundswell.engine.keys import Keys
from groundswell.engine.live.state import Live
from groundswell.engine.offering import Offering
from groundswell.engine.replica import Replica
from groundswell.errors import Problem, StoreError

from .conftest import DEADLINE, Served, serving
from .test_intake import batch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.loopback
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
SHOWN = {"offer", "id", "sentence", "plan", "price", "as_of"}
NOTHING = dict.fromkeys(SHOWN) | {"offer": "none"}
CONFIG = """\
company: Small Co
events:
  signed_up: Signed Up
  activated: Board Created
  used_feature: {boards: Board Viewed}
  limit_hit: Limit Reached
  hand_raised: Demo Requested
plans:
  free: {seats: 5}
  team: {price: 12 per seat monthly, seats: 50, motion: self_serve}
"""
EVERYBODY_QUALIFIES = CONFIG + "score: {qualified: {at_least: 0}}\n"


def events(account: str, user: str, *told: tuple[str, float], **more: Any) -> list[dict[str, Any]]:
    """Return events of a user, each so many days before now."""
    return [
        {
            "type": "track",
            "messageId": f"{account}-{user}-{name}-{days}",
            "userId": user,
            "event": name,
            "timestamp": (NOW - timedelta(days=days)).isoformat(),
            "context": {"groupId": account},
            **more,
        }
        for name, days in told
    ]


STARTED = (("Signed Up", 20), ("Board Created", 20), ("Board Viewed", 1))
COMPANY = [
    *events("asking", "ann", *STARTED, ("Demo Requested", 0)),
    *events("full", "fay", *STARTED, ("Limit Reached", 1)),
    *events("full", "flo", *STARTED),
    *events("fresh", "fred", ("Signed Up", 1)),
    *events("calm", "cal", ("Signed Up", 60), ("Board Created", 60), ("Board Viewed", 40)),
]


class Page:
    """A page of the product that asks with a write key."""

    def __init__(self, served: Served, key: str) -> None:
        self.served, self.key = served, key

    def answer(self, **asked: str) -> httpx.Response:
        return httpx.get(f"{self.served.url}/v1/offer", params={"key": self.key, **asked})

    def offer(self, **asked: str) -> dict[str, Any]:
        answer = self.answer(**asked)
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) == SHOWN
        return answer.json()

    def told(self, **asked: str) -> dict[str, Any]:
        """What the token is told."""
        headers = {"authorization": f"Bearer {self.served.token}"}
        answer = httpx.get(f"{self.served.url}/v1/offer", params=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def dismiss(self, **said: Any) -> httpx.Response:
        where = f"{self.served.url}/v1/offer/dismiss"
        return httpx.post(where, params={"key": self.key}, json=said)

    def send(self, *messages: dict[str, Any]) -> None:
        body = batch(*messages)
        answer = httpx.post(f"{self.served.url}/v1/batch", content=body, auth=(self.key, ""))
        assert answer.is_success

    def until(self, kind: str, **asked: str) -> dict[str, Any]:
        """Wait until an offer of a kind is shown."""
        deadline = time.monotonic() + DEADLINE
        while True:
            shown = self.offer(**asked)
            if shown["offer"] == kind and shown["as_of"]:
                return shown
            assert time.monotonic() < deadline, f"{shown}: {self.told(**asked)}"
            time.sleep(0.05)


@contextmanager
def company(folder: Path, config: str = CONFIG, **more: Any) -> Iterator[tuple[Page, FixedClock]]:
    clock = FixedClock(NOW)
    with serving(folder, config, clock=clock, **more) as served:
        yield Page(served, served.key("app", "segment")), clock


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with company(tmp_path) as (asking, _):
        asking.send(*COMPANY)
        yield asking


def test_each_kind_of_offer_to_who_it_is_for_and_no_more_than_that(page):
    human = page.until("human", account_id="asking")
    assert human["sentence"] == "You asked to talk to us: choose a time that suits you"
    assert (human["plan"], human["price"], human["as_of"]) == (None, None, "2026-06-30")
    upgrade = page.until("upgrade", user_id="fay")
    assert upgrade["sentence"].endswith("The team plan goes further, at $12 per seat a month")
    assert upgrade["plan"] == "team"
    assert upgrade["price"] == {"amount": 12.0, "currency": "USD", "per_seat": True}
    assert page.until("onboarding", account_id="fresh")["plan"] is None
    calm = page.until("none", account_id="calm")
    assert calm == NOTHING | {"as_of": "2026-06-30"}
    ids = {human["id"], upgrade["id"], calm["id"]}
    assert len(ids) == 3
    assert "asked_for_a_person" not in json.dumps(human)


def test_the_token_is_told_what_was_tried_and_why(page):
    page.until("upgrade", account_id="full")
    told = page.told(account_id="full")
    assert set(told) == SHOWN | {"account_id", "name", "reason", "trigger", "tried"}
    assert (told["name"], told["trigger"]) == ("limit_reached", "limit_hit")
    assert [trace["why"] for trace in told["tried"]][-2:] == [
        "The condition is not true.",
        "Shown.",
    ]
    assert told["tried"][0]["values"] == {"hand_raised": False}


def test_a_dismissed_offer_is_not_shown_to_that_person_until_its_time_is_over(tmp_path):
    with company(tmp_path) as (page, clock):
        page.send(*COMPANY)
        shown = page.until("upgrade", user_id="fay")
        done = page.dismiss(offer=shown["id"], user_id="fay", days=2)
        assert done.json() == {"offer": "upgrade", "until": "2026-07-02T12:00:00Z"}
        assert done.headers["access-control-allow-origin"] == "*"
        again = page.dismiss(offer="upgrade", user_id="fay", days=1)
        assert again.json() == done.json()  # never shorter than before
        assert page.offer(user_id="fay")["offer"] == "none"
        assert page.told(user_id="fay")["tried"][5]["why"] == "Dismissed until 2026-07-02 12:00."
        assert page.offer(user_id="flo")["offer"] == "upgrade"
        assert page.offer(account_id="full")["offer"] == "upgrade"
        clock.advance(timedelta(days=2, seconds=-1))
        assert page.offer(user_id="fay")["offer"] == "none"
        clock.advance(timedelta(seconds=2))
        page.until("upgrade", user_id="fay")
        quarter = page.dismiss(offer=shown["id"], user_id="fay").json()["until"]
        assert datetime.fromisoformat(quarter) - clock.now() == timedelta(days=90)


def test_dismissals_outlive_the_server_and_bind_every_name_of_a_person(tmp_path):
    with company(tmp_path) as (page, _):
        page.send(*COMPANY, *events("full", "fay", ("Board Viewed", 0.5), anonymousId="laptop"))
        shown = page.until("upgrade", anonymous_id="laptop")
        assert page.dismiss(offer=shown["id"], user_id="fay", anonymous_id="phone").is_success
    with serving(tmp_path, CONFIG, clock=FixedClock(NOW)) as served:
        page = Page(served, page.key)
        page.until("upgrade", user_id="flo")
        assert page.offer(user_id="fay")["offer"] == "none"
        assert page.offer(account_id="full", anonymous_id="phone")["offer"] == "none"
        assert page.offer(anonymous_id="laptop")["offer"] == "upgrade"
        assert page.offer(anonymous_id="laptop", user_id="fay")["offer"] == "none"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"offer": "upgrade"}, "offer-nobody"),
        ({"offer": "none", "user_id": "fay"}, "offer-unknown"),
        ({"offer": "discount.1", "user_id": "fay"}, "offer-unknown"),
    ],
)
def test_what_cannot_be_dismissed_is_told(served, said, code):
    page = Page(served, served.key("app", "segment"))
    answer = page.dismiss(**said)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (409, code)
    assert page.dismiss(offer="human", user_id="u", days=0).status_code == 400
    long = page.dismiss(offer="human", user_id="u", more="x" * 70_000)
    assert (long.status_code, long.json()["problems"][0]["code"]) == (400, "arguments")


def test_who_is_handed_over_is_offered_a_human_and_from_the_next_day_on_no_second_pitch(tmp_path):
    with company(tmp_path, EVERYBODY_QUALIFIES) as (page, clock):
        page.send(*COMPANY)
        assert page.until("human", account_id="full")["sentence"].startswith("Talk to us")
        clock.advance(timedelta(days=1))
        page.until("none", account_id="full")
        told = page.told(account_id="full")
        assert told["as_of"] == "2026-07-01"
        whys = {trace["name"]: trace["why"] for trace in told["tried"]}
        assert whys["talk_about_a_plan"].startswith("The decision brings nobody in")


def test_an_owner_is_not_passed_over(tmp_path):
    with company(tmp_path, EVERYBODY_QUALIFIES) as (page, _):
        owned = tmp_path / "accounts.csv"
        owned.write_text("account_id,owner\nfull,rep@seller.example\n")
        page.served.project.load("accounts", [owned])
        page.send(*COMPANY)
        page.until("human", account_id="asking")
        assert page.until("none", account_id="full")["sentence"] is None


def test_the_held_out_get_the_answer_of_the_self_served_unless_they_ask(tmp_path):
    with company(tmp_path, EVERYBODY_QUALIFIES + "guardrails: {holdout: 100%}\n") as (page, _):
        page.send(*COMPANY)
        page.until("upgrade", account_id="full")
        page.until("human", account_id="asking")


def test_whoever_is_new_is_known_by_their_account_at_once(page):
    page.until("upgrade", account_id="full")
    page.send(*events("full", "new", ("Signed Up", 0)))
    page.until("upgrade", user_id="new")
    page.send(*events("asking", "gus", ("Board Viewed", 0), anonymousId="tablet"))
    page.until("human", anonymous_id="tablet")


def test_who_is_not_known_is_shown_nothing_and_that_is_no_error(served):
    page = Page(served, served.key("app", "segment"))
    assert page.offer(account_id="nobody") == NOTHING  # nor was there a run
    assert page.offer(user_id="nobody") == NOTHING
    assert page.offer() == NOTHING
    assert page.offer(account_id="", anonymous_id="x") == NOTHING
    assert page.told(account_id="nobody")["reason"] == "Accounts have not been scored yet."


def test_a_good_write_key_is_asked_for_wherever_it_stands(served):
    where = f"{served.url}/v1/offer"
    key = served.key("form", "form")
    assert httpx.get(where, params={"key": key}).status_code == 200
    assert httpx.get(where, headers={"authorization": f"Bearer {key}"}).status_code == 200
    assert httpx.get(where, auth=(key, "")).status_code == 200
    for wrong in ({}, {"params": {"key": "nonsense"}}, {"auth": ("nonsense", "")}):
        for answer in (httpx.get(where, **wrong), httpx.post(f"{where}/dismiss", **wrong)):
            assert answer.status_code == 401
            assert answer.json()["problems"][0]["code"] == "write-key"
            assert answer.headers["access-control-allow-origin"] == "*"
    with Keys.open(served.folder) as keys:
        keys.revoke("form")
    time.sleep(1.1)
    assert httpx.get(where, params={"key": key}).status_code == 401
    assert httpx.get(f"{served.url}/v1/accounts", params={"key": key}).status_code == 401


@pytest.mark.parametrize(("path", "method"), [("offer", "GET"), ("offer/dismiss", "POST")])
def test_a_browser_may_ask_beforehand_from_any_page(served, path, method):
    answer = httpx.options(
        f"{served.url}/v1/{path}",
        headers={"origin": "https://app.example", "access-control-request-method": method},
    )
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert method in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "*"


def test_nobody_waits_for_a_run(tmp_path, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    with company(tmp_path) as (page, clock):
        page.send(*COMPANY)
        before = page.until("upgrade", account_id="full")
        rebase = Live.rebase

        def slow(live: Live) -> Any:
            begun.set()
            assert go_on.wait(DEADLINE)
            return rebase(live)

        monkeypatch.setattr(Live, "rebase", slow)
        clock.advance(timedelta(days=1))
        assert begun.wait(DEADLINE)
        assert page.offer(account_id="full") == before
        assert page.offer(user_id="flo")["offer"] == "upgrade"
        go_on.set()


def test_without_a_live_state_the_latest_run_answers(tmp_path):
    with company(tmp_path, runs=False) as (page, clock):
        page.send(*COMPANY)
        page.served.settle()
        assert page.offer(account_id="full") == NOTHING
        headers = {"authorization": f"Bearer {page.served.token}"}
        run = f"{page.served.url}/v1/run"
        assert httpx.post(run, json={}, headers=headers, timeout=60).is_success
        assert page.offer(user_id="flo")["as_of"] == "2026-06-30"
        clock.advance(timedelta(days=40))
        assert httpx.post(run, json={}, headers=headers, timeout=60).is_success
        assert page.offer(user_id="flo") == NOTHING | {"as_of": "2026-08-09"}


def test_a_ledger_that_is_away_costs_the_offer_and_not_the_page(page, monkeypatch):
    page.until("upgrade", user_id="fay")

    def away(*_: object, **__: object) -> None:
        raise StoreError(Problem("ledger-refused", "postgresql://secret", "Wait."))

    monkeypatch.setattr(Offering, "_dismissed", away)
    assert page.offer(user_id="fay")["offer"] == "none"
    monkeypatch.setattr(Offering, "dismiss_offer", away)
    answer = page.dismiss(offer="upgrade", user_id="fay")
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (409, "away")
    assert "secret" not in answer.text


@pytest.mark.postgres
def test_a_replica_answers_from_what_a_run_kept_beside_it(tmp_path, postgres, monkeypatch):
    config = CONFIG + 'ledger: "${LEDGER}"\n'
    monkeypatch.setenv("LEDGER", postgres.create("offers_of_a_replica"))
    with company(tmp_path, config) as (page, _):
        page.send(*COMPANY)
        page.until("upgrade", user_id="fay")
    with Replica.open(tmp_path, clock=FixedClock(NOW)) as replica:
        app = IntakeServer(replica).app
        answer = asyncio.run(_ask(app, "GET", page.key, {"user_id": "fay"}))
        assert (set(answer), answer["offer"]) == (SHOWN, "upgrade")
        said = {"offer": answer["id"], "user_id": "fay"}
        asyncio.run(_ask(app, "POST", page.key, {}, said))
        assert asyncio.run(_ask(app, "GET", page.key, {"user_id": "fay"}))["offer"] == "none"
    with Project.open(tmp_path, clock=FixedClock(NOW)) as project:
        assert str(project.offer(user_id="fay").offer) == "none"
        assert str(project.offer(user_id="flo").offer) == "upgrade"


async def _ask(app: Any, method: str, key: str, asked: dict[str, str], said: Any = None) -> Any:
    path = "/v1/offer" if method == "GET" else "/v1/offer/dismiss"
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        params = {"key": key, **asked}
        answer = await client.request(method, path, params=params, json=said)
        assert answer.status_code == 200, answer.text
        return answer.json()
