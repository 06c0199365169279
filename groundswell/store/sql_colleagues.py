"""Who signs in, and what they did, in the ledger's database."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from groundswell.store.colleagues import REFUSED, ApiKey, AuditEntry, Colleague, SavedView, Session
from groundswell.store.ledger_tables import API_KEYS, AUDIT, COLLEAGUES, SESSIONS, VIEWS
from groundswell.store.sql_store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class SqlColleagues(SqlStore):
    """What `SqlLedger` keeps of colleagues; see `Colleagues` for what each does."""

    def add_colleague(self, colleague: Colleague) -> bool:
        """Add somebody; see `Colleagues.add_colleague`."""
        insert = self._insert(COLLEAGUES).on_conflict_do_nothing(index_elements=["email"])
        with self._write() as connection:
            added = connection.execute(insert.returning(COLLEAGUES.c.email), asdict(colleague))
            return added.first() is not None

    def change_colleague(self, colleague: Colleague) -> bool:
        """Put somebody in the place of another; see `Colleagues.change_colleague`."""
        change = (
            sa.update(COLLEAGUES)
            .where(COLLEAGUES.c.email == colleague.email)
            .values(asdict(colleague))
        )
        return self._changed(change) > 0

    def colleagues(self) -> list[Colleague]:
        """Return everybody; see `Colleagues.colleagues`."""
        return [Colleague(**row) for row in self._mappings(sa.select(COLLEAGUES).order_by("email"))]

    def colleague(self, email: str) -> Colleague | None:
        """Return who has this address."""
        rows = self._mappings(sa.select(COLLEAGUES).where(COLLEAGUES.c.email == email))
        return Colleague(**rows[0]) if rows else None

    def open_session(self, session: Session) -> None:
        """Let a browser in."""
        with self._write() as connection:
            connection.execute(sa.insert(SESSIONS), asdict(session))

    def session(self, digest: str) -> Session | None:
        """Return the session of this secret; see `Colleagues.session`."""
        rows = self._mappings(sa.select(SESSIONS).where(SESSIONS.c.digest == digest))
        return Session(**rows[0]) if rows else None

    def see_session(self, digest: str, *, at: datetime) -> None:
        """Note that a session asked for something."""
        self._changed(sa.update(SESSIONS).where(SESSIONS.c.digest == digest).values(seen_at=at))

    def end_session(self, digest: str) -> None:
        """Forget a session."""
        self._changed(sa.delete(SESSIONS).where(SESSIONS.c.digest == digest))

    def end_sessions(self, email: str) -> int:
        """Forget every session of somebody; see `Colleagues.end_sessions`."""
        return self._changed(sa.delete(SESSIONS).where(SESSIONS.c.email == email))

    def end_old_sessions(self, *, before: datetime) -> int:
        """Forget the sessions that ended; see `Colleagues.end_old_sessions`."""
        return self._changed(sa.delete(SESSIONS).where(SESSIONS.c.ends_at < before))

    def add_api_key(self, key: ApiKey) -> None:
        """Add a key."""
        with self._write() as connection:
            connection.execute(sa.insert(API_KEYS), asdict(key))

    def api_keys(self) -> list[ApiKey]:
        """Return all of them; see `Colleagues.api_keys`."""
        select = sa.select(API_KEYS).order_by(API_KEYS.c.created_at, API_KEYS.c.name)
        return [ApiKey(**row) for row in self._mappings(select)]

    def revoke_api_key(self, name: str, *, at: datetime) -> int:
        """Revoke the good keys of a name; see `Colleagues.revoke_api_key`."""
        table = API_KEYS.c
        good = sa.update(API_KEYS).where(table.name == name, table.revoked_at.is_(None))
        return self._changed(good.values(revoked_at=at))

    def append_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Write down what was done."""
        if entries:
            with self._write() as connection:
                connection.execute(sa.insert(AUDIT), [asdict(entry) for entry in entries])

    def audit(self, *, limit: int, who: str | None = None) -> list[AuditEntry]:
        """Return what was done, the latest first; see `Colleagues.audit`."""
        table = AUDIT.c
        columns = [table[name] for name in ("at", "who", "action", "about", "detail", "address")]
        select = sa.select(*columns).order_by(table.position.desc()).limit(limit)
        if who is not None:
            select = select.where(table.who == who)
        return [AuditEntry(*row) for row in self._rows(select)]

    def refused_sign_ins(self, *, since: datetime) -> dict[tuple[str, str], int]:
        """Return how often signing in was refused; see `Colleagues.refused_sign_ins`."""
        table = AUDIT.c
        select = (
            sa.select(table.who, table.address, sa.func.count().label("refused"))
            .where(table.action == REFUSED, table.at > since)
            .group_by(table.who, table.address)
        )
        return {(row.who, row.address): row.refused for row in self._rows(select)}

    def keep_view(self, view: SavedView) -> None:
        """Keep a view; see `Colleagues.keep_view`."""
        insert = self._insert(VIEWS)
        keep = insert.on_conflict_do_update(
            index_elements=["email", "name"], set_={"query": insert.excluded.query}
        )
        with self._write() as connection:
            connection.execute(keep, asdict(view))

    def views(self, email: str) -> list[SavedView]:
        """Return the views of somebody; see `Colleagues.views`."""
        select = sa.select(VIEWS).where(VIEWS.c.email == email).order_by(VIEWS.c.name)
        return [SavedView(**row) for row in self._mappings(select)]

    def drop_view(self, email: str, name: str) -> bool:
        """Forget a view; see `Colleagues.drop_view`."""
        gone = sa.delete(VIEWS).where(VIEWS.c.email == email, VIEWS.c.name == name)
        return self._changed(gone) > 0

    def _changed(self, statement: sa.Update | sa.Delete) -> int:
        with self._write() as connection:
            result: sa.CursorResult[Any] = connection.execute(statement)
            return result.rowcount
