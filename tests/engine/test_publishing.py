"""Accounts and handoffs as tables in the warehouse, after every pass, for who reads it in SQL."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlglot import exp, parse_one

from groundswell.clock import FixedClock
from groundswell.engine import Project
from groundswell.engine.publishing import DIM_ACCOUNTS, FCT_PQL
from tests.handing.conftest import NOW, load_company, write_company

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engines import Postgres

_NUMBERS = itertools.count()
BOTH = ["dim_accounts", "fct_pql"]


@pytest.fixture(params=["duckdb", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine that keeps tables for others."""
    return request.param


@pytest.fixture
def url(engine: str, request: pytest.FixtureRequest) -> str:
    if engine == "duckdb":
        return "duckdb"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create(f"published_{next(_NUMBERS)}")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def project(url: str, tmp_path: Path, clock: FixedClock) -> Iterator[Project]:
    """Three accounts, one of which pays."""
    write_company(tmp_path, 3, warehouse="${WAREHOUSE}", tables=BOTH)
    bought = "account_id,plan,mrr,seats,started_at\na00002,Team,99.90,5,2026-02-01T00:00:00Z\n"
    (tmp_path / "subscriptions.csv").write_text(bought)
    with Project.open(tmp_path, clock=clock, environ={"WAREHOUSE": url}) as opened:
        load_company(opened, tmp_path)
        opened.load("subscriptions", [tmp_path / "subscriptions.csv"])
        yield opened


def rows(project: Project, table: str) -> dict[str, dict[str, Any]]:
    select = parse_one(f"SELECT * FROM {table}")
    assert isinstance(select, exp.Query)
    found = project.warehouse.query(select).read_all().to_pylist()
    return {row["account_id"]: row for row in found}


def test_every_account_is_a_row_as_of_the_latest_run(project: Project) -> None:
    assert project.run().warnings == ()
    there = rows(project, "dim_accounts")
    assert list(next(iter(there.values()))) == list(DIM_ACCOUNTS)
    told = {account.account_id: account for account in project.accounts()}
    assert there.keys() == told.keys()
    for name, row in there.items():
        assert row["score"] == pytest.approx(told[name].score)
        assert (row["motion"], row["tier"]) == (told[name].motion, told[name].tier)
        assert (row["domain"], row["employees"]) == (f"firm{int(name[1:])}.example", 80)
        assert row["as_of"] == NOW.date()
        handoff = project.handoffs.get(name)
        assert (row["handoff_id"], row["handoff_state"]) == (handoff.handoff_id, "assigned")
        assert row["owner"] == handoff.owner
    assert (there["a00002"]["plan"], there["a00002"]["mrr"]) == ("Team", Decimal("99.90"))


def test_every_handoff_is_a_row_with_the_instants_of_its_life(
    project: Project, clock: FixedClock
) -> None:
    project.run()
    first, second = (project.handoffs.get(name) for name in ("a00000", "a00001"))
    clock.advance(dt.timedelta(hours=1))
    project.handoffs.step("a00000", "accept", who=str(first.owner))
    project.handoffs.step("a00001", "decline", who=str(second.owner), reason="not_a_fit")
    clock.advance(dt.timedelta(hours=1))
    project.run()
    there = rows(project, "fct_pql")
    assert list(next(iter(there.values()))) == list(FCT_PQL)
    one, two, three = (there[name] for name in ("a00000", "a00001", "a00002"))
    assert (one["state"], one["accepted_at"]) == ("accepted", NOW + dt.timedelta(hours=1))
    assert one["first_touch_at"] == one["accepted_at"]
    assert (one["opened_at"], one["assigned_at"], one["declined_at"]) == (NOW, NOW, None)
    assert (two["state"], two["declined_at"]) == ("declined", NOW + dt.timedelta(hours=1))
    assert (two["closed_reason"], two["won_at"], two["accepted_at"]) == ("not_a_fit", None, None)
    assert (three["rule"], three["team"], three["urgent"], three["breaches"]) == (
        project.explain("a00002").decision.rule,
        "sales_assist",
        True,
        1,  # nobody answered within the hour
    )
    assert {name: row["tier"] for name, row in there.items()} == {
        account.account_id: account.tier for account in project.accounts()
    }
    assert rows(project, "dim_accounts")["a00001"]["handoff_state"] == "declined"


def test_the_tier_of_a_handoff_is_that_of_its_day(project: Project, clock: FixedClock) -> None:
    project.run()
    before = rows(project, "fct_pql")["a00000"]["tier"]
    bought = "account_id,plan,mrr,seats,started_at\na00000,Team,10,5,2026-03-05T00:00:00Z\n"
    (project.root / "more.csv").write_text(bought)
    clock.advance(dt.timedelta(days=2))
    project.load("subscriptions", [project.root / "more.csv"])
    project.run()
    assert rows(project, "dim_accounts")["a00000"]["tier"] != before
    assert rows(project, "fct_pql")["a00000"]["tier"] == before
    assert rows(project, "fct_pql")["a00000"]["converted_at"] == clock.now()


def test_what_cannot_be_written_is_told_and_the_run_stands(project: Project) -> None:
    with_view = parse_one("SELECT 1 AS n UNION ALL SELECT 2 AS n").sql()
    if project.warehouse.dialect == "duckdb":
        project.warehouse.connection.execute(f"CREATE VIEW fct_pql AS {with_view}")
    else:
        with project.warehouse._transaction() as cursor:
            cursor.execute(f"CREATE VIEW fct_pql AS {with_view}")
    (warning,) = project.run().warnings
    assert warning.startswith("The tables were not written: ")
    assert "refused" in warning
    assert project.accounts()


def test_nothing_is_written_unless_it_is_asked_for(tmp_path: Path, clock: FixedClock) -> None:
    write_company(tmp_path, 1)
    with Project.open(tmp_path, clock=clock, environ={}) as opened:
        load_company(opened, tmp_path)
        opened.run()
        tables = opened.warehouse.connection.sql("SHOW TABLES").fetchall()
        assert not {name for (name,) in tables} & set(BOTH)
    told = json.loads((tmp_path / "groundswell.yaml").read_text())
    (tmp_path / "groundswell.yaml").write_text(json.dumps({**told, "tables": ["fct_pql"]}))
    with Project.open(tmp_path, clock=clock, environ={}) as opened:
        opened.run()
        tables = opened.warehouse.connection.sql("SHOW TABLES").fetchall()
        assert {name for (name,) in tables} & set(BOTH) == {"fct_pql"}
