"""Which engine a warehouse URL means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from groundswell.errors import MissingExtraError, Problem, StoreError, did_you_mean
from groundswell.store.dialects import COMPILED
from groundswell.store.urls import scheme_of

if TYPE_CHECKING:
    from groundswell.store.warehouse import Warehouse

RUNNABLE = ("duckdb", "postgresql", "spark")


def open_engine(url: str, folder: Path) -> Warehouse:
    """Open the warehouse that `url` names; see `warehouse.open_warehouse`."""
    scheme = scheme_of(url)
    if scheme == "duckdb":
        from groundswell.store.duckdb_warehouse import DuckDBWarehouse  # noqa: PLC0415

        rest = url.removeprefix("duckdb").removeprefix("://")
        return DuckDBWarehouse(Path(rest) if rest else folder / "warehouse.duckdb")
    if scheme in {"postgresql", "postgres"}:
        from groundswell.store.postgres_warehouse import PostgresWarehouse  # noqa: PLC0415

        return PostgresWarehouse(url)
    if scheme == "spark":
        try:
            from groundswell.store.spark_warehouse import SparkWarehouse  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise MissingExtraError("spark", needed_for="A warehouse on Spark") from error
        return SparkWarehouse(url)
    raise _not_here(scheme)


def _not_here(scheme: str) -> StoreError:
    if scheme in COMPILED:
        return StoreError(COMPILED[scheme].problem())
    known = (*RUNNABLE, *COMPILED)
    return StoreError(
        Problem(
            code="store-unknown-engine",
            what=f"There is no warehouse engine `{scheme}`.",
            fix=did_you_mean(scheme, known, noun="Known"),
        )
    )
