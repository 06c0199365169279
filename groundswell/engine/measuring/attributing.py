"""Which bucket each new or expanded dollar is in, told from what a project knows by a day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from groundswell.config.quantities import Misfit, parse_quarter
from groundswell.engine.measuring.locking import Lock, Rulebook, RulesVersion, versions_of
from groundswell.errors import Problem, UsageError
from groundswell.measure.attribution import (
    Comparison,
    Facts,
    QuarterTotal,
    Receipt,
    attribute,
    compare,
    first_of_quarter,
    footprint_days,
    total_receipts,
)
from groundswell.measure.recurring import reconcile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.attribution import AttributionRules
    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.measuring.gathering import Gathered
    from groundswell.engine.measuring.tables import Tables

_AFTER_A_QUARTER = timedelta(days=93)
_DAY = timedelta(days=1)
_AHA = "is_activated"
_ALONE, _READING = 20_000, 150
"""What an account computed for itself costs, and the reading of one among all, in days of one."""


@dataclass(frozen=True)
class AttributionReport:
    """Which bucket revenue is in, as of a day.

    Attributes:
        as_of: What was known by this day was used.
        currency: Of every amount.
        quarter: The first day of the quarter that was asked for.
        quarters: Every quarter from the first gain on, ascending.
        locks: The rules of each.
        versions: What these rules are, and since when they are known.
        written: What is written now.
        next: What it would change of the quarter that was asked for, where it is something else
            than what that is judged by: it takes effect in the next one.
        what_if: The same of other rules that were asked for.
        receipts: Of the quarter, where they were asked for.
        missing: What would have to be known.
    """

    as_of: date
    currency: str
    quarter: date
    quarters: tuple[QuarterTotal, ...]
    locks: tuple[Lock, ...]
    versions: tuple[RulesVersion, ...]
    written: RulesVersion
    next: Comparison | None
    what_if: Comparison | None
    receipts: tuple[Receipt, ...]
    missing: tuple[str, ...]

    @property
    def shown(self) -> QuarterTotal | None:
        """The quarter that was asked for; None where nothing was gained up to its end."""
        return next((one for one in self.quarters if one.first == self.quarter), None)


@dataclass(frozen=True)
class Attributed:
    """Revenue in its buckets.

    Attributes:
        facts: What it was told from.
        book: The rules of each quarter.
        receipts: Every gain.
    """

    facts: Facts
    book: Rulebook
    receipts: tuple[Receipt, ...]


def report_attribution(
    loaded: LoadedConfig,
    computer: Computer,
    known: Gathered,
    tables: Tables,
    *,
    quarter: str | None = None,
    what_if: LoadedConfig | None = None,
    receipts: bool = False,
) -> AttributionReport:
    """Tell which bucket revenue is in.

    Args:
        loaded: The rules as they are written.
        computer: Answers for footprints; its ledger keeps the rules of each quarter.
        known: What is known by the day.
        tables: The same as tables.
        quarter: Such as `2026-Q2`; that of the day by default.
        what_if: Other rules.
        receipts: Whether every receipt of the quarter is told.

    Raises:
        UsageError: The quarter is none, or has not begun; or other rules need other windows.
        GroundswellError: The buckets do not come to the revenue.
    """
    first = asked_quarter(quarter, known.as_of)
    other = what_if.attribution if what_if is not None else None
    if other is not None:
        _check_window(other, loaded)
    found = attribute_revenue(loaded, computer, known, tables, other=other)
    periods = _periods(found.facts.movements, known.as_of)
    locks = tuple(found.book.lock(period[0]) for period in periods) or (found.book.lock(first),)
    balances = reconcile(known.subscriptions, periods, as_of=known.as_of) if periods else []
    inside = [one for one in found.receipts if one.quarter == first]
    holds = found.book.rules_of(first)

    def compared(rules: AttributionRules, version: str) -> Comparison:
        of_quarter = _of_quarter(found.facts, first)
        after = attribute(of_quarter, lambda _: rules)
        return compare(inside, after, before_rules=holds.version, after_rules=version)

    written = found.book.written
    return AttributionReport(
        as_of=known.as_of,
        currency=loaded.config.currency,
        quarter=first,
        quarters=tuple(
            total_receipts(
                found.receipts,
                found.facts.movements,
                balances,
                versions={lock.first: lock.version for lock in locks},
                as_of=known.as_of,
            )
        ),
        locks=locks,
        versions=tuple(versions_of(found.book, locks).values()),
        written=written,
        next=None
        if written.version == holds.version
        else compared(loaded.attribution, written.version),
        what_if=None if other is None else compared(other, other.version),
        receipts=tuple(inside) if receipts else (),
        missing=_missing(known, found.facts),
    )


def attribute_revenue(
    loaded: LoadedConfig,
    computer: Computer,
    known: Gathered,
    tables: Tables,
    *,
    other: AttributionRules | None = None,
) -> Attributed:
    """Put every gain that is known by a day into its bucket.

    Args:
        loaded: The rules as they are written.
        computer: Answers for footprints; its ledger keeps the rules of each quarter.
        known: What is known by the day.
        tables: The same as tables.
        other: Rules that are tried besides, so that what they read is there.
    """
    book = Rulebook.of(loaded, computer.ledger).known_by(known.as_of)
    kept = {one.version: one.rules for one in (*book.kept, book.written)}
    bare = Facts(
        movements=known.movements,
        accounts=known.accounts,
        opportunities=tables.deals,
        touches=known.touches,
        handoffs=known.handoffs,
        pqls=known.pqls,
        features=pl.DataFrame(),
    )
    read = [*kept.values(), *([other] if other is not None else [])]
    facts = _with_footprints(bare, computer, read)
    receipts = attribute(facts, lambda first: kept[book.rules_of(first).version])
    return Attributed(facts, book, tuple(receipts))


def asked_quarter(quarter: str | None, as_of: date) -> date:
    """Return the first day of a quarter; of that of a day where none is asked for.

    Raises:
        UsageError: It is none, or begins after the day.
    """
    if quarter is None:
        return first_of_quarter(as_of)
    try:
        year, number = parse_quarter(quarter)
    except Misfit as misfit:
        raise UsageError(Problem("usage-quarter", misfit.what, misfit.fix)) from None
    first = date(year, number * 3 - 2, 1)
    if first > as_of:
        what = f"`{quarter}` begins after {as_of}."
        raise UsageError(Problem("usage-quarter", what, "Ask for one that has begun."))
    return first


def quarter_name(first: date) -> str:
    """Return what the quarter that begins on a day is called.

    >>> quarter_name(date(2026, 4, 1))
    '2026-Q2'
    """
    return f"{first.year}-Q{first.month // 3 + 1}"


def _check_window(rules: AttributionRules, loaded: LoadedConfig) -> None:
    windows = loaded.config.windows
    if f"{rules.footprint_days}d" in windows:
        return
    what = f"The other rules look at a footprint of {rules.footprint_days} days."
    fix = f"This project counts over {', '.join(f'`{window}`' for window in windows)}."
    raise UsageError(Problem("usage-window", what, fix))


def _with_footprints(bare: Facts, computer: Computer, rules: list[AttributionRules]) -> Facts:
    """Add what footprints are told by, of the accounts and days that need it.

    An account computed for itself takes as long as thousands of days of others beside it; so all
    are computed where many are asked for.
    """
    names = {name for one in rules for name in (one.people_feature, one.days_feature)}
    wanted = [*sorted(names), _AHA]
    asked = footprint_days(bare, rules)
    days = asked.get_column("as_of").unique().sort().to_list()
    accounts = asked.get_column("account_id").unique().sort().to_list()
    some = not accounts or len(accounts) * _ALONE < bare.accounts.height * (len(days) + _READING)
    frames = [
        frame.select("account_id", "as_of", *(one for one in wanted if one in frame.columns)).join(
            asked, on=["account_id", "as_of"], how="semi"
        )
        for frame in computer.features(days, accounts=accounts if some else None)
    ]
    empty = pl.DataFrame(
        schema={"account_id": pl.String, "as_of": pl.Date}
        | {name: pl.Float64 for name in wanted if name in computer.loaded.types}
    )
    features = pl.concat(frames) if frames else empty
    return replace(bare, features=features)


def _of_quarter(facts: Facts, first: date) -> Facts:
    after = first_of_quarter(first + _AFTER_A_QUARTER)
    inside = facts.movements.filter(pl.col("day").is_between(first, after, closed="left"))
    return replace(facts, movements=inside)


def _periods(movements: pl.DataFrame, as_of: date) -> list[tuple[date, date]]:
    """Return the first and last days of the quarters from the first movement on."""
    days = movements.get_column("day")
    begun = days.min()
    if not isinstance(begun, date):
        return []
    found, first = list[tuple[date, date]](), first_of_quarter(begun)
    while first <= as_of:
        after = first_of_quarter(first + _AFTER_A_QUARTER)
        found.append((first, min(after - _DAY, as_of)))
        first = after
    return found


def _missing(known: Gathered, facts: Facts) -> tuple[str, ...]:
    tables: Mapping[str, pl.DataFrame] = {
        "subscriptions": known.subscriptions,
        "opportunities": known.opportunities,
        "touches": known.touches,
        "pqls": known.pqls,
    }
    lacking = [name for name, rows in tables.items() if not rows.height]
    if _AHA not in facts.features.columns:
        lacking.append("features")
    return tuple(lacking)
