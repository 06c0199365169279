"""The lab: what can be learned from outcomes, and whether to believe it."""

from groundswell.engine.lab.challenging import Shadow
from groundswell.engine.lab.fitting import FitReport
from groundswell.engine.lab.history import Question
from groundswell.engine.lab.lab import Lab
from groundswell.engine.lab.tables import read_prior, study_table
from groundswell.engine.lab.thresholds import Consequences, ScoreBar, Spread
from groundswell.engine.lab.watching import Watch
from groundswell.scoring.learning import (
    Alarm,
    Asked,
    Behaviour,
    Behaviours,
    Challenge,
    Figure,
    Line,
    Outcome,
    Plan,
    Study,
)
from groundswell.scoring.learning.backtest import AtCapacity, Backtest, Group
from groundswell.scoring.learning.comparison import Comparison, Mover

__all__ = [
    "Alarm",
    "Asked",
    "AtCapacity",
    "Backtest",
    "Behaviour",
    "Behaviours",
    "Challenge",
    "Comparison",
    "Consequences",
    "Figure",
    "FitReport",
    "Group",
    "Lab",
    "Line",
    "Mover",
    "Outcome",
    "Plan",
    "Question",
    "ScoreBar",
    "Shadow",
    "Spread",
    "Study",
    "Watch",
    "read_prior",
    "study_table",
]
