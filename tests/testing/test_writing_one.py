"""The destination that the documentation writes passes the suite that it is shown with."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.loopback

PAGE = Path(__file__).parents[2] / "docs" / "destinations" / "writing-one.md"
for block in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL):
    exec(compile(block, str(PAGE), "exec"), globals())


class DeskServer:
    """A service desk: a ticket has the name it is put under, without spaces."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.url, self.requests = "", 0

    @property
    def tickets(self) -> list[str]:
        return list(self.kept)

    def text_of(self, name: str) -> str:
        return "\n".join(str(value) for value in self.kept[name].values())


@pytest.fixture
def desk() -> Iterator[DeskServer]:
    held = DeskServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, {})

        def do_PUT(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = unquote(self.path.removeprefix("/tickets/"))
            if " " in name:
                self._answer(422, {"error": "a ticket has no spaces in its name"})
                return
            held.kept[name] = body
            self._answer(200, {"id": f"T-{name}"})

        def _answer(self, status: int, told: dict[str, str]) -> None:
            held.requests += 1
            known = self.headers["Authorization"] == "Bearer t-123"
            body = json.dumps(told).encode()
            self.send_response(status if known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    held.url = f"http://127.0.0.1:{server.server_port}"
    yield held
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_page_shows_a_whole_destination_and_its_tests():
    shown = globals()
    assert shown["DESTINATION"].name == "desk"
    assert shown["TestDesk"].__name__ == "TestDesk"
