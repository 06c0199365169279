"""Which offer the product shows an account now: read from what is known, changing nothing.

It waits for nobody: while the company is computed, the answer is that of the moment before.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from groundswell.engine.live.last_known import KeptFiles
from groundswell.engine.reports import DismissalReport, OfferReport
from groundswell.errors import Problem, StoreError, UsageError, did_you_mean
from groundswell.intake import ANONYMOUS_PREFIX
from groundswell.model import OfferKind
from groundswell.routing import ChosenOffer, OfferCase, choose_offer, newest_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from pathlib import Path

    from groundswell.clock import Clock
    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.live.last_known import LastKnown
    from groundswell.model import Scalar
    from groundswell.store.dismissals import Dismissals

_KINDS = tuple(str(kind) for kind in OfferKind if kind is not OfferKind.NONE)
_ID_DIGITS = 12


def _nothing() -> LastKnown | None:
    return None


@dataclass
class Offering:
    """Answers which offer is shown; any number of threads may ask.

    Attributes:
        loaded: The configuration.
        ledger: Where dismissals are.
        clock: Tells until when they hold.
        folder: The project's state folder.
        live: Gives what the live state knows; None where none is there.
    """

    loaded: LoadedConfig
    ledger: Dismissals
    clock: Clock
    folder: Path
    live: Callable[[], LastKnown | None] = _nothing
    _files: KeptFiles = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._files = KeptFiles(self.folder)

    def offer(
        self,
        *,
        account_id: str | None = None,
        user_id: str | None = None,
        anonymous_id: str | None = None,
    ) -> OfferReport:
        """Say which offer is shown; see `Project.offer`."""
        persons = _persons(user_id, anonymous_id)
        known = self.live() or self._files.last_known()
        if known is None:
            return _none("Accounts have not been scored yet.")
        found = account_id or next(filter(None, map(known.people.account_of, persons)), None)
        row = known.row(found) if found else None
        if row is None or found is None:
            return _none("No such account is known.")
        as_of = cast("date", row["as_of"])
        decided = cast("dict[str, Any] | None", row.get("decided"))
        if decided is None:
            return _none("The account was scored by another version: run again.", found, as_of)
        case = self._case(row, decided, {})
        chosen = choose_offer(self.loaded.offers.values(), case)
        if chosen.offer is not None and persons:
            try:
                dismissed = self._dismissed(persons)
            except StoreError:
                return _none("The ledger does not say what was dismissed.", found, as_of)
            if dismissed:
                case = self._case(row, decided, dismissed)
                chosen = choose_offer(self.loaded.offers.values(), case)
        return _report(chosen, found, as_of, trigger=self._trigger(row))

    def dismiss_offer(
        self,
        offer: str,
        *,
        user_id: str | None = None,
        anonymous_id: str | None = None,
        days: int | None = None,
    ) -> DismissalReport:
        """Remember that a person dismissed an offer; see `Project.dismiss_offer`."""
        name = offer.partition(".")[0]
        if name not in _KINDS:
            what = f"`{offer}` is no offer that was made."
            fix = did_you_mean(name, _KINDS, noun="Send the `id` of the offer, or its kind")
            raise UsageError(Problem("offer-unknown", what, fix))
        persons = _persons(user_id, anonymous_id)
        if not persons:
            fix = "Send `user_id`, `anonymous_id`, or both."
            raise UsageError(Problem("offer-nobody", "It does not say who dismissed it.", fix))
        now = self.clock.now()
        rest = days if days is not None else self.loaded.guardrails.dismissed_offer_days
        until = self.ledger.dismiss_offer(
            persons, name, offer=offer, at=now, until=now + timedelta(days=rest)
        )
        return DismissalReport(OfferKind(name), until)

    def _case(
        self,
        row: Mapping[str, Any],
        decided: Mapping[str, Any],
        dismissed: Mapping[OfferKind, str],
    ) -> OfferCase:
        config = self.loaded.config
        values = {name: value for name, value in row.items() if _is_plain(value)}
        return OfferCase(
            values=cast("dict[str, Scalar]", {**values, **decided}),
            offer_human=bool(decided["offer_human"]),
            plans=self.loaded.plans,
            usage=config.limits.usage,
            currency=config.currency,
            dismissed=dismissed,
        )

    def _dismissed(self, persons: tuple[str, ...]) -> dict[OfferKind, str]:
        held = self.ledger.dismissed_offers(persons, at=self.clock.now())
        return {OfferKind(kind): f"{until:%Y-%m-%d %H:%M}" for kind, until in held.items()}

    def _trigger(self, row: Mapping[str, Any]) -> str | None:
        since = {item["trigger"]: item["since"] for item in row["holding"] or ()}
        return newest_reason(self.loaded.triggers, since)


def _persons(user_id: str | None, anonymous_id: str | None) -> tuple[str, ...]:
    """Return the names that a person goes by, the better known first."""
    device = f"{ANONYMOUS_PREFIX}{anonymous_id}" if anonymous_id else None
    return tuple(name for name in (user_id, device) if name)


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _none(reason: str, account_id: str | None = None, as_of: date | None = None) -> OfferReport:
    return OfferReport(OfferKind.NONE, account_id=account_id, as_of=as_of, reason=reason)


def _report(
    chosen: ChosenOffer, account_id: str, as_of: date, *, trigger: str | None
) -> OfferReport:
    offer = chosen.offer
    if offer is None:
        reason = "No offer holds that may be shown."
        return OfferReport(
            OfferKind.NONE,
            account_id=account_id,
            as_of=as_of,
            reason=reason,
            trigger=trigger,
            tried=chosen.tried,
        )
    return OfferReport(
        offer=offer.kind,
        id=None if offer.kind is OfferKind.NONE else _id(offer.kind, offer.name),
        sentence=chosen.sentence,
        plan=chosen.plan.name if chosen.plan else None,
        price=chosen.price,
        as_of=as_of,
        account_id=account_id,
        name=offer.name,
        reason=f"`{offer.name}` is the first offer that holds and may be shown.",
        trigger=trigger,
        tried=chosen.tried,
    )


def _id(kind: OfferKind, name: str) -> str:
    """Return what a page dismisses an offer by; it does not tell the offer's name."""
    return f"{kind}.{hashlib.sha256(name.encode()).hexdigest()[:_ID_DIGITS]}"
