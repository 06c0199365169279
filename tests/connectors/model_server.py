"""A server of language models: `/v1/chat/completions`, as strict as those that speak it."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jsonschema

if TYPE_CHECKING:
    from collections.abc import Generator

TOKEN = "sk-model-secret"
REQUEST = {
    "type": "object",
    "required": ["model", "messages"],
    "additionalProperties": False,
    "properties": {
        "model": {"const": "small"},
        "messages": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["role", "content"],
                "additionalProperties": False,
                "properties": {
                    "role": {"enum": ["system", "user", "assistant"]},
                    "content": {"type": "string", "minLength": 1, "maxLength": 100_000},
                },
            },
        },
    },
}


@dataclass
class Models:
    """What is served, and what was asked.

    Attributes:
        line: What the model answers.
        status, raw, headers: What is answered in place of it, where set.
        drip: Seconds between the pieces of an answer.
        asked: The requests that were in order.
    """

    url: str = ""
    line: str | None = "May I lift the limit?"
    finish: str = "stop"
    status: int = 200
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0
    calls: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, path: str, token: str, body: bytes) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        if path != "/v1/chat/completions":
            return 404, b'{"error": {"message": "Unknown request URL"}}'
        if token != f"Bearer {TOKEN}":
            return 401, b'{"error": {"message": "Incorrect API key provided"}}'
        asked = json.loads(body)
        try:
            jsonschema.validate(asked, REQUEST)
        except jsonschema.ValidationError as error:
            return 400, json.dumps({"error": {"message": error.message}}).encode()
        self.asked.append(asked)
        if self.raw is not None or self.status != 200:
            return self.status, self.raw or b"{}"
        message = {"role": "assistant", "content": self.line, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": self.finish, "logprobs": None}
        told = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "small"}
        return 200, json.dumps({**told, "choices": [choice], "usage": {}}).encode()


@contextmanager
def models() -> Generator[Models]:
    """Serve a model on loopback."""
    there = Models()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(there))
    there.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(there: Models) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            there.calls += 1
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, told = there.answer(self.path, self.headers.get("Authorization", ""), body)
            self.send_response(status)
            for name, value in there.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            size = len(told) if not there.drip else 1
            try:
                for start in range(0, len(told), size):
                    self.wfile.write(told[start : start + size])
                    time.sleep(there.drip)
            except (BrokenPipeError, ConnectionResetError):
                return  # whoever asked went away

        def log_message(self, *_: object) -> None:
            return

    return Handler
