"""Requests to other systems over HTTP: each one counted, and failures told in one way."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx

from groundswell.connectors.budget import DestinationError
from groundswell.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.clock import Clock
    from groundswell.connectors.destination import Context

TIMEOUT = httpx.Timeout(20.0, connect=10.0)
UNAUTHORIZED, FORBIDDEN, TOO_MANY = 401, 403, 429
_SERVER_ERROR = 500


def open_client(
    base_url: str, context: Context, *, headers: Mapping[str, str] | None = None
) -> httpx.Client:
    """Return a client every request of which is spent from the budget before it is sent.

    Redirects are not followed: what is sent stays with whom it is meant for.
    """

    def spend(_: httpx.Request) -> None:
        context.budget.spend()

    return httpx.Client(
        base_url=base_url,
        headers=dict(headers or {}),
        timeout=TIMEOUT,
        follow_redirects=False,
        event_hooks={"request": [spend]},
    )


def unreachable(name: str, error: Exception) -> DestinationError:
    """Return the error for a system that did not answer; it names no secret."""
    return DestinationError(
        Problem(
            code="destination-unreachable",
            what=f"`{name}` did not answer ({type(error).__name__}).",
            fix="Nothing is lost: it is tried again. Check the address if it goes on.",
        )
    )


def raise_for_whole(response: httpx.Response, name: str, clock: Clock) -> None:
    """Raise where an answer says nothing of the records, but of the whole request.

    Raises:
        DestinationError: It is overloaded, broken, or does not let us in.
    """
    status = response.status_code
    if status == TOO_MANY or status >= _SERVER_ERROR:
        after = retry_after(response.headers.get("Retry-After"), clock)
        busy = "asks for fewer requests" if status == TOO_MANY else f"answered {status}"
        raise DestinationError(
            Problem(
                code="destination-busy",
                what=f"`{name}` {busy}.",
                fix="Nothing is lost: it is tried again when it says, or by and by.",
            ),
            after=after,
        )
    if status in {UNAUTHORIZED, FORBIDDEN}:
        raise DestinationError(
            Problem(
                code="destination-refused",
                what=f"`{name}` does not let us in ({status}).",
                fix=f"Nothing is lost. Renew the credentials, or give them the scopes that "
                f"`groundswell destinations test {name}` asks for.",
            )
        )


def retry_after(value: str | None, clock: Clock) -> float | None:
    """Return the seconds that a `Retry-After` header asks for: a number or a date.

    >>> from groundswell.clock import SystemClock
    >>> retry_after("12", SystemClock()), retry_after(None, SystemClock())
    (12.0, None)
    """
    if value is None:
        return None
    text = value.strip()
    if text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((moment.astimezone(UTC) - clock.now()).total_seconds(), 0.0)
