"""Other numbers for a score, checked before they are written into the text of its block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.loading import FITTED, LoadedConfig
from groundswell.config.score_edits import ScoreEdit
from groundswell.errors import Problem, UsageError, did_you_mean
from groundswell.scoring import line
from groundswell.scoring.combination import Combination

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from groundswell.config.resolved import ScoreDef
    from groundswell.model import Part

SCORE = "score"
MOST_WEIGHT, MOST_TIMES, HIGHEST = 1000.0, 10.0, 100.0
_DIGITS = 4


def make_edit(
    loaded: LoadedConfig,
    weights: Mapping[str, float],
    times: Mapping[str, float],
    qualified: float | None,
) -> ScoreEdit:
    """Return what is other than in the score in use; numbers that are as they are are left out.

    Args:
        loaded: The configuration.
        weights: By part.
        times: By `part.component`.
        qualified: What a score has to pass; None where it stays.

    Raises:
        UsageError: A learned definition scores, there is no such component, or a number is out of
            range.
    """
    score = loaded.score
    if loaded.config.score.preset == FITTED:
        raise UsageError(
            Problem(
                "score-learned",
                f"Accounts are scored by `{score.version}`, which was learned.",
                "Change what it says as a file: `groundswell models show`, then `groundswell "
                "models add`.",
            )
        )
    known = {
        f"{part}.{spec.name}": (part, spec.name)
        for part, told in score.parts.items()
        for spec in told.components
    }
    parts = {str(part): part for part in score.parts}
    for name, weight in weights.items():
        _known("part", name, parts)
        _within(f"The weight of `{name}`", weight, MOST_WEIGHT)
    for name, many in times.items():
        _known("component", name, known)
        _within(f"What `{name}` is multiplied by", many, MOST_TIMES)
    if qualified is not None:
        _within("The threshold", qualified, HIGHEST)
    return ScoreEdit(
        weights=_weights(score, {parts[name]: weight for name, weight in weights.items()}),
        times={known[name]: many for name, many in times.items() if many != 1.0},
        qualified=None if qualified == line(score.qualified) else qualified,
    )


def _weights(score: ScoreDef, asked: Mapping[Part, float]) -> dict[Part, float]:
    """Return the weights of parts with some of them other, so that they add up to 1 again."""
    if all(weight == score.parts[part].weight for part, weight in asked.items()):
        return {}
    added = [part for part in Combination.of(score).added() if part in score.parts]
    given = {part: asked.get(part, score.parts[part].weight) for part in (*added, *asked)}
    total = sum(given[part] for part in added)
    if total <= 0:  # which checking tells of
        return given
    given |= {part: round(given[part] / total, _DIGITS) for part in added}
    largest = max(added, key=lambda part: given[part])
    given[largest] = round(given[largest] + 1 - sum(given[part] for part in added), _DIGITS)
    return given


def _known(kind: str, name: str, there: Collection[str]) -> None:
    if name not in there:
        raise UsageError(
            Problem(
                f"score-{kind}",
                f"The score has no {kind} `{name[:60]}`.",
                did_you_mean(name, there, noun=f"{kind.capitalize()}s"),
            )
        )


def _within(what: str, number: float, most: float) -> None:
    if not 0 <= number <= most:  # a number that is none is not within either
        raise UsageError(
            Problem(
                "score-number",
                f"{what} is {number:g}.",
                f"Write a number from 0 to {most:g}.",
            )
        )
