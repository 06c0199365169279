"""From the inbox to the warehouse: entries are read, judged, quarantined or appended, and dropped.

Each step can be repeated: an entry that was taken in and not yet dropped when the process died is
taken in again, and changes nothing. So what was acknowledged is counted exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from groundswell.connectors.wires.wire import HAND_RAISE
from groundswell.engine.forgetting.sifting import Sieve
from groundswell.engine.judging import Judge, opened, unopened, unread
from groundswell.errors import StoreError
from groundswell.intake.stating import fill_in
from groundswell.model import Kind
from groundswell.tracing import span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa

    from groundswell.clock import Clock
    from groundswell.config.resolved import Meaning
    from groundswell.config.schema import SourceDef
    from groundswell.engine.judging import Judged, Parcel
    from groundswell.model import Reject
    from groundswell.store.inbox import InboxEntry
    from groundswell.store.ledger import Ledger
    from groundswell.store.warehouse import Warehouse

BATCH_BYTES = 4 << 20
"""Bytes of bodies that are taken in together."""

_STATED = {Kind.USERS: "user_id", Kind.ACCOUNTS: "account_id"}


@dataclass(frozen=True, slots=True)
class Drained:
    """What came of some entries of the inbox.

    Attributes:
        entries: How many requests.
        added: Records that were new.
        duplicates: Records that were there already.
        rejected: Records and messages in quarantine.
        news: What was new, as the warehouse keeps it (`Appended.news`), in the order it was added.
        received_at: When each request arrived.
        rejects: Those in quarantine.
    """

    entries: int
    added: int = 0
    duplicates: int = 0
    rejected: int = 0
    news: tuple[tuple[Kind, pa.Table], ...] = ()
    received_at: tuple[datetime, ...] = ()
    rejects: tuple[Reject, ...] = ()

    def __add__(self, other: Drained) -> Drained:
        """Return what came of these entries and of others."""
        return Drained(
            self.entries + other.entries,
            self.added + other.added,
            self.duplicates + other.duplicates,
            self.rejected + other.rejected,
            self.news + other.news,
            self.received_at + other.received_at,
            self.rejects + other.rejects,
        )


@dataclass
class Drain:
    """Takes entries out of the inbox, oldest first; one process at a time may."""

    warehouse: Warehouse
    ledger: Ledger
    clock: Clock
    sources: Mapping[str, SourceDef] = field(default_factory=dict[str, "SourceDef"])
    hand_raise: str = HAND_RAISE
    maps: Mapping[str, str] = field(default_factory=dict[str, str])
    judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what reads and judges."""
        self.judge = Judge(self.sources, self.hand_raise, self.maps)

    def step(self, *, limit_bytes: int = BATCH_BYTES) -> Drained | None:
        """Take in the oldest entries; None when there are none.

        Raises:
            StoreError: A store cannot be used now; the entries stay where they are.
        """
        entries = self.ledger.take_entries(limit_bytes=limit_bytes)
        if not entries:
            return None
        with span("drain") as told:
            done = self._in_halves(entries)
            self.ledger.drop_entries(entry.position for entry in entries)
            told.tell(
                {
                    "groundswell.entries": done.entries,
                    "groundswell.added": done.added,
                    "groundswell.duplicates": done.duplicates,
                    "groundswell.rejected": done.rejected,
                }
            )
        return replace(done, received_at=tuple(entry.received_at for entry in entries))

    def close(self) -> None:
        """Let go of what reads."""
        self.judge.close()

    def append(self, judged: Judged) -> Drained:
        """Append what was judged good; again changes nothing.

        Raises:
            StoreError: The warehouse cannot be used now.
        """
        added = duplicates = 0
        news: list[tuple[Kind, pa.Table]] = []
        sieve = Sieve.of(self.ledger)
        for kind, rows in judged.rows:
            told = self._filled_in(kind, sieve.sift(kind, rows))
            duplicates += rows.num_rows - told.num_rows  # of people who were forgotten
            done = self.warehouse.append(kind, told, received_at=judged.received_at, lately=True)
            added, duplicates = added + done.added, duplicates + done.duplicates
            if done.news is not None:
                news.append((kind, done.news))
        rejects = tuple(reject for _, reject in judged.rejects)
        return Drained(0, added, duplicates, len(rejects), tuple(news), rejects=rejects)

    def _in_halves(self, entries: Sequence[InboxEntry]) -> Drained:
        """Take in entries; where something ends in an error, all but that."""
        try:
            return self._take_in(entries)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - one message may spoil them all; it is found below
            if len(entries) == 1:
                return self._opened_in_halves(entries[0])
        middle = len(entries) // 2
        return self._in_halves(entries[:middle]) + self._in_halves(entries[middle:])

    def _opened_in_halves(self, entry: InboxEntry) -> Drained:
        try:
            parcels = list(opened(entry).singly())
        except Exception as error:  # noqa: BLE001 - whatever it is, the rest has to go on
            return Drained(1) + self._quarantined(unopened(entry, error))
        return Drained(1) + self._parcels_in_halves(parcels)

    def _parcels_in_halves(self, parcels: Sequence[Parcel]) -> Drained:
        try:
            return self._take_source(parcels) if parcels else Drained(0)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            if len(parcels) == 1:
                return self._quarantined(unread(parcels[0], error))
        middle = len(parcels) // 2
        return self._parcels_in_halves(parcels[:middle]) + self._parcels_in_halves(parcels[middle:])

    def _quarantined(self, reject: Reject) -> Drained:
        self.ledger.add_rejects([reject], load_id=load_id_of(reject.source))
        return Drained(0, rejected=1, rejects=(reject,))

    def _take_in(self, entries: Sequence[InboxEntry]) -> Drained:
        by_source: dict[str, list[Parcel]] = {}
        for entry in entries:
            by_source.setdefault(entry.source, []).append(opened(entry))
        done = Drained(len(entries))
        for own in by_source.values():
            done += self._take_source(own)
        return done

    def _take_source(self, parcels: Sequence[Parcel]) -> Drained:
        judged = self.judge.judge(parcels)
        rejects = Sieve.of(self.ledger).sift_rejects([reject for _, reject in judged.rejects])
        self.ledger.add_rejects(rejects, load_id=load_id_of(parcels[0].source))
        return self.append(judged)

    def _filled_in(self, kind: Kind, rows: pa.Table) -> pa.Table:
        if kind not in _STATED or not rows.num_rows:
            return rows
        ids = rows.column(_STATED[kind]).unique().to_pylist()
        named = exp.column(_STATED[kind]).isin(*(exp.Literal.string(name) for name in ids))
        stored = exp.select("*").from_(str(kind)).where(named)
        return fill_in(self.warehouse.query(stored).read_all(), rows, key=_STATED[kind])


def hand_raise_of(meanings: Sequence[Meaning]) -> str:
    """Return the event that means `hand_raised`: the first whose name is no pattern."""
    names = (name for item in meanings if item.name == "hand_raised" for name in item.events)
    return next((name for name in names if not set("*?[") & set(name)), HAND_RAISE)


def load_id_of(source: str) -> str:
    """Return the load that what a live source sends belongs to."""
    return f"inbox-{source}"
