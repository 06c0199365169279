"""Slack as a bot: messages that can be found again, threads, and reps by their addresses."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, cast

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError

from groundswell.connectors.deliveries import Message, Outcome
from groundswell.connectors.destination import Finding
from groundswell.connectors.http import TOO_MANY, retry_after, unreachable
from groundswell.connectors.slack_blocks import fallback, fault, fit_blocks
from groundswell.connectors.slack_errors import BUSY, SlackRefusal, busy, not_a_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from slack_sdk.web import SlackResponse

    from groundswell.connectors.budget import DestinationError
    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.destination import Context
    from groundswell.connectors.slack import SlackSettings

TIMEOUT = 20
QUIET = logging.getLogger("groundswell.slack")
"""For the SDK, which would write addresses and messages to a log that listens closely."""
QUIET.setLevel(logging.CRITICAL + 1)

EVENT = "groundswell_delivery"
"""The type of the metadata that carries a delivery's key."""

_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{6,}")
_USER_ID = re.compile(r"[UW][A-Z0-9]{6,}")
_LOST_THREAD = frozenset(
    {"thread_not_found", "message_not_found", "cannot_reply_to_message", "thread_locked"}
)
_PAGE = 200
_LOOK_BACK = timedelta(minutes=5)
_SERVER_ERROR = 500


