"""From the inbox to the warehouse: entries are read, judged, quarantined or appended, and dropped.

Each step can be repeated: an entry that was taken in and not yet dropped when the process died is
taken in again, and changes nothing. So what was acknowledged is counted exactly once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from groundswell.connectors.shape import shape_from
from groundswell.connectors.wires.catalogue import routes
from groundswell.connectors.wires.reading import without_key
from groundswell.connectors.wires.wire import HAND_RAISE, Context, Records, Request, Route
from groundswell.errors import StoreError
from groundswell.intake.stating import fill_in
from groundswell.model import Kind, Reject
from groundswell.store.reading_rows import RowReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from groundswell.clock import Clock
    from groundswell.config.resolved import Meaning
    from groundswell.config.schema import SourceDef
    from groundswell.store.inbox import InboxEntry
    from groundswell.store.ledger import Ledger
    from groundswell.store.warehouse import Warehouse

BATCH_BYTES = 4 << 20
"""Bytes of bodies that are taken in together."""

_LIVE = (Kind.EVENTS, Kind.USERS, Kind.MEMBERSHIPS, Kind.ACCOUNTS)
_STATED = {Kind.USERS: "user_id", Kind.ACCOUNTS: "account_id"}


@dataclass(frozen=True, slots=True)
class Drained:
    """What came of some entries of the inbox.

    Attributes:
        entries: How many requests.
        added: Records that were new.
        duplicates: Records that were there already.
        rejected: Records and messages in quarantine.
    """

    entries: int
    added: int = 0
    duplicates: int = 0
    rejected: int = 0


@dataclass
class Drain:
    """Takes entries out of the inbox, oldest first; one process at a time may."""

    warehouse: Warehouse
    ledger: Ledger
    clock: Clock
    sources: Mapping[str, SourceDef] = field(default_factory=dict[str, "SourceDef"])
    hand_raise: str = HAND_RAISE
    _readers: dict[str, RowReader] = field(default_factory=dict[str, RowReader])

    def step(self, *, limit_bytes: int = BATCH_BYTES) -> Drained | None:
        """Take in the oldest entries; None when there are none.

        Raises:
            StoreError: A store cannot be used now; the entries stay where they are.
        """
        entries = self.ledger.take_entries(limit_bytes=limit_bytes)
        if not entries:
            return None
        try:
            done = self._take_in(entries)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - one entry may spoil the batch; which one, is seen singly
            done = self._one_by_one(entries)
        self.ledger.drop_entries(entry.position for entry in entries)
        return done

    def close(self) -> None:
        """Let go of what reads."""
        for reader in self._readers.values():
            reader.close()

    def _one_by_one(self, entries: Sequence[InboxEntry]) -> Drained:
        counts: Counter[str] = Counter()
        for entry in entries:
            try:
                done = self._take_in([entry])
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the rest has to go on
                self.ledger.add_rejects([_poison(entry, error)], load_id=_load_id(entry))
                done = Drained(1, rejected=1)
            counts.update(added=done.added, duplicates=done.duplicates, rejected=done.rejected)
        return Drained(len(entries), **counts)

    def _take_in(self, entries: Sequence[InboxEntry]) -> Drained:
        by_source: dict[str, list[InboxEntry]] = {}
        for entry in entries:
            by_source.setdefault(entry.source, []).append(entry)
        counts: Counter[str] = Counter()
        for source, own in by_source.items():
            counts.update(self._take_source(source, own))
        return Drained(len(entries), **counts)

    def _take_source(self, source: str, entries: Sequence[InboxEntry]) -> Counter[str]:
        records = self._read(source, entries)
        last = entries[-1]
        rejects = [
            _reject(last, fault.raw, fault.code, fault.what, fault.fix) for fault in records.faults
        ]
        counts: Counter[str] = Counter(added=0, duplicates=0)
        judged = self._readers.setdefault(source, _reader(source))
        appends: list[tuple[Kind, pa.Table]] = []
        for kind in _LIVE:
            if rows := records.rows.get(kind):
                where = f"{last.wire} {last.path}"
                batch = judged.read(kind, rows, name=where, at=last.received_at)
                rejects += batch.rejects
                appends.append((kind, batch.rows))
        self.ledger.add_rejects(rejects, load_id=_load_id(last))
        for kind, rows in appends:
            told = self._filled_in(kind, rows)
            done = self.warehouse.append(kind, told, received_at=last.received_at)
            counts.update(added=done.added, duplicates=done.duplicates)
        counts["rejected"] = len(rejects)
        return counts

    def _filled_in(self, kind: Kind, rows: pa.Table) -> pa.Table:
        if kind not in _STATED or not rows.num_rows:
            return rows
        ids = rows.column(_STATED[kind]).unique().to_pylist()
        named = exp.column(_STATED[kind]).isin(*(exp.Literal.string(name) for name in ids))
        stored = exp.select("*").from_(str(kind)).where(named)
        return fill_in(self.warehouse.query(stored).read_all(), rows, key=_STATED[kind])

    def _read(self, source: str, entries: Sequence[InboxEntry]) -> Records:
        records = Records()
        told = self.sources.get(source)
        for entry in entries:
            group_type = told.group_type if told else None
            context = Context(entry.received_at, group_type, self.hand_raise)
            events = records.rows.setdefault(Kind.EVENTS, [])
            before = len(events)
            route, request = _routed(entry)
            route.read(route.open(request), context, records)
            arrived = entry.received_at.isoformat()
            for event in events[before:]:
                event["received_at"] = arrived
        return records


def hand_raise_of(meanings: Sequence[Meaning]) -> str:
    """Return the event that means `hand_raised`: the first whose name is no pattern."""
    names = (name for item in meanings if item.name == "hand_raised" for name in item.events)
    return next((name for name in names if not set("*?[") & set(name)), HAND_RAISE)


def _reader(source: str) -> RowReader:
    return RowReader(source, {kind: shape_from(kind) for kind in _LIVE})


def _load_id(entry: InboxEntry) -> str:
    return f"inbox-{entry.source}"


def _reject(entry: InboxEntry, raw: str, code: str, what: str, fix: str) -> Reject:
    return Reject(
        source=entry.source,
        kind=Kind.EVENTS,
        file=f"{entry.wire} {entry.path}",
        line=None,
        code=code,
        reason=what,
        fix=fix,
        raw=raw,
    )


def _routed(entry: InboxEntry) -> tuple[Route, Request]:
    request = Request(entry.method, entry.path, entry.query, entry.headers, entry.body)
    return routes()[entry.method, entry.path][entry.wire], request


def _poison(entry: InboxEntry, error: Exception) -> Reject:
    """Return a whole request as a reject: nothing in it could be told apart."""
    route, request = _routed(entry)
    envelope = route.open(request)
    return _reject(
        entry,
        "\n".join(without_key(message, envelope.key) for message in envelope.messages),
        "bad-request",
        f"The request could not be read: {error}",
        "Report it with the body, less its write key; replay it after an update.",
    )
