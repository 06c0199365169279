"""The published document is true: a real server answers as it says, whatever it is sent.

Requests are generated from the document, fit and unfit ones, the same in every run. The token and
the write keys are good; schemathesis itself tries without and with wrong ones.
"""

from __future__ import annotations

import itertools
import json
import re
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from groundswell.api.openapi import openapi_document
from groundswell.api.operations import FEED as FEED_PATH
from groundswell.connectors.wires.catalogue import WIRES, routes
from groundswell.engine import Project
from groundswell.engine.keys import Keys
from groundswell.server import Server
from groundswell.web.site import site_routes

from .conftest import DEADLINE
from .test_asking import CONFIG, history
from .test_intake import batch
from .test_killed_server import free_port, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.connectors.wires.wire import Takes

WEEKS, MOST_WEEKS = 3, 1_040
NUMBERS = itertools.count()
# What one test learns from answers is not told to the next, whose requests would hang on the order.
BY_ITSELF = {"extra-data-sources": {"responses": False}}
GENERATED = schemathesis.Config.from_dict(
    {
        "seed": 1,
        "max-stream-events": 1,
        "generation": {
            "deterministic": True,
            "max-examples": 8,
            "database": "none",
            "with-security-parameters": False,  # the test says who asks
        },
        "phases": {
            "examples": BY_ITSELF,
            "coverage": BY_ITSELF,
            "fuzzing": {**BY_ITSELF, "error-feedback": {"enabled": False}},
        },
    }
)
# A text that is JSON, in a form or a query: what every system there takes is a list of objects.
messages = st.lists(st.dictionaries(st.text("abc"), st.integers() | st.none()), max_size=3)
schemathesis.openapi.format("json", messages.map(lambda more: json.dumps([{"event": "e"}, *more])))
schema = schemathesis.openapi.from_dict(openapi_document(), config=GENERATED)
asked = schema.exclude(tag="intake")


def _kinds() -> dict[tuple[object, ...], tuple[str, str]]:
    """Return one endpoint of each kind: many paths are other names of the same functions."""
    kinds: dict[tuple[object, ...], tuple[str, str]] = {}
    for endpoint, by_wire in routes().items():
        told = ((name, r.open, r.accept, r.refuse, r.takes) for name, r in by_wire.items())
        kinds.setdefault((endpoint[0], *told), endpoint)
    return kinds


ONE_OF_EACH = set(_kinds().values())
sent = schema.include(lambda it: (it.operation.method.upper(), it.operation.path) in ONE_OF_EACH)


@dataclass
class Running:
    """A server of its own process, in a folder of its own."""

    url: str
    folder: Path
    token: str
    keys: dict[str, str]
    session: requests.Session = field(default_factory=requests.Session)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "files").mkdir()
    (folder / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    with Keys.open(folder) as keys:
        made = {wire: keys.create(f"of-{wire}", wire).key for wire in WIRES if WIRES[wire].keyed}
    port = free_port()
    process = start(folder, port, "--no-run")
    token = json.loads((folder / ".groundswell" / "server.json").read_bytes())["token"]
    server = Running(f"http://127.0.0.1:{port}", folder, token, made)
    body = batch(*history("2026-06-01"), *history("2026-06-02"))
    answer = server.session.post(f"{server.url}/v1/batch", data=body, auth=(made["segment"], ""))
    assert answer.status_code == 200
    yield server
    server.session.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    log = (folder / "server.log").read_text(encoding="utf-8")
    assert [line for line in log.splitlines() if "Traceback" in line] == []


@pytest.mark.loopback
@asked.parametrize()
def test_what_is_asked_is_answered_as_the_document_says(case, running):
    _stay_in(running.folder, case)
    _stay_short(case)
    _act_anew(case)
    case.call_and_validate(
        base_url=running.url,
        session=running.session,
        headers={"Authorization": f"Bearer {running.token}"},
        # The feed has no end: what it said within a second is looked at.
        timeout=1.0 if case.operation.path == FEED_PATH else DEADLINE,
    )


def _stay_in(folder: Path, case: schemathesis.Case) -> None:
    """Keep the files that are named within the folder: who bears the token may write elsewhere."""
    if not isinstance(case.body, dict):
        return
    for name in ("path", "mapping"):
        if isinstance(case.body.get(name), str):
            case.body[name] = _within(folder, case.body[name])
    if isinstance(case.body.get("files"), list):
        case.body["files"] = [
            _within(folder, file) if isinstance(file, str) else file for file in case.body["files"]
        ]


def _stay_short(case: schemathesis.Case) -> None:
    """Ask for some weeks where twenty years of them were asked for, which take minutes."""
    if isinstance(case.body, dict) and isinstance(weeks := case.body.get("weeks"), int | float):
        case.body["weeks"] = min(weeks, WEEKS) if weeks <= MOST_WEEKS else weeks


def _act_anew(case: schemathesis.Case) -> None:
    """Give each request a key of its own: one that came before with another body is refused."""
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch(r"[!-~]{1,255}", key):
        case.headers["Idempotency-Key"] = f"{next(NUMBERS)}-{key}"[:255]


def _within(folder: Path, name: str) -> str:
    return str(folder / "files" / f"file-{Path(name).name}")


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("status", "method", "path", "arguments"),
    [
        (400, "GET", "/v1/journal", {"limit": "null"}),
        (400, "GET", "/v1/journal", {"limit": "-1"}),
        (400, "GET", "/v1/journal", {"kind": ["qualified", "released"]}),
        (400, "POST", "/v1/features", {"path": "f.parquet", "weeks": 1.5}),
        (409, "POST", "/v1/features", {"path": "/nowhere/f.parquet"}),
        (409, "POST", "/v1/features", {"path": "f\0"}),
        (409, "POST", "/v1/run", {"as_of": "0001-01-01"}),
        (409, "GET", "/v1/links", {"user": "u1", "as_of": "9999-12-31"}),
        (409, "POST", "/v1/load", {"kind": "events", "files": ["a\0*"]}),
        (409, "POST", "/v1/load", {"kind": "events", "files": ["a" * 5_000]}),
        (409, "POST", "/v1/load", {"kind": "events", "mapping": "a\0"}),
    ],
    ids=lambda value: str(value)[:40].replace("\0", "0"),
)
def test_what_cannot_be_done_is_said_with_a_way_out(running, status, method, path, arguments):
    answer = running.session.request(
        method,
        f"{running.url}{path}",
        headers={"Authorization": f"Bearer {running.token}"},
        **{"params" if method == "GET" else "json": arguments},
    )
    (problem, *_) = answer.json()["problems"]
    assert (answer.status_code, bool(problem["what"] and problem["fix"])) == (status, True)


