"""Days in a row at a limit of the plan: the one feature that has to be walked day by day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from groundswell.features.exact import Axes
from groundswell.features.plan import FeaturePlan, Measure
from groundswell.features.reading import Allowed, Shard, known_limits
from groundswell.features.shard import Setting, compute_steps
from groundswell.features.steps import Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from groundswell.features.dimensions import Dimensions
    from groundswell.features.entries import Rows

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


def restrict(setting: Setting, steps: Sequence[int]) -> Setting:
    """Return a setting that computes only some steps; their order is kept.

    Args:
        setting: All of the plan.
        steps: Positions of steps, ascending.
    """
    axes, marks = setting.axes, setting.marks
    owner = np.repeat(np.arange(len(axes.measure)), np.diff(axes.out_ptr))[list(steps)]
    wanted = np.isin(np.arange(len(axes.measure)), owner)
    kept = wanted[marks.channel]
    per_mark = np.repeat(np.arange(len(marks.ptr) - 1), np.diff(marks.ptr))[kept]
    few = replace(
        marks,
        ptr=np.searchsorted(per_mark, np.arange(len(marks.ptr))).astype(np.int64),
        channel=marks.channel[kept],
        slot=marks.slot[kept],
        common=marks.common[wanted[marks.common]],
        lane=np.where(axes.measure == Measure.ACTIVE_DAYS, marks.lane, -1),
        dynamic={
            index: told
            for index, told in marks.dynamic.items()
            if wanted[index] or index in setting.plan.evidence.values()
        },
    )
    return Setting(
        setting.plan,
        Axes(
            axes.measure,
            np.searchsorted(owner, np.arange(len(axes.measure) + 1)).astype(np.int64),
            axes.window[list(steps)],
            axes.ago[list(steps)],
        ),
        few,
        setting.people,
    )


def days_at_limit(
    rows: Rows, setting: Setting, dimensions: Dimensions, shard: Shard, steps: Floats
) -> Floats:
    """Return [account, day]: days in a row, up to that day, at a limit without an upgrade.

    A day counts when people who belong / seats allowed, or usage / usage allowed, is at or above
    `limits.at`. The run starts anew on a day with a completed upgrade, or with a rise of the
    recurring revenue. Unknown (NaN) while no limit is known, or only one of a usage that is not.

    Args:
        rows: The shard's rows of the roll-up.
        setting: What is measured; the usage is a step of it, or is not looked at.
        dimensions: Seats and limits.
        shard: Accounts and days.
        steps: [step, account, day] of all of the plan's steps.
    """
    plan = setting.plan
    allowed = known_limits(dimensions, plan.plans, shard)
    counted = _usage_step(plan)
    usage = None if counted is None else steps[counted]
    out = np.where(_unlimited(allowed, usage), np.nan, 0.0)
    # A run is looked for only where there is one: most accounts are never at a limit.
    hot = np.flatnonzero(_hot(allowed, usage, plan.config.limits.at).any(axis=1))
    if len(hot):
        out[hot] = _runs(rows, setting, dimensions, shard, hot)
    return out


def _hot(allowed: Allowed, usage: Floats | None, at: float) -> NDArray[np.bool_]:
    """Tell where seats, or usage, are at a limit."""
    hot = (allowed.seat_limit > 0) & (allowed.seats_used >= at * allowed.seat_limit)
    if usage is not None:
        hot |= (allowed.usage_limit > 0) & (usage >= at * allowed.usage_limit)
    return hot


def _unlimited(allowed: Allowed, usage: Floats | None) -> NDArray[np.bool_]:
    """Tell where no limit is known of anything that is counted."""
    unlimited = np.isnan(allowed.seat_limit)
    return unlimited if usage is None else unlimited & np.isnan(allowed.usage_limit)


def _usage_step(plan: FeaturePlan) -> int | None:
    """Return the step that counts against the usage limit; None when no event is mapped to it."""
    names = [step.name for step in plan.steps]
    name = plan.aliases.get(plan.usage or "", plan.usage)
    if name not in names:
        return None
    channel = plan.channels[plan.steps[names.index(name)].channel]
    unmapped = plan.is_unmapped(channel.rows, {meaning.name for meaning in plan.meanings})
    return None if unmapped else names.index(name)


def _runs(
    rows: Rows, setting: Setting, dimensions: Dimensions, shard: Shard, accounts: Ints
) -> Floats:
    """Return `days_at_limit` of some of the shard's accounts."""
    plan = setting.plan
    upgraded_step = [step.name for step in plan.steps].index(plan.own["upgraded"])
    counted = _usage_step(plan)
    positions = sorted({upgraded_step, upgraded_step if counted is None else counted})
    number = np.full(shard.count, -1)
    number[accounts] = np.arange(len(accounts))
    few = _few(dimensions, shard, number)
    restricted = restrict(setting, positions)
    chosen = _concerned(restricted)[rows.mark] & (number >= 0)[rows.account]
    rows = rows.only(np.flatnonzero(chosen), wide=False)
    rows = replace(rows, account=number[rows.account])
    known = np.concatenate([few.subscriptions.start, few.joined.start, rows.day])
    low = int(min(known[known > 0].min(initial=shard.as_of[-1]), shard.as_of[0]))
    daily = Shard(0, len(accounts), np.arange(low, shard.as_of[-1] + 1))
    steps = compute_steps(rows, restricted, accounts=len(accounts), as_of=daily.as_of)
    usage = None if counted is None else steps[positions.index(counted)]
    allowed = known_limits(few, plan.plans, daily)
    hot = _hot(allowed, usage, plan.config.limits.at)
    upgraded = steps[positions.index(upgraded_step)] == 0
    upgraded |= allowed.risen == daily.as_of
    day = np.arange(len(daily.as_of))
    broken = np.maximum.accumulate(np.where(~hot | upgraded, day, -1), axis=1)
    run = (day - broken).astype(np.float64)
    run[_unlimited(allowed, usage)] = np.nan
    return run[:, np.searchsorted(daily.as_of, shard.as_of)]


def _few(dimensions: Dimensions, shard: Shard, number: Ints) -> Dimensions:
    """Return the dimensions that limits read, of the accounts that have a number, by it."""

    def those(spans: Spans) -> Spans:
        spans = spans.within(shard.first, shard.count)
        kept = number[spans.account] >= 0
        account = number[spans.account[kept]]
        return Spans(account, spans.start[kept], spans.until[kept], spans.row[kept])

    return replace(
        dimensions,
        subscriptions=those(dimensions.subscriptions),
        joined=those(dimensions.joined),
        rises=those(dimensions.rises),
    )


def _concerned(setting: Setting) -> NDArray[np.bool_]:
    """Tell which marks count in anything that is left."""
    marks = setting.marks
    if len(marks.common):
        return np.ones(len(marks.ptr) - 1, dtype=bool)
    concerned = np.diff(marks.ptr) > 0
    for told in marks.dynamic.values():
        concerned[list(told)] = True
    return concerned
