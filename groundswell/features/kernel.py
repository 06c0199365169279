"""The walk: every step of every account as of many days, each row of the activity seen once.

Accounts are laid one after the other, rows within them sorted by person, then by the day they
became known. A window is an interval on the axis of the days asked for, and an interval is two
changes: one where it begins, one where it ends; a running sum makes the step function. So the
cost does not grow with the windows' length, and hardly with the number of days. Where intervals
begin and end is looked up in `place`, made once for all rows (see `shard.Axis`).

The rows of an account are looked at once, and leave behind

- *counts* by mark and day, from which all sums and first and last days are made: prefix sums;
- *presence* by slot and day: a feature, an endpoint, a team, a workspace. Its days come in order,
  so a window changes only where a gap is longer than it is;
- *items*, one per person and day, in order: the same holds for the days of a person;
- *listed* rows, those few whose marks count people, or add up what a property says.

Of a row or an item, `x` is its day counted from `shard.Axis.base`, or 0 before it, and `at` the
position of the first day asked for as of which it is known. What was known by the first day asked
for that its day could matter to is *punctual*; what is *late* has its intervals cut one by one.

This is one long file on purpose: numba keeps compiled code as long as the file of the caller is as
it was, so a helper that is mended in another file would go on running as it used to.
"""

# pyright: basic
# Numba infers these types from the arrays it is called with.
# ruff: noqa: D417, FBT003

from __future__ import annotations

import os

os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")

import numpy as np
from numba import njit

_EVENTS, _SUM, _USERS, _ACTIVE_DAYS, _USER_DAYS = 0, 1, 2, 3, 4
_TEAMS, _WORKSPACES, _DISTINCT, _FIRST, _LAST = 5, 6, 7, 8, 9
_NEVER = 1 << 30
_WORD = 64
_BYTES = 8
_WORKSPACE_SHIFT = 16
_CODE = (1 << _WORKSPACE_SHIFT) - 1
_COUNTED, _TOLD_APART, _LISTED = 1, 2, 4
"""What the channels of a mark ask of its rows."""

_compiled = njit(nogil=True, cache=True, error_model="numpy")


@_compiled
def _add_late(x, at, amount, first, last, begins, ends, place, change):  # pragma: no cover
    """Add an amount to the windows of steps first .. last-1, from when it is known."""
    for o in range(first, last):
        lo, hi = max(place[begins[o], x], at), place[ends[o], x]
        if lo < hi:
            change[o, lo] += amount
            change[o, hi] -= amount


