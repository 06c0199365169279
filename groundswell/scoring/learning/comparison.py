"""Two definitions on the same weeks: what is won and lost with the same capacity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from groundswell.scoring.learning.backtest import Backtest, Queue, Said, Weeks, caught, ratio
from groundswell.scoring.learning.drawing import Draws, Ranking, area
from groundswell.scoring.learning.measures import Figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Mover:
    """An account that one definition puts on the list of today, and the other does not.

    Attributes:
        account_id: Which.
        name: Its name, where it is known.
        before, after: Its score by the first definition, and by the second.
        place_before, place_after: Its place on the list of all accounts, from 1.
        reasons: Why, by the definition that lists it.
    """

    account_id: str
    name: str | None
    before: float
    after: float
    place_before: int
    place_after: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Won:
    """What came to accounts that were taken up: how many, and what a year of it added."""

    accounts: int
    acv: float


@dataclass(frozen=True)
class Comparison:
    """Two definitions on the same weeks, with the same capacity.

    Attributes:
        first, second: How each would have done.
        auc_gain: AUC of the second less that of the first, on the same draws.
        precision_gain: The same of the precision at capacity.
        both: What came to accounts that both would have taken before it.
        won: To those that only the second would have.
        lost: To those that only the first would have.
        as_of: Of the list of today.
        entering: Accounts that the second puts on it and the first does not, the highest first.
        leaving: The other way around.
    """

    first: Backtest
    second: Backtest
    auc_gain: Figure | None
    precision_gain: Figure | None
    both: Won
    won: Won
    lost: Won
    as_of: date | None = None
    entering: tuple[Mover, ...] = ()
    leaving: tuple[Mover, ...] = ()


def compare(
    weeks: Weeks, said: tuple[Said, Said], tests: tuple[Backtest, Backtest], *, seed: int = 0
) -> Comparison:
    """Compare what two definitions said of the same rows.

    Args:
        weeks: The rows.
        said: What each said.
        tests: How each did.
        seed: Of the draws.
    """
    count, capacity = len(weeks.ids), tests[0].capacity
    draws = Draws(count, seed)
    rankings = [
        Ranking.of(one.scores, one.chances, weeks.label, weeks.account, count) for one in said
    ]
    taken = [Queue.of(weeks, one.scores).taken(capacity) for one in said]

    def gain(totals: Floats) -> Floats:
        return np.diff(ratio(totals), axis=1)

    reached = [weeks.account[rows][weeks.label[rows]] for rows in taken]
    first, second = (np.unique(accounts) for accounts in reached)
    return Comparison(
        *tests,
        auc_gain=draws.of_counts(rankings, lambda both: area(*both[1]) - area(*both[0])),
        precision_gain=draws.figures(caught(weeks, taken), gain)[0],
        both=_won(weeks, np.intersect1d(first, second)),
        won=_won(weeks, np.setdiff1d(second, first)),
        lost=_won(weeks, np.setdiff1d(first, second)),
    )


def _won(weeks: Weeks, accounts: Ints) -> Won:
    """Return what came to some accounts, the largest of each."""
    worth = np.zeros(len(weeks.ids))
    np.maximum.at(worth, weeks.account, weeks.acv)
    return Won(len(accounts), float(worth[accounts].sum()))
