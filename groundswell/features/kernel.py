"""The walk: every step of every account as of many days, each row of the activity seen once.

Accounts are laid one after the other, rows within them sorted by person, then by the day they
became known. A window is an interval on the axis of the days asked for, and an interval is two
changes: one where it begins, one where it ends; a running sum makes the step function. So the
cost does not grow with the windows' length, and hardly with the number of days. Where intervals
begin and end is looked up in `place`, made once for all rows (see `shard.Axis`).

An account's rows are first laid out as *items*, twice: one per person and day for the channels
that every row counts in, and one per row, sorted by mark, for the others. Then each channel is a
short loop over items.

- *Sums with many windows* go through a day-by-day array and its prefix sums.
- *People*: the days of one person come in order, so a window changes only where a gap is longer
  than it is; whoever comes every day costs one comparison a day.
- *Values* (features, endpoints, teams) come in no order: each has a row of bits, one per day
  asked for, and an interval sets a run of bits.
- *Rows too old* for any window that ends are only looked at for what never ends.

Of an item, `x` is its day counted from `shard.Axis.base`, or 0 before it, and `at` the position
of the first day asked for as of which it is known.
"""

# pyright: basic
# Numba infers these types from the arrays it is called with.
# ruff: noqa: D417

from __future__ import annotations

import os

os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")

import numpy as np
from numba import njit

_EVENTS, _SUM, _USERS, _ACTIVE_DAYS, _USER_DAYS = 0, 1, 2, 3, 4
_TEAMS, _WORKSPACES, _DISTINCT, _FIRST, _LAST = 5, 6, 7, 8, 9
_NEVER = 1 << 30
_WORD = 64

_compiled = njit(nogil=True, cache=True, error_model="numpy")


@_compiled
def _add_amounts(  # pragma: no cover
    x,
    at,
    amount,
    i,
    end,
    steps,
    lane,
    begins,
    ends,
    place,
    daily,
    change,
):
    """Add amounts to the windows of steps[0] .. steps[1]-1."""
    if lane >= 0:
        for j in range(i, end):
            if at[j] <= place[0, x[j]]:
                daily[lane, x[j]] += amount[j]
            else:
                for o in range(steps[0], steps[1]):
                    lo, hi = max(place[begins[o], x[j]], at[j]), place[ends[o], x[j]]
                    if lo < hi:
                        change[o, lo] += amount[j]
                        change[o, hi] -= amount[j]
        return
    for o in range(steps[0], steps[1]):
        low, high = begins[o], ends[o]
        for j in range(i, end):
            lo, hi = max(place[low, x[j]], at[j]), place[high, x[j]]
            if lo < hi:
                change[o, lo] += amount[j]
                change[o, hi] -= amount[j]


@_compiled
def _add_person_days(  # pragma: no cover
    person,
    day,
    x,
    at,
    i,
    end,
    steps,
    lane,
    begins,
    ends,
    place,
    daily,
    change,
):
    """Count each person and day once."""
    p, d = -1, _NEVER
    for j in range(i, end):
        if person[j] < 0 or (person[j] == p and day[j] == d):
            continue
        p, d = person[j], day[j]
        if lane >= 0 and at[j] <= place[0, x[j]]:
            daily[lane, x[j]] += 1
            continue
        for o in range(steps[0], steps[1]):
            lo, hi = max(place[begins[o], x[j]], at[j]), place[ends[o], x[j]]
            if lo < hi:
                change[o, lo] += 1
                change[o, hi] -= 1


