"""Metrics: a number of a period, with its interval, its change, and the accounts behind it.

Every number of a period is told from the same draws of accounts, so that what changed from one
period to the next, and what a formula makes of several numbers, has an interval as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl

from groundswell.measure.estimates import DRAWS, NOTHING, Draws, Estimate, interval, wilson
from groundswell.model import Motion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from groundswell.config.metrics import Metric
    from groundswell.measure.estimates import Floats

ACCOUNT = "account_id"
_NONE = np.zeros(0)


@dataclass(frozen=True, slots=True)
class Period:
    """Days that are looked at together, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many there are."""
        return (self.last - self.first).days + 1

    def earlier(self, days: int) -> Period:
        """Return the period of the same length that many days before."""
        back = timedelta(days=days)
        return Period(self.first - back, self.last - back)

    def before(self) -> Period:
        """Return the period of the same length that ends where this one begins."""
        return self.earlier(self.days)


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric of a period.

    Attributes:
        metric: Its name.
        motion: Of which motion; None for all.
        first, last: The days that rows were taken from: earlier than the period that was asked
            for, where rows have to mature.
        estimate: The number with its interval.
        before: The same of the period before.
        change: The difference; its interval holds 0 where nothing can be said to have changed.
        missing: What would have to be known; empty where everything is.
    """

    metric: str
    motion: Motion | None
    first: date
    last: date
    estimate: Estimate
    before: Estimate
    change: Estimate
    missing: str = ""


@dataclass(frozen=True)
class _Drawn:
    """A number with its draws."""

    value: float | None
    draws: Floats
    n: int
    share: tuple[int, int] | None = None

    def estimate(self) -> Estimate:
        if self.share is not None:
            return wilson(*self.share)
        if not len(self.draws):
            return NOTHING if self.value is None else Estimate(self.value, n=self.n)
        return interval(self.value, self.draws, self.n)


_UNKNOWN = _Drawn(None, _NONE, 0)