@pytest.mark.loopback
@pytest.mark.parametrize("body", [b'{"as_of": "\xff"}', b"[" * 100_000, b"7", b"{", b"\0"])
def test_a_body_that_is_none_is_told(running, body):
    headers = {"Authorization": f"Bearer {running.token}"}
    answer = running.session.post(f"{running.url}/v1/run", data=body, headers=headers)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (400, "arguments")


@pytest.mark.loopback
@sent.parametrize()
def test_what_is_sent_is_taken_in_as_the_document_says(case, running):
    by_wire = routes()[case.operation.method.upper(), case.operation.path]
    wire, route = next(iter(by_wire.items()))
    # Nobody can sign what is generated, so that even what fits is refused.
    passed_over = [positive_data_acceptance] if route.signature is not None else []
    headers = _put_key(case, route.takes, running.keys.get(wire, ""))
    where = {"base_url": running.url, "session": running.session}
    answer = case.call_and_validate(headers=headers, excluded_checks=passed_over, **where)
    if answer.status_code == 200:
        _take_key(case, route.takes)
        assert (
            case.call(headers={"Authorization": "Basic bm9ib2R5Og=="}, **where).status_code == 401
        )


def _put_key(case: schemathesis.Case, takes: Takes, key: str) -> dict[str, str]:
    """Put the write key where a request has it: into its body, or the headers returned."""
    if "bearer" in takes.schemes:
        return {"Authorization": f"Bearer {key}"}
    if "basic" in takes.schemes:
        return {"Authorization": requests.auth._basic_auth_str(key, "")}
    if takes.key_in and isinstance(case.body, dict) and case.meta.generation.mode.is_positive:
        case.body[takes.key_in] = key
    return {}


def _take_key(case: schemathesis.Case, takes: Takes) -> None:
    if takes.key_in and isinstance(case.body, dict):
        case.body.pop(takes.key_in, None)


@pytest.mark.loopback
def test_another_method_is_told_which_there_are_and_another_path_that_it_is_none(running):
    for path, item in openapi_document()["paths"].items():
        answer = running.session.request("PATCH", f"{running.url}{path}")
        assert (answer.status_code, answer.json()["problems"][0]["code"]) == (405, "method"), path
        allowed = set(answer.headers["allow"].split(", ")) - {"HEAD", "OPTIONS"}
        assert allowed == {method.upper() for method in item}, path
        head = running.session.head(f"{running.url}{path}")
        assert head.status_code != 404, path
        assert not head.content, path
    nowhere = running.session.get(f"{running.url}/nowhere")
    assert (nowhere.status_code, nowhere.json()["problems"][0]["code"]) == (404, "not-found")


@pytest.mark.loopback
def test_the_published_document_is_that_of_the_routes(running):
    assert running.session.get(f"{running.url}/openapi.json").json() == openapi_document()


def test_every_route_is_in_the_document_and_nothing_else(tmp_path):
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    with Project.open(tmp_path) as project:
        server = Server(project)
        # Pages are for people: what they show and do has operations of its own.
        pages = {(route.path, *route.methods) for route in site_routes(server.site)}
    routed = {
        (method, route.path)
        for route in server.app._pages.routes
        if (route.path, *route.methods) not in pages
        for method in route.methods - {"HEAD"}
    }
    described = {
        (method.upper(), path)
        for path, item in openapi_document()["paths"].items()
        for method in item
    }
    assert described == routed | set(routes())


def test_the_document_is_openapi():
    document = openapi_document()
    schemathesis.openapi.from_dict(document).validate()
    for form in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(form)
    identifiers = [
        item["operationId"] for path in document["paths"].values() for item in path.values()
    ]
    assert len(identifiers) == len(set(identifiers))
