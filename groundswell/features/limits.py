"""Days in a row at a limit of the plan: the one feature that has to be walked day by day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from groundswell.features.exact import Axes
from groundswell.features.plan import FeaturePlan, Measure
from groundswell.features.reading import known_limits
from groundswell.features.shard import Setting, compute_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from groundswell.features.dimensions import Dimensions
    from groundswell.features.entries import Rows
    from groundswell.features.reading import Shard

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


def days_at_limit(rows: Rows, setting: Setting, dimensions: Dimensions, shard: Shard) -> Floats:
    """Return [account, day]: days in a row, up to that day, at a limit without an upgrade.

    A day counts when people who belong / seats allowed, or usage / usage allowed, is at or above
    `limits.at`. The run starts anew on a day with a completed upgrade, or with a rise of the
    recurring revenue. Unknown (NaN) while no limit is known, or only one of a usage that is not.

    Args:
        rows: The shard's rows of the roll-up.
        setting: What is measured; the usage is a step of it, or is not looked at.
        dimensions: Seats and limits.
        shard: Accounts and days.
    """
    plan = setting.plan
    names = [step.name for step in plan.steps]
    usage_name = plan.aliases.get(plan.usage or "", plan.usage)
    if usage_name in names and _is_unknown(plan, names.index(usage_name)):
        usage_name = None
    wanted = [plan.own["upgraded"], *([usage_name] if usage_name in names else [])]
    first_day = int(rows.day.min()) if len(rows.day) else int(shard.as_of[0])
    start = dimensions.subscriptions.within(shard.first, shard.count).start
    joined = dimensions.joined.within(shard.first, shard.count).start
    known = np.concatenate([start, joined, [first_day]])
    low = int(min(known[known > 0].min(initial=shard.as_of[-1]), shard.as_of[0]))
    daily = replace(shard, as_of=np.arange(low, shard.as_of[-1] + 1))
    allowed = known_limits(dimensions, plan.plans, daily)
    unlimited = np.isnan(allowed.seat_limit)
    if usage_name in names:
        unlimited &= np.isnan(allowed.usage_limit)
    if unlimited.all():
        return np.full((shard.count, len(shard.as_of)), np.nan)
    positions = sorted({names.index(name) for name in wanted})
    few = restrict(setting, positions)
    steps = compute_steps(
        rows.only(np.flatnonzero(_concerned(few)[rows.mark]), wide=False),
        few,
        accounts=shard.count,
        as_of=daily.as_of,
    )
    by_name = {names[position]: steps[i] for i, position in enumerate(positions)}
    at = plan.config.limits.at
    hot = (allowed.seat_limit > 0) & (allowed.seats_used >= at * allowed.seat_limit)
    if usage_name in by_name:
        hot |= (allowed.usage_limit > 0) & (by_name[usage_name] >= at * allowed.usage_limit)
    upgraded = (by_name[plan.own["upgraded"]] == 0) | (allowed.risen == daily.as_of)
    day = np.arange(len(daily.as_of))
    broken = np.maximum.accumulate(np.where(~hot | upgraded, day, -1), axis=1)
    run = (day - broken).astype(np.float64)
    run[unlimited] = np.nan
    return run[:, np.searchsorted(daily.as_of, shard.as_of)]


def _is_unknown(plan: FeaturePlan, step: int) -> bool:
    """Tell whether no event is mapped to what a step counts."""
    channel = plan.channels[plan.steps[step].channel]
    return plan.is_unmapped(channel.rows, {meaning.name for meaning in plan.meanings})


def _concerned(setting: Setting) -> NDArray[np.bool_]:
    """Tell which marks count in anything that is left."""
    marks = setting.marks
    if len(marks.common):
        return np.ones(len(marks.ptr) - 1, dtype=bool)
    concerned = np.diff(marks.ptr) > 0
    for told in marks.dynamic.values():
        concerned[list(told)] = True
    return concerned
