"""The same computation as a function from Arrow to Arrow, for engines that call it by shard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from groundswell.config.vocabulary import ValueType
from groundswell.features.marks import summed_properties
from groundswell.features.reading import Shard
from groundswell.features.shard import rows_of_table

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
        table = table.sort_by([(name, "ascending") for name in _ORDER])
        rows = rows_of_table(table, self.computation.setting, first_account=first)
        frame = self.computation.compute(rows, Shard(first, count, self.as_of))
        return frame.to_arrow().cast(self.schema)

    @property
    def columns(self) -> list[str]:
        """What is read of the roll-up."""
        sums = summed_properties(self.computation.setting.plan)
        return [*_COLUMNS, *(f"s{index}" for index in range(len(sums)))]

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
_COLUMNS = (
    *("account", "person", "day", "event", "key", "n", "first_at", "last_at"),
    *("visible", "hidden"),
)
_ORDER = ("account", "person", "visible", "day")
