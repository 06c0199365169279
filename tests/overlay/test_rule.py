"""How many signals, in how many quarters, ask for people."""

from __future__ import annotations

import pytest

from groundswell.config.overlay_schema import OverlayBlock
from groundswell.overlay.figures import Figure
from groundswell.overlay.quarters import Quarter
from groundswell.overlay.rule import apply_rule
from groundswell.overlay.signals import KINDS, Reading, judge

RULE = OverlayBlock.as_shipped().rule
TERMS = OverlayBlock.as_shipped().signals.board_pressure
SHORT = {
    "i": "enterprise_inbound",
    "s": "stalled_at_limit",
    "l": "lost_for_people",
    "r": "rich_unpaid",
    "a": "security_asks",
    "c": "capped_plan",
    "b": "board_pressure",
}


def outcome(*quarters: str, unknown: str = ""):
    """Apply the rule; each quarter is written as the letters of the signals that fire."""
    told = {}
    for place, firing in enumerate(quarters):
        quarter = Quarter(2026, place + 1)
        told[str(quarter)] = tuple(
            judge(name, [(quarter, _reading(letter in firing, letter in unknown))], TERMS)[0]
            for letter, name in SHORT.items()
        )
    return apply_rule(told, RULE)


def _reading(is_firing: bool, is_unknown: bool) -> Reading:
    return Reading(Figure(None if is_unknown else float(is_firing)), 1)


@pytest.mark.parametrize(
    ("quarters", "met", "watched"),
    [
        (("isa", "rsa"), True, False),
        (("isa", "sac"), False, True),  # demand in one quarter alone
        (("sac", "sac"), False, True),
        (("isa", "is"), False, True),
        (("isalrcb", "i"), False, False),
        (("is", "sa"), False, True),
        (("is", "s"), False, False),
        (("isa", "", "isa"), False, False),  # not consecutive
        (("", "isa", "isa"), True, False),  # only the last two count
    ],
)
def test_three_in_two_quarters_with_demand_are_a_trigger_and_two_are_watched(
    quarters, met, watched
):
    found = outcome(*quarters)
    assert (found.is_met, found.is_watched) == (met, watched)


def test_what_is_not_known_could_meet_it_and_is_not_taken_for_firing():
    found = outcome("sa", "sa", unknown="i")
    assert (found.is_met, found.is_watched, found.is_open) == (False, True, True)
    assert not outcome("sa", "sa", unknown="c").is_open  # no demand
    assert not outcome("s", "s", unknown="i").is_open
    assert not outcome("isa", "isa", unknown="r").is_open  # it is met already


def test_those_that_fire_in_both_are_lasting():
    found = outcome("isa", "ras")
    assert found.lasting == ("stalled_at_limit", "security_asks")
    assert set(found.firing["2026-Q1"]) == {SHORT[letter] for letter in "isa"}
    assert [KINDS[name] for name in found.lasting] == ["structural"] * 2
