"""Tryton as a destination of Groundswell: parties, opportunities, tasks and notes."""

from __future__ import annotations

from groundswell.connectors.deliveries import DeliveryKind
from groundswell.connectors.destination import DestinationType, Limits
from groundswell_tryton.destination import Tryton
from groundswell_tryton.settings import USUAL, TrytonSettings

__all__ = ["DESTINATION", "TrytonSettings"]

DESTINATION = DestinationType(
    name="tryton",
    title="Tryton",
    doc="Parties, sale opportunities, tasks and notes of a Tryton server.",
    settings=TrytonSettings,
    open=Tryton,
    reads=True,
    kinds=frozenset(
        {DeliveryKind.ACCOUNT, DeliveryKind.DEAL, DeliveryKind.TASK, DeliveryKind.NOTE}
    ),
    usual=USUAL,
    limits=Limits(requests=200, seconds=10.0),
    batch=20,
)
