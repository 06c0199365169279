"""The inbox and the write keys, on every database that may hold the ledger."""

from __future__ import annotations

import datetime as dt
import sqlite3
from typing import TYPE_CHECKING

import pytest

from groundswell.errors import StoreError
from groundswell.store.inbox import REMEMBERED, InboxEntry, WriteKey, digest_key, new_key
from groundswell.store.ledger import Ledger, open_ledger

from .test_ledger import clock, engine, ledger, url

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["clock", "engine", "ledger", "url"]  # fixtures
NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


def entry(
    number: int, body: bytes = b"{}", *, source: str = "app", message_id: str | None = None
) -> InboxEntry:
    return InboxEntry(
        source=source,
        wire="segment",
        method="POST",
        path="/v1/batch",
        query={"verbose": "1"},
        headers={"content-type": "application/json"},
        body=body,
        received_at=NOON + dt.timedelta(seconds=number),
        message_id=message_id,
    )


def test_entries_come_back_as_they_went_in_oldest_first(ledger: Ledger) -> None:
    bodies = [b"\x00\xff", b"{}", b"x" * 100_000]
    ledger.put_entries([entry(number, body) for number, body in enumerate(bodies)])
    found = ledger.take_entries(limit_bytes=1 << 20)
    assert [item.body for item in found] == bodies
    assert [item.received_at for item in found] == [
        entry(number).received_at for number in range(3)
    ]
    assert (found[0].query, found[0].headers) == (entry(0).query, entry(0).headers)
    assert found == ledger.take_entries(limit_bytes=1 << 20), "taking leaves them where they are"


def test_as_much_is_taken_as_is_asked_for_and_one_at_least(ledger: Ledger) -> None:
    ledger.put_entries([entry(number, b"x" * 1_000) for number in range(5)])
    assert len(ledger.take_entries(limit_bytes=10)) == 1
    assert len(ledger.take_entries(limit_bytes=2_500)) == 2
    assert len(ledger.take_entries(limit_bytes=1 << 20, limit=4)) == 4


def test_what_is_dropped_is_gone_and_its_position_is_not_used_again(ledger: Ledger) -> None:
    ledger.put_entries([entry(0), entry(1)])
    assert ledger.waiting() == (2, NOON)
    taken = ledger.take_entries(limit_bytes=1 << 20)
    ledger.drop_entries(item.position for item in taken)
    ledger.drop_entries(item.position for item in taken)
    assert ledger.waiting() == (0, None)
    ledger.put_entries([entry(2)])
    (later,) = ledger.take_entries(limit_bytes=1 << 20)
    assert later.position > max(item.position for item in taken)


def test_a_message_that_came_before_is_not_kept_again(ledger: Ledger) -> None:
    """Also while and after it was drained, and when it comes twice in one commit."""

    def kept() -> list[bytes]:
        taken = ledger.take_entries(limit_bytes=1 << 20)
        ledger.drop_entries(item.position for item in taken)
        return [item.body for item in taken]

    first, second = entry(0, b"1", message_id="m1"), entry(1, b"2", message_id="m2")
    ledger.put_entries([first, entry(0, b"other"), entry(0, b"again", message_id="m1")])
    ledger.put_entries([first, second])
    assert kept() == [b"1", b"other", b"2"]
    ledger.put_entries([second, first, entry(2, b"3"), entry(2, b"3")])
    assert kept() == [b"3", b"3"], "without an id, everything is kept"
    ledger.put_entries([entry(3, b"4", source="web", message_id="m1")])
    assert kept() == [b"4"], "an id is a source's own"
    late = int((REMEMBERED + dt.timedelta(hours=1)).total_seconds())
    ledger.put_entries([entry(late, b"5", message_id="m3")])
    ledger.put_entries([entry(late, b"1", message_id="m1")])
    assert kept() == [b"5", b"1"], "it is forgotten after a while"


def test_a_message_that_could_not_be_kept_is_not_remembered(tmp_path: Path) -> None:
    message = entry(0, b"x" * 1_000_000, message_id="m1")
    with open_ledger("sqlite", tmp_path) as ledger:
        with ledger._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 4}")
            connection.rollback()
        with pytest.raises(StoreError, match="full"):
            ledger.put_entries([message])
    with open_ledger("sqlite", tmp_path) as ledger:
        ledger.put_entries([message])
        assert ledger.waiting()[0] == 1


def test_an_entry_does_not_show_its_body() -> None:
    assert "secret" not in repr(entry(0, b"secret"))


def test_write_keys_are_kept_as_digests_and_revoked(ledger: Ledger) -> None:
    keys = [new_key() for _ in range(3)]
    assert len(set(keys)) == 3
    for number, key in enumerate(keys):
        at = NOON + dt.timedelta(minutes=number)
        ledger.add_write_key(WriteKey(digest_key(key), "app", "segment", key[-4:], at))
    assert [kept.hint for kept in ledger.write_keys()] == [key[-4:] for key in keys]
    later = NOON + dt.timedelta(days=1)
    assert ledger.revoke_write_keys("app", at=later, but=digest_key(keys[2])) == 2
    assert ledger.revoke_write_keys("app", at=later, but=digest_key(keys[2])) == 0
    assert [kept.revoked_at for kept in ledger.write_keys()] == [later, later, None]


def test_a_locked_ledger_refuses_instead_of_pretending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_ledger("sqlite", tmp_path) as ledger:
        other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
        with ledger._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=50")
            connection.rollback()
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            ledger.put_entries([entry(0)])
        other.execute("ROLLBACK")
        other.close()
        ledger.put_entries([entry(0)])
        assert ledger.waiting()[0] == 1


def test_a_full_disk_refuses_instead_of_pretending(tmp_path: Path) -> None:
    with open_ledger("sqlite", tmp_path) as ledger:
        with ledger._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 4}")
            connection.rollback()
        with pytest.raises(StoreError, match="full"):
            ledger.put_entries([entry(0, b"x" * 1_000_000)])
        assert ledger.waiting()[0] == 0
