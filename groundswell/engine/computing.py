"""From the stores to features: identity resolved, the roll-up built, the kernel asked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.config.nodes import POLARS
from groundswell.engine.sharded import compute_on_workers
from groundswell.features import compile_plan, compute_features, prepare
from groundswell.intake import Filing, resolve
from groundswell.model import Kind
from groundswell.store.activity import DetachedActivity
from groundswell.store.known import KnownFacts
from groundswell.store.warehouse import ShardedWarehouse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from groundswell.config.loading import LoadedConfig
    from groundswell.features import Computation
    from groundswell.store.activity import Activity
    from groundswell.store.ledger import Ledger
    from groundswell.store.nearby import NearbyFacts
    from groundswell.store.warehouse import Warehouse

    Floats = NDArray[np.float64]

DAY, WEEK = timedelta(days=1), timedelta(days=7)


def weekly_days(last: date, weeks: int) -> list[date]:
    """Return `weeks` days, each a week after the one before, ending at `last`.

    >>> [str(day) for day in weekly_days(date(2026, 6, 30), 2)]
    ['2026-06-23', '2026-06-30']
    """
    return [last - WEEK * index for index in reversed(range(weeks))]


@dataclass
class Computer:
    """Answers for features of accounts as of any days; resolves identity once per set of facts."""

    loaded: LoadedConfig
    warehouse: Warehouse
    ledger: Ledger
    activity: Activity
    threads: int = 2
    _filing: tuple[str, Filing] | None = field(default=None, repr=False)
    _computation: tuple[str, Computation] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.plan = compile_plan(self.loaded)

    def filing(self) -> Filing:
        """Return who belongs where, resolved from the facts and merges as they stand."""
        merges = self.ledger.merges()
        fingerprint = self._identity_fingerprint(merges)
        if self._filing is None or self._filing[0] != fingerprint:
            self._filing = (fingerprint, self.resolve(self.warehouse, merges))
        return self._filing[1]

    def resolve(self, facts: Warehouse | KnownFacts | NearbyFacts, merges: pl.DataFrame) -> Filing:
        """Return who belongs where by some facts, as `filing` does by all of them."""
        return resolve(
            facts.actors(),
            facts.read(Kind.USERS),
            facts.read(Kind.MEMBERSHIPS),
            facts.read(Kind.ACCOUNTS),
            merges,
            self.loaded.config.identity,
        )

    def _identity_fingerprint(self, merges: pl.DataFrame) -> str:
        text = f"{self.warehouse.version()}|{self.loaded.fingerprint('identity')}|"
        text += merges.write_json()
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def computation(self) -> Computation:
        """Return what every day is computed from, gathered once per set of facts and identity."""
        filing = self.filing()
        assert self._filing is not None
        fingerprint = self._filing[0]
        if self._computation is None or self._computation[0] != fingerprint:
            prepared = prepare(self.plan, self.warehouse, self.activity, filing)
            self._computation = (fingerprint, prepared)
        return self._computation[1]

    def features(
        self,
        days: Sequence[date],
        *,
        accounts: Sequence[str] | None = None,
        kept: Floats | None = None,
    ) -> Iterator[pl.DataFrame]:
        """Compute every feature as of each of `days`, some accounts at a time.

        Where the warehouse has workers they compute all accounts; some accounts are computed
        here, from their rows of the same roll-up.

        Args:
            days: As of when, in any order.
            accounts: Only these account ids.
            kept: As in `features.compute_features`; not where workers compute.

        Yields:
            Frames with account_id, as_of and a column per feature; all days of an account are in
            one frame.
        """
        if accounts is None and isinstance(self.warehouse, ShardedWarehouse):
            return compute_on_workers(self.computation(), self.warehouse, self.activity, days)
        return compute_features(
            self.computation(),
            self.activity,
            days,
            threads=self.threads,
            accounts=list(accounts) if accounts is not None else None,
            kept=kept,
        )

    def as_known(
        self, days: Sequence[date], *, accounts: Sequence[str] | None = None
    ) -> Iterator[pl.DataFrame]:
        """Compute every feature as of each of `days` from the events that had arrived by its end.

        Each day takes a roll-up of its own, which is not kept. Where a source does not say when
        its events came, they came when they were loaded.

        Yields:
            Frames as those of `features`, a day after the other.
        """
        for day in days:
            facts = KnownFacts(self.warehouse, datetime.combine(day + DAY, time(), UTC))
            filing = self.resolve(facts, self.ledger.merges())
            with DetachedActivity() as activity:
                prepared = prepare(self.plan, facts, activity, filing)
                only = list(accounts) if accounts is not None else None
                yield from compute_features(
                    prepared, activity, [day], threads=self.threads, accounts=only
                )

    def collect(
        self,
        days: Sequence[date],
        *,
        accounts: Sequence[str] | None = None,
        as_known: bool = False,
    ) -> pl.DataFrame:
        """Return `features`, or `as_known`, as one frame, by account_id and as_of.

        Where nobody is known it has every column, and no rows.
        """
        compute = self.as_known if as_known else self.features
        frames = list(compute(days, accounts=accounts))
        if not frames:
            of = {name: POLARS[self.plan.types[name]] for name in self.plan.names}
            return pl.DataFrame(schema={"account_id": pl.String, "as_of": pl.Date, **of})
        return pl.concat(frames).sort("account_id", "as_of")
