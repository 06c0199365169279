"""Searching accounts of the latest run, and saying in a few sentences why each is worth a look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from groundswell.engine.telling import account_rows
from groundswell.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.engine import Project

SENTENCES = 3
LONGEST_SEARCH = 200
SORTS: Mapping[str, tuple[str, bool]] = {
    "score": ("score", True),
    "name": ("name", False),
    "employees": ("employees", True),
    "mrr": ("mrr", True),
    "active": ("active_users_28d", True),
}
"""By what accounts are sorted: the column, and whether the most comes first."""


def search_accounts(seen: pl.DataFrame, asked: Mapping[str, str]) -> pl.DataFrame:
    """Return the accounts that are asked for.

    Args:
        seen: Accounts of the latest run.
        asked: `search` for a text in name, id or owner; `tier`, `motion` and `owner` by their
            value; `qualified` as yes or no; `sort`, one of `SORTS`. What is empty asks nothing.
    """
    if text := asked.get("search", "").strip()[:LONGEST_SEARCH]:
        # Plain text, not a pattern: what is typed is looked for as it is.
        low = text.lower()
        seen = seen.filter(
            pl.any_horizontal(
                pl.col(name).str.to_lowercase().str.contains(low, literal=True).fill_null(False)  # noqa: FBT003
                for name in ("name", "account_id", "owner")
            )
        )
    for name in ("tier", "motion", "owner"):
        if wanted := asked.get(name, ""):
            seen = seen.filter(pl.col(name).cast(pl.String) == wanted)
    if (wanted := asked.get("qualified", "")) in {"yes", "no"}:
        seen = seen.filter(pl.col("qualified") == (wanted == "yes"))
    column, most_first = SORTS.get(asked.get("sort", "") or "score", SORTS["score"])
    return seen.sort(column, "account_id", descending=[most_first, False], nulls_last=True)


def why_now(project: Project, wanted: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return why each account is worth a conversation now, in up to `SENTENCES` sentences.

    What started to hold comes first; where nothing did, what gave the most points.
    """
    try:
        latest = project.looker.latest()
    except UsageError:  # nobody was scored yet
        return {}
    rows = account_rows(project.loaded, latest.filter(pl.col("account_id").is_in(list(wanted))))
    return {row.account_id: tuple((row.triggers or row.reasons)[:SENTENCES]) for row in rows}
