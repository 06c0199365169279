"""Signed webhooks: believed by the standard's own library, and led to no address inside."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jsonschema
import msgspec
import pytest
import pytest_socket
import trustme
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from groundswell.clock import FixedClock
from groundswell.connectors.deliveries import BODIES, AccountValues, DeliveryKind, Task, body_of
from groundswell.connectors.destination import DestinationError, Limits
from groundswell.connectors.public_address import PublicTransport, is_public
from groundswell.connectors.registry import destination_type
from groundswell.connectors.webhook import (
    DELAYS,
    DESTINATION,
    WebhookDestination,
    WebhookSettings,
    message_id,
)
from groundswell.errors import ConfigError
from groundswell.testing import Subject
from groundswell.testing.suite import DestinationSuite

from .deliveries import ACME, NOON, context, message

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.destination import Context

pytestmark = pytest.mark.loopback

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
PAYLOAD = {
    "type": "object",
    "required": ["type", "id", "timestamp", "account_id", "handoff_id", "data"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "pattern": r"^groundswell\.[a-z_]+$"},
        "id": {"type": "string", "pattern": r"^[^.\s]{1,255}$"},
        "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT[\d:.]+Z$"},
        "account_id": {"type": "string"},
        "handoff_id": {"type": ["string", "null"]},
        "data": {"type": "object"},
    },
}


@dataclass
class Receiver:
    """A receiver that verifies what it is sent, and takes every id once."""

    taken: dict[str, Any] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """What is answered next, in place of what the signature asks for."""
    hang_up: bool = False
    names: list[str | None] = field(default_factory=list)
    """What was asked for by TLS."""
    port: int = 0

    def take(self, raw: bytes, headers: dict[str, str]) -> int:
        try:
            payload = Webhook(SECRET).verify(raw, headers)
        except WebhookVerificationError:
            return 401
        jsonschema.validate(payload, PAYLOAD)
        assert payload["id"] == headers["webhook-id"]
        self.taken.setdefault(payload["id"], payload)
        return 204


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Generator[Receiver]:
    there = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(there))
    there.port = server.server_address[1]
    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: there.names.append(name)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(there: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            there.requests.append((self.command, self.path, headers))
            if there.hang_up:
                self.close_connection = True
                return
            usual = there.take(raw, headers) if self.command == "POST" else 405
            status, more = there.answers.pop(0) if there.answers else (usual, {})
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def clock() -> FixedClock:
    """The standard's library compares with the time as it is."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def given(clock: FixedClock) -> Context:
    return context(clock, Limits(requests=100, seconds=1.0))


def webhook(receiver: Receiver, given: Context, **settings: Any) -> WebhookDestination:
    told = {
        "url": f"http://127.0.0.1:{receiver.port}/in/hush?a=1",
        "secret": SECRET,
        "allow_private": True,
        **settings,
    }
    return DESTINATION.open(msgspec.convert(told, WebhookSettings), given)


def send(destination: WebhookDestination, delivery: Delivery) -> Any:
    try:
        return destination.send([delivery])[0]
    finally:
        destination.close()


def problem(error: pytest.ExceptionInfo[Any]) -> Any:
    return error.value.problems[0]


def test_the_registry_knows_it():
    assert destination_type("webhook") is DESTINATION
    assert DESTINATION.kinds == set(BODIES)


def test_a_webhook_is_believed_by_the_standards_library(there, given, clock):
    outcome = send(webhook(there, given), message())
    assert (outcome.status, outcome.their_id) == ("sent", "k-1")
    method, path, headers = there.requests[0]
    assert (method, path) == ("POST", "/in/hush?a=1")
    assert headers["content-type"] == "application/json"
    assert headers["webhook-timestamp"] == str(int(clock.now().timestamp()))
    payload = there.taken["k-1"]
    assert (payload["type"], payload["handoff_id"]) == ("groundswell.message", "h-1")
    assert payload["timestamp"] == "2026-03-02T12:00:00Z"
    assert body_of(DeliveryKind.MESSAGE, payload["data"]) == message().body


def test_another_secret_is_not_believed(there, given):
    outcome = send(webhook(there, given, secret=OLD), message())
    assert (outcome.status, there.taken) == ("later", {})
    assert "401" in outcome.reason


def test_a_secret_is_changed_without_a_gap(there, given):
    assert send(webhook(there, given, secret=f"{OLD} {SECRET}"), message()).status == "sent"


@pytest.mark.parametrize(
    "body",
    [
        AccountValues(ACME, {"score": 82.5, "qualified": True, "play": None}),
        Task(ACME, "Call", "Because", NOON + timedelta(hours=4), "ann@acme.example"),
    ],
)
def test_every_kind_goes_as_it_was_written(there, given, body):
    kind = next(kind for kind, made in BODIES.items() if isinstance(body, made))
    send(webhook(there, given), replace(message(), kind=kind, body=body))
    assert there.taken["k-1"]["type"] == f"groundswell.{kind}"
    assert body_of(kind, there.taken["k-1"]["data"]) == body


