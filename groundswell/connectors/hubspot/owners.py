"""Who works what in HubSpot: e-mail addresses to the ids of owners, and back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from groundswell.connectors.hubspot.api import HubSpotApi, RefusedError

if TYPE_CHECKING:
    from groundswell.connectors.destination import Context

_MEMORY = "owners"
_GOOD_FOR, _UNKNOWN_FOR = timedelta(days=1), timedelta(hours=1)
_PAGE = "100"


class Owners:
    """The owners of one account, asked for once and remembered for a day."""

    def __init__(self, api: HubSpotApi, context: Context) -> None:
        self._api = api
        self._context = context
        self._ids: dict[str, str] = {}
        self._read_at: datetime | None = None
        self._recall()

    def id_of(self, email: str | None) -> str | None:
        """Return the id of the owner with this address; None where there is none.

        An address that is not known is asked for again after an hour: somebody may be new.
        """
        if email is None:
            return None
        address = email.strip().lower()
        good_for = _GOOD_FOR if address in self._ids else _UNKNOWN_FOR
        if self._read_at is None or self._context.clock.now() - self._read_at >= good_for:
            self._ids = {address: id_ for id_, address in self._addresses(archived=False).items()}
            self._read_at = self._context.clock.now()
            kept = {"at": self._read_at.isoformat(), "ids": self._ids}
            self._context.memory.put(_MEMORY, json.dumps(kept))
        return self._ids.get(address)

    def emails(self) -> dict[str, str]:
        """Return the address of every owner by id, of those who left as well."""
        return {**self._addresses(archived=True), **self._addresses(archived=False)}

    def _addresses(self, *, archived: bool) -> dict[str, str]:
        asked = {"limit": _PAGE, "archived": str(archived).lower()}
        try:
            return {
                str(row["id"]): row["email"].strip().lower()
                for row in self._api.pages("owners", **asked)
                if row.get("email")
            }
        except RefusedError as error:
            raise self._api.whole(error) from None

    def _recall(self) -> None:
        kept = self._context.memory.get(_MEMORY)
        if kept:
            found = json.loads(kept)
            self._ids, self._read_at = found["ids"], datetime.fromisoformat(found["at"])
