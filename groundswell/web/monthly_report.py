"""The monthly conversion analysis in words, tables and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from groundswell.measure.cohorts import AGES, STEPS
from groundswell.web.document import Picture, Report, Section, Table
from groundswell.web.pictures import WIDTH, Row, data_of, themed
from groundswell.web.weekly_report import write_estimate, write_value
from groundswell.web.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.engine.measuring.monthly import MonthlyReport
    from groundswell.measure.cohorts import RevenueCohort, SegmentConversion, SignupCohort
    from groundswell.measure.estimates import Estimate

_STEPS = {
    "activated_in_14d": "activated in 14 days",
    "qualified_in_30d": "qualified in 30 days",
    "paid_in_90d": "paid in 90 days",
}
_AGES = {91: "a quarter", 182: "half a year", 365: "a year"}


def report_monthly(found: MonthlyReport) -> Report:
    """Return how sign-ups and customers came along."""
    sections = [_signups(found), *_segments(found), *_customers(found)]
    about = f"{found.company}, as of {found.as_of}. Amounts are in {found.currency}."
    return Report("Monthly conversion", about, tuple(_verdict(found)), tuple(sections))


def draw_cohorts(cohorts: tuple[SignupCohort, ...]) -> alt.LayerChart:
    """Draw how far the sign-ups of each month came in time, with intervals."""
    rows: list[Row] = [
        {
            "month": f"{cohort.first:%Y-%m}",
            "step": _STEPS[name],
            "share": told.value,
            "low": told.low,
            "high": told.high,
        }
        for cohort in cohorts
        for name, told in cohort.reached.items()
        if told.value is not None and told.low is not None and told.high is not None
    ]
    x = alt.X("month:O", axis=alt.Axis(title=None, labelAngle=-45))
    y = alt.Y("share:Q", title="Share of sign-ups", axis=alt.Axis(format="~%"))
    colour = alt.Color(
        "step:N",
        title=None,
        scale=alt.Scale(domain=list(_STEPS.values())),
        legend=alt.Legend(symbolOpacity=1),
    )
    base = alt.Chart(data_of(rows)).encode(x, colour)
    band = base.mark_area(opacity=0.15).encode(alt.Y("low:Q"), alt.Y2("high"))
    line = base.mark_line(point=True, strokeWidth=2).encode(y)
    return themed(alt.layer(band, line).properties(width=WIDTH))


def _verdict(found: MonthlyReport) -> Iterator[str]:
    told = [
        (cohort.first, cohort.reached["paid_in_90d"])
        for cohort in found.signups
        if cohort.reached["paid_in_90d"].value is not None
    ]
    if told:
        first, paid = told[-1]
        yield f"Of the sign-ups of {first:%B %Y}, {write_estimate(paid, 'share')} paid in 90 days."
    clear = [one for one in found.segments if _differs(one.difference)]
    if clear:
        one = clear[0]
        word = "more" if (one.difference.value or 0) > 0 else "less"
        yield (
            f"Those of {one.segment} {one.value} pay {word} often than others: "
            f"{write_estimate(one.paid, 'share')} against {write_estimate(one.others, 'share')}."
        )
    elif told:
        yield "No segment pays more or less often than the others by more than chance."
    if not told:
        yield "No month's sign-ups have had 90 days yet."


def _signups(found: MonthlyReport) -> Section:
    rows = tuple(
        (
            f"{cohort.first:%Y-%m}",
            f"{cohort.signups:,}",
            *(_or_blank(cohort.reached[name], "share") for name, _ in STEPS),
        )
        for cohort in found.signups
    )
    pictures = ()
    if any(told.value is not None for one in found.signups for told in one.reached.values()):
        caption = "The bands hold the true share 95 times in 100."
        drawn = draw_cohorts(found.signups)
        pictures = (Picture("cohorts", "How far sign-ups came in time", caption, drawn),)
    note = "A share is told once everybody who signed up in the month has had the time."
    heads = ("signed up in", "sign-ups", *_STEPS.values())
    return Section("Sign-ups by month", (note,), Table(heads, rows), pictures=pictures)


def _segments(found: MonthlyReport) -> Iterator[Section]:
    if not found.segments:
        return
    rows = tuple(
        (
            one.segment,
            one.value,
            f"{one.paid.n:,}",
            write_estimate(one.paid, "share"),
            write_estimate(one.others, "share"),
            _points(one),
        )
        for one in found.segments
    )
    note = (
        "Sign-ups of a year that had their 90 days. The intervals of the last column hold for all "
        "segments together; what is beyond chance comes first."
    )
    heads = ("by", "segment", "sign-ups", "paid in 90 days", "of the others", "points")
    yield Section("Who pays", (note,), Table(heads, rows, frozenset((1,))))


def _customers(found: MonthlyReport) -> Iterator[Section]:
    known = [one for one in found.customers if one.customers]
    if not known:
        return
    rows = tuple(
        (
            _quarter(one),
            f"{one.customers:,}",
            write_value(one.arr_cents, "money"),
            *(_or_blank(one.nrr[age], "share") for age in AGES),
            write_estimate(one.paid_cents, "money"),
        )
        for one in known
    )
    kept = tuple(
        (_quarter(one), *(_or_blank(one.grr[age], "share") for age in AGES)) for one in known
    )
    ages = tuple(f"after {_AGES[age]}" for age in AGES)
    count = counted(sum(one.customers for one in known), "customer")
    note = (
        f"{count} by the quarter in which they began to pay: what they pay at the same age for "
        "what they began with (NRR), and what each has paid so far."
    )
    heads = ("began in", "customers", "first ARR", *ages, "paid so far")
    yield Section("Customers by quarter", (note,), Table(heads, rows))
    note = "The same without what anybody pays more than at first (GRR)."
    yield Section("What is kept of it", (note,), Table(("began in", *ages), kept))


def _quarter(cohort: RevenueCohort) -> str:
    return f"{cohort.first.year}-Q{(cohort.first.month + 2) // 3}"


def _or_blank(told: Estimate, unit: str) -> str:
    return "" if told.value is None else write_estimate(told, unit)


def _differs(difference: Estimate) -> bool:
    if difference.low is None or difference.high is None:
        return False
    return difference.low > 0 or difference.high < 0


def _points(one: SegmentConversion) -> str:
    ends = (one.difference.value, one.difference.low, one.difference.high)
    said = ["" if end is None else f"{100 * end:+.1f}" for end in ends]
    return f"{said[0]} [{said[1]}, {said[2]}]"
