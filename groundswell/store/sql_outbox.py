"""The outbox in the ledger's database."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from groundswell.store.ledger_tables import (
    DELIVERIES,
    DESTINATION_MEMORY,
    DESTINATION_PAUSES,
    JOURNAL,
)
from groundswell.store.outbox import UNSETTLED, KeptDelivery, Pause
from groundswell.store.sql_store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from groundswell.store.ledger import JournalEntry
    from groundswell.store.outbox import DeliveryStatus, Group, Settlement

_T = TypeVar("_T")
_BATCH = 5_000
_STEPS_LOCK = 0x67_73_73_74  # any number, as long as nobody else takes it
_KEPT = tuple(field.name for field in fields(KeptDelivery))
_ENTRY = ("key", "account_id", "kind", "at", "as_of", "body")


class SqlOutbox(SqlStore):
    """What `SqlLedger` keeps of deliveries."""

    def append_groups(self, groups: Sequence[Group]) -> list[bool]:
        """Add groups, each whole or not at all; see `Outbox.append_groups`."""
        if not groups:
            return []
        with self._told():
            try:
                return self._append(groups)
            except IntegrityError:  # another process added one of them meanwhile: it is there now
                return self._append(groups)

    def _append(self, groups: Sequence[Group]) -> list[bool]:
        with self._writer.begin() as connection:
            if connection.dialect.name == "postgresql":
                # One at a time, so that positions are seen in the order in which they are given.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_STEPS_LOCK)))
            keys = [entry.key for group in groups for entry in group.entries]
            known = self._known(connection, keys)
            added: list[bool] = []
            entries: list[JournalEntry] = []
            deliveries: list[KeptDelivery] = []
            for group in groups:
                own = {entry.key for entry in group.entries}
                new = known.isdisjoint(own)
                added.append(new)
                if new:
                    known |= own
                    entries += group.entries
                    deliveries += group.deliveries
            rows = [{name: getattr(entry, name) for name in _ENTRY} for entry in entries]
            for piece in _pieces(rows):
                connection.execute(sa.insert(JOURNAL), piece)
            self._put_deliveries(connection, deliveries)
        return added

    def _known(self, connection: sa.Connection, keys: Sequence[str]) -> set[str]:
        known: set[str] = set()
        for piece in _pieces(keys):
            select = sa.select(JOURNAL.c.key).where(JOURNAL.c.key.in_(piece))
            known.update(connection.execute(select).scalars())
        return known

    def add_deliveries(self, deliveries: Sequence[KeptDelivery]) -> int:
        """Add deliveries whose key is new; see `Outbox.add_deliveries`."""
        with self._write() as connection:
            return self._put_deliveries(connection, deliveries)

    def _put_deliveries(self, connection: sa.Connection, deliveries: Sequence[KeptDelivery]) -> int:
        insert = self._insert(DELIVERIES).on_conflict_do_nothing(index_elements=["key"])
        rows = [
            {name: getattr(item, name) for name in _KEPT} | {"due_at": item.due_at or item.made_at}
            for item in deliveries
        ]
        added = 0
        for piece in _pieces(rows):
            added += len(connection.execute(insert.returning(DELIVERIES.c.key), piece).all())
        return added

    def due_deliveries(self, destination: str, *, at: datetime, limit: int) -> list[KeptDelivery]:
        """Return what may be sent now; see `Outbox.due_deliveries`."""
        table = DELIVERIES.c
        select = (
            _selected()
            .where(table.destination == destination, table.status.in_(UNSETTLED))
            .where(table.due_at <= at)
            .order_by(table.urgent.desc(), table.position)
            .limit(limit)
        )
        return [KeptDelivery(*row) for row in self._rows(select)]

    def deliveries(
        self,
        *,
        destination: str | None = None,
        statuses: Collection[DeliveryStatus] | None = None,
        account_id: str | None = None,
        key: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> list[KeptDelivery]:
        """Return deliveries, the newest first; see `Outbox.deliveries`."""
        table = DELIVERIES.c
        select = _selected().order_by(table.position.desc()).limit(limit)
        if after is not None:
            select = select.where(table.position < self._place(DELIVERIES, table.key, after))
        if destination is not None:
            select = select.where(table.destination == destination)
        if statuses is not None:
            select = select.where(table.status.in_(sorted(statuses)))
        if account_id is not None:
            select = select.where(table.account_id == account_id)
        if key is not None:
            select = select.where(table.key.startswith(key, autoescape=True))
        return [KeptDelivery(*row) for row in self._rows(select)]

    def delivery_counts(self) -> dict[tuple[str, DeliveryStatus], int]:
        """Return how many there are by destination and status."""
        table = DELIVERIES.c
        select = sa.select(table.destination, table.status, sa.func.count()).group_by(
            table.destination, table.status
        )
        found = [tuple(row) for row in self._rows(select)]
        return {(destination, status): int(count) for destination, status, count in found}

    def begin_deliveries(self, keys: Sequence[str]) -> None:
        """Mark deliveries as being sent."""
        with self._write() as connection:
            for piece in _pieces(sorted(keys)):
                mark = sa.update(DELIVERIES).where(DELIVERIES.c.key.in_(piece))
                connection.execute(mark.values(status="sending"))

    def settle_deliveries(self, settlements: Sequence[Settlement]) -> None:
        """Record what became of deliveries."""
        with self._write() as connection:
            self._settle(connection, settlements)

    def supersede_deliveries(
        self, bodies: Mapping[str, dict[str, Any]], settlements: Sequence[Settlement]
    ) -> None:
        """Let deliveries say what others said; see `Outbox.supersede_deliveries`."""
        restate = (
            sa.update(DELIVERIES)
            .where(DELIVERIES.c.key == sa.bindparam("restated_key"))
            .values(body=sa.bindparam("whole", type_=sa.JSON))
        )
        rows = [{"restated_key": key, "whole": body} for key, body in sorted(bodies.items())]
        with self._write() as connection:
            for piece in _pieces(rows):
                connection.execute(restate, piece)
            self._settle(connection, settlements)

    def _settle(self, connection: sa.Connection, settlements: Sequence[Settlement]) -> None:
        now = self._clock.now()
        table = DELIVERIES.c
        settle = (
            sa.update(DELIVERIES)
            .where(table.key == sa.bindparam("settled_key"))
            .values(
                status=sa.bindparam("new_status"),
                attempts=table.attempts + sa.bindparam("tried"),
                due_at=sa.func.coalesce(sa.bindparam("new_due"), table.due_at),
                settled_at=sa.bindparam("at"),
                their_id=sa.func.coalesce(sa.bindparam("theirs"), table.their_id),
                reason=sa.bindparam("why"),
                fix=sa.bindparam("mend"),
            )
        )
        rows = [
            {
                "settled_key": item.key,
                "new_status": item.status,
                "tried": int(item.tried),
                "new_due": item.due_at,
                "at": None if item.status in UNSETTLED else now,
                "theirs": item.their_id,
                "why": item.reason,
                "mend": item.fix,
            }
            for item in settlements
        ]
        for piece in _pieces(rows):
            connection.execute(settle, piece)

    def revive_deliveries(self, keys: Sequence[str]) -> int:
        """Let dead deliveries be tried again; see `Outbox.revive_deliveries`."""
        now, revived = self._clock.now(), 0
        with self._write() as connection:
            for piece in _pieces(sorted(keys)):
                revive = (
                    sa.update(DELIVERIES)
                    .where(DELIVERIES.c.key.in_(piece), DELIVERIES.c.status == "dead")
                    .values(status="waiting", attempts=0, due_at=now, settled_at=None)
                )
                revived += connection.execute(revive).rowcount
        return revived

    def pause_destination(self, pause: Pause) -> None:
        """Send nothing there until it is resumed."""
        row = {
            "destination": pause.destination,
            "at": pause.at,
            "who": pause.who,
            "reason": pause.reason,
        }
        insert = self._insert(DESTINATION_PAUSES).values(row)
        with self._write() as connection:
            connection.execute(insert.on_conflict_do_nothing(index_elements=["destination"]))

    def resume_destination(self, destination: str) -> bool:
        """Send again; tell whether it was paused."""
        delete = sa.delete(DESTINATION_PAUSES)
        with self._write() as connection:
            done = connection.execute(delete.where(DESTINATION_PAUSES.c.destination == destination))
            return bool(done.rowcount)

    def paused_destinations(self) -> dict[str, Pause]:
        """Return the destinations that nothing is sent to."""
        table = DESTINATION_PAUSES.c
        select = sa.select(table.destination, table.at, table.who, table.reason)
        return {row[0]: Pause(*row) for row in self._rows(select)}

    def remembered(self, destination: str, name: str) -> str | None:
        """Return what a destination remembers under a name."""
        table = DESTINATION_MEMORY.c
        select = sa.select(table.value).where(table.destination == destination, table.name == name)
        rows = self._rows(select)
        return rows[0].value if rows else None

    def remembered_among(self, destination: str, names: Sequence[str]) -> dict[str, str]:
        """Return what a destination remembers under some names; see `Outbox.remembered_among`."""
        table = DESTINATION_MEMORY.c
        found: dict[str, str] = {}
        for piece in _pieces(names):
            select = sa.select(table.name, table.value).where(
                table.destination == destination, table.name.in_(piece)
            )
            found.update(tuple(row) for row in self._rows(select))
        return found

    def remember(self, destination: str, values: dict[str, str]) -> None:
        """Let a destination remember texts by name."""
        insert = self._insert(DESTINATION_MEMORY)
        statement = insert.on_conflict_do_update(
            index_elements=["destination", "name"], set_={"value": insert.excluded.value}
        )
        rows = [
            {"destination": destination, "name": name, "value": value}
            for name, value in sorted(values.items())
        ]
        with self._write() as connection:
            for piece in _pieces(rows):
                connection.execute(statement, piece)

    def all_remembered(self, destination: str, *, prefix: str) -> dict[str, str]:
        """Return all that a destination remembers under names that begin so."""
        table = DESTINATION_MEMORY.c
        select = sa.select(table.name, table.value).where(
            table.destination == destination, table.name.startswith(prefix, autoescape=True)
        )
        return dict(tuple(row) for row in self._rows(select))


def _selected() -> sa.Select[Any]:
    return sa.select(*(DELIVERIES.c[name] for name in _KEPT))


def _pieces(rows: Sequence[_T]) -> Iterable[Sequence[_T]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]
