"""Calls, e-mails, meetings and tasks that are done, as touches of an account by a rep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from groundswell.connectors.hubspot.api import CALLS, EMAILS, MEETINGS, TASKS
from groundswell.connectors.hubspot.records import OWNER, parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from groundswell.connectors.hubspot.api import Record

TOUCHES = {
    CALLS: (),
    EMAILS: ("hs_email_direction",),
    MEETINGS: ("hs_meeting_outcome",),
    TASKS: ("hs_task_status", "hs_task_completion_date"),
}
"""What is read as a touch, and what tells whether it is one."""

_KINDS = {CALLS: "call", EMAILS: "email", MEETINGS: "meeting", TASKS: "task"}
_OF_THE_CUSTOMER = "INCOMING_EMAIL"
_DID_NOT_HAPPEN = frozenset({"CANCELED", "NO_SHOW", "RESCHEDULED"})
SCHEMA = {
    "account_id": pl.String,
    "rep": pl.String,
    "kind": pl.String,
    "at": pl.Datetime("us", "UTC"),
    "properties": pl.String,
}


def touches(
    found: Sequence[tuple[str, Record]],
    accounts: Mapping[str, Mapping[str, Sequence[str]]],
    emails: Mapping[str, str],
    *,
    until: datetime,
) -> pl.DataFrame:
    """Return what reps did; what nobody owns, or has not happened yet, is left out.

    Args:
        found: Kind and record.
        accounts: By kind and id, the accounts that a record is about.
        emails: Address by id of the owner.
        until: What is later has not happened yet.
    """
    rows: list[dict[str, Any]] = []
    for kind, record in sorted(found, key=lambda one: (one[0], int(one[1]["id"]))):
        values, id_ = record["properties"], str(record["id"])
        at = _happened(kind, values)
        rep = emails.get(values.get(OWNER) or "")
        if at is None or rep is None or at > until:
            continue
        about = {"rep": rep, "kind": _KINDS[kind], "at": at}
        told = json.dumps({"hubspot": f"{kind}/{id_}"})
        rows += [
            {"account_id": account, **about, "properties": told}
            for account in accounts.get(kind, {}).get(id_, [])
        ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _happened(kind: str, values: Mapping[str, str | None]) -> datetime | None:
    """Return when a rep did it; None where no rep did."""
    if kind == EMAILS and values.get("hs_email_direction") == _OF_THE_CUSTOMER:
        return None
    if kind == MEETINGS and values.get("hs_meeting_outcome") in _DID_NOT_HAPPEN:
        return None
    if kind == TASKS and values.get("hs_task_status") != "COMPLETED":
        return None
    done = values.get("hs_task_completion_date") if kind == TASKS else None
    told = done or values.get("hs_timestamp")
    return parse_moment(told) if told else None
