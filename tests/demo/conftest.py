from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import duckdb
import pytest

from groundswell.demo import generate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.demo import DemoCompany

ACCOUNTS = 400


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> DemoCompany:
    """A small company with the full history."""
    return generate(tmp_path_factory.mktemp("company"), accounts=ACCOUNTS, end=date(2026, 6, 30))


@pytest.fixture(scope="session")
def tables(company: DemoCompany) -> Iterator[duckdb.DuckDBPyConnection]:
    """The company's files as views: events, truth, and one for each CSV."""
    with duckdb.connect(config={"threads": 1}) as connection:
        folder = company.folder
        connection.execute(f"CREATE VIEW events AS SELECT * FROM '{folder}/events/*.parquet'")
        connection.execute(
            "CREATE TABLE good AS SELECT *, make_timestamp(epoch_us(timestamp)) AS happened, "
            "make_timestamp(epoch_us(timestamp))::DATE AS day, "
            "make_timestamp(epoch_us(received_at)) AS received FROM events "
            f"WHERE happened < '{company.end}'::DATE + 1 AND json_valid(properties) "
            "AND (user_id IS NOT NULL OR anonymous_id IS NOT NULL)"
        )
        connection.execute(f"CREATE TABLE truth AS SELECT * FROM '{company.truth}'")
        for name in company.rows:
            connection.execute(
                f"CREATE TABLE {name} AS SELECT * FROM read_csv('{folder}/{name}.csv', "
                "all_varchar=true, strict_mode=false, null_padding=true, ignore_errors=true)"
            )
        yield connection
