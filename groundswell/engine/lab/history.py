"""The past of a company, week by week, with what came after each week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl
from sqlglot import exp

from groundswell.engine.computing import weekly_days
from groundswell.errors import Problem, UsageError
from groundswell.features.outcomes import deals_won, revenue_steps
from groundswell.model import Kind
from groundswell.scoring.learning.snapshots import Outcome, Outcomes, label_snapshots
from groundswell.store.nearby import read_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from groundswell.engine.computing import Computer


@dataclass(frozen=True)
class Question:
    """Which outcome is asked for, and how soon it has to come.

    Attributes:
        outcome: What is asked.
        far: The horizon, in days.
        near: Days after a snapshot from which on the outcome counts.
    """

    outcome: Outcome
    far: int
    near: int = 0


@dataclass(frozen=True)
class History:
    """Snapshots and outcomes of a project, up to the last day of which anything is known.

    Attributes:
        computer: Answers for features.
        outcomes: What came of accounts.
        as_known: Whether snapshots leave out the events that had not arrived by their day.
    """

    computer: Computer
    outcomes: Outcomes
    as_known: bool = False

    @classmethod
    def of(cls, computer: Computer, day: date, *, as_known: bool = False) -> History:
        """Gather what came of accounts until a day, or until the last event if that was before.

        Args:
            computer: Answers for features.
            day: The day.
            as_known: As the attribute says.

        Raises:
            UsageError: There are no events.
        """
        latest = exp.alias_(exp.func("MAX", exp.column("occurred_at")), "latest")
        last = read_frame(computer.warehouse, exp.select(latest).from_("events"))["latest"][0]
        if last is None:
            raise UsageError(
                Problem(
                    code="nothing-known",
                    what="No events were loaded, so there is no past to look at.",
                    fix="Load them first: `groundswell load events FILE`.",
                )
            )
        until = min(day, last.date())
        revenue = revenue_steps(computer.computation().dimensions)
        won = deals_won(computer.warehouse.read(Kind.OPPORTUNITIES), computer.filing())
        known = pl.col("day") <= until
        return cls(computer, Outcomes(revenue.filter(known), won.filter(known), until), as_known)

    @property
    def until(self) -> date:
        """The last day of which anything is known."""
        return self.outcomes.until

    @property
    def accounts(self) -> int:
        """How many accounts there are."""
        return self.computer.filing().accounts.height

    def days(self, weeks: int, *, far: int) -> list[date]:
        """Return the last weekly days whose horizon is over."""
        return weekly_days(self.until - timedelta(days=far), weeks)

    def on(self, day: date) -> pl.DataFrame:
        """Return the features of every account as of one day.

        Raises:
            UsageError: No account was known by then.
        """
        frames = list(self.computer.features([day]))
        if not frames or not any(frame.height for frame in frames):
            raise nothing_known(day)
        return pl.concat(frames)

    def labelled_whole(self, days: Sequence[date], question: Question) -> pl.DataFrame:
        """Return what `labelled` yields as one frame, by account_id and as_of.

        Raises:
            UsageError: No account was known on any of the days.
        """
        frames = list(self.labelled(days, question))
        if not frames:
            raise nothing_known(max(days))
        return pl.concat(frames).sort("account_id", "as_of")

    def labelled(
        self, days: Sequence[date], asked: Question, *, accounts: Sequence[str] | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield snapshots as of some days with their features and `label`, `came_on`, `acv`.

        All days of an account are in one frame; see `label_snapshots` for which are left out.
        """
        for frame in self._snapshots(days, accounts):
            yield label_snapshots(
                frame, self.outcomes, asked.outcome, near=asked.near, far=asked.far
            )

    def _snapshots(
        self, days: Sequence[date], accounts: Sequence[str] | None
    ) -> Iterator[pl.DataFrame]:
        if not self.as_known:
            return self.computer.features(days, accounts=accounts)
        frame = self.computer.collect(days, accounts=accounts, as_known=True)
        return iter([frame] if frame.height else [])


def nothing_known(day: date) -> UsageError:
    """Return the error that says so."""
    return UsageError(
        Problem(
            code="nothing-known",
            what=f"No account was known by {day}.",
            fix="Load something first, or name a later day.",
        )
    )
