"""Which engine a URL means, and what is said of those that do not run here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from groundswell.errors import StoreError
from groundswell.store.warehouse import open_warehouse

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("scheme", ["snowflake", "bigquery", "clickhouse", "databricks"])
def test_a_compiled_engine_says_so_and_names_the_way_round(scheme: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refused:
        open_warehouse(f"{scheme}://me:s3cret@account/db", tmp_path)
    (problem,) = refused.value.problems
    assert problem.code == "store-compiled-only"
    assert "its SQL is compiled and tested as text only" in problem.what
    assert "groundswell load events" in problem.fix
    assert "s3cret" not in str(refused.value)


def test_an_unknown_engine_suggests_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Did you mean `postgresql`"):
        open_warehouse("postgresq://h/d", tmp_path)


def test_spark_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"spark://h:7077\?path="):
        open_warehouse("spark://h:7077", tmp_path)
