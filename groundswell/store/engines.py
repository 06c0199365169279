"""Which engine a warehouse URL means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from groundswell.errors import Problem, StoreError

if TYPE_CHECKING:
    from groundswell.store.warehouse import Warehouse


def open_engine(url: str, folder: Path) -> Warehouse:
    """Open the warehouse that `url` names; see `warehouse.open_warehouse`."""
    scheme = url.partition(":")[0]
    if scheme == "duckdb":
        from groundswell.store.duckdb_warehouse import DuckDBWarehouse  # noqa: PLC0415

        rest = url.removeprefix("duckdb").removeprefix("://")
        return DuckDBWarehouse(Path(rest) if rest else folder / "warehouse.duckdb")
    raise StoreError(
        Problem(
            code="store-unknown-engine",
            what=f"There is no warehouse engine `{scheme}`.",
            fix="Use duckdb, postgresql://... or spark://...",
        )
    )
