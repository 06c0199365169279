"""Whether self-serve needs sales beside it, told from the company's own data as of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from groundswell.engine.measuring.advising import report_payback
from groundswell.engine.measuring.gathering import gather
from groundswell.engine.measuring.mistakes import days_for_mistakes, report_mistakes
from groundswell.engine.measuring.overlay_facts import overlay_facts
from groundswell.engine.measuring.tables import build_tables
from groundswell.engine.measuring.weekly import QUARTER, Figures, define
from groundswell.measure.metrics import Measurer, Period
from groundswell.overlay.findings import Finding
from groundswell.overlay.payback import Payback
from groundswell.overlay.pricing import check_pricing
from groundswell.overlay.quarters import Quarter
from groundswell.overlay.signals import quarters_read
from groundswell.overlay.verdict import Verdict, judge_overlay

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.measure.metrics import Figure

_PAYBACK = ("pqls", "pql_conversion", "first_arr", "gross_margin")
"""The metrics that a payback is told from."""


@dataclass(frozen=True)
class OverlayReport:
    """Whether self-serve needs sales beside it, as of a day.

    Attributes:
        company, currency: Whose, and of every amount.
        as_of: What was known by the end of this day was used.
        verdict: What to do, why, and what would change it.
        names: By account of which something is told, its name.
        payback: When salespeople would have paid for themselves.
        pricing: What the price list was found to be.
        mistakes: What was found to be done wrong, and what could not be looked for.
        mistake_titles: What each mistake is called.
    """

    company: str
    currency: str
    as_of: date
    verdict: Verdict
    names: dict[str, str]
    payback: Payback
    pricing: tuple[Finding, ...]
    mistakes: tuple[Finding, ...]
    mistake_titles: dict[str, str]


def report_overlay(loaded: LoadedConfig, computer: Computer, *, as_of: date) -> OverlayReport:
    """Judge whether self-serve needs sales beside it.

    Args:
        loaded: What it is judged by, and what is declared.
        computer: Answers for features; its stores hold the facts and the journal.
        as_of: The day; nothing later is looked at.

    Raises:
        UsageError: Nothing was known by that day.
    """
    quarters = quarters_read(as_of, loaded.overlay)
    ends = [*month_ends(quarters), *days_for_mistakes(as_of)]
    known = gather(loaded, computer, as_of=as_of, ends=ends)
    tables = build_tables(known)
    measurer = Measurer(loaded.metrics, tables.named, tables.missing)
    facts = overlay_facts(loaded, known, measurer, quarters)
    verdict = judge_overlay(facts, loaded.overlay)
    mistakes = report_mistakes(loaded, computer, known, tables, signals_ask=_asks(verdict))
    period = Period(as_of - timedelta(days=QUARTER - 1), as_of)
    figures = Figures(
        period.first, period.last, define(loaded.metrics), tuple(_known(measurer, period))
    )
    today = known.features.filter(as_of=as_of)
    told = sorted(account_ids(verdict))
    named = known.accounts.select("account_id", "name").drop_nulls()
    by_id = dict(named.iter_rows())
    return OverlayReport(
        company=loaded.config.company,
        currency=loaded.config.currency,
        as_of=as_of,
        verdict=verdict,
        names={account: by_id[account] for account in told if account in by_id},
        payback=report_payback(loaded, figures).payback,
        pricing=tuple(
            check_pricing(
                loaded.plans, today, terms=loaded.pricing, limit_at=loaded.config.limits.at
            )
        ),
        mistakes=mistakes.findings,
        mistake_titles=mistakes.titles,
    )


def month_ends(quarters: Iterable[Quarter]) -> list[date]:
    """Return the last days of the months of quarters.

    >>> [str(day) for day in month_ends([Quarter(2026, 1)])]
    ['2026-01-31', '2026-02-28', '2026-03-31']
    """
    found: list[date] = []
    for quarter in quarters:
        for month in (1, 2):
            first_next = quarter.first.replace(month=quarter.first.month + month)
            found.append(first_next - timedelta(days=1))
        found.append(quarter.last)
    return found


def account_ids(verdict: Verdict) -> set[str]:
    """Return the accounts of which a verdict tells something."""
    looked = (
        *(one for told in verdict.signals.values() for one in told),
        *verdict.readiness,
        *verdict.symptoms,
        *verdict.counter_cases,
        *verdict.maturity.pieces,
    )
    return {evidence.account_id for one in looked for evidence in one.evidence}


def _asks(verdict: Verdict) -> bool | None:
    """Return whether the signals ask for people; None where those not known could."""
    if verdict.rule.is_met:
        return True
    return None if verdict.rule.is_open else False


def _known(measurer: Measurer, period: Period) -> list[Figure]:
    return [
        one
        for name in _PAYBACK
        if name in measurer.metrics
        for one in measurer.figures(period, names=[name])
    ]
