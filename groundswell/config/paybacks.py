"""`payback:` resolved: every range as what it lies between, and where it most likely is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.config.quantities import parse_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.config.findings import Findings, Key
    from groundswell.config.payback_schema import PaybackBlock, SaleRanges


@dataclass(frozen=True, slots=True)
class Range:
    """Between what a number lies, and where it most likely does.

    Attributes:
        low, likely, high: The range; all the same for what is known.
        source: What told it.
    """

    low: float
    likely: float
    high: float
    source: str = "configuration"

    @classmethod
    def known(cls, value: float, *, source: str) -> Range:
        """Return the range of a number that is known."""
        return cls(value, value, value, source)


@dataclass(frozen=True, slots=True)
class Sales:
    """What there is to work a month, what a rep can, and what comes of it."""

    accounts: Range
    capacity: Range
    conversion: Range
    acv: Range
    cycle: Range


@dataclass(frozen=True, slots=True)
class UsualPayback:
    """How many months it usually takes until all that was spent is back."""

    with_engine: tuple[float, float]
    without_engine: tuple[float, float]
    pure_plg: tuple[float, float]
    sales_led: tuple[float, float]
    negative_quarters: tuple[float, float]


@dataclass(frozen=True, slots=True)
class PaybackTerms:
    """What the payback of salespeople is told from; amounts in the currency of the project.

    Attributes:
        reps, horizon, trials, seed: How many, over how many months, in how many futures.
        base: Pay of a rep a year; variable pay is as much again.
        loaded: What a rep costs in the first year.
        tooling: A year.
        pql_infrastructure: Once, where PQLs are found.
        ramp: Months until a rep works at capacity.
        margin, churn, prepaid: Of recurring revenue.
        with_engine, without_engine: What is sold.
        usual: What is usual.
    """

    reps: int
    horizon: int
    trials: int
    seed: int
    base: Range
    loaded: Range
    tooling: Range
    pql_infrastructure: Range
    ramp: Range
    margin: Range
    churn: Range
    prepaid: Range
    with_engine: Sales
    without_engine: Sales
    usual: UsualPayback


def resolve_payback(block: PaybackBlock, *, findings: Findings) -> PaybackTerms:
    """Return what payback is told from; `findings` is told of everything that is wrong."""
    cost, usual = block.cost, block.benchmarks

    def amounts(values: Sequence[float], *key: str) -> Range:
        return _range(values, ("payback", *key), findings)

    def shares(texts: Sequence[str], *key: str) -> Range:
        return amounts([parse_share(text) for text in texts], *key)

    def sales(given: SaleRanges, name: str) -> Sales:
        return Sales(
            amounts(given.accounts, name, "accounts"),
            amounts(given.capacity, name, "capacity"),
            shares(given.conversion, name, "conversion"),
            amounts(given.acv, name, "acv"),
            amounts(given.cycle, name, "cycle"),
        )

    def months(values: Sequence[float], name: str) -> tuple[float, float]:
        band = amounts(values, "benchmarks", name)
        return band.low, band.high

    return PaybackTerms(
        reps=block.reps,
        horizon=block.horizon,
        trials=block.trials,
        seed=block.seed,
        base=amounts(cost.base, "cost", "base"),
        loaded=amounts(cost.loaded, "cost", "loaded"),
        tooling=amounts(cost.tooling, "cost", "tooling"),
        pql_infrastructure=amounts(cost.pql_infrastructure, "cost", "pql_infrastructure"),
        ramp=amounts(block.ramp, "ramp"),
        margin=shares(block.margin, "margin"),
        churn=shares(block.churn, "churn"),
        prepaid=shares(block.prepaid, "prepaid"),
        with_engine=sales(block.with_engine, "with_engine"),
        without_engine=sales(block.without_engine, "without_engine"),
        usual=UsualPayback(
            months(usual.with_engine, "with_engine"),
            months(usual.without_engine, "without_engine"),
            months(usual.pure_plg, "pure_plg"),
            months(usual.sales_led, "sales_led"),
            months(usual.negative_quarters, "negative_quarters"),
        ),
    )


def _range(values: Sequence[float], key: Key, findings: Findings) -> Range:
    low, high = values[0], values[-1]
    likely = values[1] if len(values) > len((low, high)) else (low + high) / 2
    if not low <= likely <= high:
        what = f"The range of `{key[-1]}` does not ascend."
        findings.tell(key, "config-band-order", what, "Write the lowest first, the highest last.")
    return Range(float(low), float(likely), float(high))
