"""How events are appended, the same on every engine: told apart, interned, then added.

An engine offers four small steps (`EventPort`) inside a transaction of its own; what is a
duplicate, which number an actor gets and which first time it keeps is decided here, once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl
import pyarrow as pa

from groundswell.store.arrays import to_arrow, to_numpy
from groundswell.store.digests import digest_rows, earliest, group_rows
from groundswell.store.tables import INSTANT
from groundswell.store.warehouse import Appended

if TYPE_CHECKING:
    import numpy.typing as npt

IDENTITY = ("source", "message_id")
TRIPLE = ("user_id", "anonymous_id", "account_id")
PIECE = 1_000_000
ASIDE = 50_000
"""Rows from which on it is worth a thread to look at two things at once."""


ACTORS = pa.schema(
    [
        pa.field("actor", pa.int32(), nullable=False),
        pa.field("user_id", pa.string()),
        pa.field("anonymous_id", pa.string()),
        pa.field("account_id", pa.string()),
        pa.field("first_at", INSTANT, nullable=False),
        pa.field("digest", pa.int64(), nullable=False),
    ]
)
EVENT_NAMES = pa.schema(
    [
        pa.field("event_id", pa.int32(), nullable=False),
        pa.field("event", pa.string(), nullable=False),
    ]
)
EVENTS = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("message_id", pa.string(), nullable=False),
        pa.field("actor", pa.int32(), nullable=False),
        pa.field("event_id", pa.int32(), nullable=False),
        pa.field("occurred_at", INSTANT, nullable=False),
        pa.field("received_at", INSTANT, nullable=False),
        pa.field("properties", pa.string()),
        pa.field("digest", pa.int64(), nullable=False),
    ]
)


class EventPort(Protocol):
    """What an engine does for an append of events, inside one transaction."""

    def stored_like(self, digests: pa.Table) -> pa.Table:
        """Return source and message_id of the stored events that share a digest (int64)."""
        ...

    def stored_actors(self, actors: pa.Table) -> pa.Table:
        """Return ordinal, actor and first_at of those that are stored, equal in all three ids.

        Args:
            actors: Distinct triples with their digest (int64) and `ordinal`.
        """
        ...

    def count_actors(self) -> int:
        """Return how many actors are stored, which is the next one's number."""
        ...

    def add_actors(self, actors: pa.Table) -> None:
        """Add rows of `ACTORS`."""
        ...

    def lower_first_at(self, actors: pa.Table) -> None:
        """Set `first_at` of each `actor`."""
        ...

    def stored_names(self) -> list[str]:
        """Return the event names stored, by their number."""
        ...

    def add_names(self, names: pa.Table) -> None:
        """Add rows of `EVENT_NAMES`."""
        ...

    def add_events(self, events: pa.Table) -> None:
        """Add rows of `EVENTS`."""
        ...


def append_events(port: EventPort, rows: pa.Table) -> Appended:
    """Add the events that are news, in pieces that bound the memory.

    Args:
        port: The engine, with a transaction open.
        rows: Canonical events, conformed.
    """
    pieces = [
        _append_piece(port, rows.slice(start, PIECE)) for start in range(0, rows.num_rows, PIECE)
    ]
    kept = [piece for piece in pieces if piece is not None]
    if not kept:
        return Appended(0, rows.num_rows)
    news = pa.concat_tables(kept)
    return Appended(news.num_rows, rows.num_rows - news.num_rows, news)


def _append_piece(port: EventPort, rows: pa.Table) -> pa.Table | None:
    digests = digest_rows(rows, IDENTITY)
    if rows.num_rows < ASIDE:
        news = _news(port, rows, digests)
        distinct, codes = _distinct_actors(rows)
    else:
        # Most pieces are all news, so the actors are looked at while the store is asked.
        with ThreadPoolExecutor(1) as aside:
            guess = aside.submit(_distinct_actors, rows)
            news = _news(port, rows, digests)
            distinct, codes = guess.result()
    if not news.all():
        rows, digests = rows.filter(to_arrow(news)), digests[news]
        if not rows.num_rows:
            return None
        distinct, codes = _distinct_actors(rows)
    events = pa.Table.from_arrays(
        [
            rows.column("source"),
            rows.column("message_id"),
            to_arrow(_intern_actors(port, distinct)[codes]),
            to_arrow(_intern_names(port, rows)),
            rows.column("occurred_at"),
            rows.column("received_at"),
            rows.column("properties"),
            to_arrow(digests.view(np.int64)),
        ],
        schema=EVENTS,
    )
    port.add_events(events)
    return events


