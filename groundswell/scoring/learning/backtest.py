"""How a definition would have done: every week of the past, with what came after it.

An account is looked at in every week in which the outcome could still come to it. Two things are
judged: the ranking of all of them, and the queue - which accounts qualified when, whether the
outcome came within the horizon from then on, how soon, and what it was worth.

`precision at K` takes the K highest each week, but none that was taken less than four weeks before:
people do not work an account anew every week.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from groundswell.scoring.learning.calibrating import calibrate
from groundswell.scoring.learning.drawing import Draws, Ranking
from groundswell.scoring.learning.measures import BINS, Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

REST_WEEKS = 4
"""For so many weeks an account that was taken is not taken again."""

CAPACITIES = (1, 2, 5, 10, 20, 50, 100, 200)
_HISTOGRAM = np.arange(0.0, 101.0, 5.0)


@dataclass(frozen=True)
class Weeks:
    """Accounts in the weeks in which the outcome could come to them; one row each.

    Attributes:
        account: Number of the account, from 0.
        week: Number of the week, from 0, ascending within an account.
        label: Whether the outcome came within the horizon.
        lead: Days until it did; 0 where it did not.
        acv: What a year of it added; 0 where it did not come.
        ids: Account ids, by number.
        days: As of when each week is.
    """

    account: Ints
    week: Ints
    label: Bools
    lead: Ints
    acv: Floats
    ids: tuple[str, ...]
    days: tuple[date, ...]


@dataclass(frozen=True)
class Said:
    """What a definition said of the rows of `Weeks`.

    Attributes:
        scores: By row.
        chances: By row; NaN where the definition says none.
        qualified: By row.
        newly: By row, whether the account qualified since the row before.
    """

    scores: Floats
    chances: Floats
    qualified: Bools
    newly: Bools


@dataclass(frozen=True, slots=True)
class Band:
    """A tenth of the rows, from the highest scores down.

    Attributes:
        rows: How many.
        expected: The mean chance that was said; none where none was.
        observed: The share whose outcome came.
        lift: That, by the share of all rows.
        gain: The share of all rows with the outcome that are in it or above.
    """

    rows: float
    expected: float | None
    observed: float
    lift: float
    gain: float


@dataclass(frozen=True, slots=True)
class AtCapacity:
    """What comes of taking up so many accounts a week.

    Attributes:
        capacity: Accounts a week.
        taken: Accounts taken in all, an account once for each time.
        precision: The share of them to which the outcome came.
        reached: Of the accounts to which it came, the share that was taken before it.
    """

    capacity: int
    taken: int
    precision: Figure | None
    reached: float


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that qualified, or those that did not.

    Attributes:
        accounts: How many.
        came: Of them, to which the outcome came.
        conversion: The share of times that it came.
        acv: What a year of it added, where it came, on average.
    """

    accounts: int
    came: int
    conversion: Figure | None
    acv: Figure | None


@dataclass(frozen=True, slots=True)
class Lead:
    """Days from qualifying to the outcome: the median, and between which the middle half is."""

    count: int
    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Week:
    """One week.

    Attributes:
        day: As of when.
        accounts: To which the outcome could come.
        newly: That qualified.
        came: Of those, to which it came.
    """

    day: date
    accounts: int
    newly: int
    came: int


@dataclass(frozen=True, slots=True)
class Bar:
    """Rows whose score is from `low` on, up to the next bar's."""

    low: float
    rows: int
    came: int


@dataclass(frozen=True)
class Backtest:
    """How a definition would have done.

    Attributes:
        version: Of the definition.
        outcome: What was asked.
        horizon: Days in which it had to come.
        first, last: The first and the last week.
        weeks: How many.
        left_out: Weeks that were asked for and left out, since the definition learned from them.
        accounts: That the outcome could come to.
        came: Of them, to which it did.
        rows: Accounts, week by week.
        roc_auc, average_precision, brier, ece, top_decile_lift: Of the ranking.
        borrowed_chance: Whether the definition says no chance: that of accounts of the same score
            among others was taken instead.
        tenths: From the highest scores down.
        capacity: Accounts that people can take up in a week.
        at_capacity: What comes of that.
        by_capacity: The same for other numbers.
        used: The share of the capacity that the accounts that qualified would take up.
        overflow: The share of them that is beyond the capacity of their week.
        qualified: The accounts that qualified.
        rest: Those that did not, each counting as one.
        conversion_ratio: How many times more often it came to those that qualified.
        acv_ratio: How many times as much it was worth.
        reached: Of the accounts to which it came, the share that had qualified before.
        lead: How long before; none where none did.
        by_week: Each week.
        distribution: Rows by score.
    """

    version: str
    outcome: str
    horizon: int
    first: date
    last: date
    weeks: int
    left_out: int
    accounts: int
    came: int
    rows: int
    roc_auc: Figure | None
    average_precision: Figure | None
    brier: Figure | None
    ece: Figure | None
    top_decile_lift: Figure | None
    borrowed_chance: bool
    tenths: tuple[Band, ...]
    capacity: int
    at_capacity: AtCapacity
    by_capacity: tuple[AtCapacity, ...]
    used: float
    overflow: float
    qualified: Group
    rest: Group
    conversion_ratio: Figure | None
    acv_ratio: Figure | None
    reached: float
    lead: Lead | None
    by_week: tuple[Week, ...]
    distribution: tuple[Bar, ...]


