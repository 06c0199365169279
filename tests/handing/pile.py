"""A destination that keeps what it is sent, takes loads from three accounts on, and may refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from groundswell.connectors.deliveries import AccountValues, DeliveryKind, Outcome
from groundswell.connectors.destination import DestinationError, DestinationType, Finding
from groundswell.connectors.settings import Settings
from groundswell.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.destination import Context


class PileSettings(Settings, frozen=True):
    """There is nothing to set."""


@dataclass
class Pile:
    """What was sent: every value of each account, and in which calls."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, int]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    broken: bool = False

    there: ClassVar[Pile]

    def take(self, way: str, deliveries: Sequence[Delivery]) -> list[Outcome]:
        if self.broken:
            raise DestinationError(Problem("pile-broken", "The pile fell over.", "Wait."))
        self.calls.append((way, len(deliveries)))
        return [self._put(one) for one in deliveries]

    def _put(self, delivery: Delivery) -> Outcome:
        if delivery.account_id in self.refuses:
            return Outcome.refused(delivery, "No room.", "Make room.")
        if isinstance(delivery.body, AccountValues):
            record = self.records.setdefault(delivery.account_id, {})
            record |= delivery.body.values
            record |= {"owner": delivery.body.owner} if delivery.body.owner else {}
        return Outcome.sent(delivery)


class ToPile:
    def __init__(self, settings: PileSettings, context: Context) -> None:
        self.pile = Pile.there

    def check(self) -> list[Finding]:
        return [Finding("pile", ok=True, said="it stands")]

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        return self.pile.take("batch", deliveries)

    def send_bulk(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        return self.pile.take("bulk", deliveries)

    def close(self) -> None:
        pass


DESTINATION = DestinationType(
    name="pile",
    title="Pile",
    doc="Keeps what it is sent.",
    settings=PileSettings,
    open=ToPile,
    kinds=frozenset({DeliveryKind.ACCOUNT, DeliveryKind.TASK}),
    usual=frozenset({"account"}),
    batch=2,
    bulk=3,
)
