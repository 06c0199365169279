"""What salespeople beside self-serve cost, and when they have paid for themselves.

A simulation by month: accounts worked, up to what reps can, times conversion, times deal size, is
what is sold; its margin, as it is paid, against pay, tools and the finding of PQLs. Every number
is drawn from its range, once for each future, and the same futures are looked at with PQLs and
without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from groundswell.config.paybacks import UsualPayback

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.config.paybacks import PaybackTerms, Range, Sales

    Floats = NDArray[np.float64]

YEAR, QUARTER = 12, 3
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Fan:
    """A number in the lower, the middle and the upper futures; None for never."""

    p10: float | None
    p50: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class CashMonth:
    """The cash that came less the cash that went, from the first month on up to the end of this."""

    month: int
    cash: Fan


@dataclass(frozen=True, slots=True)
class Course:
    """What comes of it in one case.

    Attributes:
        cash: By month, counted from 1.
        payback_month: The month from whose end on everything spent is back; None for not within
            the horizon.
        never_share: Share of futures in which it is not.
        deepest_hole: The least that cash comes to, below zero.
        hole_month: When.
        negative_quarters: Quarters that cost more than they bring.
        new_arr: What is sold in the second year, annual.
        usual: Between which months payback usually is.
        is_usual: Whether the middle future is among them; None where nothing says.
    """

    cash: tuple[CashMonth, ...]
    payback_month: Fan
    never_share: float
    deepest_hole: Fan
    hole_month: Fan
    negative_quarters: Fan
    new_arr: Fan
    usual: tuple[float, float]
    is_usual: bool


@dataclass(frozen=True, slots=True)
class Payback:
    """Salespeople with PQLs to work, and without.

    Attributes:
        with_engine: Where PQLs are found.
        without_engine: Where they are not.
        usual: What is usual, of both and of other ways to sell.
        reps, horizon, trials, seed: What was looked at.
        sources: By input, what told it.
    """

    with_engine: Course
    without_engine: Course
    usual: UsualPayback
    reps: int
    horizon: int
    trials: int
    seed: int
    sources: tuple[tuple[str, str], ...]


def simulate_payback(terms: PaybackTerms) -> Payback:
    """Simulate what salespeople cost and bring.

    Args:
        terms: The ranges; where data knows a number, `Range.known` takes the place of one.
    """
    costs = _Costs.drawn(terms)
    usual = terms.usual
    return Payback(
        with_engine=_course(terms, costs, terms.with_engine, usual.with_engine, engine=True),
        without_engine=_course(
            terms, costs, terms.without_engine, usual.without_engine, engine=False
        ),
        usual=usual,
        reps=terms.reps,
        horizon=terms.horizon,
        trials=terms.trials,
        seed=terms.seed,
        sources=_sources(terms),
    )


_DRAWN = (
    *("base", "loaded", "tooling", "pql_infrastructure", "ramp", "margin", "churn", "prepaid"),
    *("accounts", "capacity", "conversion", "acv", "cycle"),
)


def _draw(name: str, given: Range, terms: PaybackTerms) -> Floats:
    """Return one value for each future; those of one name depend on the seed alone."""
    if given.low == given.high:
        return np.full((terms.trials, 1), given.low)
    rng = np.random.default_rng([terms.seed, _DRAWN.index(name)])
    return rng.triangular(given.low, given.likely, given.high, (terms.trials, 1))


@dataclass(frozen=True)
class _Costs:
    """What was drawn for both cases alike, a row for each future."""

    monthly: Floats
    engine: Floats
    ramp: Floats
    margin: Floats
    churn: Floats
    prepaid: Floats

    @classmethod
    def drawn(cls, terms: PaybackTerms) -> _Costs:
        base, loaded = _draw("base", terms.base, terms), _draw("loaded", terms.loaded, terms)
        tooling = _draw("tooling", terms.tooling, terms)
        months = np.arange(terms.horizon)
        # The first year is fully loaded; after it there is pay, the variable part at target.
        rep = np.where(months < YEAR, loaded, 2 * base) / YEAR
        return cls(
            terms.reps * rep + tooling / YEAR,
            _draw("pql_infrastructure", terms.pql_infrastructure, terms),
            _draw("ramp", terms.ramp, terms),
            _draw("margin", terms.margin, terms),
            _draw("churn", terms.churn, terms),
            _draw("prepaid", terms.prepaid, terms),
        )


def _course(
    terms: PaybackTerms, costs: _Costs, sales: Sales, usual: tuple[float, float], *, engine: bool
) -> Course:
    sold = _sold(terms, costs, sales)
    net = _received(sold, costs) * costs.margin - costs.monthly
    if engine:
        net[:, :1] -= costs.engine
    cash = net.cumsum(axis=1)
    paid_back = _payback(cash)
    whole = terms.horizon // QUARTER * QUARTER
    quarters = net[:, :whole].reshape(len(net), -1, QUARTER).sum(axis=2)
    payback = _fan(paid_back)
    spread = np.quantile(cash, QUANTILES, axis=0)
    return Course(
        cash=tuple(
            CashMonth(month, Fan(*(float(value) for value in spread[:, month - 1])))
            for month in range(1, terms.horizon + 1)
        ),
        payback_month=payback,
        never_share=float(np.isinf(paid_back).mean()),
        deepest_hole=_fan(np.minimum(cash.min(axis=1), 0)),
        hole_month=_fan(cash.argmin(axis=1) + 1.0),
        negative_quarters=_fan((quarters < 0).sum(axis=1).astype(np.float64)),
        new_arr=_fan(sold[:, YEAR : 2 * YEAR].sum(axis=1)),
        usual=usual,
        is_usual=payback.p50 is not None and usual[0] <= payback.p50 <= usual[1],
    )


def _sold(terms: PaybackTerms, costs: _Costs, sales: Sales) -> Floats:
    """Return the annual revenue signed in each month."""
    months = np.arange(terms.horizon)
    # Half a month in, so that a ramp of none is none.
    with np.errstate(divide="ignore"):
        ramped = np.minimum((months + 0.5) / costs.ramp, 1.0)
    can = terms.reps * _draw("capacity", sales.capacity, terms) * ramped
    worked = np.minimum(can, _draw("accounts", sales.accounts, terms))
    value = _draw("conversion", sales.conversion, terms) * _draw("acv", sales.acv, terms)
    delay = np.rint(_draw("cycle", sales.cycle, terms)).astype(np.int64)
    begun = months - delay
    return np.where(
        begun >= 0, np.take_along_axis(worked * value, np.maximum(begun, 0), axis=1), 0.0
    )


def _received(sold: Floats, costs: _Costs) -> Floats:
    """Return what customers pay in each month: some a year ahead, the others monthly."""
    horizon = sold.shape[1]
    kept = (1 - costs.churn) ** (1 / YEAR)
    monthly, ahead = np.zeros_like(sold), np.zeros_like(sold)
    paying = np.zeros((len(sold), 1))
    for month in range(horizon):
        paying = paying * kept + sold[:, month : month + 1]
        monthly[:, month : month + 1] = paying / YEAR
    for year in range(0, horizon, YEAR):
        ahead[:, year:] += sold[:, : horizon - year] * kept**year
    return monthly * (1 - costs.prepaid) + ahead * costs.prepaid


def _payback(cash: Floats) -> Floats:
    """Return the month from whose end on cash is never below zero again; infinite for none."""
    horizon = cash.shape[1]
    below = cash < 0
    last = np.where(below.any(axis=1), horizon - below[:, ::-1].argmax(axis=1), 0)
    return np.where(last >= horizon, np.inf, last + 1.0)


def _fan(values: Floats) -> Fan:
    """Return values of futures that were drawn, so that never stays never."""
    found = np.quantile(values, QUANTILES, method="inverted_cdf")
    return Fan(*(float(value) if np.isfinite(value) else None for value in found))


def _sources(terms: PaybackTerms) -> tuple[tuple[str, str], ...]:
    shared = ("base", "loaded", "tooling", "pql_infrastructure", "ramp", "margin", "churn")
    found = [(name, getattr(terms, name).source) for name in (*shared, "prepaid")]
    for case in ("with_engine", "without_engine"):
        sales: Sales = getattr(terms, case)
        names = ("accounts", "capacity", "conversion", "acv", "cycle")
        found += [(f"{case}.{name}", getattr(sales, name).source) for name in names]
    return tuple(found)
