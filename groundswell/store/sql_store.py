"""A database that SQLAlchemy speaks to: reached, read and written, its errors told as ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy.exc import SQLAlchemyError

from groundswell.errors import Problem, StoreError
from groundswell.store.ledger_opening import bring_up_to_date, connect_ledger
from groundswell.store.urls import redact, shown

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import sqlalchemy as sa

    from groundswell.clock import Clock


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