@dataclass
class Measurer:
    """Computes metrics over tables, as they were known by a day.

    Attributes:
        metrics: By name.
        tables: By name, in the columns of `config.measured.MEASURED`.
        missing: By table, what would have to be loaded for it; told where it is empty.
        seed: Of the draws.
        draws: How many.
    """

    metrics: Mapping[str, Metric]
    tables: Mapping[str, pl.DataFrame]
    missing: Mapping[str, str] = field(default_factory=dict[str, str])
    seed: int = 0
    draws: int = DRAWS
    _draws: Draws | None = field(default=None, repr=False)
    _known: dict[tuple[str, Motion | None, Period], _Drawn] = field(
        default_factory=dict[tuple[str, "Motion | None", Period], _Drawn], repr=False
    )

    def figures(self, period: Period, *, names: Iterable[str] | None = None) -> list[Figure]:
        """Return every metric of a period, those by motion once for each."""
        wanted = self.metrics if names is None else list(names)
        return [
            self.figure(name, period, motion=motion)
            for name in wanted
            for motion in self._motions(self.metrics[name])
        ]

    def figure(self, name: str, period: Period, *, motion: Motion | None = None) -> Figure:
        """Return one metric of a period, with what it was in the one before.

        Raises:
            KeyError: There is no such metric.
        """
        metric = self.metrics[name]
        now, then = self._drawn(name, period, motion), self._drawn(name, period.before(), motion)
        change = _Drawn(None, _NONE, 0)
        if now.value is not None and then.value is not None:
            spread = now.draws - then.draws if len(now.draws) == len(then.draws) else _NONE
            change = _Drawn(now.value - then.value, spread, now.n + then.n)
        told = period.earlier(metric.matures)
        return Figure(
            name,
            motion or metric.motion,
            told.first,
            told.last,
            now.estimate(),
            then.estimate(),
            change.estimate(),
            self._lacks(metric) if now.value is None else "",
        )

    def trend(
        self, name: str, period: Period, periods: int, *, motion: Motion | None = None
    ) -> list[tuple[date, float | None]]:
        """Return the last day and the number of so many periods, the oldest first."""
        plain = replace(self, draws=1, _draws=None, _known={})  # without intervals
        found: list[tuple[date, float | None]] = []
        for back in reversed(range(periods)):
            then = period.earlier(back * period.days)
            found.append((then.last, plain.value(name, then, motion=motion)))
        return found

    def value(self, name: str, period: Period, *, motion: Motion | None = None) -> float | None:
        """Return the number of a metric in a period, without its interval."""
        return self._drawn(name, period, motion).value

    def behind(self, name: str, period: Period, *, motion: Motion | None = None) -> pl.DataFrame:
        """Return the rows that a metric of a period is told from.

        Returns:
            The columns of its table, and `counted`: whether a row is counted, or how much of it.
            For a formula, the rows of all that it is made of, by `metric`.
        """
        metric = self.metrics[name]
        if metric.how == "formula":
            parts = [
                self.behind(part, period.earlier(metric.matures), motion=motion).select(
                    pl.lit(part).alias("metric"), ACCOUNT, pl.col("counted").cast(pl.Float64)
                )
                for part in sorted(metric.of[0].names)
                if self.metrics[part].how == "formula" or ACCOUNT in self._table(part).columns
            ]
            return pl.concat(parts) if parts else pl.DataFrame()
        rows = self._rows(metric, period, motion or metric.motion)
        counted = metric.of[0].to_polars() if metric.of else pl.lit(value=True)
        return rows.with_columns(counted.alias("counted"))

    # --- one number ---------------------------------------------------------------------------

    def _motions(self, metric: Metric) -> list[Motion | None]:
        return list(Motion) if metric.by_motion else [None]

    def _drawn(self, name: str, period: Period, motion: Motion | None) -> _Drawn:
        key = (name, motion, period)
        if key not in self._known:
            metric = self.metrics[name]
            if metric.how == "formula":
                self._known[key] = self._formula(metric, period, motion)
            else:
                self._known[key] = self._aggregate(metric, period, motion)
        return self._known[key]

    def _aggregate(self, metric: Metric, period: Period, motion: Motion | None) -> _Drawn:
        table = self._table(metric.name)
        if not table.height and metric.table in self.missing:
            return _UNKNOWN
        rows = self._rows(metric, period, motion or metric.motion)
        read = [rows.select(one.to_polars().alias("of"))["of"] for one in metric.of]
        values = [_floats(one) for one in read]
        if ACCOUNT not in rows.columns:
            return _whole(metric.how, values, rows.height)
        if self._draws is None:
            self._draws = Draws.of(self._accounts(), draws=self.draws, seed=self.seed)
        return _drawn_rows(metric.how, values, rows[ACCOUNT], self._draws)

    def _formula(self, metric: Metric, period: Period, motion: Motion | None) -> _Drawn:
        expression = metric.of[0]
        told = period.earlier(metric.matures)
        parts = {
            part: self._drawn(part, told, motion if self.metrics[part].by_motion else None)
            for part in sorted(expression.names)
        }
        if any(part.value is None for part in parts.values()):
            return _UNKNOWN
        values = pl.DataFrame({part: [drawn.value] for part, drawn in parts.items()})
        value = _finite(values.select(expression.to_polars().alias("is")).item())
        lengths = {len(drawn.draws) for drawn in parts.values() if len(drawn.draws)}
        n = min(drawn.n for drawn in parts.values())
        if value is None or len(lengths) != 1:
            return _Drawn(value, _NONE, n)
        (length,) = lengths
        spread = pl.DataFrame(
            {
                part: drawn.draws if len(drawn.draws) else np.full(length, drawn.value)
                for part, drawn in parts.items()
            }
        )
        draws = spread.select(expression.to_polars().cast(pl.Float64).alias("is"))["is"]
        return _Drawn(value, draws.fill_null(np.nan).to_numpy(), n)

    def _rows(self, metric: Metric, period: Period, motion: Motion | None) -> pl.DataFrame:
        told = period.earlier(metric.matures)
        on = pl.col(str(metric.on))
        first = told.last if metric.at_end else told.first
        wanted = [on.is_between(first, told.last)]
        if metric.among is not None:
            wanted.append(metric.among.to_polars().fill_null(value=False))
        table = self._table(metric.name)
        if motion is not None and "motion" in table.columns:
            wanted.append(pl.col("motion") == str(motion))
        return table.filter(*wanted)

    def _table(self, name: str) -> pl.DataFrame:
        return self.tables[str(self.metrics[name].table)]

    def _accounts(self) -> pl.Series:
        known = [table[ACCOUNT] for table in self.tables.values() if ACCOUNT in table.columns]
        return pl.concat(known).unique()

    def _lacks(self, metric: Metric) -> str:
        """Return what would have to be known for a metric that has no number."""
        if metric.how != "formula":
            return self.missing.get(str(metric.table), "")
        told = [self._lacks(self.metrics[part]) for part in sorted(metric.of[0].names)]
        return next((one for one in told if one), "")


