"""Whether contact helps, told from the arms that decisions put accounts in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.measure.experiments import (
    Uplift,
    UpliftTables,
    log_exposure,
    measure_uplift,
    observe_experiment,
)

if TYPE_CHECKING:
    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.measuring.gathering import Gathered
    from groundswell.engine.measuring.tables import Tables

WEEK = 7
"""Usage before contact is looked at on the last day of a week that is counted from the first."""


@dataclass(frozen=True)
class UpliftReport:
    """Whether contact helps, as of a day.

    Attributes:
        as_of: What was known by this day was used.
        currency: Of every amount.
        uplift: What contact adds.
    """

    as_of: date
    currency: str
    uplift: Uplift

    @property
    def sentence(self) -> str:
        """What it comes to."""
        overall = self.uplift.overall
        return self.uplift.missing if overall is None else overall.sentence


def report_uplift(
    loaded: LoadedConfig, computer: Computer, known: Gathered, tables: Tables
) -> UpliftReport:
    """Tell whether contact helps.

    Args:
        loaded: How arms are compared, and the share that is held out.
        computer: Answers for usage before contact.
        known: What is known by the day.
        tables: The same as tables.
    """
    uplift = measure_uplift(
        _tables(loaded, computer, known, tables),
        terms=loaded.experiments,
        share=loaded.guardrails.holdout_share,
        as_of=known.as_of,
    )
    return UpliftReport(known.as_of, loaded.config.currency, uplift)


def list_exposure(
    loaded: LoadedConfig, computer: Computer, known: Gathered, tables: Tables
) -> pl.DataFrame:
    """Return who was assigned to which arm and when, and each day on which they were contacted.

    Returns:
        The columns of `measure.experiments.exposure.EXPOSURE_LOG`.
    """
    made = _tables(loaded, computer, known, tables)
    observed = observe_experiment(made, terms=loaded.experiments, as_of=known.as_of)
    if observed is None:
        return pl.DataFrame(schema={"account_id": pl.String, "day": pl.Date})
    return log_exposure(observed, made.touches)


def _tables(
    loaded: LoadedConfig, computer: Computer, known: Gathered, tables: Tables
) -> UpliftTables:
    return UpliftTables(
        exposures=known.exposures,
        accounts=tables.named["accounts"].join(
            known.accounts.select("account_id", "parent_id", "hand_raised"), on="account_id"
        ),
        arr=known.arr,
        opportunities=known.opportunities,
        touches=contacts(known),
        features=_usage_before(computer, known, loaded.experiments.covariates),
    )


def contacts(known: Gathered) -> pl.DataFrame:
    """Return every contact of a person with an account: account_id, at.

    What the CRM tells, and what reps do with a handoff here.
    """
    ours = known.handoffs.filter(pl.col("first_touch_at").is_not_null())
    return pl.concat(
        [
            known.touches.select("account_id", "at"),
            ours.select("account_id", at=pl.col("first_touch_at")),
        ],
        how="vertical_relaxed",
    )


def _usage_before(computer: Computer, known: Gathered, names: tuple[str, ...]) -> pl.DataFrame:
    """Return features of the exposed accounts, week by week, none later than the last exposure."""
    exposed = known.exposures
    first: date | None = exposed.get_column("exposed_on").min()  # pyright: ignore[reportAssignmentType]
    last: date | None = exposed.get_column("exposed_on").max()  # pyright: ignore[reportAssignmentType]
    if first is None or last is None or not names:
        return pl.DataFrame(schema={"account_id": pl.String, "as_of": pl.Date})
    weeks = [first + timedelta(days=after) for after in range(0, (last - first).days + 1, WEEK)]
    accounts = exposed.get_column("account_id").unique().sort().to_list()
    frames = [
        frame.select("account_id", "as_of", *(name for name in names if name in frame.columns))
        for frame in computer.features(weeks, accounts=accounts)
    ]
    return pl.concat(frames)
