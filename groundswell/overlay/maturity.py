"""At which stage the company is, by what it is seen, and which step is next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.overlay import pieces
from groundswell.overlay.checks import Check
from groundswell.overlay.words import said, words

if TYPE_CHECKING:
    from groundswell.config.overlay_schema import OverlayBlock
    from groundswell.overlay.facts import OverlayFacts

PHASES = ("foundation", "experiment", "scale")
_REACTIVE = ("asks_answered",)
_PROACTIVE = ("pql_defined", "proactive_handoffs")
_FULL = ("fitted_score", "motions_by_segment", "routing_optimised", "one_data_layer")


@dataclass(frozen=True, slots=True)
class NextStep:
    """Something to do next.

    Attributes:
        piece: What it brings.
        phase, phase_title: When it is due.
        say: What to do.
        why: Why it is not there, or what nobody knows of it.
    """

    piece: str
    phase: str
    phase_title: str
    say: str
    why: str


@dataclass(frozen=True, slots=True)
class Maturity:
    """The stage of the company.

    Attributes:
        stage, title: From 1 (PLG only) to 4 (full hybrid).
        phase, phase_title: The phase of the next step; the last where nothing is missing.
        pieces: Each piece, and whether it is there.
        steps: What is missing, the earliest phase first.
    """

    stage: int
    title: str
    phase: str
    phase_title: str
    pieces: tuple[Check, ...]
    steps: tuple[NextStep, ...]


def read_maturity(facts: OverlayFacts, terms: OverlayBlock) -> Maturity:
    """Return the stage, the pieces it is seen by, and the next steps."""
    found = pieces.read_pieces(facts, terms)
    there = {one.name for one in found if one.holds}
    stage = 1
    if facts.teams or there & {*_REACTIVE}:
        stage = 2
    if stage == 2 and there >= {*_PROACTIVE}:
        stage = 3
    if stage == 3 and there >= {*_FULL}:
        stage = 4
    steps = tuple(sorted(map(_step, (one for one in found if not one.holds)), key=_when))
    phase = steps[0].phase if steps else PHASES[-1]
    return Maturity(stage, said("maturity", stage), phase, said("phases", phase), found, steps)


def _step(piece: Check) -> NextStep:
    told = words()["pieces"][piece.name]
    lacking = "; ".join(piece.missing)
    why = piece.why if not lacking else f"{piece.why} Missing: {lacking}."
    phase = str(told["phase"])
    return NextStep(piece.name, phase, said("phases", phase), str(told["say"]), why)


def _when(step: NextStep) -> int:
    return PHASES.index(step.phase)
