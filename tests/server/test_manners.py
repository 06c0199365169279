"""Pages of long lists, answers that have not changed, and acts that are done once."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from groundswell.api.client import Address, Client
from groundswell.api.manners import KEPT_SECONDS, MOST_KEPT, Acts, read_cursor, write_cursor
from groundswell.api.operations import OPERATIONS
from groundswell.clock import FixedClock
from groundswell.engine import Project
from groundswell.errors import GroundswellError, UsageError
from groundswell.model import as_plain
from groundswell.store.outbox import KeptDelivery
from tests.measuring.conftest import DAY, OPEN, load, rows
from tests.server.conftest import Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = dt.datetime.combine(DAY, dt.time(12), dt.UTC)
LISTS = {
    "accounts": "account_id",
    "handoffs.queue": "handoff_id",
    "journal": "key",
    "handoffs.deliveries": "key",
    "rejects": "id",
}
loopback = pytest.mark.loopback


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, clock = tmp_path_factory.mktemp("manners"), FixedClock(NOON)
    (folder / "groundswell.yaml").write_text(json.dumps(OPEN), encoding="utf-8")
    with Project.open(folder, clock=clock) as project:
        load(project, rows())
        bad = folder / "bad.jsonl"
        lines = [
            {"user_id": f"b{n}", "event": "", "timestamp": f"{DAY}T09:00:00Z"} for n in range(7)
        ]
        bad.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        project.load("events", [bad])
        project.run()
        kept = {"destination": "crm", "kind": "note", "account_id": "a1", "handoff_id": None}
        project.ledger.add_deliveries(
            [
                KeptDelivery(key=f"d{n}", body={"n": n}, made_at=NOON, due_at=NOON, **kept)
                for n in range(9)
            ]
        )
    with serving(folder, json.dumps(OPEN), clock=clock, runs=False) as found:
        yield found


@pytest.fixture
def asked(served: Served) -> Iterator[httpx.Client]:
    bearer = {"authorization": f"Bearer {served.token}"}
    with httpx.Client(base_url=served.url, headers=bearer, timeout=60) as client:
        yield client


@pytest.fixture
def client(served: Served) -> Client:
    return Client(Address(served.url, served.token))


# --- pages ------------------------------------------------------------------------------------


@loopback
@pytest.mark.parametrize("name", LISTS)
def test_pages_together_are_the_whole_list(name, asked, client):
    whole = asked.get(OPERATIONS[name].path, params={"limit": 10_000}).json()
    assert len(whole) >= 7
    for limit in (1, 3, len(whole) - 1, len(whole), len(whole) + 1):
        pages = list(client.pages(name, limit=limit))
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert 0 < len(pages[-1]) <= limit
        assert [as_plain(item) for page in pages for item in page] == whole


@loopback
@pytest.mark.parametrize("name", LISTS)
def test_a_page_says_where_the_next_one_is(name, asked):
    path = OPERATIONS[name].path
    first = asked.get(path, params={"limit": 2})
    assert len(first.json()) == 2
    cursor = first.headers["x-next-cursor"]
    assert str(first.json()[-1][LISTS[name]]) not in cursor
    following = asked.get(first.links["next"]["url"])
    assert following.json() == asked.get(path, params={"limit": 2, "after": cursor}).json()
    assert following.json() == asked.get(path, params={"limit": 4}).json()[2:]
    last = asked.get(path, params={"limit": 10_000})
    assert {"x-next-cursor", "link"} & set(last.headers) == set()


@loopback
def test_filters_hold_on_every_page(asked, client):
    whole = client.journal(kind="decided")
    assert 0 < len(whole) < len(client.journal())
    pages = [item for page in client.pages("journal", kind="decided", limit=7) for item in page]
    assert pages == whole
    late = [
        item
        for page in client.pages("handoffs.queue", rep="ann@ours.example", limit=2)
        for item in page
    ]
    assert late == client.handoffs.queue(rep="ann@ours.example")


@loopback
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("cursor", ["rubbish", "é", "bm9uZQ", "===="])
def test_a_cursor_that_is_none_is_refused(name, cursor, asked):
    answer = asked.get(OPERATIONS[name].path, params={"limit": 2, "after": cursor})
    assert answer.status_code == 409
    assert answer.json()["problems"][0]["code"] == "page-gone"


@loopback
@pytest.mark.parametrize("name", LISTS)
def test_no_cursor_is_no_argument(name, asked):
    answer = asked.get(OPERATIONS[name].path, params={"after": ""})
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (400, "arguments")


@loopback
@pytest.mark.parametrize("name", LISTS)
def test_what_was_gone_on_after_may_be_gone(name, asked):
    gone = write_cursor(OPERATIONS[name], "is-there-no-more")
    answer = asked.get(OPERATIONS[name].path, params={"after": gone})
    assert answer.status_code == 409
    assert answer.json()["problems"][0]["code"] == "page-gone"


def test_a_cursor_is_of_one_list():
    accounts, journal = OPERATIONS["accounts"], OPERATIONS["journal"]
    cursor = write_cursor(accounts, "acme\nné")
    assert read_cursor(accounts, cursor) == "acme\nné"
    with pytest.raises(UsageError):
        read_cursor(journal, cursor)


# --- what has not changed ---------------------------------------------------------------------


@loopback
def test_who_has_an_answer_is_not_sent_it_again(asked):
    first = asked.get("/v1/accounts", params={"limit": 3})
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        same = asked.get("/v1/accounts", params={"limit": 3}, headers={"if-none-match": known})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == tag
        assert same.headers["x-next-cursor"] == first.headers["x-next-cursor"]
    other = asked.get("/v1/accounts", params={"limit": 3}, headers={"if-none-match": '"no"'})
    assert (other.status_code, other.json()) == (200, first.json())
    assert asked.get("/v1/accounts", params={"limit": 4}).headers["etag"] != tag
    refused = asked.get("/v1/explanation", params={"account": "nobody"})
    assert (refused.status_code, "etag" in refused.headers) == (409, False)


# --- acting once ------------------------------------------------------------------------------


@loopback
def test_the_same_act_by_the_same_key_is_done_once(asked, client):
    handoff = client.handoffs.queue()[0].handoff_id
    body = {"name": handoff, "action": "touch", "who": "ann@ours.example"}
    before = len(client.journal(kind="touched"))
    answers = [
        asked.post("/v1/handoff/step", json=body, headers={"idempotency-key": "k-1"})
        for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[1].content == answers[2].content == answers[0].content
    assert [a.headers.get("idempotency-replayed") for a in answers] == [None, "true", "true"]
    assert len(client.journal(kind="touched")) == before + 1
    assert asked.post("/v1/handoff/step", json=body).status_code == 200
    assert len(client.journal(kind="touched")) == before + 2


@loopback
def test_a_key_is_of_one_request(asked):
    def send(path: str, body: Any) -> httpx.Response:
        return asked.post(path, json=body, headers={"idempotency-key": "k-2"})

    assert send("/v1/deliveries/retry", {}).status_code == 200
    for path, body in (
        ("/v1/deliveries/retry", {"destination": "crm"}),
        ("/v1/handoff/sweep", {}),
    ):
        refused = send(path, body)
        assert refused.status_code == 422
        assert refused.json()["problems"][0]["code"] == "idempotency-reused"


@loopback
def test_what_failed_may_be_tried_again_by_its_key(asked, client):
    handoff = client.handoffs.queue()[-1].handoff_id
    wrong = {"name": handoff, "action": "decline", "who": "ann@ours.example"}
    key = {"idempotency-key": "k-3"}
    assert asked.post("/v1/handoff/step", json=wrong, headers=key).status_code == 409
    right = {**wrong, "reason": "too_early"}
    assert asked.post("/v1/handoff/step", json=right, headers=key).status_code == 200


@loopback
@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "tab\there"])
def test_a_key_that_is_none_is_refused(key, asked):
    answer = asked.post("/v1/handoff/sweep", json={}, headers={"idempotency-key": key})
    assert answer.status_code == 400
    assert answer.json()["problems"][0]["code"] == "idempotency-key"


def _request(key: str) -> Request:
    headers = [(b"idempotency-key", key.encode()), (b"host", b"here")]
    return Request({"type": "http", "method": "POST", "path": "/x", "headers": headers})


def test_whoever_asks_meanwhile_waits_for_what_comes_of_it():
    done: list[int] = []

    async def main() -> list[Any]:
        acts, begun, go_on = Acts(), asyncio.Event(), asyncio.Event()

        async def act() -> Response:
            done.append(1)
            begun.set()
            await go_on.wait()
            return Response(b"done")

        first = asyncio.create_task(acts.once(_request("k"), b"{}", act))
        await begun.wait()
        others = [asyncio.create_task(acts.once(_request("k"), b"{}", act)) for _ in range(3)]
        await asyncio.sleep(0)
        go_on.set()
        return [await task for task in (first, *others)]

    answers = asyncio.run(main())
    assert [answer.body for answer in answers] == [b"done"] * 4
    assert done == [1]


def test_whoever_waits_acts_where_the_first_failed():
    async def main() -> tuple[Any, int]:
        acts, count, go_on = Acts(), 0, asyncio.Event()

        async def act() -> Response:
            nonlocal count
            count += 1
            await go_on.wait()
            return Response(b"", status_code=409 if count == 1 else 200)

        tasks = [asyncio.create_task(acts.once(_request("k"), b"{}", act)) for _ in range(2)]
        await asyncio.sleep(0)
        go_on.set()
        return [(await task).status_code for task in tasks], count

    assert asyncio.run(main()) == ([409, 200], 2)


def test_no_more_is_remembered_than_may_be():
    now = [0.0]

    async def main() -> tuple[int, int, int]:
        acts, done = Acts(monotonic=lambda: now[0]), [0]

        async def act() -> Response:
            done[0] += 1
            return Response(b"x" * 40_000)

        for number in range(MOST_KEPT + 50):
            await acts.once(_request(f"k{number}"), b"", act)
        kept = len(acts._known)
        held = acts._bytes
        before = done[0]
        await acts.once(_request(f"k{MOST_KEPT + 49}"), b"", act)
        assert done[0] == before
        now[0] = KEPT_SECONDS + 1
        await acts.once(_request(f"k{MOST_KEPT + 49}"), b"", act)
        return kept, held, done[0] - before

    kept, held, again = asyncio.run(main())
    assert kept <= MOST_KEPT
    assert 0 < held <= 16 << 20
    assert again == 1


@loopback
def test_two_at_once_by_one_key_act_once(asked, served, client):
    handoff = client.handoffs.queue()[1].handoff_id
    body = {"name": handoff, "action": "touch", "who": "ann@ours.example"}
    before = len(client.journal(kind="touched"))
    found: list[int] = []

    def send() -> None:
        headers = {"authorization": f"Bearer {served.token}", "idempotency-key": "k-4"}
        answer = httpx.post(f"{served.url}/v1/handoff/step", json=body, headers=headers, timeout=60)
        found.append(answer.status_code)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 6
    assert len(client.journal(kind="touched")) == before + 1


def test_a_project_that_is_open_here_goes_on_after_too(tmp_path):
    (tmp_path / "groundswell.yaml").write_text(json.dumps(OPEN), encoding="utf-8")
    with Project.open(tmp_path, clock=FixedClock(NOON)) as project:
        load(project, rows())
        project.run()
        accounts = project.accounts()
        assert project.accounts(after=accounts[4].account_id, limit=2) == accounts[5:7]
        entries = project.journal()
        assert project.journal(after=entries[9].key, limit=3) == entries[10:13]
        with pytest.raises(GroundswellError, match="page-gone"):
            project.accounts(after="nobody")
