"""A few accounts, computed from the facts around them by what computes a whole company."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.clock import day_number
from groundswell.engine.live.eves import Eves, days_at_limit
from groundswell.engine.standing import followed_days, lead_up, stand, stand_on
from groundswell.features.computing import compute_features, prepare
from groundswell.features.counters import Counters
from groundswell.store.scratch import Scratch

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.live.base import Base
    from groundswell.engine.live.moving import Movements
    from groundswell.engine.standing import Standing
    from groundswell.features import Computation
    from groundswell.intake import Filing
    from groundswell.store.activity import ActivityStore
    from groundswell.store.nearby import NearbyFacts

    Floats = NDArray[np.float64]

MOST_PEOPLE = 20_000
"""People around accounts to be computed anew; with more, everything is computed."""


@dataclass(frozen=True)
class Near:
    """Some accounts, computed from the facts around them.

    Attributes:
        filing: Who belongs where, of the people around them.
        standing: Where they stand; None when none of them is known by today.
        people: The actors that the filing was made of.
        steps: [account of the filing, step] as of today.
        counters, eves: What it takes to count on from there; None where `standing` is.
    """

    filing: Filing
    standing: Standing | None
    people: pl.DataFrame
    steps: Floats
    counters: Counters | None = None
    eves: Eves | None = None


def facts_near(
    base: Base, movements: Movements, wanted: set[str], scratch: Scratch, *, names: list[str]
) -> NearbyFacts:
    """Return the facts around some accounts, no event brought yet; see `compute_near`."""
    users, devices = movements.around(base.filing, wanted)
    return base.rosters.around(scratch, users=users, devices=devices, accounts=wanted, names=names)


def compute_near(
    loaded: LoadedConfig,
    computer: Computer,
    base: Base,
    movements: Movements,
    wanted: set[str],
    *,
    names: list[str],
) -> Near | None:
    """Compute accounts from the facts around them; None where too many people are.

    Args:
        loaded: The configuration.
        computer: Resolves and plans as for a whole company.
        base: What everything was computed to.
        movements: Who belongs elsewhere since.
        wanted: The accounts, with those they were merged with.
        names: Every event name, by its number.
    """
    with Scratch() as scratch:
        facts = facts_near(base, movements, wanted, scratch, names=names)
        if facts.people.height > MOST_PEOPLE:
            return None
        facts.bring()
        filing = computer.resolve(facts, base.merges)
        if not filing.accounts.height:
            return Near(filing, None, facts.people, np.zeros((0, 0)))
        activity = scratch.activity()
        made = _prepared(computer, base, facts, activity, filing)
        steps = np.zeros((filing.accounts.height, len(made.setting.axes.window)))
        frames = compute_features(made, activity, followed_days(base.today), kept=steps)
        days = pl.concat(frames).filter(pl.col("account_id").is_in(list(wanted)))
        if not (days["as_of"] == base.today).any():
            return Near(filing, None, facts.people, steps)
        eve, today = lead_up(loaded, [days], as_of=base.today)
        ids = made.dimensions.filed["account_id"]
        counters = Counters.build(
            made,
            activity,
            day_number(base.today),
            steps=steps,
            eve=days_at_limit(eve, ids, computer.plan),
        )
    standing = stand_on(loaded, eve, today, as_of=base.today)
    eves = Eves.of(eve, ids, base.today)
    return Near(filing, standing, facts.people, steps, counters, eves)


def look_near(
    loaded: LoadedConfig,
    computer: Computer,
    base: Base,
    facts: NearbyFacts,
    account_id: str,
    *,
    day: date,
) -> tuple[Filing, Standing] | None:
    """Compute one account as of a day from the facts around it; None where too many people are.

    Args:
        loaded: The configuration.
        computer: Resolves and plans as for a whole company.
        base: What everything was computed to.
        facts: Around the account and those it was merged with; events are brought to them.
        account_id: The account.
        day: Today, or one before it.

    Raises:
        UsageError: It was not known by that day.
    """
    if facts.people.height > MOST_PEOPLE:
        return None
    facts.bring()
    filing = computer.resolve(facts, base.merges)
    activity = facts.scratch.activity()
    made = _prepared(computer, base, facts, activity, filing)
    frames = compute_features(made, activity, followed_days(day), accounts=[account_id])
    return filing, stand(loaded, frames, as_of=day)


def _prepared(
    computer: Computer, base: Base, facts: NearbyFacts, activity: ActivityStore, filing: Filing
) -> Computation:
    """Return what the features of the accounts of a filing are computed from."""
    near = prepare(computer.plan, facts, activity, filing)
    # Since when anything of a kind is known at all is told by everybody's facts.
    first_known = base.computation.dimensions.first_known
    dimensions = replace(near.dimensions, first_known=first_known)
    return base.computation.over(dimensions, near.setting)
