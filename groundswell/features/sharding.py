"""The same computation as a function from Arrow to Arrow, for engines that call it by shard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from groundswell.config.vocabulary import ValueType
from groundswell.features.reading import Shard
from groundswell.features.source import HeldRows, columns_of, rows_of_table

if TYPE_CHECKING:
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
            table: All rows of the roll-up of one shard, in any order, and `shard`. A row without
                an account is none of the roll-up's: it only calls for a shard that has no other.
        """
        first = int(table.column(SHARD)[0].as_py()) * self.size
        count = min(self.size, len(self.computation.dimensions.filed) - first)
        table = table.filter(table.column("account").is_valid())
        rows = rows_of_table(table.select(self.columns))
        frame = self.computation.compute(HeldRows(rows), Shard(first, count, self.as_of))
        return frame.to_arrow().cast(self.schema)

    @property
    def columns(self) -> list[str]:
        """What is read of the roll-up."""
        return columns_of(self.computation.setting.plan)

    @property
    def schema(self) -> pa.Schema:
        """What comes back: account_id, as_of and every feature."""
        plan = self.computation.setting.plan
        features = [(name, _TYPES[plan.types[name]]) for name in plan.names]
        return pa.schema([("account_id", pa.string()), ("as_of", pa.date32()), *features])


_TYPES = {
    ValueType.NUMBER: pa.float64(),
    ValueType.TEXT: pa.string(),
    ValueType.BOOLEAN: pa.bool_(),
}
