"""What is known of the accounts that revenue came from: deals, touches, PQLs and footprints."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from groundswell.config.attribution import AttributionRules

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Facts:
    """The frames that revenue is attributed by.

    Attributes:
        movements: As `arr_movements` gives them, each on its own day.
        accounts: account_id, parent_id (itself where none).
        opportunities: opportunity_id, account_id, created_at, closed_at, won, source, owner, and
            the motion that it is sold in.
        touches: account_id, rep, at.
        handoffs: handoff_id, account_id, owner, opened_at, first_touch_at.
        pqls: account_id, qualified_on, released_on.
        features: account_id, as_of, and what footprints are told by; a row for each account and
            day of `footprint_days` that was known then.
    """

    movements: pl.DataFrame
    accounts: pl.DataFrame
    opportunities: pl.DataFrame
    touches: pl.DataFrame
    handoffs: pl.DataFrame
    pqls: pl.DataFrame
    features: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Evidence:
    """What decided on a dollar; None is not known, or was not looked for.

    Attributes:
        qualified_on: When the account, or another of its parent, had become a PQL.
        handoff_id, handed_on: What was handed over before the opportunity, and when.
        opportunity_id, opened_on: The opportunity that was worked.
        won_on: When it was won; None while it is open.
        touches: How often somebody touched the account in the time before.
        touched_on: When last.
        touched_by: Who, each once.
        footprint_on: The day as of which the footprint was looked at.
        people, days: Active people and days within the time that the rules give.
        activated: Whether the aha was reached by then.
    """

    qualified_on: date | None = None
    handoff_id: str | None = None
    handed_on: date | None = None
    opportunity_id: str | None = None
    opened_on: date | None = None
    won_on: date | None = None
    touches: int = 0
    touched_on: date | None = None
    touched_by: tuple[str, ...] = ()
    footprint_on: date | None = None
    people: int | None = None
    days: int | None = None
    activated: bool | None = None


@dataclass(frozen=True, slots=True)
class Deal:
    """An opportunity."""

    opportunity_id: str
    opened: date
    closed: date | None
    won: bool
    source: str
    owner: str | None
    motion: str | None

    def standing(self, day: date, rules: AttributionRules) -> str | None:
        """Return whether it was won or open beside revenue of a day; None if it was neither."""
        span = timedelta(days=rules.won_days)
        if self.opened > day or (day - self.opened).days > rules.opportunity_days:
            return None
        if self.closed is None or (self.closed > day and not self.won):
            return "open"
        if self.won and abs(self.closed - day) <= span:
            return "won"
        return "open" if self.closed > day else None


@dataclass(frozen=True, slots=True)
class Touch:
    """That a rep touched an account."""

    day: date
    rep: str


@dataclass(frozen=True, slots=True)
class Handed:
    """A handoff: when it was opened and touched, and who owns it."""

    handoff_id: str
    opened: date
    touched: date | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a footprint is told by; None where the feature is not computed."""

    people: int | None
    days: int | None
    activated: bool | None


class Files:
    """The facts by account.

    Deals and touches are looked up at the account and at its parent, which the CRM often knows
    alone; PQLs, handoffs and footprints at all accounts of the same parent.
    """

    def __init__(self, facts: Facts) -> None:
        pairs = facts.accounts.select("account_id", "parent_id").iter_rows()
        self._parent: dict[str, str] = {account: parent or account for account, parent in pairs}
        self._family: dict[str, list[str]] = defaultdict(list)
        for account, parent in self._parent.items():
            self._family[parent].append(account)
        self._deals = _deals(facts.opportunities)
        self._touches = _touches(facts)
        self._handed = _handed(facts.handoffs)
        self._pqls: dict[str, list[tuple[date, date | None]]] = defaultdict(list)
        for account, on, off in facts.pqls.select(
            "account_id", "qualified_on", "released_on"
        ).iter_rows():
            self._pqls[account].append((on, off))
        self._features = facts.features

    def parent(self, account: str) -> str:
        """Return the parent of an account, or itself."""
        return self._parent.get(account, account)

    def family(self, account: str) -> list[str]:
        """Return all accounts of the same parent, itself among them."""
        parent = self.parent(account)
        return sorted({account, parent, *self._family.get(parent, ())})

    def deals(self, account: str) -> Iterator[Deal]:
        """Yield the opportunities of an account and of its parent."""
        for name in {account, self.parent(account)}:
            yield from self._deals.get(name, ())

    def touches(self, account: str) -> Iterator[Touch]:
        """Yield who touched an account or its parent."""
        for name in {account, self.parent(account)}:
            yield from self._touches.get(name, ())

    def handed(self, account: str) -> Iterator[Handed]:
        """Yield the handoffs of an account's family."""
        for name in self.family(account):
            yield from self._handed.get(name, ())

    def pqls(self, account: str) -> Iterator[tuple[date, date | None]]:
        """Yield when accounts of a family became PQLs, and ceased to be."""
        for name in self.family(account):
            yield from self._pqls.get(name, ())

    def usage(self, rules: AttributionRules) -> dict[tuple[str, date], Usage]:
        """Return by account and day what a footprint is told by."""
        told = {name: name in self._features.columns for name in _read_by(rules)}
        rows = self._features.select(
            "account_id",
            "as_of",
            *(
                (pl.col(name) if known else pl.lit(None)).cast(pl.Float64).alias(name)
                for name, known in told.items()
            ),
        )
        people, days, aha = told.values()
        return {
            (account, day): Usage(
                int(row[0] or 0) if people else None,
                int(row[1] or 0) if days else None,
                bool(row[2]) if aha else None,
            )
            for account, day, *row in rows.iter_rows()
        }

    def unused(self, rules: AttributionRules) -> Usage:
        """Return what an account used that was not there yet."""
        people, days, aha = (name in self._features.columns for name in _read_by(rules))
        return Usage(0 if people else None, 0 if days else None, False if aha else None)


