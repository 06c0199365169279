"""What each receipt is worth to a rep, and what later losses leave of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from groundswell.measure.commissions.baselines import Baseline, Baselines
from groundswell.measure.commissions.columns import checked_receipts, half_even

if TYPE_CHECKING:
    import polars as pl

    from groundswell.config.commissions import CommissionPlan

_EXPANSION = "expansion"


@dataclass(frozen=True, slots=True)
class Loss:
    """What was taken from a line again.

    Attributes:
        day: When.
        why: `clawback`, or `gate` where the base was gone at its renewal.
        left_cents: Credited revenue that is left of the line.
    """

    day: date
    why: Literal["clawback", "gate"]
    left_cents: int


@dataclass(frozen=True, slots=True)
class Line:
    """A receipt as a rep is credited with it.

    Attributes:
        receipt_id, account_id, day, movement, bucket, opportunity_id: The receipt.
        rep: Who is credited.
        revenue_cents: What was sold, a year.
        baseline: What was taken off.
        credited_cents: What is left of it; at most all of it.
        rate: Commission of a credited cent, after everything that changes it.
        pay_cents: The commission, rounded half to even.
        reasons: What made it so, in words.
        unknown: What could not be looked at.
        is_untouched: Whether nobody touched it, and it is paid at the rate for that.
        losses: What was taken from it again, in order.
    """

    receipt_id: str
    account_id: str
    day: date
    movement: str
    bucket: str
    opportunity_id: str | None
    rep: str
    revenue_cents: int
    baseline: Baseline
    credited_cents: int
    rate: Fraction
    pay_cents: int
    reasons: tuple[str, ...]
    unknown: tuple[str, ...]
    is_untouched: bool = False
    losses: tuple[Loss, ...] = ()

    def pay_of(self, credited_cents: int) -> int:
        """Return the commission on a part of what is credited."""
        return half_even(credited_cents * self.rate)


def credit_receipts(
    receipts: pl.DataFrame, accounts: pl.DataFrame, *, plan: CommissionPlan
) -> list[Line]:
    """Return a line for every receipt that a rep is credited with, by account and day.

    Args:
        receipts: As `RECEIPTS`; of every account from its first day on.
        accounts: As `EMPLOYEES`.
        plan: What reps are paid for.

    Raises:
        UsageError: One id stands for two receipts, or a receipt is none.
    """
    told = checked_receipts(receipts)
    employees = dict(accounts.select("account_id", "employees").iter_rows())
    baselines = Baselines(told, employees, plan)
    lines: list[Line] = []
    account: _Account | None = None
    for row in told.iter_rows(named=True):
        if account is None or account.account_id != row["account_id"]:
            lines += account.lines() if account is not None else []
            account = _Account(row["account_id"], plan, baselines)
        account.take(row)
    return lines + (account.lines() if account is not None else [])


@dataclass
class _Lot:
    """Dollars that were sold together, as far as they are still there."""

    day: date
    cents: int
    line: Line | None
    left: int
    renewal: date
    losses: list[Loss] = field(default_factory=list["Loss"])


@dataclass
class _Account:
    """Walks the receipts of one account in their order.

    `peaks` are what the account paid before it contracted, less the commissions that came back
    with it: what returns below one within `net_over_days` is no expansion.
    """

    account_id: str
    plan: CommissionPlan
    baselines: Baselines
    arr: int = 0
    peaks: list[tuple[date, int]] = field(default_factory=list[tuple[date, int]])
    since: date | None = None
    lots: list[_Lot] = field(default_factory=list["_Lot"])
    done: list[_Lot] = field(default_factory=list["_Lot"])

    def take(self, row: dict[str, Any]) -> None:
        if row["amount_cents"] > 0:
            self._gain(row)
        elif row["movement"] == "churn":
            self._churn(row["day"])
        else:
            self._contract(row["day"], -row["amount_cents"])

    def lines(self) -> list[Line]:
        lots = sorted(self.done + self.lots, key=lambda lot: (lot.day, _id(lot)))
        return [replace(lot.line, losses=tuple(lot.losses)) for lot in lots if lot.line is not None]

    def _gain(self, row: dict[str, Any]) -> None:
        day, amount = row["day"], row["amount_cents"]
        since = self.since = self.since or day
        line = None if row["rep"] is None else self._line(row)
        credited = line.credited_cents if line is not None else 0
        self.lots.append(_Lot(day, amount, line, credited, _renewal(since, day)))
        self.arr += amount

    def _line(self, row: dict[str, Any]) -> Line:
        day, amount = row["day"], row["amount_cents"]
        baseline = self.baselines.of(self.account_id, row["plan"], day)
        reasons = [f"baseline {_money(baseline.cents or 0)}: {baseline.source}"]
        floor = max(self.arr, baseline.cents or 0)
        if row["movement"] == _EXPANSION and (before := self._peak(day)) > floor:
            reasons.append(f"paid {_money(before)} before within {self.plan.net_over_days} days")
            floor = before
        credited = min(max(self.arr + amount - floor, 0), amount)
        if row["movement"] == _EXPANSION and row["base_churned"] and self.plan.renewal_gate:
            reasons.append("the base was not renewed: nothing")
            credited = 0
        rate, why, unknown = _rate(row, self.plan)
        return Line(
            receipt_id=row["receipt_id"],
            account_id=self.account_id,
            day=day,
            movement=row["movement"],
            bucket=row["bucket"],
            opportunity_id=row["opportunity_id"],
            rep=row["rep"],
            revenue_cents=amount,
            baseline=baseline,
            credited_cents=credited,
            rate=rate,
            pay_cents=half_even(credited * rate),
            reasons=(*reasons, *why),
            unknown=unknown,
            is_untouched=_is_untouched(row),
        )

    def _peak(self, day: date) -> int:
        first = day - timedelta(days=self.plan.net_over_days)
        return max((cents for on, cents in self.peaks if on >= first), default=0)

    def _churn(self, day: date) -> None:
        for lot in self.lots:
            if _within(lot, day, self.plan.clawback_days):
                _lose(lot, day, "clawback", 0)
            elif self.plan.renewal_gate and _is_expansion(lot) and day <= lot.renewal:
                _lose(lot, day, "gate", 0)
        self.done += self.lots
        self.lots, self.peaks, self.arr, self.since = [], [], 0, None

    def _contract(self, day: date, lost: int) -> None:
        """Take the newest dollars first; only commissions on expansions come back."""
        peak = self.arr
        self.arr -= lost
        for lot in reversed(self.lots):
            taken = min(lost, lot.cents)
            lot.cents -= taken
            lost -= taken
            left = max(lot.left - taken, 0)
            if _is_expansion(lot) and _within(lot, day, self.plan.clawback_days):
                peak -= lot.left - left
                _lose(lot, day, "clawback", left)
            lot.left = left
            if not lost:
                break
        self.peaks.append((day, peak))


def _rate(
    row: dict[str, Any], plan: CommissionPlan
) -> tuple[Fraction, tuple[str, ...], tuple[str, ...]]:
    """Return the commission of a credited cent, why, and what is not known about it."""
    reasons: list[str] = []
    read = ["self_served", "footprint"]
    read += ["base_churned"] if row["movement"] == _EXPANSION else []
    unknown = [name for name in read if row[name] is None]
    if row["bucket"] == "sales_sourced":
        rate, said = plan.rep_rate, "sourced by the rep"
    elif _is_untouched(row):
        rate, said = plan.untouched_rate, "untouched"
    else:
        rate, said = plan.pql_rate, "sourced by the product"
    reasons.append(f"{_percent(rate)}, {said}")
    if row["self_served"]:
        rate *= plan.partial_credit
        reasons.append(f"{_percent(plan.partial_credit)} of it, bought alone after a rep helped")
    if row["motion"] == "enterprise" and row["footprint"]:
        rate *= 1 - plan.haircut
        reasons.append(f"less {_percent(plan.haircut)}, an enterprise with a footprint")
    return rate, tuple(reasons), tuple(unknown)


def _is_untouched(row: dict[str, Any]) -> bool:
    return row["bucket"] == "product_sourced" and not row["self_served"]


def _lose(lot: _Lot, day: date, why: Literal["clawback", "gate"], left: int) -> None:
    if left < lot.left:
        lot.losses.append(Loss(day, why, left))
    lot.left = left


def _is_expansion(lot: _Lot) -> bool:
    return lot.line is not None and lot.line.movement == _EXPANSION


def _within(lot: _Lot, day: date, days: int) -> bool:
    return day - lot.day <= timedelta(days=days)


def _renewal(since: date, day: date) -> date:
    """Return the first anniversary after a day; that of the 29th of February is the 28th."""
    leap_day = (since.month, since.day) == (2, 29)
    begun = since - timedelta(days=1) if leap_day else since
    this_year = begun.replace(year=day.year)
    return this_year if this_year > day else begun.replace(year=day.year + 1)


def _id(lot: _Lot) -> str:
    return lot.line.receipt_id if lot.line is not None else ""


def _percent(share: Fraction) -> str:
    return f"{float(share * 100):g}%"


def _money(cents: int) -> str:
    return f"{cents / 100:,.2f}"
