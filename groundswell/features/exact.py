"""Step functions of time with whole-array arithmetic: the same numbers as the kernel, slower.

It takes entries in any order, so it also serves the accounts whose rows the kernel's single walk
cannot take: rows that get hidden when accounts merge, and history that turns up out of order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from groundswell.features.plan import NEVER, FeaturePlan, Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

_UNTOLD = (Measure.EVENTS, Measure.SUM)
_EXTREME = (Measure.FIRST, Measure.LAST)


@dataclass(frozen=True)
class Axes:
    """The plan's channels and steps as arrays: step s of channel c has out_ptr[c] <= s.

    Attributes:
        measure: Per channel, its `Measure`.
        out_ptr: Per channel, its first step; one longer than the channels.
        window: Per step, days.
        ago: Per step, days.
    """

    measure: NDArray[np.int64]
    out_ptr: NDArray[np.int64]
    window: NDArray[np.int64]
    ago: NDArray[np.int64]


def axes_of(plan: FeaturePlan) -> Axes:
    """Lay the plan's steps out as arrays; they are sorted by channel already."""
    measure = np.array([channel.measure for channel in plan.channels], dtype=np.int64)
    owner = np.array([step.channel for step in plan.steps], dtype=np.int64)
    return Axes(
        measure=measure,
        out_ptr=np.searchsorted(owner, np.arange(len(measure) + 1)).astype(np.int64),
        window=np.array([step.window for step in plan.steps], dtype=np.int64),
        ago=np.array([step.ago for step in plan.steps], dtype=np.int64),
    )


@dataclass(frozen=True)
class Entries:
    """What counts, one row per thing counted.

    Attributes:
        account: Position of the account within the shard.
        channel: The channel it counts in.
        unit: What is counted once: a person, a day, a value; anything where all rows count.
        day: The day it happened.
        start: First day as of which it is known.
        until: First day as of which it is so no longer.
        value: How much it counts, for events and sums.
    """

    account: Ints
    channel: Ints
    unit: Ints
    day: Ints
    start: Ints
    until: Ints
    value: Floats

    def only(self, chosen: NDArray[np.bool_] | Ints) -> Entries:
        """Return some of the entries, by mask or by position."""
        return Entries(
            self.account[chosen],
            self.channel[chosen],
            self.unit[chosen],
            self.day[chosen],
            self.start[chosen],
            self.until[chosen],
            self.value[chosen],
        )


def blank(axes: Axes, *, accounts: int, days: int) -> Floats:
    """Return out[step, account, day] for accounts that never did anything: 0, or no day at all."""
    out = np.zeros((len(axes.window), accounts, days))
    for channel, measure in enumerate(axes.measure):
        if measure in _EXTREME:
            out[axes.out_ptr[channel] : axes.out_ptr[channel + 1]] = np.nan
    return out


def add_entries(entries: Entries, axes: Axes, as_of: Ints, out: Floats) -> None:
    """Count the entries into `out`.

    An entry of day d counts in a step (window w, ago b) as of t exactly when
    max(d + b, start) <= t < min(d + b + w, until); of one unit, overlaps count once.

    Args:
        entries: In any order; all entries of one (account, channel) must come in one call.
        axes: Steps of the channels.
        as_of: Days asked for, ascending.
        out: [step, account, day], as `blank` makes it; filled in place.
    """
    order = np.argsort(entries.channel, kind="stable")
    entries = entries.only(order)
    bounds = np.searchsorted(entries.channel, np.arange(len(axes.measure) + 1))
    for channel, measure in enumerate(axes.measure):
        part = slice(int(bounds[channel]), int(bounds[channel + 1]))
        if part.start == part.stop:
            continue
        # Few accounts have entries, so only theirs are laid out.
        accounts, place = np.unique(entries.account[part], return_inverse=True)
        some = replace(entries.only(np.arange(part.start, part.stop)), account=place)
        for step in range(int(axes.out_ptr[channel]), int(axes.out_ptr[channel + 1])):
            theirs = out[step, accounts]
            _add_step(some, Measure(measure), axes, step, as_of, theirs)
            out[step, accounts] = theirs