def _read_by(rules: AttributionRules) -> tuple[str, str, str]:
    return rules.people_feature, rules.days_feature, "is_activated"


def footprint_days(facts: Facts, rules: Sequence[AttributionRules]) -> pl.DataFrame:
    """Return of which accounts, and as of which days, a footprint may have to be known.

    That is the day before an opportunity was opened that stands beside a gain, of all accounts of
    its parent.

    Args:
        facts: Without features.
        rules: All that are asked for.

    Returns:
        account_id, as_of; each pair once.
    """
    files = Files(facts)
    pairs: set[tuple[str, date]] = set()
    gains = facts.movements.filter(pl.col("arr_cents") > 0).select("account_id", "day")
    for account, day in gains.iter_rows():
        for deal in files.deals(account):
            if any(deal.standing(day, one) for one in rules):
                pairs |= {(one, deal.opened - DAY) for one in files.family(account)}
    return pl.DataFrame(
        sorted(pairs), schema={"account_id": pl.String, "as_of": pl.Date}, orient="row"
    )


def _deals(rows: pl.DataFrame) -> dict[str, list[Deal]]:
    found: dict[str, list[Deal]] = defaultdict(list)
    told = rows.select(
        "account_id",
        "opportunity_id",
        pl.col("created_at").dt.date(),
        pl.col("closed_at").dt.date(),
        pl.col("won").fill_null(value=False) & pl.col("closed_at").is_not_null(),
        pl.col("source").fill_null("").str.strip_chars().str.to_lowercase(),
        pl.col("owner").str.to_lowercase(),
        "motion",
    ).drop_nulls(["account_id", "opportunity_id", "created_at"])
    for account, *rest in told.iter_rows():
        found[account].append(Deal(*rest))
    return found


def _touches(facts: Facts) -> dict[str, list[Touch]]:
    """Return the touches that were told of, and the first ones of handoffs."""
    found: dict[str, set[tuple[date, str]]] = defaultdict(set)
    for rows, at, rep in (
        (facts.touches, "at", "rep"),
        (facts.handoffs, "first_touch_at", "owner"),
    ):
        told = rows.select("account_id", pl.col(at).dt.date(), pl.col(rep).str.to_lowercase())
        _add(found, told.drop_nulls().iter_rows())
    return {
        account: [Touch(day, rep) for day, rep in sorted(touches)]
        for account, touches in found.items()
    }


def _add(found: dict[str, set[tuple[date, str]]], rows: Iterable[tuple[Any, ...]]) -> None:
    for account, day, rep in rows:
        found[account].add((day, rep))


def _handed(rows: pl.DataFrame) -> dict[str, list[Handed]]:
    found: dict[str, list[Handed]] = defaultdict(list)
    told = rows.select(
        "account_id",
        "handoff_id",
        pl.col("opened_at").dt.date(),
        pl.col("first_touch_at").dt.date(),
        pl.col("owner").str.to_lowercase(),
    )
    for account, *rest in told.iter_rows():
        found[account].append(Handed(*rest))
    return found
