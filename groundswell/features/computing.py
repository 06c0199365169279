"""Features of all accounts as of any days: the roll-up read in chunks, shards shared by threads."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.clock import day_number
from groundswell.features.assembling import Computation
from groundswell.features.dimensions import know_dimensions
from groundswell.features.exact import axes_of
from groundswell.features.marks import mark_rows, summed_properties
from groundswell.features.people import know_people
from groundswell.features.reading import Shard
from groundswell.features.rollup import build_activity, read_coded
from groundswell.features.shard import Setting, rows_of_table
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    import pyarrow as pa
    from numpy.typing import NDArray

    from groundswell.features.people import Filing
    from groundswell.features.plan import FeaturePlan
    from groundswell.features.rollup import Activity, Facts

    Ints = NDArray[np.int64]

CHUNK_ROWS = 2_000_000
"""Rows of the roll-up that are read at a time."""

SHARD_ROWS = 1_000_000
"""Rows of the roll-up that are computed at a time, so that threads share even a single day."""

SHARD_CELLS = 60_000
"""Pairs of account and day that are computed at a time: about 100 MB with the built-ins."""


def prepare(plan: FeaturePlan, warehouse: Facts, activity: Activity, filing: Filing) -> Computation:
    """Build the roll-up if it is stale, and gather all that every shard needs."""
    build_activity(warehouse, activity, plan, filing)
    coded = read_coded(warehouse, plan)
    people = know_people(filing, warehouse.read(Kind.USERS), warehouse.read(Kind.MEMBERSHIPS))
    marks = mark_rows(
        plan,
        coded.coding,
        coded.keys,
        teams=len(people.teams),
        workspaces=coded.workspaces,
    )
    setting = Setting(plan, axes_of(plan), marks, people)
    return Computation(setting, know_dimensions(plan, filing, warehouse))


def compute_features(
    plan: FeaturePlan,
    warehouse: Facts,
    activity: Activity,
    filing: Filing,
    as_of: Sequence[date],
    *,
    threads: int = 2,
    accounts: list[str] | None = None,
) -> Iterator[pl.DataFrame]:
    """Compute every feature of every account as of each of some days.

    Memory stays bounded: shards of accounts are computed one after the other, and a frame is
    yielded as soon as it and those before it are done.

    Args:
        plan: What is measured.
        warehouse: Facts and dimensions.
        activity: The roll-up; it is built first when it is stale.
        filing: Which account events count for.
        as_of: Days, in any order; a day counts once.
        threads: Shards computed at the same time.
        accounts: The accounts wanted, by id; all of them when None.

    Yields:
        Frames with account_id, as_of and every feature in declared order (booleans, 64-bit
        floats, texts). All days of an account are in one frame, ascending. An account that is
        not known by the end of a day has no row as of that day.
    """
    days = np.array(sorted({day_number(day) for day in as_of}), dtype=np.int64)
    if not len(days):
        return
    computation = prepare(plan, warehouse, activity, filing)
    total = len(computation.dimensions.filed)
    ranges = [(0, total)] if accounts is None else _ranges(computation, accounts)
    pending: deque[Future[pl.DataFrame]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for first, end in ranges:
            for shard, table in _shards(activity, plan, days, first, end):
                pending.append(pool.submit(_compute, computation, shard, table))
                if len(pending) > threads:
                    yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _compute(computation: Computation, shard: Shard, table: pa.Table) -> pl.DataFrame:
    rows = rows_of_table(table, computation.setting, first_account=shard.first)
    return computation.compute(rows, shard)


def _ranges(computation: Computation, accounts: list[str]) -> list[tuple[int, int]]:
    """Return runs (first, end) of the accounts wanted."""
    filed = computation.dimensions.filed
    wanted = np.sort(
        filed.filter(filed["account_id"].is_in(accounts))["account"].to_numpy().astype(np.int64)
    )
    if not len(wanted):
        return []
    cuts = np.flatnonzero(np.diff(wanted) > 1) + 1
    runs = np.split(wanted, cuts)
    return [(int(run[0]), int(run[-1]) + 1) for run in runs]


def _shards(
    activity: Activity, plan: FeaturePlan, days: Ints, first: int, end: int
) -> Iterator[tuple[Shard, pa.Table]]:
    """Cut the accounts first .. end-1, with or without rows, into shards."""
    most = max(1, SHARD_CELLS // len(days))
    sums = [f"s{i}" for i in range(len(summed_properties(plan)))]
    columns = ["account", "person", "day", "event", "key", "n", "first_at", "last_at"]
    columns += ["visible", "hidden", *sums]
    at, empty = first, None
    for table in activity.chunks(CHUNK_ROWS, columns=columns, accounts=(first, end - 1)):
        owner = pl.Series(table.column("account")).to_numpy()
        empty = table.slice(0, 0)
        upto = int(owner[-1]) + 1
        low = at
        while low < upto:
            begin = int(np.searchsorted(owner, low))
            # The accounts of so many rows, and always one account at least.
            reached = int(owner[begin + SHARD_ROWS]) if begin + SHARD_ROWS < len(owner) else upto
            high = min(low + most, max(reached, low + 1), upto)
            stop = int(np.searchsorted(owner, high))
            yield Shard(low, high - low, days), table.slice(begin, stop - begin)
            low = high
        at = upto
    if at < end and empty is None:
        empty = _empty_table(columns)
    for low in range(at, end, most):
        assert empty is not None
        yield Shard(low, min(most, end - low), days), empty


def _empty_table(columns: Sequence[str]) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415

    kinds = {name: pa.float64() if name[1:].isdecimal() else pa.int32() for name in columns}
    return pa.schema(list(kinds.items())).empty_table()
