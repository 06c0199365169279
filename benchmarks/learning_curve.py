"""How a definition is learned from few outcomes of a company, beside its peers.

    python -m benchmarks.learning_curve --events 5M

From the weekly snapshots of the benchmark company some accounts are drawn: so many that converted,
and eight times as many that did not. Everybody learns from these, and is judged by the same later
snapshots. The hand-made score is `hybrid`; once with its components as they are, once with half of
their signs turned.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from datetime import time as time_of_day
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.boosted import light_gbm
from benchmarks.features import company
from groundswell.scoring.learning.choosing import choose
from groundswell.scoring.learning.measures import rank_auc
from groundswell.scoring.learning.selecting import select_features
from groundswell.scoring.learning.study import Plan, _folds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from groundswell.scoring.learning.examples import Examples

    Floats = NDArray[np.float64]

COUNTS = (20, 60, 120, 300)
HORIZON = 60
NEGATIVES = 8
SEEDS = 5
MOST = 12


def past(project: Path) -> tuple[Examples, Examples, Mapping[str, float]]:
    """Return snapshots to draw from, later ones to judge by, and the hand-made score's weights."""
    from groundswell.clock import FixedClock
    from groundswell.demo import END
    from groundswell.engine import Project
    from groundswell.engine.lab.fitting import TEST_FRACTION
    from groundswell.engine.lab.history import History, Question
    from groundswell.engine.lab.wording import LEFT_OUT
    from groundswell.scoring.learning import Gathering, Prior, examples_of
    from groundswell.scoring.learning.examples import split_by_time

    question = Question("converted", HORIZON)
    clock = FixedClock(datetime.combine(END, time_of_day(23), UTC))
    with Project.open(project, clock=clock) as opened:
        history = History.of(opened.computer, END)
        gathering = Gathering.of(accounts=history.accounts, weeks=104, seed=0)
        for frame in history.labelled(history.days(104, far=question.far), question):
            gathering.add(frame)
        frame = gathering.frame()
        prior = Prior.of(opened.lab.definition("hybrid"), frame)
    examples, _ = examples_of(frame, prior, left_out=LEFT_OUT)
    split = split_by_time(examples, test_fraction=TEST_FRACTION, embargo=question.far)
    return examples.take(split.train), examples.take(split.test), prior.weights


def draw(examples: Examples, positives: int, seed: int) -> Examples:
    """Take so many accounts with the outcome, and eight times as many without."""
    rng = np.random.default_rng(seed)
    came = np.unique(examples.group[examples.label])
    others = np.setdiff1d(np.unique(examples.group), came)
    chosen = [
        rng.choice(came, positives, replace=False),
        rng.choice(others, min(len(others), NEGATIVES * positives), replace=False),
    ]
    return examples.take(np.flatnonzero(np.isin(examples.group, np.concatenate(chosen))))


def ours(prior: Mapping[str, float]) -> Callable[[Examples, Examples, int], Floats]:
    def said(learned: Examples, judged: Examples, seed: int) -> Floats:
        folds = _folds(learned, Plan(seed=seed, by_time=True, embargo=HORIZON))
        needed = select_features(learned, folds, most=MOST)
        fitted = choose(learned.keep(needed), folds, prior=prior)
        return fitted.model.log_odds(judged.features)

    return said


def half_turned(prior: Mapping[str, float]) -> dict[str, float]:
    return {name: weight * (-1) ** k for k, (name, weight) in enumerate(sorted(prior.items()))}


def hand_made(prior: Mapping[str, float]) -> Callable[[Examples, Examples, int], Floats]:
    def said(_: Examples, judged: Examples, __: int) -> Floats:
        return sum(judged.features[name].to_numpy() * weight for name, weight in prior.items())

    return said


def boosted(learned: Examples, judged: Examples, seed: int) -> Floats:
    names = [name for name in learned.features.columns if name not in learned.points]
    # Slow and shallow, as few rows ask for.
    shape = {"learning_rate": 0.05, "n_estimators": 200, "num_leaves": 15, "reg_lambda": 1.0}
    return light_gbm(learned.keep(names), judged.keep(names), seed=seed, **shape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default="5M", help="such as 1M, 5M or 50M")
    chosen = parser.parse_args()
    pool, judged, prior = past(company(chosen.events))
    learners: dict[str, Callable[[Examples, Examples, int], Floats]] = {
        "hand-made": hand_made(prior),
        "right prior": ours(prior),
        "half its signs turned": ours(half_turned(prior)),
        "no prior": ours({}),
        "LightGBM": boosted,
    }
    print(f"{len(judged):,} later snapshots, {judged.rarer} accounts converted; mean AUC ± spread")
    print("accounts that converted  " + "  ".join(f"{name:>21}" for name in learners))
    even = np.ones(len(judged))
    for count in COUNTS:
        cells: list[str] = []
        for learner in learners.values():
            aucs = [
                rank_auc(learner(draw(pool, count, seed), judged, seed), judged.label, even)
                for seed in range(SEEDS)
            ]
            cells.append(f"{np.mean(aucs):.3f} ± {np.std(aucs):.3f}")
        print(f"{count:>23}  " + "  ".join(f"{cell:>21}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
