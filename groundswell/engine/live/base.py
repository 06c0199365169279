"""What everything was computed to, laid out so that counting can go on from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.clock import day_number
from groundswell.engine.live.eves import Eves
from groundswell.engine.live.rosters import NearRosters
from groundswell.features.arriving import Arrivals
from groundswell.features.counters import Counters
from groundswell.features.rollup import read_coded

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.deciding import Remembered
    from groundswell.engine.running import Whole
    from groundswell.features import Computation
    from groundswell.intake import Filing
    from groundswell.store.scratch import Scratch

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Base:
    """What everything was computed to, and what counting goes on from.

    Attributes:
        today: The day.
        filing: Who belongs where.
        computation: What features are computed from.
        arrivals: Says what an event counts for.
        counters: Steps of every account.
        eves: What led up to the day.
        remembered: What was decided.
        first_at: By actor, the microsecond of its first event.
        rosters: Who and what there is, kept up to date.
        merges: The merges there were.
    """

    today: date
    filing: Filing
    computation: Computation
    arrivals: Arrivals
    counters: Counters
    eves: Eves
    remembered: Remembered
    first_at: Ints
    rosters: NearRosters
    merges: pl.DataFrame

    @property
    def account_ids(self) -> pl.Series:
        """The id of every account, by its number."""
        return self.computation.dimensions.filed["account_id"]

    @classmethod
    def of(
        cls,
        loaded: LoadedConfig,
        computer: Computer,
        whole: Whole,
        *,
        today: date,
        steps: Floats,
        merges: pl.DataFrame,
        scratch: Scratch,
    ) -> Base:
        """Lay out what a whole run came to, to be counted on from.

        Args:
            loaded: The configuration.
            computer: What ran.
            whole: What it came to.
            today: The day.
            steps: [account, step] as of it; counted into.
            merges: The merges there were.
            scratch: Where SELECTs over a batch run.
        """
        computation, plan = computer.computation(), computer.plan
        eves = Eves.of(whole.eve, computation.dimensions.filed["account_id"], plan)
        coded = read_coded(computer.warehouse, plan)
        rosters = NearRosters.of(computer.warehouse)
        rosters.describe(loaded.config.identity)
        actors = rosters.actors
        return cls(
            today=today,
            filing=whole.filing,
            computation=computation,
            arrivals=Arrivals.of(plan, coded.coding, coded.marks, whole.filing, actors, scratch),
            counters=Counters.build(
                computation,
                computer.activity,
                day_number(today),
                steps=steps,
                eve=eves.days_at_limit,
            ),
            eves=eves,
            remembered=whole.remembered,
            first_at=actors["first_at"].dt.epoch("us").to_numpy(),
            rosters=rosters,
            merges=merges,
        )

    def merged_with(self, accounts: Collection[str]) -> set[str]:
        """Return some accounts, and those they were merged with."""
        wanted = set(accounts)
        pairs = self.merges.select("from_account", "into_account").rows()
        grown = True
        while grown:
            more = {name for pair in pairs if wanted & set(pair) for name in pair}
            grown = not more <= wanted
            wanted |= more
        return wanted
