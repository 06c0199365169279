"""Learning a score from outcomes: a model near the hand-made one, judged before it is believed."""

from groundswell.scoring.learning.behaviours import Behaviour, Behaviours, find_behaviours
from groundswell.scoring.learning.challenger import Challenge
from groundswell.scoring.learning.leakage import Alarm
from groundswell.scoring.learning.measures import Figure
from groundswell.scoring.learning.preparing import Asked, Prepared, prepare
from groundswell.scoring.learning.scorecard import Line, Scorecard
from groundswell.scoring.learning.snapshots import Outcome
from groundswell.scoring.learning.study import Learned, Plan, Study, Tenth, study

__all__ = [
    "Alarm",
    "Asked",
    "Behaviour",
    "Behaviours",
    "Challenge",
    "Figure",
    "Learned",
    "Line",
    "Outcome",
    "Plan",
    "Prepared",
    "Scorecard",
    "Study",
    "Tenth",
    "find_behaviours",
    "prepare",
    "study",
]
