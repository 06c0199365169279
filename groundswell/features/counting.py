"""Counting one event at a time: what the kernel's walk would say of today, kept up to date.

A window that ends today grows by a person, a team or a value exactly when the last day of it is
before the window: so the last day of each is kept, in one open-addressed table, and an event is
counted in constant time. What cannot be counted so sets its account apart.

This is one file on purpose, as `kernel` is.
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
CROSS, ADMIN, EVIDENCE, APART, BEGUN, DONE = 1, 2, 3, 4, 5, 6
"""What an event of a mark does whose test needs more than the row: it counts for another team's
person; for an admin; it shows who is one; it counts as only the rows can say; it begins what may
be abandoned; it completes that."""

EMPTY = np.int64(-1)
_UNIT_BITS = 31
_NEVER = -(1 << 30)
_WORKSPACE_SHIFT = 16
_CODE = (1 << _WORKSPACE_SHIFT) - 1
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)

_compiled = njit(nogil=True, cache=True, error_model="numpy")


@_compiled
def _slot(keys, key):  # pragma: no cover
    """Return where a key is, or where it belongs."""
    mask = np.uint64(keys.shape[0] - 1)
    at = ((np.uint64(key) * _GOLDEN) >> np.uint64(20)) & mask
    while keys[at] != EMPTY and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return at


@_compiled
def _team_at(team_ptr, team_day, team, person, day):  # pragma: no cover
    """Return the team a person is known to be in on a day; -1 for none."""
    found = -1
    for k in range(team_ptr[person], team_ptr[person + 1]):
        if team_day[k] > day:
            break
        found = team[k]
    return found


@_compiled
def _unit(kind, person, team, workspace, slot):  # pragma: no cover
    """Return what a row is told apart by in a channel; -1 when it does not count."""
    if kind in (_USERS, _USER_DAYS):
        return person
    if kind == _ACTIVE_DAYS:
        return 0
    if kind == _TEAMS:
        return team
    if kind == _WORKSPACES:
        return workspace - 1
    return slot if kind == _DISTINCT else -1


@_compiled
def _note(keys, days, used, key, day):  # pragma: no cover
    """Note the day of what a key names."""
    at = _slot(keys, key)
    if keys[at] == EMPTY:
        keys[at] = key
        used[0] += 1
    days[at] = day


@_compiled
def move(old_keys, old_days, keys, days, used, channels, lives):  # pragma: no cover
    """Put what a table holds of names that live into an empty one."""
    for i in range(old_keys.shape[0]):
        key = old_keys[i]
        if key != EMPTY and lives[(key >> _UNIT_BITS) // channels]:
            _note(keys, days, used, key, old_days[i])


@_compiled
def living(keys, channels, lives):  # pragma: no cover
    """Return how many entries of a table are of names that live."""
    found = 0
    for key in keys:
        found += key != EMPTY and lives[(key >> _UNIT_BITS) // channels]
    return found


@_compiled
def note_all(keys, days, used, noted, when):  # pragma: no cover
    """Note the day of each of many keys."""
    for i in range(noted.shape[0]):
        _note(keys, days, used, noted[i], when[i])


@_compiled
def remember(  # pragma: no cover
    account, person, day, visible, hidden, event, key,
    codes, mark_ptr, mark_channel, mark_slot, common, measure, reach,
    does_ptr, does, does_channel, team_ptr, team_day, team,
    today, first, keys, days, used, begun,
):  # fmt: skip
    """Note the last day of all that windows tell apart, from rows `first` on of the roll-up.

    Args:
        account, person, day, visible, hidden, event, key: Columns of the rows.
        codes, mark_ptr, mark_channel, mark_slot, common: See `marks.Marks`.
        measure: By channel.
        reach: By channel, its longest window that ends today.
        does_ptr, does, does_channel: By mark, what its events do beside.
        team_ptr, team_day, team: See `people.People`.
        keys, days: The table.
        used: [entries in the table].
        begun: By account, whether anything that may be abandoned was begun the day before; set.

    Returns:
        The row at which the table is too full; the number of rows when all are noted.
    """
    channels = measure.shape[0]
    room = keys.shape[0] // 2 - 2 * channels
    for i in range(first, account.shape[0]):
        if used[0] > room:
            return i
        if visible[i] > today or hidden[i] <= today or day[i] > today:
            continue
        mark = key[i] + codes - 1 if key[i] > 0 else event[i] & _CODE
        workspace = event[i] >> _WORKSPACE_SHIFT
        begin = mark_ptr[mark]
        for j in range(common.shape[0] + mark_ptr[mark + 1] - begin):
            shared = j < common.shape[0]
            k = begin + j - common.shape[0]
            c = common[j] if shared else mark_channel[k]
            if day[i] <= today - reach[c]:
                continue
            slot = -1 if shared else mark_slot[k]
            own = -1
            if measure[c] == _TEAMS and person[i] >= 0:
                own = _team_at(team_ptr, team_day, team, person[i], day[i])
            unit = _unit(measure[c], person[i], own, workspace, slot)
            if unit < 0:
                continue
            name = ((np.int64(account[i]) * channels + c) << _UNIT_BITS) | np.int64(unit)
            at = _slot(keys, name)
            if keys[at] == EMPTY:
                keys[at] = name
                days[at] = day[i]
                used[0] += 1
            else:
                days[at] = max(days[at], day[i])
        for k in range(does_ptr[mark], does_ptr[mark + 1]):
            if does[k] == BEGUN:
                begun[account[i]] |= day[i] == today - 1
            noted = does[k] == EVIDENCE or (day[i] == today and does[k] in (ADMIN, APART))
            if noted and person[i] >= 0:
                row = np.int64(account[i]) * channels + does_channel[k]
                _note(keys, days, used, (row << _UNIT_BITS) | np.int64(person[i]), day[i])
    return account.shape[0]


@_compiled
def count(  # pragma: no cover  # noqa: C901
    account, person, mark, workspace, values,
    mark_ptr, mark_channel, mark_slot, common, measure, out_ptr, window, ago, sum_column,
    does_ptr, does, does_channel, does_with, flagged_ptr, flagged, is_admin, team_now,
    today, names, keys, days, used, begun, steps, unsure,
):  # fmt: skip
    """Count events of today.

    Args:
        account, person, mark, workspace: By event.
        values: [sum column, event], NaN for none.
        mark_ptr, mark_channel, mark_slot, common, sum_column: See `marks.Marks`.
        measure, out_ptr, window, ago: See `exact.Axes`.
        does_ptr, does, does_channel, does_with: By mark, what its events do beside: the channel,
            and the other team, or the channel of the evidence.
        flagged_ptr, flagged: By channel of evidence, the channels whose tests it is for.
        is_admin: By person, whether known as one by title or role.
        team_now: By person, the team as of today; -1 for none.
        names: By account, its name in the table.
        keys, days, used: The table; it has room for all that the events can add.
        begun: By account, as `remember` noted it.
        steps: [account, step], as of today; counted into.
        unsure: By account, whether its steps must be computed from its rows; set where they must.
    """
    channels = measure.shape[0]
    for i in range(account.shape[0]):
        a, p, m = account[i], person[i], mark[i]
        begin = mark_ptr[m]
        for j in range(common.shape[0] + mark_ptr[m + 1] - begin):
            shared = j < common.shape[0]
            k = begin + j - common.shape[0]
            c = common[j] if shared else mark_channel[k]
            kind, first, last = measure[c], out_ptr[c], out_ptr[c + 1]
            if kind == _EVENTS:
                for o in range(first, last):
                    if ago[o] == 0:
                        steps[a, o] += 1
            elif kind == _SUM:
                value = values[sum_column[c], i]
                if value == value:
                    for o in range(first, last):
                        if ago[o] == 0:
                            steps[a, o] += value
            elif kind == _LAST:
                steps[a, first:last] = 0
            elif kind == _FIRST:
                for o in range(first, last):
                    if steps[a, o] != steps[a, o]:
                        steps[a, o] = 0
            else:
                slot = -1 if shared else mark_slot[k]
                own = team_now[p] if p >= 0 else -1
                unit = _unit(kind, p, own, workspace[i], slot)
                if unit < 0:
                    continue
                name = ((names[a] * channels + c) << _UNIT_BITS) | np.int64(unit)
                at = _slot(keys, name)
                before = days[at]
                if keys[at] == EMPTY:
                    keys[at] = name
                    used[0] += 1
                    before = _NEVER
                if before == today:
                    continue
                days[at] = today
                by_day = kind in (_USER_DAYS, _ACTIVE_DAYS)
                for o in range(first, last):
                    if ago[o] == 0 and (by_day or before <= today - window[o]):
                        steps[a, o] += 1
        for k in range(does_ptr[m], does_ptr[m + 1]):
            c = does_channel[k]
            row = (names[a] * channels + c) << _UNIT_BITS
            if does[k] == DONE:
                unsure[a] |= begun[a]
            elif does[k] == APART:
                unsure[a] = True
                if p >= 0:
                    _note(keys, days, used, row | np.int64(p), today)
            elif p < 0 or does[k] == BEGUN:
                continue
            elif does[k] == CROSS:
                own = team_now[p]
                if own >= 0 and own != does_with[k]:
                    for o in range(out_ptr[c], out_ptr[c + 1]):
                        if ago[o] == 0:
                            steps[a, o] += 1
            elif does[k] == ADMIN:
                _note(keys, days, used, row | np.int64(p), today)
                shown = ((names[a] * channels + does_with[k]) << _UNIT_BITS) | np.int64(p)
                if is_admin[p] or keys[_slot(keys, shown)] != EMPTY:
                    for o in range(out_ptr[c], out_ptr[c + 1]):
                        if ago[o] == 0:
                            steps[a, o] += 1
            elif keys[_slot(keys, row | np.int64(p))] == EMPTY:
                _note(keys, days, used, row | np.int64(p), today)
                # It says something of what the person did today, if that was anything.
                for f in range(flagged_ptr[c], flagged_ptr[c + 1]):
                    name = ((names[a] * channels + flagged[f]) << _UNIT_BITS) | np.int64(p)
                    at = _slot(keys, name)
                    unsure[a] |= keys[at] != EMPTY and days[at] == today
