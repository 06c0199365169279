"""Odoo's JSON-RPC: a login, calls of models, and its errors told apart.

Every call is one transaction there: it is done whole, or not at all. Records are written by `load`,
as its own import of files does: a row with an external id creates its record once, and changes it
from then on, whoever sends it how often.

Source: https://www.odoo.com/documentation/18.0/developer/reference/external_api.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

import httpx

from groundswell.connectors.destination import DestinationError
from groundswell.connectors.http import open_client, raise_for_whole, unreachable
from groundswell.connectors.settings import Settings
from groundswell.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.connectors.destination import Context

_REFUSING = frozenset(
    {"UserError", "ValidationError", "MissingError", "AccessError", "ValueError", "RedirectWarning"}
)


class OdooSettings(Settings, frozen=True):
    """What the block of `destinations:` says.

    Attributes:
        url: Of the server, such as `https://acme.odoo.com`.
        database: Which of its databases.
        user: Login of the user.
        password: Of that user, or better an API key of theirs.
        team: Name of the sales team that opportunities go to; Odoo's own choice where left out.
    """

    secrets: ClassVar[frozenset[str]] = frozenset({"password"})

    url: str
    database: str
    user: str
    password: str
    team: str | None = None


class RefusedError(Exception):
    """Odoo's rules forbid it; the message is its own."""


class StumbledError(Exception):
    """Odoo could not do it now; another try may go better."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one row.

    Attributes:
        id: Of its record; None where it was not taken.
        said: Why not, in Odoo's words.
        again: Whether another try may go better.
    """

    id: int | None
    said: str = ""
    again: bool = False


class Rpc:
    """Calls of one database as one user."""

    def __init__(self, settings: OdooSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._client = open_client(settings.url, context)
        self._uid: int | None = None

    @property
    def uid(self) -> int:
        """Id of the user; asks for it once.

        Raises:
            DestinationError: It cannot be reached, or does not know the user.
        """
        if self._uid is None:
            told = self._settings
            found = self._ask("common", "authenticate", told.database, told.user, told.password, {})
            if not isinstance(found, int) or isinstance(found, bool):
                raise self._whole("does not let us in", "Renew `user` and `password`.")
            self._uid = found
        return self._uid

    def call(self, model: str, method: str, *args: Any, **options: Any) -> Any:
        """Call a method of a model.

        Raises:
            RefusedError: Odoo's rules forbid it.
            StumbledError: It could not be done now.
            DestinationError: It cannot be reached, or does not let us in.
        """
        told = self._settings
        who = (told.database, self.uid, told.password)
        return self._ask("object", "execute_kw", *who, model, method, list(args), options)

    def search(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], **options: Any
    ) -> list[dict[str, Any]]:
        """Return records, archived ones too unless `context` says otherwise.

        Raises:
            DestinationError: It cannot be reached, or the user may not read them.
        """
        options = {"context": {"active_test": False}, **options}
        try:
            return self.call(model, "search_read", list(domain), fields=list(fields), **options)
        except RefusedError as error:
            fix = f"Let the user read {model}."
            raise self._whole(f"refused to show {model}: {error}", fix) from None
        except StumbledError as error:
            raise self._whole(f"stumbled: {error}", "Nothing is lost: it is tried again.") from None

    def load(self, model: str, rows: Sequence[Mapping[str, str]]) -> list[Loaded]:
        """Write rows that all have the same columns; `id` is the external id.

        All at once first. Only where Odoo then takes none, each by itself: it does not name every
        row that it would refuse.
        """
        if not rows:
            return []
        together = self._load(model, rows)
        if together[0].id is not None or len(rows) == 1:
            return together
        return [self._load(model, [row])[0] for row in rows]

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _load(self, model: str, rows: Sequence[Mapping[str, str]]) -> list[Loaded]:
        columns = list(rows[0])
        try:
            answer = self.call(
                model, "load", columns, [[row[name] for name in columns] for row in rows]
            )
        except RefusedError as error:
            return [Loaded(None, str(error))] * len(rows)
        except StumbledError as error:
            return [Loaded(None, str(error), again=True)] * len(rows)
        if answer["ids"]:
            return [Loaded(made) for made in answer["ids"]]
        said = "; ".join(str(message.get("message", "")) for message in answer["messages"])
        return [Loaded(None, said[:400])] * len(rows)

    def _ask(self, service: str, method: str, *args: Any) -> Any:
        params = {"service": service, "method": method, "args": args}
        question = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        try:
            response = self._client.post("/jsonrpc", json=question)
        except httpx.HTTPError as error:
            raise unreachable(self._context.name, error) from None
        raise_for_whole(response, self._context.name, self._context.clock)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not {"result", "error"} & answer.keys():
            what = f"answered {response.status_code}, but not as Odoo does"
            raise self._whole(what, "Let `url` lead to Odoo itself: `/jsonrpc` follows it.")
        found = cast("dict[str, Any]", answer)
        if "error" in found:
            raise self._told(found["error"])
        return found["result"]

    def _told(self, error: Mapping[str, Any]) -> Exception:
        """Return the error for an answer; its `debug` is left out, which may hold anything."""
        data = error.get("data") or {}
        kind = str(data.get("name", "")).rsplit(".", 1)[-1]
        said = " ".join(str(data.get("message") or error.get("message", "")).split())[:400]
        if kind == "AccessDenied":
            return self._whole("does not let us in", "Renew `user` and `password`.")
        return RefusedError(said) if kind in _REFUSING else StumbledError(said)

    def _whole(self, what: str, fix: str) -> DestinationError:
        return DestinationError(
            Problem(code="destination-refused", what=f"`{self._context.name}` {what}.", fix=fix)
        )
