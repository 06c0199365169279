"""What Slack answers when it refuses, and how each refusal is mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.connectors.budget import DestinationError
from groundswell.connectors.deliveries import Outcome
from groundswell.connectors.slack_blocks import cut
from groundswell.errors import Problem

if TYPE_CHECKING:
    from groundswell.connectors.deliveries import Delivery

BUSY = frozenset(
    {
        *("ratelimited", "rate_limited", "message_limit_exceeded", "internal_error", "fatal_error"),
        *("service_unavailable", "request_timeout", "team_added_to_org", "rollup_error"),
    }
)
"""Answers that pass by themselves."""

_NEW_TOKEN = "Install the app again in the workspace, and set `token` to its new bot token."  # noqa: S105
_NEW_WEBHOOK = "Add the incoming webhook again in the app, and set `webhook` to its new address."
_WHICH_CHANNEL = "Set `channel` to the id at the end of the channel's details, such as C0123456789"

_MENDED = {
    "invalid_auth": _NEW_TOKEN,
    "not_authed": "Set `token` to the app's bot token; it begins with `xoxb-`.",
    "token_revoked": _NEW_TOKEN,
    "token_expired": _NEW_TOKEN,
    "account_inactive": f"The bot or its workspace was removed. {_NEW_TOKEN}",
    "not_allowed_token_type": "Set `token` to the bot token, which begins with `xoxb-`.",
    "missing_scope": "Add the missing scopes to the app and install it again.",
    "no_permission": "Add the missing scopes to the app and install it again.",
    "channel_not_found": f"{_WHICH_CHANNEL}; a private one is found once the app was invited.",
    "not_in_channel": "Invite the app: write `/invite @` and its name in the channel.",
    "is_archived": "Take the channel out of the archive, or name another one.",
    "channel_is_archived": "Take the channel out of the archive, or add the webhook for another.",
    "restricted_action": "Ask an administrator to let the app write to the channel.",
    "restricted_action_read_only_channel": "Name a channel that may be written to.",
    "posting_to_general_channel_denied": "Name another channel than the general one.",
    "ekm_access_denied": "Ask an administrator: the right to write is suspended.",
    "org_login_required": "The workspace is being moved; it is tried again.",
    "action_prohibited": "Ask an administrator to let incoming webhooks write to the channel.",
    "no_service": _NEW_WEBHOOK,
    "no_service_id": _NEW_WEBHOOK,
    "no_active_hooks": _NEW_WEBHOOK,
    "no_team": _NEW_WEBHOOK,
    "team_disabled": _NEW_WEBHOOK,
    "invalid_token": _NEW_WEBHOOK,
}
"""Refusals of everything, with how they are mended; any other is of one message."""


class SlackRefusal(Exception):  # noqa: N818 - it says what Slack answered, not that we failed
    """Slack answered, and did not do what was asked.

    Attributes:
        code: As Slack calls it.
        needed: The scopes it names as missing.
        whole: Whether nothing else would be taken either.
    """

    def __init__(self, code: str, *, needed: str = "", whole: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.needed = needed
        self.whole = whole or code in _MENDED

    @property
    def fix(self) -> str:
        """How it is mended."""
        if self.needed:
            return f"Add the scope `{self.needed}` to the app and install it again."
        return _MENDED.get(self.code, "Look the answer up in Slack's documentation of the method.")

    def error(self, name: str) -> DestinationError:
        """Return the error of a refusal of everything."""
        return DestinationError(
            Problem(
                code="destination-refused",
                what=f"Slack answers `{name}` with `{self.code}`.",
                fix=f"Nothing is lost. {self.fix}",
            )
        )

    def outcome(self, delivery: Delivery, *, name: str) -> Outcome:
        """Return what became of the one message that was refused.

        Raises:
            DestinationError: Nothing else would be taken either.
        """
        if self.whole:
            raise self.error(name)
        return Outcome.refused(delivery, f"Slack answers `{self.code}`.", self.fix)


def busy(name: str, *, after: float | None) -> DestinationError:
    """Return the error for a Slack that asks for time."""
    return DestinationError(
        Problem(
            code="destination-busy",
            what=f"Slack asks `{name}` to wait.",
            fix="Nothing is lost: it is tried again when Slack says, or by and by.",
        ),
        after=after,
    )


def not_a_message(delivery: Delivery, wrong: str) -> Outcome:
    """Return the refusal of a message that Slack would not show."""
    return Outcome.refused(
        delivery,
        f"Its blocks are not as Slack takes them: {cut(wrong, 200)}.",
        "Mend what makes the blocks, and send it again.",
    )
