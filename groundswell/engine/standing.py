"""Where accounts stand as of a day: their features, scores, crossings and triggers.

One function for a whole company, for one account, for any past day and for those that an event has
just touched, so that `run`, `explain`, a backtest and the live server cannot disagree. What led up
to the day is its *eve*; a day is told from its eve and its own features alone.
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

ROUTED = ("rule", "motion", "team", "hand_raised", "hand_over")
"""What is told of a decision beside where an account stands, a column each."""

_FOLLOWED = ("account_id", "as_of", "score")
_RAISED = "days_since_hand_raised"


def followed_days(as_of: date, look_back: int = LOOK_BACK_DAYS) -> list[date]:
    """Return every day that is looked at to say where accounts stand as of `as_of`."""
    return [as_of - timedelta(days=back) for back in range(look_back, -1, -1)]


@dataclass(frozen=True)
class Eve:
    """What led up to a day, of every account.

    Attributes:
        states: `scoring.STATES_SCHEMA`, as the last day before it left them.
        transitions: Crossings before the day, as `scoring.Crossings.transitions`.
        trigger_runs: account_id, trigger, family, since - what held on the last day before it.
        history: account_id, as_of, score - the days before it that were followed.
        features: The features as of the day before it.
    """

    states: pl.DataFrame
    transitions: pl.DataFrame
    trigger_runs: pl.DataFrame
    history: pl.DataFrame
    features: pl.DataFrame


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

    Raises:
        UsageError: No account was known by then.
    """
    eve, today = lead_up(loaded, frames, as_of=as_of)
    return stand_on(loaded, eve, today, as_of=as_of)


def lead_up(
    loaded: LoadedConfig, frames: Iterable[pl.DataFrame], *, as_of: date
) -> tuple[Eve, pl.DataFrame]:
    """Return what led up to a day, and the features as of the day itself.

    Args:
        loaded: The configuration: score and triggers.
        frames: Features; all days of an account in one frame.
        as_of: The last of the days.

    Raises:
        UsageError: No account was known by then.
    """
    latest: list[pl.DataFrame] = []
    history: list[pl.DataFrame] = []
    runs: list[pl.DataFrame] = []
    eves: list[pl.DataFrame] = []
    specs = list(loaded.triggers.values())
    for frame in frames:
        today = frame.filter(pl.col("as_of") == as_of)
        if not today.height:
            continue
        before = frame.filter(pl.col("as_of") < as_of).join(today, on="account_id", how="semi")
        scores = score_frame(loaded.score, before)
        followed = scores.select(_FOLLOWED).with_columns(before.get_column(_RAISED))
        history.append(followed)
        runs.append(trigger_runs(specs, _with_scores(before, scores, needed_names(specs))))
        latest.append(today)
        eves.append(before.filter(pl.col("as_of") == as_of - timedelta(days=1)))
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
    eve = Eve(
        states=crossings.states,
        transitions=crossings.transitions,
        trigger_runs=pl.concat(runs),
        history=scored.select(_FOLLOWED),
        features=pl.concat(eves),
    )
    return eve, pl.concat(latest)


def stand_on(loaded: LoadedConfig, eve: Eve, today: pl.DataFrame, *, as_of: date) -> Standing:
    """Say where accounts stand on a day that follows its eve.

    Args:
        loaded: The configuration: score and triggers.
        eve: What led up to the day, of these accounts; of others too does no harm.
        today: Features as of the day, one row per account.
        as_of: The day.
    """
    scores = score_frame(loaded.score, today)
    followed = scores.select(_FOLLOWED).with_columns(today.get_column(_RAISED))
    crossings = follow_crossings(loaded.score, followed, previous=eve.states)
    added = [scores.get_column(name) for name in scores.columns if name not in today.columns]
    frame = _beside(pl.DataFrame([*today.get_columns(), *added]), crossings.qualified())
    specs = list(loaded.triggers.values())
    held = trigger_runs(specs, _with_scores(today, scores, needed_names(specs)))
    before = eve.trigger_runs.select("account_id", "trigger", pl.col("since").alias("begun"))
    runs = held.join(before, on=["account_id", "trigger"], how="left", maintain_order="left")
    return Standing(
        as_of=as_of,
        frame=frame,
        transitions=pl.concat([eve.transitions, crossings.transitions]).sort("account_id", "day"),
        trigger_runs=runs.select(
            "account_id", "trigger", "family", pl.coalesce("begun", "since").alias("since")
        ),
        history=pl.concat([eve.history, scores.select(_FOLLOWED)]).sort("account_id", "as_of"),
    )


def stood(loaded: LoadedConfig, eve: Eve, latest: pl.DataFrame) -> Standing:
    """Say where accounts stand as they were last told, as `telling.latest_frame` puts it.

    Args:
        loaded: The configuration.
        eve: What led up to the day, of these accounts.
        latest: Where they stand; crossings of the day are left out.
    """
    told = latest.drop(*ROUTED, "decided", "holding", "name")
    families = {name: spec.family for name, spec in loaded.triggers.items()}
    runs = [
        (account_id, one["trigger"], families[one["trigger"]], one["since"])
        for account_id, holding in latest.select("account_id", "holding").iter_rows()
        for one in holding or ()
    ]
    followed = latest.select(_FOLLOWED)
    return Standing(
        as_of=latest.item(0, "as_of"),
        frame=told,
        transitions=eve.transitions,
        trigger_runs=pl.DataFrame(runs, schema=eve.trigger_runs.schema, orient="row"),
        history=pl.concat([eve.history, followed]).sort("account_id", "as_of"),
    )


def _beside(frame: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    """Put columns beside each account's row; null where nothing is told of it. By account_id.

    Args:
        frame: One row per account.
        more: account_id and columns, one row per account.
    """
    ids = frame.get_column("account_id")
    if not ids.equals(more.get_column("account_id")):
        return frame.join(more, on="account_id", how="left").sort("account_id")
    whole = pl.DataFrame([*frame.get_columns(), *more.drop("account_id").get_columns()])
    return whole if ids.is_sorted() else whole.sort("account_id")


def _with_scores(days: pl.DataFrame, scores: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """Keep what triggers read: features, and what scoring says under the same name."""
    extra = [name for name in names if name not in days.columns and name in scores.columns]
    kept = [name for name in names if name in days.columns]
    return days.select("account_id", "as_of", *kept).with_columns(
        scores.get_column(name) for name in extra
    )
