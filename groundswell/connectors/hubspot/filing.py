"""Which account a record of HubSpot is about: by the companies that it hangs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.connectors.hubspot.api import COMPANIES
from groundswell.connectors.hubspot.properties import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from groundswell.connectors.hubspot.api import Record
    from groundswell.connectors.hubspot.batches import Batches, Link
    from groundswell.connectors.hubspot.companies import Companies

_PRIMARY = 5
"""The association of a deal with the company that comes first."""


class Filing:
    """Accounts by company, asked for once while reading."""

    def __init__(self, batches: Batches, companies: Companies) -> None:
        self._batches = batches
        self._companies = companies
        self._accounts: dict[str, str | None] = {}

    def learn(self, companies: Iterable[Record]) -> None:
        """Take over which accounts companies stand for."""
        for row in companies:
            self._accounts[str(row["id"])] = row["properties"].get(ACCOUNT_ID) or None

    def primary(self, kind: str, ids: Sequence[str]) -> dict[str, str]:
        """Return the one account of each record: of its primary company, else of any."""
        return {
            id_: next(account for link in links if (account := self._accounts[link.id]))
            for id_, links in self._linked(kind, ids).items()
        }

    def every(self, kind: str, ids: Sequence[str]) -> dict[str, list[str]]:
        """Return all accounts of each record."""
        return {
            id_: sorted({account for link in links if (account := self._accounts[link.id])})
            for id_, links in self._linked(kind, ids).items()
        }

    def _linked(self, kind: str, ids: Sequence[str]) -> dict[str, list[Link]]:
        """Return the companies of records, of those that have one with an account."""
        found = self._batches.linked(kind, COMPANIES, ids) if ids else {}
        self._ask(sorted({link.id for links in found.values() for link in links}))
        return {
            id_: sorted(links, key=lambda link: (_PRIMARY not in link.types, int(link.id)))
            for id_, links in found.items()
            if any(self._accounts[link.id] for link in links)
        }

    def _ask(self, companies: Sequence[str]) -> None:
        unknown = [id_ for id_ in companies if id_ not in self._accounts]
        self._accounts.update(dict.fromkeys(unknown))
        rows = self._batches.read(COMPANIES, unknown, [ACCOUNT_ID, "domain"])
        self.learn(rows)
        nobody = {
            str(row["id"]): domain.lower()
            for row in rows
            if not row["properties"].get(ACCOUNT_ID) and (domain := row["properties"].get("domain"))
        }
        by_domain = self._companies.of_domains(list(nobody.values()))
        for id_, domain in nobody.items():
            # A second company of the same domain is the same customer, not merged yet.
            accounts = {
                account
                for row in by_domain.get(domain, [])
                if (account := row["properties"].get(ACCOUNT_ID))
            }
            if len(accounts) == 1:
                self._accounts[id_] = accounts.pop()
