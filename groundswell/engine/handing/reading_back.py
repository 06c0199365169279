"""What comes back from a CRM: facts, owners that win over ours, who may not be contacted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from groundswell.connectors.destination import ReadsRecords
from groundswell.engine.deciding import BARRED
from groundswell.engine.handing.acting import Act
from groundswell.errors import Problem, UsageError
from groundswell.handoff.life import Step, may
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from groundswell.connectors.destination import Records
    from groundswell.engine.destinations import Destinations, Opened
    from groundswell.engine.handing.handing import Handing
    from groundswell.engine.reports import LoadReport

_CURSOR = "read:cursor"


@dataclass(frozen=True)
class ReadBack:
    """What one reading brought.

    Attributes:
        destination: From where.
        added: New rows, by kind of record.
        reassigned: Handoffs that belong to somebody else now, because the CRM says so.
        barred: Accounts that nobody may contact.
    """

    destination: str
    added: dict[str, int]
    reassigned: int
    barred: int


@dataclass(frozen=True)
class Fetched:
    """What was read from a CRM and is not taken in yet."""

    opened: Opened
    records: Records


def fetch(name: str, destinations: Destinations, *, until: datetime) -> Fetched:
    """Read what changed in a CRM since what was taken in last; nothing of ours changes.

    Args:
        name: Of the destination.
        destinations: Those of the project.
        until: What happened there later comes the next time.

    Raises:
        UsageError: Nothing comes back from such a destination, or there is none.
        DestinationError: It cannot be reached.
    """
    opened = destinations.open(name)
    if not isinstance(opened.destination, ReadsRecords):
        raise UsageError(
            Problem(
                "destination-reads",
                f"Nothing comes back from `{name}`, which is {opened.type.title}.",
                "Opportunities, touches and owners come back from a CRM.",
            )
        )
    try:
        cursor = opened.context.memory.get(_CURSOR)
        return Fetched(opened, opened.destination.read(cursor, until=until))
    finally:
        destinations.keep_budget(name)


def take_in(
    fetched: Fetched,
    handing: Handing,
    accounts: pl.DataFrame,
    load: Callable[[Kind, pl.DataFrame], list[LoadReport]],
) -> ReadBack:
    """Take in what was read.

    The cursor moves once everything is in: what is read twice changes nothing.

    Args:
        fetched: What was read.
        handing: Records whose handoff is whose.
        accounts: The warehouse's accounts, with their versions.
        load: Loads rows in the canonical columns of a kind.
    """
    found, name = fetched.records, fetched.opened.name
    owned = owned_accounts(found.owners, accounts, since=handing.clock.now())
    added = {
        str(kind): sum(report.added for report in load(kind, frame))
        for kind, frame in {**found.frames, Kind.ACCOUNTS: owned}.items()
        if frame.height
    }
    barred = _bar(name, found, handing)
    moved = _give(name, found.owners, handing)
    fetched.opened.context.memory.put(_CURSOR, found.cursor)
    return ReadBack(name, added, moved, barred)


def owned_accounts(
    owners: Mapping[str, str | None], accounts: pl.DataFrame, *, since: datetime
) -> pl.DataFrame:
    """Return a version of each account whose owner is another one now.

    Args:
        owners: Account id to who owns it in the CRM.
        accounts: account_id, owner, valid_from and what else is known, by version.
        since: From when the owner counts.
    """
    latest = accounts.sort("valid_from", nulls_last=False, maintain_order=True).group_by(
        "account_id", maintain_order=True
    )
    told = pl.DataFrame(
        {
            "account_id": list(owners),
            "told": [owner.lower() if owner else None for owner in owners.values()],
        },
        schema={"account_id": pl.String, "told": pl.String},
    )
    known = told.join(latest.last(), on="account_id", how="left", maintain_order="left")
    changed = known.filter(
        pl.col("told").ne_missing(pl.col("owner").str.strip_chars().str.to_lowercase())
    )
    return changed.with_columns(pl.col("told").alias("owner"), valid_from=pl.lit(since)).drop(
        "told"
    )


def _bar(name: str, found: Records, handing: Handing) -> int:
    """Remember who may not be contacted; what somebody once said so of stays barred."""
    if found.do_not_contact:
        handing.ledger.remember(BARRED, dict.fromkeys(sorted(found.do_not_contact), name))
    return len(found.do_not_contact)


def _give(name: str, owners: Mapping[str, str | None], handing: Handing) -> int:
    """Let a handoff belong to whom the CRM names, where that is one of us."""
    people = {member.email for team in handing.loaded.teams.values() for member in team.members}
    moved = 0
    for handoff in handing.book.refresh().open():
        owner = (owners.get(handoff.account_id) or "").lower()
        if owner in people and owner != handoff.owner and may(handoff, Step.ASSIGNED):
            why = f"The account's owner in {name} is {owner}."
            handing.act(handoff, Act("reassign", name, note=why, to=owner), None)
            moved += 1
    return moved


def write_rows(frame: pl.DataFrame, kind: Kind, folder: Path) -> Path:
    """Write rows to a file that can be loaded; it takes the place of the one before."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{kind}.parquet"
    frame.write_parquet(path)
    return path
