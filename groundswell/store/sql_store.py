"""A database that SQLAlchemy speaks to: reached, read and written, its errors told as ours."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from groundswell.errors import Problem, StoreError, page_gone
from groundswell.store.leadership import FileLeadership, PostgresLeadership, SoleLeadership
from groundswell.store.ledger import LedgerHealth
from groundswell.store.ledger_opening import (
    HEAD,
    bring_up_to_date,
    connect_alone,
    connect_ledger,
    revision_of,
)
from groundswell.store.urls import redact, shown

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from groundswell.clock import Clock
    from groundswell.store.leadership import Leadership


class SqlStore:
    """Reads and writes the ledger's database."""

    def __init__(self, url: str, *, clock: Clock) -> None:
        """Connect, and bring the tables up to date.

        Raises:
            StoreError: The database cannot be reached, or was written by a later version.
        """
        self._url = url
        self._clock = clock
        self._engine = connect_ledger(url)
        self._writer = self._engine.execution_options(writes=True)
        try:
            with self._write() as connection:
                bring_up_to_date(connection, shown(url))
        except BaseException:
            self.close()
            raise

    def leadership(self) -> Leadership:
        """Return what elects the one process that drains; see `Ledger.leadership`."""
        if self._engine.dialect.name == "postgresql":
            return PostgresLeadership(partial(connect_alone, self._url))
        file = self._engine.url.database
        return FileLeadership(Path(file)) if file and file != ":memory:" else SoleLeadership()

    def health(self, *, thorough: bool) -> LedgerHealth:
        """Ask the database how it is; see `Ledger.health`."""
        engine = self._engine.dialect.name
        faults: tuple[str, ...] = ()
        with self._told(), self._engine.connect() as connection:
            revision = revision_of(connection)
            if thorough and engine == "sqlite":
                found = connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars()
                faults = tuple(text for text in found if text != "ok")
        return LedgerHealth(engine, revision, HEAD, faults)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rows(self, select: sa.Executable) -> Sequence[sa.Row[Any]]:
        with self._told(), self._engine.connect() as connection:
            return connection.execute(select).all()

    def _mappings(self, select: sa.Executable) -> Sequence[sa.RowMapping]:
        with self._told(), self._engine.connect() as connection:
            return connection.execute(select).mappings().all()

    def _place(self, table: sa.Table, key: sa.Column[str], after: str) -> int:
        """Return the position of the row of a key, after which a list goes on.

        Raises:
            StoreError: There is none.
        """
        rows = self._rows(sa.select(table.c.position).where(key == after))
        if not rows:
            raise StoreError(page_gone())
        return rows[0].position

    def _insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        return (sqlite if self._engine.dialect.name == "sqlite" else postgresql).insert(table)

    @contextmanager
    def _write(self) -> Generator[sa.Connection]:
        with self._told(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _told(self) -> Generator[None]:
        """Tell the database's errors as ours, without the URL's secrets."""
        try:
            yield
        except SQLAlchemyError as error:
            said = redact(getattr(error, "orig", None) or error, url=self._url).strip()
            raise StoreError(
                Problem(
                    code="ledger-refused",
                    what=f"The ledger {shown(self._url)} refused: {said}.",
                    fix="Nothing was changed. Check that it is reachable and may be written.",
                )
            ) from None
