"""Where accounts stand as of a day: their features, scores, crossings and triggers.

One function for a whole company, for one account and for any past day, so that `run`, `explain`
and a backtest cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.errors import Problem, UsageError
from groundswell.routing import needed_names, trigger_runs
from groundswell.scoring import follow_crossings, score_frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundswell.config.loading import LoadedConfig

LOOK_BACK_DAYS = 180
"""How many days before the as-of day are followed, to see crossings and since when triggers hold.
A state or a trigger that is older is told as old as this."""

QUALIFIED = "qualified"


def followed_days(as_of: date, look_back: int = LOOK_BACK_DAYS) -> list[date]:
    """Return every day that is looked at to say where accounts stand as of `as_of`."""
    return [as_of - timedelta(days=back) for back in range(look_back, -1, -1)]


@dataclass(frozen=True)
class Standing:
    """Where accounts stand as of one day.

    Attributes:
        as_of: The day.
        frame: One row per account that exists by then: account_id, as_of, every feature, every
            column of `score_frame`, and `qualified`, `qualified_since`.
        transitions: Crossings within the look-back, as `scoring.Crossings.transitions`.
        trigger_runs: account_id, trigger, family, since - what holds, and since when.
        history: account_id, as_of, score - the days that were followed.
    """

    as_of: date
    frame: pl.DataFrame
    transitions: pl.DataFrame
    trigger_runs: pl.DataFrame
    history: pl.DataFrame

    def triggers_since(self) -> dict[str, dict[str, date]]:
        """Return account id to trigger name to the day it began to hold."""
        found: dict[str, dict[str, date]] = {}
        for account_id, trigger, _family, since in self.trigger_runs.iter_rows():
            found.setdefault(account_id, {})[trigger] = since
        return found


def stand(loaded: LoadedConfig, frames: Iterable[pl.DataFrame], *, as_of: date) -> Standing:
    """Say where accounts stand, from their features as of each followed day.

    Args:
        loaded: The configuration: score and triggers.
        frames: Features; all days of an account in one frame.
        as_of: The last of the days.
    """
    latest: list[pl.DataFrame] = []
    history: list[pl.DataFrame] = []
    runs: list[pl.DataFrame] = []
    specs = list(loaded.triggers.values())
    for frame in frames:
        present = frame.filter(pl.col("as_of") == as_of).select("account_id")
        days = frame.join(present, on="account_id", how="semi")
        if not days.height:
            continue
        scores = score_frame(loaded.score, days)
        history.append(
            scores.select("account_id", "as_of", "score").with_columns(
                days.get_column("days_since_hand_raised")
            )
        )
        runs.append(trigger_runs(specs, _with_scores(days, scores, needed_names(specs))))
        latest.append(_last_day(days, scores, as_of))
    if not latest:
        raise UsageError(
            Problem(
                code="nothing-known",
                what=f"No account was known by {as_of}.",
                fix="Load something first, or name a later day with `--as-of`.",
            )
        )
    scored = pl.concat(history)
    crossings = follow_crossings(loaded.score, scored)
    states = crossings.states.select(
        "account_id",
        (pl.col("state") == QUALIFIED).alias("qualified"),
        pl.col("qualified_since"),
    )
    frame = pl.concat(latest).join(states, on="account_id", how="left").sort("account_id")
    return Standing(
        as_of=as_of,
        frame=frame,
        transitions=crossings.transitions,
        trigger_runs=pl.concat(runs),
        history=scored.select("account_id", "as_of", "score"),
    )


def _with_scores(days: pl.DataFrame, scores: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """Keep what triggers read: features, and what scoring says under the same name."""
    extra = [name for name in names if name not in days.columns and name in scores.columns]
    kept = [name for name in names if name in days.columns]
    return days.select("account_id", "as_of", *kept).with_columns(
        scores.get_column(name) for name in extra
    )


def _last_day(days: pl.DataFrame, scores: pl.DataFrame, as_of: date) -> pl.DataFrame:
    added = [name for name in scores.columns if name not in days.columns]
    both = days.with_columns(scores.get_column(name) for name in added)
    return both.filter(pl.col("as_of") == as_of)
