"""Every wire there is, by name and by the path of its routes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from groundswell.connectors.wires import (
    amplitude,
    form,
    heap,
    mixpanel,
    posthog,
    segment,
    stripe,
)
from groundswell.errors import Problem, UsageError, did_you_mean

if TYPE_CHECKING:
    from groundswell.connectors.wires.wire import Route, Wire

_MODULES = (segment, posthog, mixpanel, amplitude, heap, form, stripe)
WIRES: dict[str, Wire] = {wire.name: wire for module in _MODULES for wire in module.WIRES}


def wire_named(name: str) -> Wire:
    """Return the wire of this name, in which one sends with a write key.

    Raises:
        UsageError: There is none, or it needs no key.
    """
    keyed = {wire.name: wire for wire in WIRES.values() if wire.keyed}
    if name in keyed:
        return keyed[name]
    if name in WIRES:
        what = f"{WIRES[name].title} signs what it sends, and needs no write key."
        fix = f"Add a source with `webhook: {{wire: {name}, secret: ...}}` to groundswell.yaml."
        raise UsageError(Problem("wire-signed", what, fix))
    raise UsageError(
        Problem("wire-unknown", f"Nothing is sent the way of `{name}`.", did_you_mean(name, keyed))
    )


@cache
def routes() -> dict[tuple[str, str], dict[str, Route]]:
    """Return the routes by method and path, and where wires share one, by the wire's name."""
    found: dict[tuple[str, str], dict[str, Route]] = {}
    for wire in WIRES.values():
        for route in wire.routes:
            found.setdefault((route.method, route.path), {})[wire.name] = route
    return found
