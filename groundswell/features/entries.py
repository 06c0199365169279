"""Rows of activity written out as what they count: for tests that need more than the row.

Some rows count only while something else holds: a sign-up is uninvited until an invitation of
that person turns up. Such a row counts as of a set of days, and the set is made here, by
intersecting with, or taking away, the days as of which the evidence is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from groundswell.features.exact import Entries
from groundswell.features.marks import WORKSPACE_SHIFT
from groundswell.features.plan import NEVER, FeaturePlan, Measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from groundswell.features.marks import Marks
    from groundswell.features.people import People

    Ints = NDArray[np.int64]

_DAY_SECONDS = 86_400
_BITS = 20


@dataclass(frozen=True)
class Rows:
    """Rows of the roll-up as arrays of whole numbers.

    `visible` is never before `day`; `event` and `key` make a mark (`marks.Marks.mark_of`). `sums`
    is [sum column, row].
    """

    account: Ints
    person: Ints
    day: Ints
    visible: Ints
    hidden: Ints
    event: Ints
    key: Ints
    count: Ints
    first_at: Ints
    last_at: Ints
    sums: NDArray[np.float64]

    @property
    def workspace(self) -> Ints:
        """The number of each row's workspace; 0 for none."""
        return self.event >> WORKSPACE_SHIFT

    @property
    def columns(self) -> tuple[Ints, ...]:
        """All but the sums, in the order they are declared in."""
        return (
            self.account,
            self.person,
            self.day,
            self.visible,
            self.hidden,
            self.event,
            self.key,
            self.count,
            self.first_at,
            self.last_at,
        )

    def only(self, chosen: Ints | slice) -> Rows:
        """Return the rows at some positions."""
        return Rows(*(column[chosen] for column in self.columns), sums=self.sums[:, chosen])

    def wide(self) -> Rows:
        """Return the rows in integers that arithmetic does not overflow."""
        return Rows(*(column.astype(np.int64) for column in self.columns), sums=self.sums)

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """Return the rows of several, one after the other."""
        columns = zip(*(part.columns for part in parts), strict=True)
        sums = np.concatenate([part.sums for part in parts], axis=1)
        return cls(*(np.concatenate(column) for column in columns), sums=sums)


def expand(rows: Rows, marks: Marks, plan: FeaturePlan, people: People) -> Entries:
    """Write every (wide) row out once per channel it counts in, without the tests of `flagged`."""
    mark = marks.mark_of(rows.event, rows.key)
    per_row = marks.ptr[mark + 1] - marks.ptr[mark]
    listed = np.repeat(np.arange(len(mark)), per_row)
    within = np.arange(len(listed)) - np.repeat(np.cumsum(per_row) - per_row, per_row)
    place = marks.ptr[mark[listed]] + within
    every = np.repeat(np.arange(len(mark)), len(marks.common))
    row = np.concatenate([listed, every])
    channel = np.concatenate([marks.channel[place], np.tile(marks.common, len(mark))])
    slot = np.concatenate([marks.slot[place], np.full(len(every), -1)])
    entries = _entries(rows, row, channel, rows.visible[row], rows.hidden[row], slot)
    return _with_units(entries, rows, row, marks, plan, people)


def _entries(rows: Rows, row: Ints, channel: Ints, start: Ints, until: Ints, unit: Ints) -> Entries:
    return Entries(
        account=rows.account[row],
        channel=channel,
        unit=unit,
        day=rows.day[row],
        start=start,
        until=until,
        value=rows.count[row].astype(np.float64),
    )


