"""Values of many accounts at once, by the Bulk API 2: for the first load of an organisation."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from groundswell.connectors.deliveries import Outcome
from groundswell.connectors.salesforce_errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from simple_salesforce.api import Salesforce

    from groundswell.connectors.salesforce_org import Org, Row
    from groundswell.connectors.salesforce_writing import Draft

_NULL = "#N/A"
"""What empties a field; nothing at all leaves it as it is."""


def load(org: Org, sobject: str, field: str, drafts: list[Draft], *, wait: int) -> list[Outcome]:
    """Upsert records by one or more jobs, and return what became of each delivery.

    Args:
        org: The organisation.
        sobject: The object.
        field: That holds the external id; every record has it.
        drafts: Each external id once.
        wait: Seconds between questions whether a job is done; each one is a request.

    Raises:
        DestinationError: A job failed as a whole; what it wrote may be written again.
    """
    if not drafts:
        return []
    rows = [{name: _as_text(value) for name, value in draft.record.items()} for draft in drafts]

    def jobs(salesforce: Salesforce) -> list[str]:
        bulk = getattr(salesforce.bulk2, sobject)
        done = bulk.upsert(records=rows, external_id_field=field, wait=wait)
        return [str(job["job_id"]) for job in done]

    taken: dict[str, str] = {}
    faults: dict[str, Fault] = {}
    for job in org.ask(jobs):
        taken |= {row[field]: row["sf__Id"] for row in _results(org, sobject, job, good=True)}
        faults |= {
            row[field]: _fault(row["sf__Error"]) for row in _results(org, sobject, job, good=False)
        }
    return list(_outcomes(drafts, field, taken, faults))


def _outcomes(
    drafts: Iterable[Draft], field: str, taken: Mapping[str, str], faults: Mapping[str, Fault]
) -> Iterator[Outcome]:
    for draft in drafts:
        name = draft.record[field]
        for delivery in draft.deliveries:
            if name in taken:
                yield Outcome.sent(delivery, taken[name])
            elif name in faults:
                yield faults[name].outcome(delivery)
            else:
                yield Outcome.later(delivery, "The bulk job did not come to this account.")


def _results(org: Org, sobject: str, job: str, *, good: bool) -> list[Row]:
    def asked(salesforce: Salesforce) -> str:
        bulk = getattr(salesforce.bulk2, sobject)
        return bulk.get_successful_records(job) if good else bulk.get_failed_records(job)

    # The library's own reader splits lines within quotes.
    return list(csv.DictReader(io.StringIO(org.ask(asked), newline="")))


def _fault(told: str) -> Fault:
    """Return the fault that `CODE:message:fields --` tells.

    >>> _fault("REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --").message
    'Required fields are missing: [Name]'
    """
    code, _, rest = told.partition(":")
    message = rest.rpartition(":")[0] or rest
    return Fault(code or "UNKNOWN_EXCEPTION", message or "it does not say why")


def _as_text(value: Any) -> str:
    if value is None:
        return _NULL
    return str(value).lower() if isinstance(value, bool) else str(value)
