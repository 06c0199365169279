"""Buttons of Slack: only its own requests are believed, and every answer is Slack's to show."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, Option, StaticSelectElement

from groundswell.clock import FixedClock
from groundswell.connectors.slack_actions import build_answer, is_from_slack, parse_action
from groundswell.errors import UsageError

from .deliveries import NOON
from .slack_double import INCOMING

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def brief() -> list[dict[str, Any]]:
    """The end of a brief, made with Slack's own models."""
    buttons = ActionsBlock(
        elements=[
            ButtonElement(text="Accept", action_id="groundswell:accept", value="h-1"),
            StaticSelectElement(
                placeholder="Decline",
                action_id="groundswell:decline",
                options=[Option(label="Not a fit", value="h-1|not_a_fit")],
            ),
            ButtonElement(text="Snooze", action_id="groundswell:snooze", value="h-1|7"),
        ]
    )
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*Acme*"}}
    return [section, buttons.to_dict()]


def pressed(action_id: str, value: str | None = "h-1", **element: Any) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "user": {"id": "U1", "username": "ann", "name": "ann", "team_id": "T1"},
        "api_app_id": "A1",
        "trigger_id": "1.2",
        "container": {"type": "message", "channel_id": "C1"},
        "message": {"type": "message", "ts": "1.2", "text": "Acme", "blocks": brief()},
        "response_url": "https://hooks.slack.com/actions/T1/1/x",
        "actions": [{"action_id": action_id, "type": "button", "value": value, **element}],
    }


def chosen(action_id: str, value: str) -> dict[str, Any]:
    option = {"text": {"type": "plain_text", "text": "A choice"}, "value": value}
    return pressed(action_id, None, type="static_select", selected_option=option)


def form(payload: dict[str, Any]) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


def headers(body: bytes, *, at: float, secret: str = SECRET) -> dict[str, str]:
    """Sign a request as Slack's documentation says, without its SDK."""
    signed = hmac.new(secret.encode(), f"v0:{int(at)}:".encode() + body, hashlib.sha256)
    return {
        "x-slack-request-timestamp": str(int(at)),
        "X-Slack-Signature": f"v0={signed.hexdigest()}",
    }


def believed(body: bytes, sent: dict[str, str], *, later: float = 0) -> bool:
    clock = FixedClock(NOON + timedelta(seconds=later))
    return is_from_slack(body, sent, signing_secret=SECRET, clock=clock)


def test_slacks_own_request_is_believed_for_five_minutes():
    body = form(pressed("groundswell:accept"))
    sent = headers(body, at=NOON.timestamp())
    assert [believed(body, sent, later=s) for s in (0, 300, 301, -301)] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"X-Slack-Signature": "v0=00"},
        {"X-Slack-Signature": "v0=\u00fc"},
        {"x-slack-request-timestamp": "soon"},
        {"x-slack-request-timestamp": str(int(NOON.timestamp()) + 1)},
    ],
)
def test_anybody_elses_request_is_not(change):
    body = form(pressed("groundswell:accept"))
    assert not believed(body, {**headers(body, at=NOON.timestamp()), **change})


def test_neither_is_an_unsigned_a_changed_or_an_unreadable_one():
    body = form(pressed("groundswell:accept"))
    sent = headers(body, at=NOON.timestamp())
    assert not believed(body, {})
    assert not believed(body + b"x", sent)
    assert not believed(b"\xff", headers(b"\xff", at=NOON.timestamp()))
    assert not believed(body, headers(body, at=NOON.timestamp(), secret="another"))


def test_accept():
    action = parse_action(form(pressed("groundswell:accept", "h|1")))
    assert (action.action, action.handoff_id) == ("accept", "h|1")
    assert (action.user_id, action.user_name, action.email) == ("U1", "ann", None)
    assert (action.reason, action.days) == (None, None)
    assert action.response_url == "https://hooks.slack.com/actions/T1/1/x"
    assert action.blocks == brief()


def test_decline_carries_the_reason():
    action = parse_action(form(chosen("groundswell:decline", "h-1|not_a_fit")))
    assert (action.action, action.handoff_id, action.reason) == ("decline", "h-1", "not_a_fit")


@pytest.mark.parametrize(("value", "days"), [("h-1", None), ("h-1|7", 7), ("h-1|365", 365)])
def test_snooze_carries_days_where_the_button_says_so(value, days):
    button = parse_action(form(pressed("groundswell:snooze", value)))
    menu = parse_action(form(chosen("groundswell:snooze", value)))
    assert (button.handoff_id, button.days) == ("h-1", days) == (menu.handoff_id, menu.days)


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "view_submission"},
        pressed("another_app:accept"),
        pressed("groundswell:accept", None),
        pressed("groundswell:accept", ""),
        pressed("groundswell:snooze", "h-1|0"),
        pressed("groundswell:snooze", "h-1|366"),
        pressed("groundswell:snooze", "h-1|\u0663"),
        {**pressed("groundswell:accept"), "actions": []},
    ],
)
def test_what_cannot_be_used_is_told(payload):
    with pytest.raises(UsageError) as error:
        parse_action(form(payload))
    assert error.value.problems[0].code == "slack-action"


@pytest.mark.parametrize(
    "body", [b"", b"payload=", b"payload=%7B", b"other=1", b"\xff", b"payload=[]"]
)
def test_no_form_of_slacks_is_told(body):
    with pytest.raises(UsageError):
        parse_action(body)


@pytest.mark.parametrize(
    ("payload", "line"),
    [
        (pressed("groundswell:accept"), "<@U1> accepted"),
        (chosen("groundswell:decline", "h-1|not_a_fit"), "<@U1> declined: not a fit"),
        (chosen("groundswell:decline", "h-1|<!here>"), "<@U1> declined: &lt;!here&gt;"),
        (pressed("groundswell:snooze", "h-1|7"), "<@U1> snoozed for 7 days"),
        (pressed("groundswell:snooze", "h-1|1"), "<@U1> snoozed for 1 day"),
        (pressed("groundswell:snooze"), "<@U1> snoozed"),
    ],
)
def test_the_answer_says_who_did_what_in_place_of_the_buttons(payload, line):
    answer = build_answer(parse_action(form(payload)))
    jsonschema.validate(answer, INCOMING)
    assert answer["replace_original"] is True
    assert answer["text"] == line
    assert answer["blocks"][0] == brief()[0]
    assert [block["type"] for block in answer["blocks"]] == ["section", "context"]


def test_the_answer_may_say_something_else():
    action = parse_action(form(pressed("groundswell:accept")))
    answer = build_answer(action, said="Bob <was> faster")
    assert answer["blocks"][-1]["elements"][0]["text"] == "Bob &lt;was&gt; faster"


def test_a_button_beside_a_text_goes_too():
    payload = pressed("groundswell:accept")
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Accept"},
        "action_id": "groundswell:accept",
        "value": "h-1",
    }
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "Acme"}, "accessory": button}
    payload["message"]["blocks"] = [section] * 50
    answer = build_answer(parse_action(form(payload)))
    jsonschema.validate(answer, INCOMING)
    assert not any("accessory" in block for block in answer["blocks"])
    assert len(answer["blocks"]) == 50
