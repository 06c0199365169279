"""`sign_in:` checked: a provider that can be trusted, and a way in for somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from groundswell.config.stores import tell_secrets

if TYPE_CHECKING:
    from groundswell.config.findings import Findings
    from groundswell.config.sign_in_schema import SignInBlock

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def check_sign_in(block: SignInBlock, *, findings: Findings) -> None:
    """Check how colleagues prove who they are."""
    told = block.oidc
    if told is None:
        if not block.password:
            findings.tell(
                ("sign_in", "password"),
                "config-sign-in-nobody",
                "Nobody could sign in: there are no passwords, and there is no provider.",
                "Add `oidc:`, or take `password: false` out.",
            )
        return
    key = ("sign_in", "oidc")
    if not is_trusted(told.issuer):
        findings.tell(
            (*key, "issuer"),
            "config-issuer",
            f"`{told.issuer}` is no https address of a provider.",
            "Write it as the provider has it, such as `https://accounts.google.com`, without a "
            "query.",
        )
    tell_secrets(told.client_secret, (*key, "client_secret"), findings)


def is_trusted(address: str) -> bool:
    """Tell whether what an address says can be trusted: by TLS, or as it is this machine.

    >>> is_trusted("https://id.ours.example"), is_trusted("http://id.ours.example")
    (True, False)
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.query or parts.fragment or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
