"""How events are appended, the same on every engine: told apart, interned, then added.

An engine offers four small steps (`EventPort`) inside a transaction of its own; what is a
duplicate, which number an actor gets and which first time it keeps is decided here, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from groundswell.model import Kind
from groundswell.store.digests import digest_rows, earliest, group_rows
from groundswell.store.tables import INSTANT, TABLES
from groundswell.store.warehouse import Appended

if TYPE_CHECKING:
    import numpy.typing as npt

IDENTITY = ("source", "message_id")
TRIPLE = ("user_id", "anonymous_id", "account_id")
PIECE = 1_000_000

ACTORS = pa.schema(
    [
        pa.field("actor", pa.int32(), nullable=False),
        pa.field("user_id", pa.string()),
        pa.field("anonymous_id", pa.string()),
        pa.field("account_id", pa.string()),
        pa.field("first_at", INSTANT, nullable=False),
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

    def intern_actors(self, actors: pa.Table) -> npt.NDArray[np.int32]:
        """Return the number of each actor, adding unknown ones and lowering `first_at`.

        Args:
            actors: Distinct triples in order of appearance, with `first_at` and `ordinal`.
        """
        ...

    def intern_names(self, names: list[str]) -> npt.NDArray[np.int32]:
        """Return the number of each event name, adding unknown ones in the order given."""
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
    added = 0
    for start in range(0, rows.num_rows, PIECE):
        added += _append_piece(port, rows.slice(start, PIECE))
    return Appended(added=added, duplicates=rows.num_rows - added)


def _append_piece(port: EventPort, rows: pa.Table) -> int:
    digests = digest_rows(rows, IDENTITY)
    news = _news(port, rows, digests)
    if not news.all():
        rows, digests = rows.filter(pa.array(news)), digests[news]
    if not rows.num_rows:
        return 0
    port.add_events(
        pa.Table.from_arrays(
            [
                rows.column("source"),
                rows.column("message_id"),
                pa.array(_actors(port, rows)),
                pa.array(_names(port, rows)),
                rows.column("occurred_at"),
                rows.column("received_at"),
                rows.column("properties"),
                pa.array(digests.view(np.int64)),
            ],
            schema=EVENTS,
        )
    )
    return rows.num_rows


def _news(
    port: EventPort, rows: pa.Table, digests: npt.NDArray[np.uint64]
) -> npt.NDArray[np.bool_]:
    """Mark the first row of each (source, message_id) that the store does not hold."""
    keys = rows.select(IDENTITY)
    stored = port.stored_like(pa.table({"digest": digests.view(np.int64)})).select(IDENTITY)
    known = stored.num_rows
    if known:
        keys = pa.concat_tables([stored.cast(keys.schema), keys])
        digests = digest_rows(keys, IDENTITY)
    groups = group_rows(keys, IDENTITY, digests=digests)
    news = np.zeros(keys.num_rows, dtype=np.bool_)
    news[groups.first] = True
    return news[known:]


def _actors(port: EventPort, rows: pa.Table) -> npt.NDArray[np.int32]:
    groups = group_rows(rows, TRIPLE, digests=digest_rows(rows, TRIPLE))
    moments = rows.column("occurred_at").cast(pa.int64()).to_numpy()
    distinct = rows.select(TRIPLE).take(pa.array(groups.first))
    first_at = pa.array(earliest(groups, moments)).cast(INSTANT)
    distinct = distinct.append_column(ACTORS.field("first_at"), first_at)
    distinct = distinct.append_column("ordinal", pa.array(np.arange(distinct.num_rows)))
    return port.intern_actors(distinct)[groups.codes]


def _names(port: EventPort, rows: pa.Table) -> npt.NDArray[np.int32]:
    coded = pa.concat_arrays(rows.column("event").chunks).dictionary_encode()
    numbers = port.intern_names(coded.dictionary.to_pylist())
    return numbers[coded.indices.to_numpy()]


def named_columns() -> list[str]:
    """Return the canonical columns of an event, in order."""
    return list(TABLES[Kind.EVENTS].names)
