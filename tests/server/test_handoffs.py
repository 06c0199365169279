"""Who asks for a person is in a rep's queue and in Slack at once; a button there is an answer."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from groundswell.clock import SystemClock
from tests.connectors.slack_double import TOKEN, Workspace, signed_request, workspace

from .conftest import DEADLINE, Served, serving
from .test_live import history, message, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
CONFIG = """\
company: Small Co
events:
  signed_up: Signed Up
  activated: Board Created
  used_feature: {{boards: Board Viewed}}
  hand_raised: Demo Requested
teams:
  sales_assist:
    members:
      - {{name: Ann Ash, email: ann@acme.example}}
    first_touch_within: 24 working hours
destinations:
  slack:
    token: "${{SLACK_TOKEN}}"
    signing_secret: "${{SLACK_SECRET}}"
    channel: C0000001
    url: {url}/api/
"""


@pytest.fixture
def slack() -> Iterator[Workspace]:
    with workspace(SystemClock()) as there:
        yield there


@pytest.fixture
def answers() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Where Slack takes answers to a button, and what it was given."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/answer", taken
    server.shutdown()
    thread.join()
    server.server_close()


def wait(holds: Any) -> Any:
    deadline = time.monotonic() + DEADLINE
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
    return found


def ask(served: Served, method: str, path: str, **told: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {served.token}"}
    return httpx.request(method, f"{served.url}{path}", headers=headers, **told)


def press(served: Served, element: dict[str, Any], value: str, url: str, secret: str = SECRET):
    payload = {
        "type": "block_actions",
        "user": {"id": "U0000001", "name": "ann"},
        "actions": [
            {
                "action_id": element["action_id"],
                "type": element["type"],
                **(
                    {"value": value}
                    if element["type"] == "button"
                    else {"selected_option": {"value": value}}
                ),
            }
        ],
        "response_url": url,
        "message": {"blocks": []},
    }
    body, headers = signed_request(payload, secret, at=time.time())
    return httpx.post(f"{served.url}/v1/slack/actions", content=body, headers=headers)


@pytest.mark.loopback
def test_from_the_request_to_slack_and_back(
    tmp_path: Path, slack: Workspace, answers: tuple[str, list[dict[str, Any]]]
) -> None:
    environ = {"SLACK_TOKEN": TOKEN, "SLACK_SECRET": SECRET}
    url, taken = answers
    with serving(tmp_path, CONFIG.format(url=slack.url), environ=environ) as served:
        key = served.key("app", "segment")
        send(served, key, history())
        wait(lambda: served.metric("groundswell_run_seconds_count") > 0)
        raised = message("u1", "Demo Requested", context={"groupId": "acme"})
        send(served, key, [raised])
        (said,) = wait(lambda: slack.messages)
        assert said["metadata"]["event_payload"]["key"].startswith("handoff:")
        blocks = said["blocks"] if isinstance(said["blocks"], list) else json.loads(said["blocks"])
        assert "asked for a person today" in json.dumps(blocks)
        (row,) = ask(served, "GET", "/v1/queue", params={"rep": "ann@acme.example"}).json()
        assert (row["account_id"], row["state"], row["urgent"]) == ("acme", "assigned", True)
        wait(lambda: ask(served, "GET", "/v1/deliveries").json()[0]["status"] == "sent")

        (actions,) = [block for block in blocks if block["type"] == "actions"]
        accept, _, decline = actions["elements"]
        assert press(served, accept, accept["value"], url, "another secret").status_code == 401
        assert press(served, accept, accept["value"], url).status_code == 200
        found = ask(served, "GET", "/v1/handoff", params={"name": "acme"}).json()
        assert (found["state"], found["owner"]) == ("accepted", "ann@acme.example")
        assert taken[0]["replace_original"]
        assert "accepted" in taken[0]["text"]
        assert press(served, accept, accept["value"], url).status_code == 200
        assert "is accepted, and cannot be accepted now" in taken[1]["text"]
        reason = decline["options"][0]["value"]
        assert press(served, decline, reason, url).status_code == 200
        (entry, *_) = served.project.journal(account="acme", kind="declined")
        assert (entry.body["who"], entry.body["reason"]) == ("ann@acme.example", "not_a_fit")
        assert ask(served, "GET", "/v1/queue").json() == []
        assert TOKEN not in ask(served, "GET", "/v1/destinations").text
        assert ask(served, "GET", "/v1/destinations").json()[0]["sent"] >= 1