def _news(
    port: EventPort, rows: pa.Table, digests: npt.NDArray[np.uint64]
) -> npt.NDArray[np.bool_]:
    """Mark the first row of each (source, message_id) that the store does not hold."""
    keys = rows.select(IDENTITY)
    asked = pa.table({"digest": to_arrow(digests.view(np.int64))})
    stored = port.stored_like(asked).select(IDENTITY)
    known = stored.num_rows
    if known:
        keys = pa.concat_tables([stored.cast(keys.schema), keys])
        digests = digest_rows(keys, IDENTITY)
    groups = group_rows(keys, IDENTITY, digests=digests)
    news = np.zeros(keys.num_rows, dtype=np.bool_)
    news[groups.first] = True
    return news[known:]


def _distinct_actors(rows: pa.Table) -> tuple[pa.Table, npt.NDArray[np.int32]]:
    """Return the triples in order of appearance, as `ACTORS` numbered from 0, and each row's."""
    digests = digest_rows(rows, TRIPLE)
    groups = group_rows(rows, TRIPLE, digests=digests)
    moments = to_numpy(rows.column("occurred_at"))
    distinct = rows.select(TRIPLE).take(to_arrow(groups.first))
    columns = [
        to_arrow(np.arange(len(groups.first), dtype=np.int32)),
        *distinct.columns,
        to_arrow(earliest(groups, moments)).cast(INSTANT),
        to_arrow(digests[groups.first].view(np.int64)),
    ]
    return pa.Table.from_arrays(columns, schema=ACTORS), groups.codes


def _intern_actors(port: EventPort, distinct: pa.Table) -> npt.NDArray[np.int32]:
    """Return the number of each actor, adding unknown ones and lowering first times."""
    columns = ["ordinal", *ACTORS.names[1:]]
    stored = port.stored_actors(distinct.rename_columns(columns).drop_columns(["first_at"]))
    found = to_numpy(stored.column("ordinal"))
    numbers = np.full(distinct.num_rows, -1, dtype=np.int32)
    numbers[found] = to_numpy(stored.column("actor"))
    unknown = numbers < 0
    start = port.count_actors()
    numbers[unknown] = np.arange(start, start + int(unknown.sum()), dtype=np.int32)
    distinct = distinct.set_column(0, ACTORS.field("actor"), to_arrow(numbers))
    if unknown.any():
        port.add_actors(distinct.filter(to_arrow(unknown)))
    held = to_numpy(stored.column("first_at"))
    seen = to_numpy(distinct.column("first_at"))[found]
    if (seen < held).any():
        port.lower_first_at(distinct.take(to_arrow(found[seen < held])))
    return numbers


def _intern_names(port: EventPort, rows: pa.Table) -> npt.NDArray[np.int32]:
    """Return the number of each row's event name, adding unknown names as they appear."""
    coded = pa.concat_arrays(rows.column("event").chunks).dictionary_encode()
    names: list[str] = coded.dictionary.to_pylist()
    stored = port.stored_names()
    known = set(stored)
    unknown = [name for name in names if name not in known]
    if unknown:
        ids = np.arange(len(stored), len(stored) + len(unknown), dtype=np.int32)
        table = pl.DataFrame({"event_id": ids, "event": unknown}).to_arrow()
        port.add_names(table.cast(EVENT_NAMES))
    number = {name: position for position, name in enumerate([*stored, *unknown])}
    numbers = np.array([number[name] for name in names], dtype=np.int32)
    return numbers[to_numpy(coded.indices)]
