"""Forgetting a person in the ledger's database."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from groundswell.store.erasing import Tombstones
from groundswell.store.ledger_tables import (
    API_KEYS,
    AUDIT,
    COLLEAGUES,
    DELIVERIES,
    DISMISSALS,
    FORGOTTEN,
    INBOX,
    MESSAGES_SEEN,
    METADATA,
    REJECTS,
    SESSIONS,
    VIEWS,
    WRITE_KEYS,
)
from groundswell.store.sql import load_statements
from groundswell.store.sql_store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from groundswell.store.erasing import Names

_NOT_THEIRS = {FORGOTTEN, COLLEAGUES, SESSIONS, API_KEYS, WRITE_KEYS, VIEWS, INBOX}
_DROPPED = {REJECTS, DISMISSALS, MESSAGES_SEEN}
_GUARDED = ("journal", "audit", "model_events")
_GUARDS = {"journal": "journal", "audit": "audit", "model_events": "models"}
_AT_ONCE = 20  # parts that one SELECT looks for in each column
_KEPT = "_tombstones_kept"
_AGES = {"rejects": REJECTS.c.added_at, "audit": AUDIT.c.at, "sessions": SESSIONS.c.ends_at}
NOT_SENT = "The person was forgotten."


class SqlErasing(SqlStore):
    """What `SqlLedger` does to forget a person; see `erasing.Forgets`."""

    def tombstones(self) -> Tombstones:
        """Return who was erased; they are only ever more, so that a count says what is new."""
        (count,) = self._rows(sa.select(sa.func.count()).select_from(FORGOTTEN))[0]
        kept = self.__dict__.get(_KEPT)
        if kept is None or len(kept.digests) != count:
            rows = self._rows(sa.select(FORGOTTEN.c.digest, FORGOTTEN.c.salt))
            salt = rows[0].salt if rows else secrets.token_hex(32)
            kept = self.__dict__[_KEPT] = Tombstones(salt, frozenset(row.digest for row in rows))
        return kept

    def forget(self, names: Names, tombstones: Iterable[str], *, at: datetime) -> dict[str, int]:
        """Erase a person; see `erasing.Forgets.forget`."""
        kept = self.tombstones()
        fresh = {kept.digest(name) for name in tombstones} - kept.digests
        counts: dict[str, int] = {}
        with self._write() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            _lift_guards(connection)
            for table, rows in _naming(connection, names):
                counts[table.name] = len(rows)
                for row in rows:
                    _forget_row(connection, table, row, names)
            _set_guards(connection)
            if fresh:
                told = [{"digest": one, "salt": kept.salt, "forgotten_at": at} for one in fresh]
                connection.execute(sa.insert(FORGOTTEN), told)
        self._let_go_of_log()
        return counts

    def rows_naming(self, names: Names) -> dict[str, list[dict[str, Any]]]:
        """Return by table the rows that name a person."""
        with self._told(), self._engine.connect() as connection:
            return {
                table.name: [dict(row) for row in rows]
                for table, rows in _naming(connection, names)
            }

    def drop_older(
        self, before: Mapping[str, datetime], *, dry_run: bool = False
    ) -> dict[str, int]:
        """Drop what is kept for a time; see `erasing.Forgets.drop_older`."""
        counts: dict[str, int] = {}
        with self._write() as connection:
            for name, at in before.items():
                old = _AGES[name] < at
                table = _AGES[name].table
                select = sa.select(sa.func.count()).select_from(table).where(old)
                counts[name] = connection.execute(select).scalar_one()
            if dry_run or not any(counts.values()):
                return {name: count for name, count in counts.items() if count}
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            guarded = bool(counts.get("audit"))
            if guarded:
                _lift_guards(connection)
            for name, at in before.items():
                connection.execute(sa.delete(_AGES[name].table).where(_AGES[name] < at))
            if guarded:
                _set_guards(connection)
        self._let_go_of_log()
        return {name: count for name, count in counts.items() if count}

    def _let_go_of_log(self) -> None:
        """Put what SQLite wrote ahead into its file, so that the log holds nothing of before."""
        if self._engine.dialect.name == "sqlite":
            with self._told(), self._engine.connect() as connection:
                raw = connection.connection.driver_connection
                assert raw is not None, "it is connected"
                connection.rollback()  # a checkpoint has no transaction around it
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _naming(
    connection: sa.Connection, names: Names
) -> Iterator[tuple[sa.Table, list[sa.RowMapping]]]:
    """Return the tables in which rows name a person, with these rows."""
    for table in METADATA.sorted_tables:
        if table in _NOT_THEIRS:
            continue
        texts = [column for column in table.columns if _is_text(column)]
        found: dict[tuple[Any, ...], sa.RowMapping] = {}
        parts = names.parts
        for start in range(0, len(parts), _AT_ONCE):
            some = parts[start : start + _AT_ONCE]
            holds = [
                sa.func.lower(sa.cast(column, sa.Text)).contains(part, autoescape=True)
                for column in texts
                for part in some
            ]
            for row in connection.execute(sa.select(table).where(sa.or_(*holds))).mappings():
                if any(
                    _new(row[column.name], column.name, names) != row[column.name]
                    for column in texts
                ):
                    found[tuple(row[key.name] for key in table.primary_key)] = row
        if found:
            yield table, list(found.values())


def _is_text(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, (sa.Text, sa.JSON))


def _new(value: Any, key: str, names: Names) -> Any:
    return names.rewrite(value, key) if isinstance(value, str) else names.rewrite_json(value, key)


def _forget_row(
    connection: sa.Connection, table: sa.Table, row: sa.RowMapping, names: Names
) -> None:
    this = sa.and_(*(key == row[key.name] for key in table.primary_key))
    if table in _DROPPED:
        connection.execute(sa.delete(table).where(this))
        return
    told = {
        column.name: new
        for column in table.columns
        if _is_text(column)
        and (new := _new(row[column.name], column.name, names)) != row[column.name]
    }
    if table is DELIVERIES and row["status"] == "waiting" and row["kind"] == "contact":
        told |= {"status": "dead", "reason": NOT_SENT, "fix": ""}
    connection.execute(sa.update(table).where(this).values(told))


def _lift_guards(connection: sa.Connection) -> None:
    """Let append-only tables be rewritten, within this transaction alone."""
    if connection.dialect.name == "sqlite":
        for name in _triggers(connection):
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return
    for table in _GUARDED:
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def _set_guards(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        for name in _GUARDS.values():
            for statement in load_statements(f"{name}_sqlite").values():
                connection.exec_driver_sql(statement)
        return
    for table in _GUARDED:
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _triggers(connection: sa.Connection) -> list[str]:
    wanted = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    return [str(name) for name in connection.execute(wanted).scalars()]
