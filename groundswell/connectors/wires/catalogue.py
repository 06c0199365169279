"""Every wire there is, by name and by the path of its routes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from groundswell.connectors.wires import amplitude, form, heap, mixpanel, posthog, segment
from groundswell.errors import Problem, UsageError, did_you_mean

if TYPE_CHECKING:
    from groundswell.connectors.wires.wire import Route, Wire

_MODULES = (segment, posthog, mixpanel, amplitude, heap, form)
WIRES: dict[str, Wire] = {wire.name: wire for module in _MODULES for wire in module.WIRES}


def wire_named(name: str) -> Wire:
    """Return the wire of this name.

    Raises:
        UsageError: There is none.
    """
    if name in WIRES:
        return WIRES[name]
    raise UsageError(
        Problem("wire-unknown", f"Nothing is sent the way of `{name}`.", did_you_mean(name, WIRES))
    )


@cache
def routes() -> dict[tuple[str, str], dict[str, Route]]:
    """Return the routes by method and path, and where wires share one, by the wire's name."""
    found: dict[tuple[str, str], dict[str, Route]] = {}
    for wire in WIRES.values():
        for route in wire.routes:
            found.setdefault((route.method, route.path), {})[wire.name] = route
    return found
