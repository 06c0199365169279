"""Slack: word to a channel or to the rep, by an incoming webhook or as a bot.

A bot says more and can be asked: what follows on a handoff goes into the thread of its first
message, and a message whose outcome was never heard of is found again by the key it carries.
"""

from __future__ import annotations

import re
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from slack_sdk.errors import SlackRequestError
from slack_sdk.webhook import WebhookClient

from groundswell.connectors.deliveries import DeliveryKind, Message, Outcome
from groundswell.connectors.destination import DestinationType, Finding, Limits
from groundswell.connectors.http import TOO_MANY, retry_after, unreachable
from groundswell.connectors.settings import Settings, unusable
from groundswell.connectors.slack_blocks import fallback, fault, fit_blocks
from groundswell.connectors.slack_bot import QUIET, TIMEOUT, SlackBot
from groundswell.connectors.slack_errors import SlackRefusal, busy, not_a_message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slack_sdk.webhook import WebhookResponse

    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.destination import Context, Destination

_OK, _BAD_REQUEST, _SERVER_ERROR = 200, 400, 500
_CODE = re.compile(r"[a-z_]{1,60}")
_WEBHOOK_PATH = re.compile(r"/services/\w+/\w+/\w+")
_LOCAL = ("127.0.0.1", "::1", "localhost")


class SlackSettings(Settings, frozen=True):
    """How to reach Slack: by a webhook or as a bot.

    Attributes:
        webhook: Address of an incoming webhook.
        token: Bot token of an app, in place of a webhook.
        channel: Where the bot writes: an id such as C0123456789, or a name such as #sales.
        url: Of Slack's API.
        direct: Whether the bot writes to the rep; to the channel where the rep is not known.
        signing_secret: Of the app, by which a press of its buttons is known to be Slack's.
    """

    secrets: ClassVar[frozenset[str]] = frozenset({"webhook", "token", "signing_secret"})

    webhook: str | None = None
    token: str | None = None
    channel: str | None = None
    url: str = "https://slack.com/api/"
    direct: bool = False
    signing_secret: str | None = None


class SlackWebhook:
    """A channel that is written to by its incoming webhook; it cannot be asked anything."""

    def __init__(self, address: str, context: Context) -> None:
        self._address = address
        self._context = context

    def check(self) -> list[Finding]:
        """Look at the form of the address: asking Slack would write to the channel."""
        parts = urlsplit(self._address)
        secure = parts.scheme == "https" or parts.hostname in _LOCAL
        well_formed = secure and _WEBHOOK_PATH.fullmatch(parts.path) is not None
        said = "has the form of an incoming webhook" if well_formed else "is no incoming webhook"
        fix = "" if well_formed else "It begins with https://hooks.slack.com/services/ as a rule."
        return [Finding("webhook", ok=well_formed, said=f"the address {said}", fix=fix)]

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Write the messages to the channel."""
        return [self._send(delivery) for delivery in deliveries]

    def close(self) -> None:
        """Nothing is held open."""

    def _send(self, delivery: Delivery) -> Outcome:
        body = delivery.body
        assert isinstance(body, Message), "Slack takes messages alone"
        if self._context.memory.get(f"sent:{delivery.key}") is not None:
            return Outcome.sent(delivery)
        blocks = fit_blocks(body.blocks)
        wrong = fault(blocks)
        if wrong is not None:
            return not_a_message(delivery, wrong)
        try:
            answer = {"text": fallback(body), **({"blocks": blocks} if blocks else {})}
            _post(self._address, answer, self._context)
        except SlackRefusal as refusal:
            return refusal.outcome(delivery, name=self._context.name)
        self._context.memory.put(f"sent:{delivery.key}", "")
        return Outcome.sent(delivery)


def post_answer(response_url: str, answer: dict[str, Any], context: Context) -> None:
    """Put an answer in place of the message whose button was pressed.

    Args:
        response_url: As it came with the request, whose signature was verified.
        answer: As `slack_actions.build_answer` makes it.
        context: Of the destination.

    Raises:
        DestinationError: It was not taken; an address is good for 30 minutes and five answers.
    """
    try:
        _post(response_url, answer, context)
    except SlackRefusal as refusal:
        raise refusal.error(context.name) from None


def _post(address: str, message: dict[str, Any], context: Context) -> None:
    context.budget.spend()
    client = WebhookClient(address, timeout=TIMEOUT, logger=QUIET, retry_handlers=[])
    try:
        response = client.send_dict(message)
    except (OSError, HTTPException, SlackRequestError) as error:
        # What urllib and the SDK say may hold the address, which is a secret.
        raise unreachable(context.name, error) from None
    _judge(response, context)


def _judge(response: WebhookResponse, context: Context) -> None:
    status = response.status_code
    if status == _OK:
        return
    if status == TOO_MANY or status >= _SERVER_ERROR:
        told = _header(response.headers, "retry-after")
        raise busy(context.name, after=retry_after(told, context.clock))
    said = response.body.strip()
    code = said if _CODE.fullmatch(said) else f"HTTP {status}"
    raise SlackRefusal(code, whole=status != _BAD_REQUEST)


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _open(settings: SlackSettings, context: Context) -> Destination:
    if (settings.webhook is None) == (settings.token is None):
        raise unusable(
            context.name,
            "webhook",
            "Slack is reached by a `webhook` or with the `token` of a bot.",
            "Set one of the two, as `${NAME}` of an environment variable.",
        )
    if settings.webhook is not None:
        if not settings.webhook.startswith(("https://", "http://")):
            raise unusable(
                context.name,
                "webhook",
                "The address of the webhook does not begin with https://.",
                "Copy it as Slack shows it: https://hooks.slack.com/services/...",
            )
        return SlackWebhook(settings.webhook, context)
    if settings.channel is None and not settings.direct:
        raise unusable(
            context.name,
            "channel",
            "The bot is not told where to write.",
            "Set `channel`, or `direct: true` to write to the rep.",
        )
    return SlackBot(settings, context)


DESTINATION = DestinationType(
    name="slack",
    title="Slack",
    doc="Tells a channel or the rep, with buttons to accept, decline and snooze.",
    settings=SlackSettings,
    open=_open,
    kinds=frozenset({DeliveryKind.MESSAGE}),
    usual=frozenset({"message"}),
    limits=Limits(requests=1, seconds=1.0),
    batch=1,
)