def _with_units(
    entries: Entries, rows: Rows, row: Ints, marks: Marks, plan: FeaturePlan, people: People
) -> Entries:
    """Say what is counted once, drop what cannot be counted, and take the summed columns."""
    measure = np.array([channel.measure for channel in plan.channels])[entries.channel]
    person = rows.person[row]
    unit = np.zeros(len(row), dtype=np.int64)
    value = entries.value.copy()
    for kind in np.unique(measure):
        mine = np.flatnonzero(measure == kind)
        if kind == Measure.USERS:
            unit[mine] = person[mine]
        elif kind == Measure.ACTIVE_DAYS:
            unit[mine] = entries.day[mine]
        elif kind == Measure.USER_DAYS:
            unit[mine] = (person[mine] << _BITS) + entries.day[mine]
        elif kind == Measure.TEAMS:
            unit[mine] = people.team_at(person[mine], entries.day[mine])
        elif kind == Measure.WORKSPACES:
            unit[mine] = rows.workspace[row[mine]] - 1
        elif kind == Measure.DISTINCT:
            unit[mine] = entries.unit[mine]
        elif kind == Measure.SUM:
            value[mine] = rows.sums[marks.sum_column[entries.channel[mine]], row[mine]]
    nobody = np.isin(measure, (Measure.USERS, Measure.USER_DAYS, Measure.TEAMS)) & (person < 0)
    kept = (unit >= 0) & ~nobody & ~np.isnan(value)
    whole = Entries(
        entries.account,
        entries.channel,
        unit,
        entries.day,
        entries.start,
        entries.until,
        value,
    )
    return whole.only(kept)


def flagged(rows: Rows, marks: Marks, plan: FeaturePlan, people: People) -> Entries:
    """Write out the (wide) rows of every channel whose test needs more than the row."""
    found: list[Entries] = []
    mark = marks.mark_of(rows.event, rows.key)
    for index, told in marks.dynamic.items():
        flag = plan.channels[index].rows.flag
        if flag is None or not told:
            continue
        row = np.flatnonzero(_mask(told, marks)[mark])
        if flag == "cross_team":
            row = row[_crosses(rows.only(row), mark[row], told, people)]
            spans = (np.arange(len(row)), rows.visible[row], rows.hidden[row])
        else:
            shown = marks.dynamic[plan.evidence[flag]]
            proof = np.flatnonzero(_mask(shown, marks)[mark])
            spans = _spans(rows, row, rows.only(proof), flag=flag, people=people)
        which, start, until = spans
        slot = _values(mark[row[which]], told, plan.channels[index].measure)
        channel = np.full(len(which), index, dtype=np.int64)
        some = _entries(rows, row[which], channel, start, until, slot)
        found.append(_with_units(some, rows, row[which], marks, plan, people))
    return join(found)


def join(parts: Sequence[Entries]) -> Entries:
    """Return all entries of several."""
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Entries(none, none, none, none, none, none, np.zeros(0))
    return Entries(
        account=np.concatenate([part.account for part in parts]),
        channel=np.concatenate([part.channel for part in parts]),
        unit=np.concatenate([part.unit for part in parts]),
        day=np.concatenate([part.day for part in parts]),
        start=np.concatenate([part.start for part in parts]),
        until=np.concatenate([part.until for part in parts]),
        value=np.concatenate([part.value for part in parts]),
    )


def _mask(told: dict[int, tuple[str, ...]], marks: Marks) -> NDArray[np.bool_]:
    mask = np.zeros(len(marks.ptr) - 1, dtype=bool)
    mask[list(told)] = True
    return mask


def _values(mark: Ints, told: dict[int, tuple[str, ...]], measure: Measure) -> Ints:
    """Number the value a row is told apart by; the first, when an event has several."""
    if measure is not Measure.DISTINCT:
        return np.zeros(len(mark), dtype=np.int64)
    number: dict[str, int] = {}
    lookup = {m: number.setdefault(texts[0], len(number)) for m, texts in told.items()}
    return np.array([lookup[int(m)] for m in mark], dtype=np.int64)


def _crosses(
    rows: Rows, mark: Ints, told: dict[int, tuple[str, ...]], people: People
) -> NDArray[np.bool_]:
    own = people.team_at(rows.person, rows.day)
    lookup = {each: people.number_of(texts[0]) for each, texts in told.items()}
    other = np.array([lookup[int(each)] for each in mark], dtype=np.int64)
    return (own >= 0) & (own != other)


