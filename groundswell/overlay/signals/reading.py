"""The seven signals of every quarter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.overlay.figures import Figure
from groundswell.overlay.quarters import quarters_until
from groundswell.overlay.signals.deals import capped_plan, lost_for_people
from groundswell.overlay.signals.inbound import enterprise_inbound, security_asks
from groundswell.overlay.signals.signal import Reading, judge
from groundswell.overlay.signals.usage import rich_unpaid, stalled_at_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from groundswell.config.overlay_schema import OverlayBlock
    from groundswell.overlay.facts import OverlayFacts
    from groundswell.overlay.quarters import Quarter
    from groundswell.overlay.signals.signal import Signal


WARM_UP = 8
"""Quarters read before those that are looked at, so that what holds in these began in none."""


def quarters_read(as_of: date, terms: OverlayBlock) -> tuple[Quarter, ...]:
    """Return the quarters that signals are read of, the latest last.

    More are read than are told: whether a signal holds depends on the quarters before, and a
    quarter has to read the same whenever it is looked at.
    """
    return quarters_until(as_of, terms.quarters + WARM_UP)


def read_signals(facts: OverlayFacts, terms: OverlayBlock) -> dict[str, tuple[Signal, ...]]:
    """Return the seven signals of each quarter that is over, the latest last.

    Args:
        facts: What is known by the day.
        terms: The thresholds, and what is declared.

    Returns:
        By quarter, such as `2026-Q1`, the signals in their order.
    """
    quarters = quarters_read(facts.as_of, terms)
    ours = terms.signals
    judged = [
        judge(name, [(one, read(facts, terms, one)) for one in quarters], getattr(ours, name))
        for name, read in _READERS.items()
    ]
    return {
        str(quarter): tuple(signals[place] for signals in judged)
        for place, quarter in enumerate(quarters)
        if place >= WARM_UP
    }


def board_pressure(facts: OverlayFacts, terms: OverlayBlock, quarter: Quarter) -> Reading:
    """Tell whether the board was declared to press in a quarter."""
    del facts
    source = "declared in `overlay.board_pressure`"
    if terms.board_pressure is None:
        return Reading(Figure(None, source=source), missing=("`overlay.board_pressure`",))
    pressed = str(quarter) in terms.board_pressure
    return Reading(Figure(float(pressed), n=1, source=source), int(pressed))


_READERS: Mapping[str, Callable[[OverlayFacts, OverlayBlock, Quarter], Reading]] = {
    "enterprise_inbound": enterprise_inbound,
    "stalled_at_limit": stalled_at_limit,
    "lost_for_people": lost_for_people,
    "rich_unpaid": rich_unpaid,
    "security_asks": security_asks,
    "capped_plan": capped_plan,
    "board_pressure": board_pressure,
}
