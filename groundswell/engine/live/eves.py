"""What led up to today, laid out by account so that a few can be looked up at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.engine.standing import Eve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.features import FeaturePlan

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

AT_LIMIT = "days_at_limit"


@dataclass(frozen=True)
class Eves:
    """The eve of every account, by its number.

    Attributes:
        states: One row per account, null where nothing was followed.
        runs: Triggers that held, by account; account n has the rows from run_ptr[n] on.
        run_ptr: One longer than the accounts.
        days_at_limit: By account, as of the day before; NaN where it was unknown, or not asked.
        empty: An eve of nobody.
    """

    states: pl.DataFrame
    runs: pl.DataFrame
    run_ptr: Ints
    days_at_limit: Floats
    empty: Eve

    @classmethod
    def of(cls, eve: Eve, ids: pl.Series, plan: FeaturePlan) -> Eves:
        """Lay an eve out by account.

        Args:
            eve: Of all accounts.
            ids: The id of every account, by its number.
            plan: Tells which feature counts days at a limit.
        """
        numbered = pl.DataFrame({"account_id": ids}).with_row_index("number")
        states = numbered.select("account_id").join(
            eve.states, on="account_id", how="left", maintain_order="left"
        )
        runs = eve.trigger_runs.join(numbered, on="account_id").sort("number", maintain_order=True)
        days = np.full(len(ids), np.nan)
        named = [name for name, dimension in plan.reads.items() if dimension == AT_LIMIT]
        if named:
            before = eve.features.select("account_id", named[0])
            joined = numbered.join(before, on="account_id", how="left", maintain_order="left")
            days = joined[named[0]].cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
        return cls(
            states=states,
            runs=runs.drop("number"),
            run_ptr=np.searchsorted(runs["number"].to_numpy(), np.arange(len(ids) + 1)),
            days_at_limit=days,
            empty=Eve(
                eve.states.clear(),
                eve.transitions.clear(),
                eve.trigger_runs.clear(),
                eve.history.clear(),
                eve.features.clear(),
            ),
        )

    def of_accounts(self, accounts: Ints) -> Eve:
        """Return what led up to today of some accounts; crossings and history are left out."""
        low = self.run_ptr[accounts]
        length = self.run_ptr[accounts + 1] - low
        within = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
        return Eve(
            states=self.states[accounts].drop_nulls("state"),
            transitions=self.empty.transitions,
            trigger_runs=self.runs[np.repeat(low, length) + within],
            history=self.empty.history,
            features=self.empty.features,
        )
