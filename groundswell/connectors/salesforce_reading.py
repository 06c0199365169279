"""Opportunities, touches and owners read back from Salesforce, as far as accounts are ours."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from simple_salesforce.format import format_soql

from groundswell.connectors.destination import Records
from groundswell.connectors.salesforce_org import select
from groundswell.connectors.salesforce_records import NOTE_KEY
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.connectors.salesforce_org import Org, Row
    from groundswell.connectors.salesforce_settings import SalesforceSettings

# A change is stamped when it begins and seen when it is committed.
_OVERLAP = timedelta(minutes=5)
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_COLUMNS = (
    *("Id", "CreatedDate", "StageName", "Amount", "CloseDate", "IsClosed", "IsWon"),
    *("LeadSource", "Owner.Email", "SystemModstamp"),
)
_MOMENT = pl.Datetime("us", "UTC")
_OPPORTUNITIES = {
    "opportunity_id": pl.String,
    "account_id": pl.String,
    "created_at": _MOMENT,
    "stage": pl.String,
    "amount": pl.String,
    "closed_at": _MOMENT,
    "won": pl.Boolean,
    "source": pl.String,
    "owner": pl.String,
    "valid_from": _MOMENT,
}
_TOUCHES = {
    "account_id": pl.String,
    "rep": pl.String,
    "kind": pl.String,
    "at": _MOMENT,
    "properties": pl.String,
}


class Reading:
    """Reads what changed between two moments."""

    def __init__(self, org: Org, settings: SalesforceSettings) -> None:
        self._org = org
        self._ours = settings.external_id
        self._key = settings.key_field
        self._barred = settings.do_not_contact

    def read(self, cursor: str | None, *, until: datetime) -> Records:
        """Return what changed since the cursor; who may not be contacted is told in full.

        The last minutes before the cursor are read again, so that nothing is missed that was being
        written then; an account that became ours since brings all that it has.
        """
        since = datetime.fromisoformat(cursor) - _OVERLAP if cursor else _BEGINNING
        frames = {
            Kind.OPPORTUNITIES: self._opportunities(since, until),
            Kind.TOUCHES: self._touches(since, until),
        }
        return Records(
            frames, self._owners(since, until), self._do_not_contact(), until.isoformat()
        )

    def _opportunities(self, since: datetime, until: datetime) -> pl.DataFrame:
        ours = f"Account.{self._ours}"
        query = select("Opportunity", *_COLUMNS, ours)
        changed = self._org.rows(f"{query} WHERE {ours} != null AND {_changed('', since, until)}")
        if not changed:
            return pl.DataFrame([], schema=_OPPORTUNITIES, orient="row")
        query = select("OpportunityHistory", "OpportunityId", "StageName", "Amount", "CreatedDate")
        steps: dict[str, list[Row]] = defaultdict(list)
        for row in self._org.rows(
            f"{query} WHERE Opportunity.{ours} != null "
            f"AND {_changed('Opportunity.', since, until)} ORDER BY CreatedDate"
        ):
            steps[row["OpportunityId"]].append(row)
        query = select("OpportunityStage", "ApiName", "IsClosed", "IsWon")
        stages = {row["ApiName"]: row for row in self._org.rows(query)}
        rows = [
            version
            for found in sorted(changed, key=lambda row: row["Id"])
            for version in _versions(found, steps[found["Id"]], stages, self._ours)
        ]
        return pl.DataFrame(rows, schema=_OPPORTUNITIES, orient="row")

    def _touches(self, since: datetime, until: datetime) -> pl.DataFrame:
        rows: list[Row] = []
        for task in self._tasks(since, until):
            if str(task.get(self._key) or "").startswith(NOTE_KEY):
                continue  # a brief of ours, which no rep did
            kind = (task["TaskSubtype"] or "task").lower()
            at = _moment(task["CompletedDateTime"]) or _day(task["ActivityDate"])
            rows += self._touch(task, kind, at or _moment(task["CreatedDate"]))
        for event in self._events(since, until):
            rows += self._touch(event, "meeting", _moment(event["EndDateTime"]))
        rows.sort(key=lambda row: (row["at"], row["properties"]))
        return pl.DataFrame(rows, schema=_TOUCHES, orient="row")

    def _tasks(self, since: datetime, until: datetime) -> list[Row]:
        """Return tasks that are done; where the key has no field, none of them is ours."""
        ours = f"Account.{self._ours}"
        key = (self._key,) if self._key in self._org.fields("Task") else ()
        told = ("CompletedDateTime", "ActivityDate", "CreatedDate")
        query = select("Task", "Id", "TaskSubtype", "Owner.Email", ours, *told, *key)
        changed = _changed("", since, until)
        return self._org.rows(f"{query} WHERE IsClosed = true AND {ours} != null AND {changed}")

    def _events(self, since: datetime, until: datetime) -> list[Row]:
        """Return meetings that are over: since the cursor, or changed since then."""
        ours = f"Account.{self._ours}"
        query = select("Event", "Id", "Owner.Email", ours, "EndDateTime")
        over = format_soql("EndDateTime < {}", until)
        lately = format_soql("EndDateTime >= {}", since)
        return self._org.rows(
            f"{query} WHERE IsChild = false AND {ours} != null AND {over} "
            f"AND ({lately} OR {_changed('', since, until)})"
        )

    def _touch(self, row: Row, kind: str, at: datetime | None) -> list[Row]:
        """Return a touch, where somebody did it: a queue has no address."""
        rep = (row["Owner"] or {}).get("Email")
        if not rep or at is None:
            return []
        properties = json.dumps({"salesforce_id": row["Id"]})
        account_id = row["Account"][self._ours]
        return [
            {
                "account_id": account_id,
                "rep": rep.lower(),
                "kind": kind,
                "at": at,
                "properties": properties,
            }
        ]

    def _owners(self, since: datetime, until: datetime) -> dict[str, str | None]:
        query = select("Account", self._ours, "Owner.Email", "Owner.IsActive", "OwnerId")
        changed = _stamped("", since, until)
        rows = self._org.rows(f"{query} WHERE {self._ours} != null AND {changed}")
        # An account that we made belongs to the user that we log in as: to nobody, that is.
        us = str(self._org.get("").get("identity") or "").rpartition("/")[2][:15]
        return {
            row[self._ours]: row["Owner"]["Email"].lower()
            if row["Owner"]["IsActive"] and row["OwnerId"][:15] != us
            else None
            for row in sorted(rows, key=lambda row: row[self._ours])
        }

    def _do_not_contact(self) -> frozenset[str]:
        query = f"{select('Account', self._ours)} WHERE {self._ours} != null AND"
        if self._barred in self._org.fields("Account"):
            rows = self._org.rows(f"{query} {self._barred} = true")
        elif "HasOptedOutOfEmail" in self._org.fields("Contact"):
            of = f"{select('Contact', 'AccountId')} WHERE AccountId != null AND HasOptedOutOfEmail"
            rows = self._org.rows(f"{query} Id IN ({of} = true) AND Id NOT IN ({of} = false)")
        else:
            rows = []
        return frozenset(row[self._ours] for row in rows)


def _stamped(prefix: str, since: datetime, until: datetime) -> str:
    stamp = f"{prefix}SystemModstamp"
    return format_soql(f"({stamp} >= {{}} AND {stamp} < {{}})", since, until)


def _changed(prefix: str, since: datetime, until: datetime) -> str:
    """Return the condition that a record changed, or its account: it may be ours since then."""
    whose = _stamped(f"{prefix}Account.", since, until)
    return f"({_stamped(prefix, since, until)} OR {whose})"


def _versions(
    found: Row, steps: list[Row], stages: Mapping[str, Row], ours: str
) -> list[dict[str, Any]]:
    """Return an opportunity as it was after each step of its stage or amount, and as it is."""
    created = _moment(found["CreatedDate"])
    fixed = {
        "opportunity_id": found["Id"],
        "account_id": found["Account"][ours],
        "created_at": created,
        "source": found["LeadSource"],
    }
    versions: list[dict[str, Any]] = []
    closed_at: datetime | None = None
    for step in steps:
        at = _moment(step["CreatedDate"])
        stage = stages.get(step["StageName"], {})
        closed_at = (closed_at or at) if stage.get("IsClosed") else None
        versions.append(
            {
                **fixed,
                "stage": step["StageName"],
                "amount": _amount(step["Amount"]),
                "closed_at": closed_at,
                "won": bool(stage["IsWon"]) if closed_at else None,
                "owner": None,
                "valid_from": at,
            }
        )
    closed = bool(found["IsClosed"])
    if closed and closed_at is None and created is not None:
        # Without history, the day on which a rep said that it closed is all there is.
        closed_at = max(_day(found["CloseDate"]) or created, created)
    now = {
        **fixed,
        "stage": found["StageName"],
        "amount": _amount(found["Amount"]),
        "closed_at": closed_at if closed else None,
        "won": bool(found["IsWon"]) if closed else None,
        "owner": ((found["Owner"] or {}).get("Email") or "").lower() or None,
    }
    # Who owned it at a step, the history does not say; who owns it now is known since the change.
    changed = _moment(found["SystemModstamp"])
    kept = [version for version in versions if version["valid_from"] != changed]
    return [*kept, {**now, "valid_from": changed}]


def _amount(value: Any) -> str | None:
    return None if value is None else f"{value:.2f}"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _day(text: str | None) -> datetime | None:
    return datetime.combine(date.fromisoformat(text), time.min, UTC) if text else None
