"""Telling a destination all values of accounts at once: a new one, or one that lost them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.connectors.deliveries import Change
from groundswell.engine.handing.refreshing import places_of, whole_values
from groundswell.engine.told import told_last
from groundswell.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from groundswell.engine.destinations import Destinations
    from groundswell.engine.handing.handing import Handing
    from groundswell.store.outbox import KeptDelivery

SHOWN = 50
"""Accounts of which a dry run says what would be told."""


@dataclass(frozen=True)
class Backfill:
    """What a destination is told of accounts.

    Attributes:
        destination: Its name.
        accounts: Of how many.
        bulk: Whether they go as one load, as far as they wait together.
        changes: Of the first accounts, best first: what it was told last, and is told now; only of
            a dry run.
    """

    destination: str
    accounts: int
    bulk: bool
    changes: tuple[Change, ...] = ()


def write_backfill(
    handing: Handing,
    destinations: Destinations,
    name: str,
    latest: pl.DataFrame,
    accounts: pl.DataFrame,
    *,
    every: bool,
    dry_run: bool,
) -> Backfill:
    """Write all values of accounts for a destination; for a dry run, say what it would be told.

    Args:
        handing: Writes them.
        destinations: The destination is one of them.
        name: Of the destination.
        latest: Where every account stands, as `telling.latest_frame` gives.
        accounts: account_id and domain of the same.
        every: All accounts, not only those that are told of after a full pass.
        dry_run: Write nothing.

    Raises:
        UsageError: There is no such destination, or it is not told values of accounts.
    """
    kind = destinations.type_of(name)
    if name not in places_of(handing.loaded):
        raise UsageError(
            Problem(
                "destination-no-values",
                f"`{name}` is not told values of accounts.",
                "Name `account`, or values such as `score`, in its `write`; "
                f"{kind.title} takes {', '.join(sorted(kind.kinds))}.",
            )
        )
    changes: tuple[Change, ...] = ()
    if dry_run:
        whole = whole_values(
            handing.standings(latest, accounts),
            handing.ledger,
            name,
            now=handing.clock.now(),
            every=every,
        )
        changes = tuple(_changes(handing, name, whole[:SHOWN]))
    else:
        whole = handing.backfill(name, latest, accounts, every=every)
    return Backfill(name, len(whole), kind.bulk is not None and len(whole) >= kind.bulk, changes)


def _changes(handing: Handing, name: str, whole: Sequence[KeptDelivery]) -> list[Change]:
    told = told_last(handing.ledger, name, {item.account_id for item in whole})
    found: list[Change] = []
    for item in whole:
        values, last = item.body["values"], told.get(item.account_id, {})
        before = {one: last[one] for one in values if one in last}
        company = item.body["company"]
        subject = f"account {company['domain'] or company['name']}"
        found.append(Change(item.key, "tell values", subject, before, values))
    return found
