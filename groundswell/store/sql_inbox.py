"""The inbox and the write keys in the ledger's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from groundswell.store.inbox import REMEMBERED, InboxEntry, WriteKey
from groundswell.store.ledger_tables import INBOX, MESSAGES_SEEN, WRITE_KEYS
from groundswell.store.sql_store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

_BATCH = 5_000
_WAITING = (
    sa.func.count(INBOX.c.position).label("entries"),
    sa.func.min(INBOX.c.received_at, type_=INBOX.c.received_at.type).label("since"),
)


class SqlInbox(SqlStore):
    """What `SqlLedger` does as an inbox."""

    def put_entries(self, entries: Sequence[InboxEntry]) -> None:
        """Keep requests, all or none; see `Inbox.put_entries`."""
        if not entries:
            return
        with self._write() as connection:
            fresh = self._unseen(connection, entries)
            if fresh:
                connection.execute(sa.insert(INBOX), [_row(entry) for entry in fresh])

    def _unseen(
        self, connection: sa.Connection, entries: Sequence[InboxEntry]
    ) -> Sequence[InboxEntry]:
        """Return the entries that did not come before, and remember that they came."""
        named = {
            (entry.source, entry.message_id): entry
            for entry in reversed(entries)
            if entry.message_id
        }
        if not named:
            return entries
        seen = MESSAGES_SEEN.c
        newest = max(entry.received_at for entry in named.values())
        connection.execute(sa.delete(MESSAGES_SEEN).where(seen.received_at < newest - REMEMBERED))
        insert = self._insert(MESSAGES_SEEN).on_conflict_do_nothing()
        rows = [
            {"source": source, "message_id": name, "received_at": entry.received_at}
            for (source, name), entry in named.items()
        ]
        statement = insert.returning(seen.source, seen.message_id)
        added = {(row.source, row.message_id) for row in connection.execute(statement, rows)}
        first = {id(entry) for name, entry in named.items() if name in added}
        return [entry for entry in entries if not entry.message_id or id(entry) in first]

    def take_entries(self, *, limit_bytes: int, limit: int = 1_000) -> list[InboxEntry]:
        """Return the oldest entries; see `Inbox.take_entries`."""
        sizes = sa.select(INBOX.c.position, sa.func.length(INBOX.c.body).label("size"))
        found = self._mappings(sizes.order_by(INBOX.c.position).limit(limit))
        last, total = None, 0
        for row in found:
            total += row["size"]
            if last is not None and total > limit_bytes:
                break
            last = row["position"]
        if last is None:
            return []
        wanted = sa.select(INBOX).where(INBOX.c.position <= last).order_by(INBOX.c.position)
        return [InboxEntry(**row) for row in self._mappings(wanted)]

    def drop_entries(self, positions: Iterable[int]) -> None:
        """Let go of entries that are drained."""
        wanted = sorted(positions)
        with self._write() as connection:
            for start in range(0, len(wanted), _BATCH):
                some = wanted[start : start + _BATCH]
                connection.execute(sa.delete(INBOX).where(INBOX.c.position.in_(some)))

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many entries wait, and since when."""
        (row,) = self._mappings(sa.select(*_WAITING))
        return row["entries"], row["since"]

    def waiting_by_source(self) -> dict[str, tuple[int, datetime]]:
        """Return the same of each source that has any."""
        select = sa.select(INBOX.c.source, *_WAITING).group_by(INBOX.c.source)
        return {row["source"]: (row["entries"], row["since"]) for row in self._mappings(select)}

    def add_write_key(self, key: WriteKey) -> None:
        """Keep a write key's digest."""
        with self._write() as connection:
            connection.execute(
                sa.insert(WRITE_KEYS).values(
                    digest=key.digest,
                    name=key.name,
                    wire=key.wire,
                    hint=key.hint,
                    created_at=key.created_at,
                    revoked_at=key.revoked_at,
                )
            )

    def revoke_write_keys(self, name: str, *, at: datetime, but: str | None = None) -> int:
        """Revoke every good key of a source, except one digest."""
        good = (WRITE_KEYS.c.name == name) & WRITE_KEYS.c.revoked_at.is_(None)
        if but is not None:
            good &= WRITE_KEYS.c.digest != but
        with self._write() as connection:
            done = connection.execute(sa.update(WRITE_KEYS).where(good).values(revoked_at=at))
            return done.rowcount

    def write_keys(self) -> list[WriteKey]:
        """Return all write keys, oldest first."""
        order = (WRITE_KEYS.c.created_at, WRITE_KEYS.c.digest)
        return [WriteKey(**row) for row in self._mappings(sa.select(WRITE_KEYS).order_by(*order))]


def _row(entry: InboxEntry) -> dict[str, Any]:
    return {
        "source": entry.source,
        "wire": entry.wire,
        "method": entry.method,
        "path": entry.path,
        "query": dict(entry.query),
        "headers": dict(entry.headers),
        "body": entry.body,
        "received_at": entry.received_at,
    }
