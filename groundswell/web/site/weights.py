"""The numbers of the score, tried: who moves by others, and how the file would change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from groundswell.config.loading import FITTED
from groundswell.engine.signals.proposing import HIGHEST, MOST_TIMES, MOST_WEIGHT, SCORE
from groundswell.scoring import line, part_weights
from groundswell.scoring.components import most_points
from groundswell.web.site.visit import Answer, Shown, read_number
from groundswell.web.site.writing import Edited, try_block

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from groundswell.web.site.visit import Visit

WEIGHTS = "/lab/weights"
_WEIGHT, _TIMES, _LINE = "weight.", "times.", "line"


@dataclass(frozen=True, slots=True)
class PartNumbers:
    """The numbers of a part of the score.

    Attributes:
        name: Of the part.
        weight: As it is written.
        share: What that comes to beside the others.
        asked: The weight that is tried.
        components: By name, the most points it gives, and what it is multiplied by.
    """

    name: str
    weight: float
    share: float
    asked: float
    components: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class WeightsPage:
    """The numbers of the score.

    Attributes:
        parts: Each part with its own.
        used: The threshold in use.
        line: The threshold that is tried.
        version: The definition in use.
        is_learned: Whether that was learned, so that its numbers are not changed here.
        edited: What comes of other numbers; None while there are none.
        most_weight, most_times, most_line: The highest number that may be tried.
    """

    parts: tuple[PartNumbers, ...]
    used: float
    line: float
    version: str
    is_learned: bool
    edited: Edited | None
    most_weight: float = MOST_WEIGHT
    most_times: float = MOST_TIMES
    most_line: float = HIGHEST


def show_weights(visit: Visit) -> Answer:
    """Show the numbers of the score, and who moves by those that are asked for.

    Raises:
        UsageError: A number is none, or out of range, or of no part or component.
        ConfigError: The file cannot be read.
    """
    loaded = visit.project.loaded
    asked = {name: read_number(name, text) for name, text in visit.query.items() if text.strip()}
    used = line(loaded.score.qualified)
    page = WeightsPage(
        parts=tuple(_parts(visit, asked)),
        used=used,
        line=asked.get(_LINE, used),
        version=loaded.score.version,
        is_learned=loaded.config.score.preset == FITTED,
        edited=_tried(visit, asked) if asked else None,
    )
    return Shown("weights.html", page, "Weights", part="part_moves.html")


def _tried(visit: Visit, asked: Mapping[str, float]) -> Edited | None:
    """Return what comes of other numbers; None where they are those in use."""
    signals = visit.project.signals
    block = signals.propose_score(
        weights={
            name.removeprefix(_WEIGHT): number
            for name, number in asked.items()
            if name.startswith(_WEIGHT)
        },
        times={
            name.removeprefix(_TIMES): number
            for name, number in asked.items()
            if name.startswith(_TIMES)
        },
        qualified=asked.get(_LINE),
    )
    edited = try_block(visit, SCORE, block.text, block.digest)
    if not edited.diff:
        return edited if edited.mistakes else None
    weighed = signals.weigh(SCORE, block.text, decide=False)
    return replace(edited, weighed=visit.sight.show_weighed(weighed))


def _parts(visit: Visit, asked: Mapping[str, float]) -> Iterator[PartNumbers]:
    score = visit.project.loaded.score
    shares = part_weights(score)
    for part, told in score.parts.items():
        components = tuple(
            (spec.name, most_points(spec), asked.get(f"{_TIMES}{part}.{spec.name}", 1.0))
            for spec in told.components
        )
        weight = asked.get(f"{_WEIGHT}{part}", told.weight)
        yield PartNumbers(str(part), told.weight, shares.get(part, 0.0), weight, components)