def judge(
    weeks: Weeks,
    said: Said,
    *,
    version: str,
    outcome: str,
    horizon: int,
    capacity: int,
    left_out: int = 0,
    seed: int = 0,
) -> Backtest:
    """Judge what a definition said of the past.

    Args:
        weeks: The past; at least one row with the outcome and one without.
        said: What it said.
        version: Of the definition.
        outcome: What was asked.
        horizon: Days in which it had to come.
        capacity: Accounts that people can take up in a week.
        left_out: Weeks that were left out.
        seed: Of the draws.
    """
    count = len(weeks.ids)
    draws = Draws(count, seed)
    borrowed = not np.isfinite(said.chances).all()
    chances = borrowed_chances(weeks, said.scores) if borrowed else said.chances
    ranking = Ranking.of(said.scores, chances, weeks.label, weeks.account, count)
    figures = ranking.figures(draws)
    own, *by_capacity = Queue.of(weeks, said.scores).at((capacity, *CAPACITIES), draws)
    newly = np.bincount(weeks.week[said.newly], minlength=len(weeks.days))
    came_newly = np.bincount(weeks.week[said.newly & weeks.label], minlength=len(weeks.days))
    groups = _groups(weeks, said, draws)
    present = np.bincount(weeks.week, minlength=len(weeks.days))
    before = said.newly & weeks.label
    return Backtest(
        version=version,
        outcome=outcome,
        horizon=horizon,
        first=weeks.days[0],
        last=weeks.days[-1],
        weeks=len(weeks.days),
        left_out=left_out,
        accounts=len(np.unique(weeks.account)),
        came=len(np.unique(weeks.account[weeks.label])),
        rows=len(weeks.account),
        roc_auc=figures["roc_auc"],
        average_precision=figures["average_precision"],
        brier=figures["brier"],
        ece=figures["ece"],
        top_decile_lift=figures["top_decile_lift"],
        borrowed_chance=borrowed,
        tenths=_bands(ranking),
        capacity=capacity,
        at_capacity=own,
        by_capacity=tuple(by_capacity),
        used=float(np.minimum(newly, capacity).mean() / capacity),
        overflow=float(np.maximum(newly - capacity, 0).sum() / max(newly.sum(), 1)),
        qualified=groups[0],
        rest=groups[1],
        conversion_ratio=groups[2],
        acv_ratio=groups[3],
        reached=_reached(weeks, said.newly),
        lead=_lead(weeks.lead[before]),
        by_week=tuple(
            Week(day, int(present[k]), int(newly[k]), int(came_newly[k]))
            for k, day in enumerate(weeks.days)
        ),
        distribution=_distribution(said.scores, weeks.label),
    )


def borrowed_chances(weeks: Weeks, scores: Floats) -> Floats:
    """Return, for a score that says no chance, that of its like among the other half of accounts.

    A line through the log-odds by score is learned from the even accounts for the odd ones, and the
    other way around; so no row has a say in its own chance.
    """
    found = np.empty(len(scores))
    even = weeks.account % 2 == 0
    centred = (scores - scores.mean()) / max(float(scores.std()), 1e-9)
    for mine, others in ((even, ~even), (~even, even)):
        label = weeks.label[others]
        found[mine] = label.mean() if len(label) else 0.0
        if label.any() and not label.all():
            rarer = len(np.unique(weeks.account[others][label]))
            curve = calibrate(centred[others], label, np.ones(len(label)), rarer=max(rarer, 120))
            if curve.how != "level":  # else the score does not tell, and the share is the best word
                found[mine] = curve.chance(centred[mine])
    return found


@dataclass(frozen=True)
class Queue:
    """Rows of each week from the highest score down."""

    weeks: Weeks
    orders: tuple[Ints, ...]

    @classmethod
    def of(cls, weeks: Weeks, scores: Floats) -> Queue:
        """Sort the rows of each week; of equal scores the account that comes first is first."""
        order = np.lexsort((weeks.account, -scores, weeks.week))
        edges = np.searchsorted(weeks.week[order], np.arange(len(weeks.days) + 1))
        return cls(weeks, tuple(order[a:b] for a, b in itertools.pairwise(edges)))

    def taken(self, capacity: int) -> Ints:
        """Return the rows that people take who can take up so many a week."""
        again_from = np.full(len(self.weeks.ids), -1)
        found: list[Ints] = []
        for week, order in enumerate(self.orders):
            free = order[again_from[self.weeks.account[order]] <= week][:capacity]
            again_from[self.weeks.account[free]] = week + REST_WEEKS
            found.append(free)
        return np.concatenate(found) if found else np.arange(0)

    def at(self, capacities: Sequence[int], draws: Draws) -> list[AtCapacity]:
        """Return what comes of taking up so many a week, for several such numbers."""
        weeks = self.weeks
        taken = [self.taken(capacity) for capacity in capacities]
        figures = draws.figures(caught(weeks, taken), ratio)
        found: list[AtCapacity] = []
        for capacity, rows, figure in zip(capacities, taken, figures, strict=True):
            chosen = np.zeros(len(weeks.account), dtype=bool)
            chosen[rows] = True
            found.append(AtCapacity(capacity, len(rows), figure, _reached(weeks, chosen)))
        return found


