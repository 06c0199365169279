"""What happened to models, in the ledger's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from groundswell.store.ledger_tables import MODEL_EVENTS
from groundswell.store.registry import ModelEvent
from groundswell.store.sql_store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLUMNS = ("key", "version", "kind", "at", "who", "reason", "body")


class SqlRegistry(SqlStore):
    """What `SqlLedger` keeps of models."""

    def append_model_events(self, events: Sequence[ModelEvent]) -> int:
        """Add events whose key is new; see `Registry.append_model_events`."""
        if not events:
            return 0
        insert = self._insert(MODEL_EVENTS).on_conflict_do_nothing(index_elements=["key"])
        rows = [{name: getattr(event, name) for name in _COLUMNS} for event in events]
        with self._write() as connection:
            added = connection.execute(insert.returning(MODEL_EVENTS.c.key), rows).all()
        return len(added)

    def model_events(self) -> list[ModelEvent]:
        """Return all of them; see `Registry.model_events`."""
        columns = [MODEL_EVENTS.c[name] for name in _COLUMNS]
        rows = self._rows(sa.select(*columns).order_by(MODEL_EVENTS.c.position))
        return [ModelEvent(*row) for row in rows]

    def last_model_event(self) -> int:
        """Return the position of the last one; see `Registry.last_model_event`."""
        (row,) = self._rows(sa.select(sa.func.max(MODEL_EVENTS.c.position)))
        return int(row[0] or 0)
