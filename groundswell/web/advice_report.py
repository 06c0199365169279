"""Payback, prices and mistakes in words, tables and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from groundswell.web.document import Picture, Report, Section, Table
from groundswell.web.pictures import BLUE, GREY, ORANGE, Row, data_of, themed
from groundswell.web.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.engine.measuring.advising import PaybackReport, PricingReport
    from groundswell.engine.measuring.mistakes import MistakesReport
    from groundswell.overlay.findings import Finding
    from groundswell.overlay.payback import Course, Fan, Payback

_CASES = {"with PQLs": BLUE, "without": ORANGE}
_SHOWN = 5
_THOUSAND = 1_000


def write_payback(found: PaybackReport) -> Report:
    """Return when salespeople have paid for themselves."""
    told = found.payback
    both = {"with PQLs": told.with_engine, "without": told.without_engine}
    rows = tuple(
        (title, *(write(course) for course in both.values())) for title, write in _LINES.items()
    )
    usual = told.usual
    others = (
        f"Self-serve alone usually pays back in {_between(usual.pure_plg)} months, selling alone "
        f"in {_between(usual.sales_led)}."
    )
    sources = tuple((name, source) for name, source in told.sources)
    shown = Picture(
        "cash",
        "All the cash so far",
        "The middle future, and the middle 80 of 100.",
        draw_cash(told, found.currency),
    )
    about = (
        f"{counted(told.reps, 'rep')}, {told.trials:,} futures of {told.horizon} months, as of "
        f"{found.as_of}. Amounts are in {found.currency}."
    )
    return Report(
        "Payback of salespeople",
        about,
        (_paid_back(told.with_engine), f"Without, it is back {_when(told.without_engine)}."),
        (
            Section("Two cases", (others,), Table(("", *both), rows), pictures=(shown,)),
            Section(
                "Where each number is from",
                ("`configuration` is the range in `payback:`; a metric is the company's own.",),
                Table(("input", "from"), sources, frozenset((1,))),
            ),
        ),
    )


def draw_cash(told: Payback, currency: str) -> alt.LayerChart:
    """Draw the cash so far by month, of both cases, each with its middle futures."""
    rows: list[Row] = [
        {
            "case": name,
            "month": month.month,
            "low": (month.cash.p10 or 0) / _THOUSAND,
            "middle": (month.cash.p50 or 0) / _THOUSAND,
            "high": (month.cash.p90 or 0) / _THOUSAND,
        }
        for name, course in zip(_CASES, (told.with_engine, told.without_engine), strict=True)
        for month in course.cash
    ]
    x = alt.X("month:Q", title="Months", axis=alt.Axis(tickMinStep=6))
    colour = alt.Color("case:N", scale=alt.Scale(domain=list(_CASES), range=list(_CASES.values())))
    title = f"Cash so far, thousand {currency}"
    base = alt.Chart(data_of(rows)).encode(x, colour)
    zero = alt.Chart(data_of([{"middle": 0}])).encode(alt.Y("middle:Q"))
    band = base.mark_area(opacity=0.18).encode(alt.Y("low:Q", title=title), alt.Y2("high"))
    line = base.mark_line(strokeWidth=2).encode(
        alt.Y("middle:Q", title=title), strokeDash=alt.StrokeDash("case:N", legend=None)
    )
    return themed(alt.layer(band, zero.mark_rule(color=GREY), line))


def write_pricing(found: PricingReport) -> Report:
    """Return what the price list was found to be."""
    seen = [one for one in found.findings if one.is_seen]
    missing = sorted({name for one in found.findings for name in one.missing_inputs})
    verdict = (
        f"{counted(len(seen), 'thing')} to look at in the price list."
        if seen
        else "Nothing was found against the price list."
    )
    sections = [_finding(one) for one in worst_first(seen)]
    if missing:
        note = "To look for all of it, these would have to be known:"
        sections.append(Section("What is not known", (note,), items=tuple(missing)))
    about = f"As of {found.as_of}. Amounts are in {found.currency}."
    return Report("The price list", about, (verdict,), tuple(sections))


def write_mistakes(found: MistakesReport) -> Report:
    """Return which mistakes are seen, and which cannot be looked for."""
    seen = [one for one in found.findings if one.is_seen]
    verdict = (
        f"{counted(len(seen), 'mistake')} of {len(found.titles)} that are watched for can be seen."
        if seen
        else f"None of the {len(found.titles)} mistakes that are watched for can be seen."
    )
    sections = [_finding(one, found.titles[one.name]) for one in worst_first(seen)]
    unseen = [one for one in found.findings if one.missing_inputs and not one.is_seen]
    if unseen:
        items = tuple(
            f"{found.titles[one.name]}: {', '.join(one.missing_inputs)}" for one in unseen
        )
        note = "To look for these in every way, it would have to be known:"
        sections.append(Section("What is not known", (note,), items=items))
    about = f"As of {found.as_of}. Amounts are in {found.currency}."
    return Report("Mistakes", about, (verdict,), tuple(sections))


def _finding(one: Finding, title: str = "") -> Section:
    named = title or one.name.replace("_", " ").capitalize()
    behind = accounts_behind(one)
    notes = tuple(note for note in (one.seen_as, behind, f"What to do: {one.mend}") if note)
    return Section(f"{named} ({one.severity})", notes)


def accounts_behind(one: Finding) -> str:
    """Name the accounts behind a finding, the first few."""
    accounts = one.evidence.accounts
    if not accounts:
        return ""
    rest = len(accounts) - _SHOWN
    more = f" and {counted(rest, 'other')}" if rest > 0 else ""
    return f"Accounts: {', '.join(accounts[:_SHOWN])}{more}."


def worst_first(seen: Sequence[Finding]) -> list[Finding]:
    """Return findings, the worst first."""
    order = ("high", "medium", "low")
    return sorted(seen, key=lambda one: (order.index(one.severity or "low"), one.name))


# --- payback ----------------------------------------------------------------------------------


def _paid_back(course: Course) -> str:
    usual = f"usually {_between(course.usual)} months"
    return f"With PQLs to work, everything spent is back {_when(course)}; {usual}."


def _when(course: Course) -> str:
    fan = course.payback_month
    if fan.p50 is None:
        return f"within the horizon in only {share(1 - course.never_share)} of futures"
    late = "never" if fan.p90 is None else f"{fan.p90:.0f}"
    return f"after {fan.p50:.0f} months [{fan.p10 or 0:.0f}, {late}]"


def _between(band: tuple[float, float]) -> str:
    return f"{band[0]:.0f} to {band[1]:.0f}"


def _fan(fan: Fan) -> str:
    p10, p50, p90 = (
        "never" if value is None else f"{value:,.0f}" for value in (fan.p10, fan.p50, fan.p90)
    )
    return f"{p50} [{p10}, {p90}]"


_LINES = {
    "payback, months": lambda course: _fan(course.payback_month),
    "never within the horizon": lambda course: share(course.never_share),
    "deepest hole": lambda course: _fan(course.deepest_hole),
    "month of the deepest hole": lambda course: _fan(course.hole_month),
    "quarters that cost more than they bring": lambda course: _fan(course.negative_quarters),
    "new ARR in the second year": lambda course: _fan(course.new_arr),
}
