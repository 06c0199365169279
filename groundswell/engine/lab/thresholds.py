"""What follows from a threshold: how many accounts pass it, and what the past says of those.

Only the threshold in use was judged by the past; of another one that is unknown until it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.config.scores import with_line
from groundswell.scoring.combination import line, passes
from groundswell.scoring.learning.measures import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import polars as pl

    from groundswell.config.resolved import ScoreDef
    from groundswell.engine.registry import Model

HIGHEST = 100.0
WIDTH = 5.0


@dataclass(frozen=True, slots=True)
class ScoreBar:
    """Accounts whose score is from `low` on, up to the next bar's; the last one holds the highest.

    Attributes:
        low, high: Its ends.
        accounts: How many.
    """

    low: float
    high: float
    accounts: int


Spread = list[ScoreBar]
"""How scores spread, from the lowest up."""


@dataclass(frozen=True, slots=True)
class Consequences:
    """What follows from a threshold.

    Attributes:
        line: The number of it.
        strictly: Whether a score has to be above it, and not only at it.
        in_use: Whether it is the threshold in use.
        accounts: All that were scored.
        above: Those whose score passes it.
        more: How many more pass it than the threshold in use.
        capacity: Accounts that people can take up in a week.
        precision: Of the times that accounts qualified, the share to which the outcome came, in
            the latest backtest; None where none judged this threshold.
        newly: Accounts that qualified in a week, in that backtest; None alike.
        judged_until: The last week of that backtest; None alike.
        outcome: What was asked there; empty alike.
        horizon: Days in which it had to come; None alike.
    """

    line: float
    strictly: bool
    in_use: bool
    accounts: int
    above: int
    more: int
    capacity: int
    precision: Figure | None = None
    newly: float | None = None
    judged_until: str | None = None
    outcome: str = ""
    horizon: int | None = None


def spread(latest: pl.DataFrame) -> Spread:
    """Return how the scores of all accounts spread.

    Args:
        latest: Where every account stood at the latest run.
    """
    bars = int(HIGHEST / WIDTH)
    counts = [0] * bars
    for score in latest["score"]:
        counts[max(min(int(score // WIDTH), bars - 1), 0)] += 1
    return [
        ScoreBar(number * WIDTH, (number + 1) * WIDTH, count) for number, count in enumerate(counts)
    ]


def weigh_line(
    latest: pl.DataFrame,
    score: ScoreDef,
    models: Sequence[Model],
    *,
    capacity: int,
    at: float | None = None,
) -> Consequences:
    """Say what follows from a threshold.

    Args:
        latest: Where every account stood at the latest run.
        score: The definition in use.
        models: The versions that the registry knows.
        capacity: Accounts that people can take up in a week.
        at: The threshold; the one in use by default.
    """
    used = line(score.qualified)
    told = used if at is None else at
    strictly = score.qualified.above is not None
    asked = with_line(score, told).qualified
    scores = latest["score"].to_list()
    above = sum(passes(asked, one) for one in scores)
    before = sum(passes(score.qualified, one) for one in scores)
    judged = _judged(score.version, models) if told == used else None
    found = Consequences(told, strictly, told == used, len(scores), above, above - before, capacity)
    return found if judged is None else _with_past(found, judged)


def _judged(version: str, models: Sequence[Model]) -> Mapping[str, Any] | None:
    """Return the latest backtest of a version; None where it was never judged."""
    for model in models:
        if model.version == version and model.backtests:
            return model.backtests[-1]
    return None


def _with_past(found: Consequences, judged: Mapping[str, Any]) -> Consequences:
    conversion = judged["qualified"]["conversion"]
    return Consequences(
        found.line,
        found.strictly,
        found.in_use,
        found.accounts,
        found.above,
        found.more,
        found.capacity,
        precision=None if conversion is None else Figure(**conversion),
        newly=judged["used"] * judged["capacity"],
        judged_until=str(judged["last"]),
        outcome=judged["outcome"],
        horizon=judged["horizon"],
    )
