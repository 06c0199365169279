"""What every answer bears beside its own headers, so that no browser makes more of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Send = Callable[[dict[str, Any]], Awaitable[None]]

GUARDING = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
"""Where an answer says otherwise, as pages do that load their own scripts, what it says holds."""


def guarding(send: Send) -> Send:
    """Return what sends an answer with the headers that it does not bear yet."""

    async def guarded(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            borne = list(message.get("headers", ()))
            known = {name.lower() for name, _ in borne}
            missing = [item for item in GUARDING if item[0] not in known]
            message = {**message, "headers": [*borne, *missing]}
        await send(message)

    return guarded
