"""What every account's steps are as of today, kept up to date as events arrive.

Built from the roll-up once a day, or when identity or what is known beside the events changed; in
between each event is counted in constant time (`counting`). What that arithmetic cannot say - an
event of an earlier day, something never seen before - sets the account *apart*: it is then
computed from its rows, by whoever holds them, and put back as it is by then. An event that changes
how others of today count leaves the account *unsure*: its steps are computed from its rows once,
and counting goes on from there.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from groundswell.features.arriving import UNKNOWN, Arrived
from groundswell.features.limits import carry_on
from groundswell.features.marks import summed_properties
from groundswell.features.numbered import KnownToday, put
from groundswell.features.plan import DYNAMIC_FLAGS, Measure
from groundswell.features.reading import Known, Shard
from groundswell.features.source import StoredRows
from groundswell.store.arrays import to_numpy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from groundswell.features.assembling import Computation
    from groundswell.features.entries import Rows
    from groundswell.features.people import People
    from groundswell.features.plan import FeaturePlan
    from groundswell.features.rollup import Activity

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

PIECE_ROWS = 4_000_000
"""Rows of the roll-up that are gone through at a time."""

# As in `counting`, which compiles when imported.
_CROSS, _ADMIN, _EVIDENCE, _APART, _BEGUN, _DONE = 1, 2, 3, 4, 5, 6
_UNIT_BITS = 31
_LEAST_SLOTS = 1 << 12
_TOLD_APART = (
    Measure.USERS,
    Measure.ACTIVE_DAYS,
    Measure.USER_DAYS,
    Measure.TEAMS,
    Measure.WORKSPACES,
    Measure.DISTINCT,
)


@dataclass
class _Table:
    """Numbers to days: open addressing, a power of two of slots, half of them free.

    A number is made of the name of an account, a channel, and what the channel tells apart.
    """

    keys: Ints
    days: NDArray[np.int32]
    used: Ints

    @classmethod
    def of(cls, slots: int) -> _Table:
        keys = np.full(slots, -1, dtype=np.int64)
        return cls(keys, np.zeros(slots, dtype=np.int32), np.zeros(1, dtype=np.int64))

    def has_room(self, more: int) -> bool:
        """Tell whether `more` entries fit."""
        return bool(self.used[0] + more <= len(self.keys) // 2)

    def make_room(self, more: int, *, channels: int, lives: Bools) -> None:
        """Lay it out anew so that `more` entries fit, without names that live no more."""
        from groundswell.features.counting import living, move  # noqa: PLC0415  (compiles)

        held, slots = living(self.keys, channels, lives), _LEAST_SLOTS
        while held + more > slots * 3 // 8:  # so that it is not laid out anew soon
            slots *= 2
        anew = _Table.of(slots)
        move(self.keys, self.days, anew.keys, anew.days, anew.used, channels, lives)
        self.keys, self.days, self.used = anew.keys, anew.days, anew.used

    def entries(self, channels: int) -> _Entries:
        """Return all that is in it."""
        held = self.keys[self.keys != -1]
        name, channel = np.divmod(held >> _UNIT_BITS, channels)
        unit = held & ((1 << _UNIT_BITS) - 1)
        return _Entries(name, channel, unit, self.days[self.keys != -1])

    def add(self, entries: _Entries, channels: int) -> None:
        """Put entries in, for which there is room."""
        from groundswell.features.counting import note_all  # noqa: PLC0415  (compiles)

        keys = ((entries.name * channels + entries.channel) << _UNIT_BITS) | entries.unit
        note_all(self.keys, self.days, self.used, keys, entries.day)


@dataclass(frozen=True)
class _Entries:
    """What a table holds: names of accounts, channels, what is told apart, and the last day."""

    name: Ints
    channel: Ints
    unit: Ints
    day: NDArray[np.int32]

    def only(self, kept: Bools) -> _Entries:
        return _Entries(self.name[kept], self.channel[kept], self.unit[kept], self.day[kept])


@dataclass(frozen=True)
class _Doings:
    """By mark, what its events do whose test needs more than the row; compressed rows.

    `flagged_ptr`, `flagged`: by channel of evidence, the channels whose tests it is for.
    """

    ptr: Ints
    what: Ints
    channel: Ints
    beside: Ints
    flagged_ptr: Ints
    flagged: Ints

    @classmethod
    def of(cls, computation: Computation) -> _Doings:
        setting = computation.setting
        plan, marks, people = setting.plan, setting.marks, setting.people
        flag_of = {channel: flag for flag, channel in plan.evidence.items()}
        by_mark: list[list[tuple[int, int, int]]] = [[] for _ in range(len(marks.ptr) - 1)]
        for index, told in marks.dynamic.items():
            flag = plan.channels[index].rows.flag
            for mark, texts in told.items():
                if index in flag_of:
                    what = _DONE if flag_of[index] == "abandoned" else _EVIDENCE
                    by_mark[mark].append((what, index, 0))
                if flag in DYNAMIC_FLAGS:
                    by_mark[mark].append(_doing(plan, index, texts, people))
        flat = [item for some in by_mark for item in some]
        what, channel, beside = np.array(flat, dtype=np.int64).reshape(len(flat), 3).T.copy()
        tested: list[list[int]] = [[] for _ in plan.channels]
        for index, told in enumerate(plan.channels):
            if (proof := plan.evidence.get(told.rows.flag or "")) is not None:
                tested[proof].append(index)
        flagged = [index for some in tested for index in some]
        return cls(
            ptr=_pointers(by_mark),
            what=what,
            channel=channel,
            beside=beside,
            flagged_ptr=_pointers(tested),
            flagged=np.array(flagged, dtype=np.int64),
        )


def _pointers(rows: Sequence[Sequence[object]]) -> Ints:
    """Return where each of some rows begins when they are laid end to end, and where all end."""
    return np.cumsum([0, *map(len, rows)]).astype(np.int64)


def _doing(
    plan: FeaturePlan, index: int, texts: tuple[str, ...], people: People
) -> tuple[int, int, int]:
    """Say what an event does in a channel whose test needs more than the row."""
    channel = plan.channels[index]
    flag = channel.rows.flag
    if flag == "abandoned":
        return _BEGUN, index, 0  # it counts from the day after on
    if channel.measure is Measure.EVENTS and flag == "cross_team":
        return _CROSS, index, people.number_of(texts[0])
    if channel.measure is Measure.EVENTS and flag == "admin":
        return _ADMIN, index, plan.evidence["admin"]
    return _APART, index, 0


class Counters:
    """Steps of every account as of one day, and what it takes to count the next event.

    Attributes:
        today: The day.
        apart: By account, whether it has to be computed from its rows.
        unsure: By account, whether `settle` has to be called before it can be counted again.
    """

    def __init__(self, computation: Computation, today: int, steps: Floats, eve: Floats) -> None:
        """Begin with steps as the kernel says them; `build` also looks at the roll-up.

        Args:
            computation: What is computed.
            today: The day, counted from 1970-01-01.
            steps: [account, step] as of it; counted into.
            eve: [account] of days at a limit as of the day before, NaN where unknown.
        """
        setting = computation.setting
        self.today = today
        self.apart = np.zeros(len(steps), dtype=bool)
        self.unsure = np.zeros(len(steps), dtype=bool)
        self._computation, self._setting = computation, setting
        self._steps, self._eve = steps, eve
        shard = Shard(0, len(steps), np.array([today], dtype=np.int64))
        self._known = KnownToday.of(Known.of(computation.dimensions, setting.plan, shard))
        self._doings = _Doings.of(computation)
        self._is_admin = _admins(setting.people, today)
        persons = np.arange(len(self._is_admin))
        self._team_now = setting.people.team_at(persons, np.full(len(persons), today))
        self._table = _Table.of(_LEAST_SLOTS)
        self._names = np.arange(len(steps), dtype=np.int64)
        self._named = len(steps)
        self._reach = _reach(setting.axes.out_ptr, setting.axes.window, setting.axes.ago)
        told = np.isin(setting.axes.measure, _TOLD_APART)
        flagged = sum(channel.rows.flag in DYNAMIC_FLAGS for channel in setting.plan.channels)
        self._most = 1 + int(told.sum()) + len(setting.plan.evidence) + flagged
        self._begun = np.zeros(len(steps), dtype=bool)

    @classmethod
    def build(
        cls,
        computation: Computation,
        activity: Activity,
        today: int,
        *,
        steps: Floats,
        eve: Floats,
    ) -> Counters:
        """Go through the roll-up once, noting the last day of all that windows tell apart."""
        made = cls(computation, today, steps, eve)
        total = len(steps)
        if total:
            made._note_tickets()
            source = StoredRows.of(activity, computation.setting.plan, (0, total - 1))
            counts = activity.counts((0, total - 1))
            rows = np.zeros(total, dtype=np.int64)
            rows[to_numpy(counts.column("account"))] = to_numpy(counts.column("rows"))
            before = np.concatenate([[0], np.cumsum(rows)])
            first = 0
            while first < total:
                reached = int(np.searchsorted(before, before[first] + PIECE_ROWS, side="right"))
                end = min(max(reached - 1, first + 1), total)
                made._note(source.rows(first, end))
                first = end
        sums = len(summed_properties(computation.setting.plan))
        made.take(Arrived.none(sums))  # compiles, before anybody waits for it
        return made

    def _note(self, rows: Rows) -> None:
        from groundswell.features.counting import remember  # noqa: PLC0415  (compiles)

        marks, axes, people = self._setting.marks, self._setting.axes, self._setting.people
        done = 0
        while done < len(rows.account):
            table = self._table
            self._make_room(max(len(table.keys) // 4, 2 * self._most))
            done = remember(
                _frozen(rows.account),
                _frozen(rows.person),
                _frozen(rows.day),
                _frozen(rows.visible),
                _frozen(rows.hidden),
                _frozen(rows.event),
                _frozen(rows.key),
                marks.codes,
                marks.ptr,
                marks.channel,
                marks.slot,
                marks.common,
                axes.measure,
                self._reach,
                self._doings.ptr,
                self._doings.what,
                self._doings.channel,
                people.team_ptr,
                people.team_day,
                people.team,
                self.today,
                done,
                table.keys,
                table.days,
                table.used,
                self._begun,
            )

    def _note_tickets(self) -> None:
        """Set accounts apart where tickets may count once together with events."""
        plan = self._setting.plan
        shared = any(
            "support_ticket" in channel.rows.of and channel.measure in _TOLD_APART
            for channel in plan.channels
        )
        if shared:
            account = self._computation.dimensions.tickets["account"].unique().to_numpy()
            self.apart[account] = True

    def take(self, arrived: Arrived) -> Ints:
        """Count events; return the accounts that are touched, ascending, the apart ones too."""
        from groundswell.features.counting import count  # noqa: PLC0415  (compiles)

        touched = np.unique(arrived.account)
        earlier = arrived.day < self.today
        strange = (arrived.mark == UNKNOWN) & (arrived.day <= self.today)
        self.apart[arrived.account[earlier | strange]] = True
        own = np.flatnonzero((arrived.day == self.today) & ~strange)
        marks, axes = self._setting.marks, self._setting.axes
        self._make_room(len(own) * self._most)
        count(
            arrived.account[own],
            arrived.person[own],
            arrived.mark[own],
            arrived.workspace[own],
            np.ascontiguousarray(arrived.values[:, own]),
            marks.ptr,
            marks.channel,
            marks.slot,
            marks.common,
            axes.measure,
            axes.out_ptr,
            axes.window,
            axes.ago,
            marks.sum_column,
            self._doings.ptr,
            self._doings.what,
            self._doings.channel,
            self._doings.beside,
            self._doings.flagged_ptr,
            self._doings.flagged,
            self._is_admin,
            self._team_now,
            self.today,
            self._names,
            self._table.keys,
            self._table.days,
            self._table.used,
            self._begun,
            self._steps,
            self.unsure,
        )
        return touched

    def settle(self, account: int, steps: Floats) -> None:
        """Go on from the steps of an account as they were computed from its rows, as of today."""
        self._steps[account] = steps
        self.unsure[account] = False

    def put_back(self, near: Counters, chosen: Ints, numbers: Ints, persons: Ints) -> None:
        """Go on counting accounts as they were computed from the facts around them.

        An account of which something was never seen before stays apart.

        Args:
            near: The counters of those facts.
            chosen: The accounts there.
            numbers: The same accounts here; those that follow the last one are new.
            persons: By person there, the number here; those that follow the last one are new.
        """
        count = max(len(self.apart), int(numbers.max(initial=-1)) + 1)
        people = max(len(self._is_admin), int(persons.max(initial=-1)) + 1)
        teams, slots = self._teams_of(near), self._slots_of(near)
        self._is_admin = put(self._is_admin, persons, near._is_admin, count=people)
        known = near._team_now >= 0
        team = np.where(known, teams[near._team_now], -1)
        self._team_now = put(self._team_now, persons, team, count=people)
        self._steps = put(self._steps, numbers, near._steps[chosen], count=count)
        self._eve = put(self._eve, numbers, near._eve[chosen], count=count)[:count]
        self._begun = put(self._begun, numbers, near._begun[chosen], count=count)[:count]
        self.unsure = put(self.unsure, numbers, near.unsure[chosen], count=count)[:count]
        self._known.put(numbers, near._known.only(chosen), count=count)
        names = self._named + np.arange(len(chosen))
        self._named += len(chosen)
        self._names = put(self._names, numbers, names, count=count)[:count]
        lost = self._take_over(near, chosen, names, persons=persons, teams=teams, slots=slots)
        lost |= bool((team[known] < 0).any())
        self.apart = put(self.apart, numbers, near.apart[chosen] | lost, count=count)[:count]

    def _take_over(
        self, near: Counters, chosen: Ints, names: Ints, *, persons: Ints, teams: Ints, slots: Ints
    ) -> Bools:
        """Take over what was told apart; tell of which accounts that cannot be said here."""
        channels = len(self._setting.axes.measure)
        place = np.full(len(near.apart), -1, dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        entries = near._table.entries(channels)
        entries = entries.only(place[entries.name] >= 0)
        at = place[entries.name]
        measure = self._setting.axes.measure[entries.channel]
        by_person = np.isin(measure, (Measure.USERS, Measure.USER_DAYS))
        by_person |= np.isin(entries.channel, list(self._setting.marks.dynamic))
        unit = entries.unit.copy()
        unit[by_person] = persons[unit[by_person]]
        for kind, told in ((Measure.TEAMS, teams), (Measure.DISTINCT, slots)):
            those = ~by_person & (measure == kind)
            unit[those] = told[unit[those]]
        strange = unit < 0
        lost = np.zeros(len(chosen), dtype=bool)
        lost[at[strange]] = True
        self._make_room(len(unit))
        mine = _Entries(names[at], entries.channel, unit, entries.day)
        self._table.add(mine.only(~lost[at]), channels)
        return lost

    def _teams_of(self, near: Counters) -> Ints:
        """Return the number here of every team there; one that is not known is -1."""
        mine = {name: number for number, name in enumerate(self._setting.people.teams)}
        found = [mine.get(name, -1) for name in near._setting.people.teams]
        return np.array([*found, -1], dtype=np.int64)

    def _slots_of(self, near: Counters) -> Ints:
        """Return the slot here of every distinct value's slot there; -1 for what is not known."""
        own, told = self._setting.marks, near._setting.marks
        found = np.full(told.slots + 1, -1, dtype=np.int64)
        for value, slot in told.slot_of.items():
            found[slot] = own.slot_of.get(value, -1)
        return found

    def _make_room(self, more: int) -> None:
        if self._table.has_room(more):
            return
        lives = np.zeros(self._named, dtype=bool)
        lives[self._names] = True
        self._table.make_room(more, channels=len(self._setting.axes.measure), lives=lives)

    def features(self, accounts: Ints) -> pl.DataFrame:
        """Return the features of some accounts as of today, as `compute_features` has them.

        Accounts whose days at a limit cannot be carried on are set apart, and left out; where none
        is left the frame has no rows, and no columns.

        Args:
            accounts: Ascending, none of them apart or unsure.
        """
        if not len(accounts):
            return pl.DataFrame()
        known = self._known.only(accounts)
        steps = np.ascontiguousarray(self._steps[accounts].T)[:, :, None]
        if self._computation.limit_marks is None:
            return self._computation.assemble(known, steps, at_limit=None)
        plan = self._setting.plan
        run, lost = carry_on(self._eve[accounts], plan, known.allowed, steps, self.today)
        if lost.any():
            self.apart[accounts[lost]] = True
            return self.features(accounts[~lost])
        return self._computation.assemble(known, steps, at_limit=run)


def _reach(out_ptr: Ints, window: Ints, ago: Ints) -> Ints:
    """Return by channel its longest window that ends today; 0 where none does."""
    longest = [
        int(np.where(ago[low:high] == 0, window[low:high], 0).max(initial=0))
        for low, high in itertools.pairwise(out_ptr)
    ]
    return np.array(longest, dtype=np.int64)


def _admins(people: People, today: int) -> Bools:
    known = np.zeros(len(people.team_ptr) - 1, dtype=bool)
    known[people.admin_person[people.admin_day <= today]] = True
    return known


def _frozen(column: NDArray[Any]) -> NDArray[Any]:
    """Return a column as what cannot be written to, so that one compiled form serves all."""
    view = np.ascontiguousarray(column).view()
    view.flags.writeable = False
    return view
