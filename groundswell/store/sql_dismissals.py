"""The dismissals in the ledger's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from groundswell.store.ledger_tables import DISMISSALS
from groundswell.store.sql_store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


class SqlDismissals(SqlStore):
    """What `SqlLedger` remembers of offers."""

    def dismiss_offer(
        self, persons: Iterable[str], kind: str, *, offer: str, at: datetime, until: datetime
    ) -> datetime:
        """Remember that a person dismissed a kind of offer; see `Dismissals.dismiss_offer`."""
        names = sorted(set(persons))
        table = DISMISSALS.c
        insert = self._insert(DISMISSALS)
        told = {name: insert.excluded[name] for name in ("offer", "dismissed_at", "until")}
        statement = insert.on_conflict_do_update(
            index_elements=["person", "kind"], set_=told, where=table.until < insert.excluded.until
        )
        rows = [
            {"person": name, "kind": kind, "offer": offer, "dismissed_at": at, "until": until}
            for name in names
        ]
        kept = sa.select(table.until).where(table.person.in_(names), table.kind == kind)
        with self._write() as connection:
            connection.execute(statement, rows)
            return max(connection.execute(kept).scalars())

    def dismissed_offers(self, persons: Iterable[str], *, at: datetime) -> dict[str, datetime]:
        """Return what a person has dismissed; see `Dismissals.dismissed_offers`."""
        table = DISMISSALS.c
        select = (
            sa.select(table.kind, table.until)
            .where(table.person.in_(sorted(set(persons))), table.until > at)
            .order_by(table.until)
        )
        return {row.kind: row.until for row in self._rows(select)}
