"""A few accounts, computed from the facts around them by what computes a whole company."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.engine.standing import followed_days, lead_up, stand_on
from groundswell.features.computing import compute_features, prepare
from groundswell.store.scratch import Scratch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.live.base import Base
    from groundswell.engine.live.moving import Movements
    from groundswell.engine.standing import Standing
    from groundswell.intake import Filing
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
    """

    filing: Filing
    standing: Standing | None
    people: pl.DataFrame
    steps: Floats


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
    users, devices = movements.around(base.filing, wanted)
    with Scratch() as scratch:
        facts = base.rosters.around(
            scratch, users=users, devices=devices, accounts=wanted, names=names
        )
        if facts.people.height > MOST_PEOPLE:
            return None
        facts.bring()
        filing = computer.resolve(facts, base.merges)
        if not filing.accounts.height:
            return Near(filing, None, facts.people, np.zeros((0, 0)))
        days, steps = _features_of(computer, base, facts, scratch, filing)
    days = days.filter(pl.col("account_id").is_in(list(wanted)))
    if not (days["as_of"] == base.today).any():
        return Near(filing, None, facts.people, steps)
    eve, today = lead_up(loaded, [days], as_of=base.today)
    standing = stand_on(loaded, eve, today, as_of=base.today)
    return Near(filing, standing, facts.people, steps)


def _features_of(
    computer: Computer, base: Base, facts: NearbyFacts, scratch: Scratch, filing: Filing
) -> tuple[pl.DataFrame, Floats]:
    """Compute the features of all accounts of a filing, as of every day that is followed.

    Returns:
        The features, and [account of the filing, step] as of today.
    """
    activity = scratch.activity()
    near = prepare(computer.plan, facts, activity, filing)
    # Since when anything of a kind is known at all is told by everybody's facts.
    first_known = base.computation.dimensions.first_known
    dimensions = replace(near.dimensions, first_known=first_known)
    made = base.computation.over(dimensions, near.setting)
    steps = np.zeros((filing.accounts.height, len(made.setting.axes.window)))
    days = followed_days(base.today)
    return pl.concat(compute_features(made, activity, days, kept=steps)), steps
