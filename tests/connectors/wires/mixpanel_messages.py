"""Messages as Mixpanel's clients make them, and how they are read."""

from __future__ import annotations

from typing import Any

from groundswell.connectors.wires.mixpanel import WIRES

from .sending import Sender

(WIRE,) = WIRES
SENDER = Sender(WIRE)


def event(name: Any = "Opened", **properties: Any) -> dict[str, Any]:
    return {"event": name, "properties": {"token": "TOK", "distinct_id": "u1", **properties}}


def profile(**said: Any) -> dict[str, Any]:
    return {f"${name}": value for name, value in {"token": "TOK", **said}.items()}
