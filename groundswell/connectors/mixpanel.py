"""Mixpanel: its raw event export, JSON lines.

`time` counts seconds; projects made before 2023 counted them in the project's own time zone, which
only their owner knows: `time: {unit: s, zone: US/Pacific}`. An export made with `time_in_ms`
counts milliseconds. `group_type` names the property that holds the account.

Source: https://docs.mixpanel.com/reference/raw-event-export
"""

from __future__ import annotations

from groundswell.config.schema import TimeFormat
from groundswell.connectors.shape import Column, Connector, Shape
from groundswell.model import Kind

# Mixpanel writes `$device:<id>` as the distinct id of someone it cannot name yet.
_ANONYMOUS = "$device:"


def shape(kind: Kind, group_type: str | None = None) -> Shape:
    """Return the default shape of a kind."""
    account = (f"properties.{group_type}[0]", f"properties.{group_type}") if group_type else ()
    return Shape(
        kind=kind,
        name="Mixpanel raw export",
        columns={
            "message_id": Column(("properties.$insert_id",)),
            "user_id": Column(
                ("properties.$user_id", "properties.distinct_id"),
                differs_from="properties.$device_id",
                not_prefix=_ANONYMOUS,
            ),
            "anonymous_id": Column(("properties.$device_id", "properties.distinct_id")),
            "account_id": Column(account),
            "event": Column(("event",)),
            "occurred_at": Column(("properties.time",)),
            "properties": Column(("properties",)),
        },
        format="jsonl",
        times={"occurred_at": TimeFormat(unit="s")},
        keep=(),
        needs=("event", "properties"),
    )


CONNECTOR = Connector(
    name="mixpanel",
    title="Mixpanel",
    doc="The raw event export: JSON lines.",
    kinds=(Kind.EVENTS,),
    shape=shape,
    formats=("jsonl",),
)
