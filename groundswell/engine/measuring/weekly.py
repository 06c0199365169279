"""The weekly report: what moved last week, what each motion brings, and what people said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.engine.measuring.accuracy import score_accuracy
from groundswell.engine.measuring.channels import Channel, mix_channels
from groundswell.engine.measuring.gathering import Gathered, gather
from groundswell.engine.measuring.mistakes import (
    OUTCOME_DAYS,
    MistakesReport,
    days_for_mistakes,
    report_mistakes,
)
from groundswell.engine.measuring.tables import Tables, build_tables
from groundswell.engine.measuring.uplift import report_uplift
from groundswell.handoff.life import DECLINE_REASONS
from groundswell.measure.estimates import Estimate
from groundswell.measure.forecasts import (
    Checked,
    Forecast,
    check_forecasts,
    forecast_pipeline,
    forecast_self_serve,
    paid_between,
    won_between,
)
from groundswell.measure.funnels import FunnelFigure, count_funnel
from groundswell.measure.metrics import Figure, Measurer, Period
from groundswell.measure.recurring import Reconciled, reconcile
from groundswell.model import Motion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.metrics import Metric
    from groundswell.engine.computing import Computer

WEEK, QUARTER = 7, 91
TREND_WEEKS = 13
FORECAST_DAYS = 91
FLOW = (
    "signups",
    "activations",
    "pqls",
    "self_serve_customers",
    "touches",
    "assisted_customers",
)
"""The metrics of the week's table, in the order in which accounts come to them."""

MOST_SAID = 8
_CHECKS, _APART = 6, 28


@dataclass(frozen=True, slots=True)
class Definition:
    """What a metric is, for who reads it.

    Attributes:
        name, title, owner, doc: What it is, and who answers for it.
        formula: How it is counted, as written.
        by_motion: Whether it is told once for each motion.
        unit, better, usual, goal: How it is read.
    """

    name: str
    title: str
    owner: str
    doc: str
    formula: str
    by_motion: bool
    unit: str
    better: str | None
    usual: tuple[float | None, float | None] | None
    goal: float | None

    @classmethod
    def of(cls, metric: Metric) -> Definition:
        """Return what a configured metric is."""
        said = " / ".join(one.text for one in metric.of) or "rows"
        among = f", among {metric.among.text}" if metric.among is not None else ""
        table = f" of {metric.table}" if metric.table else ""
        formula = said if metric.how == "formula" else f"{metric.how} {said}{table}{among}"
        return cls(
            metric.name,
            metric.title,
            metric.owner,
            metric.doc,
            formula,
            metric.by_motion,
            metric.unit,
            metric.better,
            metric.usual,
            metric.goal,
        )


@dataclass(frozen=True)
class Figures:
    """Every metric of a period, with what each is."""

    first: date
    last: date
    definitions: dict[str, Definition]
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """A line of the week's table.

    Attributes:
        figure: The week, the week before, and the difference.
        trend: The last day and the number of each of the last weeks.
        rate: To the line before; None for the first, or where nothing came.
    """

    figure: Figure
    trend: tuple[tuple[date, float | None], ...]
    rate: float | None


@dataclass(frozen=True, slots=True)
class Said:
    """Something that people said, and of which accounts.

    Attributes:
        kind: `declined`, `lost`, `lost to` or `ticket`.
        what: The reason, the competitor or the topic.
        count: How often in the last quarter.
        accounts: Who, the latest first.
    """

    kind: str
    what: str
    count: int
    accounts: tuple[str, ...]


@dataclass(frozen=True)
class WeeklyReport:
    """The weekly report.

    Attributes:
        company, currency: Whose, and of every amount.
        as_of: The last day of the week.
        definitions: What each metric is, by name.
        flow: The week in numbers.
        figures: Every metric over the last quarter.
        funnels: One for each motion.
        forecasts: Of each motion, for the next quarter.
        checks: How such forecasts came true before.
        months: Movements of ARR of each of the last months, reconciled.
        said: What people said.
        channels: How the revenue of the last 13 weeks came about.
        accuracy: AUC of the score in use, by who paid more in the 90 days since.
        uplift: Whether contact helps, in a sentence.
        mistakes: Those that are seen.
        missing: What would have to be known, each once.
        warnings: What is to be known of the score.
    """

    company: str
    currency: str
    as_of: date
    definitions: dict[str, Definition]
    flow: tuple[Flow, ...]
    figures: tuple[Figure, ...]
    funnels: tuple[FunnelFigure, ...]
    forecasts: tuple[Forecast, ...]
    checks: tuple[Checked, ...]
    months: tuple[Reconciled, ...]
    said: tuple[Said, ...]
    channels: tuple[Channel, ...]
    accuracy: Estimate
    uplift: str
    mistakes: MistakesReport
    missing: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def report_week(
    loaded: LoadedConfig,
    computer: Computer,
    *,
    as_of: date,
    warnings: Sequence[str] = (),
    known: Gathered | None = None,
    seed: int = 0,
) -> WeeklyReport:
    """Make the report of the week that ends with a day.

    Args:
        loaded: What is measured.
        computer: Answers for features; its stores hold the facts and the journal.
        as_of: The last day of the week; nothing later is looked at.
        warnings: What is to be known of the score.
        known: What is known by the day, with the days of `ends_of_week`, where it was gathered.
        seed: Of all draws.

    Raises:
        UsageError: Nothing was known by that day.
    """
    if known is None:
        known = gather(loaded, computer, as_of=as_of, ends=ends_of_week(as_of))
    tables = build_tables(known)
    measurer = Measurer(loaded.metrics, tables.named, tables.missing, seed)
    week = Period(as_of - timedelta(days=WEEK - 1), as_of)
    quarter = Period(as_of - timedelta(days=QUARTER - 1), as_of)
    figures = measurer.figures(quarter)
    forecasts = _forecasts(tables, known, seed)
    missing = dict.fromkeys(figure.missing for figure in figures if figure.missing)
    return WeeklyReport(
        company=loaded.config.company,
        currency=loaded.config.currency,
        as_of=as_of,
        definitions=define(loaded.metrics),
        flow=tuple(_flow(measurer, week)),
        figures=tuple(figures),
        funnels=tuple(
            count_funnel(funnel, tables.journeys, quarter) for funnel in loaded.funnels.values()
        ),
        forecasts=tuple(made for made, _ in forecasts),
        checks=tuple(checked for _, checked in forecasts),
        months=tuple(reconcile(known.subscriptions, _months(as_of), as_of=as_of)),
        said=tuple(said_by(known, quarter)),
        channels=mix_channels(loaded, computer, known, tables),
        accuracy=score_accuracy(loaded, known, then=as_of - timedelta(days=OUTCOME_DAYS)),
        uplift=report_uplift(loaded, computer, known, tables).sentence,
        mistakes=report_mistakes(loaded, computer, known, tables),
        missing=tuple(missing),
        warnings=tuple(warnings),
    )


