"""Messages of live sources, read and judged: what the drain and a replay have in common.

What cannot be used becomes a reject that holds its message, less the write key, and how it came:
so it can be read again, by what the wires and the configuration say then.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from groundswell.config.schema import SourceDef
from groundswell.connectors.shape import shape_from
from groundswell.connectors.wires.blotting import bytes_of_text, text_of_bytes, without_key
from groundswell.connectors.wires.catalogue import WIRES, routes
from groundswell.connectors.wires.wire import BLOT, HAND_RAISE, Context, Envelope, Records, Request
from groundswell.errors import LoadError, UsageError
from groundswell.model import Kind, Reject, Sending
from groundswell.store.reading_rows import RowReader, read_again

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa

    from groundswell.config.shape import Shape
    from groundswell.connectors.wires.wire import Fault, Route, Row
    from groundswell.store.inbox import InboxEntry

LIVE = (Kind.EVENTS, Kind.USERS, Kind.MEMBERSHIPS, Kind.ACCOUNTS, Kind.SUBSCRIPTIONS)
"""What messages become, in the order it is taken in."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Messages that reached a source together, opened."""

    source: str
    sending: Sending
    envelope: Envelope

    def singly(self) -> Iterator[Parcel]:
        """Yield each message as if it had come alone."""
        for message in self.envelope.messages:
            yield replace(self, envelope=replace(self.envelope, messages=(message,)))


def opened(entry: InboxEntry) -> Parcel:
    """Open a request as it lies in the inbox.

    Raises:
        UnreadableError: It opens no more.
        KeyError: Its wire is no more.
    """
    request = Request(entry.method, entry.path, entry.query, entry.headers, entry.body)
    envelope = _route(entry.wire, entry.method, entry.path).open(request)
    arrived, sent_at = entry.received_at, envelope.sent_at
    sending = Sending(entry.wire, entry.method, entry.path, arrived, sent_at)
    return Parcel(entry.source, sending, envelope)


def reopened(reject: Reject) -> Parcel:
    """Open what was rejected: a message, or a request that could not be opened.

    Raises:
        UnreadableError: It still does not open.
        KeyError: Its wire is no more.
    """
    sending, body = reject.sending, bytes_of_text(reject.raw)
    assert sending is not None, "a row of a file is not sent"
    if sending.query is None:
        return Parcel(reject.source, sending, Envelope(BLOT, (body,), sending.sent_at))
    headers = sending.headers or {}
    request = Request(sending.method, sending.path, sending.query, headers, body)
    envelope = _route(sending.wire, sending.method, sending.path).open(request)
    told = replace(sending, sent_at=envelope.sent_at, query=None, headers=None)
    return Parcel(reject.source, told, envelope)


def _route(wire: str, method: str, path: str) -> Route:
    return routes()[method, path][wire]


def unopened(entry: InboxEntry, error: Exception) -> Reject:
    """Return a whole request as a reject: nothing in it can be told apart."""
    sending = Sending(
        entry.wire,
        entry.method,
        entry.path,
        entry.received_at,
        query=dict(entry.query),
        headers=dict(entry.headers),
    )
    return _rejected(entry.source, sending, text_of_bytes(entry.body), error)


def unread(parcel: Parcel, error: Exception) -> Reject:
    """Return a message as a reject, whose reading ended in an error of ours."""
    return _rejected(parcel.source, parcel.sending, _text(parcel), error)


def _rejected(source: str, sending: Sending, raw: str, error: Exception) -> Reject:
    return Reject(
        source=source,
        kind=Kind.EVENTS,
        file=_where(sending),
        line=None,
        code="bad-request",
        reason=f"It could not be read: {error}",
        fix="Report it; replay it after an update.",
        raw=raw,
        sending=sending,
    )


def _where(sending: Sending) -> str:
    return f"{sending.wire} {sending.path}"


def _text(parcel: Parcel) -> str:
    (message,) = parcel.envelope.messages
    return without_key(message, parcel.envelope.key, WIRES[parcel.sending.wire].keys)


@dataclass(frozen=True, slots=True)
class Judged:
    """What some parcels came to.

    Attributes:
        rows: Records that can be appended, in their order.
        rejects: What cannot, each after the number of its parcel.
        received_at: When the last of the parcels came.
    """

    rows: list[tuple[Kind, pa.Table]]
    rejects: list[tuple[int, Reject]]
    received_at: datetime


