"""Replaying the past: what definitions would have said of every account, week by week."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl

from groundswell.engine.computing import WEEK
from groundswell.errors import Problem, UsageError
from groundswell.scoring import explain_score, follow_crossings, reasons, score_frame
from groundswell.scoring.learning.backtest import Backtest, Said, Weeks, judge
from groundswell.scoring.learning.comparison import Comparison, Mover, compare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from groundswell.config.resolved import ScoreDef
    from groundswell.engine.lab.history import History, Question
    from groundswell.scoring.learning import Outcome

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_T = TypeVar("_T", bound=np.generic)

RUN_IN = 4
"""Weeks before the first that are followed, so that who qualified long ago is not newly so."""

REPS_QUARTER = 4
DEFAULT_CAPACITY = 25
"""Accounts a week, where nobody says how many people can take up."""

_FOLLOWED = ["account_id", "as_of", "score"]
_RAISED = "days_since_hand_raised"


def backtest(
    history: History,
    question: Question,
    definition: ScoreDef,
    *,
    weeks: int,
    capacity: int,
    seed: int = 0,
) -> Backtest:
    """Say how a definition would have done; weeks that it learned from are left out.

    Args:
        history: The company's past.
        question: Which outcome, and how soon.
        definition: What is judged.
        weeks: The last so many whose horizon is over.
        capacity: Accounts that people can take up in a week.
        seed: Of the draws.

    Raises:
        UsageError: There is nothing to judge by.
    """
    days, left_out = _unseen(history, question, weeks, [definition])
    rows, (said,) = replay(history, question, [definition], days)
    return _judged(rows, said, definition, question, capacity, left_out, seed)


def compare_definitions(
    history: History,
    question: Question,
    definitions: tuple[ScoreDef, ScoreDef],
    *,
    weeks: int,
    capacity: int,
    seed: int = 0,
    currency: str = "USD",
) -> Comparison:
    """Compare two definitions on weeks that neither learned from, and on the list of today.

    Args: as those of `backtest`.

    Raises:
        UsageError: There is nothing to judge by.
    """
    days, left_out = _unseen(history, question, weeks, definitions)
    rows, said = replay(history, question, definitions, days)
    first, second = (
        _judged(rows, one, definition, question, capacity, left_out, seed)
        for one, definition in zip(said, definitions, strict=True)
    )
    found = compare(rows, (said[0], said[1]), (first, second), seed=seed)
    entering, leaving = _movers(history, question.outcome, definitions, capacity, currency)
    return replace(found, as_of=history.until, entering=entering, leaving=leaving)


def _unseen(
    history: History, question: Question, weeks: int, definitions: Sequence[ScoreDef]
) -> tuple[list[date], int]:
    """Return the weekly days that nothing was learned from, and how many were left out."""
    asked = history.days(weeks, far=question.far)
    learned_until = max((one.learned_until or date.min for one in definitions), default=date.min)
    days = [day for day in asked if day >= learned_until]
    if not days:
        raise UsageError(
            Problem(
                code="backtest-unseen",
                what=f"The definition learned from outcomes until {learned_until}, and no later "
                f"week has a horizon of {question.far} days behind it by {history.until}.",
                fix="Wait until there is one, or load what came since.",
            )
        )
    return days, len(asked) - len(days)


def _judged(
    rows: Weeks,
    said: Said,
    definition: ScoreDef,
    question: Question,
    capacity: int,
    left_out: int,
    seed: int,
) -> Backtest:
    if not rows.label.any() or rows.label.all():
        raise UsageError(
            Problem(
                code="backtest-outcomes",
                what=f"In the {len(rows.days)} weeks from {rows.days[0]} to {rows.days[-1]} the "
                f"outcome `{question.outcome}` came to "
                f"{'every' if rows.label.any() else 'no'} account, so nothing can be judged.",
                fix="Look at more `--weeks`, or another `--outcome`; subscriptions and "
                "opportunities say what came.",
            )
        )
    return judge(
        rows,
        said,
        version=definition.version,
        outcome=question.outcome,
        horizon=question.far,
        capacity=capacity,
        left_out=left_out,
        seed=seed,
    )


@dataclass
class _Pieces:
    """Rows as they come, some accounts at a time."""

    account: list[Ints] = field(default_factory=list["Ints"])
    week: list[Ints] = field(default_factory=list["Ints"])
    label: list[Bools] = field(default_factory=list["Bools"])
    lead: list[Ints] = field(default_factory=list["Ints"])
    acv: list[Floats] = field(default_factory=list["Floats"])
    said: list[list[Said]] = field(default_factory=list[list[Said]])
    ids: list[str] = field(default_factory=list[str])


def replay(
    history: History, question: Question, definitions: Sequence[ScoreDef], days: Sequence[date]
) -> tuple[Weeks, list[Said]]:
    """Return the weeks in which the outcome could come, and what definitions said in each.

    Features, scores and who qualifies are computed as `run` does; some accounts at a time.
    """
    run_in = [days[0] - WEEK * back for back in range(RUN_IN, 0, -1)]
    pieces = _Pieces()
    first = np.datetime64(days[0], "D")
    for frame in history.labelled([*run_in, *days], question):
        week = (frame["as_of"].to_numpy().astype("datetime64[D]") - first).astype(np.int64) // 7
        kept = week >= 0
        told = [_say(definition, frame, kept) for definition in definitions]
        rows = frame.filter(pl.Series(kept))
        ids = rows["account_id"].unique().sort()
        number = ids.search_sorted(rows["account_id"]).to_numpy().astype(np.int64)
        pieces.account.append(number + len(pieces.ids))
        pieces.week.append(week[kept])
        pieces.label.append(rows["label"].to_numpy().astype(bool))
        lead = (rows["came_on"] - rows["as_of"]).dt.total_days().fill_null(0)
        pieces.lead.append(lead.to_numpy().astype(np.int64))
        pieces.acv.append(rows["acv"].fill_null(0.0).to_numpy())
        pieces.said.append(told)
        pieces.ids += ids.to_list()
    weeks = Weeks(
        _whole(pieces.account, np.int64),
        _whole(pieces.week, np.int64),
        _whole(pieces.label, np.bool_),
        _whole(pieces.lead, np.int64),
        _whole(pieces.acv, np.float64),
        tuple(pieces.ids),
        tuple(days),
    )
    said = [
        Said(
            _whole([piece[k].scores for piece in pieces.said], np.float64),
            _whole([piece[k].chances for piece in pieces.said], np.float64),
            _whole([piece[k].qualified for piece in pieces.said], np.bool_),
            _whole([piece[k].newly for piece in pieces.said], np.bool_),
        )
        for k in range(len(definitions))
    ]
    return weeks, said


def _whole(pieces: Sequence[NDArray[_T]], kind: type[_T]) -> NDArray[_T]:
    return np.concatenate(pieces) if pieces else np.zeros(0, dtype=kind)


def _say(definition: ScoreDef, frame: pl.DataFrame, kept: Bools) -> Said:
    """Return what a definition says of snapshots, and which of them qualify."""
    scores = score_frame(definition, frame).select(_FOLLOWED)
    followed = scores.with_columns(frame[_RAISED]) if _RAISED in frame.columns else scores
    crossings = follow_crossings(definition, followed)
    turns = crossings.transitions.select(
        "account_id",
        pl.col("day").alias("as_of"),
        (pl.col("to_state") == "qualified").alias("turned"),
    )
    states = (
        scores.join(turns, on=["account_id", "as_of"], how="left", maintain_order="left")
        .with_columns(
            pl.col("turned")
            .forward_fill()
            .over("account_id", order_by="as_of")
            .fill_null(value=False)
            .alias("qualified"),
            pl.col("turned").fill_null(value=False).alias("newly"),
        )
        .filter(pl.Series(kept))
    )
    score = states["score"].to_numpy()
    curve = definition.chance
    none = np.full(len(score), np.nan)
    return Said(
        score,
        none if curve is None else np.interp(score, curve.at, curve.give),
        states["qualified"].to_numpy().astype(bool),
        states["newly"].to_numpy().astype(bool),
    )


def at_risk(outcome: Outcome) -> pl.Expr:
    """Return which accounts the outcome can still come to, by their features."""
    paying = pl.col("is_paying").fill_null(value=False)
    if outcome == "converted":
        return ~paying
    return paying if outcome == "expanded" else pl.lit(value=True)


def _movers(
    history: History,
    outcome: Outcome,
    definitions: tuple[ScoreDef, ScoreDef],
    capacity: int,
    currency: str,
) -> tuple[tuple[Mover, ...], tuple[Mover, ...]]:
    """Return who is on today's list, which is as long as a week's capacity, by one of two only."""
    frame = history.on(history.until).filter(at_risk(outcome))
    names = dict(history.computer.filing().accounts.select("account_id", "name").iter_rows())
    before, after = (score_frame(one, frame)["score"] for one in definitions)
    places = [(-scores).rank("ordinal").cast(pl.Int64).to_numpy() for scores in (before, after)]

    def movers(to: int) -> tuple[Mover, ...]:
        mine, other = places[to], places[1 - to]
        rows = np.flatnonzero((mine <= capacity) & (other > capacity))
        found: list[Mover] = []
        for row in rows[np.argsort(mine[rows])]:
            values = frame.row(int(row), named=True)
            story = explain_score(definitions[to], values, currency=currency)
            found.append(
                Mover(
                    story.account_id,
                    names.get(story.account_id),
                    before[int(row)],
                    after[int(row)],
                    int(places[0][row]),
                    int(places[1][row]),
                    tuple(reasons(definitions[to], story)),
                )
            )
        return tuple(found)

    return movers(1), movers(0)