def test_a_repeat_is_the_same_to_the_receiver(there, given, clock):
    first, again = webhook(there, given), webhook(there, context(clock))
    send(first, message("acme.example:1"))
    clock.advance(timedelta(seconds=90))
    send(again, replace(message("acme.example:1"), attempts=3))
    ids = [headers["webhook-id"] for _, _, headers in there.requests]
    assert ids == [message_id("acme.example:1")] * 2
    assert "." not in ids[0]
    assert len(there.taken) == 1


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 500])
def test_what_is_no_success_is_tried_again(there, given, status):
    there.answers.append((status, {"Location": f"http://127.0.0.1:{there.port}/elsewhere"}))
    outcome = send(webhook(there, given), message())
    assert (outcome.status, outcome.after) == ("later", 5.0)
    assert str(status) in outcome.reason
    assert len(there.requests) == 1, "no redirect is followed"


def test_the_delays_are_those_of_the_standard(there, given):
    waited: list[float | None] = []
    destination = webhook(there, given)
    for attempts in range(len(DELAYS)):
        there.answers.append((500, {}))
        outcome = destination.send([replace(message(), attempts=attempts)])[0]
        waited.append(outcome.after)
    destination.close()
    minute, hour = 60, 3_600
    assert waited[:-1] == [
        *(5, 5 * minute, 30 * minute),
        *(h * hour for h in (2, 5, 10, 14, 20, 24)),
    ]
    assert (outcome.status, waited[-1]) == ("refused", None)
    assert "10 times" in outcome.reason


def test_a_receiver_may_ask_for_more_time(there, given):
    there.answers.append((500, {"Retry-After": "120"}))
    assert send(webhook(there, given), message()).after == 120


@pytest.mark.parametrize(
    ("status", "told", "after"), [(429, "7", 7), (503, None, 300), (502, "60", 60)]
)
def test_one_that_is_overloaded_is_left_alone(there, given, status, told, after):
    there.answers.append((status, {"Retry-After": told} if told else {}))
    with pytest.raises(DestinationError) as error:
        send(webhook(there, given), replace(message(), attempts=1))
    assert (problem(error).code, error.value.after) == ("destination-busy", after)


def test_one_that_is_gone_is_sent_to_no_more(there, given):
    there.answers.append((410, {}))
    assert send(webhook(there, given), message("k-1")).status == "refused"
    with pytest.raises(DestinationError) as error:
        send(webhook(there, given), message("k-2"))
    assert problem(error).code == "destination-gone"
    assert len(there.requests) == 1
    renewed = webhook(there, given, url=f"http://127.0.0.1:{there.port}/new")
    assert send(renewed, message("k-2")).status == "sent"


def test_one_that_hangs_up_is_tried_again(there, given):
    there.hang_up = True
    assert send(webhook(there, given), message()).after == 5.0


def test_silence_is_told_without_the_address(there, given):
    silent = {"url": "http://127.0.0.1:9/in/hush"}
    with pytest.raises(DestinationError) as error:
        send(webhook(there, given, **silent), message())
    assert (problem(error).code, error.value.after) == ("destination-unreachable", 5.0)
    with pytest.raises(DestinationError):
        webhook(there, given, **silent).check()
    assert "hush" not in f"{error.value}"


def test_every_request_is_spent(there, clock):
    given = context(clock, Limits(daily=1))
    send(webhook(there, given), message())
    with pytest.raises(DestinationError, match="used up"):
        send(webhook(there, given), message("k-2"))
    assert len(there.requests) == 1


def test_check_sends_no_webhook(there, given):
    found = webhook(there, given).check()
    assert [(f.name, f.ok) for f in found] == [("secret", True), ("address", True)]
    assert [method for method, _, _ in there.requests] == ["HEAD"]
    there.answers.append((410, {}))
    found = webhook(there, given, secret="whsec_c2hvcnQ=").check()
    assert [(f.name, f.ok, bool(f.fix)) for f in found] == [
        ("secret", False, True),
        ("address", False, True),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "ftp://hooks.example/x",
        "https://",
        "hush",
        "https://[::1",
    ],
)
def test_an_address_that_is_none_is_told(given, url):
    with pytest.raises(ConfigError) as error:
        DESTINATION.open(WebhookSettings(url, SECRET), given)
    assert problem(error).path == "destinations.there.url"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_hush-hush-", "whsec_a"])
def test_a_secret_that_is_none_is_told(given, secret):
    with pytest.raises(ConfigError) as error:
        DESTINATION.open(WebhookSettings("https://hooks.example/x", secret), given)
    assert problem(error).path == "destinations.there.secret"
    assert "hush" not in str(error.value)


