"""How small an effect could have been seen so far, and how long it still takes.

Source: Fleiss, Levin and Paik, Statistical methods for rates and proportions, 2003, chapter 4, with
each arm's own variance and no correction for continuity; unequal arms as there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

from scipy.special import ndtri

from groundswell.measure.estimates import LEVEL

POWER = 0.8
WEEK = 7


@dataclass(frozen=True, slots=True)
class Wait:
    """How much longer an experiment takes.

    Attributes:
        needed: Accounts of both arms, in all, whose time has ended.
        enrolled: Those assigned so far.
        weekly: That are assigned a week at present.
        weeks: Until enough of them had their time; None where none come in.
    """

    needed: int
    enrolled: int
    weekly: float
    weeks: int | None


def accounts_needed(
    held_out: float,
    contacted: float,
    *,
    holdout: float,
    level: float = LEVEL,
    power: float = POWER,
    design: float = 1.0,
) -> int:
    """Return how many accounts of both arms tell one share from another.

    Each arm's variance is that of its own share, and the total is rounded up once:
    `(z_level + z_power)^2 * (p0 (1 - p0) / holdout + p1 (1 - p1) / (1 - holdout)) / (p1 - p0)^2`.

    >>> accounts_needed(0.05, 0.075, holdout=0.2)
    4072

    Args:
        held_out: The share of those held out.
        contacted: The share to be told from it.
        holdout: Share of accounts that is held out.
        level: Two-sided confidence.
        power: How often the difference is to be seen.
        design: How many times larger the variance is than of accounts by themselves.
    """
    spread = held_out * (1 - held_out) / holdout + contacted * (1 - contacted) / (1 - holdout)
    return math.ceil(design * _reach(level, power) ** 2 * spread / (contacted - held_out) ** 2)


def smallest_share_effect(
    base: float,
    contacted: int,
    held_out: int,
    *,
    level: float = LEVEL,
    power: float = POWER,
    design: float = 1.0,
) -> float | None:
    """Return the smallest rise of a share that so many accounts are likely to show.

    It is the other way round of `accounts_needed`: there and back gives the same.

    Args:
        base: The share of those held out.
        contacted: Accounts of that arm.
        held_out: And of the other.
        level: As in `accounts_needed`.
        power: As there.
        design: As there.

    Returns:
        The rise; None where not even a share of one could be told from the base.
    """
    if not contacted or not held_out:
        return None
    reach = design * _reach(level, power) ** 2
    # Solve  d^2 = reach * (p (1 - p) / held_out + (p + d) (1 - p - d) / contacted)  for d.
    square = 1 + reach / contacted
    linear = -reach * (1 - 2 * base) / contacted
    constant = -reach * base * (1 - base) * (1 / held_out + 1 / contacted)
    rise = (-linear + math.sqrt(linear**2 - 4 * square * constant)) / (2 * square)
    return rise if 0 < rise <= 1 - base else None


def smallest_mean_effect(
    variance: float | None, *, level: float = LEVEL, power: float = POWER
) -> float | None:
    """Return the smallest difference that a variance of the difference is likely to show."""
    if variance is None:
        return None
    return _reach(level, power) * math.sqrt(variance)


def wait_for(
    needed: int, assigned: list[date], *, as_of: date, horizon: int, recent: int, since: date
) -> Wait:
    """Return how long it takes until enough accounts had their time.

    Args:
        needed: How many.
        assigned: Of each account, the day on which it was.
        as_of: The day.
        horizon: Days each of them is given.
        recent: Days back that tell of how many come in.
        since: The day from which on accounts are assigned.
    """
    looked = max(min(recent, (as_of - since).days + 1), 1)
    lately = as_of - timedelta(days=looked)
    weekly = sum(day > lately for day in assigned) * WEEK / looked
    enrolled = len(assigned)
    if enrolled >= needed:
        ends = sorted(assigned)[needed - 1] + timedelta(days=horizon) if needed else as_of
        return Wait(needed, enrolled, weekly, max(math.ceil((ends - as_of).days / WEEK), 0))
    if not weekly:
        return Wait(needed, enrolled, weekly, None)
    weeks = (needed - enrolled) / weekly + horizon / WEEK
    return Wait(needed, enrolled, weekly, math.ceil(weeks))


def _reach(level: float, power: float) -> float:
    return float(ndtri(0.5 + level / 2) + ndtri(power))
