"""From rows of the roll-up to steps, by the kernel or by arrays alone."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from groundswell.features.entries import Rows, expand, flagged, join
from groundswell.features.plan import LIFETIME, NEVER, FeaturePlan, Measure

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from groundswell.features.exact import Axes, Entries
    from groundswell.features.marks import Marks
    from groundswell.features.people import People
    from groundswell.features.source import Source

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_KERNEL = "GROUNDSWELL_KERNEL"
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


def uses_kernel() -> bool:
    """Tell whether the compiled kernel is to be used (`GROUNDSWELL_KERNEL=numpy` says no)."""
    return os.environ.get(_KERNEL, "numba") != "numpy"


@contextmanager
def by_arrays() -> Generator[None]:
    """Compute by arrays alone until the block ends, in every thread of this process."""
    before = os.environ.get(_KERNEL)
    os.environ[_KERNEL] = "numpy"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_KERNEL]
        else:
            os.environ[_KERNEL] = before


@dataclass(frozen=True)
class Piece:
    """Accounts first .. end-1, part of a shard whose first account is `shard`."""

    first: int
    end: int
    shard: int


def walk_piece(
    source: Source,
    setting: Setting,
    piece: Piece,
    *,
    as_of: Ints,
    out: Floats,
    more: Entries | None = None,
    kept: Bools | None = None,
) -> Left:
    """Compute the steps of some accounts as of many days.

    Args:
        source: Where their rows come from.
        setting: What is measured.
        piece: The accounts; those without rows count too.
        as_of: Days, ascending.
        out: [step, account of the shard, day], as `exact.blank` makes it; filled in place.
        more: Entries of the shard that do not come from the roll-up, such as tickets.
        kept: By mark, whether its rows are to be handed back.
    """
    rows = source.rows(piece.first, piece.end)
    wanted = np.arange(piece.first, piece.end + 1, dtype=rows.account.dtype)
    bounds = np.searchsorted(rows.account, wanted).astype(np.int64)
    apart = _hidden(rows, piece) | _shared(more, setting, piece)
    if uses_kernel():
        _walk(rows, bounds, apart, setting, as_of, piece.first - piece.shard, out)
    else:
        apart[:] = True
    marks, plan, people = setting.marks, setting.plan, setting.people
    told_later = _of_shard(rows, _find(rows, marks, marks.told_later), piece)
    extra = [flagged(told_later, marks, plan, people)]
    if apart.any():
        aside = np.flatnonzero(apart[rows.account - piece.first])
        extra.append(expand(_of_shard(rows, aside, piece), marks, plan, people))
    none = np.zeros(0, dtype=np.int64)
    handed = none if kept is None else _find(rows, marks, kept)
    return Left(join(extra), _of_shard(rows, handed, piece))


@dataclass(frozen=True)
class Left:
    """What a walk leaves: entries that are still to be counted, and the rows that were asked for.

    Both count accounts from the first of the shard; the rows are wide.
    """

    entries: Entries
    rows: Rows


def _find(rows: Rows, marks: Marks, wanted: Bools) -> Ints:
    """Return the positions of rows with a wanted mark."""
    if uses_kernel():
        from groundswell.features.kernel import find_marks  # noqa: PLC0415  (compiles on first use)

        return find_marks(_frozen(rows.event), _frozen(rows.key), marks.codes, wanted)
    return np.flatnonzero(wanted[marks.mark_of(rows.event, rows.key)])


def _of_shard(rows: Rows, chosen: Ints, piece: Piece) -> Rows:
    some = rows.only(chosen).wide()
    return replace(some, account=some.account - piece.shard)


def _hidden(rows: Rows, piece: Piece) -> Bools:
    """Find the accounts with rows that get hidden."""
    apart = np.zeros(piece.end - piece.first, dtype=bool)
    apart[rows.account[rows.hidden < NEVER] - piece.first] = True
    return apart


def _shared(more: Entries | None, setting: Setting, piece: Piece) -> Bools:
    """Find the accounts where something counted once may come from two sources."""
    apart = np.zeros(piece.end - piece.first, dtype=bool)
    if more is not None and len(more.account):
        told = np.isin(setting.axes.measure[more.channel], _TOLD_APART)
        account = more.account[told] + (piece.shard - piece.first)
        apart[account[(account >= 0) & (account < len(apart))]] = True
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
    bounds: Ints,
    apart: Bools,
    setting: Setting,
    as_of: Ints,
    offset: int,
    out: Floats,
) -> None:
    from groundswell.features.kernel import walk  # noqa: PLC0415  (compiles when first needed)

    marks, axes, people = setting.marks, setting.axes, setting.people
    axis = Axis.of(axes, as_of)
    walk(
        bounds,
        apart,
        _frozen(rows.person),
        _frozen(rows.day),
        _frozen(rows.visible),
        _frozen(rows.event),
        _frozen(rows.key),
        _frozen(rows.count),
        _frozen(rows.sums),
        marks.codes,
        marks.ptr,
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
        offset,
        out,
    )
