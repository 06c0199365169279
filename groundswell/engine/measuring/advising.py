"""Whether prices and salespeople go with the company, told from its own data where it knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from groundswell.config.paybacks import Range
from groundswell.overlay.findings import Finding
from groundswell.overlay.payback import Payback, simulate_payback
from groundswell.overlay.pricing import check_pricing

if TYPE_CHECKING:
    import polars as pl

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.paybacks import PaybackTerms, Sales
    from groundswell.engine.measuring.weekly import Figures
    from groundswell.measure.estimates import Estimate

MONTHS_OF_A_QUARTER = 3
LARGER = (1.2, 1.3)
"""How many times as large deals from PQLs usually are."""

_FEWEST = 5
"""Accounts that a number is told from, below which the configured range stays."""


@dataclass(frozen=True)
class PaybackReport:
    """When salespeople have paid for themselves, as of a day.

    Attributes:
        as_of: What was known by this day was used.
        currency: Of every amount.
        payback: The simulation.
    """

    as_of: date
    currency: str
    payback: Payback


@dataclass(frozen=True)
class PricingReport:
    """What the price list was found to be, as of a day.

    Attributes:
        as_of: What was known by this day was used.
        currency: Of every amount.
        findings: What was found, and what could not be looked for.
    """

    as_of: date
    currency: str
    findings: tuple[Finding, ...]


def report_payback(loaded: LoadedConfig, figures: Figures) -> PaybackReport:
    """Simulate when salespeople have paid for themselves.

    Args:
        loaded: What they cost, and the ranges of what is not known.
        figures: The metrics of a quarter: what the company knows takes the place of a range.
    """
    terms = known_terms(loaded.payback, figures)
    return PaybackReport(figures.last, loaded.config.currency, simulate_payback(terms))


def known_terms(terms: PaybackTerms, figures: Figures) -> PaybackTerms:
    """Return the terms with what the company knows: its PQLs, conversion, first ARR and margin."""
    found = {one.metric: one.estimate for one in figures.figures if one.motion is None}
    sales = terms.with_engine
    sales = replace(
        sales,
        accounts=_known(found.get("pqls"), sales.accounts, "pqls", 1 / MONTHS_OF_A_QUARTER),
        conversion=_known(found.get("pql_conversion"), sales.conversion, "pql_conversion"),
        acv=_known(found.get("first_arr"), sales.acv, "first_arr", 1 / 100),
    )
    terms = replace(terms, with_engine=sales, without_engine=_smaller(terms.without_engine, sales))
    margin = found.get("gross_margin")
    if margin is None or margin.value is None:
        return terms
    return replace(terms, margin=Range.known(margin.value, source="metric gross_margin"))


def _smaller(without: Sales, sales: Sales) -> Sales:
    """Return sales without PQLs, with deals of this company, smaller as they usually are."""
    acv = sales.acv
    if acv.source == "configuration":
        return without
    low, high = LARGER
    middle = (low + high) / 2
    source = f"{acv.source}, less {low - 1:.0%} to {high - 1:.0%}"
    told = Range(acv.low / high, acv.likely / middle, acv.high / low, source)
    return replace(without, acv=told)


def _known(estimate: Estimate | None, otherwise: Range, metric: str, scale: float = 1.0) -> Range:
    """Return the range of a metric; the configured one where it is told from too few accounts."""
    if estimate is None or estimate.value is None or estimate.n < _FEWEST:
        return otherwise
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    source = f"metric {metric}"
    return Range(low * scale, estimate.value * scale, high * scale, source)


def report_pricing(loaded: LoadedConfig, features: pl.DataFrame, as_of: date) -> PricingReport:
    """Check the price list.

    Args:
        loaded: The price list, and what it is checked by.
        features: One row per account, as of the day.
        as_of: The day.
    """
    findings = check_pricing(
        loaded.plans, features, terms=loaded.pricing, limit_at=loaded.config.limits.at
    )
    return PricingReport(as_of, loaded.config.currency, tuple(findings))
