"""Who signs in, kept on SQLite and PostgreSQL; the audit log for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from groundswell.store.colleagues import (
    REFUSED,
    ApiKey,
    AuditEntry,
    Colleague,
    SavedView,
    Session,
)

from .test_ledger import clock, engine, ledger, url

if TYPE_CHECKING:
    from groundswell.store.ledger import Ledger

__all__ = ["clock", "engine", "ledger", "url"]

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANN = Colleague("ann@ours.example", "Ann", "rep", NOW, password="hash", subject="idp ann")


def test_a_colleague_is_added_once_and_changed(ledger: Ledger) -> None:
    assert ledger.add_colleague(ANN)
    assert not ledger.add_colleague(replace(ANN, name="Somebody else"))
    assert ledger.colleague(ANN.email) == ANN
    later = replace(ANN, role="admin", disabled_at=NOW + HOUR)
    assert ledger.change_colleague(later)
    assert not ledger.change_colleague(replace(ANN, email="bob@ours.example"))
    assert ledger.colleagues() == [later]
    assert ledger.colleague("bob@ours.example") is None


def test_sessions_begin_are_seen_and_end(ledger: Ledger) -> None:
    session = Session("d1", ANN.email, NOW, NOW, NOW + HOUR)
    ledger.open_session(session)
    ledger.open_session(replace(session, digest="d2", ends_at=NOW + 3 * HOUR))
    ledger.open_session(replace(session, digest="d3", email="bob@ours.example"))
    ledger.see_session("d1", at=NOW + HOUR / 2)
    assert ledger.session("d1") == replace(session, seen_at=NOW + HOUR / 2)
    ledger.end_session("d3")
    assert ledger.session("d3") is None
    assert ledger.end_old_sessions(before=NOW + 2 * HOUR) == 1
    assert ledger.session("d1") is None
    assert ledger.end_sessions(ANN.email) == 1
    assert ledger.session("d2") is None


def test_a_revoked_key_stays_in_the_list(ledger: Ledger) -> None:
    key = ApiKey("k1", "assistant", "read", "abcd", ANN.email, NOW)
    ledger.add_api_key(key)
    assert ledger.revoke_api_key("assistant", at=NOW + HOUR) == 1
    assert ledger.revoke_api_key("assistant", at=NOW + 2 * HOUR) == 0
    assert ledger.api_keys() == [replace(key, revoked_at=NOW + HOUR)]


def test_refused_sign_ins_are_counted_by_who_and_where(ledger: Ledger) -> None:
    tried = AuditEntry(NOW, ANN.email, REFUSED, address="10.0.0.1")
    ledger.append_audit([replace(tried, at=NOW - HOUR), tried, tried])
    ledger.append_audit([replace(tried, address="10.0.0.2"), replace(tried, action="sign_in")])
    assert ledger.refused_sign_ins(since=NOW - HOUR) == {
        (ANN.email, "10.0.0.1"): 2,
        (ANN.email, "10.0.0.2"): 1,
    }


def test_what_was_done_cannot_be_changed(ledger: Ledger) -> None:
    first = AuditEntry(NOW, ANN.email, "sign_in", detail={"by": "password"})
    second = AuditEntry(NOW + HOUR, "bob@ours.example", "handoff.accept", about="h1")
    ledger.append_audit([first, second])
    assert ledger.audit(limit=10) == [second, first]
    assert ledger.audit(limit=1) == [second]
    assert ledger.audit(limit=10, who=ANN.email) == [first]
    engine = ledger._engine  # pyright: ignore[reportAttributeAccessIssue] # past the interface
    for change in ("UPDATE audit SET who = 'x'", "DELETE FROM audit"):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), engine.begin() as connection:
            connection.execute(sa.text(change))


def test_a_view_is_kept_by_its_name(ledger: Ledger) -> None:
    view = SavedView(ANN.email, "big", "tier=enterprise")
    ledger.keep_view(view)
    ledger.keep_view(replace(view, query="tier=enterprise&qualified=yes"))
    ledger.keep_view(replace(view, name="all", query=""))
    ledger.keep_view(replace(view, email="bob@ours.example"))
    assert [(item.name, item.query) for item in ledger.views(ANN.email)] == [
        ("all", ""),
        ("big", "tier=enterprise&qualified=yes"),
    ]
    assert ledger.drop_view(ANN.email, "all")
    assert not ledger.drop_view(ANN.email, "all")
