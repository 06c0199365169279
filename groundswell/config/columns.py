"""The columns a record may have when it is loaded, kind by kind.

What a file may hold, in the words of the documentation; `store.tables` holds what the warehouse
keeps. The two differ only for events: a file says `timestamp`, the warehouse `occurred_at`, and
the warehouse adds the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from groundswell.model import Kind


class ColumnType(StrEnum):
    """What the values of a column are, and so how they are read and checked."""

    ID = "id"
    TEXT = "text"
    EMAIL = "email"
    DOMAIN = "domain"
    TIME = "time"
    DATE = "date"
    INTEGER = "integer"
    MONEY = "money"
    BOOLEAN = "boolean"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class CanonicalColumn:
    """One column of ours.

    Attributes:
        name: Its name in the warehouse and in a mapping.
        type: What its values are.
        required: True when a row without a value cannot be used.
        negative: True when a number may lie below zero.
        after: A time column that this one may not come before.
    """

    name: str
    type: ColumnType
    required: bool = False
    negative: bool = False
    after: str | None = None


_T = ColumnType


def _table(*columns: CanonicalColumn) -> dict[str, CanonicalColumn]:
    return {column.name: column for column in columns}


def _column(name: str, type_: ColumnType = _T.TEXT, *, after: str | None = None) -> CanonicalColumn:
    return CanonicalColumn(name, type_, after=after)


def _required(name: str, type_: ColumnType = _T.TEXT) -> CanonicalColumn:
    return CanonicalColumn(name, type_, required=True)


COLUMNS: dict[Kind, dict[str, CanonicalColumn]] = {
    Kind.EVENTS: _table(
        _column("message_id", _T.ID),
        _column("user_id", _T.ID),
        _column("anonymous_id", _T.ID),
        _column("account_id", _T.ID),
        _required("event"),
        _required("occurred_at", _T.TIME),
        _column("received_at", _T.TIME),
        _column("properties", _T.JSON),
    ),
    Kind.USERS: _table(
        _required("user_id", _T.ID),
        _column("email", _T.EMAIL),
        _column("name"),
        _column("title"),
        _column("department"),
        _column("created_at", _T.TIME),
        _column("properties", _T.JSON),
        _column("valid_from", _T.TIME),
    ),
    Kind.MEMBERSHIPS: _table(
        _required("user_id", _T.ID),
        _required("account_id", _T.ID),
        _column("since", _T.TIME),
        _column("until", _T.TIME, after="since"),
        _column("properties", _T.JSON),
        _column("valid_from", _T.TIME),
    ),
    Kind.ACCOUNTS: _table(
        _required("account_id", _T.ID),
        _column("name"),
        _column("domain", _T.DOMAIN),
        _column("parent_id", _T.ID),
        _column("employees", _T.INTEGER),
        _column("industry"),
        _column("country"),
        _column("tech_stack"),
        _column("target", _T.BOOLEAN),
        _column("created_at", _T.TIME),
        _column("owner"),
        _column("properties", _T.JSON),
        _column("valid_from", _T.TIME),
    ),
    Kind.SUBSCRIPTIONS: _table(
        _column("subscription_id", _T.ID),
        _required("account_id", _T.ID),
        _required("plan"),
        _required("mrr", _T.MONEY),
        _column("seats", _T.INTEGER),
        _column("seat_limit", _T.INTEGER),
        _column("usage_limit", _T.INTEGER),
        _required("started_at", _T.TIME),
        _column("ended_at", _T.TIME, after="started_at"),
        _column("touched", _T.BOOLEAN),
        _column("properties", _T.JSON),
        _column("valid_from", _T.TIME),
    ),
    Kind.OPPORTUNITIES: _table(
        _required("opportunity_id", _T.ID),
        _required("account_id", _T.ID),
        _required("created_at", _T.TIME),
        _required("stage"),
        _column("amount", _T.MONEY),
        _column("closed_at", _T.TIME, after="created_at"),
        _column("won", _T.BOOLEAN),
        _column("source"),
        _column("owner"),
        _column("lost_reason"),
        _column("competitor"),
        _column("properties", _T.JSON),
        _column("valid_from", _T.TIME),
    ),
    Kind.TOUCHES: _table(
        _required("account_id", _T.ID),
        _column("user_id", _T.ID),
        _required("rep"),
        _required("kind"),
        _required("at", _T.TIME),
        _column("properties", _T.JSON),
    ),
    Kind.TICKETS: _table(
        _required("account_id", _T.ID),
        _column("user_id", _T.ID),
        _required("topic"),
        _required("at", _T.TIME),
        _column("resolved_at", _T.TIME, after="at"),
        _column("properties", _T.JSON),
    ),
    Kind.COSTS: _table(
        _required("month", _T.DATE),
        _required("category"),
        CanonicalColumn("amount", _T.MONEY, required=True, negative=True),
        _column("properties", _T.JSON),
    ),
}

# What a file may call a column of ours besides its name.
ALIASES: dict[Kind, dict[str, str]] = {Kind.EVENTS: {"timestamp": "occurred_at"}}


def canonical_name(kind: Kind, name: str) -> str:
    """Return the warehouse's name for a column that a file or a mapping names.

    >>> canonical_name(Kind.EVENTS, "timestamp")
    'occurred_at'
    """
    return ALIASES.get(kind, {}).get(name, name)


def file_name(kind: Kind, column: str) -> str:
    """Return the name a reader knows a column by: the alias, where there is one.

    >>> file_name(Kind.EVENTS, "occurred_at")
    'timestamp'
    """
    names = {ours: theirs for theirs, ours in ALIASES.get(kind, {}).items()}
    return names.get(column, column)
