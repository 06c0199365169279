"""The roll-up on Spark: written by the workers, mapped by them, and read here for a few accounts.

It lies in the warehouse's folder as Parquet, each file sorted by account. The workers compute
all accounts from it (`map_shards`); for some accounts the driver reads just their rows, since a
job would take longer than the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sqlglot import exp

from groundswell.errors import Problem, StoreError
from groundswell.store.activity import account_ranges

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from groundswell.store.spark_warehouse import SparkWarehouse

_ORDER = ("account", "person", "visible", "day")


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

    def chunks(
        self,
        max_rows: int,
        *,
        columns: Sequence[str] | None = None,
        accounts: tuple[int, int] | None = None,
    ) -> Iterator[pa.Table]:
        """Yield the rows in order, in tables of whole accounts; see `ActivityStore.chunks`."""
        if self.fingerprint is None:
            return
        low, high = accounts or (-(2**31), 2**31 - 1)
        counted = (
            exp.select("account", exp.alias_(exp.Count(this=exp.Star()), "rows"))
            .from_("activity")
            .where(_between(low, high))
            .group_by("account")
            .order_by("account")
        )
        counts = self._warehouse.small(counted)
        pairs = zip(counts["account"].to_pylist(), counts["rows"].to_pylist(), strict=True)
        wanted = [*columns] if columns else ["*"]
        for first, last in account_ranges(pairs, max_rows):
            piece = exp.select(*wanted).from_("activity").where(_between(first, last))
            yield self._warehouse.small(piece.order_by(*_ORDER))

    def close(self) -> None:
        """Do nothing: the warehouse holds it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _between(low: int, high: int) -> exp.Expr:
    return exp.Between(
        this=exp.column("account"),
        low=exp.Literal.number(low),
        high=exp.Literal.number(high),
    )
