"""Signing in by an identity provider: out to it, and back with what it says of somebody."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from groundswell.config.secrets import expand
from groundswell.engine.colleagues import Role
from groundswell.errors import Problem, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from groundswell.config.sign_in_schema import OidcDef
    from groundswell.connectors.oidc import Attempt, Identity, Provider
    from groundswell.engine import Project

BEGIN, BACK = "/sign-in/provider", "/sign-in/provider/back"
WAY_COOKIE = "groundswell_way"
LASTS = timedelta(minutes=10)
"""How long somebody may take at the provider."""

_MOST_FIRST = (Role.ADMIN, Role.MANAGER, Role.ANALYST, Role.REP)


@dataclass(frozen=True)
class WayIn:
    """The configured provider.

    Attributes:
        told: As configured.
        provider: Is asked.
        key: Signs what a browser holds meanwhile: the same on every server of the project.
    """

    told: OidcDef
    provider: Provider
    key: bytes = field(repr=False)

    def seal(self, attempt: Attempt, wanted: str, *, now: datetime) -> str:
        """Return what a browser holds while it is away: signed, and good for some minutes."""
        until = int((now + LASTS).timestamp())
        told = json.dumps({**asdict(attempt), "wanted": wanted, "until": until})
        text = base64.urlsafe_b64encode(told.encode()).decode()
        return f"{text}.{self._sign(text)}"

    def unseal(self, sealed: str, state: str, *, now: datetime) -> tuple[Attempt, str]:
        """Return the attempt that a browser comes back from, and where it wanted to go.

        Raises:
            UsageError: It did not begin here, began too long ago, or is another one.
        """
        from groundswell.connectors.oidc import Attempt  # noqa: PLC0415 - HTTP

        text, _, signature = sealed.partition(".")
        told: dict[str, Any] = {}
        if hmac.compare_digest(signature.encode(), self._sign(text).encode()):
            try:
                told = cast("dict[str, Any]", json.loads(base64.urlsafe_b64decode(text)))
            except (binascii.Error, ValueError):
                told = {}
        known = str(told.get("state", ""))
        if (
            not known
            or not hmac.compare_digest(known.encode(), state.encode())
            or told["until"] < now.timestamp()
        ):
            raise UsageError(
                Problem(
                    "sign-in-astray",
                    "That way of signing in did not begin in this browser, or took too long.",
                    "Begin again from this page.",
                )
            )
        return Attempt(known, told["nonce"], told["verifier"]), str(told["wanted"])

    def role_of(self, identity: Identity) -> Role | None:
        """Return what somebody may be who was not added: of several roles the one of the most."""
        said = identity.claims.get(self.told.roles.claim, ())
        values = cast("list[Any]", said) if isinstance(said, list) else [said]
        found = {self.told.roles.map.get(value) for value in values if isinstance(value, str)}
        named = next((role for role in _MOST_FIRST if role in found), None)
        default = self.told.roles.default
        return named or (None if default is None else Role(default))

    def address_of(self, identity: Identity) -> str:
        """Return the address of somebody, where it is one that is let in.

        Raises:
            UsageError: It is not.
        """
        domain = (identity.email or "").rpartition("@")[2].lower()
        domains = {one.lower() for one in self.told.domains}
        if identity.email is None or (domains and domain not in domains):
            raise UsageError(
                Problem(
                    "sign-in-address",
                    "The provider did not verify an e-mail address that is let in here.",
                    "Verify your address at the provider, or ask an admin.",
                )
            )
        return identity.email

    def _sign(self, text: str) -> str:
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()


def open_way_in(project: Project) -> WayIn | None:
    """Return the configured provider; None where there is none.

    Raises:
        ConfigError: Its secret is not in the environment.
    """
    told = project.loaded.config.sign_in.oidc
    if told is None:
        return None
    from groundswell.connectors.oidc import Provider  # noqa: PLC0415 - HTTP

    secret = expand(told.client_secret, project.environ)
    provider = Provider(
        told.issuer, client_id=told.client_id, client_secret=secret, clock=project.clock
    )
    key = hmac.new(secret.encode(), b"groundswell way in", hashlib.sha256).digest()
    return WayIn(told, provider, key)
