"""One funnel for each motion: who came to which stage, how many of them, and how fast.

A journey is counted in its own motion alone, from its first stage on, and only once it had its
time: no rate is ever over two motions, and none is low because its accounts are young.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.measure.estimates import NOTHING, Estimate, wilson
from groundswell.model import Motion

if TYPE_CHECKING:
    from groundswell.config.metrics import Funnel
    from groundswell.measure.metrics import Period


@dataclass(frozen=True, slots=True)
class StageFigure:
    """A stage of a funnel in numbers.

    Attributes:
        name, title: Of the stage.
        reached: How many accounts came to it in time, having been at all stages before.
        of_before: The share of those at the stage before; unknown for the first.
        of_first: The share of those at the first stage.
        median_days: From the stage before, of those who came to this one.
    """

    name: str
    title: str
    reached: int
    of_before: Estimate
    of_first: Estimate
    median_days: float | None


@dataclass(frozen=True, slots=True)
class FunnelFigure:
    """A funnel of accounts that began it in the same time.

    Attributes:
        motion: Whose way it is.
        title: What it is called.
        first, last: The days on which the accounts began.
        within: Days that each of them had.
        stages: In their order.
    """

    motion: Motion
    title: str
    first: date
    last: date
    within: int
    stages: tuple[StageFigure, ...]


def count_funnel(funnel: Funnel, journeys: pl.DataFrame, period: Period) -> FunnelFigure:
    """Count a funnel over the accounts that began it and had their time by the end of a period.

    Args:
        funnel: The stages of a motion.
        journeys: As `config.measured.JOURNEY`; rows of other motions are left out.
        period: The accounts began so many days earlier as they have (`within`).
    """
    told = period.earlier(funnel.within)
    rows = begun(funnel, journeys).filter(
        pl.col(funnel.stages[0].on).is_between(told.first, told.last)
    )
    names = [stage.on for stage in funnel.stages]
    found: list[StageFigure] = []
    for place, stage in enumerate(funnel.stages):
        at = rows.filter(_came_to(names[: place + 1], funnel.within))
        before = found[-1].reached if found else 0
        days = (
            at.select((pl.col(stage.on) - pl.col(names[place - 1])).dt.total_days().median()).item()
            if place and at.height
            else None
        )
        found.append(
            StageFigure(
                stage.name,
                stage.title,
                at.height,
                wilson(at.height, before) if place else NOTHING,
                wilson(at.height, found[0].reached) if place else NOTHING,
                days,
            )
        )
    return FunnelFigure(
        funnel.motion, funnel.title, told.first, told.last, funnel.within, tuple(found)
    )


def begun(funnel: Funnel, journeys: pl.DataFrame) -> pl.DataFrame:
    """Return the journeys of a funnel's motion that began it."""
    wanted = [pl.col("motion") == str(funnel.motion), pl.col(funnel.stages[0].on).is_not_null()]
    if funnel.among is not None:
        wanted.append(funnel.among.to_polars().fill_null(value=False))
    return journeys.filter(*wanted)


def _came_to(names: list[str], within: int) -> pl.Expr:
    """Tell whether all these days are there, none before the first, and none too late."""
    first = pl.col(names[0])
    return pl.all_horizontal(
        pl.col(name).is_between(first, first + timedelta(days=within)).fill_null(value=False)
        for name in names
    )
