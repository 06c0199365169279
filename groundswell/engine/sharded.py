"""Features of every account, computed by the workers of a warehouse that has some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from sqlglot import exp

from groundswell.clock import day_number
from groundswell.features.sharding import SHARD, ShardFunction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    import pyarrow as pa

    from groundswell.features import Computation
    from groundswell.store.activity import Activity
    from groundswell.store.warehouse import ShardedWarehouse

CELLS = 60_000
"""Pairs of account and day in a shard at most: about 100 MB with the built-in features."""

ROWS = 500_000
"""Rows of the roll-up in a shard, on average, at most."""

SHARDS = 8
"""Shards at least, so that a small company too is shared out among workers."""

_SHARDS = "shards"


def compute_on_workers(
    computation: Computation,
    warehouse: ShardedWarehouse,
    activity: Activity,
    as_of: Sequence[date],
) -> Iterator[pl.DataFrame]:
    """Compute every feature of every account as of each of some days, on the workers.

    The roll-up stays with them; one row per account and day comes back.

    Args:
        computation: What is computed, as `features.prepare` gathered it.
        warehouse: Whose workers compute.
        activity: The roll-up that `prepare` saw to.
        as_of: Days, in any order; a day counts once.

    Yields:
        Frames as those of `features.compute_features`: all days of an account in one frame.
    """
    days = np.array(sorted({day_number(day) for day in as_of}), dtype=np.int64)
    accounts = computation.dimensions.filed.height
    if not len(days) or not accounts:
        return
    size = shard_size(accounts, rows=activity.rows, days=len(days))
    numbers = np.arange(-(-accounts // size), dtype=np.int32)
    warehouse.put(_SHARDS, pl.DataFrame({SHARD: numbers}).to_arrow())
    function = ShardFunction(computation, days, size)
    shards = _by_shard(function.columns, size)
    reader = warehouse.map_shards(shards, by=SHARD, function=function, schema=function.schema)
    with reader:
        yield from whole_accounts(reader)


def shard_size(accounts: int, *, rows: int, days: int) -> int:
    """Return how many accounts make a shard, for a number of rows of the roll-up and of days.

    >>> shard_size(60, rows=9_000, days=9), shard_size(50_000, rows=30_000_000, days=104)
    (7, 576)
    """
    by_rows = accounts * ROWS // max(rows, 1)
    return max(1, min(CELLS // days, by_rows, accounts // SHARDS))


def _by_shard(columns: Sequence[str], size: int) -> exp.Query:
    """Number the shard of each row of the roll-up, and call for every shard, rows or not."""
    number = exp.IntDiv(this=exp.column("account"), expression=exp.Literal.number(size))
    shard = exp.alias_(exp.cast(number, "int"), SHARD)
    nothing = [exp.alias_(exp.null(), name) for name in columns]
    rows = exp.select(shard, *columns).from_("activity")
    return exp.union(rows, exp.select(SHARD, *nothing).from_(_SHARDS), distinct=False)


def whole_accounts(batches: Iterable[pa.RecordBatch]) -> Iterator[pl.DataFrame]:
    """Cut batches anew so that rows of one account, which follow each other, stay together."""
    held: pl.DataFrame | None = None
    for batch in batches:
        frame = pl.DataFrame(batch)
        held = frame if held is None else pl.concat([held, frame])
        if held.is_empty():
            continue
        changes = (held["account_id"] != held["account_id"][-1]).arg_true()
        ended = int(changes[-1]) + 1 if len(changes) else 0
        if ended:
            yield held[:ended]
            held = held[ended:]
    if held is not None and not held.is_empty():
        yield held
