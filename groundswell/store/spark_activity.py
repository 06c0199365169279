"""The roll-up on Spark: written by the workers, mapped by them, and read here for a few accounts.

It lies in the warehouse's folder as Parquet, each file sorted by account. The workers compute
all accounts from it (`map_shards`); for some accounts the driver reads just their rows, since a
job would take longer than the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import pyarrow as pa
from sqlglot import exp

from groundswell.errors import Problem, StoreError
from groundswell.store.activity import ORDER, between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.store.spark_warehouse import SparkWarehouse


class SparkActivity:
    """The roll-up: written whole by the workers, read in runs of whole accounts."""

    dialect = "spark"

    def __init__(self, warehouse: SparkWarehouse) -> None:
        """Use the roll-up in a warehouse's folder."""
        self._warehouse = warehouse

    @property
    def fingerprint(self) -> str | None:
        """What the roll-up was made from, as given to `replace`; None before the first."""
        return self._warehouse.activity_made_from

    @property
    def rows(self) -> int:
        """How many rows the roll-up has."""
        counted = exp.select(exp.alias_(exp.Count(this=exp.Star()), "rows")).from_("activity")
        return self._warehouse.small(counted)["rows"][0].as_py()

    @property
    def events(self) -> int:
        """How many events its rows count."""
        total = exp.func("COALESCE", exp.Sum(this=exp.column("n")), exp.Literal.number(0))
        summed = exp.select(exp.alias_(total, "events")).from_("activity")
        return self._warehouse.small(summed)["events"][0].as_py()

    def forget(self) -> None:
        """Let the roll-up there is count as stale, whatever it was made from."""
        self._warehouse.forget_activity()

    def replace(self, source: exp.Query | pa.RecordBatchReader, *, fingerprint: str) -> int:
        """Put a new roll-up in place of the old; return its rows.

        Args:
            source: A SELECT over the warehouse; rows from elsewhere are refused.
            fingerprint: What it is made from.

        Raises:
            StoreError: The source is no SELECT, or Spark refuses it.
        """
        if not isinstance(source, exp.Query):
            raise StoreError(
                Problem(
                    code="store-activity-source",
                    what="The roll-up of a Spark warehouse is made by Spark, from a SELECT.",
                    fix="Give the SELECT that `compile_rollup` writes for the dialect `spark`.",
                )
            )
        self._warehouse.keep_activity(source, fingerprint=fingerprint)
        return self.rows

    def counts(self, accounts: tuple[int, int]) -> pa.Table:
        """Return account and rows (int64) of those accounts, first to last, that have some."""
        if self.fingerprint is None:
            return pa.table({"account": pa.array([], pa.int32()), "rows": pa.array([], pa.int64())})
        counted = (
            exp.select("account", exp.alias_(exp.Count(this=exp.Star()), "rows"))
            .from_("activity")
            .where(between(accounts))
            .group_by("account")
        )
        return self._warehouse.small(counted)

    def read(
        self,
        *,
        columns: Sequence[str],
        accounts: tuple[int, int] | None = None,
        where: exp.Expr | None = None,
    ) -> pa.Table:
        """Return rows in order; see `ActivityStore.read`."""
        rows = exp.select(*columns).from_("activity").where(between(accounts), where)
        ordered = [name for name in ORDER.split(", ") if name in columns]
        return self._warehouse.small(rows.order_by(*ordered))

    def close(self) -> None:
        """Do nothing: the warehouse holds it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