@_compiled
def _add_people(  # pragma: no cover  # noqa: C901
    person,
    day,
    x,
    at,
    i,
    end,
    steps,
    window,
    begins,
    ends,
    place,
    closing,
    change,
):
    """Count each person once a window.

    While a person's days were known as they happened, the end of a window is that of the last
    day; from the first day that was known late, it is kept in `closing`.
    """
    first, last = steps[0], steps[1]
    p, d, before, late = -1, 0, 0, False
    for j in range(i, end):
        if person[j] < 0 or (person[j] == p and day[j] == d):
            continue
        punctual = at[j] <= place[0, x[j]]
        if person[j] == p and punctual and not late:
            gap = day[j] - d
            # Windows ascend: those from the length of the gap on stay open.
            for o in range(first, last):
                if window[o] >= gap:
                    break
                change[o, place[ends[o], before]] -= 1
                change[o, place[begins[o], x[j]]] += 1
            d, before = day[j], x[j]
            continue
        if person[j] != p:
            for o in range(first, last):
                if p >= 0:
                    change[o, closing[o] if late else place[ends[o], before]] -= 1
                # What is known late opens and closes at once, to begin with.
                change[o, place[begins[o], x[j]] if punctual else 0] += 1
                closing[o] = 0
            late = not punctual
        elif not late:
            late = True
            for o in range(first, last):
                closing[o] = place[ends[o], before]
        p, d, before = person[j], day[j], x[j]
        if not late:
            continue
        for o in range(first, last):
            lo, hi = max(place[begins[o], x[j]], at[j]), place[ends[o], x[j]]
            if lo < hi:
                if lo > closing[o]:
                    change[o, closing[o]] -= 1
                    change[o, lo] += 1
                closing[o] = max(closing[o], hi)
    if p >= 0:
        for o in range(first, last):
            change[o, closing[o] if late else place[ends[o], before]] -= 1


@_compiled
def _keep_extreme(day, at, i, end, channel, first, best):  # pragma: no cover
    """Keep the first, or last, day that became known at each position."""
    for j in range(i, end):
        if first:
            best[channel, at[j]] = min(best[channel, at[j]], day[j])
        else:
            best[channel, at[j]] = max(best[channel, at[j]], day[j])


@_compiled
def _carry_extreme(best, channel, axis, first, out, step, account):  # pragma: no cover
    """Write the days since the first, or last, day known by each day asked for."""
    carried = best[channel, 0]
    for t in range(axis.shape[0]):
        here = best[channel, t]
        carried = min(carried, here) if first else max(carried, here)
        if -_NEVER < carried < _NEVER:
            out[step, account, t] = axis[t] - carried


@_compiled
def _set_bits(words, word, low, high):  # pragma: no cover
    """Set bits low .. high-1, counted from a word; there is one at least."""
    ones = np.uint64(0xFFFFFFFFFFFFFFFF)
    first, last = low // _WORD, (high - 1) // _WORD
    head = ones << np.uint64(low % _WORD)
    tail = ones >> np.uint64(_WORD - 1 - (high - 1) % _WORD)
    if first == last:
        words[word + first] |= head & tail
        return
    words[word + first] |= head
    for between in range(first + 1, last):
        words[word + between] = ones
    words[word + last] |= tail


@_compiled
def _set_value(  # pragma: no cover
    x,
    at,
    i,
    end,
    steps,
    begins,
    ends,
    place,
    words,
    word,
    width,
):
    """Set the bits of one value of a channel."""
    for o in range(steps[0], steps[1]):
        low, high, here = begins[o], ends[o], word + (o - steps[0]) * width
        for j in range(i, end):
            lo, hi = max(place[low, x[j]], at[j]), place[high, x[j]]
            if lo < hi:
                _set_bits(words, here, lo, hi)


