"""The walk: every step of every account as of many days, each row of the activity seen once.

Accounts are laid one after the other, rows within them sorted by person, then by the day they
became known. A window is an interval on the axis of the days asked for, and an interval is two
changes: one where it begins, one where it ends; a running sum makes the step function. So the
cost does not grow with the windows' length, and hardly with the number of days.

- *Sums with many windows* go through a day-by-day array and its prefix sums.
- *People*: intervals of one person come in order of their beginning, so a gap is seen at once.
- *Values* (features, endpoints, teams) come in no order: each has a row of bits, one per day
  asked for, and an interval sets a run of bits.
"""

# pyright: basic
# Numba infers these types from the arrays it is called with.

from __future__ import annotations

import os

os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")

import numpy as np
from numba import njit

_EVENTS, _SUM, _USERS, _ACTIVE_DAYS, _USER_DAYS = 0, 1, 2, 3, 4
_TEAMS, _WORKSPACES, _DISTINCT, _FIRST, _LAST = 5, 6, 7, 8, 9
_NEVER = 1 << 30
_WORD = 64


@njit(nogil=True, cache=True, error_model="numpy")
def _index(day, first_day, last_day, days, table):  # pragma: no cover
    """Return the position of the first day asked for that is not before `day`."""
    if day <= first_day:
        return 0
    if day > last_day:
        return days
    return table[day - first_day]


@njit(nogil=True, cache=True, error_model="numpy")
def _set_bits(words, base, low, high):  # pragma: no cover
    """Set bits low .. high-1."""
    first, last = low // _WORD, (high - 1) // _WORD
    ones = np.uint64(0xFFFFFFFFFFFFFFFF)
    for word in range(first, last + 1):
        mask = ones
        if word == first:
            mask &= ones << np.uint64(low % _WORD)
        if word == last:
            mask &= ones >> np.uint64(_WORD - 1 - (high - 1) % _WORD)
        words[base + word] |= mask


@njit(nogil=True, cache=True, error_model="numpy")
def _team_at(person, day, team_ptr, team_day, team):  # pragma: no cover
    """Return the team a person was known to be in on a day; -1 when none."""
    found = -1
    for k in range(team_ptr[person], team_ptr[person + 1]):
        if team_day[k] <= day:
            found = team[k]
    return found


