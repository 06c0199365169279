"""What an API key opens, by its scope, and what is written down of it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest

from groundswell.api.gate import ACTS, ADMINISTRATION, FILES, PERSONAL, scope_for, scope_of
from groundswell.api.keys import REVOKED_SECONDS
from groundswell.api.openapi import openapi_document
from groundswell.api.operations import OPERATIONS, ExplainArguments
from groundswell.engine.colleagues import Colleagues, Scope

if TYPE_CHECKING:
    from groundswell.api.operations import Operation

    from .conftest import Served

BY = "root@ours.example"
SCOPES = ("read", "people", "act", "admin")


def team(served: Served) -> Colleagues:
    return Colleagues(served.project.ledger, served.project.clock)


def key(served: Served, scope: str) -> str:
    made = team(served).create_api_key(f"of {scope}", scope=scope, by=BY).key
    time.sleep(0.15)  # longer than a server may not know of it
    return made


def ask(served: Served, operation: Operation, secret: str, **told: object) -> httpx.Response:
    """Ask for an operation with what does not fit, so that nothing is done where one may."""
    sent = {"params": told} if operation.method == "GET" else {"json": told}
    return httpx.request(
        operation.method,
        f"{served.url}{operation.path}",
        headers={"authorization": f"Bearer {secret}"},
        timeout=60,
        **sent,
    )


def code(answer: httpx.Response) -> str:
    return answer.json()["problems"][0]["code"]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_opens_what_its_scope_says_and_nothing_else(served: Served, scope: str) -> None:
    secret = key(served, scope)
    for operation in OPERATIONS.values():
        if operation.arguments.__struct_fields__ == () and operation.method == "GET":
            continue  # it would be done
        answer = ask(served, operation, secret, limit="x", as_of="x", **{"no such": "x"})
        if operation.method != "GET":
            answer = ask(served, operation, secret, **_unfit(operation))
        needed = "read" if operation.method == "GET" else "admin"
        needed = "act" if operation.name in ACTS else needed
        needed = "people" if operation.name in PERSONAL else needed
        needed = "admin" if operation.name.startswith(ADMINISTRATION) else needed
        if SCOPES.index(needed) > SCOPES.index(scope):
            assert (answer.status_code, code(answer)) == (403, "scope"), operation.path
            assert f"`{needed}`" in answer.json()["problems"][0]["what"]
            assert f"--scope {needed}" in answer.json()["problems"][0]["fix"]
        else:
            assert answer.status_code not in {401, 403}, operation.path


def _unfit(operation: Operation) -> dict[str, object]:
    """Return arguments that fit no operation that takes any."""
    return {name: {"a": {}} for name in operation.arguments.__struct_fields__}


def test_what_a_rep_does_is_named_and_all_of_it_acts() -> None:
    for name in ACTS:
        assert OPERATIONS[name].method == "POST"
    for operation in OPERATIONS.values():
        reads = operation.method == "GET" and not operation.name.startswith(ADMINISTRATION)
        assert (scope_of(operation) in {Scope.READ, Scope.PEOPLE}) == reads


def test_what_is_of_people_throughout_is_named_and_reads() -> None:
    for name in PERSONAL:
        assert scope_of(OPERATIONS[name]) == Scope.PEOPLE


def test_a_key_that_only_reads_reads_no_file_of_the_server(served: Served) -> None:
    """`model` and `what_if` may name a file; every such argument of a GET is known."""
    secret = key(served, "read")
    policy = served.folder / "other.yaml"
    policy.write_text("attribution: {}", encoding="utf-8")
    for name, argument in FILES.items():
        told = {"account": "a"} if name == "explain" else {}
        answer = ask(served, OPERATIONS[name], secret, **told, **{argument: str(policy)})
        assert (answer.status_code, code(answer)) == (403, "scope")
        assert "attribution" not in answer.text
    fits = ExplainArguments(account="a", model="hybrid")
    assert scope_for(OPERATIONS["explain"], fits) == Scope.READ
    for operation in OPERATIONS.values():
        told = operation.arguments.__doc__ or ""
        if operation.method == "GET" and "absolute path" in told:
            assert operation.name in FILES, operation.name


@pytest.mark.parametrize("change", ["wrong", "revoked", "write key", "none", "basic"])
def test_what_is_no_good_key_opens_nothing(served: Served, change: str) -> None:
    secret = key(served, "admin")
    accounts = OPERATIONS["accounts"]
    assert ask(served, accounts, secret).status_code != 401
    match change:
        case "wrong":
            secret += "x"
        case "revoked":
            team(served).revoke_api_key("of admin", by=BY)
            time.sleep(REVOKED_SECONDS + 0.1)
        case "write key":
            secret = served.key("app", "segment")
        case "none":
            secret = "gsw_"
        case _:
            answer = httpx.get(f"{served.url}{accounts.path}", auth=(secret, ""))
            assert (answer.status_code, code(answer)) == (401, "token")
            return
    answer = ask(served, accounts, secret)
    assert (answer.status_code, code(answer)) == (401, "token")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert secret not in answer.text


def test_a_key_is_not_looked_up_for_each_request(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = key(served, "people")
    ask(served, OPERATIONS["links"], secret, user="u")
    read: list[int] = []
    ledger = served.project.ledger
    really = ledger.api_keys
    monkeypatch.setattr(type(ledger), "api_keys", lambda _: read.append(1) or really())
    began = time.monotonic()
    asked = 0
    while time.monotonic() - began < 0.5:
        asked += ask(served, OPERATIONS["links"], secret, user="u").status_code == 200
    assert asked > 1
    assert len(read) <= 2


def test_what_a_program_does_is_written_down_and_what_it_reads_is_not(served: Served) -> None:
    secret = key(served, "act")
    step = OPERATIONS["handoffs.step"]
    answer = ask(served, step, secret, name="no such handoff", action="accept", who="ann@x.example")
    assert answer.status_code == 409
    ask(served, OPERATIONS["links"], secret, user="u1")
    (entry, *_) = team(served).audit(limit=3)
    assert (entry.who, entry.action, entry.about) == (
        "key of act",
        "api.handoffs.step",
        "no such handoff",
    )
    assert entry.detail == {"status": 409}
    assert entry.address == "127.0.0.1"
    assert secret not in repr(entry)


def test_the_feed_and_the_offer_are_open_to_a_key_that_reads(served: Served) -> None:
    secret = key(served, "read")
    bearing = {"authorization": f"Bearer {secret}"}
    assert httpx.get(f"{served.url}/v1/here", headers=bearing).status_code == 204
    with httpx.stream("GET", f"{served.url}/v1/feed", headers=bearing) as feed:
        assert feed.status_code == 200
    offer = httpx.get(f"{served.url}/v1/offer?user_id=u", headers=bearing)
    assert offer.status_code == 200
    told = msgspec.json.decode(offer.content)
    assert "id" in told
    refused = httpx.post(f"{served.url}/v1/offer/dismiss", json={"offer": "x"}, headers=bearing)
    assert (refused.status_code, code(refused)) == (403, "scope")


def test_no_body_is_read_that_is_longer_than_any_argument(served: Served) -> None:
    secret = key(served, "admin")
    body = json.dumps({"as_of": "x" * (2 << 20)}).encode()
    answer = httpx.post(
        f"{served.url}/v1/run", content=body, headers={"authorization": f"Bearer {secret}"}
    )
    assert (answer.status_code, code(answer)) == (400, "arguments")
    assert "more than 1024 KB" in answer.text


def test_two_programs_act_by_the_same_idempotency_key_each_for_themselves(served: Served) -> None:
    answers = []
    for scope in ("admin", "act"):
        bearing = {"authorization": f"Bearer {key(served, scope)}", "idempotency-key": "one"}
        path = "/v1/handoff/step" if scope == "act" else "/v1/handoff/sweep"
        answers.append(httpx.post(f"{served.url}{path}", json={}, headers=bearing).status_code)
    assert answers == [200, 400]  # 422 would say that the other one used it


def test_the_document_says_which_scope_each_operation_needs() -> None:
    document = openapi_document()
    for operation in OPERATIONS.values():
        described = document["paths"][operation.path][operation.method.lower()]
        assert {"apiKey": [scope_of(operation).value]} in described["security"]
        assert "403" in described["responses"]
    assert document["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
