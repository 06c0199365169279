"""Webhooks: every delivery as a signed request to an address of yours, by Standard Webhooks 1.0.

A receiver verifies the signature with any library of the standard, and keeps the `webhook-id` to
take a delivery once. What fails is tried again for three days, by the delays of the standard.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import httpx
import msgspec
from standardwebhooks import Webhook

from groundswell.connectors.budget import DestinationError
from groundswell.connectors.deliveries import DeliveryKind, Outcome
from groundswell.connectors.destination import DestinationType, Finding, Limits
from groundswell.connectors.http import TIMEOUT, retry_after, unreachable
from groundswell.connectors.public_address import NotPublicError, PublicTransport
from groundswell.connectors.settings import Settings, unusable
from groundswell.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.destination import Context

DELAYS = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds before the first attempt, the second, and so on.

Source: Standard Webhooks 1.0, Deliverability and reliability.
"""

_GONE = 410
_THROTTLED = frozenset({429, 502, 503, 504})
_SUCCESS, _REDIRECT = range(200, 300), range(300, 400)
_SHORTEST_KEY = 24
_PLAIN_ID = re.compile(r"[A-Za-z0-9_:/@+=-]{1,200}")


class WebhookSettings(Settings, frozen=True):
    """Where webhooks go, and what they are signed with.

    Attributes:
        url: Where they are sent; https.
        secret: What they are signed with: `whsec_` and 24 to 64 bytes in base64. While it is being
            changed, the new and the old one with a space between.
        allow_private: Whether the address may lead into your own network, and be http.
    """

    secrets: ClassVar[frozenset[str]] = frozenset({"url", "secret"})

    url: str
    secret: str
    allow_private: bool = False


def message_id(key: str) -> str:
    """Return the `webhook-id` of a delivery, the same at every attempt.

    It is the key itself, unless that holds what no id may: a full stop would let the signature of
    one message be taken for that of another.

    >>> message_id("h-1:assigned:hook"), message_id("acme.example")
    ('h-1:assigned:hook', 'msg_54667cc7be6265f6a4cdfe25')
    """
    if _PLAIN_ID.fullmatch(key):
        return key
    return f"msg_{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def build_body(delivery: Delivery) -> bytes:
    """Return the body of a webhook, the same at every attempt."""
    return msgspec.json.encode(
        {
            "type": f"groundswell.{delivery.kind.value}",
            "id": message_id(delivery.key),
            "timestamp": delivery.made_at,
            "account_id": delivery.account_id,
            "handoff_id": delivery.handoff_id,
            "data": msgspec.to_builtins(delivery.body),
        }
    )


