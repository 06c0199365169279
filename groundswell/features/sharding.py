"""The same computation as a function from Arrow to Arrow, for engines that call it by shard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.features.reading import Shard
from groundswell.features.shard import rows_of_table

if TYPE_CHECKING:
    import pyarrow as pa

    from groundswell.features.assembling import Computation
    from groundswell.features.exact import Ints

SHARD = "shard"
"""Column that numbers the shard of each row: its account // the size of a shard."""


@dataclass(frozen=True)
class ShardFunction:
    """Computes the features of one shard; travels to other processes by pickle.

    Attributes:
        computation: What `prepare` gathered.
        as_of: Days since 1970-01-01, ascending.
        size: Accounts in a shard.
    """

    computation: Computation
    as_of: Ints
    size: int

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return the features of the shard's accounts, with or without rows of their own.

        Args:
            table: All rows of the roll-up of one shard, in any order, and `shard`. A shard
                without rows is never called for: its accounts are the caller's to compute.
        """
        first = int(table.column(SHARD)[0].as_py()) * self.size
        count = min(self.size, len(self.computation.dimensions.filed) - first)
        table = table.sort_by([(name, "ascending") for name in _ORDER])
        rows = rows_of_table(table, self.computation.setting, first_account=first)
        return self.computation.compute(rows, Shard(first, count, self.as_of)).to_arrow()


_ORDER = ("account", "person", "visible", "day")
