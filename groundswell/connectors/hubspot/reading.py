"""What comes back from HubSpot: deals, touches, owners, and whom nobody may contact.

Records are read that changed between the cursor and now, and the last minutes before the cursor
once more: HubSpot shows a change in its searches some time after it was made.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from groundswell.connectors.destination import Records
from groundswell.connectors.hubspot.api import COMPANIES, DEALS, RefusedError
from groundswell.connectors.hubspot.checking import LEFT_OUT
from groundswell.connectors.hubspot.filing import Filing
from groundswell.connectors.hubspot.history import HISTORY, PROPERTIES, opportunities
from groundswell.connectors.hubspot.properties import ACCOUNT_ID, DO_NOT_CONTACT
from groundswell.connectors.hubspot.records import OWNER
from groundswell.connectors.hubspot.touches import TOUCHES, touches
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from groundswell.connectors.destination import Memory
    from groundswell.connectors.hubspot.api import Filter, HubSpotApi, Record
    from groundswell.connectors.hubspot.batches import Batches
    from groundswell.connectors.hubspot.companies import Companies
    from groundswell.connectors.hubspot.owners import Owners
    from groundswell.connectors.hubspot.pipelines import Pipelines
    from groundswell.connectors.hubspot.properties import Properties

_OVERLAP = timedelta(minutes=10)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_CHANGED = "hs_lastmodifieddate"


class Reader:
    """Reads one account back."""

    def __init__(
        self,
        api: HubSpotApi,
        batches: Batches,
        companies: Companies,
        properties: Properties,
        owners: Owners,
        pipelines: Pipelines,
        memory: Memory,
    ) -> None:
        self._api = api
        self._batches = batches
        self._companies = companies
        self._properties = properties
        self._owners = owners
        self._pipelines = pipelines
        self._memory = memory

    def read(self, cursor: str | None, *, until: datetime) -> Records:
        """Return what changed since the cursor; nothing before our properties are there."""
        try:
            there = self._properties.named(COMPANIES)
            if ACCOUNT_ID not in there:
                empty = opportunities([], {}, {}, {}, until=until)
                frames = {Kind.OPPORTUNITIES: empty, Kind.TOUCHES: touches([], {}, {}, until=until)}
                return Records(frames, {}, frozenset(), cursor or _BEGINNING.isoformat())
            return self._read(cursor, until, barring=DO_NOT_CONTACT in there)
        except RefusedError as error:
            raise self._api.whole(error) from None

    def _read(self, cursor: str | None, until: datetime, *, barring: bool) -> Records:
        since = datetime.fromisoformat(cursor) - _OVERLAP if cursor else _BEGINNING
        since = max(since, _BEGINNING)
        emails = self._owners.emails()
        changed = _between(_CHANGED, since, until)
        ours: Filter = {"propertyName": ACCOUNT_ID, "operator": "HAS_PROPERTY"}
        companies = list(self._api.search(COMPANIES, [[ours, changed]], [ACCOUNT_ID, OWNER]))
        filing = Filing(self._batches, self._companies)
        filing.learn(companies)
        frames = {
            Kind.OPPORTUNITIES: self._deals(
                changed, companies if cursor else [], filing, emails, until
            ),
            Kind.TOUCHES: self._touches(since, until, filing, emails),
        }
        owners = {
            row["properties"][ACCOUNT_ID]: emails.get(row["properties"].get(OWNER) or "")
            for row in companies
        }
        barred = frozenset(self._barred()) if barring else frozenset[str]()
        return Records(frames, owners, barred, until.isoformat())

    def _deals(
        self,
        changed: Filter,
        companies: Sequence[Record],
        filing: Filing,
        emails: Mapping[str, str],
        until: datetime,
    ) -> pl.DataFrame:
        """Return the deals that changed, and those of companies that did.

        A deal may be older than what we know of its company: when a company is told to stand for
        an account, its deals come with it.
        """
        ids = {str(row["id"]) for row in self._api.search(DEALS, [[changed]], ["dealname"])}
        of_companies = self._batches.linked(COMPANIES, DEALS, [str(row["id"]) for row in companies])
        ids |= {link.id for links in of_companies.values() for link in links}
        rows = self._batches.read(DEALS, ids, PROPERTIES, history=HISTORY)
        accounts = filing.primary(DEALS, [str(row["id"]) for row in rows])
        kept = [row for row in rows if str(row["id"]) in accounts]
        self._memory.put(LEFT_OUT, str(len(rows) - len(kept)))
        return opportunities(kept, accounts, emails, self._pipelines.stages, until=until)

    def _touches(
        self, since: datetime, until: datetime, filing: Filing, emails: Mapping[str, str]
    ) -> pl.DataFrame:
        found: list[tuple[str, Record]] = []
        accounts: dict[str, dict[str, list[str]]] = {}
        for kind, properties in TOUCHES.items():
            # What was planned becomes a touch when its time comes, without being changed.
            groups = [[_between(name, since, until)] for name in (_CHANGED, "hs_timestamp")]
            rows = list(self._api.search(kind, groups, [*properties, "hs_timestamp", OWNER]))
            accounts[kind] = filing.every(kind, [str(row["id"]) for row in rows])
            found += [(kind, row) for row in rows]
        return touches(found, accounts, emails, until=until)

    def _barred(self) -> Iterator[str]:
        """Yield every account that may not be contacted: so that it is seen when one may again."""
        true: Filter = {"propertyName": DO_NOT_CONTACT, "operator": "EQ", "value": "true"}
        ours: Filter = {"propertyName": ACCOUNT_ID, "operator": "HAS_PROPERTY"}
        for row in self._api.search(COMPANIES, [[true, ours]], [ACCOUNT_ID]):
            yield row["properties"][ACCOUNT_ID]


def _between(name: str, since: datetime, until: datetime) -> Filter:
    low, high = (str(int(at.timestamp() * 1000)) for at in (since, until))
    return {"propertyName": name, "operator": "BETWEEN", "value": low, "highValue": high}
