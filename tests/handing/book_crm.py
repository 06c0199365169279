"""A CRM in a file, for tests: it makes whatever it is told to, as often as it is told."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

import msgspec

from groundswell.connectors.deliveries import Delivery, DeliveryKind, Outcome
from groundswell.connectors.destination import Context, DestinationType, Finding, Limits

if TYPE_CHECKING:
    from collections.abc import Sequence


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """Where the file is."""

    file: str


class Book:
    """Writes a row for every delivery; asked, it says which it has."""

    def __init__(self, settings: Settings, context: Context) -> None:
        self._connection = sqlite3.connect(settings.file, isolation_level=None)
        self._connection.execute("CREATE TABLE IF NOT EXISTS made (key TEXT, kind TEXT, who TEXT)")
        self._context = context

    def check(self) -> list[Finding]:
        return [Finding("file", ok=True, said="It is there.")]

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        found = []
        for delivery in deliveries:
            self._context.budget.spend()
            owner = getattr(delivery.body, "owner", None)
            insert = "INSERT INTO made VALUES (?, ?, ?)"
            self._connection.execute(insert, (delivery.key, delivery.kind, owner))
            step()
            found.append(Outcome.sent(delivery, f"their-{delivery.key}"))
        return found

    def find(self, deliveries: Sequence[Delivery]) -> dict[str, str]:
        known = {row[0] for row in self._connection.execute("SELECT key FROM made")}
        return {item.key: f"their-{item.key}" for item in deliveries if item.key in known}

    def close(self) -> None:
        self._connection.close()


DESTINATION = DestinationType(
    "book",
    "A book",
    "Writes into a file.",
    Settings,
    Book,
    frozenset({DeliveryKind.ACCOUNT, DeliveryKind.TASK}),
    frozenset({"account", "task"}),
    Limits(requests=10_000, seconds=1.0),
    batch=4,
)

_steps = {"left": -1}


def kill_after(steps: int) -> None:
    """Let this process be killed after so many steps; never for less than 0."""
    _steps["left"] = steps


def step() -> None:
    """Take a step: die at the last one."""
    if _steps["left"] == 0:
        os.kill(os.getpid(), 9)
    _steps["left"] -= 1
