"""One group of accounts, its two arms compared in everything that is asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from groundswell.measure.estimates import NOTHING, Estimate
from groundswell.measure.experiments.balance import Balance
from groundswell.measure.experiments.cuped import adjust_values, variance_reduction
from groundswell.measure.experiments.effects import (
    Difference,
    Sample,
    compare_means,
    compare_shares,
)
from groundswell.measure.experiments.power import Wait, accounts_needed
from groundswell.measure.experiments.sequential import always_valid

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from groundswell.config.experiments import ExperimentTerms

    Floats = NDArray[np.float64]


class UpliftVerdict(StrEnum):
    """What a comparison comes to."""

    HELPS = "helps"
    NO_DIFFERENCE_YET = "no_difference_yet"
    HURTS = "hurts"


@dataclass(frozen=True, slots=True)
class Effect:
    """What contact changes of one thing: contacted accounts less those held out.

    Attributes:
        contacted, held_out: What it is in each arm.
        difference: With the interval of a look at a moment that was fixed before.
        adjusted: The same, less what usage before assignment says; unknown without covariates.
        reduction: Share of the variance that adjusting took away.
        always_valid: The adjusted one where there is one, with an interval for looks on any day.
        variance: Of the adjusted difference, or the plain one; None where none can be told.
        spread: How many times larger the variance is than of as many accounts by themselves, by
            motion and parent, after adjusting.
        left_out: Accounts in motions where an arm has too few to compare.
        missing: What would have to be known for what is unknown; empty otherwise.
    """

    contacted: Estimate
    held_out: Estimate
    difference: Estimate
    adjusted: Estimate
    reduction: float | None
    always_valid: Estimate
    variance: float | None
    spread: float
    left_out: int
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The comparison of some accounts.

    Attributes:
        cut: `overall`, `motion` or `tier`.
        name: Which motion or tier; `all` of the overall one.
        contacted, held_out: Accounts of each arm that had their time.
        waiting: Accounts that take part and have not had it yet.
        conversion: Share of accounts that convert.
        acv_cents: What accounts bought that converted. Who converts differs between arms, so read
            it beside revenue, which is of all accounts.
        revenue_cents: Recurring revenue that an account came to bring, of all accounts.
        smallest: The smallest rise of conversion that is likely to be seen by now.
        smallest_revenue_cents: The same of revenue.
        wait: How much longer it takes until what was planned can be seen.
        balance: Whether the arms are as large as they should be.
        verdict: What it comes to, by conversion, at any look.
        sentence: The same in words.
    """

    cut: str
    name: str
    contacted: int
    held_out: int
    waiting: int
    conversion: Effect
    acv_cents: Effect
    revenue_cents: Effect
    smallest: float | None
    smallest_revenue_cents: float | None
    wait: Wait
    balance: Balance
    verdict: UpliftVerdict
    sentence: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What is the same for every effect of a report.

    Attributes:
        terms: How arms are compared.
        share: Share of accounts that is held out.
        at_once: How many groups are looked at beside each other; their intervals for looks on any
            day hold all together, so that of many groups none shows something by chance.
    """

    terms: ExperimentTerms
    share: float
    at_once: int = 1

    @property
    def planned(self) -> int:
        """How many accounts the experiment was planned with."""
        terms = self.terms
        return accounts_needed(
            terms.held_out,
            terms.contacted,
            holdout=self.share,
            level=terms.level,
            power=terms.power,
        )


def compare_conversion(rows: pl.DataFrame, looked: Looked) -> Effect:
    """Compare the share of accounts that convert."""
    return _compare(rows, "converted", looked, compare_shares)


def compare_amounts(rows: pl.DataFrame, column: str, looked: Looked) -> Effect:
    """Compare the mean of an amount, of the accounts where it is known."""
    return _compare(rows.filter(pl.col(column).is_not_null()), column, looked, compare_means)


def unknown_effect(missing: str) -> Effect:
    """Return that an effect cannot be told, and what is missing."""
    return Effect(NOTHING, NOTHING, NOTHING, NOTHING, None, NOTHING, None, 1.0, 0, missing)


def _compare(
    rows: pl.DataFrame,
    column: str,
    looked: Looked,
    compare: Callable[..., Difference],
) -> Effect:
    """Compare one column, plainly and adjusted by the covariates that are there."""
    terms = looked.terms
    sample = Sample.of(
        rows[column].cast(pl.Float64).to_numpy(),
        ~rows["held_out"].to_numpy(),
        strata=rows["motion"].to_numpy() if rows.height else None,
        clusters=rows["parent_id"].to_numpy() if rows.height else None,
    )
    plain = compare(sample, level=terms.level)
    best, adjusted, reduction = plain, NOTHING, None
    names = [name for name in terms.covariates if name in rows.columns]
    found = adjust_values(sample, _covariates(rows, names)) if names else None
    if found is not None:
        best = compare_means(found.sample, level=terms.level)
        adjusted, reduction = best.difference, variance_reduction(plain, best)
    level = 1 - (1 - terms.level) / looked.at_once
    kept = 1 - min(max(reduction or 0.0, 0.0), _MOST_REDUCED)
    return Effect(
        plain.contacted,
        plain.held_out,
        plain.difference,
        adjusted,
        reduction,
        always_valid(best, planned=looked.planned, level=level),
        best.variance,
        max(plain.design, 1.0) * kept,
        plain.left_out,
    )


_MOST_REDUCED = 0.99


def _covariates(rows: pl.DataFrame, names: list[str]) -> Floats:
    """Return covariates by column; counts as logarithms, since usage spreads by factors."""
    values = rows.select(pl.col(names).cast(pl.Float64)).to_numpy()
    return np.sign(values) * np.log1p(np.abs(values))