class SlackBot:
    """A bot of an app in a workspace."""

    def __init__(self, settings: SlackSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._client = WebClient(
            settings.token, settings.url, timeout=TIMEOUT, logger=QUIET, retry_handlers=[]
        )

    def check(self) -> list[Finding]:
        """Ask who the bot is, and which scopes it has."""
        try:
            answer = self._call(self._client.auth_test)
        except SlackRefusal as refusal:
            said = f"Slack answers `{refusal.code}`"
            return [Finding("credentials", ok=False, said=said, fix=refusal.fix)]
        who = f"bot `{answer.get('user')}` of the workspace `{answer.get('team')}`"
        told = _header(answer.headers, "x-oauth-scopes")
        found = [Finding("credentials", ok=True, said=who)]
        if told is None:
            return [*found, Finding("scopes", ok=True, said="Slack does not say which there are")]
        granted = {scope.strip() for scope in told.split(",")}
        return [*found, *(_scope(needed, granted) for needed in self._needed())]

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Write the messages; what follows on a handoff goes into the thread of its first."""
        return [self._send(delivery) for delivery in deliveries]

    def find(self, deliveries: Sequence[Delivery]) -> dict[str, str]:
        """Return key to channel and time of those that were written.

        Raises:
            DestinationError: Slack cannot be reached, or does not let the bot read.
        """
        found: dict[str, str] = {}
        for delivery in deliveries:
            try:
                their_id = self._find(delivery)
            except SlackRefusal as refusal:
                raise refusal.error(self._context.name) from None
            if their_id is not None:
                found[delivery.key] = their_id
        return found

    def close(self) -> None:
        """Nothing is held open."""

    def email_of(self, user_id: str) -> str | None:
        """Return the address of who pressed a button; None where Slack does not say.

        Raises:
            DestinationError: It cannot be reached.
        """
        kept = self._context.memory.get(f"email:{user_id}")
        if kept is not None:
            return kept
        try:
            answer = self._call(self._client.users_info, user=user_id)
        except SlackRefusal:
            return None
        user: dict[str, Any] = answer.get("user") or {}
        email: str | None = (user.get("profile") or {}).get("email")
        if email:
            self._context.memory.put(f"email:{user_id}", email)
        return email

    def _send(self, delivery: Delivery) -> Outcome:
        body = delivery.body
        assert isinstance(body, Message), "Slack takes messages alone"
        before = self._context.memory.get(f"sent:{delivery.key}")
        if before is not None:
            return Outcome.sent(delivery, before)
        blocks = fit_blocks(body.blocks)
        wrong = fault(blocks)
        if wrong is not None:
            return not_a_message(delivery, wrong)
        try:
            place = self._place(body)
            if place is None:
                return Outcome.refused(
                    delivery,
                    f"Slack knows nobody by the address `{body.to}`, and no channel is named.",
                    "Set `channel`, or give the rep the address of their Slack account.",
                )
            return self._write(delivery, place, blocks)
        except SlackRefusal as refusal:
            return refusal.outcome(delivery, name=self._context.name)

    def _write(self, delivery: Delivery, place: str, blocks: list[dict[str, Any]]) -> Outcome:
        assert isinstance(delivery.body, Message)
        channel, root = self._thread(delivery, place)
        try:
            answer = self._call(
                self._client.chat_postMessage,
                channel=channel,
                thread_ts=root,
                text=fallback(delivery.body),
                blocks=blocks or None,
                metadata={"event_type": EVENT, "event_payload": {"key": delivery.key}},
                unfurl_links=False,
                unfurl_media=False,
            )
        except SlackRefusal as refusal:
            if root is not None and refusal.code in _LOST_THREAD:
                self._context.memory.put(f"thread:{place}:{delivery.handoff_id}", "")
                return Outcome.later(delivery, "The thread it belongs to is gone.", after=1.0)
            if refusal.code == "channel_not_found" and _USER_ID.fullmatch(place):
                # One rep who cannot be written to is no reason to stop writing to the others.
                return Outcome.refused(
                    delivery,
                    "Slack cannot open a conversation with the rep.",
                    "Give the handoff to somebody with an active Slack account.",
                )
            raise
        return Outcome.sent(delivery, self._keep(delivery, place, _data(answer)))

    def _keep(self, delivery: Delivery, place: str, written: Mapping[str, Any]) -> str:
        channel = str(written["channel"])
        their_id = f"{channel}:{written['ts']}"
        memory = self._context.memory
        memory.put(f"sent:{delivery.key}", their_id)
        if memory.get(f"channel:{place}") != channel:
            memory.put(f"channel:{place}", channel)
        thread = f"thread:{place}:{delivery.handoff_id}"
        if delivery.handoff_id is not None and not memory.get(thread):
            memory.put(thread, their_id)
        return their_id

    def _thread(self, delivery: Delivery, place: str) -> tuple[str, str | None]:
        """Return where to write, and the message that is followed up."""
        kept = self._context.memory.get(f"thread:{place}:{delivery.handoff_id}")
        if delivery.handoff_id is None or not kept:
            return place, None
        channel, _, ts = kept.partition(":")
        return channel, ts

    def _place(self, body: Message) -> str | None:
        """Return the rep's user id or the channel."""
        user = self._user(body.to) if self._settings.direct and body.to else None
        return user or self._settings.channel

    def _user(self, email: str) -> str | None:
        kept = self._context.memory.get(f"user:{email}")
        if kept is not None:
            return kept
        try:
            answer = self._call(self._client.users_lookupByEmail, email=email)
        except SlackRefusal as refusal:
            if refusal.whole:
                raise
            return None
        user = str(_data(answer)["user"]["id"])
        self._context.memory.put(f"user:{email}", user)
        return user

    def _find(self, delivery: Delivery) -> str | None:
        assert isinstance(delivery.body, Message)
        place = self._place(delivery.body)
        channel = self._channel_id(place) if place else None
        if place is None or channel is None:
            return None
        _, root = self._thread(delivery, place)
        asked: dict[str, Any] = {"channel": channel, "include_all_metadata": True, "limit": _PAGE}
        since = f"{(delivery.made_at - _LOOK_BACK).timestamp():.6f}"
        replies = self._client.conversations_replies
        history = self._client.conversations_history
        # A thread may have begun after a message whose outcome was never heard of: look in both.
        followed = self._messages(replies, **asked, ts=root) if root else iter(())
        for messages in (followed, self._messages(history, **asked, oldest=since)):
            for message in messages:
                if _key(message) == delivery.key:
                    return self._keep(delivery, place, {**message, "channel": channel})
        return None

    def _channel_id(self, place: str) -> str | None:
        """Return the id of a channel, which reading needs where writing takes a name."""
        if _CHANNEL_ID.fullmatch(place):
            return place
        kept = self._context.memory.get(f"channel:{place}")
        if kept is not None:
            return kept
        if _USER_ID.fullmatch(place):
            answer = self._call(self._client.conversations_open, users=place)
            return str(_data(answer)["channel"]["id"])
        name = place.removeprefix("#")
        listed = self._messages(
            self._client.conversations_list,
            items="channels",
            types="public_channel,private_channel",
            exclude_archived=True,
            limit=_PAGE,
        )
        return next((channel["id"] for channel in listed if channel.get("name") == name), None)

    def _messages(
        self, method: Callable[..., SlackResponse], *, items: str = "messages", **asked: Any
    ) -> Iterator[dict[str, Any]]:
        """Yield what a method returns page by page."""
        cursor: str | None = None
        while cursor != "":
            answer = self._call(method, **asked, cursor=cursor)
            yield from answer.get(items) or []
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""

    def _needed(self) -> list[tuple[str, ...]]:
        """Return the scopes, each with those that do as well."""
        needed: list[tuple[str, ...]] = [("chat:write", "chat:write:bot")]
        if self._settings.direct:
            needed += [("users:read.email",), ("im:write",), ("im:history",)]
        channel = self._settings.channel
        if channel is not None:
            needed.append(("channels:history", "groups:history"))
            if not _CHANNEL_ID.fullmatch(channel):
                needed.append(("channels:read", "groups:read"))
        return needed

    def _call(self, method: Callable[..., SlackResponse], **arguments: Any) -> SlackResponse:
        """Ask Slack once.

        Raises:
            SlackRefusal: It answered, and did not do it.
            DestinationError: It did not answer, or asks for time.
        """
        self._context.budget.spend()
        try:
            return method(**arguments)
        except SlackApiError as error:
            raise self._judged(error.response) from None
        except (OSError, HTTPException, SlackRequestError) as error:
            raise unreachable(self._context.name, error) from None

    def _judged(self, answer: SlackResponse) -> SlackRefusal | DestinationError:
        code = str(answer.get("error") or "")
        status = answer.status_code
        overloaded = status == TOO_MANY or status >= _SERVER_ERROR
        if overloaded or code in BUSY or " " in code:  # the SDK says so where it is no JSON
            told = _header(answer.headers, "retry-after")
            return busy(self._context.name, after=retry_after(told, self._context.clock))
        return SlackRefusal(code, needed=str(answer.get("needed") or ""))


def _data(answer: SlackResponse) -> dict[str, Any]:
    """Return an answer as the JSON it came as."""
    return cast("dict[str, Any]", answer.data)


def _key(message: dict[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT:
        return None
    return (metadata.get("event_payload") or {}).get("key")


def _scope(needed: tuple[str, ...], granted: set[str]) -> Finding:
    ok = not granted.isdisjoint(needed)
    name = f"scope {needed[0]}"
    if ok:
        return Finding(name, ok=True, said="granted")
    return Finding(
        name,
        ok=False,
        said="missing",
        fix=f"Add `{needed[0]}` under OAuth & Permissions of the app, and install it again.",
    )


def _header(headers: Mapping[str, Any], name: str) -> str | None:
    return next((str(value) for key, value in headers.items() if key.lower() == name), None)
