"""The handoffs of a project that a server holds, asked over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundswell.model import as_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from groundswell.connectors.deliveries import Change, Message
    from groundswell.connectors.destination import Finding
    from groundswell.engine.dispatching import Dispatched
    from groundswell.engine.handing.acting import Action
    from groundswell.engine.handing.backfilling import Backfill
    from groundswell.engine.handing.handoffs import DestinationState, QueueRow
    from groundswell.handoff.life import Handoff
    from groundswell.store.outbox import DeliveryStatus, KeptDelivery


@dataclass(frozen=True, slots=True)
class HandoffsClient:
    """The methods of `Handoffs` that operations offer; they raise what those raise."""

    _call: Callable[..., Any]

    def queue(
        self, *, rep: str | None = None, team: str | None = None, every: bool = False
    ) -> list[QueueRow]:
        """See `Handoffs.queue`."""
        return self._call("handoffs.queue", rep=rep, team=team, every=every)

    def get(self, name: str) -> Handoff:
        """See `Handoffs.get`."""
        return self._call("handoffs.get", name=name)

    def step(
        self,
        name: str,
        action: Action,
        *,
        who: str,
        reason: str | None = None,
        note: str = "",
        days: int | None = None,
        to: str | None = None,
        competitor: str | None = None,
        engineer: bool = False,
    ) -> Handoff:
        """See `Handoffs.step`."""
        return self._call(
            "handoffs.step",
            name=name,
            action=action,
            who=who,
            reason=reason,
            note=note,
            days=days,
            to=to,
            competitor=competitor,
            engineer=engineer,
        )

    def sweep(self) -> int:
        """See `Handoffs.sweep`."""
        return self._call("handoffs.sweep")

    def deliveries(
        self,
        *,
        destination: str | None = None,
        status: DeliveryStatus | None = None,
        account: str | None = None,
        limit: int | None = 50,
    ) -> list[KeptDelivery]:
        """See `Handoffs.deliveries`."""
        return self._call(
            "handoffs.deliveries",
            destination=destination,
            status=status,
            account=account,
            limit=limit,
        )

    def dispatch(self) -> Dispatched:
        """See `Handoffs.dispatch`."""
        return self._call("handoffs.dispatch")

    def retry(self, *, destination: str | None = None, key: str | None = None) -> int:
        """See `Handoffs.retry`."""
        return self._call("handoffs.retry", destination=destination, key=key)

    def post(self, key: str, to: Sequence[str], message: Message) -> int:
        """See `Handoffs.post`."""
        return self._call("handoffs.post", key=key, to=list(to), message=as_plain(message))

    def pause(self, destination: str, *, who: str, reason: str = "") -> None:
        """See `Handoffs.pause`."""
        self._call("handoffs.pause", destination=destination, who=who, reason=reason)

    def resume(self, destination: str) -> bool:
        """See `Handoffs.resume`."""
        return self._call("handoffs.resume", destination=destination)

    def backfill(self, destination: str, *, every: bool = False, dry_run: bool = False) -> Backfill:
        """See `Handoffs.backfill`."""
        return self._call(
            "handoffs.backfill", destination=destination, every=every, dry_run=dry_run
        )

    def states(self) -> list[DestinationState]:
        """See `Handoffs.states`."""
        return self._call("handoffs.states")

    def check(self, destination: str) -> list[Finding]:
        """See `Handoffs.check`."""
        return self._call("handoffs.check", destination=destination)

    def preview(self, destination: str, *, limit: int = 50) -> list[Change]:
        """See `Handoffs.preview`."""
        return self._call("handoffs.preview", destination=destination, limit=limit)