def caught(weeks: Weeks, taken: Sequence[Ints]) -> Floats:
    """Return [account, 2 x]: how often the outcome came to taken rows, and how many they are."""
    return np.concatenate(
        [_by_account(weeks, rows, weeks.label[rows], np.ones(len(rows))) for rows in taken], axis=1
    )


def _reached(weeks: Weeks, chosen: Bools) -> float:
    """Return which share of the accounts with the outcome was chosen in a row before it."""
    came = np.unique(weeks.account[weeks.label])
    return len(np.unique(weeks.account[chosen & weeks.label])) / max(len(came), 1)


def _by_account(weeks: Weeks, rows: Ints | Bools, *values: Floats | Bools) -> Floats:
    """Return [account, value] of values of some rows, added up by account."""
    account = weeks.account[rows]
    return np.column_stack(
        [
            np.bincount(account, weights=value, minlength=len(weeks.ids)).astype(np.float64)
            for value in values
        ]
    )


def ratio(sums: Floats) -> Floats:
    """Return every first sum by the one after it: [draw, sum] to [draw, figure]."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[:, ::2] / sums[:, 1::2]


def _groups(
    weeks: Weeks, said: Said, draws: Draws
) -> tuple[Group, Group, Figure | None, Figure | None]:
    """Return those that qualified, the rest, and how the first compare with the second."""
    ever = np.zeros(len(weeks.ids), dtype=bool)
    ever[weeks.account[said.qualified]] = True
    newly, rest = said.newly, ~ever[weeks.account]
    rows_of = np.bincount(weeks.account, minlength=len(weeks.ids))
    share = 1.0 / rows_of[weeks.account]
    came_of = np.bincount(weeks.account, weights=weeks.label, minlength=len(weeks.ids))
    each = np.divide(1.0, came_of[weeks.account], where=weeks.label, out=np.zeros(len(share)))
    sums = np.concatenate(
        [
            _by_account(
                weeks,
                newly,
                weeks.label[newly],
                np.ones(int(newly.sum())),
                (weeks.acv * weeks.label)[newly],
            ),
            _by_account(
                weeks,
                rest,
                (weeks.label * share)[rest],
                share[rest],
                (weeks.acv * each)[rest],
                each[rest],
            ),
        ],
        axis=1,
    )

    def measure(totals: Floats) -> Floats:
        won, times, worth, rest_won, rest_rows, rest_worth, rest_came = totals.T
        with np.errstate(invalid="ignore", divide="ignore"):
            mine, theirs = won / times, rest_won / rest_rows
            acv, rest_acv = worth / won, rest_worth / rest_came
            return np.stack([mine, theirs, mine / theirs, acv, rest_acv, acv / rest_acv], axis=1)

    found = draws.figures(sums, measure)
    sizes = [
        (len(np.unique(weeks.account[some])), len(np.unique(weeks.account[some & weeks.label])))
        for some in (newly, rest)
    ]
    return (
        Group(*sizes[0], found[0], found[3]),
        Group(*sizes[1], found[1], found[4]),
        found[2],
        found[5],
    )


def _lead(days: Ints) -> Lead | None:
    if not len(days):
        return None
    low, median, high = np.quantile(days, [0.25, 0.5, 0.75])
    return Lead(len(days), float(median), float(low), float(high))


def _bands(ranking: Ranking) -> tuple[Band, ...]:
    tenths = ranking.tenths()
    rows, came = sum(row[0] for row in tenths), sum(row[2] for row in tenths)
    said = np.isfinite(ranking.chance).all()
    found: list[Band] = []
    above = 0.0
    for count, expected, won in tenths[:BINS]:
        above += won
        share = won / count
        found.append(
            Band(
                count,
                expected / count if said else None,
                share,
                share / (came / rows),
                above / came,
            )
        )
    return tuple(found)


def _distribution(scores: Floats, label: Bools) -> tuple[Bar, ...]:
    bar = np.minimum(np.searchsorted(_HISTOGRAM, scores, side="right") - 1, len(_HISTOGRAM) - 2)
    rows = np.bincount(bar, minlength=len(_HISTOGRAM) - 1)
    came = np.bincount(bar, weights=label, minlength=len(_HISTOGRAM) - 1)
    return tuple(
        Bar(float(low), int(rows[k]), int(came[k])) for k, low in enumerate(_HISTOGRAM[:-1])
    )