class WebhookDestination:
    """An address that webhooks are sent to."""

    def __init__(
        self,
        settings: WebhookSettings,
        context: Context,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._context = context
        self._signing = [Webhook(_decoded(secret)) for secret in settings.secret.split()]
        self._client = httpx.Client(
            transport=transport or PublicTransport(allow_private=settings.allow_private),
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": "Groundswell", "Content-Type": "application/json"},
        )

    def check(self) -> list[Finding]:
        """Ask the address for nothing, and see that it answers; no webhook is sent."""
        shortest = min(len(_decoded(secret)) for secret in self._settings.secret.split())
        long_enough = shortest >= _SHORTEST_KEY
        secret = Finding(
            "secret",
            ok=long_enough,
            said=f"{shortest} bytes",
            fix="" if long_enough else "Make one: `openssl rand -base64 32`, after `whsec_`.",
        )
        try:
            status = self._request("HEAD").status_code
        except httpx.HTTPError as error:
            raise unreachable(self._context.name, error) from None
        gone = status == _GONE
        said = f"{self._host} answers" + (" that it takes no more webhooks" if gone else "")
        return [secret, Finding("address", ok=not gone, said=said, fix=_RENEWED if gone else "")]

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Send webhooks; what fails is tried again after the delay of its attempt."""
        return [self._send(delivery) for delivery in deliveries]

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _send(self, delivery: Delivery) -> Outcome:
        if self._context.memory.get("gone") == self._endpoint:
            self._raise_gone()
        body = build_body(delivery)
        identity = message_id(delivery.key)
        try:
            answer = self._request("POST", body, self._headers(identity, body))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            problem = unreachable(self._context.name, error).problems[0]
            raise DestinationError(problem, after=_delay(delivery)) from None
        except httpx.HTTPError as error:
            return _failed(delivery, f"It did not answer ({type(error).__name__}).")
        return self._judge(delivery, answer, identity)

    def _judge(self, delivery: Delivery, answer: httpx.Response, identity: str) -> Outcome:
        status = answer.status_code
        told = retry_after(answer.headers.get("Retry-After"), self._context.clock)
        if status in _SUCCESS:
            return Outcome.sent(delivery, identity)
        if status == _GONE:
            self._context.memory.put("gone", self._endpoint)
            return Outcome.refused(delivery, "The address takes no more webhooks (410).", _RENEWED)
        if status in _THROTTLED:
            raise DestinationError(
                Problem(
                    code="destination-busy",
                    what=f"`{self._context.name}` asks for time ({status}).",
                    fix="Nothing is lost: it is tried again when it says, or by and by.",
                ),
                after=told if told else _delay(delivery),
            )
        moved = " It leads elsewhere: set `url` to where." if status in _REDIRECT else ""
        return _failed(delivery, f"It answered {status}.{moved}", told=told)

    def _headers(self, identity: str, body: bytes) -> dict[str, str]:
        now: datetime = self._context.clock.now()
        text = body.decode()
        signatures = [signing.sign(identity, now, text) for signing in self._signing]
        return {
            "webhook-id": identity,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }

    def _request(
        self, method: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Return the status and headers of an answer; what else it says is not read."""
        self._context.budget.spend()
        try:
            with self._client.stream(
                method, self._settings.url, content=body, headers=headers
            ) as answer:
                return answer
        except NotPublicError:
            raise DestinationError(
                Problem(
                    code="destination-private-address",
                    what=f"The address of `{self._context.name}` leads to {self._host}, which is "
                    "not on the public network.",
                    fix="Nothing was sent. Set `allow_private: true` if it is yours to reach.",
                )
            ) from None

    @property
    def _host(self) -> str:
        return httpx.URL(self._settings.url).host

    @property
    def _endpoint(self) -> str:
        """What tells one address with its secret from another, without showing either."""
        return hashlib.sha256(f"{self._settings.url} {self._settings.secret}".encode()).hexdigest()

    def _raise_gone(self) -> NoReturn:
        raise DestinationError(
            Problem(
                code="destination-gone",
                what=f"`{self._context.name}` takes no more webhooks: it answered 410 Gone.",
                fix=f"What waits is kept. {_RENEWED}",
            )
        )


_RENEWED = "Give it a new `url` or a new `secret` to send again, or take the destination out."


def _delay(delivery: Delivery) -> float:
    """Return the seconds to wait after an attempt that failed."""
    return float(DELAYS[min(delivery.attempts + 1, len(DELAYS) - 1)])


def _failed(delivery: Delivery, reason: str, *, told: float | None = None) -> Outcome:
    if delivery.attempts + 1 >= len(DELAYS):
        return Outcome.refused(
            delivery,
            f"{reason} It was tried {delivery.attempts + 1} times.",
            "Mend the receiver, and send it again.",
        )
    return Outcome.later(delivery, reason, after=max(_delay(delivery), told or 0.0))


def _decoded(secret: str) -> bytes:
    """Return the bytes of a secret; stricter than the library, which passes over strange letters.

    Raises:
        ValueError: It is no base64, or of no length.
    """
    text = secret.removeprefix("whsec_").rstrip("=")
    key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    if not key:
        raise ValueError("empty")
    return key


def _open(settings: WebhookSettings, context: Context) -> WebhookDestination:
    _check_url(settings, context.name)
    try:
        for secret in settings.secret.split() or [""]:
            _decoded(secret)
    except ValueError:
        raise unusable(
            context.name,
            "secret",
            "The secret is not as Standard Webhooks has it.",
            "It is `whsec_` and 24 to 64 random bytes in base64: `openssl rand -base64 32`.",
        ) from None
    return WebhookDestination(settings, context)


def _check_url(settings: WebhookSettings, name: str) -> None:
    allowed = ("https", "http") if settings.allow_private else ("https",)
    try:
        url: Any = httpx.URL(settings.url)
    except (httpx.InvalidURL, UnicodeError):
        url = None
    if url is None or url.scheme not in allowed or not url.host:
        raise unusable(
            name,
            "url",
            "The address of the webhook is no https address.",
            "Set `url` to one such as https://hooks.acme.example/groundswell; http is for your own "
            "network, with `allow_private: true`.",
        )


DESTINATION = DestinationType(
    name="webhook",
    title="Webhook",
    doc="Sends every delivery, signed by Standard Webhooks, to an address of yours.",
    settings=WebhookSettings,
    open=_open,
    kinds=frozenset(DeliveryKind),
    usual=frozenset({"account", "task", "message"}),
    limits=Limits(requests=10, seconds=1.0),
    batch=1,
)
