"""PostHog: its batch exports of events, as Parquet or JSON lines.

Times are in UTC, as PostHog documents. `group_type` names the group that is the account, or
gives its number in the project (`0` .. `4`).

Source: https://posthog.com/docs/cdp/batch-exports/s3
"""

from __future__ import annotations

from groundswell.connectors.segment import utc_times
from groundswell.connectors.shape import Column, Connector, Shape
from groundswell.model import Kind


def shape(kind: Kind, group_type: str | None = None) -> Shape:
    """Return the default shape of a kind."""
    return Shape(
        kind=kind,
        name="PostHog batch export",
        columns={
            "message_id": Column(("uuid",)),
            "user_id": Column(("distinct_id",), differs_from="properties.$device_id"),
            "anonymous_id": Column(("properties.$device_id",)),
            "account_id": Column(_account(group_type)),
            "event": Column(("event",)),
            "occurred_at": Column(("timestamp",)),
            "received_at": Column(("created_at",)),
            "properties": Column(("properties",)),
        },
        times=utc_times(kind),
        keep=(),
        needs=("uuid", "distinct_id"),
    )


def _account(group_type: str | None) -> tuple[str, ...]:
    if group_type is None:
        return ()
    if group_type.isdigit():
        return (f"$group_{group_type}", f"properties.$group_{group_type}")
    return (f"properties.$groups.{group_type}",)


CONNECTOR = Connector(
    name="posthog",
    title="PostHog",
    doc="Batch exports of events: Parquet or JSON lines.",
    kinds=(Kind.EVENTS,),
    shape=shape,
    formats=("parquet", "jsonl"),
)
