"""Requests to HubSpot's CRM API: where things are, what an answer says, and how fast to ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import httpx

from groundswell.connectors.budget import Budget, DestinationError, Limits
from groundswell.connectors.http import (
    FORBIDDEN,
    TOO_MANY,
    UNAUTHORIZED,
    open_client,
    raise_for_whole,
    unreachable,
)
from groundswell.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from groundswell.connectors.destination import Context
    from groundswell.connectors.hubspot.settings import HubSpotSettings

COMPANIES, CONTACTS, DEALS, TASKS, NOTES = "companies", "contacts", "deals", "tasks", "notes"
CALLS, EMAILS, MEETINGS = "calls", "emails", "meetings"

Record = dict[str, Any]
Filter = dict[str, Any]

_SEARCHES = Limits(requests=4, seconds=1.0)
"""Searches have a limit of their own, for the whole of an account."""

_GRANTED = "/oauth/v2/private-apps/get/access-token-info"
_PAGE = 200
_BAD_REQUEST, _NOT_FOUND = 400, 404
_LONGEST_MESSAGE = 300
_WINDOW, _HOUR = 10.0, 3600.0


class RefusedError(Exception):
    """HubSpot does not take a request as it is; its text is what HubSpot says."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


@dataclass(frozen=True, slots=True)
class Address:
    """Where the parts of the API are, which differs between `v3` and dated versions."""

    version: str

    def of(self, area: str, *parts: str) -> str:
        """Return a path.

        >>> Address("v3").of("objects", "deals", "search")
        '/crm/v3/objects/deals/search'
        >>> Address("2026-03").of("objects", "deals", "search")
        '/crm/objects/2026-03/deals/search'
        >>> Address("v3").of("associations", "deals", "companies")
        '/crm/v4/associations/deals/companies'
        """
        if self.version == "v3":
            number = "v4" if area == "associations" else "v3"
            return "/".join(["/crm", number, area, *parts])
        return "/".join(["/crm", area, self.version, *parts])


class HubSpotApi:
    """One account's API, as one private app may use it."""

    def __init__(self, settings: HubSpotSettings, context: Context) -> None:
        self._context = context
        self._address = Address(settings.version)
        self._secret = settings.token.strip()
        headers = {"Authorization": f"Bearer {self._secret}"}
        self._client = open_client(settings.url.rstrip("/"), context, headers=headers)
        self._searches = Budget(_SEARCHES, context.clock, wait=context.budget.wait)

    def get(self, area: str, *parts: str, **params: str) -> Any:
        """Return what is at a place.

        Raises:
            RefusedError: There is nothing, or it is not given to us.
            DestinationError: HubSpot as a whole takes nothing now.
        """
        return self._answer(self._send("GET", self._address.of(area, *parts), params=params))

    def post(self, area: str, *parts: str, body: Mapping[str, Any]) -> Any:
        """Send a body, and return the answer.

        Raises:
            RefusedError: It is not taken as it is.
            DestinationError: HubSpot as a whole takes nothing now.
        """
        return self._answer(self._send("POST", self._address.of(area, *parts), body=body))

    def probe(self, area: str, *parts: str) -> int:
        """Return the status with which HubSpot answers a GET, also where it lets us not in.

        Raises:
            DestinationError: HubSpot as a whole takes nothing now.
        """
        path = self._address.of(area, *parts)
        response = self._send("GET", path, params={"limit": "1"})
        if response.status_code not in {UNAUTHORIZED, FORBIDDEN}:
            self._raise_for_whole(response)
        return response.status_code

    def scopes(self) -> frozenset[str] | None:
        """Return the scopes of the token; None where HubSpot does not tell them.

        It tells them of private apps alone. No other request has the token in its body, and it
        goes to the server that every request shows it to.

        Raises:
            DestinationError: HubSpot as a whole takes nothing now.
        """
        response = self._send("POST", _GRANTED, body={"tokenKey": self._secret})
        if response.status_code not in {UNAUTHORIZED, FORBIDDEN}:
            self._raise_for_whole(response)
        data = _json(response)
        told = cast("Record", data).get("scopes") if isinstance(data, dict) else None
        if response.status_code >= _BAD_REQUEST or not isinstance(told, list):
            return None
        return frozenset(str(scope) for scope in cast("list[object]", told))

    def pages(self, area: str, *parts: str, **params: str) -> Iterator[Record]:
        """Yield what a list holds, page by page."""
        after: str | None = None
        while True:
            asked = params if after is None else {**params, "after": after}
            answer = self.get(area, *parts, **asked)
            yield from answer["results"]
            after = answer.get("paging", {}).get("next", {}).get("after")
            if after is None:
                return

    def search(
        self, kind: str, groups: Sequence[Sequence[Filter]], properties: Sequence[str]
    ) -> Iterator[Record]:
        """Yield the records for which every filter of one of the groups holds, by their id.

        Paging begins anew after the last id instead of asking for the next page: HubSpot gives no
        more than 10,000 records of one search, and pages shift while records change.
        """
        last = "0"
        while True:
            since: Filter = {"propertyName": "hs_object_id", "operator": "GT", "value": last}
            body = {
                "filterGroups": [{"filters": [*filters, since]} for filters in groups],
                "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
                "properties": list(properties),
                "limit": _PAGE,
            }
            self._searches.spend()
            found = self.post("objects", kind, "search", body=body)["results"]
            yield from found
            if len(found) < _PAGE:
                return
            last = found[-1]["id"]

    def whole(self, error: RefusedError) -> DestinationError:
        """Return the error for a refusal that concerns every delivery alike."""
        name = self._context.name
        return DestinationError(
            Problem(
                code="hubspot-request",
                what=f"`{name}`: HubSpot refuses a request ({error.status}): {error}",
                fix=f"See what `groundswell destinations test {name}` says.",
            )
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        try:
            response = self._client.request(method, path, params=params or None, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # What httpx says may hold more of the request than we want to show.
            raise unreachable(self._context.name, error) from None
        self._learn(response)
        return response

    def _learn(self, response: httpx.Response) -> None:
        allowed = response.headers.get("X-HubSpot-RateLimit-Daily", "")
        left = response.headers.get("X-HubSpot-RateLimit-Daily-Remaining", "")
        if allowed.isdigit() and left.isdigit():
            used = int(allowed) - int(left)
            self._context.budget.learn(used=used, allowed=int(allowed))

    def _answer(self, response: httpx.Response) -> Any:
        self._raise_for_whole(response)
        data = _json(response)
        if response.status_code >= _BAD_REQUEST:
            raise RefusedError(response.status_code, self.told(data))
        if not isinstance(data, dict):
            raise unreachable(self._context.name, ValueError())
        return {"results": [], **cast("Record", data)}

    def _raise_for_whole(self, response: httpx.Response) -> None:
        try:
            raise_for_whole(response, self._context.name, self._context.clock)
        except DestinationError as error:
            if response.status_code == TOO_MANY and error.after is None:
                data = _json(response)
                daily = isinstance(data, dict) and cast("Record", data).get("policyName") == "DAILY"
                # A day ends at midnight of the account's own time zone, which is not told.
                raise DestinationError(
                    error.problems[0], after=_HOUR if daily else _WINDOW
                ) from None
            raise

    def told(self, data: Any) -> str:
        """Return what HubSpot says is wrong, in one line that holds no secret."""
        said = cast("Record", data).get("message") if isinstance(data, dict) else None
        text = " ".join(str(said or "it does not say why").split()).replace(self._secret, "***")
        return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"


def is_missing(error: RefusedError) -> bool:
    """Return whether what was asked for is not there."""
    return error.status == _NOT_FOUND


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
