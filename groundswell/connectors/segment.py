"""Segment: the tables it keeps in a warehouse, exported, and its raw archive of calls.

`tracks` holds every event without its properties, and one table per event holds them; a message
has the same id in both, so load the event tables, or `tracks`, and if both, the event tables
first: the first to come is kept. Segment writes warehouse times in UTC. Traits follow its B2B
specification; their names may differ in case, and `employees` may be text.

Source: https://segment.com/docs/connections/storage/warehouses/schema/
"""

from __future__ import annotations

from groundswell.config.columns import COLUMNS, ColumnType
from groundswell.config.schema import TimeFormat
from groundswell.connectors.shape import Column, Connector, Shape
from groundswell.model import Kind

KINDS = (Kind.EVENTS, Kind.USERS, Kind.ACCOUNTS, Kind.MEMBERSHIPS)

_MESSAGE_COLUMNS = (
    "id", "anonymous_id", "received_at", "sent_at", "original_timestamp", "timestamp", "uuid",
    "uuid_ts", "loaded_at", "context_*", "event", "event_text", "channel", "rudder_id",
)  # fmt: skip


def utc_times(kind: Kind) -> dict[str, TimeFormat]:
    """Return the word that a system writes all times of a kind in UTC."""
    utc = TimeFormat(zone="UTC")
    return {name: utc for name, c in COLUMNS[kind].items() if c.type is ColumnType.TIME}


def warehouse_shape(kind: Kind, *, title: str) -> Shape:
    """Return the shape of the warehouse tables that Segment and RudderStack share."""
    match kind:
        case Kind.EVENTS:
            return _tracks(title, otherwise=_pages(title, otherwise=_archive(title)))
        case Kind.USERS:
            return _users(title, key="user_id", otherwise=_users(title, key="id", otherwise=None))
        case Kind.ACCOUNTS:
            other = _accounts(title, key="id", otherwise=None)
            return _accounts(title, key="group_id", otherwise=other)
        case _:
            return _memberships(title)


def _message() -> dict[str, Column]:
    return {
        "message_id": Column(("id",)),
        "user_id": Column(("user_id",)),
        "anonymous_id": Column(("anonymous_id",)),
        "account_id": Column(("context_group_id", "context_groupid")),
        "occurred_at": Column(("timestamp",)),
        "received_at": Column(("received_at",)),
    }


def _tracks(title: str, *, otherwise: Shape) -> Shape:
    return Shape(
        kind=Kind.EVENTS,
        name=f"{title} tracks and event tables",
        columns={**_message(), "event": Column(("event_text", "event"))},
        times=utc_times(Kind.EVENTS),
        drop=("uuid", "uuid_ts", "sent_at", "loaded_at"),
        needs=("id", "event"),
        otherwise=otherwise,
    )


def _pages(title: str, *, otherwise: Shape) -> Shape:
    return Shape(
        kind=Kind.EVENTS,
        name=f"{title} pages",
        columns={**_message(), "event": Column(constant="Page")},
        times=utc_times(Kind.EVENTS),
        drop=("uuid", "uuid_ts", "sent_at", "loaded_at"),
        needs=("id", "path"),
        otherwise=otherwise,
    )


def _archive(title: str) -> Shape:
    """Return the shape of calls as they were sent, one JSON object each."""
    return Shape(
        kind=Kind.EVENTS,
        name=f"{title} archive of calls",
        columns={
            "message_id": Column(("messageId",)),
            "user_id": Column(("userId",)),
            "anonymous_id": Column(("anonymousId",)),
            "account_id": Column(("context.groupId",)),
            "event": Column(("event",), constant="Page"),
            "occurred_at": Column(("timestamp",)),
            "received_at": Column(("receivedAt",)),
            "properties": Column(("properties",)),
        },
        times=utc_times(Kind.EVENTS),
        only="type IN ('track', 'page')",
        keep=(),
        needs=("messageId", "type"),
    )


def _traits(*names: str) -> dict[str, Column]:
    return {name: Column((name, name.replace("_", ""))) for name in names}


def _users(title: str, *, key: str, otherwise: Shape | None) -> Shape:
    columns = {
        "user_id": Column((key,)),
        **_traits("email", "name", "title", "department", "created_at"),
    }
    if key == "user_id":
        columns["valid_from"] = Column(("timestamp",))
    return Shape(
        kind=Kind.USERS,
        name=f"{title} {'identifies' if key == 'user_id' else 'users'}",
        columns=columns,
        times=utc_times(Kind.USERS),
        drop=_MESSAGE_COLUMNS,
        ignore_case=True,
        needs=(key,),
        otherwise=otherwise,
    )


def _accounts(title: str, *, key: str, otherwise: Shape | None) -> Shape:
    columns = {
        "account_id": Column((key,)),
        "domain": Column(("domain", "website")),
        **_traits("name", "employees", "industry", "country", "created_at", "owner", "parent_id"),
    }
    if key == "group_id":
        columns["valid_from"] = Column(("timestamp",))
    return Shape(
        kind=Kind.ACCOUNTS,
        name=f"{title} {'groups' if key == 'group_id' else 'accounts'}",
        columns=columns,
        times=utc_times(Kind.ACCOUNTS),
        drop=(*_MESSAGE_COLUMNS, "user_id"),
        ignore_case=True,
        needs=(key,),
        otherwise=otherwise,
    )


def _memberships(title: str) -> Shape:
    return Shape(
        kind=Kind.MEMBERSHIPS,
        name=f"{title} groups",
        columns={
            "user_id": Column(("user_id",)),
            "account_id": Column(("group_id",)),
            "since": Column(("timestamp",)),
        },
        times=utc_times(Kind.MEMBERSHIPS),
        keep=(),
        only="user_id IS NOT NULL",
        needs=("user_id", "group_id"),
    )


def shape(kind: Kind, _group_type: str | None = None) -> Shape:
    """Return the default shape of a kind."""
    return warehouse_shape(kind, title="Segment")


CONNECTOR = Connector(
    name="segment",
    title="Segment",
    doc="Warehouse tables (tracks, event tables, pages, identifies, users, groups, accounts) "
    "as CSV, Parquet or JSON lines; archives of raw calls.",
    kinds=KINDS,
    shape=shape,
    formats=("csv", "parquet", "jsonl"),
)
