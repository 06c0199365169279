"""One shard of accounts: from rows of the roll-up to steps, by the kernel or by arrays alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from groundswell.features.entries import Rows, expand, flagged, join
from groundswell.features.exact import Axes, Entries, add_entries, blank
from groundswell.features.marks import summed_properties
from groundswell.features.plan import LIFETIME, NEVER, FeaturePlan, Measure

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from groundswell.features.marks import Marks
    from groundswell.features.people import People

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

WORKSPACE_SHIFT = 16
"""In the roll-up, `event` is the code plus the account's n-th workspace shifted by this."""

_TOLD_APART = (
    Measure.USERS,
    Measure.ACTIVE_DAYS,
    Measure.USER_DAYS,
    Measure.TEAMS,
    Measure.WORKSPACES,
    Measure.DISTINCT,
)


@dataclass(frozen=True)
class Setting:
    """All that shards share; small enough to travel to other processes."""

    plan: FeaturePlan
    axes: Axes
    marks: Marks
    people: People


def rows_of_table(table: pa.Table, setting: Setting, *, first_account: int) -> Rows:
    """Turn a table of the roll-up into arrays.

    Args:
        table: Columns of the activity store.
        setting: What the codes mean.
        first_account: The shard's first account; rows count their accounts from it.
    """
    # Arrow's own `to_numpy` imports pandas, which takes longer than a day's features.
    frame = pl.DataFrame(table)

    def column(name: str) -> Ints:
        return frame.get_column(name).to_numpy()

    event, key = column("event"), column("key")
    code = event & ((1 << WORKSPACE_SHIFT) - 1)
    sums = [column(f"s{i}") for i in range(len(summed_properties(setting.plan)))]
    return Rows(
        account=column("account") - first_account,
        person=column("person"),
        day=column("day"),
        visible=column("visible"),
        hidden=column("hidden"),
        mark=np.where(key > 0, key + (setting.marks.codes - 1), code),
        workspace=event >> WORKSPACE_SHIFT,
        count=column("n"),
        first_at=column("first_at"),
        last_at=column("last_at"),
        sums=np.array(sums, dtype=np.float64).reshape(len(sums), table.num_rows),
    )


def uses_kernel() -> bool:
    """Tell whether the compiled kernel is to be used (`GROUNDSWELL_KERNEL=numpy` says no)."""
    return os.environ.get("GROUNDSWELL_KERNEL", "numba") != "numpy"


def compute_steps(
    rows: Rows, setting: Setting, *, accounts: int, as_of: Ints, more: Entries | None = None
) -> Floats:
    """Compute every step of every account of a shard as of many days.

    Args:
        rows: Sorted by account, person, visible, day.
        setting: What is measured.
        accounts: Number of accounts in the shard; those without rows count too.
        as_of: Days, ascending.
        more: Entries that do not come from the roll-up, such as tickets.

    Returns:
        out[step, account, day].
    """
    out = blank(setting.axes, accounts=accounts, days=len(as_of))
    ptr = np.searchsorted(rows.account, np.arange(accounts + 1)).astype(np.int64)
    extra = flagged(rows, setting.marks, setting.plan, setting.people)
    if more is not None:
        extra = join([extra, more])
    if uses_kernel():
        apart = _irregular(rows, accounts) | _shared(more, setting, accounts)
        _walk(rows, ptr, apart, setting, as_of, out)
        aside = np.flatnonzero(apart[rows.account]) if apart.any() else np.zeros(0, dtype=np.int64)
    else:
        aside = np.arange(len(rows.account))
    if len(aside):
        some = rows.only(aside)
        extra = join([extra, expand(some, setting.marks, setting.plan, setting.people)])
    if len(extra.account):
        add_entries(extra, setting.axes, as_of, out)
    return out


def _irregular(rows: Rows, accounts: int) -> NDArray[np.bool_]:
    """Find the accounts that a single walk cannot take: rows hidden, or known out of order."""
    apart = np.zeros(accounts, dtype=bool)
    hidden = rows.hidden < NEVER
    if hidden.any():
        apart[rows.account[hidden]] = True
    if len(rows.day) > 1:
        back = (
            (rows.day[1:] < rows.day[:-1])
            & (rows.person[1:] == rows.person[:-1])
            & (rows.account[1:] == rows.account[:-1])
        )
        if back.any():
            apart[rows.account[1:][back]] = True
    return apart


def _shared(more: Entries | None, setting: Setting, accounts: int) -> NDArray[np.bool_]:
    """Find the accounts where something counted once may come from two sources."""
    apart = np.zeros(accounts, dtype=bool)
    if more is not None and len(more.account):
        told = np.isin(setting.axes.measure[more.channel], _TOLD_APART)
        apart[more.account[told]] = True
    return apart


@dataclass(frozen=True)
class Axis:
    """Where on the axis of days asked for the intervals of steps begin and end.

    Attributes:
        as_of: Days asked for, ascending.
        base: No window that ends reaches from this day, or an earlier one, to a day asked for.
        place: [offset, day - base], up to the last day asked for: the position of the first day
            asked for that is not before day + offset. The first offset is 0.
        begins, ends: Per step, the rows of `place` for where an interval begins and ends.
    """

    as_of: Ints
    base: int
    place: NDArray[np.int32]
    begins: Ints
    ends: Ints

    @classmethod
    def of(cls, axes: Axes, as_of: Ints) -> Axis:
        """Look every offset of every step up, for every day that can matter."""
        reach = axes.ago + np.where(axes.window < LIFETIME, axes.window, 0)
        base = int(as_of[0] - reach.max(initial=0) - 1)
        ends = axes.ago + axes.window
        offsets = np.unique(np.concatenate([[0], axes.ago, ends]))
        days = np.arange(base, as_of[-1] + 1) + offsets[:, None]
        return cls(
            as_of,
            base,
            np.searchsorted(as_of, days).astype(np.int32),
            np.searchsorted(offsets, axes.ago),
            np.searchsorted(offsets, ends),
        )


def _frozen(column: NDArray[Any]) -> NDArray[Any]:
    """Return a column as what cannot be written to, so that the kernel is compiled once."""
    view = column.view()
    view.flags.writeable = False
    return view


def _walk(
    rows: Rows,
    ptr: Ints,
    skipped: NDArray[np.bool_],
    setting: Setting,
    as_of: Ints,
    out: Floats,
) -> None:
    from groundswell.features.kernel import walk  # noqa: PLC0415  (compiles when first needed)

    marks, axes, people = setting.marks, setting.axes, setting.people
    axis = Axis.of(axes, as_of)
    walk(
        ptr,
        skipped,
        _frozen(rows.person),
        _frozen(rows.day),
        _frozen(rows.visible),
        _frozen(rows.mark),
        _frozen(rows.workspace),
        _frozen(rows.count),
        _frozen(rows.sums),
        marks.ptr,
        marks.old_ptr,
        marks.channel,
        marks.slot,
        marks.common,
        axes.measure,
        axes.out_ptr,
        axes.window,
        axes.ago,
        axis.begins,
        axis.ends,
        marks.lane,
        marks.sum_column,
        marks.slot_base,
        marks.slots,
        people.team_ptr,
        people.team_day,
        people.team,
        as_of,
        axis.place,
        axis.base,
        int(rows.day.min(initial=NEVER)),
        out,
    )
