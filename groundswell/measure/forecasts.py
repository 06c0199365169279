"""What a motion will bring in the next weeks, each told by a model of its own.

Self-serve comes from cohorts: how likely an account that has not paid yet does so at its age, for
those there are and those who will sign up. Sales comes from the pipeline: of what stood at a stage
on past days, how much was won within as many days, and what came in new and was won besides.

Every forecast is told from what was known by its day alone, and checked on past days: how often
its interval held what came.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.measure.estimates import NOTHING, Estimate, wilson
from groundswell.model import Motion

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

WEEK = 7
LEVEL = 0.8
"""How often the interval of a forecast is to hold what comes."""

DRAWS = 400
RECENT_WEEKS = 12
"""Weeks whose signups, and origins whose pipeline, tell of the next ones."""

LIVED_WEEKS = 13
"""Weeks back from which it is told how likely an account pays at its age."""

FEWEST = 20
"""Accounts or opportunities with an outcome below which nothing is forecast."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of a motion.

    Attributes:
        motion: Which.
        as_of: What was known by this day was used.
        days: How far it looks.
        customers: Accounts that begin to pay, or opportunities won, with the interval.
        cents: Recurring revenue, or amounts won, in cents.
        missing: Why there is none; empty where there is one.
    """

    motion: Motion
    as_of: date
    days: int
    customers: Estimate
    cents: Estimate
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """How forecasts of past days came true.

    Attributes:
        motion: Which.
        origins: How many were made.
        held: Share of those whose interval held the customers that came; it should be `LEVEL`.
        error: Mean of what was expected over what came, less one.
    """

    motion: Motion
    origins: int
    held: Estimate
    error: float | None


def forecast_self_serve(
    accounts: pl.DataFrame, *, as_of: date, days: int, seed: int = 0
) -> Forecast:
    """Forecast who begins to pay by themselves.

    Args:
        accounts: account_id, signed_up, paid, worked_before_paying, first_arr_cents; what is later
            than `as_of` is not looked at.
        as_of: The day.
        days: How far to look; whole weeks.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    known = accounts.filter(pl.col("signed_up") <= as_of).select(
        age=(pl.lit(as_of) - pl.col("signed_up")).dt.total_days() // WEEK,
        paid=pl.when(pl.col("paid") <= as_of)
        .then(((pl.col("paid") - pl.col("signed_up")).dt.total_days() // WEEK).clip(0))
        .otherwise(None),
        cents=pl.when(pl.col("paid") <= as_of).then("first_arr_cents"),
        worked=pl.col("worked_before_paying").fill_null(value=False) & (pl.col("paid") <= as_of),
    )
    alone = known.filter(pl.col("worked").not_().fill_null(value=True))
    bought = alone.filter(pl.col("paid").is_not_null())
    if bought.height < FEWEST:
        why = f"{bought.height} accounts have paid by themselves; {FEWEST} are needed."
        return Forecast(Motion.SELF_SERVE, as_of, days, NOTHING, NOTHING, why)
    weeks = max(days // WEEK, 1)
    hazards = _hazards(alone, weeks, rng)
    open_ages = _ints(alone.filter(pl.col("paid").is_null())["age"])
    waiting = np.bincount(open_ages, minlength=1)
    arriving = _arriving(alone, weeks, rng)
    survived = np.cumsum(np.log1p(-hazards), axis=1)
    survived = np.concatenate([np.zeros((DRAWS, 1)), survived], axis=1)
    # Somebody of so many whole weeks has lived half of another on average.
    halfway = (survived[:, 1:] + survived[:, :-1]) / 2
    ages = np.arange(len(waiting))
    chance = -np.expm1(halfway[:, ages + weeks] - halfway[:, ages])
    expected = chance @ waiting
    later = -np.expm1(halfway[:, :weeks])  # of who signs up in the last week, the one before, ...
    expected += (arriving * later[:, ::-1]).sum(axis=1)
    count = rng.poisson(expected).astype(np.float64)
    prices = _floats(bought["cents"])
    cents = np.array([_total(prices, int(number), rng) for number in count])
    return Forecast(Motion.SELF_SERVE, as_of, days, _told(count), _told(cents))


def forecast_pipeline(
    motion: Motion,
    opportunities: pl.DataFrame,
    stages: pl.DataFrame,
    *,
    as_of: date,
    days: int,
    seed: int = 0,
) -> Forecast:
    """Forecast what is won of the pipeline of one motion, and of what will come into it.

    Args:
        motion: Which; rows of others are left out.
        opportunities: opportunity_id, motion, created_on, closed_on, won, amount_cents.
        stages: opportunity_id, stage, since - every stage an opportunity was in.
        as_of: The day; what is later is not looked at.
        days: How far to look.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    own = opportunities.filter(pl.col("motion") == str(motion), pl.col("created_on") <= as_of)
    ended = own.filter(pl.col("closed_on") <= as_of)
    if ended.height < FEWEST:
        why = f"{ended.height} opportunities are closed; {FEWEST} are needed."
        return Forecast(motion, as_of, days, NOTHING, NOTHING, why)
    first = ended["created_on"].min()
    assert isinstance(first, date), "there are some"
    past = _origins(as_of - timedelta(days=days), first)
    if not past:
        why = f"Nothing is older than the {days} days that are looked ahead."
        return Forecast(motion, as_of, days, NOTHING, NOTHING, why)
    stood = pl.concat([_standing(own, stages, day, days) for day in past])
    now = _standing(own, stages, as_of, days)
    rates = stood.group_by("stage").agg(pl.col("won_in").sum().alias("won"), pl.len().alias("n"))
    told = now.join(rates, on="stage", how="left").with_columns(
        pl.col("won", "n").fill_null(0).cast(pl.Float64)
    )
    overall = float(stood["won_in"].mean() or 0.0)  # pyright: ignore[reportArgumentType] - of flags
    # Each stage is drawn towards the whole, as if it had been seen one time more.
    shape = told["won"].to_numpy() + overall, told["n"].to_numpy() - told["won"].to_numpy()
    chances = _by_stage(told["stage"].to_list(), shape[0], shape[1] + 1 - overall, rng)
    wins = rng.random(chances.shape) < chances
    amounts = _floats(now["amount_cents"].fill_null(_median(ended["amount_cents"])))
    fresh = _fresh(own, past, days)
    drawn = rng.integers(0, len(fresh), DRAWS)
    count = wins.sum(axis=1) + fresh[drawn, 0]
    cents = wins @ amounts + fresh[drawn, 1]
    return Forecast(motion, as_of, days, _told(count), _told(cents))


def check_forecasts(
    motion: Motion,
    forecast: Callable[[date], Forecast],
    came: Callable[[date, date], float],
    origins: Sequence[date],
) -> Checked:
    """Make the forecasts of past days, and say how often their interval held what came.

    Args:
        motion: Which.
        forecast: Makes the forecast of a day, from what was known by it.
        came: Returns the customers that came after a day, up to another.
        origins: The days; so long ago that all that they look at has happened.
    """
    held = made = 0
    ratios: list[float] = []
    for day in origins:
        told = forecast(day)
        low, high, value = told.customers.low, told.customers.high, told.customers.value
        if low is None or high is None or value is None:
            continue
        made += 1
        actual = came(day, day + timedelta(days=told.days))
        held += low <= actual <= high
        if actual:
            ratios.append(value / actual - 1)
    error = float(np.mean(ratios)) if ratios else None
    return Checked(motion, made, wilson(held, made), error)


def paid_between(accounts: pl.DataFrame, after: date, until: date) -> float:
    """Return how many accounts began to pay by themselves after a day, up to another."""
    own = ~pl.col("worked_before_paying").fill_null(value=False)
    day = pl.col("paid")
    return float(accounts.filter(own, day > after, day <= until).height)


def won_between(motion: Motion, opportunities: pl.DataFrame, after: date, until: date) -> float:
    """Return how many opportunities of a motion were won after a day, up to another."""
    day = pl.col("closed_on")
    own = (pl.col("motion") == str(motion)) & pl.col("won").fill_null(value=False)
    return float(opportunities.filter(own, day > after, day <= until).height)


# --- self-serve -------------------------------------------------------------------------------


def _hazards(alone: pl.DataFrame, weeks: int, rng: np.random.Generator) -> Floats:
    """Return the chance of paying in each week of age, of who has not, in every draw.

    A week of age is told from those who have lived all of it, and lived it lately: what was sold
    otherwise a year ago tells of another product.
    """
    # Accounts of the same age and fate are one cell: their weights add up to one Poisson draw.
    cells = alone.group_by("age", pl.col("paid").fill_null(-1)).len().sort("age", "paid")
    age, paid = _ints(cells["age"]), _ints(cells["paid"])
    last = int(age.max()) + weeks + 2
    weight = rng.poisson(_floats(cells["len"]), (DRAWS, len(age))).astype(np.float64)
    events = np.zeros((DRAWS, last))
    risk = np.zeros((DRAWS, last))
    ended = np.where(paid >= 0, paid, age)
    for week in range(int(age.max()) + 1):
        at = (age > week) & (ended >= week) & (week >= age - LIVED_WEEKS)
        risk[:, week] = weight[:, at].sum(axis=1)
        events[:, week] = weight[:, at & (paid == week)].sum(axis=1)
    grouped_risk, grouped_events = _grouped(risk), _grouped(events)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(grouped_risk > 0, grouped_events / grouped_risk, 0.0)
    return np.clip(hazard, 0.0, 0.999)


_SINGLE_WEEKS, _TOGETHER = 13, 13


def _grouped(values: Floats) -> Floats:
    """Return values of the first quarter week by week, and of later ones by their quarter."""
    found = values.copy()
    for start in range(_SINGLE_WEEKS, values.shape[1], _TOGETHER):
        piece = values[:, start : start + _TOGETHER]
        found[:, start : start + _TOGETHER] = piece.sum(axis=1, keepdims=True)
    return found


def _arriving(alone: pl.DataFrame, weeks: int, rng: np.random.Generator) -> Floats:
    """Return how many sign up in each week that comes, in every draw: as in a recent week."""
    counts = np.bincount(_ints(alone["age"]), minlength=RECENT_WEEKS + 1)[1 : RECENT_WEEKS + 1]
    return rng.choice(counts, (DRAWS, weeks)).astype(np.float64)


def _total(prices: Floats, number: int, rng: np.random.Generator) -> float:
    return float(rng.choice(prices, number).sum()) if number else 0.0


# --- the pipeline -----------------------------------------------------------------------------


def _origins(last: date, first: date) -> list[date]:
    """Return the weekly days up to the last that tell of the next: a year's, where there is one."""
    found = [last - timedelta(days=WEEK * back) for back in range(52)]
    return [day for day in found if day >= first]


def _standing(own: pl.DataFrame, stages: pl.DataFrame, day: date, days: int) -> pl.DataFrame:
    """Return the opportunities that were open on a day, their stage, and if they were won soon."""
    until = day + timedelta(days=days)
    there = own.filter(
        pl.col("created_on") <= day, pl.col("closed_on").is_null() | (pl.col("closed_on") > day)
    )
    stage = (
        stages.filter(pl.col("since").dt.date() <= day)
        .sort("since")
        .group_by("opportunity_id")
        .agg(pl.col("stage").last())
    )
    soon = pl.col("won").fill_null(value=False) & (pl.col("closed_on") <= until)
    return there.join(stage, on="opportunity_id", how="left").select(
        "opportunity_id",
        pl.col("stage").fill_null(""),
        "amount_cents",
        soon.fill_null(value=False).alias("won_in"),
    )


def _by_stage(
    stages: Sequence[str], hits: Floats, misses: Floats, rng: np.random.Generator
) -> Floats:
    """Return the chance of each opportunity in every draw: those of one stage have the same."""
    names, first, place = np.unique(
        np.array(stages, dtype=str), return_index=True, return_inverse=True
    )
    if not len(names):
        return np.zeros((DRAWS, 0))
    drawn = rng.beta(
        np.maximum(hits[first], 1e-3), np.maximum(misses[first], 1e-3), (DRAWS, len(names))
    )
    return drawn[:, place]


def _fresh(own: pl.DataFrame, past: Sequence[date], days: int) -> Floats:
    """Return how many that came in after each past day were won by its end, and their cents."""
    found: list[tuple[float, float]] = []
    for day in past:
        until = day + timedelta(days=days)
        new = own.filter(
            pl.col("created_on") > day,
            pl.col("closed_on") <= until,
            pl.col("won").fill_null(value=False),
        )
        found.append((float(new.height), float(new["amount_cents"].sum() or 0)))
    return np.array(found)


# --- both -------------------------------------------------------------------------------------


def _told(drawn: Floats) -> Estimate:
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(np.mean(drawn)), float(low), float(high), len(drawn))


def _ints(values: pl.Series) -> Ints:
    return values.cast(pl.Int64).to_numpy()


def _floats(values: pl.Series) -> Floats:
    return values.cast(pl.Float64).fill_null(0.0).to_numpy()


def _median(values: pl.Series) -> float:
    found = values.median()
    return float(found) if isinstance(found, int | float) else 0.0
