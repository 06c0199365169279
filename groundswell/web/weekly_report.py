"""The weekly report in words, tables and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.measure.forecasts import LEVEL
from groundswell.web.advice_report import worst_first
from groundswell.web.document import Picture, Report, Section, Table
from groundswell.web.weekly_pictures import draw_movements, draw_weeks_so_far
from groundswell.web.wording import NOT_KNOWN, counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from groundswell.engine.measuring.channels import Channel
    from groundswell.engine.measuring.mistakes import MistakesReport
    from groundswell.engine.measuring.weekly import Definition, Flow, Said, WeeklyReport
    from groundswell.measure.estimates import Estimate
    from groundswell.measure.forecasts import Checked, Forecast
    from groundswell.measure.funnels import FunnelFigure
    from groundswell.measure.metrics import Figure
    from groundswell.measure.recurring import Reconciled

BUCKETS = {
    "product_sourced": "product-sourced",
    "sales_converted": "sales-converted, shared",
    "sales_sourced": "sales-sourced",
}
OWNERS = {
    "product": "What product answers for",
    "sales": "What sales answers for",
    "shared": "What both answer for",
}
_SAID = {
    "declined": "Handoffs declined",
    "lost": "Opportunities lost",
    "lost to": "Lost to",
    "ticket": "Tickets",
}
_NAMED_ACCOUNTS = 3


def report_weekly(found: WeeklyReport, *, title: str) -> Report:
    """Return what the weekly report says.

    Args:
        found: The week.
        title: What stands on top of it.
    """
    metrics = found.definitions
    sections = [
        _week(found, metrics),
        *(owned_metrics(found, metrics, owner) for owner in OWNERS),
        *(funnel_section(one) for one in found.funnels),
        _forecasts(found),
        _months(found),
        *channel_sections(found.channels),
        score_section(found),
        *_mistakes(found.mistakes),
        _said(found.said),
        _missing(found.missing),
    ]
    about = f"{found.company}, the week to {found.as_of}. Amounts are in {found.currency}."
    return Report(
        title, about, _verdict(found, metrics), tuple(one for one in sections if one is not None)
    )


# --- numbers ----------------------------------------------------------------------------------


def write_value(value: float | None, unit: str) -> str:
    """Write a number of a unit; money comes in cents.

    >>> write_value(0.1234, "share"), write_value(1250000, "money"), write_value(None, "days")
    ('12%', '12,500', 'not known')
    >>> write_value(3.26, "days"), write_value(17.0, "number"), write_value(0.086, "times")
    ('3.3 days', '17', '0.09')
    """
    if value is None:
        return NOT_KNOWN
    if unit == "share":
        return share(value) if value >= 0 else f"-{share(-value)}"
    if unit == "money":
        return f"{value / 100:,.0f}"
    if unit == "times":
        return f"{value:.2f}"
    if unit == "number":
        return f"{value:,.0f}"
    return f"{value:,.1f} {unit}"


def write_estimate(estimate: Estimate, unit: str) -> str:
    """Write a number with its interval."""
    said = write_value(estimate.value, unit)
    if estimate.low is None or estimate.high is None or estimate.value is None:
        return said
    low, high = (write_value(end, unit).removesuffix(f" {unit}") for end in _ends(estimate))
    return f"{said} [{low}, {high}]"


def write_change(change: Estimate, unit: str) -> str:
    """Write a difference with its sign."""
    if change.value is None:
        return ""
    if unit == "share":
        return f"{change.value * 100:+.1f} points" if change.value else "0"
    said = write_value(abs(change.value), unit)
    if not change.value:
        return "0"
    return f"+{said}" if change.value > 0 else f"-{said}"


def _ends(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None, "it has an interval"
    assert estimate.high is not None, "it has an interval"
    return estimate.low, estimate.high


def is_news(change: Estimate) -> bool:
    """Tell whether a difference is more than what comes and goes by itself."""
    if change.low is None or change.high is None:
        return False
    return change.low > 0 or change.high < 0


# --- sections ---------------------------------------------------------------------------------


def _verdict(found: WeeklyReport, metrics: Mapping[str, Definition]) -> tuple[str, ...]:
    told = [_moved(line, metrics) for line in found.flow if is_news(line.figure.change)]
    first = (
        "More than comes and goes by itself: " + "; ".join(told) + "."
        if told
        else "No count of the week differs from the week before by more than comes and goes."
    )
    off = [
        f"{title_of(one, metrics[one.metric])} is "
        f"{write_value(one.estimate.value, metrics[one.metric].unit)}, "
        f"{say_goal(metrics[one.metric])}"
        for one in found.figures
        if misses_goal(one, metrics[one.metric])
    ]
    goals = ("Surely off their goals: " + "; ".join(off) + ".",) if off else ()
    return (first, *goals, *found.warnings)


def _moved(line: Flow, metrics: Mapping[str, Definition]) -> str:
    metric = metrics[line.figure.metric]
    return (
        f"{metric.title} {write_value(line.figure.estimate.value, metric.unit)}, "
        f"{write_change(line.figure.change, metric.unit)}"
    )


def say_goal(metric: Definition) -> str:
    """Say what a metric should be."""
    word = "at most" if metric.better == "lower" else "at least"
    return f"and should be {word} {write_value(metric.goal, metric.unit)}"


def misses_goal(one: Figure, metric: Definition) -> bool:
    """Tell whether even the better end of the interval misses the goal."""
    if metric.goal is None or one.estimate.low is None or one.estimate.high is None:
        return False
    if metric.better == "lower":
        return one.estimate.low > metric.goal
    return one.estimate.high < metric.goal


def _week(found: WeeklyReport, metrics: Mapping[str, Definition]) -> Section:
    rows = [
        (
            metrics[line.figure.metric].title,
            write_value(line.figure.estimate.value, "number"),
            write_value(line.figure.before.value, "number"),
            write_change(line.figure.change, "number"),
            "" if line.rate is None else share(line.rate),
        )
        for line in found.flow
    ]
    heads = ("the week", "this week", "the week before", "change", "of the line before")
    drawn = [line for line in found.flow if any(count is not None for _, count in line.trend)]
    titles = {line.figure.metric: metrics[line.figure.metric].title for line in drawn}
    shown = Picture(
        "weeks",
        "The last weeks",
        "Each line on a scale of its own.",
        draw_weeks_so_far(drawn, titles),
    )
    return Section(
        "The week",
        ("Counts of the same days: who comes to a line need not be of the line before.",),
        Table(heads, tuple(rows)),
        pictures=(shown,) if drawn else (),
    )


def owned_metrics(
    found: WeeklyReport, metrics: Mapping[str, Definition], owner: str
) -> Section | None:
    """Return the metrics of an owner over the last quarter, those that have a number."""
    own = [one for one in found.figures if metrics[one.metric].owner == owner]
    rows = [
        _row(one, metrics[one.metric], found.as_of) for one in own if one.estimate.value is not None
    ]
    if not rows:
        return None
    without = sorted({metrics[one.metric].title for one in own if one.estimate.value is None})
    told = (f"Nothing is known yet of: {', '.join(without)}.",) if without else ()
    heads = ("over 13 weeks", "value", "change", "usual or goal", "up to")
    said = (
        "In brackets, what holds the number in 95 of 100 draws of the accounts. Where it is told "
        "up to another day, those who came later had no time yet."
    )
    return Section(
        OWNERS[owner],
        (said, *told),
        Table(heads, tuple(rows), words=frozenset((4,))),
    )


def _row(one: Figure, metric: Definition, as_of: date) -> tuple[str, ...]:
    change = write_change(one.change, metric.unit)
    return (
        title_of(one, metric),
        write_estimate(one.estimate, metric.unit),
        f"{change} (news)" if is_news(one.change) else change,
        _usual(metric),
        "" if one.last == as_of else str(one.last),
    )


def title_of(one: Figure, metric: Definition) -> str:
    """Return what a figure is called, with its motion."""
    if not metric.by_motion or one.motion is None:
        return metric.title
    return f"{metric.title}, {one.motion.replace('_', ' ')}"


def _usual(metric: Definition) -> str:
    if metric.usual is not None:
        low, high = metric.usual
        if low is not None and high is not None:
            return f"{write_value(low, metric.unit)} to {write_value(high, metric.unit)}"
        return write_value(low if low is not None else high, metric.unit)
    return "" if metric.goal is None else f"goal {write_value(metric.goal, metric.unit)}"


def funnel_section(found: FunnelFigure) -> Section | None:
    """Return the funnel of a motion; None where nobody began it."""
    if not found.stages[0].reached:
        return None
    rows = tuple(
        (
            stage.title,
            f"{stage.reached:,}",
            "" if stage.of_before.value is None else write_estimate(stage.of_before, "share"),
            "" if stage.of_first.value is None else write_estimate(stage.of_first, "share"),
            "" if stage.median_days is None else f"{stage.median_days:,.0f}",
        )
        for stage in found.stages
    )
    heads = ("stage", "accounts", "of the stage before", "of the first", "days, median")
    return Section(
        f"Funnel: {found.title.lower()}",
        (
            (
                f"Accounts that began it from {found.first} to {found.last}: each had "
                f"{found.within} days since."
            ),
        ),
        Table(heads, rows),
    )


def _forecasts(found: WeeklyReport) -> Section | None:
    rows = [
        _forecast(made, checked)
        for made, checked in zip(found.forecasts, found.checks, strict=True)
        if made.customers.value is not None and made.customers.value > 0
    ]
    if not rows:
        return None
    without = [
        f"{made.motion.replace('_', ' ')}: {made.missing}"
        for made in found.forecasts
        if made.missing
    ]
    days = found.forecasts[0].days
    heads = ("motion", "customers", f"ARR, {found.currency}", "held before", "off by, mean")
    return Section(
        f"The next {days} days",
        (
            (
                f"In brackets, what is to hold what comes in {LEVEL * 100:.0f} of 100 quarters. "
                "`Held before` says of how many forecasts of past days it did; trust it no more "
                "than that."
            ),
        ),
        Table(heads, tuple(rows)),
        items=tuple(without),
    )


def _forecast(made: Forecast, checked: Checked) -> tuple[str, ...]:
    held = checked.held.value
    hits = "" if held is None else f"{held * checked.origins:.0f} of {checked.origins}"
    return (
        made.motion.replace("_", " "),
        write_estimate(made.customers, "number"),
        write_estimate(made.cents, "money"),
        hits,
        "" if checked.error is None else f"{checked.error:+.0%}",
    )


def _months(found: WeeklyReport) -> Section | None:
    months = [month for month in found.months if month.opening or month.closing]
    if not months:
        return None
    kinds = list(months[0].moved)
    rows = tuple(_month(month, kinds) for month in months)
    left = sum(abs(month.difference) for month in months)
    said = (
        "Opening, movements and closing agree to the cent in every month."
        if not left
        else f"The months do not agree: {left / 100:,.2f} is left over."
    )
    shown = Picture(
        "movements",
        "How ARR moved",
        "By month; the line is what was left of it.",
        draw_movements(months, found.currency),
    )
    return Section(
        "ARR by month",
        (said,),
        Table(("month", "opening", *kinds, "closing"), rows),
        pictures=(shown,),
    )


def _month(month: Reconciled, kinds: Sequence[str]) -> tuple[str, ...]:
    moved = (f"{month.moved[kind] / 100:+,.0f}" if month.moved[kind] else "" for kind in kinds)
    return (
        f"{month.first:%Y-%m}",
        f"{month.opening / 100:,.0f}",
        *moved,
        f"{month.closing / 100:,.0f}",
    )


def channel_sections(channels: Sequence[Channel]) -> Iterator[Section]:
    """Return how the revenue of the last 13 weeks came about; nothing where none did."""
    whole = sum(one.gained_cents for one in channels)
    if not channels:
        return
    rows = tuple(
        (
            BUCKETS[one.bucket],
            one.motion.replace("_", " "),
            write_value(one.gained_cents, "money"),
            share(one.gained_cents / whole) if whole else "",
            write_value(one.before_cents, "money"),
            _accounts(one.accounts),
        )
        for one in channels
    )
    yield Section(
        "Channel mix",
        ("New and expanded ARR of 13 weeks, each dollar in one bucket; beside it the 13 before.",),
        Table(
            ("bucket", "motion", "ARR", "of all", "before", "accounts"),
            rows,
            frozenset((1,)),
            frozenset((5,)),
        ),
    )


def score_section(found: WeeklyReport) -> Section:
    """Say whether the score tells buyers from others, and whether contact helps."""
    auc = found.accuracy
    told = (
        "Too few accounts bought, or did not, to say how well the score tells them apart."
        if auc.value is None or auc.low is None or auc.high is None
        else (
            "The score of 90 days ago ranks who has bought or grown since above who has not "
            f"{share(auc.value)} of the time [{share(auc.low)}, {share(auc.high)}]; half is chance."
        )
    )
    return Section("The score, and whether contact helps", (told, found.uplift))


def _mistakes(found: MistakesReport) -> Iterator[Section]:
    seen = worst_first([one for one in found.findings if one.is_seen])
    if seen:
        items = tuple(
            f"{found.titles[one.name]} ({one.severity}): {one.seen_as} {one.mend}" for one in seen
        )
        yield Section("Mistakes that can be seen", items=items)


def _said(said: Sequence[Said]) -> Section | None:
    if not said:
        return None
    rows = tuple(
        (_SAID[one.kind], one.what, f"{one.count:,}", _accounts(one.accounts)) for one in said
    )
    return Section(
        "What people said",
        ("Of the last 13 weeks; the accounts behind it, the latest first.",),
        Table(("where", "what", "times", "accounts"), rows, frozenset((1,)), frozenset((3,))),
    )


def _accounts(accounts: Sequence[str]) -> str:
    shown = ", ".join(accounts[:_NAMED_ACCOUNTS])
    rest = len(accounts) - _NAMED_ACCOUNTS
    return f"{shown} and {counted(rest, 'other')}" if rest > 0 else shown


def _missing(missing: Sequence[str]) -> Section | None:
    if not missing:
        return None
    return Section(
        "What is not known", ("Nothing here is guessed. To know it:",), items=tuple(missing)
    )
