"""Which of several servers drains the inbox and scores: one at a time leads.

Any number of processes may put requests into one inbox; one takes them out. With PostgreSQL it is
elected by an advisory lock that belongs to a database session, so a leader that dies or loses its
connection has lost the lead as well, and another takes over. With SQLite the one server there is
leads, and a second one is refused.

A leader looks at its session before every step. Between two looks the session may end, and another
process begin the step that the first is in. That is allowed for: taken in twice, it counts once.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from groundswell.errors import Problem, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CLASS = 0x67726F75  # the first half of the lock's number; the second tells ledgers apart
_TAKE = sa.text("SELECT pg_try_advisory_lock(:class, hashtext('leader ' || current_schema()))")
_STILL = sa.text("SELECT 1")
_DEAD_PEERS = sa.text(
    # A machine that lost its power says no goodbye: the database asks after it, and then ends the
    # session, which frees the lock.
    "SELECT set_config('tcp_keepalives_idle', '3', false),"
    " set_config('tcp_keepalives_interval', '2', false),"
    " set_config('tcp_keepalives_count', '3', false)"
)


class Leadership(Protocol):
    """Says whether this process leads."""

    def lead(self) -> bool:
        """Tell whether this process leads now, taking the lead where nobody has it.

        Raises:
            StoreError: The ledger allows one server, and another one serves it.
        """
        ...

    def close(self) -> None:
        """Give the lead up; a later `lead` takes part again."""
        ...


class SoleLeadership:
    """Leads, because nobody else can reach the ledger: it is in memory."""

    def lead(self) -> bool:
        """Lead."""
        return True

    def close(self) -> None:
        """Do nothing."""


class FileLeadership:
    """Leads a ledger in a file, holding a lock on a file beside it as long as the process lives."""

    def __init__(self, ledger: Path) -> None:
        """Prepare to lead the ledger in this file; nothing is locked yet."""
        self._ledger = ledger
        self._held: int | None = None

    def lead(self) -> bool:
        """Lead; see `Leadership.lead`."""
        if self._held is not None:
            return True
        lock = self._ledger.with_name(f"{self._ledger.name}.served")
        opened = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(opened)
            raise _served(self._ledger) from None
        self._held = opened
        return True

    def close(self) -> None:
        """Let go of the lock."""
        if self._held is not None:
            os.close(self._held)
            self._held = None


class PostgresLeadership:
    """Leads while a session of its own holds the ledger's advisory lock."""

    def __init__(self, connect: Callable[[], sa.Connection]) -> None:
        """Prepare to take part.

        Args:
            connect: Opens a connection that nothing else uses, and that closing really closes.
        """
        self._connect = connect
        self._session: sa.Connection | None = None
        self._leads = False

    def lead(self) -> bool:
        """Tell whether this process leads; one that cannot reach the database does not.

        The lock is as old as its session, so a session that answers still holds what it held.
        """
        try:
            session = self._session or self._begin()
            if self._leads:
                session.execute(_STILL)
            else:
                self._leads = bool(session.execute(_TAKE, {"class": _CLASS}).scalar())
        except SQLAlchemyError:
            self.close()
        return self._leads

    def close(self) -> None:
        """End the session, and with it the lock."""
        session, self._session, self._leads = self._session, None, False
        if session is not None:
            with suppress(SQLAlchemyError):
                session.close()

    def _begin(self) -> sa.Connection:
        self._session = self._connect()
        self._session.execute(_DEAD_PEERS)
        return self._session


def _served(ledger: Path) -> StoreError:
    return StoreError(
        Problem(
            code="ledger-served",
            what=f"Another server already serves the ledger {ledger}.",
            fix="Stop that one first. For several servers, keep the ledger in PostgreSQL.",
        )
    )
