"""What can be asked of a project about what came of it; see `Project.measuring`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from groundswell.config.loading import CONFIG_FILE, load_config
from groundswell.config.overriding import load_overridden
from groundswell.engine.measuring.advising import (
    PaybackReport,
    PricingReport,
    report_payback,
    report_pricing,
)
from groundswell.engine.measuring.attributing import AttributionReport, report_attribution
from groundswell.engine.measuring.feedback import FeedbackReport, report_feedback
from groundswell.engine.measuring.gathering import Gathered, gather
from groundswell.engine.measuring.mistakes import MistakesReport, report_mistakes
from groundswell.engine.measuring.monthly import MonthlyReport, report_month
from groundswell.engine.measuring.overlay import OverlayReport, report_overlay
from groundswell.engine.measuring.paying import (
    CommissionsReport,
    Credited,
    credit_reps,
    report_commissions,
)
from groundswell.engine.measuring.quarterly import QuarterlyReport, report_quarter
from groundswell.engine.measuring.tables import Tables, build_tables
from groundswell.engine.measuring.uplift import UpliftReport, list_exposure, report_uplift
from groundswell.engine.measuring.weekly import (
    QUARTER,
    Figures,
    WeeklyReport,
    define,
    ends_for,
    ends_of_week,
    report_week,
)
from groundswell.engine.measuring.whatif import WhatIf, ask_what_if
from groundswell.errors import Problem, UsageError, did_you_mean
from groundswell.measure.metrics import Measurer, Period
from groundswell.model import Motion, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer

WHAT_IF_DAYS = 182
"""Days back that are decided on again where nobody says."""


@dataclass(frozen=True)
class Measuring:
    """Measures a project, as of any day.

    Attributes:
        loaded: Returns the configuration.
        computer: Answers for features.
        day: Returns the day that was asked for, or that of the latest run.
        warnings: Returns what is to be known of the score by a day.
    """

    loaded: Callable[[], LoadedConfig]
    computer: Computer
    day: Callable[[date | None], date]
    warnings: Callable[[date], tuple[str, ...]]

    def weekly(self, *, as_of: date | None = None) -> WeeklyReport:
        """Make the report of the week that ends with a day.

        Args:
            as_of: The last day of the week; nothing later is looked at. That of the latest run
                by default.

        Raises:
            UsageError: Nothing was known by that day.
        """
        day = self.day(as_of)
        return report_week(self.loaded(), self.computer, as_of=day, warnings=self.warnings(day))

    def figures(self, *, as_of: date | None = None, days: int = QUARTER) -> Figures:
        """Return every metric of a period, those by motion once for each.

        Args:
            as_of: The last day of the period; nothing later is looked at.
            days: How long it is.

        Raises:
            UsageError: Nothing was known by its last day.
        """
        period = self._period(as_of, days)
        found = self._measurer(period).figures(period)
        metrics = self.loaded().metrics
        return Figures(period.first, period.last, define(metrics), tuple(found))

    def behind(
        self,
        metric: str,
        *,
        as_of: date | None = None,
        days: int = QUARTER,
        motion: str | None = None,
    ) -> list[dict[str, Scalar | date]]:
        """Return the rows that a metric of a period is told from, each with what is counted of it.

        Args:
            metric: Its name.
            as_of: The last day of the period; nothing later is looked at.
            days: How long it is.
            motion: Of one motion alone.

        Raises:
            UsageError: There is no such metric or motion, or nothing was known by then.
        """
        metrics = self.loaded().metrics
        if metric not in metrics:
            fix = did_you_mean(metric, metrics)
            raise UsageError(Problem("metric-unknown", f"There is no metric `{metric}`.", fix))
        if motion is not None and motion not in list(Motion):
            fix = did_you_mean(motion, Motion)
            raise UsageError(Problem("motion-unknown", f"There is no motion `{motion}`.", fix))
        period = self._period(as_of, days)
        told = Motion(motion) if motion else None
        return self._measurer(period).behind(metric, period, motion=told).to_dicts()

    def _period(self, as_of: date | None, days: int) -> Period:
        last = self.day(as_of)
        return Period(last - timedelta(days=days - 1), last)

    def what_if(
        self,
        *,
        policy: str | None = None,
        settings: Sequence[str] = (),
        since: date | None = None,
        as_of: date | None = None,
    ) -> WhatIf:
        """Compare the present policy, price list and team with others.

        Args:
            policy: Another groundswell.yaml; the project's own by default.
            settings: Keys of it that are set otherwise, such as `score.qualified.at_least=60`.
            since: The first day that is decided on again; half a year before the last by default.
            as_of: The last one; nothing later is looked at.

        Raises:
            ConfigError: The other policy cannot be used.
            UsageError: It would need other features, or a setting is none.
        """
        last = self.day(as_of)
        first = self.day(since) if since else last - timedelta(days=WHAT_IF_DAYS)
        loaded = self.loaded()
        file = Path(policy) if policy else loaded.root / CONFIG_FILE
        other = load_overridden(file, settings)
        return ask_what_if(loaded, other, self.computer, since=first, until=last)

    def payback(self, *, as_of: date | None = None) -> PaybackReport:
        """Simulate when salespeople have paid for themselves, by what the company knows.

        Raises:
            UsageError: Nothing was known by that day.
        """
        return report_payback(self.loaded(), self.figures(as_of=as_of))

    def pricing(self, *, as_of: date | None = None) -> PricingReport:
        """Check the price list beside the accounts that are on it.

        Raises:
            UsageError: Nothing was known by that day.
        """
        day = self.day(as_of)
        return report_pricing(self.loaded(), self.computer.collect([day]), day)

    def attribution(
        self,
        *,
        quarter: str | None = None,
        what_if: str | None = None,
        receipts: bool = False,
        as_of: date | None = None,
    ) -> AttributionReport:
        """Tell which bucket each new or expanded dollar is in, by the rules locked for its quarter.

        Args:
            quarter: Such as `2026-Q2`; that of the day by default.
            what_if: A file with other rules under `attribution:`.
            receipts: Whether every receipt of the quarter is told.
            as_of: The last day; nothing later is looked at.

        Raises:
            ConfigError: The other rules cannot be used.
            UsageError: Nothing was known by that day, or the quarter had not begun.
        """
        known = self._known(as_of)
        return report_attribution(
            self.loaded(),
            self.computer,
            known,
            build_tables(known),
            quarter=quarter,
            what_if=load_config(Path(what_if)) if what_if else None,
            receipts=receipts,
        )

    def commissions(
        self, *, month: str | None = None, rep: str | None = None, as_of: date | None = None
    ) -> CommissionsReport:
        """Tell what each rep is paid for a month, with receipts, and whether the plan works.

        Args:
            month: Such as `2026-05`; that of the day by default.
            rep: The address of one; all by default.
            as_of: The last day; nothing later is looked at.

        Raises:
            UsageError: Nothing was known by that day, the month had not begun, or there is no
                such rep.
        """
        known = self._known(as_of)
        tables = build_tables(known)
        return report_commissions(self.loaded(), self.computer, known, tables, month=month, rep=rep)

    def credited(self, *, as_of: date | None = None) -> Credited:
        """Tell which lines reps are credited with.

        Raises:
            UsageError: Nothing was known by that day.
        """
        known = self._known(as_of)
        return credit_reps(self.loaded(), self.computer, known, build_tables(known))

    def uplift(self, *, as_of: date | None = None) -> UpliftReport:
        """Tell whether contact helps, by the accounts that were held out.

        Raises:
            UsageError: Nothing was known by that day.
        """
        known = self._known(as_of)
        return report_uplift(self.loaded(), self.computer, known, build_tables(known))

    def quarterly(self, *, as_of: date | None = None) -> QuarterlyReport:
        """Put together what product and sales look at once a quarter.

        Raises:
            UsageError: Nothing was known by that day.
        """
        day = self.day(as_of)
        return report_quarter(self.loaded(), self.computer, as_of=day, warnings=self.warnings(day))

    def monthly(self, *, as_of: date | None = None) -> MonthlyReport:
        """Say how the sign-ups of each month and the customers of each quarter came along.

        Raises:
            UsageError: Nothing was known by that day.
        """
        known = self._known(as_of)
        return report_month(self.loaded(), known, build_tables(known))

    def feedback(self, *, as_of: date | None = None) -> FeedbackReport:
        """Say what usage tells sales, and what sales and support tell product.

        Raises:
            UsageError: Nothing was known by that day.
        """
        return report_feedback(self.loaded(), self.computer, self._known(as_of))

    def mistakes(self, *, as_of: date | None = None) -> MistakesReport:
        """Look for the mistakes that companies make when people sell beside self-serve.

        Raises:
            UsageError: Nothing was known by that day.
        """
        day = self.day(as_of)
        known = gather(self.loaded(), self.computer, as_of=day, ends=ends_of_week(day))
        return report_mistakes(self.loaded(), self.computer, known, build_tables(known))

    def overlay(self, *, as_of: date | None = None) -> OverlayReport:
        """Judge whether self-serve needs sales beside it, and which layer.

        Raises:
            UsageError: Nothing was known by that day.
        """
        return report_overlay(self.loaded(), self.computer, as_of=self.day(as_of))

    def exposure(self, *, as_of: date | None = None) -> list[dict[str, Scalar | date]]:
        """Return who was assigned to which arm and when, and each day on which they were contacted.

        Raises:
            UsageError: Nothing was known by that day.
        """
        known = self._known(as_of)
        return list_exposure(self.loaded(), self.computer, known, build_tables(known)).to_dicts()

    def tables(self, as_of: date | None = None) -> Tables:
        """Return the tables that metrics read, as they were known by a day."""
        return build_tables(self._known(as_of))

    def _known(self, as_of: date | None) -> Gathered:
        day = self.day(as_of)
        return gather(self.loaded(), self.computer, as_of=day, ends=ends_for(day))

    def _measurer(self, period: Period) -> Measurer:
        late = {one.matures for one in self.loaded().metrics.values()}
        both = (period, period.before())
        ends = [told.earlier(days).last for told in both for days in late]
        known = gather(self.loaded(), self.computer, as_of=period.last, ends=ends)
        tables = build_tables(known)
        return Measurer(self.loaded().metrics, tables.named, tables.missing)
