"""The ledger on SQLite and PostgreSQL: idempotent on keys, its journal for ever."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from groundswell.clock import FixedClock
from groundswell.errors import StoreError
from groundswell.model import Kind, Reject, Sending
from groundswell.store import ledger_opening, migrations
from groundswell.store.ledger import JournalEntry, Ledger, Load, open_ledger
from groundswell.store.ledger_tables import METADATA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=UTC)
_NUMBERS = itertools.count()


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def url(engine: str, request: pytest.FixtureRequest) -> str:
    if engine == "sqlite":
        return "sqlite"
    return request.getfixturevalue("postgres").create(f"ledger_{next(_NUMBERS)}")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def ledger(url: str, tmp_path: Path, clock: FixedClock) -> Iterator[Ledger]:
    with open_ledger(url, tmp_path, clock=clock) as opened:
        yield opened


def _reject(line: int, source: str = "app") -> Reject:
    return Reject(
        source, Kind.EVENTS, "e.csv", line, "bad-time", "No time.", "Mend it.", f"row {line}"
    )


def _entry(key: str, account: str = "a", kind: str = "decision", days: float = 0) -> JournalEntry:
    at = NOW + timedelta(days=days)
    return JournalEntry(key, account, kind, at, date(2026, 2, 28), {"why": ["ä", 1.5, None]})


def test_quarantine_keeps_a_row_once_and_closes_it_when_replayed(ledger: Ledger) -> None:
    rejects = [_reject(1), _reject(2), _reject(1), _reject(1, "site")]
    assert ledger.add_rejects(rejects, load_id="one") == 3
    assert ledger.add_rejects(rejects, load_id="two") == 0
    kept = ledger.rejects()
    assert [(row.reject, row.load_id, row.added_at) for row in kept] == [
        (_reject(1), "one", NOW),
        (_reject(2), "one", NOW),
        (_reject(1, "site"), "one", NOW),
    ]
    assert ledger.mark_replayed([kept[0].id, kept[0].id, "unknown"]) == 1
    assert ledger.mark_replayed([kept[0].id]) == 0
    assert [row.reject.line for row in ledger.rejects(source="app")] == [2]
    assert [row.status for row in ledger.rejects(status=None, limit=2)] == ["replayed", "open"]
    assert ledger.add_rejects([], load_id="three") == 0


def test_a_message_is_kept_with_how_it_came_and_told_apart_by_when(ledger: Ledger) -> None:
    sending = Sending("segment", "POST", "/v1/batch", NOW, "yesterday", {"a": "b"}, {})
    again = replace(sending, received_at=NOW + timedelta(microseconds=1), query=None, headers=None)
    rejects = [replace(_reject(1), sending=told) for told in (sending, sending, again)]
    assert ledger.add_rejects(rejects, load_id="one") == 2
    assert [row.reject.sending for row in ledger.rejects()] == [sending, again]


def test_a_reject_may_be_given_another_reason(ledger: Ledger) -> None:
    ledger.add_rejects([_reject(1), _reject(2)], load_id="one")
    first, second = ledger.rejects()
    now = replace(_reject(1), code="too-long", reason="Too long.", fix="Cut it.", raw="other")
    ledger.restate_rejects({first.id: now, "unknown": now})
    ledger.restate_rejects({})
    assert ledger.rejects() == [
        replace(first, reject=replace(now, raw=first.reject.raw)),
        second,
    ]


def test_the_journal_adds_a_key_once_and_reads_in_order(ledger: Ledger) -> None:
    entries = [_entry("1", days=2), _entry("2", "b"), _entry("3", kind="merge", days=1)]
    assert ledger.append_journal(entries[:2]) == 2
    assert ledger.append_journal([*entries, entries[2]]) == 1
    assert ledger.journal() == entries
    assert ledger.journal(account_id="a") == [entries[0], entries[2]]
    assert ledger.journal(kinds=["merge", "other"]) == [entries[2]]
    assert ledger.journal(until=NOW + timedelta(days=1)) == entries[1:]


@pytest.mark.parametrize("change", ["UPDATE journal SET kind = 'x'", "DELETE FROM journal"])
def test_the_database_refuses_to_change_the_journal(
    ledger: Ledger, url: str, tmp_path: Path, change: str
) -> None:
    ledger.append_journal([_entry("1")])
    engine = sa.create_engine(ledger_opening.ledger_url(url, tmp_path))
    with pytest.raises(sa.exc.DatabaseError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text(change))
    engine.dispose()
    assert ledger.journal() == [_entry("1")]


def test_merges_hold_from_since_until_they_end(ledger: Ledger) -> None:
    ledger.merge_accounts("a", "b", since=NOW, reason="same company")
    ledger.merge_accounts("a", "b", since=NOW, reason="same company")
    ledger.merge_accounts("b", "c", since=NOW, reason="bought")
    with pytest.raises(StoreError, match="`a` is itself part of `c`"):
        ledger.merge_accounts("c", "a", since=NOW, reason="circle")
    with pytest.raises(StoreError, match="`a` is already merged into `b`"):
        ledger.merge_accounts("a", "d", since=NOW, reason="twice")
    later = NOW + timedelta(days=3)
    ledger.unmerge_accounts("a", "b", until=later, reason="was wrong")
    ledger.unmerge_accounts("a", "b", until=later, reason="was wrong")
    with pytest.raises(StoreError, match="`a` is not merged into `c`"):
        ledger.unmerge_accounts("a", "c", until=later, reason="never was")
    ledger.merge_accounts("a", "d", since=later, reason="now right")
    assert ledger.merges().rows() == [
        ("a", "b", NOW, later, "same company"),
        ("b", "c", NOW, None, "bought"),
        ("a", "d", later, None, "now right"),
    ]


def test_cursors_and_loads_keep_the_last_word(ledger: Ledger, clock: FixedClock) -> None:
    assert ledger.cursor("pg") is None
    ledger.set_cursor("pg", "10")
    ledger.set_cursor("pg", "20")
    assert ledger.cursor("pg") == "20"
    begun = Load("l1", Kind.USERS, "crm", ("a.csv", "b.csv"), NOW)
    ended = Load("l1", Kind.USERS, "crm", ("a.csv", "b.csv"), NOW, NOW, 5, 1, 2)
    other = Load("l2", Kind.COSTS, "crm", (), NOW + timedelta(days=1))
    for load in (begun, other, ended):
        ledger.record_load(load)
    assert ledger.loads() == [other, ended]
    assert ledger.loads(limit=1) == [other]


def test_what_was_dismissed_holds_for_its_time_and_is_never_cut_short(ledger: Ledger) -> None:
    day = timedelta(days=1)

    def dismiss(persons: list[str], days: int, kind: str = "upgrade") -> datetime:
        until = NOW + days * day
        return ledger.dismiss_offer(persons, kind, offer=f"{kind}.1", at=NOW, until=until)

    assert ledger.dismissed_offers(["u1"], at=NOW) == {}
    assert dismiss(["u1", "anon:d1"], 10) == NOW + 10 * day
    assert dismiss(["u1"], 5) == NOW + 10 * day
    assert dismiss(["u1"], 20) == NOW + 20 * day
    assert dismiss(["u1"], 1, "human") == NOW + day
    assert ledger.dismissed_offers(["anon:d1"], at=NOW) == {"upgrade": NOW + 10 * day}
    both = {"upgrade": NOW + 20 * day, "human": NOW + day}
    assert ledger.dismissed_offers(["u1", "anon:d1"], at=NOW) == both
    assert ledger.dismissed_offers(["u1"], at=NOW + day) == {"upgrade": NOW + 20 * day}
    assert ledger.dismissed_offers(["u1"], at=NOW + 20 * day) == {}
    assert ledger.dismissed_offers(["u2"], at=NOW) == {}


def test_empty_merges_have_their_types(ledger: Ledger) -> None:
    frame = ledger.merges()
    assert frame.is_empty()
    assert frame.columns == ["from_account", "into_account", "since", "until", "reason"]
    assert str(frame.schema["since"]) == "Datetime(time_unit='us', time_zone='UTC')"


def test_the_tables_in_code_equal_the_migrations_replayed(
    ledger: Ledger, url: str, tmp_path: Path
) -> None:
    """A table changed in code without a revision, or the other way round, shows here."""
    engine = sa.create_engine(ledger_opening.ledger_url(url, tmp_path))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_the_latest_revision_is_the_one_opened_without_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", str(next(iter(migrations.__path__))))
    assert ScriptDirectory.from_config(config).get_heads() == [ledger_opening.HEAD]


def test_a_ledger_of_a_later_version_is_refused(ledger: Ledger, url: str, tmp_path: Path) -> None:
    engine = sa.create_engine(ledger_opening.ledger_url(url, tmp_path))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="is of another version"):
        open_ledger(url, tmp_path)


def test_sqlite_is_durable(tmp_path: Path) -> None:
    """WAL with full sync: what was acknowledged survives a power cut."""
    with open_ledger("sqlite", tmp_path) as ledger, ledger._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_an_unknown_ledger_is_told_without_its_secret(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refused:
        open_ledger("mysql://me:s3cret@db/x", tmp_path)
    assert "mysql://me:***@db/x" in str(refused.value)
    assert "s3cret" not in str(refused.value)
