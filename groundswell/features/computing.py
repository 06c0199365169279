"""Features of all accounts as of any days: the roll-up read in pieces, shared by threads."""

from __future__ import annotations

import itertools
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from groundswell.clock import day_number
from groundswell.features.assembling import Computation, Work
from groundswell.features.dimensions import know_dimensions
from groundswell.features.exact import axes_of
from groundswell.features.marks import mark_rows
from groundswell.features.people import know_people
from groundswell.features.reading import Shard
from groundswell.features.rollup import build_activity, read_coded
from groundswell.features.shard import Setting
from groundswell.features.source import StoredRows
from groundswell.model import Kind
from groundswell.store.arrays import to_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    import polars as pl
    from numpy.typing import NDArray

    from groundswell.features.people import Filing
    from groundswell.features.plan import FeaturePlan
    from groundswell.features.rollup import Activity, Facts
    from groundswell.features.shard import Left

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

SHARD_CELLS = 60_000
"""Pairs of account and day that are assembled at a time: about 100 MB with the built-ins."""

LEAST_CELLS, SHARDS = 8_000, 8
"""A single day too is shared out, so that one shard is assembled while another is walked."""

PIECE_ROWS = 1_000_000
"""Rows of the roll-up that are read and walked at a time, so that threads share a single day."""


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
    return Computation(setting, know_dimensions(plan, filing, warehouse, people))


def compute_features(
    computation: Computation,
    activity: Activity,
    as_of: Sequence[date],
    *,
    threads: int = 2,
    accounts: list[str] | None = None,
    kept: Floats | None = None,
) -> Iterator[pl.DataFrame]:
    """Compute every feature of every account as of each of some days.

    Memory stays bounded: shards of accounts are computed one after the other, and a frame is
    yielded as soon as it and those before it are done.

    Args:
        computation: What is computed, as `prepare` gathered it.
        activity: The roll-up that `prepare` saw to.
        as_of: Days, in any order; a day counts once.
        threads: Shards computed at the same time.
        accounts: The accounts wanted, by id; all of them when None.
        kept: [account of all, step]: filled with the steps as of the last day.

    Yields:
        Frames with account_id, as_of and every feature in declared order (booleans, 64-bit
        floats, texts). All days of an account are in one frame, ascending. An account that is
        not known by the end of a day has no row as of that day.
    """
    days = np.array(sorted({day_number(day) for day in as_of}), dtype=np.int64)
    if not len(days):
        return
    total = len(computation.dimensions.filed)
    ranges = [(0, total)] if accounts is None else _ranges(computation, accounts)
    if not total or not ranges:
        return
    every = (ranges[0][0], ranges[-1][1] - 1)
    source = StoredRows.of(activity, computation.setting.plan, every)
    rows = _rows_before(activity, every)
    most = max(1, min(SHARD_CELLS, max(LEAST_CELLS, total * len(days) // SHARDS)) // len(days))
    pending: deque[Future[pl.DataFrame]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for first, end in ranges:
            for low in range(first, end, most):
                shard = Shard(low, min(most, end - low), days)
                work = Work.of(computation, source, shard, kept=kept)
                *others, last = _pieces(rows, low, low + shard.count)
                # Pieces come before what waits for them, so that no thread waits in vain.
                walked = [pool.submit(work.walk, *piece) for piece in others]
                pending.append(pool.submit(_finish, work, last, walked))
                if len(pending) > threads:
                    yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _finish(work: Work, last: tuple[int, int], others: list[Future[Left]]) -> pl.DataFrame:
    left = work.walk(*last)
    return work.frame([*(other.result() for other in others), left])


def _rows_before(activity: Activity, accounts: tuple[int, int]) -> Ints:
    """Return, by account and for the one after the last, the rows of accounts before it.

    Accounts before the first of `accounts` have none here.
    """
    counts = activity.counts(accounts)
    rows = np.zeros(accounts[1] + 2, dtype=np.int64)
    rows[to_numpy(counts.column("account")) + 1] = to_numpy(counts.column("rows"))
    return np.cumsum(rows)


def _pieces(rows: Ints, first: int, end: int) -> list[tuple[int, int]]:
    """Cut accounts first .. end-1 into runs of about `PIECE_ROWS` rows, one account at least."""
    cuts = [first]
    while cuts[-1] < end:
        reached = int(np.searchsorted(rows, rows[cuts[-1]] + PIECE_ROWS, side="right")) - 1
        cuts.append(min(max(reached, cuts[-1] + 1), end))
    return list(itertools.pairwise(cuts))


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