def _floats(values: pl.Series) -> Floats:
    """Return values as numbers; NaN for what is unknown."""
    return values.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _finite(value: object) -> float | None:
    number = cast("float | None", value)
    return number if number is not None and np.isfinite(number) else None


def _whole(how: str, values: list[Floats], n: int) -> _Drawn:
    """Return a number of rows that belong to no account: it has no draws."""
    known = [one[np.isfinite(one)] for one in values]
    if how == "count":
        return _Drawn(float(known[0].sum() if known else n), _NONE, n)
    if how == "sum":
        return _Drawn(float(known[0].sum()), _NONE, n)
    if not n or not len(known[0]):
        return _UNKNOWN
    if how in {"share", "mean"}:
        return _Drawn(float(known[0].mean()), _NONE, len(known[0]))
    if how == "ratio":
        below = float(known[1].sum())
        return _Drawn(float(known[0].sum()) / below if below else None, _NONE, n)
    return _Drawn(_quantile(known[0], how), _NONE, len(known[0]))


def _drawn_rows(how: str, values: list[Floats], accounts: pl.Series, draws: Draws) -> _Drawn:
    """Return a number of rows, and the same in every draw of their accounts."""
    if how == "count":
        hits = values[0] if values else np.ones(len(accounts))
        counted = np.nan_to_num(hits)
        return _Drawn(float(counted.sum()), draws.sums(accounts, counted), int(counted.sum()))
    known = np.isfinite(values[0])
    if how == "ratio":
        known &= np.isfinite(values[1])
    of, n = values[0][known], int(known.sum())
    if how == "sum":
        return _Drawn(float(of.sum()), draws.sums(accounts.filter(known), of), n)
    if not n:
        return _UNKNOWN
    owners = accounts.filter(known)
    if how in {"median", "p90"}:
        share = _SHARES[how]
        return _Drawn(_quantile(of, how), draws.quantiles(owners, of, share), n)
    below = values[1][known] if how == "ratio" else np.ones(n)
    total, drawn = float(below.sum()), draws.sums(owners, below)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = draws.sums(owners, of) / drawn
    hits = (int(of.sum()), n) if how == "share" and owners.n_unique() == n else None
    return _Drawn(float(of.sum()) / total if total else None, spread, n, hits)


_SHARES = {"median": 0.5, "p90": 0.9}


def _quantile(values: Floats, how: str) -> float:
    """Return the quantile that `Draws.quantiles` gives where every account weighs the same."""
    ordered = np.sort(values)
    return float(ordered[min(int(np.ceil(_SHARES[how] * len(ordered))) - 1, len(ordered) - 1)])


def quarter_of(day: date) -> Period:
    """Return the calendar quarter that a day is in.

    >>> quarter_of(date(2026, 5, 20)).last
    datetime.date(2026, 6, 30)
    """
    month = (day.month - 1) // 3 * 3 + 1
    first = date(day.year, month, 1)
    after = date(day.year + month // 10, (month + 2) % 12 + 1, 1)
    return Period(first, after - timedelta(days=1))


def month_of(day: date) -> Period:
    """Return the calendar month that a day is in.

    >>> month_of(date(2026, 12, 20)).last
    datetime.date(2026, 12, 31)
    """
    after = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return Period(day.replace(day=1), after - timedelta(days=1))
