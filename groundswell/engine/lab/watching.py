"""Whether a definition still holds: what drifted, how it does lately, and when to learn anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from groundswell.engine.lab.backtesting import replay
from groundswell.engine.registry import refit_due
from groundswell.scoring import score_frame
from groundswell.scoring.drift import Drift, measure_drift
from groundswell.scoring.frame import INDICATORS, PAYING, needed_features
from groundswell.scoring.learning import Figure
from groundswell.scoring.learning.drawing import Draws
from groundswell.scoring.learning.preparing import as_feature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.config.resolved import ScoreDef
    from groundswell.engine.lab.history import History, Question

    Floats = NDArray[np.float64]

LATELY = 13
BEFORE = 39
"""Weeks whose precision is compared with that of so many before them."""

SINCE = 26
"""Weeks ago, as of when a hand-made score's features are compared with today's."""


@dataclass(frozen=True)
class Watch:
    """How a definition holds.

    Attributes:
        version: Which.
        since: As of when features are compared with today's.
        as_of: Today: the last day of which anything is known.
        features: How far each feature that it reads has moved, what moved most first.
        score: How far the score has.
        before: The share of accounts that converted after qualifying, in the weeks before the
            latest; none where nobody qualified.
        lately: The same in the latest weeks whose horizon is over.
        decayed: Whether it fell by more than chance explains.
        refit_due: Since when it should be learned anew; none where not yet, or where it was made by
            hand.
        warnings: What to do, in words; none where all is well.
    """

    version: str
    since: date
    as_of: date
    features: tuple[Drift, ...]
    score: Drift
    before: Figure | None
    lately: Figure | None
    decayed: bool
    refit_due: date | None
    warnings: tuple[str, ...]


def watch(
    history: History, question: Question, definition: ScoreDef, *, since: date | None = None
) -> Watch:
    """Compare a company with what a definition was made for.

    Args:
        history: The company's past.
        question: Which outcome, and how soon.
        definition: What is watched.
        since: As of when; by default when learning ended, or half a year ago.
    """
    until = history.until
    begun = since or definition.learned_until or until - timedelta(weeks=SINCE)
    then, now = history.on(begun), history.on(until)
    names = sorted(needed_features(definition) - {INDICATORS, PAYING})
    units = (then.height, now.height)
    moved = [
        measure_drift(before, after, units=units)
        for name in names
        if (before := as_feature(then[name])) is not None
        and (after := as_feature(now[name])) is not None
    ]
    score = measure_drift(
        score_frame(definition, then)["score"], score_frame(definition, now)["score"], units=units
    )
    before, lately, decayed = _precision(history, question, definition)
    due = refit_due(definition, until)
    return Watch(
        definition.version,
        begun,
        until,
        tuple(sorted(moved, key=lambda item: -item.psi)),
        score,
        before,
        lately,
        decayed,
        due,
        _warnings(moved, score, begun, before, lately, due, decayed=decayed),
    )


def _precision(
    history: History, question: Question, definition: ScoreDef
) -> tuple[Figure | None, Figure | None, bool]:
    """Return how often the outcome came after qualifying, before and lately; and if it fell."""
    days = [
        day
        for day in history.days(LATELY + BEFORE, far=question.far)
        if definition.learned_until is None or day >= definition.learned_until
    ]
    if len(days) < LATELY:
        return None, None, False
    weeks, (said,) = replay(history, question, [definition], days)
    late = weeks.week >= len(days) - LATELY
    sums = np.column_stack(
        [
            np.bincount(weeks.account[rows], weights=values[rows], minlength=len(weeks.ids))
            for rows in (said.newly & ~late, said.newly & late)
            for values in (weeks.label, np.ones(len(weeks.label)))
        ]
    ).astype(np.float64)

    def shares(totals: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            before, lately = totals[:, 0] / totals[:, 1], totals[:, 2] / totals[:, 3]
        return np.stack([before, lately, lately - before], axis=1)

    before, lately, change = Draws(len(weeks.ids), seed=0).figures(sums, shares)
    return before, lately, change is not None and change.high < 0


def _warnings(
    moved: list[Drift],
    score: Drift,
    since: date,
    before: Figure | None,
    lately: Figure | None,
    due: date | None,
    *,
    decayed: bool,
) -> tuple[str, ...]:
    found: list[str] = []
    if names := [f"`{item.feature}`" for item in moved if item.warns]:
        found.append(
            f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} spread differently than on "
            f"{since}. See whether events are still sent as they were; if so, learn anew."
        )
    if score.warns:
        found.append(
            f"Scores are spread differently than on {since} (PSI {score.psi:.2f}): the line from "
            "which accounts qualify may let through more, or fewer, than it was set for."
        )
    if decayed and before is not None and lately is not None:
        found.append(
            f"Of the accounts that qualified lately {lately.value:.0%} converted, before "
            f"{before.value:.0%}: learn anew, and compare."
        )
    if due is not None:
        found.append(f"It was due to be learned anew on {due}: run `groundswell fit`.")
    return tuple(found)
