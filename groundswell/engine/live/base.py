"""What everything was computed to, laid out so that counting can go on from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.clock import day_number
from groundswell.engine.live.eves import Eves, days_at_limit
from groundswell.engine.live.rosters import NearRosters
from groundswell.features.arriving import Arrivals, filed_columns
from groundswell.features.counters import Counters
from groundswell.features.numbered import NumberedRows, put
from groundswell.features.rollup import read_coded

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from numpy.typing import NDArray

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.deciding import Remembered
    from groundswell.engine.live.near import Near
    from groundswell.engine.running import Whole
    from groundswell.features import Computation
    from groundswell.intake import Filing
    from groundswell.store.scratch import Scratch

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


UNSEEN = np.iinfo(np.int64).max
"""The first event of an actor that was not filed."""


@dataclass
class Base:
    """What everything was computed to, and what counting goes on from.

    Attributes:
        today: The day.
        filing: Who belonged where when everything was computed.
        account_ids: The id of every account, by its number; those of `filing` come first.
        numbers: The same the other way around.
        accounts: What is filed of every account, by its number: names, domain, parent.
        computation: What features are computed from.
        arrivals: Says what an event counts for.
        counters: Steps of every account.
        eves: What led up to the day.
        remembered: What was decided.
        first_at: By actor, the microsecond of its first event; `UNSEEN` where it was not filed.
        rosters: Who and what there is, kept up to date.
        merges: The merges there were.
        rolled_up: The fingerprint of the roll-up that `computation` reads.
    """

    today: date
    filing: Filing
    account_ids: pl.Series
    numbers: dict[str, int]
    accounts: NumberedRows
    computation: Computation
    arrivals: Arrivals
    counters: Counters
    eves: Eves
    remembered: Remembered
    first_at: Ints
    rosters: NearRosters
    merges: pl.DataFrame
    rolled_up: str | None
    _persons: dict[str, int] = field(default_factory=dict[str, int], repr=False)

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
        filed = computation.dimensions.filed
        ids = filed["account_id"]
        coded = read_coded(computer.warehouse, plan)
        rosters = NearRosters.of(computer.warehouse)
        rosters.describe(loaded.config.identity)
        actors = rosters.actors
        return cls(
            today=today,
            filing=whole.filing,
            account_ids=ids,
            numbers={name: number for number, name in enumerate(ids)},
            accounts=NumberedRows(filed),
            computation=computation,
            arrivals=Arrivals.of(plan, coded.coding, coded.marks, whole.filing, actors, scratch),
            counters=Counters.build(
                computation,
                computer.activity,
                day_number(today),
                steps=steps,
                eve=days_at_limit(whole.eve, ids, plan),
            ),
            eves=Eves.of(whole.eve, ids, today),
            remembered=whole.remembered,
            first_at=actors["first_at"].dt.epoch("us").to_numpy().copy(),
            rosters=rosters,
            merges=merges,
            rolled_up=computer.activity.fingerprint,
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

    def put_back(self, near: Near, wanted: Collection[str]) -> Ints:
        """Go on counting accounts from how they were computed of the facts around them.

        Args:
            near: What they were computed to.
            wanted: Their ids; of others around them only a part was computed.

        Returns:
            The actors whose events can be counted again, all of them filed under these accounts.
        """
        assert near.counters is not None, "somebody was known"
        assert near.eves is not None, "somebody was known"
        ids = near.filing.accounts.sort("account")["account_id"]
        chosen = np.flatnonzero(ids.is_in(list(wanted)).to_numpy())
        names = ids.gather(chosen)
        fresh = [name for name in names if name not in self.numbers]
        self.numbers |= {name: len(self.numbers) + at for at, name in enumerate(fresh)}
        if fresh:
            self.account_ids = pl.concat([self.account_ids, pl.Series(fresh, dtype=pl.String)])
        numbers = np.array([self.numbers[name] for name in names], dtype=np.int64)
        persons = self._persons_of(near.filing)
        self.counters.put_back(near.counters, chosen, numbers, persons)
        self.eves.put_back(near.eves, chosen, numbers)
        self.accounts.put(numbers, near.filing.accounts.sort("account")[pl.Series(chosen)])
        filed = filed_columns(near.filing, near.people)
        own = np.isin(filed["account"], chosen)
        elsewhere = np.unique(filed["actor"][~own])
        number_of = np.full(len(ids), -1, dtype=np.int64)
        number_of[chosen] = numbers
        told = {name: column[own] for name, column in filed.items()}
        told["account"] = number_of[told["account"]]
        told["person"] = np.append(persons, -1)[told["person"]]  # nobody stays nobody
        self.arrivals.put_back(told, numbers)
        return self.see(near.people.filter(~pl.col("actor").is_in(elsewhere)))

    def see(self, actors: pl.DataFrame) -> Ints:
        """Know of actors what an event may be of; return their numbers."""
        numbers = actors["actor"].cast(pl.Int64).to_numpy()
        first = actors["first_at"].dt.epoch("us").to_numpy()
        before = len(self.first_at)
        count = max(before, int(numbers.max(initial=-1)) + 1)
        self.first_at = put(self.first_at, numbers, first, count=count)[:count]
        skipped = np.setdiff1d(np.arange(before, count), numbers)
        self.first_at[skipped] = UNSEEN
        return numbers

    def _persons_of(self, filing: Filing) -> Ints:
        """Return the number of every person of a filing, beyond those of the first filing."""
        persons = filing.persons.sort("person")
        found = np.zeros(len(persons), dtype=np.int64)
        for person, name in persons.select("person", "user_id").iter_rows():
            known = self.filing.persons.height + len(self._persons)
            found[person] = self._persons.setdefault(name, known)
        return found
