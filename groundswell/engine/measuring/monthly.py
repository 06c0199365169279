"""The monthly conversion analysis: cohorts of sign-ups and of customers, and segments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from groundswell.measure.cohorts import (
    RevenueCohort,
    SegmentConversion,
    SignupCohort,
    compare_segments,
    revenue_cohorts,
    signup_cohorts,
)

if TYPE_CHECKING:
    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.measuring.gathering import Gathered
    from groundswell.engine.measuring.tables import Tables

MONTHS, QUARTERS = 13, 8
SEGMENT_DAYS = 365


@dataclass(frozen=True)
class MonthlyReport:
    """How sign-ups and customers came along.

    Attributes:
        company, currency: Whose, and of every amount.
        as_of: What was known by this day was used.
        signups: The sign-ups of each of the last months, those of the present one too.
        segments: How many of each segment pay within 90 days, of the sign-ups of a year.
        customers: The customers of each of the last quarters, those of the present one too.
    """

    company: str
    currency: str
    as_of: date
    signups: tuple[SignupCohort, ...]
    segments: tuple[SegmentConversion, ...]
    customers: tuple[RevenueCohort, ...]


def report_month(
    loaded: LoadedConfig, known: Gathered, tables: Tables, *, seed: int = 0
) -> MonthlyReport:
    """Say how sign-ups and customers came along.

    Args:
        loaded: Whose company it is.
        known: What is known by the day.
        tables: The same as tables.
        seed: Of the draws of accounts.
    """
    day = known.as_of
    accounts = tables.named["accounts"].join(
        known.accounts.select("account_id", "industry", "country"), on="account_id", how="left"
    )
    return MonthlyReport(
        loaded.config.company,
        loaded.config.currency,
        day,
        signup_cohorts(accounts, _periods(day, months=1, count=MONTHS), as_of=day),
        compare_segments(accounts, since=day - timedelta(days=SEGMENT_DAYS), as_of=day),
        revenue_cohorts(known.arr, _periods(day, months=3, count=QUARTERS), as_of=day, seed=seed),
    )


def _periods(day: date, *, months: int, count: int) -> list[tuple[date, date]]:
    """Return the first and last days of calendar periods up to the one that a day is in."""
    present = (day.year * 12 + day.month - 1) // months
    firsts = [_first(number * months) for number in range(present - count + 1, present + 2)]
    return [(first, following - timedelta(days=1)) for first, following in pairwise(firsts)]


def _first(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
