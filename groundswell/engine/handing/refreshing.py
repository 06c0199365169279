"""Values of accounts for the records of other systems: of all that qualify, after each full pass.

What a destination has already, or has waiting for it, is not written again, so a night on which
little happened costs little.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast

import msgspec

from groundswell.connectors.deliveries import AccountValues, Company, DeliveryKind
from groundswell.engine.destination_blocks import DestinationBlock
from groundswell.engine.told import UPDATED_ON, Told, all_told, news_of, values_of, wanted_values
from groundswell.model import as_plain
from groundswell.scoring import explain_score, reasons
from groundswell.store.outbox import UNSETTLED, KeptDelivery

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.handing.book import Book
    from groundswell.handoff.life import Handoff
    from groundswell.model import Scalar
    from groundswell.store.ledger import Ledger

MONITORED, QUALIFIED = "monitored", "qualified"
"""The state of an account that was never handed over."""

STALE_DAYS = 1
"""Nothing is told as of a day that is longer over."""

_PARTS = ("usage_score", "fit_score", "behaviour_score")


@dataclass(frozen=True)
class Standings:
    """Where accounts stand, to be told from.

    Attributes:
        loaded: The configuration, with the score that is in use.
        latest: As `telling.latest_frame` gives; its `as_of` is the day.
        domains: Account id to its domain, of those that have one.
        book: The handoffs there are.
    """

    loaded: LoadedConfig
    latest: pl.DataFrame
    domains: Mapping[str, str]
    book: Book

    @property
    def as_of(self) -> date | None:
        """The day; None where there is no account."""
        return cast("date", self.latest.item(0, "as_of")) if self.latest.height else None


@dataclass
class _Place:
    """A destination that takes values of accounts, with what it has of each, and what waits."""

    name: str
    wanted: frozenset[str]
    told: dict[str, Told]
    waiting: dict[str, Told] = field(default_factory=dict[str, Told])
    refused: dict[str, Told] = field(default_factory=dict[str, Told])

    def expected(self, account_id: str) -> Told:
        """Return what it has of an account once all that waits was sent."""
        return self.told.get(account_id, {}) | self.waiting.get(account_id, {})

    def is_later(self, account_id: str, as_of: date) -> bool:
        """Tell whether it was told of a later day."""
        return str(self.expected(account_id).get(UPDATED_ON) or "") > as_of.isoformat()

    def is_refused(self, account_id: str, body: Told) -> bool:
        """Tell whether it refused just this since it took anything of the account."""
        last = self.refused.get(account_id)
        if last is None or account_id in self.waiting:
            return False
        taken = str(self.told.get(account_id, {}).get(UPDATED_ON) or "")
        newer = str(last.get(UPDATED_ON) or "") > taken
        return newer and news_of(body, last, self.wanted) is None


def places_of(loaded: LoadedConfig) -> dict[str, frozenset[str]]:
    """Return the destinations that take and write values of accounts, and which values."""
    found: dict[str, frozenset[str]] = {}
    kinds = {str(kind) for kind in DeliveryKind}
    for name, block in loaded.config.destinations.items():
        read = DestinationBlock(loaded, name, block)
        writes = read.writes()
        written = DeliveryKind.ACCOUNT in writes or bool(writes - kinds)
        if written and DeliveryKind.ACCOUNT in read.type().kinds:
            found[name] = wanted_values(writes)
    return found


def refresh_values(standings: Standings, ledger: Ledger, *, now: datetime) -> list[KeptDelivery]:
    """Return a delivery for each account and destination where there is something to tell.

    Told are the accounts that qualify, and those that a destination was told of as qualified.

    Args:
        standings: Where accounts stand.
        ledger: Knows what every destination has, and what waits.
        now: The instant of the pass.
    """
    loaded, as_of = standings.loaded, standings.as_of
    places = [_place(ledger, name, wanted) for name, wanted in places_of(loaded).items()]
    if not places or as_of is None or (now.date() - as_of).days > STALE_DAYS:
        return []
    teller = _Values(standings)
    chosen = chosen_rows(standings, {key for place in places for key in _told_as_qualified(place)})
    found: list[KeptDelivery] = []
    for row in chosen:
        account_id = str(row["account_id"])
        for place in places:
            expected = place.expected(account_id)
            if not (row["qualified"] or expected.get("qualified") is True):
                continue
            if place.is_later(account_id, as_of) or not wants(loaded, place.name, row):
                continue
            body = teller.body(row, place.wanted, expected)
            if news_of(body, expected, place.wanted) is None or place.is_refused(account_id, body):
                continue
            found.append(kept_delivery(place.name, account_id, body, now=now))
    return found


def whole_values(
    standings: Standings, ledger: Ledger, name: str, *, now: datetime, every: bool
) -> list[KeptDelivery]:
    """Return a delivery with every value of each account for one destination, whatever it has.

    Args:
        standings: Where accounts stand.
        ledger: As for `refresh_values`.
        name: Of the destination; one of `places_of`.
        now: The instant.
        every: All accounts, not only those that are told of after a full pass.
    """
    place = _place(ledger, name, places_of(standings.loaded)[name])
    teller = _Values(standings)
    chosen = None if every else _told_as_qualified(place)
    found: list[KeptDelivery] = []
    for row in chosen_rows(standings, chosen):
        if wants(standings.loaded, name, row):
            account_id = str(row["account_id"])
            body = teller.body(row, place.wanted, place.expected(account_id))
            found.append(kept_delivery(name, account_id, body, now=now))
    return found


def chosen_rows(
    standings: Standings, account_ids: Iterable[str] | None
) -> Sequence[Mapping[str, Any]]:
    """Return the rows of accounts that qualify and of some others; of all for None."""
    frame = standings.latest
    if account_ids is not None:
        others = frame["account_id"].is_in(list(account_ids))
        frame = frame.filter(frame["qualified"].fill_null(value=False) | others)
    return frame.rows(named=True)


def wants(loaded: LoadedConfig, name: str, row: Mapping[str, Any]) -> bool:
    """Tell whether an account meets the condition (`for`) of a destination."""
    condition = loaded.conditions.get(name)
    if condition is None:
        return True
    return condition.evaluate({one: row.get(one) for one in condition.names}) is True


def kept_delivery(name: str, account_id: str, body: Told, *, now: datetime) -> KeptDelivery:
    """Return a delivery of values, named by what it says and when."""
    said = msgspec.json.encode([account_id, now.isoformat(), body], order="sorted")
    digest = hashlib.sha256(said).hexdigest()[:24]
    kind = str(DeliveryKind.ACCOUNT)
    return KeptDelivery(
        key=f"values:{digest}:{name}:{kind}",
        destination=name,
        kind=kind,
        account_id=account_id,
        handoff_id=None,
        body=body,
        made_at=now,
    )


class _Values:
    """Makes bodies of rows, each once for all destinations."""

    def __init__(self, standings: Standings) -> None:
        self._standings = standings
        self._reasons: dict[str, str] = {}

    def body(self, row: Mapping[str, Any], wanted: frozenset[str], known: Told) -> Told:
        """Return the values of an account as they are told, as plain data.

        While it is handed over its reasons stay those for which it was.

        Args:
            row: Of the account.
            wanted: Which values are compared.
            known: What the destination has of it.
        """
        account_id = str(row["account_id"])
        handoff = self._standings.book.of_account(account_id)
        present = handoff if handoff is not None and handoff.is_open else None
        values = _values(row, handoff)
        if "reasons" in wanted:
            kept = known.get("reasons") if present is not None else None
            values["reasons"] = kept or self._reasons_of(account_id, row)
        owner = present.owner if present is not None else None
        company = _company(row, self._standings.domains.get(account_id))
        return as_plain(AccountValues(company, values, owner))

    def _reasons_of(self, account_id: str, row: Mapping[str, Any]) -> str:
        found = self._reasons.get(account_id)
        if found is None:
            loaded = self._standings.loaded
            score = explain_score(loaded.score, row, currency=loaded.config.currency)
            found = self._reasons[account_id] = "\n".join(reasons(loaded.score, score))
        return found


def _values(row: Mapping[str, Any], handoff: Handoff | None) -> dict[str, Scalar]:
    """Return the values of an account but for its reasons: those of its handoff come first."""
    qualified = bool(row["qualified"])
    is_open = handoff is not None and handoff.is_open
    state = str(handoff.state) if handoff is not None else QUALIFIED if qualified else MONITORED
    return {
        "score": _rounded(row["score"]),
        "tier": row["tier"],
        "motion": handoff.motion if handoff is not None and is_open else row["motion"],
        "state": state,
        "qualified": qualified,
        "play": handoff.play if handoff is not None else None,
        **{name: _rounded(row.get(name)) for name in _PARTS},
        "estimated_acv": _rounded(row.get("estimated_acv")),
        UPDATED_ON: row["as_of"].isoformat(),
    }


def _company(row: Mapping[str, Any], domain: str | None) -> Company:
    account_id, employees = str(row["account_id"]), row.get("employees")
    industry, country = row.get("industry"), row.get("country")
    return Company(
        account_id,
        row.get("name") or domain or account_id,
        domain,
        int(employees) if isinstance(employees, int | float) else None,
        None if industry is None else str(industry),
        None if country is None else str(country),
    )


def _rounded(value: Scalar) -> Scalar:
    return round(float(value), 1) if isinstance(value, int | float) else value


def _place(ledger: Ledger, name: str, wanted: frozenset[str]) -> _Place:
    place = _Place(name, wanted, all_told(ledger, name))
    kept = ledger.deliveries(destination=name, statuses=(*UNSETTLED, "dead"))
    for item in reversed(kept):  # the oldest first
        if item.kind != DeliveryKind.ACCOUNT:
            continue
        if item.status == "dead":
            place.refused[item.account_id] = values_of(item.body)
        else:
            before = place.waiting.get(item.account_id, {})
            place.waiting[item.account_id] = before | values_of(item.body)
    return place


def _told_as_qualified(place: _Place) -> set[str]:
    return {
        account_id
        for account_id in {*place.told, *place.waiting}
        if place.expected(account_id).get("qualified") is True
    }
