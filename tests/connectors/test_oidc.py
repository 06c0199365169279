"""What is believed of an identity provider, and what is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from groundswell.clock import FixedClock
from groundswell.connectors.oidc import Attempt, Provider, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

ISSUER, CLIENT, SECRET = "https://id.example", "groundswell", "the-secret-of-the-client-0123456789"
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
ATTEMPT = Attempt("state", "nonce", "verifier")
OWN, OTHER = (RSAKey.generate_key(2048, {"kid": name}) for name in ("own", "other"))
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "1",
    "nonce": "nonce",
    "iat": int(NOW.timestamp()),
    "exp": int((NOW + timedelta(minutes=5)).timestamp()),
    "email": "ann@ours.example",
    "email_verified": True,
}


class Answers:
    """A provider's answers, and what it was asked."""

    def __init__(self, id_token: str, **more: Any) -> None:
        self.id_token = id_token
        self.metadata = {**METADATA, **more.pop("metadata", {})}
        self.keys = [OWN]
        self.userinfo = more.pop("userinfo", {"sub": "1"})
        self.status = more.pop("status", 200)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        match request.url.path:
            case "/.well-known/openid-configuration":
                return httpx.Response(200, json=self.metadata)
            case "/keys":
                return httpx.Response(200, json=KeySet(self.keys).as_dict(private=False))
            case "/userinfo":
                return httpx.Response(200, json=self.userinfo)
            case _:
                told = {"id_token": self.id_token, "access_token": "a", "token_type": "Bearer"}
                headers = {"location": "https://evil.example"}
                return httpx.Response(self.status, json=told, headers=headers)


def signed(claims: dict[str, Any], key: Any = OWN, alg: str = "RS256", kid: str = "own") -> str:
    return jwt.encode({"alg": alg, "kid": kid}, claims, key, algorithms=[alg])


def by_secret(claims: dict[str, Any], secret: bytes) -> str:
    """Sign with a secret, by hand: the library refuses to take a public key for one."""

    def part(told: bytes) -> str:
        return base64.urlsafe_b64encode(told).rstrip(b"=").decode()

    head = {"alg": "HS256", "kid": "own"}
    text = f"{part(json.dumps(head).encode())}.{part(json.dumps(claims).encode())}"
    return f"{text}.{part(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in CLAIMS.items() if name not in names}


def provider_of(answers: Callable[[httpx.Request], httpx.Response]) -> Provider:
    """Return a provider that answers so."""
    return Provider(
        ISSUER,
        client_id=CLIENT,
        client_secret=SECRET,
        clock=FixedClock(NOW),
        transport=httpx.MockTransport(answers),
    )


def finish(answers: Answers) -> Any:
    with closing(provider_of(answers)) as provider:
        return provider.finish("code", ATTEMPT, redirect_uri="https://us.example/back")


def test_what_is_signed_for_us_is_believed() -> None:
    answers = Answers(signed(CLAIMS))
    found = finish(answers)
    assert (found.subject, found.email) == (f"{ISSUER} 1", "ann@ours.example")
    (asked,) = [one for one in answers.asked if one.url.path == "/token"]
    form = {name: value[0] for name, value in parse_qs(asked.content.decode()).items()}
    assert form["code_verifier"] == "verifier"
    assert form["code"] == "code"
    assert asked.headers["authorization"].startswith("Basic ")


