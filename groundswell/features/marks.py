"""What each row of the activity counts in, as arrays the kernel can walk with.

A *mark* is a code together with a key: everything about a row that does not depend on who did it
and when. Marks are few, so whatever can be decided is decided once per mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from groundswell.features.meanings import SEPARATOR, units
from groundswell.features.plan import DYNAMIC_FLAGS, Channel, FeaturePlan, Measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from groundswell.features.meanings import Coding

WORKSPACE_SHIFT = 16
"""In the roll-up, `event` is the code plus the account's n-th workspace shifted by this."""


@dataclass(frozen=True)
class Marks:
    """Channels by mark, in compressed rows, and where channels keep what they count.

    Attributes:
        codes: Number of codes; the mark of a row is its code, or `codes - 1 + key`.
        ptr, channel, slot: By mark, the channels it counts in and the slots of distinct values.
        common: Channels that every row counts in.
        lane: Per channel, its day-by-day array; -1 for none.
        sum_column: Per channel, the column of the roll-up it adds up; -1 for none.
        slot_base: Per channel, the first slot of its values; -1 for none.
        slots: Number of slots.
        slot_of: By channel and distinct value, the slot.
        dynamic: Per channel that needs more than the row: its marks, and for each the units.
    """

    codes: int
    ptr: NDArray[np.int64]
    channel: NDArray[np.int64]
    slot: NDArray[np.int64]
    common: NDArray[np.int64]
    lane: NDArray[np.int64]
    sum_column: NDArray[np.int64]
    slot_base: NDArray[np.int64]
    slots: int
    slot_of: dict[tuple[int, str], int]
    dynamic: dict[int, dict[int, tuple[str, ...]]]

    def mark_of(self, event: NDArray[Any], key: NDArray[Any]) -> NDArray[np.int64]:
        """Return the mark of rows, given their columns `event` and `key`."""
        code = event & ((1 << WORKSPACE_SHIFT) - 1)
        return np.where(key > 0, key + (self.codes - 1), code)

    @cached_property
    def told_later(self) -> NDArray[np.bool_]:
        """By mark, whether anything that needs more than the row depends on it."""
        concerned = np.zeros(len(self.ptr) - 1, dtype=bool)
        for told in self.dynamic.values():
            concerned[list(told)] = True
        return concerned


def summed_properties(plan: FeaturePlan) -> tuple[str, ...]:
    """Return the properties that some feature adds up: one column of the roll-up each."""
    found = {c.property for c in plan.channels if c.measure is Measure.SUM and c.property}
    return tuple(sorted(found))


def mark_rows(
    plan: FeaturePlan,
    coding: Coding,
    keys: Sequence[tuple[int, str]],
    *,
    teams: int,
    workspaces: int,
) -> Marks:
    """Decide for every mark what it counts in.

    Args:
        plan: What is measured.
        coding: What the codes stand for.
        keys: Key k is `keys[k - 1]`: its code, and the values its text is made of.
        teams: Number of teams.
        workspaces: Largest number of workspaces in an account.
    """
    contents = [(code, "") for code in range(len(coding.codes))] + list(keys)
    values: dict[tuple[int, str], int] = {}
    static: list[list[tuple[int, str]]] = []
    dynamic: dict[int, dict[int, tuple[str, ...]]] = {
        index: {} for index in range(len(plan.channels)) if _is_dynamic(plan, index)
    }
    for mark, (code_number, text) in enumerate(contents):
        code = coding.codes[code_number]
        parts = text.split(SEPARATOR) if text else []
        key = {path: part for path, part in zip(code.paths, parts, strict=False) if part}
        found: list[tuple[int, str]] = []
        for index, carriers in code.carriers:
            told = units(plan, plan.channels[index], carriers, key)
            if index in dynamic:
                if told:
                    dynamic[index][mark] = told
            else:
                found += [(index, unit) for unit in told]
        static.append(found)
        for index, unit in found:
            if plan.channels[index].measure is Measure.DISTINCT:
                values.setdefault((index, unit), len(values))
    bases, slots, slot_of = _slots(plan, values, teams=teams, workspaces=workspaces)
    common = _common(plan.channels, static)
    rows = [[item for item in found if item[0] not in common] for found in static]
    return Marks(
        codes=len(coding.codes),
        ptr=np.cumsum([0, *(len(found) for found in rows)]).astype(np.int64),
        channel=np.array([index for found in rows for index, _ in found], dtype=np.int64),
        slot=np.array([slot_of.get(item, -1) for found in rows for item in found], dtype=np.int64),
        common=np.array(sorted(common), dtype=np.int64),
        lane=_lanes(plan),
        sum_column=_sum_columns(plan),
        slot_base=bases,
        slots=slots,
        slot_of=slot_of,
        dynamic=dynamic,
    )


def _is_dynamic(plan: FeaturePlan, index: int) -> bool:
    flagged = plan.channels[index].rows.flag in DYNAMIC_FLAGS
    return flagged or index in plan.evidence.values()


def _common(channels: Sequence[Channel], static: Sequence[list[tuple[int, str]]]) -> set[int]:
    """Return the channels that all marks count in alike; they are counted once a person-day."""
    apart = (Measure.SUM, Measure.DISTINCT)
    shared: set[int] | None = None
    for found in static:
        here = {index for index, _ in found if channels[index].measure not in apart}
        shared = here if shared is None else shared & here
    return shared or set()


def _slots(
    plan: FeaturePlan, values: dict[tuple[int, str], int], *, teams: int, workspaces: int
) -> tuple[NDArray[np.int64], int, dict[tuple[int, str], int]]:
    bases = np.full(len(plan.channels), -1, dtype=np.int64)
    slot_of: dict[tuple[int, str], int] = {}
    used = 0
    for index, channel in enumerate(plan.channels):
        bases[index] = used
        if channel.measure is Measure.TEAMS:
            used += teams
        elif channel.measure is Measure.WORKSPACES:
            used += workspaces + 1
        elif channel.measure is Measure.DISTINCT:
            for item in [item for item in values if item[0] == index]:
                slot_of[item] = used
                used += 1
    return bases, used, slot_of


def _lanes(plan: FeaturePlan) -> NDArray[np.int64]:
    lanes = np.full(len(plan.channels), -1, dtype=np.int64)
    summed = (Measure.EVENTS, Measure.USER_DAYS, Measure.ACTIVE_DAYS)
    counted = [i for i, channel in enumerate(plan.channels) if channel.measure in summed]
    lanes[counted] = np.arange(len(counted))
    return lanes


def _sum_columns(plan: FeaturePlan) -> NDArray[np.int64]:
    summed = summed_properties(plan)
    return np.array(
        [
            summed.index(c.property) if c.measure is Measure.SUM and c.property else -1
            for c in plan.channels
        ],
        dtype=np.int64,
    )
