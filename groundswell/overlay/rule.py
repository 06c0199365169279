"""The rule: how many signals, in how many quarters, ask for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.overlay.signals.signal import SignalKind, SignalState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.overlay_schema import RuleTerms
    from groundswell.overlay.signals.signal import Signal

QUARTERS = 2
"""So many consecutive quarters have to say the same."""


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What the signals of the last two quarters come to.

    Attributes:
        is_met: Enough fire in each of the quarters, one of them demand.
        is_watched: Fewer do, and enough to watch.
        is_open: It is not met, and signals that nobody knows could meet it.
        firing: By quarter, the signals that fire.
        unknown: By quarter, the signals that nobody knows.
        lasting: Those that fire in every one of the quarters.
    """

    is_met: bool
    is_watched: bool
    is_open: bool
    firing: dict[str, tuple[str, ...]]
    unknown: dict[str, tuple[str, ...]]
    lasting: tuple[str, ...]


def apply_rule(signals: Mapping[str, tuple[Signal, ...]], terms: RuleTerms) -> RuleOutcome:
    """Return what the signals of the last quarters come to.

    Args:
        signals: By quarter, the latest last.
        terms: How many it takes.
    """
    last = dict(list(signals.items())[-QUARTERS:])
    firing = {quarter: _in(told, SignalState.FIRING) for quarter, told in last.items()}
    unknown = {quarter: _in(told, SignalState.UNKNOWN) for quarter, told in last.items()}
    demand = {one.name for told in last.values() for one in told if one.kind is SignalKind.DEMAND}
    is_met = all(len(names) >= terms.trigger and demand & set(names) for names in firing.values())
    could = {quarter: {*firing[quarter], *unknown[quarter]} for quarter in last}
    lasting = [name for name in next(iter(firing.values()), ()) if _in_all(name, firing)]
    return RuleOutcome(
        is_met=is_met,
        is_watched=not is_met and all(len(names) >= terms.watch for names in firing.values()),
        is_open=not is_met
        and all(len(names) >= terms.trigger and demand & names for names in could.values()),
        firing=firing,
        unknown=unknown,
        lasting=tuple(lasting),
    )


def _in(told: tuple[Signal, ...], state: SignalState) -> tuple[str, ...]:
    return tuple(one.name for one in told if one.state is state)


def _in_all(name: str, firing: Mapping[str, tuple[str, ...]]) -> bool:
    return all(name in names for names in firing.values())