def _add_step(
    entries: Entries, measure: Measure, axes: Axes, step: int, as_of: Ints, out: Floats
) -> None:
    """Add the entries of one channel to out[account, day] of one of its steps."""
    shifted = entries.day + axes.ago[step]
    low = np.searchsorted(as_of, np.maximum(shifted, entries.start))
    high = np.searchsorted(as_of, np.minimum(shifted + axes.window[step], entries.until))
    kept = low < high
    entries, low, high = entries.only(kept), low[kept], high[kept]
    if measure in _EXTREME:
        _add_extreme(entries, low, high, first=measure is Measure.FIRST, as_of=as_of, out=out)
    elif measure is Measure.SUM:
        cell, row = _cells(entries.account, low, high, days=len(as_of))
        flat = np.bincount(cell, weights=entries.value[row], minlength=out.size)
        out += flat.reshape(out.shape)
    elif measure is Measure.EVENTS:
        out += _running(entries.account, low, high, entries.value, out.shape)
    else:
        account, low, high = _merged(entries.account, entries.unit, low, high, days=len(as_of))
        out += _running(account, low, high, np.ones(len(low)), out.shape)


def _running(account: Ints, low: Ints, high: Ints, value: Floats, shape: tuple[int, ...]) -> Floats:
    """Add `value` to days low .. high-1 of each account, by differences and a running sum."""
    accounts, days = shape
    wide = days + 1
    size = accounts * wide
    change = np.bincount(account * wide + low, weights=value, minlength=size)
    change -= np.bincount(account * wide + high, weights=value, minlength=size)
    return np.cumsum(change.reshape(accounts, wide), axis=1, dtype=np.float64)[:, :days]


def _merged(
    account: Ints, unit: Ints, low: Ints, high: Ints, *, days: int
) -> tuple[Ints, Ints, Ints]:
    """Merge the overlapping intervals of one unit of one account."""
    if not len(low):
        return account, low, high
    order = np.lexsort((low, unit, account))
    account, unit, low, high = account[order], unit[order], low[order], high[order]
    other = np.ones(len(low), dtype=bool)
    other[1:] = (account[1:] != account[:-1]) | (unit[1:] != unit[:-1])
    lift = np.cumsum(other) * (days + 2)
    reach = np.maximum.accumulate(high + lift)
    begins = other.copy()
    begins[1:] |= low[1:] + lift[1:] > reach[:-1]
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(low)) - 1
    return account[first], low[first], reach[last] - lift[last]


def _cells(account: Ints, low: Ints, high: Ints, *, days: int) -> tuple[Ints, Ints]:
    """Write intervals out: the flat cells [account, day] they cover, and which one covers."""
    length = high - low
    row = np.repeat(np.arange(len(low)), length)
    within = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    return account[row] * days + low[row] + within, row


def _add_extreme(
    entries: Entries, low: Ints, high: Ints, *, first: bool, as_of: Ints, out: Floats
) -> None:
    """Days since the first or the last day that is known as of each day asked for."""
    pick = np.minimum if first else np.maximum
    none = NEVER if first else -NEVER
    best = np.full(out.shape, none, dtype=np.int64)
    days = len(as_of)
    stays = high == days
    pick.at(best.reshape(-1), entries.account[stays] * days + low[stays], entries.day[stays])
    best = pick.accumulate(best, axis=1)
    goes = ~stays
    cell, row = _cells(entries.account[goes], low[goes], high[goes], days=days)
    pick.at(best.reshape(-1), cell, entries.day[goes][row])
    since = np.where(best == none, np.nan, as_of[None, :] - best)
    # What is there already comes from another source of rows: the earlier, or the later, stands.
    np.fmax(out, since, out=out) if first else np.fmin(out, since, out=out)