def test_settings_show_no_secret():
    assert SECRET not in repr(WebhookSettings("https://hooks.example/x", SECRET))


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254"),
        *("172.16.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "224.0.0.251", "240.0.0.1"),
        *("255.255.255.255", "::", "::1", "fc00::1", "fe80::1", "fe80::1%eth0", "ff02::1"),
        *("fec0::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe"),
        *("2002:7f00:1::1", "2002:a00:1::", "64:ff9b::7f00:1", "64:ff9b::a00:1"),
        *("localhost", ""),
    ],
)
def test_addresses_inside_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_network_are(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_an_address_inside_is_refused_before_it_is_connected_to(there, given, host):
    settings = WebhookSettings(f"https://{host}:{there.port}/", SECRET)
    for asked in (lambda d: d.send([message()]), lambda d: d.check()):
        destination = DESTINATION.open(settings, given)
        with pytest.raises(DestinationError) as error:
            asked(destination)
        assert problem(error).code == "destination-private-address"
        destination.close()
    assert there.requests == []


def test_one_private_address_among_public_ones_is_refused(there, given):
    def names(_host: str, _port: int) -> list[str]:
        return ["8.8.8.8", "127.0.0.1"]

    destination = WebhookDestination(
        WebhookSettings("https://hooks.example/", SECRET),
        given,
        transport=PublicTransport(resolve=names),
    )
    with pytest.raises(DestinationError, match=r"hooks\.example"):
        send(destination, message())


def test_the_checked_address_is_connected_to_under_its_name(given, monkeypatch):
    """The name is resolved once; TLS and Host are for the name, not for the address.

    Nothing listens at the first address, so the second is tried.
    """
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example").configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    asked: list[str] = []

    def names(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.2", "127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    def no_names(*args: Any, **more: Any) -> Any:
        numeric = args[0] in {"127.0.0.1", "127.0.0.2"}
        assert numeric, f"{args[0]} is resolved behind our back"
        return really(*args, **more)

    really = socket.getaddrinfo
    pytest_socket.socket_allow_hosts(["127.0.0.1", "127.0.0.2"])
    with receiving(tls) as there:
        monkeypatch.setattr(socket, "getaddrinfo", no_names)
        transport = PublicTransport(allow_private=True, resolve=names, verify=trusting)
        settings = WebhookSettings(f"https://hooks.example:{there.port}/in", SECRET)
        sent = send(WebhookDestination(settings, given, transport=transport), message())
        assert sent.status == "sent"
        assert asked == there.names == ["hooks.example"]
        assert there.requests[0][2]["host"] == f"hooks.example:{there.port}"


def test_a_certificate_of_another_name_is_no_receiver(given):
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with receiving(tls) as there:
        transport = PublicTransport(
            allow_private=True, resolve=lambda _host, _port: ["127.0.0.1"], verify=trusting
        )
        settings = WebhookSettings(f"https://hooks.example:{there.port}/in", SECRET)
        with pytest.raises(DestinationError) as error:
            send(WebhookDestination(settings, given, transport=transport), message())
    assert problem(error).code == "destination-unreachable"
    assert there.requests == []


def test_a_name_that_leads_nowhere_is_told(given):
    def nowhere(_host: str, _port: int) -> list[str]:
        raise socket.gaierror("nowhere")

    settings = WebhookSettings("https://hooks.example/", SECRET)
    destination = WebhookDestination(settings, given, transport=PublicTransport(resolve=nowhere))
    with pytest.raises(DestinationError) as error:
        send(destination, message())
    assert problem(error).code == "destination-unreachable"


def test_the_body_is_json_whatever_people_are_called(there, given):
    company = replace(ACME, name='Zoë & "Œuvre" <b>\u2028🚀')
    delivery = message(company=company)
    assert send(webhook(there, given), delivery).status == "sent"
    data = there.taken["k-1"]["data"]
    assert data["company"]["name"] == company.name
    assert json.loads(json.dumps(data)) == data


def lines(value: Any) -> str:
    """Return every text in a value, one after the other."""
    if isinstance(value, dict):
        return "\n".join(lines(item) for item in value.values())
    return str(value)


class TestWebhook(DestinationSuite):
    @pytest.fixture
    def subject(self, there, clock) -> Subject:
        settings = WebhookSettings(f"http://127.0.0.1:{there.port}/in", SECRET, allow_private=True)
        return Subject(
            type=DESTINATION,
            settings=settings,
            arrived=lambda delivery: int(message_id(delivery.key) in there.taken),
            state=lambda: dict(there.taken),
            secrets=(SECRET, SECRET.removeprefix("whsec_")),
            unreachable=msgspec.structs.replace(settings, url="http://127.0.0.1:9/in"),
            shown=lambda delivery: lines(there.taken[message_id(delivery.key)]["data"]),
            requests=lambda: len(there.requests),
            clock=clock,
        )