def _spans(
    rows: Rows, row: Ints, proof: Rows, *, flag: str, people: People
) -> tuple[Ints, Ints, Ints]:
    """Return the days as of which each row passes: position in `row`, start, until."""
    base = rows.only(row)
    start, until = base.visible, base.hidden
    if flag == "abandoned":
        start = np.maximum(start, base.day + 1)
        which, shown = _pairs(base.account, proof.account)
        gap = (proof.day[shown] - base.day[which]) * _DAY_SECONDS
        earliest = gap + proof.first_at[shown] - base.last_at[which]
        latest = gap + proof.last_at[shown] - base.last_at[which]
        # Of a day only the first and the last completion are kept, which is enough: the last of
        # the same day comes after the start if any does, the first of the next is soonest.
        done = np.where(gap == 0, latest > 0, (earliest > 0) & (earliest <= _DAY_SECONDS))
        which, shown = which[done], shown[done]
        spans = (which, proof.visible[shown], proof.hidden[shown])
        return _outside(start, until, *spans)
    pair = proof.account * (1 << 32) + proof.person
    which, shown = _pairs(base.account * (1 << 32) + base.person, pair)
    before = (proof.day[shown] <= base.day[which]) & (base.person[which] >= 0)
    which, shown = which[before], shown[before]
    spans = (which, proof.visible[shown], proof.hidden[shown])
    if flag == "uninvited":
        return _outside(start, until, *spans)
    by_role, role = _pairs(base.person, people.admin_person)
    held = people.admin_day[role] <= base.day[by_role]
    by_role, role = by_role[held], role[held]
    return _inside(
        start,
        until,
        np.concatenate([which, by_role]),
        np.concatenate([spans[1], people.admin_day[role]]),
        np.concatenate([spans[2], np.full(len(role), NEVER)]),
    )


def _pairs(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """Return all positions (left, right) of equal values."""
    order = np.argsort(right, kind="stable")
    low = np.searchsorted(right[order], left, side="left")
    high = np.searchsorted(right[order], left, side="right")
    length = high - low
    which = np.repeat(np.arange(len(left)), length)
    within = np.arange(len(which)) - np.repeat(np.cumsum(length) - length, length)
    return which, order[low[which] + within]


def _merge(which: Ints, start: Ints, until: Ints) -> tuple[Ints, Ints, Ints]:
    """Merge overlapping spans of the same `which`."""
    if not len(which):
        return which, start, until
    order = np.lexsort((start, which))
    which, start, until = which[order], start[order], until[order]
    lift = which.astype(np.int64) * (4 * NEVER)
    reach = np.maximum.accumulate(until + lift)
    begins = np.ones(len(which), dtype=bool)
    begins[1:] = start[1:] + lift[1:] > reach[:-1]
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(which)) - 1
    return which[first], start[first], reach[last] - lift[last]


def _inside(
    start: Ints, until: Ints, which: Ints, low: Ints, high: Ints
) -> tuple[Ints, Ints, Ints]:
    """Return the parts of each span [start, until) that lie in one of its [low, high)."""
    which, low, high = _merge(which, low, high)
    low, high = np.maximum(low, start[which]), np.minimum(high, until[which])
    kept = low < high
    return which[kept], low[kept], high[kept]


def _outside(
    start: Ints, until: Ints, which: Ints, low: Ints, high: Ints
) -> tuple[Ints, Ints, Ints]:
    """Return the parts of each span [start, until) that lie in none of its [low, high)."""
    which, low, high = _merge(which, low, high)
    whole = np.arange(len(start))
    gap_of = np.concatenate([whole, which])
    gap_start = np.concatenate([np.full(len(start), -2 * NEVER), high])
    order = np.lexsort((gap_start, gap_of))
    gap_of, gap_start = gap_of[order], gap_start[order]
    gap_end = np.full(len(gap_of), 2 * NEVER)
    # The gap after one span ends where the next of the same row begins.
    ends = np.concatenate([low, np.full(len(start), 2 * NEVER)])
    ends_of = np.concatenate([which, whole])
    gap_end = ends[np.lexsort((ends, ends_of))]
    gap_start = np.maximum(gap_start, start[gap_of])
    gap_end = np.minimum(gap_end, until[gap_of])
    kept = gap_start < gap_end
    return gap_of[kept], gap_start[kept], gap_end[kept]
