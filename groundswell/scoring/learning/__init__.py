"""Learning a score from outcomes: a model near the hand-made one, judged before it is believed."""

from groundswell.scoring.learning.behaviours import Behaviour, Behaviours, find_behaviours
from groundswell.scoring.learning.challenger import Challenge
from groundswell.scoring.learning.definition import Prior, Wording, define, finish
from groundswell.scoring.learning.leakage import Alarm, find_naive_gaps
from groundswell.scoring.learning.measures import Figure
from groundswell.scoring.learning.preparing import Asked, Prepared, prepare
from groundswell.scoring.learning.rows import Gathering, examples_of
from groundswell.scoring.learning.scorecard import Line, Scorecard
from groundswell.scoring.learning.snapshots import Outcome, Outcomes, label_snapshots
from groundswell.scoring.learning.study import Learned, Lesson, Plan, Study, Tenth, learn, study

__all__ = [
    "Alarm",
    "Asked",
    "Behaviour",
    "Behaviours",
    "Challenge",
    "Figure",
    "Gathering",
    "Learned",
    "Lesson",
    "Line",
    "Outcome",
    "Outcomes",
    "Plan",
    "Prepared",
    "Prior",
    "Scorecard",
    "Study",
    "Tenth",
    "Wording",
    "define",
    "examples_of",
    "find_behaviours",
    "find_naive_gaps",
    "finish",
    "label_snapshots",
    "learn",
    "prepare",
    "study",
]