@dataclass
class Judge:
    """Reads messages by their wire, and judges what they come to like the rows of a file.

    A row that is refused is read once more by the `sources:` entry of that name, where one says
    how records of its kind are written.

    Attributes:
        sources: Entries of `sources:`, by name.
        hand_raise: The event by which somebody asks for a person.
        maps: Our column names to theirs; they come before those of a source.
    """

    sources: Mapping[str, SourceDef] = field(default_factory=dict[str, "SourceDef"])
    hand_raise: str = HAND_RAISE
    maps: Mapping[str, str] = field(default_factory=dict[str, str])
    _readers: dict[str, RowReader] = field(default_factory=dict[str, RowReader])

    def judge(self, parcels: Sequence[Parcel]) -> Judged:
        """Read messages of one source, in the order they came."""
        read = self._read(parcels)
        last = parcels[-1]
        at, where = last.sending.received_at, _where(last.sending)
        reader = self._readers.setdefault(last.source, _reader(last.source))
        rows: list[tuple[Kind, pa.Table]] = []
        rejects = read.rejects
        for kind in LIVE:
            if told := read.records.rows.get(kind):
                batch = reader.read(kind, told, name=where, at=at)
                rows.append((kind, batch.rows))
                if batch.rejects:
                    mended, refused = self._mended(last.source, kind, told, batch.rejects, at)
                    rows += [(kind, mended)] if mended is not None else []
                    rejects += self._traced(parcels, read, kind, refused)
        return Judged(rows, rejects, at)

    def mapping(self, source: str, kind: Kind) -> Shape | None:
        """Return how the configuration says that records of a live source are written.

        What is said of files alone (their format, constants, which rows) is left out, and a
        column of theirs comes before ours only where it is there.

        Raises:
            UsageError: The mapping cannot be used.
        """
        told = self.sources.get(source)
        if told is None or told.kind is not kind:
            told = SourceDef()
        about = {name: getattr(told, name) for name in ("columns", "time", "times", "null")}
        if SourceDef(**about) == SourceDef() and not self.maps:
            return None
        own, shape = shape_from(kind), shape_from(kind, SourceDef(kind=kind, **about), self.maps)
        columns = {
            name: replace(column, paths=(*column.paths, *own.columns[name].paths))
            if name in own.columns
            else column
            for name, column in shape.columns.items()
        }
        times = {name: time for name, time in shape.times.items() if name != "received_at"}
        return replace(shape, columns=columns, times=times)

    def close(self) -> None:
        """Let go of what reads."""
        for reader in self._readers.values():
            reader.close()

    def _read(self, parcels: Sequence[Parcel]) -> _Read:
        read = _Read()
        for number, parcel in enumerate(parcels):
            events = read.records.rows.setdefault(Kind.EVENTS, [])
            before, faults = len(events), len(read.records.faults)
            self._read_parcel(parcel, read.records)
            arrived = parcel.sending.received_at.isoformat()
            for event in events[before:]:
                event["received_at"] = arrived
            read.rejects += [
                (number, _faulted(parcel, fault)) for fault in read.records.faults[faults:]
            ]
            read.count()
        return read

    def _read_parcel(self, parcel: Parcel, records: Records) -> None:
        told = self.sources.get(parcel.source)
        group_type = told.group_type if told else None
        sending = parcel.sending
        context = Context(sending.received_at, group_type, self.hand_raise)
        route = _route(sending.wire, sending.method, sending.path)
        route.read(parcel.envelope, context, records)

    def _mended(
        self,
        source: str,
        kind: Kind,
        rows: Sequence[Row],
        refused: Sequence[Reject],
        at: datetime,
    ) -> tuple[pa.Table | None, list[tuple[int, Reject]]]:
        """Read refused rows by the mapping of the source; return what is refused still."""
        numbered = [(_row_number(reject), reject) for reject in refused]
        try:
            shape = self.mapping(source, kind)
            if shape is None:
                return None, numbered
            some = [rows[number] for number, _ in numbered]
            batch = read_again(some, shape, source=source, name=refused[0].file, at=at)
        except (UsageError, LoadError):  # what is wrong with a mapping is told when it is checked
            return None, numbered
        places = [number for number, _ in numbered]
        return batch.rows, [(places[_row_number(item)], item) for item in batch.rejects]

    def _traced(
        self,
        parcels: Sequence[Parcel],
        read: _Read,
        kind: Kind,
        refused: Sequence[tuple[int, Reject]],
    ) -> Iterator[tuple[int, Reject]]:
        """Yield rejects that hold the messages which the refused rows come from."""
        ends = read.ends[kind]
        counted: dict[int, tuple[list[Parcel], list[int]]] = {}
        for number, reject in refused:
            at = bisect_right(ends, number)
            if at not in counted:
                counted[at] = self._counted(parcels[at], kind)
            messages, last = counted[at]
            place = bisect_right(last, number - (ends[at - 1] if at else 0))
            sending = messages[place].sending
            yield (
                at,
                replace(
                    reject,
                    file=_where(sending),
                    line=None,
                    raw=_text(messages[place]),
                    sending=sending,
                ),
            )

    def _counted(self, parcel: Parcel, kind: Kind) -> tuple[list[Parcel], list[int]]:
        """Return the messages of a parcel, and how many records of a kind there are up to each."""
        messages = list(parcel.singly())
        records = Records()
        counts: list[int] = []
        for message in messages:
            if len(messages) > 1:
                self._read_parcel(message, records)
            counts.append(len(records.rows.get(kind, ())))
        return messages, counts if len(messages) > 1 else [1 << 62]


@dataclass
class _Read:
    """What parcels were read to.

    Attributes:
        records: Of all of them.
        rejects: Their faults, each after the number of its parcel.
        ends: How many records of a kind there are up to each parcel.
    """

    records: Records = field(default_factory=Records)
    rejects: list[tuple[int, Reject]] = field(default_factory=list[tuple[int, Reject]])
    ends: dict[Kind, list[int]] = field(
        default_factory=lambda: {kind: list[int]() for kind in LIVE}
    )

    def count(self) -> None:
        for kind, ends in self.ends.items():
            ends.append(len(self.records.rows.get(kind, ())))


def _reader(source: str) -> RowReader:
    return RowReader(source, {kind: shape_from(kind) for kind in LIVE})


def _row_number(reject: Reject) -> int:
    assert reject.line is not None, "rows are numbered"
    return reject.line - 1


def _faulted(parcel: Parcel, fault: Fault) -> Reject:
    return Reject(
        source=parcel.source,
        kind=fault.kind,
        file=_where(parcel.sending),
        line=None,
        code=fault.code,
        reason=fault.what,
        fix=fault.fix,
        raw=fault.raw,
        sending=parcel.sending,
    )
