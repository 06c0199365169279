"""The ledger: what we decided. Rejected rows, the journal, merges, cursors and loads.

Every write is idempotent on its key, so a run that is killed and started again leaves the same
rows. The journal is append-only: the database itself refuses to change or drop an entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from groundswell.store.colleagues import Colleagues
from groundswell.store.dismissals import Dismissals
from groundswell.store.erasing import Forgets
from groundswell.store.inbox import Inbox
from groundswell.store.outbox import Outbox
from groundswell.store.registry import Registry
from groundswell.store.urls import scheme_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import polars as pl

    from groundswell.clock import Clock
    from groundswell.model import Kind, Reject
    from groundswell.store.leadership import Leadership

RejectStatus = Literal["open", "replayed"]


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One thing that was decided or happened to an account, kept for ever.

    Attributes:
        key: Names the entry once and for all; a second entry of the same key is dropped.
        account_id: The account it is about.
        kind: What sort of entry, such as `decision`.
        at: When it was written, by the clock.
        as_of: The UTC day whose knowledge was used.
        body: JSON-ready content.
    """

    key: str
    account_id: str
    kind: str
    at: datetime
    as_of: date
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeptReject:
    """A rejected row in quarantine, with its id and what became of it."""

    id: str
    load_id: str
    status: RejectStatus
    added_at: datetime
    reject: Reject


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """How the ledger's database is.

    Attributes:
        engine: `sqlite` or `postgresql`.
        revision: Where its tables stand.
        newest: Where they should.
        faults: What the database found wrong with its own file.
    """

    engine: str
    revision: str | None
    newest: str
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """One run of `load`: what it read and what came of it. `finished_at` is None if it died."""

    load_id: str
    kind: Kind
    source: str
    files: tuple[str, ...]
    started_at: datetime
    finished_at: datetime | None = None
    added: int = 0
    duplicates: int = 0
    rejected: int = 0


class Ledger(Inbox, Outbox, Dismissals, Registry, Colleagues, Forgets, Protocol):
    """Keeps decisions and their circumstances, transactionally; inbox and outbox are part of it."""

    def add_rejects(self, rejects: Sequence[Reject], *, load_id: str) -> int:
        """Put rows into quarantine; return how many were not there already."""
        ...

    def rejects(
        self,
        *,
        status: RejectStatus | None = "open",
        source: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> list[KeptReject]:
        """Return rows in quarantine, oldest first; a status of None means any.

        With `after`, those that came after the row of that id.

        Raises:
            StoreError: There is no such row.
        """
        ...

    def open_rejects(self) -> dict[str, int]:
        """Return how many rows of each source are in quarantine."""
        ...

    def open_reasons(self) -> dict[str, int]:
        """Return how many rows are in quarantine, by the code of their reason."""
        ...

    def mark_replayed(self, ids: Iterable[str]) -> int:
        """Close rejects that were loaded after all; return how many were open."""
        ...

    def restate_rejects(self, reasons: Mapping[str, Reject]) -> None:
        """Give rows in quarantine, by id, the code, reason and fix of a later reading."""
        ...

    def append_journal(self, entries: Sequence[JournalEntry]) -> int:
        """Add entries whose key is new; return how many were."""
        ...

    def journal(
        self,
        *,
        account_id: str | None = None,
        kinds: Iterable[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[JournalEntry]:
        """Return entries in the order they were written; both ends are inclusive, on `at`."""
        ...

    def latest_journal(
        self,
        *,
        account_id: str | None = None,
        kind: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> list[JournalEntry]:
        """Return entries, the newest first; with `after`, those older than the entry of that key.

        Raises:
            StoreError: There is no such entry.
        """
        ...

    def journal_after(self, position: int, kinds: Iterable[str]) -> tuple[list[JournalEntry], int]:
        """Return entries of some kinds that were written after a position, and the last position.

        Begin with 0; a position that is returned is where to go on.
        """
        ...

    def merge_accounts(
        self, from_account: str, into_account: str, *, since: datetime, reason: str
    ) -> None:
        """Record that one account is part of another from `since` on.

        Raises:
            StoreError: It is already merged then, or the merge would close a circle.
        """
        ...

    def unmerge_accounts(
        self, from_account: str, into_account: str, *, until: datetime, reason: str
    ) -> None:
        """End a merge at `until`.

        Raises:
            StoreError: No such merge holds.
        """
        ...

    def merges(self) -> pl.DataFrame:
        """Return from_account, into_account, since, until (null while it holds), reason."""
        ...

    def cursor(self, source: str) -> str | None:
        """Return how far a source was read, as it was set; None before the first time."""
        ...

    def set_cursor(self, source: str, value: str) -> None:
        """Remember how far a source was read."""
        ...

    def record_load(self, load: Load) -> None:
        """Keep a load, in place of what was kept under its id."""
        ...

    def loads(self, *, limit: int | None = None) -> list[Load]:
        """Return loads, latest first."""
        ...

    def health(self, *, thorough: bool) -> LedgerHealth:
        """Ask the database how it is; thoroughly, SQLite reads every page of its file.

        Raises:
            StoreError: It does not answer, or is too damaged to.
        """
        ...

    def leadership(self) -> Leadership:
        """Return what elects the one process that drains the inbox; nothing is taken yet."""
        ...

    def close(self) -> None:
        """Let go of the database; a second call does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def is_shared(url: str) -> bool:
    """Tell whether several servers may serve the ledger that `url` names."""
    return scheme_of(url) in {"postgresql", "postgres"}


def open_ledger(url: str, folder: Path, *, clock: Clock | None = None) -> Ledger:
    """Open the ledger that `url` names, bringing its tables up to date.

    `sqlite` (folder/ledger.sqlite), `sqlite:///other/file.sqlite` or `postgresql://...`.

    Raises:
        StoreError: The URL is not one of these, or the database cannot be reached.
    """
    from groundswell.store import sql_ledger  # noqa: PLC0415  (drivers load when needed)

    return sql_ledger.open_sql_ledger(url, folder, clock=clock)
