"""A challenger, learned every week, that runs in shadow beside the definition in use.

Each week a definition is learned from the outcomes that are known by then, and kept. Once the
horizon of that week is over, what it said of the week is compared with what the definition in use
said: neither has seen what came. The challenger of the day is offered when its weeks together did
better than those in use by more than chance explains.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.scoring import score_frame
from groundswell.scoring.learning import Figure
from groundswell.scoring.learning.drawing import Draws, Ranking, area
from groundswell.scoring.learning.study import LEAST, Study

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from groundswell.config.resolved import ScoreDef
    from groundswell.engine.lab.history import History, Question

    Floats = NDArray[np.float64]

MOST_WEEKS = 26
"""Weeks in shadow that are looked back at."""


@dataclass(frozen=True)
class Shadow:
    """What became of a challenger.

    Attributes:
        week: The day it was learned on.
        version: Of the challenger; none where there was too little to learn from.
        champion: The version in use.
        weeks: In shadow, whose horizon is over.
        came: Accounts to which the outcome came in them.
        gain: AUC of the challengers less that of the version in use, in those weeks; none while
            there are too few outcomes.
        offered: Whether the challenger did better by more than chance explains.
        published: Whether it was published.
        message: That in words.
    """

    week: date
    version: str | None
    champion: str
    weeks: int
    came: int
    gain: Figure | None
    offered: bool
    published: bool
    message: str


def judge_shadows(
    history: History,
    question: Question,
    champion: ScoreDef,
    shadows: Sequence[tuple[date, ScoreDef]],
    *,
    seed: int = 0,
) -> tuple[int, int, Figure | None]:
    """Compare what challengers said, each of its own week, with what the champion said.

    Weeks that the champion learned from are left out. Scores of different weeks are made alike by
    their place among those of the week.

    Args:
        history: The company's past.
        question: Which outcome, and how soon.
        champion: The definition in use.
        shadows: Weeks, and the challenger of each.
        seed: Of the draws.

    Returns:
        Weeks that were judged, accounts to which the outcome came, and the gain in AUC.
    """
    known = history.until - timedelta(days=question.far)
    begun = champion.learned_until or date.min  # it must not have seen what it is judged by
    over = [item for item in shadows if begun <= item[0] <= known]
    if not over:
        return 0, 0, None
    rows = pl.concat(
        _said_of_week(history, question, champion, challenger, day)
        for day, challenger in over[-MOST_WEEKS:]
    )
    if rows.is_empty():
        return len(over), 0, None
    account = (rows["account_id"].rank("dense").cast(pl.Int64) - 1).to_numpy()
    label = rows["label"].to_numpy().astype(bool)
    came = len(np.unique(account[label]))
    if came < LEAST:
        return len(over), came, None
    count = int(account.max()) + 1
    none = np.full(len(label), np.nan)
    rankings = [
        Ranking.of(rows[name].to_numpy(), none, label, account, count)
        for name in ("champion", "challenger")
    ]
    gain = Draws(count, seed).of_counts(rankings, lambda both: area(*both[1]) - area(*both[0]))
    return len(over), came, gain


def _said_of_week(
    history: History, question: Question, champion: ScoreDef, challenger: ScoreDef, day: date
) -> pl.DataFrame:
    """Return account_id, label, and the place of each account that week by one and by the other."""
    frame = history.labelled_whole([day], question)
    return frame.select(
        "account_id",
        "label",
        _place(score_frame(champion, frame)["score"]).alias("champion"),
        _place(score_frame(challenger, frame)["score"]).alias("challenger"),
    )


def _place(scores: pl.Series) -> pl.Series:
    """Return the place of each among all, in 0..1."""
    return scores.rank("average") / len(scores)


def say_shadow(
    study: Study,
    weeks: int,
    came: int,
    gain: Figure | None,
    version: str | None,
    *,
    offered: bool,
    published: bool,
) -> str:
    """Say in words what became of a challenger; see `Shadow`."""
    if version is None:
        return f"Nothing was learned: {study.message}"
    if gain is None:
        return (
            f"`{version}` runs in shadow. {weeks} weeks of challengers are over, with {came} "
            "accounts to which the outcome came: too few to judge by yet."
        )
    told = f"AUC {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] in {weeks} weeks in shadow"
    if published:
        return f"`{version}` was published: {told}."
    if offered:
        return (
            f"Challengers do better than what is published ({told}). Prove the latest, "
            f"`groundswell backtest {version}`, compare it, and publish it."
        )
    return f"`{version}` runs in shadow; what is published holds ({told})."
