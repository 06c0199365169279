"""An identity provider: what it is asked by OpenID Connect, and what is believed of its answers.

The authorization code flow with PKCE. What a provider says of somebody is believed when it is
signed with a key of the provider's, was made for us, for this attempt, and lasts.

Source: OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3.7; RFC 7636; RFC 9207.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import httpx
from authlib.common.security import generate_token
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from groundswell.config.sign_in import is_trusted
from groundswell.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.clock import Clock

SCOPE = "openid email profile"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures by a key that only the provider has; none by a secret that we share, and not none."""

LEEWAY = 60  # seconds that clocks may differ
LONGEST = 1 << 20  # bytes of an answer
_OK = 200


class ProviderError(UsageError):
    """A provider cannot be asked, or is not believed; tells nothing of what it said."""

    def __init__(self, what: str) -> None:
        super().__init__(
            Problem(
                "sign-in-provider",
                what,
                "Try again; if it stays so, an admin finds `sign_in:` in the configuration.",
            )
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody's way through the provider is known by when they come back."""

    state: str
    nonce: str
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, by a provider.

    Attributes:
        subject: The issuer and what it calls them, for ever.
        email: Their address; None where the provider did not verify it.
        name: What they are called; may be empty.
        claims: All that it says.
    """

    subject: str
    email: str | None
    name: str
    claims: Mapping[str, Any] = field(repr=False)


class Provider:
    """A provider; its addresses and keys are asked for when they are needed first."""

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        client_secret: str,
        clock: Clock,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.issuer = issuer
        self._client_id, self._client_secret = client_id, client_secret
        self._clock = clock
        self._http = httpx.Client(timeout=10, follow_redirects=False, transport=transport)
        self._lock = threading.Lock()
        self._known: dict[str, Any] | None = None
        self._keys: KeySet | None = None

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def begin(self, redirect_uri: str) -> tuple[str, Attempt]:
        """Return where a browser is sent, and what it is known by when it comes back.

        Raises:
            ProviderError: The provider cannot be asked.
        """
        attempt = Attempt(generate_token(43), generate_token(43), generate_token(64))
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": create_s256_code_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        return add_params_to_uri(self._at("authorization_endpoint"), list(asked.items())), attempt

    def finish(self, code: str, attempt: Attempt, *, redirect_uri: str) -> Identity:
        """Return who came back with a code.

        Raises:
            ProviderError: The provider cannot be asked, or what it says is not to be believed.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        told = self._ask(
            "POST",
            self._at("token_endpoint"),
            data=form,
            auth=(self._client_id, self._client_secret),
        )
        claims = self._believed(str(told.get("id_token", "")), attempt.nonce)
        claims |= self._more(str(told.get("access_token", "")), claims)
        email, verified = claims.get("email"), claims.get("email_verified") is True
        return Identity(
            subject=f"{self.issuer} {claims['sub']}",
            email=email if isinstance(email, str) and verified else None,
            name=str(claims.get("name") or ""),
            claims=claims,
        )

    def _more(self, access_token: str, claims: dict[str, Any]) -> dict[str, Any]:
        """Return what the provider says of somebody where it is asked apart."""
        if not access_token or "userinfo_endpoint" not in self._metadata():
            return {}
        bearing = {"authorization": f"Bearer {access_token}"}
        more = self._ask("GET", self._at("userinfo_endpoint"), headers=bearing)
        if more.get("sub") != claims["sub"]:
            raise ProviderError("The provider tells of somebody else.")
        return {name: value for name, value in more.items() if name not in claims}

    def _believed(self, id_token: str, nonce: str) -> dict[str, Any]:
        """Return the claims of a token that is signed, ours, of this attempt, and lasts."""
        claims = self._opened(id_token)
        rules = jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            leeway=LEEWAY,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self._client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            rules.validate(claims)
        except JoseError:
            raise ProviderError("What the provider said is not for this attempt.") from None
        several = isinstance(claims["aud"], list) and len(cast("list[Any]", claims["aud"])) > 1
        if (several or "azp" in claims) and claims.get("azp") != self._client_id:
            raise ProviderError("What the provider said is for somebody else.")
        return claims

    def _opened(self, id_token: str) -> dict[str, Any]:
        for fresh in (False, True):  # a key that is not known yet may have been changed meanwhile
            try:
                return dict(
                    jwt.decode(
                        id_token, self._key_set(fresh=fresh), algorithms=list(ALGORITHMS)
                    ).claims
                )
            except (JoseError, ValueError):
                continue
        raise ProviderError("What the provider said is not signed by it.")

    def _key_set(self, *, fresh: bool) -> KeySet:
        with self._lock:
            if self._keys is None or fresh:
                told = self._ask("GET", self._at("jwks_uri"))
                try:
                    self._keys = KeySet.import_key_set(cast("Any", told))
                except (JoseError, ValueError, KeyError, TypeError):
                    raise ProviderError("The provider has no keys.") from None
            return self._keys

    def _metadata(self) -> dict[str, Any]:
        if self._known is None:
            address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            told = self._ask("GET", address)
            if told.get("issuer") != self.issuer:
                raise ProviderError("The provider is not the one that is configured.")
            self._known = told
        return self._known

    def _at(self, name: str) -> str:
        address = str(self._metadata().get(name, ""))
        secure = self.issuer.startswith("http:") or address.startswith("https:")
        if not secure or not is_trusted(address.partition("?")[0]):
            raise ProviderError("The provider names an address that cannot be trusted.")
        return address

    def _ask(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        headers = {"accept": "application/json", **more.pop("headers", {})}
        try:
            with self._http.stream(method, address, headers=headers, **more) as answer:
                body = bytearray()
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > LONGEST:
                        raise ProviderError("The provider says too much.")
        except httpx.HTTPError as error:
            what = f"The provider does not answer ({type(error).__name__})."
            raise ProviderError(what) from None
        if answer.status_code != _OK:
            raise ProviderError(f"The provider answers {answer.status_code}.")
        try:
            told = httpx.Response(_OK, content=bytes(body)).json()
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise ProviderError("The provider says what it should not.")
        return cast("dict[str, Any]", told)
