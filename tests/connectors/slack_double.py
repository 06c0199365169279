"""A workspace of Slack: the methods a bot uses and an incoming webhook, as strict as the real one.

One message a second in a channel, messages by the published schema, scopes for every method, no
history in a thread's replies and no replies in a channel's history.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jsonschema
from slack_sdk.signature import SignatureVerifier

if TYPE_CHECKING:
    from collections.abc import Generator

    from groundswell.clock import FixedClock

TOKEN = "xoxb-1-secret"
WEBHOOK = "/services/T1/B1/hushhush"


def _text(kind: list[str], most: int) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "text"],
        "additionalProperties": False,
        "properties": {
            "type": {"enum": kind},
            "text": {"type": "string", "minLength": 1, "maxLength": most},
            "emoji": {"type": "boolean"},
            "verbatim": {"type": "boolean"},
        },
    }


PLAIN, EITHER = ["plain_text"], ["plain_text", "mrkdwn"]
ID = {"type": "string", "minLength": 1, "maxLength": 255}
OPTION = {
    "type": "object",
    "required": ["text", "value"],
    "properties": {"text": _text(EITHER, 75), "value": {"type": "string", "maxLength": 150}},
}
BUTTON = {
    "type": "object",
    "required": ["type", "text", "action_id"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "button"},
        "text": _text(PLAIN, 75),
        "action_id": ID,
        "value": {"type": "string", "maxLength": 2000},
        "style": {"enum": ["primary", "danger"]},
    },
}
MENU = {
    "type": "object",
    "required": ["type", "options", "action_id"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "static_select"},
        "placeholder": _text(PLAIN, 150),
        "action_id": ID,
        "options": {"type": "array", "minItems": 1, "maxItems": 100, "items": OPTION},
    },
}


def _block(kind: str, required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", *required],
        "additionalProperties": False,
        "properties": {"type": {"const": kind}, "block_id": ID, **properties},
    }


BLOCKS = {
    "type": "array",
    "maxItems": 50,
    "items": {
        "anyOf": [
            _block("divider", []),
            _block("header", ["text"], text=_text(PLAIN, 150)),
            {
                **_block(
                    "section",
                    [],
                    text=_text(EITHER, 3000),
                    fields={
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 10,
                        "items": _text(EITHER, 2000),
                    },
                    accessory={"anyOf": [BUTTON, MENU]},
                ),
                "anyOf": [{"required": ["text"]}, {"required": ["fields"]}],
            },
            _block(
                "context",
                ["elements"],
                elements={
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 10,
                    "items": _text(EITHER, 3000),
                },
            ),
            _block(
                "actions",
                ["elements"],
                elements={
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 25,
                    "items": {"anyOf": [BUTTON, MENU]},
                },
            ),
        ]
    },
}
METADATA = {
    "type": "object",
    "required": ["event_type", "event_payload"],
    "additionalProperties": False,
    "properties": {
        "event_type": {"type": "string", "pattern": "^[a-zA-Z0-9_.]+$"},
        "event_payload": {"type": "object"},
    },
}
MESSAGE = {
    "type": "object",
    "required": ["channel", "text"],
    "additionalProperties": False,
    "properties": {
        "channel": {"type": "string"},
        "text": {"type": "string", "minLength": 1, "maxLength": 40_000},
        "blocks": BLOCKS,
        "metadata": METADATA,
        "thread_ts": {"type": "string", "pattern": r"^\d+\.\d{6}$"},
        "unfurl_links": {"type": "boolean"},
        "unfurl_media": {"type": "boolean"},
    },
}
INCOMING = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {
        "text": {"type": "string", "minLength": 1},
        "blocks": BLOCKS,
        "replace_original": {"type": "boolean"},
    },
}
SCOPES = {
    "chat.postMessage": {"chat:write"},
    "users.lookupByEmail": {"users:read.email"},
    "users.info": {"users:read"},
    "conversations.open": {"im:write"},
    "conversations.list": {"channels:read"},
    "conversations.history": {"channels:history", "im:history"},
    "conversations.replies": {"channels:history", "im:history"},
}


@dataclass
class Workspace:
    """What is in it, and what it was asked."""

    clock: FixedClock
    scopes: set[str] = field(default_factory=lambda: set().union(*SCOPES.values()))
    channels: dict[str, str] = field(
        default_factory=lambda: {"C0000001": "sales", "C0000002": "strangers"}
    )
    joined: set[str] = field(default_factory=lambda: {"C0000001"})
    users: dict[str, str] = field(default_factory=lambda: {"ann@acme.example": "U0000001"})
    messages: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    trouble: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    """What is answered next in place of the real answer: status, headers, body."""
    page: int = 2
    url: str = ""
    _last: dict[str, float] = field(default_factory=dict)

    def answer(self, path: str, token: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Return what a method answers."""
        method = path.removeprefix("/api/")
        if token != TOKEN:
            return {"ok": False, "error": "invalid_auth"}
        needed = SCOPES.get(method, set())
        if needed and not needed & self.scopes:
            return {"ok": False, "error": "missing_scope", "needed": sorted(needed)[0]}
        return getattr(self, f"on_{method.replace('.', '_').lower()}")(asked)

    def on_auth_test(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "team": "Acme", "user": "groundswell"}

    def on_users_lookupbyemail(self, asked: dict[str, Any]) -> dict[str, Any]:
        user = self.users.get(asked["email"])
        if user is None:
            return {"ok": False, "error": "users_not_found"}
        return {"ok": True, "user": {"id": user}}

    def on_users_info(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = [email for email, user in self.users.items() if user == asked["user"]]
        if not found:
            return {"ok": False, "error": "user_not_found"}
        return {"ok": True, "user": {"id": asked["user"], "profile": {"email": found[0]}}}

    def on_conversations_open(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "channel": {"id": f"D{asked['users'][1:]}"}}

    def on_conversations_list(self, asked: dict[str, Any]) -> dict[str, Any]:
        listed = [{"id": key, "name": name} for key, name in sorted(self.channels.items())]
        return self._paged(asked, "channels", listed[::-1], size=1)

    def on_conversations_history(self, asked: dict[str, Any]) -> dict[str, Any]:
        oldest = float(asked.get("oldest", 0))
        return self._read(
            asked,
            lambda m: m.get("thread_ts") in {None, m["ts"]} and float(m["ts"]) > oldest,
        )

    def on_conversations_replies(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self._read(asked, lambda m: asked["ts"] in {m["ts"], m.get("thread_ts")})

    def on_chat_postmessage(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(asked.get("channel", ""))
        if channel is None:
            return {"ok": False, "error": "channel_not_found"}
        if channel[0] == "C" and channel not in self.joined:
            return {"ok": False, "error": "not_in_channel"}
        try:
            jsonschema.validate(asked, MESSAGE)
        except jsonschema.ValidationError as error:
            return {"ok": False, "error": "invalid_blocks", "errors": [error.message]}
        thread = asked.get("thread_ts")
        if thread and thread not in {m["ts"] for m in self.messages if m["channel"] == channel}:
            return {"ok": False, "error": "thread_not_found"}
        ts = f"{self.clock.now().timestamp() + len(self.messages) / 1e6:.6f}"
        self.messages.append({**asked, "channel": channel, "ts": ts})
        return {"ok": True, "channel": channel, "ts": ts}

    def too_fast(self, place: str) -> bool:
        """Whether a second message in a second goes to a channel."""
        now, before = self.clock.now().timestamp(), self._last.get(place)
        if before is not None and now - before < 1:
            return True
        self._last[place] = now
        return False

    def on_webhook(self, asked: dict[str, Any]) -> tuple[int, str]:
        """Return the status and the text that an incoming webhook answers."""
        try:
            jsonschema.validate(asked, INCOMING)
        except jsonschema.ValidationError:
            return 400, "invalid_payload"
        self.messages.append({**asked, "channel": "C0000001"})
        return 200, "ok"

    def _channel(self, place: str) -> str | None:
        if place in self.users.values():
            return f"D{place[1:]}"
        by_name = {name: key for key, name in self.channels.items()}
        found = by_name.get(place.removeprefix("#"), place)
        return found if found in self.channels or found[0] == "D" else None

    def _read(self, asked: dict[str, Any], wanted: Any) -> dict[str, Any]:
        if asked["channel"] not in self.channels and asked["channel"][0] != "D":
            return {"ok": False, "error": "channel_not_found"}
        there = [m for m in self.messages if m["channel"] == asked["channel"] and wanted(m)]
        shown = [
            m if asked.get("include_all_metadata") in {"1", "true"} else {**m, "metadata": None}
            for m in there
        ]
        return self._paged(asked, "messages", shown[::-1], size=self.page)

    def _paged(
        self, asked: dict[str, Any], name: str, items: list[dict[str, Any]], *, size: int
    ) -> dict[str, Any]:
        start = int(asked.get("cursor") or 0)
        more = str(start + size) if start + size < len(items) else ""
        page = items[start : start + size]
        return {"ok": True, name: page, "response_metadata": {"next_cursor": more}}


@contextmanager
def workspace(clock: FixedClock) -> Generator[Workspace]:
    """Serve a workspace on loopback."""
    there = Workspace(clock)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(there))
    there.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(there: Workspace) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            path = urlsplit(self.path).path
            asked = (
                json.loads(raw or "{}")
                if self.headers["Content-Type"].startswith("application/json")
                else {name: values[0] for name, values in parse_qs(raw).items()}
            )
            there.calls.append(path.removeprefix("/api/"))
            if there.trouble:
                status, headers, body = there.trouble.pop(0)
                self._reply(status, body, headers)
                return
            place = {WEBHOOK: "C0000001"}.get(path, asked.get("channel"))
            writes = path in {WEBHOOK, "/api/chat.postMessage"}
            if writes and there.too_fast(place):
                said = json.dumps({"ok": False, "error": "ratelimited"})
                self._reply(429, said, {"Retry-After": "1"})
            elif path.startswith("/services/"):
                known = path == WEBHOOK
                self._reply(*(there.on_webhook(asked) if known else (403, "invalid_token")), {})
            else:
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                said = json.dumps(there.answer(path, token, asked))
                self._reply(200, said, {"X-OAuth-Scopes": ",".join(sorted(there.scopes))})

        def _reply(self, status: int, body: str, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            sent = body.encode()
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def signed_request(
    payload: dict[str, Any], secret: str, *, at: float
) -> tuple[str, dict[str, str]]:
    """Return the body and the headers by which Slack tells of a press, signed as an app signs.

    Args:
        payload: Of the press.
        secret: The app's signing secret.
        at: When it is sent, in seconds since 1970.
    """
    body, stamp = urlencode({"payload": json.dumps(payload)}), str(int(at))
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    return body, {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": signature or "",
    }
