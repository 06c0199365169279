"""Who leads: one at a time, on every database that may hold the ledger."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from groundswell.errors import StoreError
from groundswell.store.leadership import SoleLeadership
from groundswell.store.ledger import is_shared, open_ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engines import Postgres

HOLDERS = (
    "FROM pg_locks JOIN pg_database AS d ON d.oid = database "
    "WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND datname = current_database()"
)


def soon(lead: Callable[[], bool]) -> bool:
    """Tell whether it comes to lead: a session that was ended frees its lock a little later."""
    deadline = time.monotonic() + 10
    while not lead():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_one_leads_and_another_takes_over_when_it_gives_up(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.create("leadership_given_up")
    with open_ledger(url, tmp_path) as ledger, open_ledger(url, tmp_path) as other:
        first, second = ledger.leadership(), other.leadership()
        assert [first.lead(), second.lead(), first.lead(), second.lead()] == [True, False] * 2
        first.close()
        assert soon(second.lead)
        assert not first.lead()
        second.close()
        assert soon(first.lead)
        first.close()


def test_a_leader_whose_session_ended_learns_it_before_its_next_step(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.create("leadership_lost")
    with open_ledger(url, tmp_path) as ledger:
        first, second = ledger.leadership(), ledger.leadership()
        assert first.lead()
        postgres.run(f"SELECT pg_terminate_backend(pid) {HOLDERS}", "leadership_lost")
        assert soon(second.lead)
        assert not first.lead()
        assert not first.lead(), "it takes part again, and is not first"
        second.close()
        assert soon(first.lead)
        first.close()


def test_ledgers_of_one_database_have_leaders_of_their_own(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.create("leadership_schemas")
    postgres.run("CREATE SCHEMA other", "leadership_schemas")
    elsewhere = f"{url}?options=-csearch_path%3Dother"
    with open_ledger(url, tmp_path) as ledger, open_ledger(elsewhere, tmp_path) as other:
        first, second = ledger.leadership(), other.leadership()
        assert first.lead()
        assert second.lead()
        first.close()
        second.close()


def test_nobody_leads_while_the_database_is_away(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.create("leadership_away")
    with open_ledger(url, tmp_path) as ledger:
        leadership = ledger.leadership()
        assert leadership.lead()
        postgres.run("ALTER DATABASE leadership_away ALLOW_CONNECTIONS false", "postgres")
        postgres.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = 'leadership_away'",
            "postgres",
        )
        assert not leadership.lead()
        assert not leadership.lead()
        postgres.run("ALTER DATABASE leadership_away ALLOW_CONNECTIONS true", "postgres")
        assert soon(leadership.lead)
        leadership.close()


def test_a_ledger_in_a_file_has_one_server(tmp_path: Path) -> None:
    with open_ledger("sqlite", tmp_path) as ledger, open_ledger("sqlite", tmp_path) as other:
        first, second = ledger.leadership(), other.leadership()
        assert first.lead()
        assert first.lead()
        with pytest.raises(StoreError, match="Another server already serves"):
            second.lead()
        first.close()
        assert second.lead()
        second.close()


def test_a_ledger_in_memory_is_nobody_elses(tmp_path: Path) -> None:
    with open_ledger("sqlite://", tmp_path) as ledger:
        leadership = ledger.leadership()
        assert isinstance(leadership, SoleLeadership)
        assert leadership.lead()
        leadership.close()


def test_which_ledgers_several_servers_may_serve() -> None:
    assert is_shared("postgresql://me@db/x")
    assert not is_shared("sqlite")
    assert not is_shared("sqlite:///shared.sqlite")


def test_commits_are_durable_whatever_the_database_does_by_itself(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.create("ledger_hasty")
    postgres.run("ALTER DATABASE ledger_hasty SET synchronous_commit = off", "postgres")
    with open_ledger(url, tmp_path) as ledger, ledger._engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