def define(metrics: Mapping[str, Metric]) -> dict[str, Definition]:
    """Return what each metric is."""
    return {name: Definition.of(metric) for name, metric in metrics.items()}


def ends_of_week(as_of: date) -> list[date]:
    """Return the days of which features have to be known for the weekly report."""
    return [*ends_for(as_of), *days_for_mistakes(as_of)]


def ends_for(as_of: date) -> list[date]:
    """Return the days on which balances have to be known: last days of weeks, and a year's."""
    weeks = [as_of - timedelta(days=WEEK * back) for back in range(TREND_WEEKS + 1)]
    return [*weeks, as_of - timedelta(days=QUARTER)]


def _flow(measurer: Measurer, week: Period) -> list[Flow]:
    found: list[Flow] = []
    for name in FLOW:
        if name not in measurer.metrics:
            continue
        figure = measurer.figure(name, week)
        trend = tuple(measurer.trend(name, week, TREND_WEEKS))
        before = found[-1].figure.estimate.value if found else None
        value = figure.estimate.value
        rate = value / before if value is not None and before else None
        found.append(Flow(figure, trend, rate))
    return found


def _forecasts(tables: Tables, known: Gathered, seed: int) -> list[tuple[Forecast, Checked]]:
    """Return the forecast of every motion, and how such forecasts came true."""
    accounts, deals = tables.named["accounts"], tables.deals
    found: list[tuple[Forecast, Checked]] = []
    for motion in Motion:
        made, came = _of_motion(motion, accounts, deals, known.stages, seed)
        last = known.as_of - timedelta(days=FORECAST_DAYS)
        origins = [last - timedelta(days=_APART * back) for back in range(_CHECKS)]
        found.append((made(known.as_of), check_forecasts(motion, made, came, origins)))
    return found


def _of_motion(
    motion: Motion, accounts: pl.DataFrame, deals: pl.DataFrame, stages: pl.DataFrame, seed: int
) -> tuple[Callable[[date], Forecast], Callable[[date, date], float]]:
    """Return what forecasts a motion from a day on, and what counts what came."""
    if motion is Motion.SELF_SERVE:
        return (
            lambda day: forecast_self_serve(accounts, as_of=day, days=FORECAST_DAYS, seed=seed),
            lambda after, until: paid_between(accounts, after, until),
        )
    return (
        lambda day: forecast_pipeline(
            motion, deals, stages, as_of=day, days=FORECAST_DAYS, seed=seed
        ),
        lambda after, until: won_between(motion, deals, after, until),
    )


def _months(as_of: date) -> list[tuple[date, date]]:
    """Return the first and last days of the last calendar months that are over, ascending."""
    found: list[tuple[date, date]] = []
    first_next = (as_of + timedelta(days=1)).replace(day=1)
    last = first_next - timedelta(days=1)
    for _ in range(12):
        found.append((last.replace(day=1), last))
        last = last.replace(day=1) - timedelta(days=1)
    return found[::-1]


def said_by(known: Gathered, period: Period) -> list[Said]:
    """Count what people said in a period: why they declined or lost, and of what they asked.

    Args:
        known: Handoffs, opportunities and tickets.
        period: Which days count.
    """
    closed = pl.col("closed_at").dt.date().is_between(period.first, period.last)
    handoffs = known.handoffs.filter(closed & pl.col("reason").is_not_null())
    declined = handoffs.filter(pl.col("state") == "declined").with_columns(
        pl.col("reason").replace(DECLINE_REASONS)
    )
    lost = known.opportunities.filter(closed & (pl.col("won") == pl.lit(value=False)))
    asked = known.tickets.filter(pl.col("at").dt.date().is_between(period.first, period.last))
    return [
        *_said("declined", declined, "reason", "closed_at"),
        *_said("lost", lost, "lost_reason", "closed_at"),
        *_said("lost to", lost, "competitor", "closed_at"),
        *_said("ticket", asked, "topic", "at"),
    ]


def _said(kind: str, rows: pl.DataFrame, what: str, at: str) -> list[Said]:
    told = rows.filter(pl.col(what).is_not_null()).sort(at, descending=True)
    counts = Counter(told[what].to_list())
    accounts: dict[str, list[str]] = {}
    for name, account in told.select(what, "account_id").iter_rows():
        if account not in accounts.setdefault(name, []):
            accounts[name].append(account)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_SAID]
    return [Said(kind, name, count, tuple(accounts[name])) for name, count in ranked]
