"""When a signal fires, on both sides of every line, and when it holds."""

from __future__ import annotations

import pytest

from groundswell.config.overlay_schema import SignalTerms
from groundswell.overlay.figures import Figure
from groundswell.overlay.quarters import Quarter
from groundswell.overlay.signals import KINDS, Reading, SignalState, judge

TERMS = SignalTerms(fires_at=0.10, holds_from=0.075, watch_from=0.05, at_least=5)
FIRST = Quarter(2025, 1)


def reading(value: float | None, *, width: float = 0.03, counted: int = 20) -> Reading:
    if value is None:
        return Reading(Figure(None), missing=("it",))
    return Reading(Figure(value, value - width, value + width, 200, "share"), counted)


def states(*readings: Reading) -> str:
    """Return the first letter of each state; an h for one that holds."""
    told = [(FIRST.earlier(-place), one) for place, one in enumerate(readings)]
    found = judge("enterprise_inbound", told, TERMS)
    return "".join("h" if one.held else str(one.state)[0] for one in found)


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (reading(0.10), "f"),
        (reading(0.0999), "w"),
        (reading(0.05), "w"),
        (reading(0.0499), "q"),
        (reading(None), "u"),
        (reading(0.2, counted=4), "w"),  # too few
        (reading(0.12, width=0.08), "w"),  # its interval reaches to where nothing is told
    ],
)
def test_a_signal_fires_at_its_line_if_it_is_no_chance(one, state):
    assert states(one) == state


def test_one_high_quarter_does_not_hold():
    assert states(reading(0.12), reading(0.09), reading(0.09)) == "fww"


def test_two_in_a_row_hold_until_below_both_lines():
    high, between = reading(0.12), reading(0.08)
    low = reading(0.06, width=0.01)
    wide = reading(0.06, width=0.05)
    assert states(high, high, between, between) == "ffhh"
    assert states(high, high, low, between) == "ffww"
    # It may still be above the line: it is not let go for what chance does.
    assert states(high, high, wide) == "ffh"
    assert states(high, high, reading(0.04, width=0.08)) == "ffq"
    assert states(high, high, reading(0.08, counted=2)) == "ffw"
    assert states(high, high, reading(None), between) == "ffuw"


def test_the_trend_is_the_change_from_the_quarter_before():
    told = [(FIRST, reading(0.1)), (FIRST.earlier(-1), reading(0.14))]
    first, second = judge("rich_unpaid", told, TERMS)
    assert first.trend is None
    assert second.trend == pytest.approx(0.04)
    assert second.kind == KINDS["rich_unpaid"] == "demand"
    (unknown,) = judge("rich_unpaid", [(FIRST, reading(None))], TERMS)
    assert (unknown.state, unknown.value) == (SignalState.UNKNOWN, None)
    assert unknown.missing == ("it",)
