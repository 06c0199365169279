"""Days in a row at a limit of the plan: the one feature that has to be walked day by day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from groundswell.features.entries import Rows
from groundswell.features.exact import Axes, add_entries, blank
from groundswell.features.plan import NEVER
from groundswell.features.reading import Allowed, Shard
from groundswell.features.shard import Piece, Setting, walk_piece
from groundswell.features.source import HeldRows
from groundswell.features.steps import Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from groundswell.features.dimensions import Dimensions
    from groundswell.features.plan import FeaturePlan

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


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
    rows: Sequence[Rows],
    setting: Setting,
    dimensions: Dimensions,
    shard: Shard,
    *,
    allowed: Allowed,
    steps: Floats,
) -> Floats:
    """Return [account, day]: days in a row, up to that day, at a limit without an upgrade.

    A day counts when people who belong / seats allowed, or usage / usage allowed, is at or above
    `limits.at`. The run starts anew on a day with a completed upgrade, or with a rise of the
    recurring revenue. Unknown (NaN) while no limit is known, or only one of a usage that is not,
    and where nothing of the account has a date to count from.

    Args:
        rows: All rows of the shard with the marks of `limit_marks`, in order.
        setting: What is measured; the usage is a step of it, or is not looked at.
        dimensions: Seats and limits.
        shard: Accounts and days.
        allowed: What the accounts may use.
        steps: [step, account, day] of all of the plan's steps.
    """
    counted = _usage_step(setting.plan)
    usage = None if counted is None else steps[counted]
    out = np.where(_unlimited(allowed, usage), np.nan, 0.0)
    # A run is looked for only where there is one: most accounts are never at a limit.
    hot = np.asarray(_hot(allowed, usage, setting.plan.config.limits.at).any(axis=1))
    if hot.any():
        since = dimensions.since[shard.first : shard.first + shard.count, None]
        heard = np.where(since > 0, shard.as_of - since, steps[_first_active_step(setting.plan)])
        out[hot] = _runs(rows, setting, dimensions, shard, hot, heard)
    return out


def carry_on(
    eve: Floats, plan: FeaturePlan, allowed: Allowed, steps: Floats, today: int
) -> tuple[Floats, Bools]:
    """Return `days_at_limit` of one day from that of the day before, and where that cannot be.

    Args:
        eve: [account], as of the day before; NaN where it was unknown.
        plan: What is measured.
        allowed: What the accounts may use on the day.
        steps: [step, account, 1].
        today: The day.
    """
    counted = _usage_step(plan)
    usage = None if counted is None else steps[counted]
    unlimited = _unlimited(allowed, usage)
    upgraded = (steps[_upgraded_step(plan)] == 0) | (allowed.risen == today)
    runs = _hot(allowed, usage, plan.config.limits.at) & ~upgraded & ~unlimited
    run = np.where(unlimited, np.nan, np.where(runs, eve[:, None] + 1, 0.0))
    return run, np.asarray(runs & np.isnan(eve[:, None]))[:, 0]


def _hot(allowed: Allowed, usage: Floats | None, at: float) -> Bools:
    """Tell where seats, or usage, are at a limit."""
    hot = (allowed.seat_limit > 0) & (allowed.seats_used >= at * allowed.seat_limit)
    if usage is not None:
        hot |= (allowed.usage_limit > 0) & (usage >= at * allowed.usage_limit)
    return hot


def _unlimited(allowed: Allowed, usage: Floats | None) -> Bools:
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


def limit_marks(setting: Setting) -> Bools:
    """Return by mark whether `days_at_limit` looks at its rows."""
    marks = restrict(setting, _positions(setting.plan)).marks
    return marks.told_later | (np.diff(marks.ptr) > 0) | (len(marks.common) > 0)


def _positions(plan: FeaturePlan) -> list[int]:
    """Return the steps that a run depends on."""
    counted = _usage_step(plan)
    return sorted({_upgraded_step(plan), *([] if counted is None else [counted])})


def _first_active_step(plan: FeaturePlan) -> int:
    return [step.name for step in plan.steps].index(plan.own["first_active"])


def _upgraded_step(plan: FeaturePlan) -> int:
    return [step.name for step in plan.steps].index(plan.own["upgraded"])


def _runs(
    rows: Sequence[Rows],
    setting: Setting,
    dimensions: Dimensions,
    shard: Shard,
    hot: Bools,
    heard: Floats,
) -> Floats:
    """Return `days_at_limit` of the hot ones of the shard's accounts.

    `heard` is [account, day] of days since anything was first heard of it; NaN for never.
    """
    plan = setting.plan
    accounts = np.flatnonzero(hot)
    upgraded_step, counted = _upgraded_step(plan), _usage_step(plan)
    positions = _positions(plan)
    number = np.full(shard.count, -1)
    number[accounts] = np.arange(len(accounts))
    few = _few(dimensions, shard, number)
    restricted = restrict(setting, positions)
    whole = Rows.joined(rows)
    whole = whole.only(np.flatnonzero(hot[whole.account]))
    whole = replace(whole, account=number[whole.account])
    since = _first_dated(few, whole, len(accounts))
    begun = np.fmax(shard.as_of - since[:, None], heard[hot])
    # On the day before anything has a date there is what always was.
    low = int(min(since.min(initial=shard.as_of[-1]), shard.as_of[0])) - 1
    daily = Shard(0, len(accounts), np.arange(low, shard.as_of[-1] + 1))
    steps = blank(restricted.axes, accounts=len(accounts), days=len(daily.as_of))
    piece = Piece(0, len(accounts), 0)
    left = walk_piece(HeldRows(whole), restricted, piece, as_of=daily.as_of, out=steps)
    add_entries(left.entries, restricted.axes, daily.as_of, steps)
    usage = None if counted is None else steps[positions.index(counted)]
    allowed = Allowed.of(few, plan.plans, daily)
    at_limit = _hot(allowed, usage, plan.config.limits.at)
    upgraded = steps[positions.index(upgraded_step)] == 0
    upgraded |= allowed.risen == daily.as_of
    day = np.arange(len(daily.as_of))
    broken = np.maximum.accumulate(np.where(~at_limit | upgraded, day, -1), axis=1)
    # What began before anything had a date began, as far as anyone knows, with what has one.
    asked = np.searchsorted(daily.as_of, shard.as_of)
    broken, unlimited = broken[:, asked], _unlimited(allowed, usage)[:, asked]
    run = np.where(broken < 0, begun + 1, np.minimum(day[asked] - broken, begun + 1))
    unknown = unlimited | ((day[asked] > broken) & (begun < 0))
    return np.where(unknown, np.nan, np.maximum(run, 0))


def _first_dated(dimensions: Dimensions, rows: Rows, accounts: int) -> Ints:
    """Return the first day that a subscription, a membership or a row of each account gives."""
    first = np.full(accounts, NEVER)
    spans = (dimensions.subscriptions, dimensions.joined)
    for account, day in (*((s.account, s.start) for s in spans), (rows.account, rows.visible)):
        dated = day > 0
        np.minimum.at(first, account[dated], day[dated])
    return first


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