@_compiled
def _add_person_days(  # pragma: no cover
    person, day, x, at, i, end, first, last, lane, begins, ends, place, daily, change
):
    """Count each person and day once; tell whether any was known late."""
    p, d, late = -1, _NEVER, False
    for j in range(i, end):
        if person[j] < 0 or (person[j] == p and day[j] == d):
            continue
        p, d = person[j], day[j]
        if at[j] <= place[0, x[j]]:
            daily[lane, x[j]] += 1
        else:
            late = True
            _add_late(x[j], at[j], 1, first, last, begins, ends, place, change)
    return late


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
def _add_unit(  # pragma: no cover
    present, low, high, first, last, window, begins, ends, place, change
):
    """Count one value, known punctually, in the windows of steps first .. last-1."""
    before = -1
    words = present.view(np.uint64)
    for word in range(low // _BYTES, high // _BYTES + 1):
        if words[word] == 0:
            continue
        for x in range(word * _BYTES, word * _BYTES + _BYTES):
            if not present[x]:
                continue
            gap = x - before
            # Windows ascend: those from the length of the gap on stay open.
            for o in range(first, last):
                if before >= 0:
                    if window[o] >= gap:
                        break
                    change[o, place[ends[o], before]] -= 1
                change[o, place[begins[o], x]] += 1
            before = x
    if before >= 0:
        for o in range(first, last):
            change[o, place[ends[o], before]] -= 1


@_compiled
def _see(  # pragma: no cover
    slot, channel, x, at, punctual, slot_row, opened, held, present, late_slot, late_x, late_at
):
    """Note that a value was there on a day; `held` counts slots opened and late days."""
    if slot_row[slot] < 0:
        slot_row[slot] = held[0]
        opened[held[0], 0], opened[held[0], 1] = slot, channel
        opened[held[0], 2] = 0
        held[0] += 1
    if punctual:
        present[slot_row[slot], x] = 1
    else:
        opened[slot_row[slot], 2] = 1
        late_slot[held[1]], late_x[held[1]], late_at[held[1]] = slot, x, at
        held[1] += 1


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
def _count_late_unit(  # pragma: no cover
    present, slot, late_slot, late_x, late_at, lates,
    low, high, first, last, begins, ends, place, words, days, out, account,
):  # fmt: skip
    """Add one where a value counts of which some days were known late: in no order."""
    width = (days + _WORD - 1) // _WORD
    for o in range(first, last):
        words[:width] = 0
        for x in range(low, high + 1):
            lo, hi = place[begins[o], x], place[ends[o], x]
            if present[x] and lo < hi:
                _set_bits(words, 0, lo, hi)
        for j in range(lates):
            if late_slot[j] == slot:
                lo, hi = max(place[begins[o], late_x[j]], late_at[j]), place[ends[o], late_x[j]]
                if lo < hi:
                    _set_bits(words, 0, lo, hi)
        for t in range(days):
            out[o, account, t] += (words[t // _WORD] >> np.uint64(t % _WORD)) & np.uint64(1)


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
def _add_known_days(  # pragma: no cover
    known,
    first_day,
    final_day,
    low_day,
    base,
    first,
    last,
    lane,
    begins,
    ends,
    place,
    daily,
    change,
):
    """Count each day once, from when the first of its rows was known; `known` is made blank.

    Tell whether any was known late.
    """
    late = False
    for d in range(first_day, final_day + 1):
        at = known[lane, d - low_day]
        if at == _NEVER:
            continue
        known[lane, d - low_day] = _NEVER
        x = max(d - base, 0)
        if at <= place[0, x]:
            daily[lane, x] += 1
        else:
            late = True
            _add_late(x, at, 1, first, last, begins, ends, place, change)
    return late


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
def is_sorted(account, person, visible, day):  # pragma: no cover
    """Tell whether rows are in the order of the roll-up."""
    for i in range(1, account.shape[0]):
        if account[i] != account[i - 1]:
            if account[i] < account[i - 1]:
                return False
        elif person[i] != person[i - 1]:
            if person[i] < person[i - 1]:
                return False
        elif visible[i] != visible[i - 1]:
            if visible[i] < visible[i - 1]:
                return False
        elif day[i] < day[i - 1]:
            return False
    return True


@_compiled
def _mark_of(event, key, row, codes):  # pragma: no cover
    """Return the mark of a row; see `marks.Marks`."""
    return key[row] + codes - 1 if key[row] > 0 else event[row] & _CODE


@_compiled
def find_marks(event, key, codes, wanted):  # pragma: no cover
    """Return the positions of rows with a wanted mark."""
    found = 0
    for row in range(event.shape[0]):
        found += wanted[_mark_of(event, key, row, codes)]
    at = np.empty(found, dtype=np.int64)
    found = 0
    for row in range(event.shape[0]):
        if wanted[_mark_of(event, key, row, codes)]:
            at[found] = row
            found += 1
    return at


@_compiled
def _is_steady(person, day, begin, end):  # pragma: no cover
    """Tell whether the days of each person, known in this order, happened in it too."""
    for row in range(begin + 1, end):
        if day[row] < day[row - 1] and person[row] == person[row - 1]:
            return False
    return True


@_compiled
def walk(  # pragma: no cover  # noqa: C901
    row_ptr,
    apart,
    person,
    day,
    visible,
    event,
    key,
    count,
    sums,
    codes,
    mark_ptr,
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
    offset,
    out,
):
    """Fill out[step, offset + account, day] for all accounts that are not set apart.

    An account whose rows became known in another order than they happened is set apart too.

    Args:
        row_ptr: Where each account's rows begin; one longer than the accounts.
        apart: Accounts to leave alone; those found out of order are added.
        person, day, visible, event, key, count: Columns of the rows.
        sums: [sum column, row].
        codes: Number of codes; see `marks.Marks`.
        mark_ptr, mark_channel, mark_slot: By mark, the channels it counts in and, for distinct
            values, the slot of its value.
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
    reach = last_day - base + 3
    reach += -reach % _BYTES
    lanes, longest = 1, 1
    for c in range(channels):
        lanes = max(lanes, lane[c] + 1)
    for account in range(row_ptr.shape[0] - 1):
        longest = max(longest, row_ptr[account + 1] - row_ptr[account])

    # Values that one row can tell apart at most.
    told_apart = 0
    for m in range(marks):
        told_apart = max(told_apart, (mark_slot[mark_ptr[m] : mark_ptr[m + 1]] >= 0).sum())
    told_apart += (measure == _TEAMS).sum() + (measure == _WORKSPACES).sum()

    asks = np.zeros(marks, dtype=np.uint8)
    counts_in = np.zeros((channels, marks), dtype=np.bool_)
    for m in range(marks):
        for k in range(mark_ptr[m], mark_ptr[m + 1]):
            kind = measure[mark_channel[k]]
            counts_in[mark_channel[k], m] = True
            if kind in (_EVENTS, _FIRST, _LAST):
                asks[m] |= _COUNTED
            elif kind == _DISTINCT:
                asks[m] |= _TOLD_APART
            else:
                asks[m] |= _LISTED
    counts_all, by_person, by_workspace = False, False, False
    for c in common:
        kind = measure[c]
        counts_all |= kind in (_EVENTS, _FIRST, _LAST)
        by_person |= kind in (_USERS, _USER_DAYS, _TEAMS, _ACTIVE_DAYS)
        by_workspace |= kind == _WORKSPACES

    # Everything is allocated here: inside the walk it would cost more than the walk itself.
    change = np.zeros((steps, days + 1), dtype=np.int64)
    best = np.zeros((channels, days), dtype=np.int32)
    closing = np.zeros(steps, dtype=np.int64)
    touched = np.zeros(channels, dtype=np.bool_)
    changed = np.zeros(channels, dtype=np.bool_)
    touched_list = np.zeros(channels, dtype=np.int64)
    daily = np.zeros((lanes, reach), dtype=np.int64)
    known = np.full((lanes, max(last_day - low_day, 0) + 1), _NEVER, dtype=np.int32)
    # Counts by mark: of row 0 those of all marks, of others those of the account's own.
    counts = np.zeros((marks + 1, reach), dtype=np.int64)
    old_first = np.full(marks + 1, _NEVER, dtype=np.int32)
    old_last = np.full(marks + 1, -_NEVER, dtype=np.int32)
    since = np.full(marks + 1, reach, dtype=np.int64)
    upto = np.zeros(marks + 1, dtype=np.int64)
    lane_low = np.full(channels, reach, dtype=np.int64)
    lane_high = np.zeros(channels, dtype=np.int64)
    local = np.full(marks, -1, dtype=np.int64)
    mark_list = np.zeros(marks + 1, dtype=np.int64)
    slot_row = np.full(max(slots, 1), -1, dtype=np.int64)
    opened = np.zeros((max(slots, 1), 3), dtype=np.int64)
    present = np.zeros((max(slots, 1), reach), dtype=np.uint8)
    held = np.zeros(2, dtype=np.int64)
    words = np.zeros((days + _WORD - 1) // _WORD, dtype=np.uint64)
    in_list = np.zeros(channels, dtype=np.bool_)
    # Items: by person and day; from `longest` on those of one channel, from listed rows.
    i_person = np.zeros(2 * longest, dtype=np.int32)
    i_day = np.zeros(2 * longest, dtype=np.int32)
    i_x = np.zeros(2 * longest, dtype=np.int32)
    i_at = np.zeros(2 * longest, dtype=np.int32)
    late_row = np.zeros(longest, dtype=np.int64)
    listed_row = np.zeros(longest, dtype=np.int64)
    most_late = longest * told_apart
    late_slot = np.zeros(most_late, dtype=np.int32)
    late_x = np.zeros(most_late, dtype=np.int32)
    late_at = np.zeros(most_late, dtype=np.int32)

    for account in range(row_ptr.shape[0] - 1):
        begin, end = row_ptr[account], row_ptr[account + 1]
        if begin == end or apart[account]:
            continue
        if not _is_steady(person, day, begin, end):
            apart[account] = True
            continue
        to = offset + account
        first_day, final_day = _NEVER, -_NEVER
        touched_count, marks_here, items, lates, listed = 0, 1, 0, 0, 0
        held[0], held[1] = 0, 0

        p, d, v, w, wx = -2, 0, 0, 0, -1
        for row in range(begin, end):
            if visible[row] > last_day:
                continue
            today = day[row]
            x = max(today - base, 0)
            late = False
            if visible[row] != today:
                late = place[0, max(visible[row] - base, 0)] > place[0, x]
            m = _mark_of(event, key, row, codes)
            ask = asks[m]
            if late:
                late_row[lates] = row
                lates += 1
            else:
                if counts_all:
                    counts[0, x] += count[row]
                    if x == 0:
                        old_first[0] = min(old_first[0], today)
                        old_last[0] = max(old_last[0], today)
                if ask & _COUNTED:
                    here = local[m]
                    if here < 0:
                        here = local[m] = marks_here
                        mark_list[marks_here] = m
                        marks_here += 1
                    counts[here, x] += count[row]
                    since[here], upto[here] = min(since[here], x), max(upto[here], x + 1)
                    if x == 0:
                        old_first[here] = min(old_first[here], today)
                        old_last[here] = max(old_last[here], today)
                if ask & _TOLD_APART:
                    for k in range(mark_ptr[m], mark_ptr[m + 1]):
                        slot = mark_slot[k]
                        if slot < 0:
                            continue
                        if slot_row[slot] >= 0:
                            present[slot_row[slot], x] = 1
                        else:
                            _see(
                                slot, mark_channel[k], x, 0, True, slot_row, opened, held,
                                present, late_slot, late_x, late_at,
                            )  # fmt: skip
                if by_workspace and (event[row] >> _WORKSPACE_SHIFT != w or x != wx):
                    w, wx = event[row] >> _WORKSPACE_SHIFT, x
                    if w > 0:
                        for c in common:
                            if measure[c] != _WORKSPACES:
                                continue
                            slot = slot_base[c] + w - 1
                            if slot_row[slot] >= 0:
                                present[slot_row[slot], x] = 1
                            else:
                                _see(
                                    slot, c, x, 0, True, slot_row, opened, held,
                                    present, late_slot, late_x, late_at,
                                )  # fmt: skip
            if ask & _LISTED:
                listed_row[listed] = row
                listed += 1
            if person[row] == p and today == d and visible[row] == v:
                continue
            p, d, v = person[row], today, visible[row]
            first_day, final_day = min(first_day, d), max(final_day, d)
            if by_person:
                i_person[items] = p
                i_day[items] = d
                i_x[items] = x
                i_at[items] = place[0, max(v - base, 0)]
                items += 1
        if first_day == _NEVER:
            continue
        low, high = max(first_day - base, 0), max(final_day - base, 0) + 1

        # Which channels anything counts in; the others stay as they are.
        for h in range(marks_here + lates + listed):
            if h == 0:
                first_task, last_task = 0, common.shape[0]
            elif h < marks_here:
                first_task, last_task = mark_ptr[mark_list[h]], mark_ptr[mark_list[h] + 1]
            else:
                j = h - marks_here
                row = late_row[j] if j < lates else listed_row[j - lates]
                m = _mark_of(event, key, row, codes)
                first_task, last_task = mark_ptr[m], mark_ptr[m + 1]
            for task in range(first_task, last_task):
                c = common[task] if h == 0 else mark_channel[task]
                if not touched[c]:
                    touched[c] = True
                    touched_list[touched_count] = c
                    touched_count += 1
                    if measure[c] in (_FIRST, _LAST):
                        best[c, :] = _NEVER if measure[c] == _FIRST else -_NEVER

        # Sums, and first and last days, of what was punctual.
        for here in range(0 if counts_all else 1, marks_here):
            m = mark_list[here]
            first_task, last_task = 0, common.shape[0]
            if here > 0:
                first_task, last_task = mark_ptr[m], mark_ptr[m + 1]
                local[m] = -1
            else:
                since[0], upto[0] = low, high
            for task in range(first_task, last_task):
                c = common[task] if here == 0 else mark_channel[task]
                if measure[c] == _EVENTS:
                    lane_low[c] = min(lane_low[c], since[here])
                    lane_high[c] = max(lane_high[c], upto[here])
                    for x in range(since[here], upto[here]):
                        daily[lane[c], x] += counts[here, x]
                elif measure[c] == _FIRST:
                    best[c, 0] = min(best[c, 0], old_first[here])
                    for x in range(max(since[here], 1), upto[here]):
                        if counts[here, x]:
                            best[c, place[0, x]] = min(best[c, place[0, x]], base + x)
                elif measure[c] == _LAST:
                    best[c, 0] = max(best[c, 0], old_last[here])
                    for x in range(max(since[here], 1), upto[here]):
                        if counts[here, x]:
                            best[c, place[0, x]] = max(best[c, place[0, x]], base + x)
            counts[here, since[here] : upto[here]] = 0
            since[here], upto[here] = reach, 0
            old_first[here], old_last[here] = _NEVER, -_NEVER

        # The same of what was late, and its values and workspaces.
        for j in range(lates):
            row = late_row[j]
            m, x = _mark_of(event, key, row, codes), max(day[row] - base, 0)
            at = place[0, max(visible[row] - base, 0)]
            own = mark_ptr[m + 1] - mark_ptr[m]
            for task in range(own + common.shape[0]):
                k = mark_ptr[m] + task
                c = mark_channel[k] if task < own else common[task - own]
                kind = measure[c]
                if kind == _EVENTS:
                    changed[c] = True
                    _add_late(
                        x, at, count[row], out_ptr[c], out_ptr[c + 1],
                        begins, ends, place, change,
                    )  # fmt: skip
                elif kind == _FIRST:
                    best[c, at] = min(best[c, at], day[row])
                elif kind == _LAST:
                    best[c, at] = max(best[c, at], day[row])
                elif kind == _DISTINCT:
                    _see(
                        mark_slot[k], c, x, at, False, slot_row, opened, held,
                        present, late_slot, late_x, late_at,
                    )  # fmt: skip
                elif kind == _WORKSPACES and task >= own and event[row] >> _WORKSPACE_SHIFT > 0:
                    _see(
                        slot_base[c] + (event[row] >> _WORKSPACE_SHIFT) - 1, c, x, at, False,
                        slot_row, opened, held, present, late_slot, late_x, late_at,
                    )  # fmt: skip

        # People and their days: first the channels that every row counts in, then those of
        # listed rows, a channel at a time.
        for j in range(listed):
            m = _mark_of(event, key, listed_row[j], codes)
            for k in range(mark_ptr[m], mark_ptr[m + 1]):
                in_list[mark_channel[k]] = True
        for task in range(common.shape[0] + touched_count):
            if task < common.shape[0]:
                c, i, stop = common[task], 0, items
            else:
                c, i, stop = touched_list[task - common.shape[0]], longest, longest
                if not in_list[c]:
                    continue
                in_list[c] = False
            kind, first, last = measure[c], out_ptr[c], out_ptr[c + 1]
            if kind not in (_USERS, _USER_DAYS, _TEAMS, _ACTIVE_DAYS, _WORKSPACES, _SUM):
                continue
            if i == longest:
                for j in range(listed):
                    row = listed_row[j]
                    if not counts_in[c, _mark_of(event, key, row, codes)]:
                        continue
                    i_person[stop] = person[row]
                    i_day[stop] = day[row]
                    i_x[stop] = x = max(day[row] - base, 0)
                    i_at[stop] = at = place[0, max(visible[row] - base, 0)]
                    stop += 1
                    if kind == _WORKSPACES and event[row] >> _WORKSPACE_SHIFT > 0:
                        _see(
                            slot_base[c] + (event[row] >> _WORKSPACE_SHIFT) - 1, c,
                            x, at, at <= place[0, x], slot_row, opened, held,
                            present, late_slot, late_x, late_at,
                        )  # fmt: skip
                    elif kind == _SUM:
                        value = sums[sum_column[c], row]
                        if value != value:
                            continue
                        for o in range(first, last):
                            for t in range(max(place[begins[o], x], at), place[ends[o], x]):
                                out[o, to, t] += value
            if kind == _USERS:
                _add_people(
                    i_person, i_day, i_x, i_at, i, stop,
                    (first, last), window, begins, ends, place, closing, change,
                )  # fmt: skip
            elif kind == _USER_DAYS:
                changed[c] |= _add_person_days(
                    i_person, i_day, i_x, i_at, i, stop,
                    first, last, lane[c], begins, ends, place, daily, change,
                )  # fmt: skip
            elif kind == _ACTIVE_DAYS:
                for j in range(i, stop):
                    k = i_day[j] - low_day
                    known[lane[c], k] = min(known[lane[c], k], i_at[j])
            elif kind == _TEAMS:
                p, k, until = -1, 0, 0
                for j in range(i, stop):
                    if i_person[j] < 0:
                        continue
                    if i_person[j] != p:
                        p = i_person[j]
                        k, until = team_ptr[p] - 1, team_ptr[p + 1]
                    # The days of a person ascend, and so do those of the teams.
                    while k + 1 < until and team_day[k + 1] <= i_day[j]:
                        k += 1
                    if k < team_ptr[p]:
                        continue
                    slot, x = slot_base[c] + team[k], i_x[j]
                    punctual = i_at[j] <= place[0, x]
                    if punctual and slot_row[slot] >= 0:
                        present[slot_row[slot], x] = 1
                    else:
                        _see(
                            slot, c, x, i_at[j], punctual, slot_row, opened, held,
                            present, late_slot, late_x, late_at,
                        )  # fmt: skip

        for s in range(held[0]):
            c = opened[s, 1]
            if not touched[c]:
                touched[c] = True
                touched_list[touched_count] = c
                touched_count += 1
            if not opened[s, 2]:
                _add_unit(
                    present[s], low, high, out_ptr[c], out_ptr[c + 1],
                    window, begins, ends, place, change,
                )  # fmt: skip

        for touch in range(touched_count):
            c = touched_list[touch]
            kind, first, last = measure[c], out_ptr[c], out_ptr[c + 1]
            touched[c] = False
            if kind in (_FIRST, _LAST):
                if first < last:
                    _carry_extreme(best, c, axis, kind == _FIRST, out, first, to)
                continue
            if kind == _SUM:
                continue
            if kind == _ACTIVE_DAYS:
                changed[c] |= _add_known_days(
                    known, first_day, final_day, low_day, base,
                    first, last, lane[c], begins, ends, place, daily, change,
                )  # fmt: skip
            in_lane = kind in (_EVENTS, _USER_DAYS, _ACTIVE_DAYS)
            begun, ended = low, high
            if kind == _EVENTS:
                begun, ended = min(lane_low[c], high), lane_high[c]
                lane_low[c], lane_high[c] = reach, 0
            if in_lane:
                _sum_before(daily, lane[c], begun, ended)
            for o in range(first, last):
                if changed[c] or not in_lane:
                    _run_changes(change, o, out, to)
                if in_lane:
                    _add_daily(
                        daily, lane[c], begun, ended, axis, ago[o], window[o], base, out, o, to
                    )
            changed[c] = False
            if in_lane:
                daily[lane[c], begun : ended + 1] = 0

        for s in range(held[0]):
            slot, c = opened[s, 0], opened[s, 1]
            if opened[s, 2]:
                _count_late_unit(
                    present[s], slot, late_slot, late_x, late_at, held[1],
                    low, high, out_ptr[c], out_ptr[c + 1], begins, ends, place,
                    words, days, out, to,
                )  # fmt: skip
            present[s, low : high + 1] = 0
            slot_row[slot] = -1