@njit(nogil=True, cache=True, error_model="numpy")
def walk(  # pragma: no cover  # noqa: C901, D417
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
    mark_channel,
    mark_slot,
    common,
    measure,
    out_ptr,
    window,
    ago,
    lane,
    sum_column,
    slot_base,
    slots,
    team_ptr,
    team_day,
    team,
    axis,
    table,
    out,
):
    """Fill out[step, account, day] for all accounts that are not skipped.

    One function because the state of a walk is some thirty arrays: handing them from function to
    function costs more than it explains.

    Args:
        row_ptr: Where each account's rows begin; one longer than the accounts.
        skipped: Accounts to leave alone.
        person, day, visible, mark, workspace, count: Columns of the rows.
        sums: [sum column, row].
        mark_ptr, mark_channel, mark_slot: By mark, the channels it counts in and, for distinct
            values, the slot of its value.
        common: Channels that every row counts in.
        measure, out_ptr, window, ago: See `exact.Axes`.
        lane: Per channel, its day-by-day array; -1 when it has none.
        sum_column: Per channel, the column of `sums` it adds up.
        slot_base: Per channel, the first slot of its values.
        slots: Number of slots.
        team_ptr, team_day, team: By person, the days since when, and the teams.
        axis: Days asked for, ascending.
        table: By day from the first of `axis`, the position of the first one not before it.
        out: As `exact.blank` makes it.
    """
    days = axis.shape[0]
    first_day, last_day = axis[0], axis[days - 1]
    channels, steps = measure.shape[0], window.shape[0]
    width = (days + _WORD - 1) // _WORD
    lanes = 1
    for c in range(channels):
        lanes = max(lanes, lane[c] + 1)

    widest, longest = 0, 0
    for account in range(row_ptr.shape[0] - 1):
        low_day, high_day = _NEVER, -_NEVER
        for row in range(row_ptr[account], row_ptr[account + 1]):
            low_day = min(low_day, day[row])
            high_day = max(high_day, day[row])
        widest = max(widest, high_day - low_day + 2)
        longest = max(longest, row_ptr[account + 1] - row_ptr[account])
    most_values, most_steps = 2, 1
    for m in range(mark_ptr.shape[0] - 1):
        most_values = max(most_values, mark_ptr[m + 1] - mark_ptr[m] + 2)
    for c in range(channels):
        most_steps = max(most_steps, out_ptr[c + 1] - out_ptr[c])

    # Nothing is allocated, or assigned anew, inside the walk: arrays that are would be counted
    # at every turn of the loops, which costs more than the walk itself.
    change = np.zeros((steps, days + 1))
    best = np.zeros((steps, days), dtype=np.int64)
    reach = np.zeros(steps, dtype=np.int64)
    seen_person = np.full(channels, -1, dtype=np.int64)
    seen_day = np.full(channels, -1, dtype=np.int64)
    touched = np.zeros(channels, dtype=np.bool_)
    touched_list = np.zeros(channels, dtype=np.int64)
    daily = np.zeros((lanes, widest + 1))
    known_from = np.full((lanes, widest + 1), _NEVER, dtype=np.int64)
    slot_words = np.full(slots, -1, dtype=np.int64)
    slot_list = np.zeros(max(slots, 1), dtype=np.int64)
    slot_channel = np.zeros(max(slots, 1), dtype=np.int64)
    words = np.zeros(min(slots, longest * most_values) * most_steps * width + 1, dtype=np.uint64)

    for account in range(row_ptr.shape[0] - 1):
        begin, end = row_ptr[account], row_ptr[account + 1]
        if begin == end or skipped[account]:
            continue
        low_day, high_day = day[begin], day[begin]
        for row in range(begin, end):
            low_day = min(low_day, day[row])
            high_day = max(high_day, day[row])
        span = high_day - low_day + 1
        touched_count = 0
        slot_count = 0
        words_used = 0

        row = begin
        while row < end:
            p, d, v = person[row], day[row], visible[row]
            total = 0
            stop = row
            while stop < end and person[stop] == p and day[stop] == d and visible[stop] == v:
                total += count[stop]
                stop += 1
            if v > last_day:
                row = stop
                continue
            at = _index(v, first_day, last_day, days, table)
            # The last pass of this loop is for the channels that every row counts in.
            for r in range(row, stop + 1):
                if r < stop:
                    k, k_end = mark_ptr[mark[r]], mark_ptr[mark[r] + 1]
                else:
                    k, k_end = 0, common.shape[0]
                while k < k_end:
                    if r < stop:
                        c, slot, amount = mark_channel[k], mark_slot[k], count[r]
                    else:
                        c, slot, amount = common[k], -1, total
                    k += 1
                    kind = measure[c]
                    first_out, end_out = out_ptr[c], out_ptr[c + 1]
                    if not touched[c]:
                        touched[c] = True
                        touched_list[touched_count] = c
                        touched_count += 1
                        seen_person[c] = -1
                        seen_day[c] = -_NEVER
                        for o in range(first_out, end_out):
                            for t in range(days):
                                change[o, t] = 0
                                best[o, t] = _NEVER if kind == _FIRST else -_NEVER
                            change[o, days] = 0
                    if kind in (_EVENTS, _USER_DAYS):
                        if kind == _USER_DAYS:
                            if p < 0 or (seen_person[c] == p and seen_day[c] == d):
                                continue
                            seen_person[c] = p
                            seen_day[c] = d
                            amount = 1
                        if lane[c] >= 0 and v == d:
                            daily[lane[c], d - low_day] += amount
                        else:
                            for o in range(first_out, end_out):
                                shifted = d + ago[o]
                                lo = _index(max(shifted, v), first_day, last_day, days, table)
                                hi = _index(shifted + window[o], first_day, last_day, days, table)
                                if lo < hi:
                                    change[o, lo] += amount
                                    change[o, hi] -= amount
                    elif kind == _USERS:
                        if p < 0 or (seen_person[c] == p and seen_day[c] == d):
                            continue
                        if seen_person[c] != p:
                            if seen_person[c] >= 0:
                                for o in range(first_out, end_out):
                                    change[
                                        o, _index(reach[o], first_day, last_day, days, table)
                                    ] -= 1
                            for o in range(first_out, end_out):
                                # Opens and closes at once: nothing to close later.
                                reach[o] = -_NEVER
                                change[o, 0] += 1
                            seen_person[c] = p
                        seen_day[c] = d
                        for o in range(first_out, end_out):
                            shifted = d + ago[o]
                            start = max(shifted, v)
                            ends = shifted + window[o]
                            if ends <= first_day or start >= ends:
                                continue
                            if start > reach[o]:
                                change[o, _index(reach[o], first_day, last_day, days, table)] -= 1
                                change[o, _index(start, first_day, last_day, days, table)] += 1
                            if ends > reach[o]:
                                reach[o] = ends
                    elif kind == _ACTIVE_DAYS:
                        where = known_from[lane[c], d - low_day]
                        if v < where:
                            known_from[lane[c], d - low_day] = v
                    elif kind == _FIRST:
                        if d < best[first_out, at]:
                            best[first_out, at] = d
                    elif kind == _LAST:
                        if d > best[first_out, at]:
                            best[first_out, at] = d
                    elif kind == _SUM:
                        value = sums[sum_column[c], r]
                        if value != value:
                            continue
                        for o in range(first_out, end_out):
                            shifted = d + ago[o]
                            lo = _index(max(shifted, v), first_day, last_day, days, table)
                            hi = _index(shifted + window[o], first_day, last_day, days, table)
                            for t in range(lo, hi):
                                out[o, account, t] += value
                    else:
                        if kind == _TEAMS:
                            if p < 0 or (seen_person[c] == p and seen_day[c] == d):
                                continue
                            seen_person[c] = p
                            seen_day[c] = d
                            slot = _team_at(p, d, team_ptr, team_day, team)
                            if slot < 0:
                                continue
                            slot += slot_base[c]
                        elif kind == _WORKSPACES:
                            if workspace[r] == 0:
                                continue
                            slot = slot_base[c] + workspace[r]
                        if slot_words[slot] < 0:
                            need = (end_out - first_out) * width
                            for word in range(words_used, words_used + need):
                                words[word] = 0
                            slot_words[slot] = words_used
                            slot_list[slot_count] = slot
                            slot_channel[slot_count] = c
                            slot_count += 1
                            words_used += need
                        for o in range(first_out, end_out):
                            shifted = d + ago[o]
                            lo = _index(max(shifted, v), first_day, last_day, days, table)
                            hi = _index(shifted + window[o], first_day, last_day, days, table)
                            if lo < hi:
                                base = slot_words[slot] + (o - first_out) * width
                                _set_bits(words, base, lo, hi)
            row = stop

        for s in range(slot_count):
            c = slot_channel[s]
            for o in range(out_ptr[c], out_ptr[c + 1]):
                base = slot_words[slot_list[s]] + (o - out_ptr[c]) * width
                for t in range(days):
                    bit = (words[base + t // _WORD] >> np.uint64(t % _WORD)) & np.uint64(1)
                    out[o, account, t] += bit
            slot_words[slot_list[s]] = -1

        for touch in range(touched_count):
            c = touched_list[touch]
            touched[c] = False
            kind = measure[c]
            first_out, end_out = out_ptr[c], out_ptr[c + 1]
            if kind in (_FIRST, _LAST):
                carried = best[first_out, 0]
                for t in range(days):
                    if kind == _FIRST:
                        carried = min(carried, best[first_out, t])
                    else:
                        carried = max(carried, best[first_out, t])
                    if -_NEVER < carried < _NEVER:
                        out[first_out, account, t] = axis[t] - carried
                continue
            if kind == _ACTIVE_DAYS:
                for k in range(span):
                    v = known_from[lane[c], k]
                    if v == _NEVER:
                        continue
                    known_from[lane[c], k] = _NEVER
                    if v == low_day + k:
                        daily[lane[c], k] = 1
                        continue
                    for o in range(first_out, end_out):
                        shifted = low_day + k + ago[o]
                        lo = _index(max(shifted, v), first_day, last_day, days, table)
                        hi = _index(shifted + window[o], first_day, last_day, days, table)
                        if lo < hi:
                            change[o, lo] += 1
                            change[o, hi] -= 1
            elif kind == _USERS:
                if seen_person[c] >= 0:
                    for o in range(first_out, end_out):
                        change[o, _index(reach[o], first_day, last_day, days, table)] -= 1
            elif kind != _EVENTS and kind != _USER_DAYS:
                continue
            if lane[c] >= 0:
                before = 0.0
                for k in range(span + 1):
                    here = daily[lane[c], k]
                    daily[lane[c], k] = before
                    before += here
            for o in range(first_out, end_out):
                running = 0.0
                for t in range(days):
                    running += change[o, t]
                    out[o, account, t] = running
                if lane[c] >= 0:
                    for t in range(days):
                        hi = min(max(axis[t] - ago[o] - low_day + 1, 0), span)
                        lo = min(max(axis[t] - ago[o] - low_day + 1 - window[o], 0), span)
                        out[o, account, t] += daily[lane[c], hi] - daily[lane[c], lo]
            if lane[c] >= 0:
                for k in range(span + 1):
                    daily[lane[c], k] = 0
