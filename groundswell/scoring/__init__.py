"""Scores: features become points, points a score with its bands and tier, and a crossing."""

from groundswell.scoring.combination import line
from groundswell.scoring.crossing import Crossings, State, follow_crossings
from groundswell.scoring.explanation import (
    SCORED,
    explain_score,
    part_weights,
    reasons,
    score_of_row,
)
from groundswell.scoring.frame import needed_features, score_frame

__all__ = [
    "SCORED",
    "Crossings",
    "State",
    "explain_score",
    "follow_crossings",
    "line",
    "needed_features",
    "part_weights",
    "reasons",
    "score_frame",
    "score_of_row",
]
