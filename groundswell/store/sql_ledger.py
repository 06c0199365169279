"""The ledger in a database that SQLAlchemy speaks to: SQLite in WAL mode, or PostgreSQL."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
import sqlalchemy as sa

from groundswell.clock import SystemClock
from groundswell.errors import Problem, StoreError
from groundswell.model import Kind, Reject, Sending, as_plain
from groundswell.store.ledger import JournalEntry, KeptReject, Load, RejectStatus
from groundswell.store.ledger_opening import ledger_url
from groundswell.store.ledger_tables import CURSORS, JOURNAL, LOADS, MERGES, REJECTS
from groundswell.store.sql_colleagues import SqlColleagues
from groundswell.store.sql_dismissals import SqlDismissals
from groundswell.store.sql_erasing import SqlErasing
from groundswell.store.sql_inbox import SqlInbox
from groundswell.store.sql_outbox import SqlOutbox
from groundswell.store.sql_registry import SqlRegistry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from groundswell.clock import Clock

_BATCH = 5_000
_MERGE_COLUMNS = {
    "from_account": pl.String,
    "into_account": pl.String,
    "since": pl.Datetime("us", "UTC"),
    "until": pl.Datetime("us", "UTC"),
    "reason": pl.String,
}


def open_sql_ledger(url: str, folder: Path, *, clock: Clock | None = None) -> SqlLedger:
    """Open a ledger in SQLite or PostgreSQL; see `ledger.open_ledger`."""
    return SqlLedger(ledger_url(url, folder), clock=clock or SystemClock())


class SqlLedger(SqlInbox, SqlOutbox, SqlDismissals, SqlRegistry, SqlColleagues, SqlErasing):
    """Decisions and their circumstances, in SQL."""

    def add_rejects(self, rejects: Sequence[Reject], *, load_id: str) -> int:
        """Put rows into quarantine; see `Ledger.add_rejects`."""
        now = self._clock.now()
        rows = [
            {
                "id": _reject_id(reject),
                "load_id": load_id,
                "status": "open",
                "added_at": now,
                "source": reject.source,
                "kind": str(reject.kind),
                "file": reject.file,
                "line": reject.line,
                "code": reject.code,
                "reason": reject.reason,
                "fix": reject.fix,
                "raw": reject.raw,
                "sending": as_plain(reject.sending),
            }
            for reject in rejects
        ]
        return self._add(REJECTS, rows, key="id")

    def rejects(
        self,
        *,
        status: RejectStatus | None = "open",
        source: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> list[KeptReject]:
        """Return rows in quarantine; see `Ledger.rejects`."""
        select = sa.select(REJECTS).order_by(REJECTS.c.position).limit(limit)
        if after is not None:
            select = select.where(REJECTS.c.position > self._place(REJECTS, REJECTS.c.id, after))
        if status is not None:
            select = select.where(REJECTS.c.status == status)
        if source is not None:
            select = select.where(REJECTS.c.source == source)
        return [_kept(row) for row in self._rows(select)]

    def open_rejects(self) -> dict[str, int]:
        """Return how many rows of each source are in quarantine."""
        source, count = REJECTS.c.source, sa.func.count().label("rows")
        select = sa.select(source, count).where(REJECTS.c.status == "open").group_by(source)
        return {row["source"]: row["rows"] for row in self._mappings(select)}

    def open_reasons(self) -> dict[str, int]:
        """Return how many rows are in quarantine, by reason."""
        code, count = REJECTS.c.code, sa.func.count().label("rows")
        select = sa.select(code, count).where(REJECTS.c.status == "open").group_by(code)
        return {row["code"]: row["rows"] for row in self._mappings(select)}

    def mark_replayed(self, ids: Iterable[str]) -> int:
        """Close rejects that were loaded after all; see `Ledger.mark_replayed`."""
        wanted = sorted(set(ids))
        done = 0
        with self._write() as connection:
            for start in range(0, len(wanted), _BATCH):
                close = (
                    sa.update(REJECTS)
                    .where(REJECTS.c.id.in_(wanted[start : start + _BATCH]))
                    .where(REJECTS.c.status == "open")
                    .values(status="replayed", replayed_at=self._clock.now())
                )
                done += connection.execute(close).rowcount
        return done

    def restate_rejects(self, reasons: Mapping[str, Reject]) -> None:
        """Give rows in quarantine the reason of a later reading; see `Ledger.restate_rejects`."""
        restate = (
            sa.update(REJECTS)
            .where(REJECTS.c.id == sa.bindparam("reject_id"))
            .values({name: sa.bindparam(f"new_{name}") for name in ("code", "reason", "fix")})
        )
        told = [
            {"reject_id": id_, "new_code": now.code, "new_reason": now.reason, "new_fix": now.fix}
            for id_, now in sorted(reasons.items())
        ]
        with self._write() as connection:
            for start in range(0, len(told), _BATCH):
                connection.execute(restate, told[start : start + _BATCH])

    def append_journal(self, entries: Sequence[JournalEntry]) -> int:
        """Add entries whose key is new; see `Ledger.append_journal`."""
        rows = [
            {
                "key": entry.key,
                "account_id": entry.account_id,
                "kind": entry.kind,
                "at": entry.at,
                "as_of": entry.as_of,
                "body": entry.body,
            }
            for entry in entries
        ]
        return self._add(JOURNAL, rows, key="key")

    def journal(
        self,
        *,
        account_id: str | None = None,
        kinds: Iterable[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[JournalEntry]:
        """Return entries in the order they were written; see `Ledger.journal`."""
        table = JOURNAL.c
        select = sa.select(
            table.key, table.account_id, table.kind, table.at, table.as_of, table.body
        ).order_by(table.position)
        if account_id is not None:
            select = select.where(table.account_id == account_id)
        if kinds is not None:
            select = select.where(table.kind.in_(sorted(set(kinds))))
        if since is not None:
            select = select.where(table.at >= since)
        if until is not None:
            select = select.where(table.at <= until)
        return [JournalEntry(*row) for row in self._rows(select)]

    def latest_journal(
        self,
        *,
        account_id: str | None = None,
        kind: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> list[JournalEntry]:
        """Return the newest entries first; see `Ledger.latest_journal`."""
        table = JOURNAL.c
        select = sa.select(
            table.key, table.account_id, table.kind, table.at, table.as_of, table.body
        ).order_by(table.position.desc())
        if account_id is not None:
            select = select.where(table.account_id == account_id)
        if kind is not None:
            select = select.where(table.kind == kind)
        if after is not None:
            select = select.where(table.position < self._place(JOURNAL, table.key, after))
        return [JournalEntry(*row) for row in self._rows(select.limit(limit))]

    def journal_after(self, position: int, kinds: Iterable[str]) -> tuple[list[JournalEntry], int]:
        """Return what was written after a position; see `Ledger.journal_after`."""
        table = JOURNAL.c
        select = (
            sa.select(
                table.position,
                table.key,
                table.account_id,
                table.kind,
                table.at,
                table.as_of,
                table.body,
            )
            .where(table.position > position, table.kind.in_(sorted(set(kinds))))
            .order_by(table.position)
        )
        rows = self._rows(select)
        return [JournalEntry(*tuple(row)[1:]) for row in rows], rows[
            -1
        ].position if rows else position

    def merge_accounts(
        self, from_account: str, into_account: str, *, since: datetime, reason: str
    ) -> None:
        """Record that one account is part of another; see `Ledger.merge_accounts`."""
        with self._write() as connection:
            held = connection.execute(sa.select(MERGES).with_for_update()).all()
            if any(
                (row.from_account, row.into_account, row.since)
                == (from_account, into_account, since)
                for row in held
            ):
                return
            into = {row.from_account: row.into_account for row in held if row.until is None}
            _check_merge(from_account, into_account, into)
            connection.execute(
                sa.insert(MERGES).values(
                    from_account=from_account,
                    into_account=into_account,
                    since=since,
                    reason=reason,
                )
            )

    def unmerge_accounts(
        self, from_account: str, into_account: str, *, until: datetime, reason: str
    ) -> None:
        """End a merge; see `Ledger.unmerge_accounts`."""
        pair = (MERGES.c.from_account == from_account) & (MERGES.c.into_account == into_account)
        with self._write() as connection:
            ended = connection.execute(
                sa.update(MERGES)
                .where(pair, MERGES.c.until.is_(None), MERGES.c.since <= until)
                .values(until=until, until_reason=reason)
            )
            again = sa.select(MERGES.c.since).where(pair, MERGES.c.until == until)
            if not ended.rowcount and not connection.execute(again).all():
                raise _no_merge(from_account, into_account, until)

    def merges(self) -> pl.DataFrame:
        """Return every merge; see `Ledger.merges`."""
        columns = [MERGES.c[name] for name in _MERGE_COLUMNS]
        order = (MERGES.c.since, MERGES.c.from_account, MERGES.c.into_account)
        rows = self._rows(sa.select(*columns).order_by(*order))
        return pl.DataFrame([tuple(row) for row in rows], schema=_MERGE_COLUMNS, orient="row")

    def cursor(self, source: str) -> str | None:
        """Return how far a source was read."""
        rows = self._rows(sa.select(CURSORS.c.value).where(CURSORS.c.source == source))
        return rows[0].value if rows else None

    def set_cursor(self, source: str, value: str) -> None:
        """Remember how far a source was read."""
        row = {"source": source, "value": value, "set_at": self._clock.now()}
        self._put(CURSORS, row, key="source")

    def record_load(self, load: Load) -> None:
        """Keep a load, in place of what was kept under its id."""
        row = {
            "load_id": load.load_id,
            "kind": str(load.kind),
            "source": load.source,
            "files": list(load.files),
            "started_at": load.started_at,
            "finished_at": load.finished_at,
            "added": load.added,
            "duplicates": load.duplicates,
            "rejected": load.rejected,
        }
        self._put(LOADS, row, key="load_id")

    def loads(self, *, limit: int | None = None) -> list[Load]:
        """Return loads, latest first."""
        order = (LOADS.c.started_at.desc(), LOADS.c.load_id)
        return [
            Load(
                load_id=row.load_id,
                kind=Kind(row.kind),
                source=row.source,
                files=tuple(row.files),
                started_at=row.started_at,
                finished_at=row.finished_at,
                added=row.added,
                duplicates=row.duplicates,
                rejected=row.rejected,
            )
            for row in self._rows(sa.select(LOADS).order_by(*order).limit(limit))
        ]

    def _add(self, table: sa.Table, rows: list[dict[str, Any]], *, key: str) -> int:
        """Insert the rows whose key is new, all in one transaction; return how many were."""
        insert = self._insert(table).on_conflict_do_nothing(index_elements=[key])
        statement = insert.returning(table.c[key])
        added = 0
        with self._write() as connection:
            for start in range(0, len(rows), _BATCH):
                added += len(connection.execute(statement, rows[start : start + _BATCH]).all())
        return added

    def _put(self, table: sa.Table, row: dict[str, Any], *, key: str) -> None:
        values = {name: value for name, value in row.items() if name != key}
        statement = self._insert(table).values(row)
        with self._write() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=values))


def _reject_id(reject: Reject) -> str:
    told = [reject.source, str(reject.kind), reject.file, reject.line, reject.raw]
    if reject.sending is not None:  # what is said twice without an id or a time happened twice
        told.append(reject.sending.received_at.isoformat())
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:24]


def _kept(row: sa.Row[Any]) -> KeptReject:
    return KeptReject(
        id=row.id,
        load_id=row.load_id,
        status=row.status,
        added_at=row.added_at,
        reject=Reject(
            source=row.source,
            kind=Kind(row.kind),
            file=row.file,
            line=row.line,
            code=row.code,
            reason=row.reason,
            fix=row.fix,
            raw=row.raw,
            sending=msgspec.convert(row.sending, Sending | None),
        ),
    )


def _check_merge(from_account: str, into_account: str, into: dict[str, str]) -> None:
    """Refuse a merge of an account that is merged already, or that would close a circle."""
    what = None
    if from_account in into:
        what = f"`{from_account}` is already merged into `{into[from_account]}`."
    at: str | None = into_account
    while at is not None and what is None:
        if at == from_account:
            what = f"`{into_account}` is itself part of `{from_account}`."
        at = into.get(at)
    if what:
        raise StoreError(
            Problem(code="merge-refused", what=what, fix="End that merge first, or turn it round.")
        )


def _no_merge(from_account: str, into_account: str, until: datetime) -> StoreError:
    return StoreError(
        Problem(
            code="merge-unknown",
            what=f"`{from_account}` is not merged into `{into_account}` at {until:%Y-%m-%d %H:%M}.",
            fix="Look at the merges that hold, and name both accounts as they stand there.",
        )
    )
