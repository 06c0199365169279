"""Accounts: searched, filtered, kept as views, written to a file."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import polars as pl

from groundswell.engine.searching import search_accounts
from groundswell.errors import Problem, UsageError
from groundswell.store.colleagues import SavedView
from groundswell.web.site.visit import Answer, File, Moved, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from groundswell.web.site.visit import Visit

PAGE = 50
MOST_EXPORTED = 100_000
LONGEST_NAME = 60
FILTERS = ("search", "tier", "motion", "qualified", "owner", "sort")
_COLUMNS = (
    *("account_id", "name", "score", "tier", "motion", "qualified", "owner"),
    *("employees", "active_users_28d", "mrr", "plan"),
)
_FORMULA = (*"=+-@", *"\uff1d\uff0b\uff0d\uff20", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula; the wide forms, too.

Source: OWASP, CSV Injection.
"""


@dataclass(frozen=True, slots=True)
class AccountsPage:
    """Accounts that were found.

    Attributes:
        rows: One for each, by column.
        count: How many were found.
        first: The place of the first that is shown, from 0.
        asked: What was asked, by parameter.
        tiers, motions: What there is to choose from.
        views: What who asks has kept.
        as_of: The day of the scores; None before the first run.
        here, before, after: The query of this page, and those beside it.
    """

    rows: tuple[dict[str, Any], ...]
    count: int
    first: int
    asked: Mapping[str, str]
    tiers: tuple[str, ...]
    motions: tuple[str, ...]
    views: tuple[SavedView, ...]
    as_of: date | None
    here: str
    before: str | None
    after: str | None


def show_accounts(visit: Visit) -> Answer:
    """Show the accounts that are asked for."""
    seen = _seen(visit)
    found = search_accounts(seen, visit.query)
    first = visit.number("first", least=0, most=max(found.height - 1, 0), usual=0)
    asked = {name: visit.query.get(name, "")[:200] for name in FILTERS}
    page = AccountsPage(
        rows=tuple(found.slice(first, PAGE).iter_rows(named=True)),
        count=found.height,
        first=first,
        asked=asked,
        tiers=_known(seen, "tier"),
        motions=_known(seen, "motion"),
        views=tuple(visit.site.colleagues.ledger.views(visit.who.email)),
        as_of=visit.project.looker.latest_day(),
        here=_query(asked),
        before=_query(asked, max(first - PAGE, 0)) if first else None,
        after=_query(asked, first + PAGE) if first + PAGE < found.height else None,
    )
    return Shown("accounts.html", page, "Accounts", part="part_accounts.html")


def export_accounts(visit: Visit) -> Answer:
    """Write the accounts that are asked for to a file."""
    found = search_accounts(_seen(visit), visit.query).head(MOST_EXPORTED)
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(found.columns)
    writer.writerows([_plain(value) for value in row] for row in found.iter_rows())
    visit.note("accounts.export", rows=found.height)
    return File(written.getvalue().encode(), "text/csv; charset=utf-8", "accounts.csv")


def find_accounts(visit: Visit) -> Answer:
    """Show a few accounts by their name, for who types one."""
    text = visit.query.get("search", "").strip()
    found = (
        search_accounts(_seen(visit), {"search": text}).head(8) if text else _seen(visit).head(0)
    )
    return Shown("part_found.html", tuple(found.iter_rows(named=True)), "Accounts")


def keep_view(visit: Visit) -> Answer:
    """Keep what was asked under a name.

    Raises:
        UsageError: It has no name.
    """
    name = visit.form.get("name", "").strip()
    if not name or len(name) > LONGEST_NAME:
        raise UsageError(
            Problem(
                "view-name",
                f"A view has a name of 1 to {LONGEST_NAME} characters.",
                "Write a short one, such as `Big and quiet`.",
            )
        )
    query = _query({name: visit.form.get(name, "")[:200] for name in FILTERS})
    visit.site.colleagues.ledger.keep_view(SavedView(visit.who.email, name, query))
    return Moved(f"/accounts?{query}")


def drop_view(visit: Visit) -> Answer:
    """Forget a view."""
    visit.site.colleagues.ledger.drop_view(visit.who.email, visit.form.get("name", ""))
    return Moved("/accounts")


def _seen(visit: Visit) -> pl.DataFrame:
    """Return the accounts that who asks may see, best first; none before the first run."""
    try:
        frame = visit.project.looker.latest().select(_COLUMNS)
    except UsageError:
        return pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.String))
    return visit.sight.filter_accounts(frame)


def _known(frame: pl.DataFrame, column: str) -> tuple[str, ...]:
    return tuple(sorted(str(value) for value in frame[column].unique() if value is not None))


def _query(asked: Mapping[str, str], first: int = 0) -> str:
    told = [(name, value) for name, value in asked.items() if value]
    return urlencode([*told, ("first", str(first))] if first else told)


def _plain(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    begins = isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA)
    return f"'{value}" if begins else value
