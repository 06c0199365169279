"""What a rep presses in Slack: verified, read, and answered.

Pure functions over the request as it came. The buttons are those of a brief: `groundswell:accept`
and `groundswell:snooze` carry the handoff's id, or the id and a number of days after a `|`;
`groundswell:decline` is a menu of reasons that carries the id and the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs

import msgspec
from slack_sdk.signature import Clock as SlackClock
from slack_sdk.signature import SignatureVerifier

from groundswell.connectors.slack_blocks import BLOCKS, escape
from groundswell.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.clock import Clock

PREFIX = "groundswell:"
"""How the `action_id` of every button of ours begins."""

LONGEST_SNOOZE = 365

_DONE = {"accept": "accepted", "decline": "declined", "snooze": "snoozed"}


@dataclass(frozen=True, slots=True)
class SlackAction:
    """A button that was pressed.

    Attributes:
        action: What it asks for: `accept`, `decline`, `snooze` or another of ours.
        handoff_id: Of which handoff.
        user_id: Who pressed it, as Slack knows them.
        user_name: What they are called there.
        email: Their address, where the request says so; `SlackBot.email_of` asks for it.
        reason: Why it is declined; None for another action.
        days: For how long it is snoozed; None where the button does not say.
        response_url: Where the answer goes; good for 30 minutes.
        blocks: The message as it stands, which the answer takes the place of.
    """

    action: str
    handoff_id: str
    user_id: str
    user_name: str
    email: str | None
    reason: str | None
    days: int | None
    response_url: str
    blocks: list[dict[str, Any]]


class _Time(SlackClock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


def is_from_slack(
    body: bytes, headers: Mapping[str, str], *, signing_secret: str, clock: Clock
) -> bool:
    """Tell whether a request is signed with the app's secret, and no more than 5 minutes old.

    Args:
        body: As it came, byte for byte.
        headers: Of the request.
        signing_secret: Of the app, from its Basic Information.
        clock: Tells the time.
    """
    verifier = SignatureVerifier(signing_secret, clock=_Time(clock))
    try:
        return verifier.is_valid_request(body, dict(headers))
    except (ValueError, TypeError):  # a time that is no number, a body or a signature of no text
        return False


def parse_action(body: bytes) -> SlackAction:
    """Read the button that was pressed from the body of a request.

    Raises:
        UsageError: The body is none of Slack's, or the button none of ours.
    """
    payload = _payload(body)
    if payload.get("type") != "block_actions":
        raise _unreadable("It is no press of a button.")
    actions = cast("list[dict[str, Any]]", payload.get("actions") or [])
    ours = [item for item in actions if str(item.get("action_id", "")).startswith(PREFIX)]
    if not ours:
        raise _unreadable("The button is none of Groundswell's.")
    pressed = ours[0]
    name = str(pressed["action_id"]).removeprefix(PREFIX)
    handoff_id, detail = _value(pressed, splits=name in {"decline", "snooze"})
    if not handoff_id:
        raise _unreadable("The button does not say which handoff it belongs to.")
    user = cast("dict[str, Any]", payload.get("user") or {})
    message = cast("dict[str, Any]", payload.get("message") or {})
    return SlackAction(
        action=name,
        handoff_id=handoff_id,
        user_id=str(user.get("id") or ""),
        user_name=str(user.get("name") or user.get("username") or user.get("id") or ""),
        email=(user.get("profile") or {}).get("email"),
        reason=detail if name == "decline" else None,
        days=_days(detail) if name == "snooze" and detail else None,
        response_url=str(payload.get("response_url") or ""),
        blocks=list(message.get("blocks") or []),
    )


def build_answer(action: SlackAction, *, said: str | None = None) -> dict[str, Any]:
    """Return the answer that puts who did what in place of the buttons.

    Args:
        action: What was pressed.
        said: What came of it where it is not what the button says, such as that somebody else was
            faster; plain text.
    """
    line = escape(said) if said else _line(action)
    kept = [_without_button(block) for block in action.blocks if block.get("type") != "actions"]
    told = {"type": "context", "elements": [{"type": "mrkdwn", "text": line}]}
    return {"replace_original": True, "text": line, "blocks": [*kept[: BLOCKS - 1], told]}


def _without_button(block: dict[str, Any]) -> dict[str, Any]:
    """Return a section without a button of ours beside it."""
    beside = cast("dict[str, Any]", block.get("accessory") or {})
    if not str(beside.get("action_id", "")).startswith(PREFIX):
        return block
    return {name: value for name, value in block.items() if name != "accessory"}


def _line(action: SlackAction) -> str:
    who = f"<@{action.user_id}>" if action.user_id else escape(action.user_name or "Somebody")
    done = _DONE.get(action.action, escape(action.action))
    if action.reason:
        return f"{who} {done}: {escape(action.reason.replace('_', ' '))}"
    if action.days is not None:
        return f"{who} {done} for {action.days} day{'' if action.days == 1 else 's'}"
    return f"{who} {done}"


def _payload(body: bytes) -> dict[str, Any]:
    try:
        form = parse_qs(body.decode(), strict_parsing=True, max_num_fields=10)
        return msgspec.json.decode(form["payload"][0], type=dict[str, Any])
    except (ValueError, KeyError) as error:
        raise _unreadable("It is no form with a `payload` in JSON.") from error


def _value(pressed: dict[str, Any], *, splits: bool) -> tuple[str, str | None]:
    """Return the handoff's id, and what stands after the last `|` of a value that has one."""
    option = cast("dict[str, Any]", pressed.get("selected_option") or {})
    value = str(option.get("value") or pressed.get("value") or "")
    if not splits or "|" not in value:
        return value, None
    handoff_id, _, detail = value.rpartition("|")
    return handoff_id, detail or None


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LONGEST_SNOOZE:
        raise _unreadable(f"A snooze lasts 1 to {LONGEST_SNOOZE} days.")
    return int(text)


def _unreadable(what: str) -> UsageError:
    return UsageError(
        Problem(
            code="slack-action",
            what=f"A request from Slack cannot be used. {what}",
            fix="Set the app's interactivity address to this server's, and use the buttons of a "
            "brief.",
        )
    )
