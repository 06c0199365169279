"""The walk: every step of every account as of many days, each row of the activity seen once.

Accounts are laid one after the other, rows within them sorted by person, then by the day they
became known. A window is an interval on the axis of the days asked for, and an interval is two
changes: one where it begins, one where it ends; a running sum makes the step function. So the
cost does not grow with the windows' length, and hardly with the number of days. Where intervals
begin and end is looked up in `Axis.place`, made once for all rows.

- *Sums with many windows* go through a day-by-day array and its prefix sums.
- *People*: the days of one person come in order, so a window changes only where a gap is longer
  than it is; whoever comes every day costs one comparison a day.
- *Values* (features, endpoints, teams) come in no order: each has a row of bits, one per day
  asked for, and an interval sets a run of bits.
- *Rows too old* for any window that ends are only counted in what never ends.
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
def _set_bits(words, base, low, high):  # pragma: no cover
    """Set bits low .. high-1; there is one at least."""
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
    mark_old,
    mark_channel,
    mark_slot,
    common,
    common_old,
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

    One function because the state of a walk is some thirty arrays: handing them from function to
    function costs more than it explains.

    Args:
        row_ptr: Where each account's rows begin; one longer than the accounts.
        skipped: Accounts to leave alone.
        person, day, visible, mark, workspace, count: Columns of the rows.
        sums: [sum column, row].
        mark_ptr, mark_channel, mark_slot: By mark, the channels it counts in and, for distinct
            values, the slot of its value.
        mark_old: By mark, where those of its channels end that some window without end reads.
        common: Channels that every row counts in.
        common_old: How many of them, from the first, some window without end reads.
        measure, out_ptr, window, ago: See `exact.Axes`.
        begins, ends: By step, the rows of `place` for where an interval begins and ends.
        lane: Per channel, its day-by-day array; -1 when it has none.
        sum_column: Per channel, the column of `sums` it adds up.
        slot_base: Per channel, the first slot of its values.
        slots: Number of slots.
        team_ptr, team_day, team: By person, the days since when, and the teams.
        axis: Days asked for, ascending.
        place: See `shard.Axis`.
        base: The day that the columns of `place` count from.
        low_day: The earliest day of any row, or an earlier one.
        out: As `exact.blank` makes it.
    """
    days = axis.shape[0]
    last_day = axis[days - 1]
    channels, steps = measure.shape[0], window.shape[0]
    width = (days + _WORD - 1) // _WORD
    lanes, most_steps = 1, 1
    for c in range(channels):
        lanes = max(lanes, lane[c] + 1)
        if measure[c] in (_TEAMS, _WORKSPACES, _DISTINCT):
            most_steps = max(most_steps, out_ptr[c + 1] - out_ptr[c])

    # Nothing is allocated, or assigned anew, inside the walk: arrays that are would be counted
    # at every turn of the loops, which costs more than the walk itself.
    change = np.zeros((steps, days + 1), dtype=np.int64)
    best = np.zeros((steps, days), dtype=np.int32)
    closing = np.zeros(steps, dtype=np.int64)
    explicit = np.zeros(channels, dtype=np.bool_)
    seen_person = np.full(channels, -1, dtype=np.int64)
    seen_day = np.full(channels, -1, dtype=np.int64)
    touched = np.zeros(channels, dtype=np.bool_)
    touched_list = np.zeros(channels, dtype=np.int64)
    daily = np.zeros((lanes, last_day - base + 3), dtype=np.int64)
    known_from = np.full((lanes, max(last_day - low_day, 0) + 1), _NEVER, dtype=np.int32)
    slot_words = np.full(slots, -1, dtype=np.int64)
    slot_list = np.zeros(max(slots, 1), dtype=np.int64)
    slot_channel = np.zeros(max(slots, 1), dtype=np.int64)
    words = np.empty(slots * most_steps * width + 1, dtype=np.uint64)

    for account in range(row_ptr.shape[0] - 1):
        begin, end = row_ptr[account], row_ptr[account + 1]
        if begin == end or skipped[account]:
            continue
        first_day, final_day = _NEVER, -_NEVER
        touched_count = 0
        slot_count = 0
        words_used = 0

        row = begin
        while row < end:
            p, d, v = person[row], day[row], visible[row]
            if v > last_day:
                row += 1
                continue
            total = 0
            stop = row
            while stop < end and person[stop] == p and day[stop] == d and visible[stop] == v:
                total += count[stop]
                stop += 1
            x, y = max(d - base, 0), max(v - base, 0)
            old = y == 0
            punctual = old or v == d
            first_day, final_day = min(first_day, d), max(final_day, d)
            at = place[0, y]
            # The last pass of this loop is for the channels that every row counts in.
            for r in range(row, stop + 1):
                if r < stop:
                    k = mark_ptr[mark[r]]
                    k_end = mark_old[mark[r]] if old else mark_ptr[mark[r] + 1]
                else:
                    k, k_end = 0, common_old if old else common.shape[0]
                while k < k_end:
                    if r < stop:
                        c, slot, amount = mark_channel[k], mark_slot[k], np.int64(count[r])
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
                            if kind in (_FIRST, _LAST):
                                for t in range(days):
                                    best[o, t] = _NEVER if kind == _FIRST else -_NEVER
                            else:
                                for t in range(days + 1):
                                    change[o, t] = 0
                    if kind == _EVENTS or kind == _USER_DAYS:
                        if kind == _USER_DAYS:
                            if p < 0 or (seen_person[c] == p and seen_day[c] == d):
                                continue
                            seen_person[c] = p
                            seen_day[c] = d
                            amount = np.int64(1)
                        if lane[c] >= 0 and punctual:
                            daily[lane[c], x] += amount
                        else:
                            for o in range(first_out, end_out):
                                lo, hi = max(place[begins[o], x], at), place[ends[o], x]
                                if lo < hi:
                                    change[o, lo] += amount
                                    change[o, hi] -= amount
                    elif kind == _USERS:
                        if p < 0:
                            continue
                        if seen_person[c] == p:
                            if seen_day[c] == d:
                                continue
                            before = max(seen_day[c] - base, 0)
                            if punctual and not explicit[c]:
                                gap = d - seen_day[c]
                                seen_day[c] = d
                                # Windows ascend: those from the length of the gap on stay open.
                                for o in range(first_out, end_out):
                                    if window[o] >= gap:
                                        break
                                    change[o, place[ends[o], before]] -= 1
                                    change[o, place[begins[o], x]] += 1
                                continue
                            if not explicit[c]:
                                explicit[c] = True
                                for o in range(first_out, end_out):
                                    closing[o] = place[ends[o], before]
                        else:
                            if seen_person[c] >= 0:
                                before = max(seen_day[c] - base, 0)
                                for o in range(first_out, end_out):
                                    close = closing[o] if explicit[c] else place[ends[o], before]
                                    change[o, close] -= 1
                            seen_person[c] = p
                            explicit[c] = not punctual
                            for o in range(first_out, end_out):
                                # What is known late opens and closes at once, to begin with.
                                change[o, place[begins[o], x] if punctual else 0] += 1
                                closing[o] = 0
                        seen_day[c] = d
                        if explicit[c]:
                            for o in range(first_out, end_out):
                                lo, hi = max(place[begins[o], x], at), place[ends[o], x]
                                if lo < hi:
                                    if lo > closing[o]:
                                        change[o, closing[o]] -= 1
                                        change[o, lo] += 1
                                    closing[o] = max(closing[o], hi)
                    elif kind == _ACTIVE_DAYS:
                        where = d - low_day
                        known_from[lane[c], where] = min(known_from[lane[c], where], v)
                    elif kind == _FIRST:
                        best[first_out, at] = min(best[first_out, at], d)
                    elif kind == _LAST:
                        best[first_out, at] = max(best[first_out, at], d)
                    elif kind == _SUM:
                        value = sums[sum_column[c], r]
                        if value != value:
                            continue
                        for o in range(first_out, end_out):
                            for t in range(max(place[begins[o], x], at), place[ends[o], x]):
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
                            lo, hi = max(place[begins[o], x], at), place[ends[o], x]
                            if lo < hi:
                                _set_bits(words, slot_words[slot] + (o - first_out) * width, lo, hi)
            row = stop

        for s in range(slot_count):
            c = slot_channel[s]
            for o in range(out_ptr[c], out_ptr[c + 1]):
                for word in range(width):
                    bits = words[slot_words[slot_list[s]] + (o - out_ptr[c]) * width + word]
                    if bits == 0:
                        continue
                    for t in range(word * _WORD, min(days, word * _WORD + _WORD)):
                        out[o, account, t] += bits & np.uint64(1)
                        bits >>= np.uint64(1)
            slot_words[slot_list[s]] = -1

        low, high = max(first_day - base, 0), max(final_day - base, 0) + 1
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
                for d in range(first_day, final_day + 1):
                    v = known_from[lane[c], d - low_day]
                    if v == _NEVER:
                        continue
                    known_from[lane[c], d - low_day] = _NEVER
                    x, y = max(d - base, 0), max(v - base, 0)
                    if v == d or y == 0:
                        daily[lane[c], x] += 1
                        continue
                    for o in range(first_out, end_out):
                        lo, hi = max(place[begins[o], x], place[0, y]), place[ends[o], x]
                        if lo < hi:
                            change[o, lo] += 1
                            change[o, hi] -= 1
            elif kind == _USERS:
                if seen_person[c] >= 0:
                    before = max(seen_day[c] - base, 0)
                    for o in range(first_out, end_out):
                        close = closing[o] if explicit[c] else place[ends[o], before]
                        change[o, close] -= 1
            elif kind != _EVENTS and kind != _USER_DAYS:
                continue
            if lane[c] >= 0:
                summed = 0
                for k in range(low, high + 1):
                    here = daily[lane[c], k]
                    daily[lane[c], k] = summed
                    summed += here
            for o in range(first_out, end_out):
                running = 0
                for t in range(days):
                    running += change[o, t]
                    out[o, account, t] = running
                if lane[c] >= 0:
                    for t in range(days):
                        k = axis[t] - ago[o] - base + 1
                        out[o, account, t] += (
                            daily[lane[c], min(max(k, low), high)]
                            - daily[lane[c], min(max(k - window[o], low), high)]
                        )
            if lane[c] >= 0:
                for k in range(low, high + 1):
                    daily[lane[c], k] = 0