FORGED = {
    "another nonce": signed({**CLAIMS, "nonce": "other"}),
    "no nonce": signed(without("nonce")),
    "another issuer": signed({**CLAIMS, "iss": "https://id.example/"}),
    "another client": signed({**CLAIMS, "aud": "other"}),
    "another party": signed({**CLAIMS, "aud": [CLIENT, "other"], "azp": "other"}),
    "two clients and no party": signed({**CLAIMS, "aud": [CLIENT, "other"]}),
    "over": signed({**CLAIMS, "exp": int((NOW - timedelta(minutes=2)).timestamp())}),
    "no end": signed(without("exp")),
    "not yet": signed({**CLAIMS, "iat": int((NOW + timedelta(minutes=5)).timestamp())}),
    "nobody": signed(without("sub")),
    "another key": signed(CLAIMS, OTHER),
    "a key that is unknown": signed(CLAIMS, OTHER, kid="other"),
    "the secret that we share": signed(CLAIMS, OctKey.import_key(SECRET), "HS256"),
    "the public key as a secret": by_secret(CLAIMS, OWN.as_pem(private=False)),
    "no signature": "eyJhbGciOiJub25lIn0." + signed(CLAIMS).split(".")[1] + ".",
    "no token": "",
    "changed": signed(CLAIMS).replace(".", ".A", 1),
}


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("forgery", FORGED)
def test_what_is_not_signed_for_this_attempt_is_not_believed(forgery: str) -> None:
    with pytest.raises(ProviderError) as error:
        finish(Answers(FORGED[forgery]))
    assert SECRET not in str(error.value)
    assert "ann@ours.example" not in str(error.value)


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://id.example/token"},
        {"token_endpoint": "http://127.0.0.1/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": ""},
    ],
    ids=str,
)
def test_a_provider_that_names_what_it_should_not_is_not_asked(changed: dict[str, str]) -> None:
    answers = Answers(signed(CLAIMS), metadata=changed)
    with pytest.raises(ProviderError):
        finish(answers)
    assert {one.url.scheme for one in answers.asked} == {"https"}


@pytest.mark.parametrize("status", [302, 307, 400, 401, 500])
def test_what_is_no_answer_is_told_and_no_redirect_is_followed(status: int) -> None:
    answers = Answers(signed(CLAIMS), status=status)
    with pytest.raises(ProviderError, match=str(status)):
        finish(answers)
    assert {one.url.host for one in answers.asked} == {"id.example"}


def test_an_address_that_is_not_verified_is_none() -> None:
    assert finish(Answers(signed({**CLAIMS, "email_verified": "true"}))).email is None
    assert finish(Answers(signed(without("email_verified")))).email is None


def test_an_address_may_be_told_apart_of_the_same_one_alone() -> None:
    apart = {"sub": "1", "email": "ann@ours.example", "email_verified": True, "iss": "x"}
    bare = signed(without("email", "email_verified"))
    found = finish(Answers(bare, userinfo=apart))
    assert found.email == "ann@ours.example"
    assert found.claims["iss"] == ISSUER
    with pytest.raises(ProviderError, match="somebody else"):
        finish(Answers(bare, userinfo={**apart, "sub": "2"}))


def test_a_changed_key_is_asked_for_once_more() -> None:
    answers = Answers(signed(CLAIMS, OTHER, kid="other"))
    provider = provider_of(answers)
    with pytest.raises(ProviderError):
        provider.finish("code", ATTEMPT, redirect_uri="r")
    answers.keys = [OWN, OTHER]
    assert provider.finish("code", ATTEMPT, redirect_uri="r").subject == f"{ISSUER} 1"
    provider.close()


@pytest.mark.parametrize("keys", [{}, {"keys": 1}, {"keys": [{"kty": "none"}]}], ids=str)
def test_keys_that_are_none_are_told(keys: dict[str, Any]) -> None:
    answers = Answers(signed(CLAIMS))

    def told(request: httpx.Request) -> httpx.Response:
        found = answers(request)
        return httpx.Response(200, json=keys) if request.url.path == "/keys" else found

    provider = provider_of(told)
    with pytest.raises(ProviderError):
        provider.finish("code", ATTEMPT, redirect_uri="r")
    provider.close()


def test_what_is_too_long_is_not_read() -> None:
    def endless(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=json.dumps({"issuer": "x" * (2 << 20)}))

    provider = provider_of(endless)
    with pytest.raises(ProviderError, match="too much"):
        provider.begin("https://us.example/back")
    provider.close()


def test_nothing_shows_the_secret_or_the_verifier() -> None:
    assert "verifier" not in repr(ATTEMPT)

    def refusing(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(401, text=f"{request.headers['authorization']} {SECRET} verifier")
        return httpx.Response(200, json=METADATA)

    with closing(provider_of(refusing)) as provider:
        assert SECRET not in repr(provider)
        with pytest.raises(ProviderError) as refused:
            provider.finish("code", ATTEMPT, redirect_uri="r")
    told = f"{refused.value} {refused.value.problems}"
    assert SECRET not in told
    assert "verifier" not in told
    assert "Basic" not in told
