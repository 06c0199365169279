"""What comes back from a CRM: facts, owners that win over ours, who may not be contacted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.connectors.destination import ReadsRecords
from groundswell.engine.deciding import BARRED
from groundswell.engine.handing.acting import Act
from groundswell.errors import Problem, UsageError
from groundswell.handoff.life import Step, may

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import polars as pl

    from groundswell.connectors.destination import Records
    from groundswell.engine.destinations import Destinations
    from groundswell.engine.handing.handing import Handing
    from groundswell.engine.reports import LoadReport
    from groundswell.model import Kind

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


def read_back(
    name: str,
    destinations: Destinations,
    handing: Handing,
    load: Callable[[Kind, pl.DataFrame], list[LoadReport]],
) -> ReadBack:
    """Read what changed in a CRM since the last time, and take it in.

    The cursor moves once everything is in: what is read twice changes nothing.

    Args:
        name: Of the destination.
        destinations: Those of the project.
        handing: Records whose handoff is whose.
        load: Loads rows in the canonical columns of a kind.

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
    memory = opened.context.memory
    found = opened.destination.read(memory.get(_CURSOR), until=handing.clock.now())
    added = {
        str(kind): sum(report.added for report in load(kind, frame))
        for kind, frame in found.frames.items()
        if frame.height
    }
    barred = _bar(name, found, handing)
    moved = _give(name, found.owners, handing)
    memory.put(_CURSOR, found.cursor)
    return ReadBack(name, added, moved, barred)


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
