"""What came of a project that a server holds, asked over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from groundswell.engine.measuring.advising import PaybackReport, PricingReport
    from groundswell.engine.measuring.attributing import AttributionReport
    from groundswell.engine.measuring.feedback import FeedbackReport
    from groundswell.engine.measuring.mistakes import MistakesReport
    from groundswell.engine.measuring.monthly import MonthlyReport
    from groundswell.engine.measuring.overlay import OverlayReport
    from groundswell.engine.measuring.paying import CommissionsReport
    from groundswell.engine.measuring.quarterly import QuarterlyReport
    from groundswell.engine.measuring.uplift import UpliftReport
    from groundswell.engine.measuring.weekly import Figures, WeeklyReport
    from groundswell.engine.measuring.whatif import WhatIf
    from groundswell.model import Scalar


@dataclass(frozen=True, slots=True)
class MeasuringClient:
    """The methods of `Measuring` that operations offer; they raise what those raise."""

    _call: Callable[..., Any]

    def weekly(self, *, as_of: date | None = None) -> WeeklyReport:
        """See `Measuring.weekly`."""
        return self._call("measuring.weekly", as_of=as_of)

    def figures(self, *, as_of: date | None = None, days: int = 91) -> Figures:
        """See `Measuring.figures`."""
        return self._call("measuring.figures", as_of=as_of, days=days)

    def what_if(
        self,
        *,
        policy: str | None = None,
        settings: Sequence[str] = (),
        since: date | None = None,
        as_of: date | None = None,
    ) -> WhatIf:
        """See `Measuring.what_if`."""
        path = str(Path(policy).absolute()) if policy else None
        return self._call(
            "measuring.what_if", policy=path, settings=list(settings), since=since, as_of=as_of
        )

    def attribution(
        self,
        *,
        quarter: str | None = None,
        what_if: str | None = None,
        receipts: bool = False,
        as_of: date | None = None,
    ) -> AttributionReport:
        """See `Measuring.attribution`."""
        path = str(Path(what_if).absolute()) if what_if else None
        return self._call(
            "measuring.attribution", quarter=quarter, what_if=path, receipts=receipts, as_of=as_of
        )

    def commissions(
        self, *, month: str | None = None, rep: str | None = None, as_of: date | None = None
    ) -> CommissionsReport:
        """See `Measuring.commissions`."""
        return self._call("measuring.commissions", month=month, rep=rep, as_of=as_of)

    def payback(self, *, as_of: date | None = None) -> PaybackReport:
        """See `Measuring.payback`."""
        return self._call("measuring.payback", as_of=as_of)

    def pricing(self, *, as_of: date | None = None) -> PricingReport:
        """See `Measuring.pricing`."""
        return self._call("measuring.pricing", as_of=as_of)

    def uplift(self, *, as_of: date | None = None) -> UpliftReport:
        """See `Measuring.uplift`."""
        return self._call("measuring.uplift", as_of=as_of)

    def quarterly(self, *, as_of: date | None = None) -> QuarterlyReport:
        """See `Measuring.quarterly`."""
        return self._call("measuring.quarterly", as_of=as_of)

    def monthly(self, *, as_of: date | None = None) -> MonthlyReport:
        """See `Measuring.monthly`."""
        return self._call("measuring.monthly", as_of=as_of)

    def feedback(self, *, as_of: date | None = None) -> FeedbackReport:
        """See `Measuring.feedback`."""
        return self._call("measuring.feedback", as_of=as_of)

    def mistakes(self, *, as_of: date | None = None) -> MistakesReport:
        """See `Measuring.mistakes`."""
        return self._call("measuring.mistakes", as_of=as_of)

    def overlay(self, *, as_of: date | None = None) -> OverlayReport:
        """See `Measuring.overlay`."""
        return self._call("measuring.overlay", as_of=as_of)

    def exposure(self, *, as_of: date | None = None) -> list[dict[str, Scalar | date]]:
        """See `Measuring.exposure`."""
        return self._call("measuring.exposure", as_of=as_of)

    def behind(
        self,
        metric: str,
        *,
        as_of: date | None = None,
        days: int = 91,
        motion: str | None = None,
    ) -> list[dict[str, Scalar | date]]:
        """See `Measuring.behind`."""
        return self._call("measuring.behind", metric=metric, as_of=as_of, days=days, motion=motion)
