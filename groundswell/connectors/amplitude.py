"""Amplitude: what its export API gives, gzipped JSON lines.

Times are in UTC, as Amplitude documents. `group_type` names the group that is the account; an
event in several groups of that type counts for the first.

Source: https://amplitude.com/docs/apis/analytics/export
"""

from __future__ import annotations

from groundswell.connectors.segment import utc_times
from groundswell.connectors.shape import Column, Connector, Shape
from groundswell.model import Kind


def shape(kind: Kind, group_type: str | None = None) -> Shape:
    """Return the default shape of a kind."""
    groups = (f"groups.{group_type}[0]", f"groups.{group_type}") if group_type else ()
    return Shape(
        kind=kind,
        name="Amplitude export",
        columns={
            "message_id": Column(("$insert_id", "insert_id", "uuid")),
            "user_id": Column(("user_id",)),
            "anonymous_id": Column(("device_id",)),
            "account_id": Column(groups),
            "event": Column(("event_type",)),
            "occurred_at": Column(("event_time",)),
            "received_at": Column(("server_received_time",)),
            "properties": Column(("event_properties",)),
        },
        format="jsonl",
        times=utc_times(kind),
        keep=("platform", "country", "version_name", "user_properties"),
        needs=("event_type", "event_time"),
    )


CONNECTOR = Connector(
    name="amplitude",
    title="Amplitude",
    doc="The files of the export API, unzipped: gzipped JSON lines.",
    kinds=(Kind.EVENTS,),
    shape=shape,
    formats=("jsonl",),
)
