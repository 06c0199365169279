"""The connectors there are: ours and those of other packages, found the same way.

A package adds a source with an entry point in the group `groundswell.connectors` that names a
`Connector`, and a destination with one in `groundswell.destinations` that names a
`DestinationType`. Ours stand in `BUILT_IN` and `DESTINATIONS` as well, so that a source tree works
before it is installed; a test holds the lists equal.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from groundswell.connectors.destination import DestinationType
from groundswell.connectors.shape import Connector
from groundswell.errors import Problem, UsageError, did_you_mean

GROUP = "groundswell.connectors"

BUILT_IN = {
    "amplitude": "groundswell.connectors.amplitude:CONNECTOR",
    "files": "groundswell.connectors.files:CONNECTOR",
    "mixpanel": "groundswell.connectors.mixpanel:CONNECTOR",
    "postgres": "groundswell.connectors.postgres:CONNECTOR",
    "posthog": "groundswell.connectors.posthog:CONNECTOR",
    "rudderstack": "groundswell.connectors.rudderstack:CONNECTOR",
    "segment": "groundswell.connectors.segment:CONNECTOR",
}


def _found() -> dict[str, EntryPoint]:
    ours = {name: EntryPoint(name, value, GROUP) for name, value in BUILT_IN.items()}
    return {**ours, **{point.name: point for point in entry_points(group=GROUP)}}


def names() -> list[str]:
    """Return the names of all connectors, sorted."""
    return sorted(_found())


@cache
def connector(name: str) -> Connector:
    """Return the connector of this name.

    Raises:
        UsageError: There is none, or what its package names is no connector.
    """
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        loaded = getattr(import_module(module), attribute)
    elif name in _found():
        loaded = _found()[name].load()
    else:
        raise UsageError(
            Problem(
                "connector-unknown", f"There is no connector `{name}`.", did_you_mean(name, names())
            )
        )
    if not isinstance(loaded, Connector):
        raise UsageError(
            Problem(
                "connector-invalid",
                f"The package that offers `{name}` names something that is no Connector.",
                "Update or remove that package.",
            )
        )
    return loaded


DESTINATION_GROUP = "groundswell.destinations"

DESTINATIONS: dict[str, str] = {
    "email": "groundswell.connectors.email:DESTINATION",
    "export": "groundswell.connectors.table_export:DESTINATION",
    "hubspot": "groundswell.connectors.hubspot:DESTINATION",
    "odoo": "groundswell.connectors.odoo:DESTINATION",
    "salesforce": "groundswell.connectors.salesforce:DESTINATION",
    "slack": "groundswell.connectors.slack:DESTINATION",
    "webhook": "groundswell.connectors.webhook:DESTINATION",
}


def _destinations_found() -> dict[str, EntryPoint]:
    ours = {
        name: EntryPoint(name, value, DESTINATION_GROUP) for name, value in DESTINATIONS.items()
    }
    return {**ours, **_installed()}


@cache
def _installed() -> dict[str, EntryPoint]:
    """Return what packages offer: looked for once, since every package is opened for it."""
    return {point.name: point for point in entry_points(group=DESTINATION_GROUP)}


def destination_names() -> list[str]:
    """Return the names of all types of destination, sorted."""
    return sorted(_destinations_found())


@cache
def destination_type(name: str) -> DestinationType:
    """Return the type of destination of this name.

    Raises:
        UsageError: There is none, or what its package names is no type of destination.
    """
    found = _destinations_found()
    if name not in found:
        raise UsageError(
            Problem(
                "destination-unknown",
                f"There is no type of destination `{name}`.",
                did_you_mean(name, destination_names()),
            )
        )
    loaded = found[name].load()
    if not isinstance(loaded, DestinationType):
        raise UsageError(
            Problem(
                "destination-invalid",
                f"The package that offers `{name}` names something that is no DestinationType.",
                "Update or remove that package.",
            )
        )
    return loaded
