"""Salesforce: values on accounts or leads, opportunities, tasks and briefs, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.connectors.deliveries import DeliveryKind, Outcome
from groundswell.connectors.destination import DestinationType, Limits
from groundswell.connectors.salesforce_bulk import load
from groundswell.connectors.salesforce_checking import Checking
from groundswell.connectors.salesforce_org import MOST_RECORDS, Org
from groundswell.connectors.salesforce_reading import Reading
from groundswell.connectors.salesforce_settings import SalesforceSettings, verify_settings
from groundswell.connectors.salesforce_writing import SOBJECTS, Writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from groundswell.connectors.deliveries import Change, Delivery
    from groundswell.connectors.destination import Context, Finding, Records
    from groundswell.connectors.salesforce_writing import Draft

BULK = 2_000
"""Deliveries of accounts from which on `send_bulk` asks for less than `send`."""

_WAIT = 10


class SalesforceDestination:
    """One organisation of Salesforce."""

    def __init__(self, settings: SalesforceSettings, context: Context) -> None:
        self._settings = settings
        self._org = Org(settings, context)
        self._writing = Writing(self._org, settings, context)
        self._checking = Checking(self._org, settings, context, self._writing)

    def check(self) -> list[Finding]:
        """Check the credentials, the requests left of the day, and every field by name."""
        return self._checking.findings()

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Write values, or make the records that are not there by their key."""
        if not deliveries:
            return []
        kind = deliveries[0].kind
        if kind is DeliveryKind.ACCOUNT:
            return self._writing.accounts(deliveries)
        # A key is looked for always: one question for 200 is cheaper than a task that is there
        # twice, and whoever sends may have forgotten that it did.
        there = self._writing.arrived(deliveries)
        outcomes = [
            Outcome.sent(delivery, there[delivery.key])
            for delivery in deliveries
            if delivery.key in there
        ]
        fresh = [delivery for delivery in deliveries if delivery.key not in there]
        return outcomes + self._writing.records(kind, fresh)

    def send_bulk(
        self, deliveries: Sequence[Delivery], *, wait: int | None = None
    ) -> list[Outcome]:
        """Write values of any number of accounts by the Bulk API; made for a first load.

        It is worth it from `BULK` deliveries on: a job takes a dozen requests whatever it
        holds. Accounts that were found by their site, and contacts of converted leads, are few and
        go the usual way. Values may be written twice without harm, so a load that broke off is
        done again.

        Args:
            deliveries: All of accounts.
            wait: Seconds between questions whether the job is done; 10 by default.

        Raises:
            DestinationError: The job failed as a whole, or Salesforce cannot be reached.
        """
        target = self._settings.target
        drafts, outcomes = self._writing.drafts(deliveries)
        in_bulk: list[Draft] = []
        others: list[Delivery] = []
        for draft in drafts:
            if draft.place.sobject == target and not draft.place.adopted:
                in_bulk.append(draft)
            else:
                others += draft.deliveries
        for start in range(0, len(others), MOST_RECORDS):
            outcomes += self._writing.accounts(others[start : start + MOST_RECORDS])
        seconds = _WAIT if wait is None else wait
        field = self._settings.external_id
        return outcomes + load(self._org, target, field, in_bulk, wait=seconds)

    def find(self, deliveries: Sequence[Delivery]) -> dict[str, str]:
        """Return the ids of the records that hold the keys; values of accounts have none."""
        return self._writing.arrived(deliveries)

    def preview(self, deliveries: Sequence[Delivery]) -> list[Change]:
        """Say which fields would change, and which records would be new."""
        return self._checking.changes(deliveries)

    def read(self, cursor: str | None, *, until: datetime) -> Records:
        """Return opportunities with their history, what reps did, owners, and who is barred."""
        return Reading(self._org, self._settings).read(cursor, until=until)

    def close(self) -> None:
        """Let go of connections."""
        self._org.close()


def _open(settings: SalesforceSettings, context: Context) -> SalesforceDestination:
    verify_settings(settings, context.name)
    return SalesforceDestination(settings, context)


DESTINATION = DestinationType(
    name="salesforce",
    title="Salesforce",
    doc="Writes scores on accounts or leads, makes opportunities, tasks and briefs, reads back.",
    settings=SalesforceSettings,
    open=_open,
    kinds=frozenset({DeliveryKind.ACCOUNT, *SOBJECTS}),
    usual=frozenset(
        {"score", "tier", "motion", "state", "reasons", "play", "updated_on", "task", "note"}
    ),
    limits=Limits(requests=25, seconds=1.0, daily=15_000),
    batch=MOST_RECORDS,
    bulk=BULK,
    reads=True,
)
