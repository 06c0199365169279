"""Tryton's JSON-RPC: a session, calls within it, and its errors told apart.

Source: https://docs.tryton.org/latest/server/topics/rpc.html
"""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx

from groundswell.connectors.destination import DestinationError
from groundswell.connectors.http import UNAUTHORIZED, open_client, raise_for_whole, unreachable
from groundswell.errors import Problem

if TYPE_CHECKING:
    from groundswell.connectors.destination import Context
    from groundswell_tryton.settings import TrytonSettings

_NOT_FOUND = 404
_OUR_FAULT = frozenset({"UserError", "UserWarning"})


class RefusedError(Exception):
    """The server does not take a record as it is; the message is the server's own."""


class FailedError(Exception):
    """The server stumbled over a record; another try may go better."""


class Session:
    """A session with one database; it logs in when it is first needed, and again when it ends."""

    def __init__(self, settings: TrytonSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._client = open_client(settings.url, context)
        self._token: str | None = None

    def call(self, method: str, *params: Any) -> Any:
        """Call a method of a model and return its result.

        Raises:
            RefusedError: The server's rules forbid it.
            FailedError: The server stumbled.
            DestinationError: It cannot be reached, or does not let us in.
        """
        if self._token is None:
            self._log_in()
        response = self._post(method, params)
        if response.status_code == UNAUTHORIZED:
            # A session ends after a while; what it did not let in has had no effect.
            self._log_in()
            response = self._post(method, params)
        return self._result(response)

    def close(self) -> None:
        """Let go of the connection; the session ends by itself."""
        self._client.close()

    def _log_in(self) -> None:
        self._token = None
        settings = self._settings
        login = (settings.user, {"password": settings.password})
        user_id, key, *_ = self._result(self._post("common.db.login", login))
        pair = f"{settings.user}:{user_id}:{key}".encode()
        self._token = base64.b64encode(pair).decode("ascii")

    def _post(self, method: str, params: tuple[Any, ...]) -> httpx.Response:
        headers = {} if self._token is None else {"Authorization": f"Session {self._token}"}
        question = {"id": 1, "method": method, "params": [_encoded(param) for param in params]}
        try:
            return self._client.post(
                f"/{self._settings.database}/rpc/", json=question, headers=headers
            )
        except httpx.HTTPError as error:
            raise unreachable(self._context.name, error) from None

    def _result(self, response: httpx.Response) -> Any:
        name = self._context.name
        raise_for_whole(response, name, self._context.clock)
        if response.status_code == _NOT_FOUND:
            raise DestinationError(
                Problem(
                    code="tryton-database-unknown",
                    what=f"`{name}`: the server knows no database `{self._settings.database}`.",
                    fix="Mend `database`, and see that the server was started with it.",
                )
            )
        try:
            answer = response.json(object_hook=_decoded)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not {"result", "error"} & set(answer):
            raise DestinationError(
                Problem(
                    code="destination-answer",
                    what=f"`{name}` answered {response.status_code}, but not as Tryton does.",
                    fix="Let `url` lead to the Tryton server itself, not to a page before it.",
                )
            )
        if "error" in answer:
            raise _told(answer["error"])
        return answer["result"]


def _told(error: Any) -> RefusedError | FailedError:
    kind, details = (*error, "", "")[:2] if isinstance(error, list) else (str(error), "")
    if kind in _OUR_FAULT and isinstance(details, list):
        words = [part for part in details if isinstance(part, str) and part.strip()]
        # A warning begins with its internal name; what a person reads comes after.
        return RefusedError(" ".join(words[1:] if kind == "UserWarning" else words)[:400])
    return FailedError(str(kind)[:200])


def _encoded(value: Any) -> Any:
    """Return a value as Tryton's JSON writes it."""
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return {"__class__": "datetime", **{name: getattr(moment, name) for name in names}}
    if isinstance(value, dict):
        return {key: _encoded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    return value


def _decoded(value: dict[str, Any]) -> Any:
    """Return a value of Tryton's JSON as Python has it; its times are UTC."""
    match value.get("__class__"):
        case "Decimal":
            return Decimal(value["decimal"])
        case "date":
            return date(value["year"], value["month"], value["day"])
        case "datetime":
            parts = (value[name] for name in ("year", "month", "day", "hour", "minute", "second"))
            return datetime(*parts, value["microsecond"], tzinfo=UTC)
        case _:
            return value