@_compiled
def _count_value(words, word, days, out, step, account):  # pragma: no cover
    """Add one where a value's bit is set."""
    for first in range(0, days, _WORD):
        bits = words[word + first // _WORD]
        if bits == 0:
            continue
        for t in range(first, min(days, first + _WORD)):
            out[step, account, t] += bits & np.uint64(1)
            bits >>= np.uint64(1)


@_compiled
def _open_slot(  # pragma: no cover
    slot,
    channel,
    need,
    slot_word,
    opened,
    held,
    words,
):
    """Return the first word of a slot, blank ones if it is new to the account.

    `held` is the number of slots opened and of words used so far.
    """
    if slot_word[slot] < 0:
        slot_word[slot] = held[1]
        opened[held[0], 0], opened[held[0], 1] = slot, channel
        for word in range(held[1], held[1] + need):
            words[word] = 0
        held[0] += 1
        held[1] += need
    return slot_word[slot]


@_compiled
def _team_at(person, day, team_ptr, team_day, team):  # pragma: no cover
    """Return the team a person was known to be in on a day; -1 when none."""
    found = -1
    for k in range(team_ptr[person], team_ptr[person + 1]):
        if team_day[k] <= day:
            found = team[k]
    return found


@_compiled
def _add_known_days(  # pragma: no cover
    known, first_day, final_day, low_day, base, steps, lane, begins, ends, place, daily, change
):
    """Count each day once, from when the first of its rows was known; `known` is made blank."""
    for d in range(first_day, final_day + 1):
        at = known[lane, d - low_day]
        if at == _NEVER:
            continue
        known[lane, d - low_day] = _NEVER
        x = max(d - base, 0)
        if at <= place[0, x]:
            daily[lane, x] += 1
            continue
        for o in range(steps[0], steps[1]):
            lo, hi = max(place[begins[o], x], at), place[ends[o], x]
            if lo < hi:
                change[o, lo] += 1
                change[o, hi] -= 1


@_compiled
def _run_changes(change, step, out, account):  # pragma: no cover
    """Write the running sum of the changes of one step, and forget them."""
    running = 0
    days = out.shape[2]
    for t in range(days):
        running += change[step, t]
        change[step, t] = 0
        out[step, account, t] = running
    change[step, days] = 0


@_compiled
def _sum_before(daily, lane, low, high):  # pragma: no cover
    """Turn what there is on each day low .. high-1 into what was before it."""
    summed = 0
    for k in range(low, high + 1):
        here = daily[lane, k]
        daily[lane, k] = summed
        summed += here


@_compiled
def _add_daily(  # pragma: no cover
    daily, lane, low, high, axis, ago, window, base, out, step, account
):
    """Add the sums of one step's windows."""
    for t in range(axis.shape[0]):
        k = axis[t] - ago - base + 1
        upto, since = min(max(k, low), high), min(max(k - window, low), high)
        out[step, account, t] += daily[lane, upto] - daily[lane, since]


@_compiled
def walk(  # pragma: no cover  # noqa: C901
    row_ptr,
    skipped,
    person,
    day,
    visible,
    mark,
    workspace,
    count,
    sums,
    mark_ptr,
    mark_old,
    mark_channel,
    mark_slot,
    common,
    measure,
    out_ptr,
    window,
    ago,
    begins,
    ends,
    lane,
    sum_column,
    slot_base,
    slots,
    team_ptr,
    team_day,
    team,
    axis,
    place,
    base,
    low_day,
    out,
):
    """Fill out[step, account, day] for all accounts that are not skipped.

    Args:
        row_ptr: Where each account's rows begin; one longer than the accounts.
        skipped: Accounts to leave alone.
        person, day, visible, mark, workspace, count: Columns of the rows.
        sums: [sum column, row].
        mark_ptr, mark_channel, mark_slot: By mark, the channels it counts in and, for distinct
            values, the slot of its value.
        mark_old: By mark, where those of its channels end that some window without end reads.
        common: Channels that every row counts in.
        measure, out_ptr, window, ago: See `exact.Axes`.
        begins, ends, place, base: See `shard.Axis`.
        lane: Per channel, its day-by-day array; -1 when it has none.
        sum_column: Per channel, the column of `sums` it adds up.
        slot_base: Per channel, the first slot of its values.
        slots: Number of slots.
        team_ptr, team_day, team: By person, the days since when, and the teams.
        axis: Days asked for, ascending.
        low_day: The earliest day of any row, or an earlier one.
        out: As `exact.blank` makes it.
    """
    days = axis.shape[0]
    last_day = axis[days - 1]
    channels, steps, marks = measure.shape[0], window.shape[0], mark_ptr.shape[0] - 1
    width = (days + _WORD - 1) // _WORD
    lanes, most_steps, longest = 1, 1, 0
    for c in range(channels):
        lanes = max(lanes, lane[c] + 1)
        if measure[c] == _TEAMS or measure[c] == _WORKSPACES or measure[c] == _DISTINCT:
            most_steps = max(most_steps, out_ptr[c + 1] - out_ptr[c])
    for account in range(row_ptr.shape[0] - 1):
        longest = max(longest, row_ptr[account + 1] - row_ptr[account])

    # Channels that look at people in order, over rows of several marks.
    ordered = np.zeros(channels, dtype=np.bool_)
    counts_in = np.zeros((channels, marks), dtype=np.bool_)
    for m in range(marks):
        for k in range(mark_ptr[m], mark_ptr[m + 1]):
            c = mark_channel[k]
            if measure[c] == _USERS or measure[c] == _USER_DAYS or measure[c] == _TEAMS:
                ordered[c] = True
                counts_in[c, m] = True

    # Everything is allocated here: inside the walk it would cost more than the walk itself.
    change = np.zeros((steps, days + 1), dtype=np.int64)
    best = np.zeros((channels, days), dtype=np.int32)
    closing = np.zeros(steps, dtype=np.int64)
    touched = np.zeros(channels, dtype=np.bool_)
    touched_list = np.zeros(channels, dtype=np.int64)
    daily = np.zeros((lanes, last_day - base + 3), dtype=np.int64)
    known = np.full((lanes, max(last_day - low_day, 0) + 1), _NEVER, dtype=np.int32)
    slot_word = np.full(slots, -1, dtype=np.int64)
    opened = np.zeros((max(slots, 1), 2), dtype=np.int64)
    held = np.zeros(2, dtype=np.int64)
    words = np.empty(slots * most_steps * width + 1, dtype=np.uint64)
    of_mark = np.zeros(marks, dtype=np.int64)
    mark_list = np.zeros(marks, dtype=np.int64)
    fill = np.zeros(marks, dtype=np.int64)
    in_order = np.zeros(channels, dtype=np.bool_)
    # Items: by person and day; from `longest` on by mark; after them, of one channel in order.
    i_person = np.zeros(3 * longest, dtype=np.int32)
    i_day = np.zeros(3 * longest, dtype=np.int32)
    i_x = np.zeros(3 * longest, dtype=np.int32)
    i_at = np.zeros(3 * longest, dtype=np.int32)
    i_amount = np.zeros(3 * longest, dtype=np.int32)
    i_row = np.zeros(3 * longest, dtype=np.int64)

    for account in range(row_ptr.shape[0] - 1):
        begin, end = row_ptr[account], row_ptr[account + 1]
        if begin == end or skipped[account]:
            continue
        first_day, final_day = _NEVER, -_NEVER
        touched_count, marks_here, items = 0, 0, 0
        held[0], held[1] = 0, 0

        p, d, v = -2, 0, 0
        for row in range(begin, end):
            if visible[row] > last_day:
                continue
            m = mark[row]
            if mark_ptr[m + 1] > mark_ptr[m]:
                if of_mark[m] == 0:
                    mark_list[marks_here] = m
                    marks_here += 1
                of_mark[m] += 1
            if person[row] == p and day[row] == d and visible[row] == v:
                i_amount[items - 1] += count[row]
                continue
            p, d, v = person[row], day[row], visible[row]
            first_day, final_day = min(first_day, d), max(final_day, d)
            i_person[items] = p
            i_day[items] = d
            i_x[items] = max(d - base, 0)
            i_at[items] = place[0, max(v - base, 0)]
            i_amount[items] = count[row]
            items += 1
        if items == 0:
            continue

        filled = longest
        for h in range(marks_here):
            m = mark_list[h]
            fill[m] = filled
            filled += of_mark[m]
        for row in range(begin, end):
            v, m = visible[row], mark[row]
            if v > last_day or mark_ptr[m + 1] == mark_ptr[m]:
                continue
            y = max(v - base, 0)
            if y == 0 and mark_old[m] == mark_ptr[m]:
                continue
            j = fill[m]
            fill[m] += 1
            i_day[j] = day[row]
            i_x[j] = max(day[row] - base, 0)
            i_at[j] = place[0, y]
            i_amount[j] = count[row]
            i_row[j] = row

        # One task is a channel and a run of items: common channels, then each mark's channels,
        # then those that look at people in order, over all of their marks.
        begun = longest
        for h in range(-1, marks_here + 1):
            if h < 0:
                first_task, last_task = 0, common.shape[0]
            elif h < marks_here:
                m = mark_list[h]
                first_task, last_task = mark_ptr[m], mark_ptr[m + 1]
            else:
                first_task, last_task = 0, channels
            for task in range(first_task, last_task):
                if h < 0:
                    c, slot, i, stop = common[task], -1, 0, items
                elif h < marks_here:
                    c, slot, i, stop = mark_channel[task], mark_slot[task], begun, fill[m]
                    if ordered[c]:
                        in_order[c] = True
                        continue
                elif in_order[task]:
                    in_order[task] = False
                    c, slot, i, stop = task, -1, 2 * longest, 2 * longest
                    for row in range(begin, end):
                        if counts_in[c, mark[row]] and visible[row] <= last_day:
                            i_person[stop] = person[row]
                            i_day[stop] = day[row]
                            i_x[stop] = max(day[row] - base, 0)
                            i_at[stop] = place[0, max(visible[row] - base, 0)]
                            stop += 1
                else:
                    continue
                if i == stop:
                    continue
                kind = measure[c]
                span = (out_ptr[c], out_ptr[c + 1])
                if not touched[c]:
                    touched[c] = True
                    touched_list[touched_count] = c
                    touched_count += 1
                    if kind in (_FIRST, _LAST):
                        for t in range(days):
                            best[c, t] = _NEVER if kind == _FIRST else -_NEVER
                if kind == _EVENTS:
                    _add_amounts(
                        i_x, i_at, i_amount, i, stop,
                        span, lane[c], begins, ends, place, daily, change,
                    )  # fmt: skip
                elif kind == _USER_DAYS:
                    _add_person_days(
                        i_person, i_day, i_x, i_at, i, stop,
                        span, lane[c], begins, ends, place, daily, change,
                    )  # fmt: skip
                elif kind == _USERS:
                    _add_people(
                        i_person, i_day, i_x, i_at, i, stop,
                        span, window, begins, ends, place, closing, change,
                    )  # fmt: skip
                elif kind in (_FIRST, _LAST):
                    _keep_extreme(i_day, i_at, i, stop, c, kind == _FIRST, best)
                elif kind == _ACTIVE_DAYS:
                    for j in range(i, stop):
                        k = i_day[j] - low_day
                        known[lane[c], k] = min(known[lane[c], k], i_at[j])
                elif kind == _SUM:
                    for j in range(i, stop):
                        value = sums[sum_column[c], i_row[j]]
                        if value != value:
                            continue
                        for o in range(span[0], span[1]):
                            lo, hi = max(place[begins[o], i_x[j]], i_at[j]), place[ends[o], i_x[j]]
                            for t in range(lo, hi):
                                out[o, account, t] += value
                elif kind == _DISTINCT:
                    need = (span[1] - span[0]) * width
                    word = _open_slot(slot, c, need, slot_word, opened, held, words)
                    _set_value(i_x, i_at, i, stop, span, begins, ends, place, words, word, width)
                else:
                    # Items that follow each other are mostly of one value: a run at a time.
                    need = (span[1] - span[0]) * width
                    since, slot = i, -1
                    for j in range(i, stop):
                        if kind == _WORKSPACES:
                            here = workspace[i_row[j]] - 1
                        elif i_person[j] >= 0:
                            here = _team_at(i_person[j], i_day[j], team_ptr, team_day, team)
                        else:
                            here = -1
                        here = here + slot_base[c] if here >= 0 else -1
                        if here == slot:
                            continue
                        if slot >= 0:
                            word = _open_slot(slot, c, need, slot_word, opened, held, words)
                            _set_value(
                                i_x, i_at, since, j,
                                span, begins, ends, place, words, word, width,
                            )  # fmt: skip
                        since, slot = j, here
                    if slot >= 0:
                        word = _open_slot(slot, c, need, slot_word, opened, held, words)
                        _set_value(
                            i_x, i_at, since, stop,
                            span, begins, ends, place, words, word, width,
                        )  # fmt: skip
            if 0 <= h < marks_here:
                begun += of_mark[m]
                of_mark[m] = 0

        for s in range(held[0]):
            slot, c = opened[s, 0], opened[s, 1]
            for o in range(out_ptr[c], out_ptr[c + 1]):
                word = slot_word[slot] + (o - out_ptr[c]) * width
                _count_value(words, word, days, out, o, account)
            slot_word[slot] = -1

        low, high = max(first_day - base, 0), max(final_day - base, 0) + 1
        for touch in range(touched_count):
            c = touched_list[touch]
            touched[c] = False
            kind = measure[c]
            span = (out_ptr[c], out_ptr[c + 1])
            if kind in (_FIRST, _LAST):
                if span[0] < span[1]:
                    _carry_extreme(best, c, axis, kind == _FIRST, out, span[0], account)
                continue
            if kind == _ACTIVE_DAYS:
                _add_known_days(
                    known, first_day, final_day, low_day, base,
                    span, lane[c], begins, ends, place, daily, change,
                )  # fmt: skip
            elif kind != _USERS and kind != _EVENTS and kind != _USER_DAYS:
                continue
            if lane[c] >= 0:
                _sum_before(daily, lane[c], low, high)
            for o in range(span[0], span[1]):
                _run_changes(change, o, out, account)
                if lane[c] >= 0:
                    _add_daily(
                        daily, lane[c], low, high, axis, ago[o], window[o], base, out, o, account
                    )
            if lane[c] >= 0:
                for k in range(low, high + 1):
                    daily[lane[c], k] = 0
