"""Tables for others: whole, in one transaction, and the same on every engine that keeps any."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from sqlglot import exp, parse_one

from groundswell.errors import StoreError
from groundswell.store.duckdb_warehouse import DuckDBWarehouse
from groundswell.store.postgres_warehouse import PostgresWarehouse
from groundswell.store.warehouse import KeepsTables, open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from groundswell.store.warehouse import Warehouse

AT = datetime(2026, 3, 4, 10, tzinfo=UTC)
ROWS = pl.DataFrame(
    {
        "account_id": ["a", "b", None],
        "mrr": [Decimal("12.50"), None, Decimal("0.01")],
        "opened_at": [AT, None, AT],
        "as_of": [date(2026, 3, 4), None, None],
        "urgent": [True, None, False],
        "score": [1.5, None, 0.0],
        "breaches": [1, None, 2],
    },
    schema_overrides={"mrr": pl.Decimal(18, 2), "opened_at": pl.Datetime("us", "UTC")},
)


@pytest.fixture(params=["duckdb", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine that keeps tables for others."""
    return request.param


@pytest.fixture
def keeper(warehouse_url: str, tmp_path: Path) -> Iterator[KeepsTables]:
    with open_warehouse(warehouse_url, tmp_path) as opened:
        assert isinstance(opened, KeepsTables)
        yield opened


def rows(keeper: Warehouse, table: str) -> list[dict[str, object]]:
    select = parse_one(f"SELECT * FROM {table} ORDER BY 1 NULLS LAST")
    assert isinstance(select, exp.Query)
    return keeper.query(select).read_all().to_pylist()


def run(keeper: Warehouse, *statements: str) -> None:
    """Do something beside it, as whoever reads the tables does."""
    if isinstance(keeper, DuckDBWarehouse):
        for statement in statements:
            keeper.connection.execute(statement)
    else:
        assert isinstance(keeper, PostgresWarehouse)
        with keeper._transaction() as cursor:
            for statement in statements:
                cursor.execute(statement)


def test_a_table_holds_just_the_rows_that_it_was_given_last(keeper: KeepsTables) -> None:
    before = keeper.version()
    keeper.replace_tables({"dim_accounts": ROWS.to_arrow()})
    assert rows(keeper, "dim_accounts") == ROWS.to_dicts()
    fewer = ROWS.head(1).with_columns(score=2.5)
    keeper.replace_tables({"dim_accounts": fewer.to_arrow()})
    assert rows(keeper, "dim_accounts") == fewer.to_dicts()
    keeper.replace_tables({"dim_accounts": ROWS.clear().to_arrow()})
    assert rows(keeper, "dim_accounts") == []
    assert keeper.version() == before


def test_all_tables_are_replaced_or_none(keeper: KeepsTables) -> None:
    one = pl.DataFrame({"n": [1]})
    keeper.replace_tables({"first": one.to_arrow()})
    run(keeper, "CREATE VIEW second AS SELECT 1 AS n UNION ALL SELECT 2")
    two = pl.DataFrame({"n": [2]}).to_arrow()
    with pytest.raises(StoreError, match="refused"):
        keeper.replace_tables({"first": two, "second": two})
    assert rows(keeper, "first") == [{"n": 1}]
    keeper.replace_tables({"first": two})
    assert rows(keeper, "first") == [{"n": 2}]


def test_views_that_others_made_live_on_when_a_column_comes(keeper: KeepsTables) -> None:
    keeper.replace_tables({"dim_accounts": ROWS.to_arrow()})
    run(keeper, "CREATE VIEW mine AS SELECT account_id, score FROM dim_accounts")
    more = ROWS.select("score", "account_id", region=pl.lit("west"))
    keeper.replace_tables({"dim_accounts": more.to_arrow()})
    assert rows(keeper, "mine")[0] == {"account_id": "a", "score": 1.5}
    first = rows(keeper, "dim_accounts")[0]
    assert (first["region"], first["score"], first["mrr"]) == ("west", 1.5, None)


def test_who_reads_meanwhile_sees_the_rows_of_before(keeper: KeepsTables) -> None:
    keeper.replace_tables({"dim_accounts": pl.DataFrame({"n": range(200_000)}).to_arrow()})
    select = parse_one("SELECT n FROM dim_accounts")
    assert isinstance(select, exp.Query)
    stream = keeper.query(select)
    first = stream.read_next_batch()
    keeper.replace_tables({"dim_accounts": pl.DataFrame({"n": [7]}).to_arrow()})
    rest = stream.read_all()
    assert first.num_rows + rest.num_rows == 200_000
    assert rows(keeper, "dim_accounts") == [{"n": 7}]


def test_the_names_of_the_warehouse_are_its_own(keeper: KeepsTables) -> None:
    for name in ("events", "users", "Dim", "a b"):
        with pytest.raises(StoreError, match="cannot be called"):
            keeper.replace_tables({name: pa.table({"n": [1]})})


def test_spark_keeps_none(tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    with open_warehouse(f"spark://local[1]?path={tmp_path / 'lake'}", tmp_path) as lake:
        assert not isinstance(lake, KeepsTables)
