"""What led up to today, laid out by account so that a few can be looked up at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.engine.standing import Eve, followed_days
from groundswell.features.numbered import NumberedRows, put

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from groundswell.features import FeaturePlan

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

AT_LIMIT = "days_at_limit"


@dataclass
class Eves:
    """The eve of every account, by its number.

    Attributes:
        states: One row per account, null where nothing was followed.
        runs: Triggers that held.
        first_run, runs_of: By account, the first of its rows of `runs`, and how many there are.
        days: The days before today that were followed, the earliest first.
        scores: [account, day] of `days`; NaN where the account was not there yet.
        empty: An eve of nobody.
    """

    states: NumberedRows
    runs: pl.DataFrame
    first_run: Ints
    runs_of: Ints
    days: pl.Series
    scores: Floats
    empty: Eve

    @classmethod
    def of(cls, eve: Eve, ids: pl.Series, today: date) -> Eves:
        """Lay an eve out by account.

        Args:
            eve: Of all accounts.
            ids: The id of every account, by its number.
            today: The day after it.
        """
        days = pl.Series("as_of", followed_days(today)[:-1])
        numbered = pl.DataFrame({"account_id": ids}).with_row_index("number")
        states = numbered.select("account_id").join(
            eve.states, on="account_id", how="left", maintain_order="left"
        )
        runs = eve.trigger_runs.join(numbered, on="account_id").sort("number", maintain_order=True)
        ptr = np.searchsorted(runs["number"].to_numpy(), np.arange(len(ids) + 1))
        return cls(
            states=NumberedRows(states),
            runs=runs.drop("number"),
            first_run=ptr[:-1],
            runs_of=np.diff(ptr),
            days=days,
            scores=_by_day(eve.history, numbered, days),
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
        return Eve(
            states=self.states.of(accounts).drop_nulls("state"),
            transitions=self.empty.transitions,
            trigger_runs=self.runs[self._rows_of(accounts)],
            history=self.empty.history,
            features=self.empty.features,
        )

    def of_account(self, account: int, account_id: str) -> Eve:
        """Return what led up to today of one account; crossings are left out."""
        there = np.flatnonzero(~np.isnan(self.scores[account]))
        history = {
            "account_id": [account_id] * len(there),
            "as_of": self.days.gather(there),
            "score": self.scores[account][there],
        }
        eve = self.of_accounts(np.array([account], dtype=np.int64))
        return replace(eve, history=pl.DataFrame(history, schema=eve.history.schema))

    def put_back(self, near: Eves, chosen: Ints, numbers: Ints) -> None:
        """Put anew what led up to today of some accounts.

        Args:
            near: Where they are `chosen`.
            chosen: Their numbers there.
            numbers: Their numbers here; those that follow the last one are new.
        """
        count = max(len(self.runs_of), int(numbers.max(initial=-1)) + 1)
        self.states.put(numbers, near.states.of(chosen))
        before = len(self.scores)
        self.scores = put(self.scores, numbers, near.scores[chosen], count=count)[:count]
        self.scores[np.setdiff1d(np.arange(before, count), numbers)] = np.nan
        length = near.runs_of[chosen]
        first = len(self.runs) + np.cumsum(length) - length
        self.runs = pl.concat([self.runs, near.runs[near._rows_of(chosen)]], rechunk=True)
        self.first_run = put(self.first_run, numbers, first, count=count)[:count]
        self.runs_of = put(self.runs_of, numbers, length, count=count)[:count]
        held = int(self.runs_of.sum())
        if len(self.runs) > 2 * held + count:
            self.runs = self.runs[self._rows_of(np.arange(count))]
            self.first_run = np.cumsum(self.runs_of) - self.runs_of

    def _rows_of(self, accounts: Ints) -> pl.Series:
        """Return the positions of the rows of `runs` of some accounts, in their order."""
        low, length = self.first_run[accounts], self.runs_of[accounts]
        within = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
        return pl.Series(np.repeat(low, length) + within)


def _by_day(history: pl.DataFrame, numbered: pl.DataFrame, days: pl.Series) -> Floats:
    """Return [account, day] of a history: account_id, as_of, score; NaN where it has nothing."""
    scores = np.full((numbered.height, len(days)), np.nan)
    runs = history.get_column("account_id").rle().struct.unnest()
    number = runs.join(numbered, left_on="value", right_on="account_id", maintain_order="left")
    row = np.repeat(number.get_column("number").to_numpy(), runs.get_column("len").to_numpy())
    day = (history.get_column("as_of") - days.first()).dt.total_days().to_numpy()
    scores[row, day] = history.get_column("score").to_numpy()
    return scores


def days_at_limit(eve: Eve, ids: pl.Series, plan: FeaturePlan) -> Floats:
    """Return the days at a limit of every account as of the eve; NaN where unknown, or not asked.

    Args:
        eve: Of all accounts.
        ids: The id of every account, by its number.
        plan: Tells which feature counts them.
    """
    named = [name for name, dimension in plan.reads.items() if dimension == AT_LIMIT]
    if not named:
        return np.full(len(ids), np.nan)
    before = eve.features.select("account_id", named[0])
    joined = pl.DataFrame({"account_id": ids}).join(
        before, on="account_id", how="left", maintain_order="left"
    )
    return joined[named[0]].cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
