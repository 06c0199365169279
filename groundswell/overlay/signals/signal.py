"""A signal: what was counted in a quarter, and whether it fires, with noise kept out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from groundswell.overlay.figures import Figure
from groundswell.overlay.words import said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.config.overlay_schema import SignalTerms
    from groundswell.overlay.quarters import Quarter


class SignalKind(StrEnum):
    """What a signal speaks of."""

    DEMAND = "demand"
    STRUCTURAL = "structural"
    INTERNAL = "internal"


class SignalState(StrEnum):
    """How loud a signal is."""

    QUIET = "quiet"
    WATCH = "watch"
    FIRING = "firing"
    UNKNOWN = "unknown"


KINDS: dict[str, SignalKind] = {
    "enterprise_inbound": SignalKind.DEMAND,
    "stalled_at_limit": SignalKind.STRUCTURAL,
    "lost_for_people": SignalKind.DEMAND,
    "rich_unpaid": SignalKind.DEMAND,
    "security_asks": SignalKind.STRUCTURAL,
    "capped_plan": SignalKind.STRUCTURAL,
    "board_pressure": SignalKind.INTERNAL,
}
"""The seven, in their order."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """An account, and the fact about it that counted."""

    account_id: str
    fact: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What was counted in a quarter.

    Attributes:
        figure: The number; unknown when an input is missing.
        counted: How many things the number is made of.
        evidence: The accounts behind it, most telling first.
        missing: What would have to be known, by name.
    """

    figure: Figure
    counted: int = 0
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signal:
    """One of the seven in one quarter.

    Attributes:
        name, title, kind: Which it is.
        quarter: Such as `2026-Q1`.
        value: The number; None where it is not known.
        figure: The same with its interval, its unit and its source.
        threshold: From where it fires.
        watch_from: From where it is watched.
        state: quiet, watch, firing or unknown.
        held: It fires though it is below the threshold, since it fired in two quarters in a row.
        counted: How many things the number is made of.
        at_least: How many it takes to fire.
        trend: The number less that of the quarter before; None where either is not known.
        evidence: The accounts behind it, most telling first.
        missing: What would have to be known, by name.
    """

    name: str
    title: str
    kind: SignalKind
    quarter: str
    value: float | None
    figure: Figure
    threshold: float
    watch_from: float
    state: SignalState
    held: bool
    counted: int
    at_least: int
    trend: float | None
    evidence: tuple[Evidence, ...]
    missing: tuple[str, ...]

    @property
    def is_firing(self) -> bool:
        """Whether it fires."""
        return self.state is SignalState.FIRING


def judge(
    name: str, readings: Sequence[tuple[Quarter, Reading]], terms: SignalTerms
) -> tuple[Signal, ...]:
    """Tell from what was counted, quarter after quarter, when a signal fires.

    It fires outright at the threshold, if enough was counted and the low end of its interval is
    above where watching begins. Only after two such quarters in a row it holds: it then goes on
    firing until it is below `holds_from` and its interval is below the threshold. So a number that
    swings about the threshold by chance neither counts twice for one high quarter nor goes on and
    off.
    """
    found: list[Signal] = []
    run = 0
    for quarter, reading in readings:
        outright = _is_outright(reading, terms)
        held = not outright and run > 1 and _holds(reading, terms)
        run = run + 1 if outright or held else 0
        before = found[-1].value if found else None
        value = reading.figure.value
        found.append(
            Signal(
                name=name,
                title=said("signals", name),
                kind=KINDS[name],
                quarter=str(quarter),
                value=value,
                figure=reading.figure,
                threshold=terms.fires_at,
                watch_from=terms.watch_from,
                state=_state(reading, terms, is_firing=outright or held),
                held=held,
                counted=reading.counted,
                at_least=terms.at_least,
                trend=None if value is None or before is None else value - before,
                evidence=reading.evidence,
                missing=reading.missing,
            )
        )
    return tuple(found)


def _is_outright(reading: Reading, terms: SignalTerms) -> bool:
    value, low = reading.figure.value, reading.figure.low
    if value is None or value < terms.fires_at or reading.counted < terms.at_least:
        return False
    return low is None or low > terms.watch_from


def _holds(reading: Reading, terms: SignalTerms) -> bool:
    value, high = reading.figure.value, reading.figure.high
    if value is None or 2 * reading.counted < terms.at_least or value < terms.watch_from:
        return False
    return value >= terms.holds_from or (high is not None and high >= terms.fires_at)


def _state(reading: Reading, terms: SignalTerms, *, is_firing: bool) -> SignalState:
    value = reading.figure.value
    if value is None:
        return SignalState.UNKNOWN
    if is_firing:
        return SignalState.FIRING
    return SignalState.WATCH if value >= terms.watch_from else SignalState.QUIET
