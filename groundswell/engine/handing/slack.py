"""A button that was pressed in Slack: done, and answered in place of the buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from groundswell.connectors.slack import post_answer
from groundswell.connectors.slack_actions import build_answer, is_from_slack, parse_action
from groundswell.connectors.slack_bot import SlackBot
from groundswell.engine.handing.acting import ACTIONS, Action
from groundswell.errors import GroundswellError, Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.connectors.slack_actions import SlackAction
    from groundswell.engine.destinations import Opened
    from groundswell.engine.handing.handoffs import Handoffs

log = structlog.get_logger()


def find_sender(handoffs: Handoffs, body: bytes, headers: Mapping[str, str]) -> Opened | None:
    """Return the destination whose app signed a request; None where none did.

    Args:
        handoffs: Those of the project.
        body: As it came, byte for byte.
        headers: Of the request.
    """
    places = handoffs.destinations
    for name in places.names():
        if places.type_of(name).name != "slack":
            continue
        secret = places.secret(name, "signing_secret")
        if secret and is_from_slack(body, headers, signing_secret=secret, clock=handoffs.clock):
            return places.open(name)
    return None


def press(handoffs: Handoffs, sender: Opened, body: bytes) -> None:
    """Do what a button asks for, and say in Slack what came of it.

    Args:
        handoffs: Those of the project.
        sender: The destination that it came from.
        body: As it came.

    Raises:
        UsageError: The body is none of Slack's, or the button none of ours.
    """
    pressed = parse_action(body)
    said: str | None = None
    try:
        handoffs.step(
            pressed.handoff_id,
            _action(pressed),
            who=_who(pressed, sender),
            reason=pressed.reason,
            days=pressed.days,
            note="From Slack.",
        )
    except UsageError as error:
        said = error.problems[0].what
    if not pressed.response_url:
        return
    try:
        post_answer(pressed.response_url, build_answer(pressed, said=said), sender.context)
    except GroundswellError as error:
        codes = [problem.code for problem in error.problems]
        log.warning("slack was not answered", problems=codes)


def _action(pressed: SlackAction) -> Action:
    if pressed.action in ACTIONS:
        return pressed.action
    what = f"`{pressed.action}` is nothing that can be done with a handoff."
    raise UsageError(Problem("slack-action", what, "Use the buttons of a message of ours."))


def _who(pressed: SlackAction, sender: Opened) -> str:
    """Return who pressed: their address, where Slack says so, else what they are called."""
    if pressed.email:
        return pressed.email
    if isinstance(sender.destination, SlackBot) and pressed.user_id:
        address = sender.destination.email_of(pressed.user_id)
        if address is not None:
            return address
    return pressed.user_name
